"""
Packs, good and bad: our receive-pack and git's own, with the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zlib

from tests.support import differential
from tests.support.git import git
from tests.support.pushes import EMPTY_PACK, ZERO, make_pack, push


class PackTests(differential.DifferentialCase):
    """
    Packs, good and bad.
    """

    def setUp(self) -> None:
        super().setUp()
        self.client = os.path.join(self.root, "client.git")
        shutil.copytree(self.directory.path, self.client)

    def here(self, *words: str, stdin: bytes = b"") -> bytes:
        """
        Run git in the client's repository.
        """
        return git("--git-dir", self.client, *words, stdin=stdin).strip()

    def commit(self, tree: bytes = b"", parent: bytes = b"") -> bytes:
        """
        A commit that only the client has.
        """
        blob = self.here("hash-object", "-w", "--stdin", stdin=b"new content\n")
        tree = tree or self.here("mktree", stdin=b"100644 blob %b\tnew\n" % blob)
        parents = ["-p", (parent or self.main).decode()]
        return self.here("commit-tree", *parents, "-m", "a change", tree.decode())

    def raw(self, kind: str, content: bytes) -> bytes:
        """
        An object that git would not make.
        """
        return self.here("hash-object", "--literally", "-t", kind, "-w", "--stdin", stdin=content)

    def pack_of(self, *oids: bytes) -> bytes:
        """
        A pack of just these objects.
        """
        return git("--git-dir", self.client, "pack-objects", "--stdout", "-q", stdin=b"".join(oid + b"\n" for oid in oids))

    async def refused(self, tree: bytes, why: bytes, *more: bytes) -> None:
        """
        A commit with this tree is refused by both.
        """
        commit = self.raw(
            "commit",
            b"tree %b\nparent %b\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nm\n" % (tree, self.main),
        )
        ours = await self.compare(push((ZERO, commit, b"refs/heads/new"), pack=self.pack_of(commit, tree, *more)))
        self.assertEqual(ours.report, [b"unpack unpack-objects abnormal exit", b"ng refs/heads/new unpacker error"])
        self.assertIn(why, ours.told)
        self.assertNotIn(self.root.encode(), ours.told)

    def tree(self, *entries: tuple[bytes, bytes, bytes]) -> bytes:
        """
        A tree with any entries at all: mode, name, id.
        """
        return self.raw("tree", b"".join(b"%b %b\0%b" % (m, n, bytes.fromhex(o.decode())) for m, n, o in entries))

    async def test_new_commit(self) -> None:
        """
        A pack with new history, whole or thin.
        """
        tip = self.commit()
        ours = await self.compare(push((self.main, tip, b"refs/heads/main"), pack=make_pack(self.client, tip.decode(), "^main")))
        self.assertEqual(ours.report, [b"unpack ok", b"ok refs/heads/main"])

    async def test_plain_and_quiet(self) -> None:
        """
        Clients without sidebands, and those that want no progress.
        """
        tip = self.commit()
        pack = make_pack(self.client, tip.decode(), "^main")
        for name, capabilities in ((b"refs/heads/a", "report-status"), (b"refs/heads/b", "report-status side-band-64k quiet")):
            ours = await self.compare(push((ZERO, tip, name), pack=pack, capabilities=capabilities))
            self.assertEqual((ours.report, ours.told), ([b"unpack ok", b"ok " + name], b""))

    async def test_thin_pack(self) -> None:
        """
        A pack whose differences are against objects that only the receiver has.
        """
        large = b"".join(b"line %d\n" % number for number in range(2000))
        for directory in (self.client, self.directory.path):
            blob = git("--git-dir", directory, "hash-object", "-w", "--stdin", stdin=large).strip()
            tree = git("--git-dir", directory, "mktree", stdin=b"100644 blob %b\tlarge\n" % blob).strip()
            base = git("--git-dir", directory, "commit-tree", "-m", "base", tree.decode()).strip()
            git("--git-dir", directory, "update-ref", "refs/heads/base", base.decode())
        blob = self.here("hash-object", "-w", "--stdin", stdin=large + b"one more\n")
        tip = self.commit(self.here("mktree", stdin=b"100644 blob %b\tlarge\n" % blob), base)
        pack = make_pack(self.client, tip.decode(), "^base", thin=True)
        self.assertLess(len(pack), 1000)
        await self.compare(push((base, tip, b"refs/heads/base"), pack=pack))

    async def test_many_objects(self) -> None:
        """
        A pack of more than a hundred objects, good and bad.
        """
        lines = []
        for number in range(120):
            blob = self.here("hash-object", "-w", "--stdin", stdin=b"%d\n" % number)
            lines.append(b"100644 blob %b\tf%d\n" % (blob, number))
        tip = self.commit(self.here("mktree", stdin=b"".join(lines)))
        pack = make_pack(self.client, tip.decode(), "^main")
        wish = (ZERO, tip, b"refs/heads/new")
        bad = await self.compare(push(wish, pack=pack[:-1] + bytes([pack[-1] ^ 1])))
        self.assertEqual(bad.report, [b"unpack index-pack abnormal exit", b"ng refs/heads/new unpacker error"])
        good = await self.compare(push(wish, pack=pack))
        self.assertEqual(good.report, [b"unpack ok", b"ok refs/heads/new"])

    async def test_incomplete_history(self) -> None:
        """
        A pack that lacks the parent of its commit, and one that lacks a file.
        """
        parent = self.commit()
        tip = self.commit(parent=parent)
        ours = await self.compare(
            push((ZERO, tip, b"refs/heads/new"), pack=make_pack(self.client, tip.decode(), f"^{parent.decode()}"))
        )
        self.assertNotEqual(ours.report[1:], [b"ok refs/heads/new"])

    async def test_broken_packs(self) -> None:
        """
        Not a pack, a pack of another version, one that ends too early, one with a wrong checksum (fault 157).
        """
        tip = self.commit()
        pack = make_pack(self.client, tip.decode(), "^main")
        cases = (
            (b"", b"unpack eof before pack header was fully read"),
            (b"PACK\0\0", b"unpack eof before pack header was fully read"),
            (b"JUNK" + pack[4:], b"unpack protocol error (pack signature mismatch detected)"),
            (pack[:4] + b"\0\0\0\x09" + pack[8:], b"unpack protocol error (pack version unsupported)"),
            (pack[:40], b"unpack unpack-objects abnormal exit"),
            (pack[:-1] + bytes([pack[-1] ^ 1]), b"unpack unpack-objects abnormal exit"),
            (pack[:8] + b"\xff\xff\xff\xff" + pack[12:], b"unpack index-pack abnormal exit"),
            (EMPTY_PACK[:-1], b"unpack unpack-objects abnormal exit"),
            (EMPTY_PACK[:-1] + b"\0", b"unpack unpack-objects abnormal exit"),
        )
        for broken, expected in cases:
            ours = await self.compare(push((ZERO, tip, b"refs/heads/new"), pack=broken))
            self.assertEqual(ours.report, [expected, b"ng refs/heads/new unpacker error"])

    async def test_trailing_garbage(self) -> None:
        """
        What follows a pack is nobody's business (fault 157).
        """
        tip = self.commit()
        pack = make_pack(self.client, tip.decode(), "^main")
        await self.compare(push((ZERO, tip, b"refs/heads/new"), pack=pack + b"garbage" * 1000))

    async def test_forbidden_trees(self) -> None:
        """
        Trees that would write into somebody's .git, or out of the work tree (faults 89–92).
        """
        blob = self.here("hash-object", "-w", "--stdin", stdin=b"x\n")
        for name, why in ((b".git", b"hasDotgit"), (b"git~1", b"hasDotgit"), (b"..", b"hasDotdot")):
            await self.refused(self.tree((b"100644", name, blob)), why, blob)
        await self.refused(self.tree((b"100644", b"a", blob), (b"100644", b"a", blob)), b"duplicateEntries", blob)

    async def test_forbidden_modules(self) -> None:
        """
        Submodules that would run something (faults 93–96).
        """
        target = self.here("hash-object", "-w", "--stdin", stdin=b"target")
        await self.refused(self.tree((b"120000", b".gitmodules", target)), b"gitmodulesSymlink", target)
        for line, why in (
            (b'[submodule "m"]\n\tpath = m\n\turl = -u./evil\n', b"gitmodulesUrl"),
            (b'[submodule "../../evil"]\n\tpath = m\n\turl = https://example.org/\n', b"gitmodulesName"),
            (b'[submodule "m"]\n\tpath = m\n\turl = https://example.org/\n\tupdate = !id\n', b"gitmodulesUpdate"),
        ):
            blob = self.here("hash-object", "-w", "--stdin", stdin=line)
            await self.refused(self.tree((b"100644", b".gitmodules", blob)), why, blob)

    async def test_old_blemishes(self) -> None:
        """
        What histories in the wild are full of passes (faults 97, 98).
        """
        blob = self.here("hash-object", "-w", "--stdin", stdin=b"x\n")
        link = self.here("hash-object", "-w", "--stdin", stdin=b"target")
        tree = self.tree((b"120000", b".gitattributes", link), (b"0100644", b"a", blob))
        commit = self.raw(
            "commit", b"tree %b\nparent %b\nauthor A <a@b>1 +0000\ncommitter A <a@b> 1 +051800\n\nm\n" % (tree, self.main)
        )
        ours = await self.compare(push((ZERO, commit, b"refs/heads/new"), pack=self.pack_of(commit, tree, blob, link)))
        self.assertEqual(ours.report, [b"unpack ok", b"ok refs/heads/new"])

    async def test_huge_claims(self) -> None:
        """
        A few bytes that say that they are a terabyte (fault 152).
        """
        size, header = (1 << 40) >> 4, bytearray([0x80 | 1 << 4])
        while size > 0x7F:
            header.append(0x80 | size & 0x7F)
            size >>= 7
        header.append(size)
        pack = b"PACK\0\0\0\2\0\0\0\1" + bytes(header) + zlib.compress(b"x") + bytes(20)
        await self.compare(push((ZERO, b"d" * 40, b"refs/heads/new"), pack=pack))

    async def test_delta_cycle(self) -> None:
        """
        Differences against something that is not there (fault 156).
        """
        delta = bytes([2, 2, 2]) + b"ab"
        pack = b"PACK\0\0\0\2\0\0\0\1" + bytes([0x70 | len(delta)]) + b"\xdd" * 20 + zlib.compress(delta)
        pack += hashlib.sha1(pack).digest()
        ours = await self.compare(push((ZERO, b"d" * 40, b"refs/heads/new"), pack=pack))
        self.assertEqual(ours.report[0], b"unpack unpack-objects abnormal exit")
