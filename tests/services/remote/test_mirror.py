"""
Tests for UpdateRemoteMirror.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code
from gitaly_tx.git.command import Command
from gitaly_tx.git.interfaces import Ended
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.services.remote.mirror import listed
from gitaly_tx.services.remote.selection import Selection, Selector, select
from gitaly_tx.services.remote.service import RemoteService
from gitaly_tx.storage.interfaces import IRepository
from gitaly_tx.transport.remotefetch import RemoteFetch
from gitaly_tx.transport.remotes import RemotePolicy, Remotes
from protocols.gitaly.remote_pb2 import UpdateRemoteMirrorRequest
from tests.support.writecase import NAME, WriteCase, each

ONE, TWO, THREE = (ObjectID(f"{number:040x}") for number in (1, 2, 3))
MAIN = b"refs/heads/main"


class SelectorTests(TestCase):
    """
    Which branches are meant.
    """

    def test_patterns(self) -> None:
        """
        A pattern is a whole name in which a star stands for anything; without patterns all branches are meant. Tags always are,
        and nothing else ever is.
        """
        for patterns, name, expected in (
            ([], b"refs/heads/a", True),
            ([], b"refs/tags/a", True),
            ([], b"refs/keep-around/a", False),
            ([b"a"], b"refs/heads/a", True),
            ([b"a"], b"refs/heads/ab", False),
            ([b"a"], b"refs/tags/b", True),
            ([b"b", b"a"], b"refs/heads/a", True),
            ([b"*"], b"refs/heads/a/b", True),
            ([b"a*"], b"refs/heads/a", True),
            ([b"*a"], b"refs/heads/ba", True),
            ([b"*a"], b"refs/heads/ab", False),
            ([b"a*b*c"], b"refs/heads/a/b/c", True),
            ([b"a*b*c"], b"refs/heads/ac", False),
            ([b"ab*ab"], b"refs/heads/ab", False),
            ([b"a.b"], b"refs/heads/axb", False),
            ([b"[ab]"], b"refs/heads/a", False),
            ([b""], b"refs/heads/a", False),
        ):
            self.assertIs(Selector(patterns).selects(name), expected, (patterns, name))

    def test_hostile_pattern(self) -> None:
        """
        No pattern takes long: this one would take years.
        """
        self.assertFalse(Selector([b"*a" * 300 + b"*b"]).selects(b"refs/heads/" + b"a" * 2000))


class SelectTests(TestCase):
    """
    What is done about a mirror.
    """

    async def select(
        self, local: Mapping[bytes, ObjectID], remote: Mapping[bytes, ObjectID], keep: bool = False, default: bytes = MAIN
    ) -> Selection:
        async def is_ancestor(ancestor: ObjectID, tip: ObjectID) -> bool:
            return ancestor == ONE

        return await select(local, remote, Selector([]), default, keep, is_ancestor)

    async def test_updated(self) -> None:
        """
        What is missing or different is pushed, the default branch first.
        """
        local = {b"refs/heads/a": TWO, b"refs/heads/b": TWO, MAIN: TWO, b"refs/tags/t": TWO}
        found = await self.select(local, {b"refs/heads/b": TWO, b"refs/tags/t": THREE})
        self.assertEqual(found, Selection((MAIN, b"refs/heads/a", b"refs/tags/t"), (), ()))

    async def test_divergent(self) -> None:
        """
        What would be lost is left alone and named, if that is wanted.
        """
        local = {b"refs/heads/a": TWO, MAIN: TWO}
        remote = {b"refs/heads/a": THREE, MAIN: ONE}
        self.assertEqual(await self.select(local, remote, keep=True), Selection((MAIN,), (), (b"refs/heads/a",)))
        self.assertEqual(await self.select(local, remote), Selection((MAIN, b"refs/heads/a"), (), ()))
        many = {b"refs/heads/%03d" % number: TWO for number in range(120)}
        found = await self.select(many, dict.fromkeys(many, THREE), keep=True)
        self.assertEqual(found.divergent, tuple(many)[:100])

    async def test_deleted(self) -> None:
        """
        What only the mirror has goes if the default branch has it too, and if there is a default branch.
        """
        local = {MAIN: TWO}
        remote = {MAIN: TWO, b"refs/heads/merged": ONE, b"refs/heads/unmerged": THREE, b"refs/tags/merged": ONE}
        deleted = (b"refs/heads/merged", b"refs/tags/merged")
        self.assertEqual(await self.select(local, remote), Selection((), deleted, ()))
        self.assertEqual(await self.select(local, remote, keep=True), Selection((), (), ()))
        self.assertEqual((await self.select(local, remote, default=b"refs/heads/none")).deleted, ())

    def test_listed(self) -> None:
        """
        Symbolic refs of the mirror do not count.
        """
        output = b"ref: refs/heads/main\trefs/heads/alias\n%s\trefs/heads/alias\n%s\trefs/heads/main\n" % (ONE, ONE)
        self.assertEqual(listed(output), {MAIN: ONE})


class MirrorCase(WriteCase):
    """
    A repository and its mirror.
    """

    def fill(self) -> None:
        self.mirror = self.make("mirror.git")
        self.packed: list[IRepository] = []
        self.git: Any = self.stack.git
        self.service = self.make_service()

    def make_service(self, git: Any = None) -> RemoteService:
        git = git or self.stack.git
        remotes = Remotes(self.provider, self.stack.threads, RemotePolicy(private=True))
        fetches = RemoteFetch(self.stack.git, self.stack.threads, self.unasked, self.packed.append)
        return RemoteService(self.provider, git, remotes, fetches)

    def call(self, url: str | None = None, *more: list[bytes], **fields: Any) -> Any:
        url = self.mirror if url is None else url
        first = UpdateRemoteMirrorRequest(repository=NAME, remote=UpdateRemoteMirrorRequest.Remote(url=url), **fields)
        rest = [UpdateRemoteMirrorRequest(only_branches_matching=patterns) for patterns in more]
        return self.service.UpdateRemoteMirror(None, each([first, *rest]))  # type: ignore[arg-type]


class OwnMirrorTests(MirrorCase):
    """
    A mirror on the same server.
    """

    async def test_brought(self) -> None:
        """
        It has all branches and tags in the end, and nothing else; its own line of writes has made it so.
        """
        for name in ("refs/heads/a", "refs/tags/t", "refs/keep-around/x", *(f"refs/heads/n/{number}" for number in range(12))):
            self.run_git("update-ref", name, "main")
        self.run_git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
        await self.call()
        expected = {name: oid for name, oid in self.refs().items() if name not in ("refs/keep-around/x", "refs/heads/alias")}
        self.assertEqual(self.refs(self.mirror), expected)
        self.run_git("fsck", "--connectivity-only", path=self.mirror)
        self.assertEqual(self.left(), [])
        self.assertEqual([repository.partition.path for repository in self.packed], ["mirror.git"] * 2)
        self.run_git("update-ref", "-d", "refs/heads/a")
        await self.call()
        self.assertEqual(len(self.packed), 2, "what only takes away brings no pack")
        self.assertNotIn("refs/heads/a", self.refs(self.mirror))

    async def test_in_the_way(self) -> None:
        """
        A branch that goes makes room for one whose name begins with its own.
        """
        self.run_git("update-ref", "refs/heads/a", "main")
        await self.call()
        self.run_git("update-ref", "-d", "refs/heads/a")
        self.run_git("update-ref", "refs/heads/a/b", "main")
        await self.call()
        self.assertEqual(self.refs(self.mirror), self.refs())
        self.assertEqual(self.left(), [])

    async def test_default(self) -> None:
        """
        The mirror's own default branch is not deleted; the rest is done.
        """
        self.run_git("update-ref", "refs/heads/a", "main")
        self.run_git("update-ref", "refs/heads/b", "main")
        await self.call()
        self.run_git("symbolic-ref", "HEAD", "refs/heads/a", path=self.mirror)
        for name in ("a", "b"):
            self.run_git("update-ref", "-d", f"refs/heads/{name}")
        code, text = await self.refusal(self.call())
        self.assertEqual(code, Code.INTERNAL)
        self.assertTrue(text.startswith("push to mirror: git push: exit status 1, stderr: "), text)
        self.assertEqual(sorted(self.refs(self.mirror)), ["refs/heads/a", "refs/heads/main"])

    async def test_selected(self) -> None:
        """
        Patterns may come in any request.
        """
        for name in ("one", "two", "three"):
            self.run_git("update-ref", f"refs/heads/{name}", "main")
        await self.call(None, [b"two"], only_branches_matching=[b"on*"])
        self.assertEqual(sorted(self.refs(self.mirror)), ["refs/heads/one", "refs/heads/two"])

    async def test_divergent(self) -> None:
        """
        What the mirror has of its own is kept if that is wanted, and overwritten otherwise.
        """
        await self.call()
        theirs = self.run_git("commit-tree", "-p", "main~1", self.rev("main^{tree}"), stdin=b"theirs", path=self.mirror)
        self.run_git("update-ref", "refs/heads/main", theirs, path=self.mirror)
        reply = await self.call(keep_divergent_refs=True)
        self.assertEqual(list(reply.divergent_refs), [MAIN])
        self.assertEqual(self.rev("main", self.mirror), theirs)
        reply = await self.call()
        self.assertEqual(list(reply.divergent_refs), [])
        self.assertEqual(self.rev("main", self.mirror), self.rev("main"))

    async def test_bad_requests(self) -> None:
        """
        A request names a repository, and a mirror that is one.
        """
        invalid = Code.INVALID_ARGUMENT
        nothing = self.service.UpdateRemoteMirror(None, each([]))  # type: ignore[arg-type]
        self.assertEqual(await self.refusal(nothing), (Code.INTERNAL, "receive: EOF"))
        without = self.service.UpdateRemoteMirror(None, each([UpdateRemoteMirrorRequest(repository=NAME)]))  # type: ignore[arg-type]
        self.assertEqual(await self.refusal(without), (invalid, "missing Remote"))
        self.assertEqual(await self.refusal(self.call("")), (invalid, "remote is missing URL"))
        for url in ("ext::sh -c id", "fd::17/foo", "--receive-pack=id", "ssh://-oProxyCommand=id/x"):
            self.assertEqual(await self.refusal(self.call(url)), (invalid, "remote URL not supported"))
        remote = UpdateRemoteMirrorRequest.Remote(url="https://e.org/x", resolved_address="x")
        wrong = self.service.UpdateRemoteMirror(None, each([UpdateRemoteMirrorRequest(repository=NAME, remote=remote)]))  # type: ignore[arg-type]
        text = "couldn't get curloptResolve config: resolved address has invalid IPv4/IPv6 address"
        self.assertEqual(await self.refusal(wrong), (Code.INTERNAL, text))
        code, text = await self.refusal(self.call("/etc"))
        self.assertEqual(code, Code.INTERNAL)
        self.assertTrue(text.startswith("get remote references: create git ls-remote: exit status 128, stderr: \"fatal: '/etc'"))


class FarGit:
    """
    A git whose network has a mirror, and that remembers what was pushed there.
    """

    def __init__(self, git: Any, listed: bytes = b"", status: int = 0) -> None:
        self._git = git
        self.listed = listed
        self.status = status
        self.pushed: list[list[str]] = []

    async def run(self, command: Command, **more: Any) -> tuple[bytes, Ended]:
        """
        Answer for the mirror; the rest is git's.
        """
        words = [os.fsdecode(word) for word in command.argv("git")]
        if command.name == "ls-remote":
            return self.listed, Ended(self.status, b"fatal: no\n")
        if command.name == "push":
            self.pushed.append(words[words.index("push") + 1 :])
            return b"", Ended(self.status if len(self.pushed) > 1 else 0, b"error: no\n")
        done: tuple[bytes, Ended] = await self._git.run(command, **more)
        return done


class FarMirrorTests(MirrorCase):
    """
    A mirror on another server.
    """

    URL = "https://u:s3cret@127.0.0.1:1/mirror.git"

    async def test_pushed(self) -> None:
        """
        Refs are pushed in batches of ten, the default branch in the first one, by force unless something could be lost.
        """
        for number in range(10):
            self.run_git("update-ref", f"refs/heads/a{number}", "main")
        gone = b"%s\trefs/heads/gone\n" % self.rev("main~1").encode()
        far = FarGit(self.stack.git, gone)
        self.service = self.make_service(far)
        await self.call(self.URL)
        self.assertEqual([len([word for word in words if ":" in word]) for words in far.pushed], [10, 2])
        self.assertIn("refs/heads/main:refs/heads/main", far.pushed[0])
        self.assertEqual(far.pushed[1][-1], ":refs/heads/gone")
        self.assertTrue(all("--force" in words for words in far.pushed))
        self.assertNotIn("s3cret", str(far.pushed))
        far.pushed.clear()
        await self.call(self.URL, keep_divergent_refs=True)
        self.assertFalse(any("--force" in words for words in far.pushed))

    async def test_failed(self) -> None:
        """
        What git says of a failure is told.
        """
        self.service = self.make_service(FarGit(self.stack.git, status=128))
        text = 'get remote references: create git ls-remote: exit status 128, stderr: "fatal: no\\n"'
        self.assertEqual(await self.refusal(self.call(self.URL)), (Code.INTERNAL, text))
        for number in range(10):
            self.run_git("update-ref", f"refs/heads/a{number}", "main")
        far = FarGit(self.stack.git)
        self.service = self.make_service(far)

        async def push(command: Command, **more: Any) -> tuple[bytes, Ended]:
            return (b"", Ended(1, b"error: no\n")) if command.name == "push" else (b"", Ended(0))

        far.run = push  # type: ignore[method-assign]
        text = 'push to mirror: git push: exit status 1, stderr: "error: no\\n"'
        self.assertEqual(await self.refusal(self.call(self.URL)), (Code.INTERNAL, text))
