"""
Tests for FetchRemote.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gitaly_tx.errors import Code
from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.transport.remotefetch import RemoteFetch
from protocols.gitaly import repository_pb2 as pb
from tests.support.calls import make_call
from tests.support.farserver import FarServer
from tests.support.git import git
from tests.support.outwardcase import OutwardCase
from tests.support.writecase import NAME


class FetchRemoteCase(OutwardCase):
    """
    A repository, and another one that it fetches from.

    :ivar tip: of the other one.
    :ivar flags: feature flags that callers send.
    """

    def fill(self) -> None:
        super().fill()
        self.flags: dict[str, tuple[str, ...]] = {}
        self.tip = self.rev("main", self.far)

    def call(self, url: str | None = None, remote: dict[str, Any] | None = None, **fields: Any) -> Any:
        fields.setdefault("repository", NAME)
        params = pb.Remote(url=self.far if url is None else url, **(remote or {}))
        request = pb.FetchRemoteRequest(remote_params=params, **fields)
        return self.service.FetchRemote(make_call("RepositoryService/FetchRemote", metadata=self.flags), request)


class FetchRemoteTests(FetchRemoteCase):
    """
    ``FetchRemote``, from a repository of the same server.
    """

    async def test_everything(self) -> None:
        """
        All refs are fetched, those that are not there are pruned, and the objects are there with nothing left over.
        """
        self.far_ref("refs/heads/new")
        self.far_ref("refs/keep-around/x", "main~1")
        self.run_git("update-ref", "refs/heads/old", "main")
        loose = self.run_git("count-objects")
        before = self.refs()
        reply = await self.call()
        self.assertEqual((reply.tags_changed, reply.repo_changed), (True, True))
        self.assertEqual(self.refs(), self.refs(self.far))
        self.run_git("fsck", "--strict", "--connectivity-only")
        self.assertEqual(self.left(), [])
        self.assertEqual(self.run_git("count-objects"), loose)
        self.assertEqual([repository.partition.path for repository in self.packed], [NAME.relative_path])
        after = self.refs()
        moved = {name: after.get(name, "0" * 40) for name in before | after if before.get(name) != after.get(name)}
        self.assertEqual(self.sink.heard, [moved])

    async def test_nothing_new(self) -> None:
        """
        A second time nothing changes.
        """
        await self.call()
        reply = await self.call(check_tags_changed=True)
        self.assertEqual((reply.tags_changed, reply.repo_changed), (False, False))
        self.assertEqual(len(self.packed), 1)

    async def test_kept(self) -> None:
        """
        Without pruning, other refs stay; only those that a refspec leads to are ever pruned.
        """
        self.run_git("update-ref", "refs/heads/old", "main")
        await self.call(no_prune=True)
        self.assertIn("refs/heads/old", self.refs())
        self.run_git("update-ref", "refs/remotes/x/old", "main")
        self.run_git("update-ref", "refs/heads/old", "main")
        await self.call(remote={"mirror_refmaps": ["refs/heads/*:refs/remotes/x/*"]})
        self.assertEqual(sorted(self.refs()), ["refs/heads/main", "refs/heads/old", "refs/remotes/x/main"])

    async def test_rejected(self) -> None:
        """
        What is no fast-forward stays as it is, unless it is forced, and the rest is fetched.
        """
        own = self.run_git("commit-tree", self.rev("main^{tree}"), stdin=b"own")
        self.run_git("update-ref", "refs/heads/main", own)
        self.far_ref("refs/heads/new")
        await self.call()
        self.assertEqual(self.refs(), {"refs/heads/main": own, "refs/heads/new": self.tip})
        await self.call(force=True)
        self.assertEqual(self.refs(), {"refs/heads/main": self.tip, "refs/heads/new": self.tip})

    async def test_told(self) -> None:
        """
        Callers who want it are told that some refs were not written; the others are.
        """
        self.flags = {"gitaly-feature-atomic-fetch-remote": ("false",)}
        own = self.run_git("commit-tree", self.rev("main^{tree}"), stdin=b"own")
        self.run_git("update-ref", "refs/heads/main", own)
        self.far_ref("refs/heads/new")
        self.assertEqual(await self.refusal(self.call()), (Code.INTERNAL, "fetch remote: exit status 1"))
        self.assertEqual(self.refs(), {"refs/heads/main": own, "refs/heads/new": self.tip})
        reply = await self.call(force=True)
        self.assertTrue(reply.repo_changed)
        self.far_ref("refs/heads/dir/new")
        self.far_ref("refs/heads/last")
        self.run_git("update-ref", "refs/heads/dir", own)
        code, text = await self.refusal(self.call(no_prune=True))
        self.assertEqual(code, Code.INTERNAL)
        self.assertTrue(text.startswith("fetch remote: \"error: cannot lock ref 'refs/heads/dir/new'"), text)
        self.assertIn("refs/heads/last", self.refs())
        code, text = await self.refusal(self.call("/etc"))
        self.assertEqual((code, text[:22]), (Code.INTERNAL, 'fetch remote: "fatal: '))
        self.assertEqual(self.left(), [])

    async def test_tags(self) -> None:
        """
        Tags come along, or not; whether one was created or changed is told.
        """
        self.run_git("tag", "-m", "words", "v1", "main~2", path=self.far)
        heads = {"mirror_refmaps": ["heads"]}
        reply = await self.call(remote=heads, check_tags_changed=True, no_tags=True)
        self.assertEqual((reply.tags_changed, sorted(self.refs())), (False, ["refs/heads/main"]))
        reply = await self.call(remote=heads, check_tags_changed=True)
        self.assertEqual((reply.tags_changed, self.refs()["refs/tags/v1"]), (True, self.rev("v1", self.far)))
        self.run_git("tag", "-f", "v1", "main", path=self.far)
        reply = await self.call(remote={"mirror_refmaps": ["tags"]}, check_tags_changed=True)
        self.assertFalse(reply.tags_changed)
        reply = await self.call(remote={"mirror_refmaps": ["tags"]}, check_tags_changed=True, force=True)
        self.assertTrue(reply.tags_changed)
        self.run_git("tag", "-d", "v1", path=self.far)
        reply = await self.call(check_tags_changed=True)
        self.assertEqual((reply.tags_changed, reply.repo_changed, sorted(self.refs())), (False, True, ["refs/heads/main"]))

    async def test_in_the_way(self) -> None:
        """
        A ref that goes makes room for another one; one that stays does not, and then nothing is changed.
        """
        self.far_ref("refs/heads/dir/one")
        self.far_ref("refs/heads/file")
        self.run_git("update-ref", "refs/heads/dir", "main")
        self.run_git("update-ref", "refs/heads/file/one", "main")
        before = self.refs()
        expected = (Code.INTERNAL, "preparing reference update: file directory conflict")
        self.assertEqual(await self.refusal(self.call(no_prune=True)), expected)
        self.assertEqual(self.refs(), before)
        await self.call()
        self.assertEqual(self.refs(), self.refs(self.far))

    async def test_symbolic(self) -> None:
        """
        Symbolic refs are left alone.
        """
        self.run_git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
        self.far_ref("refs/heads/alias", "main~2")
        await self.call(force=True)
        self.assertEqual(self.run_git("symbolic-ref", "refs/heads/alias"), "refs/heads/main")
        self.assertEqual(self.refs()["refs/heads/main"], self.tip)

    async def test_bad_requests(self) -> None:
        """
        Requests without a usable remote are refused (faults 104 to 109, 119).
        """
        invalid = Code.INVALID_ARGUMENT
        asked = self.service.FetchRemote(None, pb.FetchRemoteRequest(repository=NAME))  # type: ignore[arg-type]
        self.assertEqual(await self.refusal(asked), (invalid, "missing remote params"))
        self.assertEqual(await self.refusal(self.call("")), (invalid, "blank or empty remote URL"))
        self.assertEqual(await self.refusal(self.call(repository=None)), (invalid, "repository not set"))
        self.assertEqual(await self.refusal(self.call(remote={"mirror_refmaps": ["a\nb"]})), (invalid, "invalid refspec"))
        for url in ("ext::sh -c id", "fd::17/foo", "--upload-pack=id", "ssh://-oProxyCommand=id/x", "../far.git"):
            self.assertEqual(await self.refusal(self.call(url)), (invalid, "remote URL not supported"))
        text = "couldn't get curloptResolve config: resolved address has invalid IPv4/IPv6 address"
        asked = self.call("https://e.org/a", remote={"resolved_address": "x"})
        self.assertEqual(await self.refusal(asked), (Code.INTERNAL, text))
        code, said = await self.refusal(self.call("/etc"))
        self.assertEqual(code, Code.INTERNAL)
        self.assertTrue(said.startswith("fetch remote: \"fatal: '/etc' does not appear to be a git repository"))
        self.assertEqual(self.left(), [])

    async def test_moved_meanwhile(self) -> None:
        """
        A ref that somebody moves while the fetch runs is not lost.
        """
        repository = await self.provider.repository(NAME)
        fetches = RemoteFetch(self.stack.git, self.stack.threads, self.unasked, self.packed.append)
        staging = await repository.stage()
        first, second = (ObjectID(self.rev(revision)) for revision in ("main~1", "main"))
        with self.assertRaises(Exception) as caught:
            await fetches.commit(repository, staging, [RefUpdate(b"refs/heads/main", first, second)])
        self.assertEqual(str(caught.exception), "preparing reference update: reference does not point to expected object")
        await staging.discard()
        with open(os.path.join(self.directory.path, "refs/heads/main.lock"), "xb"):
            pass
        staging = await repository.stage()
        with self.assertRaises(Exception) as caught:
            await fetches.commit(repository, staging, [RefUpdate(b"refs/heads/main", second, first.format.zero)])
        self.assertEqual(str(caught.exception), "preparing reference update: reference is already locked")
        await staging.discard()
        self.assertEqual(self.packed, [])


class OverHTTPTests(FetchRemoteCase):
    """
    ``FetchRemote``, from a web server.
    """

    def fill(self) -> None:
        super().fill()
        self.server = FarServer(self.root)
        self.addCleanup(self.server.stop)
        self.server.publish(self.far)
        self.url = f"{self.server.url}/far.git"

    async def test_fetched(self) -> None:
        """
        Refs and objects arrive; whoever wants credentials gets those of the URL or those beside it.
        """
        self.server.authorization = "Bearer x"
        await self.call(self.url, remote={"http_authorization_header": "Bearer x"})
        self.assertEqual(self.refs(), self.refs(self.far))
        self.far_ref("refs/heads/new", "main~1")
        self.server.publish(self.far)
        self.server.authorization = "Basic dTpzM2NyZXQ="
        await self.call(self.url.replace("//", "//u:s3cret@"))
        self.assertEqual(self.refs(), self.refs(self.far))
        self.assertEqual({shown for _, shown in self.server.asked}, {"Bearer x", "Basic dTpzM2NyZXQ="})

    async def test_failed(self) -> None:
        """
        git's words say what went wrong, without credentials; nobody is asked for a password.
        """
        code, text = await self.refusal(self.call(self.url.replace("far", "none")))
        self.assertEqual(code, Code.INTERNAL)
        self.assertRegex(text, r'fetch remote: "fatal: repository \'[^\']*/none.git/\' not found\\n": exit status 128\Z')
        self.server.authorization = "Basic other"
        code, text = await self.refusal(self.call(self.url.replace("//", "//u:s3cret@")))
        self.assertIn("terminal prompts disabled", text)
        self.assertNotIn("s3cret", text)
        self.assertEqual(self.left(), [])

    async def test_broken(self) -> None:
        """
        A repository whose objects are damaged, or are not there, changes nothing.
        """
        self.run_git("repack", "-adq", path=self.far)
        self.run_git("prune-packed", path=self.far)
        self.server.publish(self.far)
        for name in os.listdir(os.path.join(self.far, "objects/pack")):
            path = os.path.join(self.far, "objects/pack", name)
            if name.endswith(".pack"):
                os.chmod(path, 0o644)
                with open(path, "r+b") as file:
                    file.seek(100)
                    file.write(b"garbage")
        before = self.refs()
        code, _ = await self.refusal(self.call(self.url))
        self.assertEqual((code, self.refs(), self.left()), (Code.INTERNAL, before, []))

    async def test_timeout(self) -> None:
        """
        A fetch that takes longer than it may is ended, and leaves nothing behind.
        """
        self.clock = Clock()
        self.service = self.make_service()
        stuck: Deferred[None] = Deferred()
        self.server.render = lambda request: stuck.callback(None) or 1  # type: ignore[method-assign,func-returns-value]
        before = self.refs()
        asked = Deferred.fromCoroutine(self.refusal(self.call(self.url, timeout=5)))
        await stuck
        self.assertFalse(asked.called)
        self.clock.advance(5)
        expected = (Code.INTERNAL, "fetch remote: signal: terminated: context deadline exceeded")
        self.assertEqual(await asked, expected)
        self.assertEqual((self.refs(), self.left()), (before, []))

    async def test_cancelled(self) -> None:
        """
        Who stops waiting leaves nothing behind.
        """
        stuck: Deferred[None] = Deferred()
        self.server.render = lambda request: stuck.callback(None) or 1  # type: ignore[method-assign,func-returns-value]
        asked = Deferred.fromCoroutine(self.call(self.url))
        await stuck
        asked.cancel()
        await asked.addErrback(lambda _: None)
        await self.stack.threads(lambda: None)
        self.assertEqual(self.stack.alive, 0)

    async def test_redirect(self) -> None:
        """
        Redirects are not followed: they could lead anywhere.
        """
        self.server.render = lambda request: request.redirect(b"http://127.0.0.1:1/elsewhere") or b""  # type: ignore[method-assign]
        code, text = await self.refusal(self.call(self.url))
        self.assertEqual(code, Code.INTERNAL)
        self.assertIn("The requested URL returned error: 302", text)


class PrivateTests(FetchRemoteCase):
    """
    A server that does not ask its neighbours, as they are by default.
    """

    private = False

    async def test_refused(self) -> None:
        """
        Addresses that are not public are refused, by whatever name (faults 110 to 118).
        """
        for url in ("http://127.0.0.1:1/a", "http://localhost/a", "git://10.0.0.1/a", "git@192.168.1.1:a", "http://[::1]/a"):
            self.assertEqual(await self.refusal(self.call(url)), (Code.INTERNAL, "remote address not allowed"))


class Sha256Tests(FetchRemoteCase):
    """
    ``FetchRemote`` between repositories with long ids.
    """

    object_format = "sha256"

    async def test_fetched(self) -> None:
        """
        It works the same.
        """
        far = self.make("far256.git", 3, object_format="sha256")
        await self.call(far)
        self.assertEqual(self.refs(), self.refs(far))
        self.assertEqual(git("--git-dir", self.directory.path, "fsck"), b"")
