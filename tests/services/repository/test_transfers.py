"""
Tests for bundles and snapshots.
"""

from __future__ import annotations

import io
import os
import tarfile
from unittest import mock

from gitaly_tx.errors import Code
from gitaly_tx.git.revisionlist import MAXIMUM
from gitaly_tx.services.repository import snapshot
from tests.support.git import git

from .case import RepositoryCase


class CreateBundleTests(RepositoryCase):
    """
    ``CreateBundle`` and ``CreateBundleFromRefList``
    """

    def heads(self, bundle: bytes) -> dict[str, str]:
        """
        The refs in a bundle that git finds to be whole.
        """
        path = os.path.abspath(self.mktemp())
        with open(path, "wb") as file:
            file.write(bundle)
        self.run_git("bundle", "verify", "--quiet", path)
        return {line.split()[1]: line.split()[0] for line in self.run_git("bundle", "list-heads", path).splitlines()}

    async def test_all(self) -> None:
        """
        A bundle has all refs, internal ones too, and HEAD.
        """
        head = self.commit_files({"a": os.urandom(200_000)})
        self.run_git("update-ref", "refs/keep-around/1", head)
        heads = self.heads(await self.data(self.call("CreateBundle")))
        self.assertEqual(heads, dict.fromkeys(("HEAD", "refs/heads/main", "refs/keep-around/1"), head))

    async def test_patterns(self) -> None:
        """
        A bundle has what the patterns of all requests name; what names nothing is passed over.
        """
        first = self.commit_files({"a": "a"})
        second = self.commit_files({"a": "b"})
        self.run_git("tag", "v1", first)
        both = {"refs/heads/main": second, "refs/tags/v1": first}
        for requests, expected in (
            ([[b"refs/heads/main", b"refs/tags/v1"]], both),
            ([[b"refs/heads/main"], [b"refs/heads/nope"], [b"refs/tags/v1"]], both),
            ([[b"--all"]], {**both, "HEAD": second}),
            ([[b"--branches"], [b"--not", first.encode()]], {"refs/heads/main": second}),
            ([[b"refs/heads/main\nrefs/tags/v1"]], both),
        ):
            called = self.stream("CreateBundleFromRefList", *({"patterns": patterns} for patterns in requests))
            self.assertEqual(self.heads(await self.data(called)), expected)

    async def test_empty(self) -> None:
        """
        There is no bundle of nothing.
        """
        text = "create bundle: refusing to create empty bundle"
        self.assertEqual(await self.refusal(self.call("CreateBundle")), (Code.INTERNAL, text))
        for patterns in ([], [b"refs/heads/nope"], [b"--all"]):
            refused = await self.refusal(self.stream("CreateBundleFromRefList", {"patterns": patterns}))
            self.assertEqual(refused, (Code.FAILED_PRECONDITION, text))
        await self.no_children()

    async def test_bad_requests(self) -> None:
        """
        No request, an option among the patterns and too many patterns are refused before git is started.
        """
        self.started.clear()
        refused = await self.refusal(self.stream("CreateBundleFromRefList"))
        self.assertEqual(refused, (Code.INTERNAL, "receiving first request: EOF"))
        refused = await self.refusal(self.stream("CreateBundleFromRefList", {"patterns": [b"--output=/tmp/x"]}))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "invalid revision: revision can't start with '-'"))
        refused = await self.refusal(self.stream("CreateBundleFromRefList", {"patterns": [b"a" * MAXIMUM]}))
        self.assertEqual(refused, (Code.RESOURCE_EXHAUSTED, "too many patterns"))
        self.assertEqual(self.started, [])

    async def test_failure(self) -> None:
        """
        Another failure is told by git's exit status.
        """
        self.commit_files({"a": "a"})
        blob = self.run_git("rev-parse", "main:a")
        self.run_git("update-ref", "refs/heads/broken", self.broken_commit(blob))
        refused = await self.refusal(self.call("CreateBundle"))
        self.assertEqual(refused, (Code.INTERNAL, "create bundle: exit status 1"))

    def broken_commit(self, blob: str) -> str:
        """
        A commit whose tree names a blob that is not there.
        """
        missing = self.run_git("mktree", "--missing", stdin=f"100644 blob {'1' * 40}\tx\n100644 blob {blob}\ty\n".encode())
        return self.run_git("commit-tree", missing, stdin=b"x")

    async def test_stopped(self) -> None:
        """
        A caller that goes away takes the child with it.
        """
        self.commit_files({"a": os.urandom(4 << 20)})
        await self.stop_after_first(self.call("CreateBundle"))


class GetSnapshotTests(RepositoryCase):
    """
    ``GetSnapshot``
    """

    async def members(self) -> list[str]:
        content = await self.data(self.call("GetSnapshot"))
        with tarfile.open(fileobj=io.BytesIO(content)) as opened:
            return [member.name + "/" * member.isdir() for member in opened]

    async def test_empty(self) -> None:
        """
        An empty repository is HEAD and directories.
        """
        names = [name for name in await self.members() if name != "branches/"]
        self.assertEqual(names, ["HEAD", "refs/", "refs/heads/", "refs/tags/"])

    async def test_whole(self) -> None:
        """
        A snapshot that is unpacked over a new repository is the same repository.
        """
        self.commit_files({"a": os.urandom(300_000)})
        self.run_git("repack", "-adq")
        self.run_git("pack-refs", "--all")
        self.commit_files({"b": "b"})
        loose = self.write("blob", b"unreachable")
        content = await self.data(self.call("GetSnapshot"))
        other = os.path.abspath(self.mktemp())
        git("init", "--quiet", "--bare", other)
        with tarfile.open(fileobj=io.BytesIO(content)) as opened:
            opened.extractall(other)
        git("-C", other, "fsck", "--strict")
        self.assertEqual(git("-C", other, "show-ref", "--head").decode().strip(), self.run_git("show-ref", "--head"))
        self.assertEqual(git("-C", other, "cat-file", "-t", loose), b"blob\n")

    async def test_left_out(self) -> None:
        """
        Config, hooks, logs, lock files, links and what belongs to packs besides their index are left out.
        """
        self.commit_files({"a": "a"})
        self.run_git("repack", "-adq", "--write-bitmap-index")
        for name in ("refs/heads/x.lock", "custom_hooks/a", "objects/info/alternates", "objects/pack/pack-x.keep"):
            self.write_file(name)
        os.symlink("main", os.path.join(self.directory.path, "refs", "heads", "link"))
        names = await self.members()
        self.assertEqual([name for name in names if not name.startswith("objects/pack/pack-")][:1], ["HEAD"])
        for name in names:
            self.assertFalse(name.endswith((".lock", ".keep", ".bitmap", ".rev", "alternates", "config", "link")), name)
        self.assertEqual(len([name for name in names if name.startswith("objects/")]), 2)

    async def test_alternates(self) -> None:
        """
        What alternates in the same storage have is in the snapshot like the rest; others are left out.
        """
        pool = os.path.join(self.root, "pool.git")
        outside = os.path.abspath(os.path.join(self.root, "..", os.path.basename(self.root) + "-outside"))
        for path in (pool, outside):
            git("init", "--quiet", "--bare", path)
        oid = git("-C", pool, "hash-object", "-w", "--stdin", stdin=b"pool").decode().strip()
        git("-C", outside, "hash-object", "-w", "--stdin", stdin=b"outside")
        self.write_file("objects/info/alternates", f"../../pool.git/objects\n{outside}/objects\n/nowhere\n".encode())
        names = [name for name in await self.members() if name.startswith("objects")]
        self.assertEqual(names, [f"objects/{oid[:2]}/{oid[2:]}"])

    async def test_changed_meanwhile(self) -> None:
        """
        A ref that is packed while the snapshot is made is in it, whichever file was read first.
        """
        self.commit_files({"a": "a"})
        identities = iter([None, (1, 2, 3)])
        with mock.patch.object(snapshot, "_identity", lambda path: next(identities)):
            self.run_git("pack-refs", "--all")
            names = await self.members()
        self.assertEqual(names.count("packed-refs"), 2)
        self.assertLess(names.index("refs/"), len(names) - 1 - names[::-1].index("packed-refs"))

    async def test_replaced_packs(self) -> None:
        """
        If a pack vanishes between listing and opening, the packs are listed again; if that goes on, the call ends.
        """
        self.commit_files({"a": "a"})
        self.run_git("repack", "-adq")
        real, failures = snapshot._opened, [FileNotFoundError()] * 2

        def opened(path: str, stack: object) -> int:
            if failures:
                raise failures.pop()
            return real(path, stack)  # type: ignore[arg-type]

        with mock.patch.object(snapshot, "_opened", opened):
            self.assertEqual(len([name for name in await self.members() if ".pack" in name]), 1)
            failures.extend([FileNotFoundError()] * 99)
            refused = await self.refusal(self.call("GetSnapshot"))
        self.assertEqual(refused, (Code.UNAVAILABLE, "building snapshot failed: packs change all the time"))

    async def test_link_on_top(self) -> None:
        """
        A link where a file belongs is not followed, and the message tells no path of the server.
        """
        os.unlink(os.path.join(self.directory.path, "HEAD"))
        os.symlink("/etc/passwd", os.path.join(self.directory.path, "HEAD"))
        refused = await self.refusal(self.call("GetSnapshot"))
        self.assertEqual(refused, (Code.INTERNAL, "building snapshot failed: open HEAD: too many levels of symbolic links"))

    async def test_stopped(self) -> None:
        """
        A caller that goes away leaves no file open.
        """
        self.commit_files({"a": os.urandom(2 << 20)})
        self.run_git("repack", "-adq")
        called = self.call("GetSnapshot")
        await anext(called)
        await called.aclose()
        links = [os.readlink(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd") if _is_open(number)]
        self.assertEqual([link for link in links if link.startswith(self.directory.path)], [])


def _is_open(number: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{number}")
