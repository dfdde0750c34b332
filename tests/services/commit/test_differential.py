"""
Commits and trees of all kinds, as we and as git read them.
"""

from __future__ import annotations

from gitaly_tx.git.mailmaps import Mailmaps
from gitaly_tx.linguist.languages import Languages
from gitaly_tx.services.commit.ports import CommitPorts
from gitaly_tx.services.commit.service import CommitService
from protocols.gitaly.commit_pb2 import TreeEntry
from tests.support.git import git
from tests.support.oddities import histories, stream

from .case import CommitCase

LONGEST = 10 * 1024


class DifferentialTests(CommitCase):
    """
    Generated histories.
    """

    count = 25

    def fill(self) -> None:
        languages = Languages(self.make_linguist(), self.git_port)
        self.service = CommitService(CommitPorts(self.storage, self.git_port, Mailmaps(), languages))
        length = self.repository.object_format.hex_length
        made = histories(self.count)
        content = b"".join(stream(commits, b"refs/heads/h%d" % number, length) for number, commits in enumerate(made))
        git("-C", self.directory.path, "fast-import", "--quiet", "--force", stdin=content)
        self.tips = [f"refs/heads/h{number}" for number in range(len(made))]
        git("-C", self.directory.path, "repack", "-adq")

    def raw(self, *words: str) -> bytes:
        """
        What git prints.
        """
        return git("-C", self.directory.path, *words)

    def lines(self, *words: str) -> list[bytes]:
        """
        The same, in records that end in NUL.
        """
        return self.raw(*words).split(b"\0")[:-1]

    async def test_commits(self) -> None:
        """
        A commit has the fields that git shows.
        """
        pretty = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00"
        for tip in self.tips:
            reply = await self.asked("FindCommit", revision=tip.encode())
            commit = reply.commit
            shown = self.raw("log", "-1", "--encoding=none", "--no-mailmap", pretty, tip).split(b"\0")
            oid, tree, parents = (text.decode() for text in shown[:3])
            self.assertEqual((commit.id, commit.tree_id, list(commit.parent_ids)), (oid, tree, parents.split()))
            people = [(each.name, each.email, b"%d" % each.date.seconds) for each in (commit.author, commit.committer)]
            self.assertEqual([*people[0], *people[1]], shown[3:9])
            _, _, message = self.raw("cat-file", "commit", tip).partition(b"\n\n")
            self.assertEqual((commit.body, commit.body_size), (message[:LONGEST], len(message)))

    async def test_lists(self) -> None:
        """
        Commits are listed in git's order.
        """
        for tip in self.tips:
            for fields, words in (
                ({}, []),
                ({"order": 1}, ["--topo-order"]),
                ({"reverse": True}, ["--reverse"]),
                ({"max_parents": 1}, ["--max-parents=1"]),
            ):
                found = await self.replies(self.call("ListCommits", revisions=[tip], **fields))
                ids = [commit.id for reply in found for commit in reply.commits]
                self.assertEqual(ids, self.raw("rev-list", *words, tip).decode().split(), (tip, words))
            reply = await self.asked("CountCommits", revision=tip.encode())
            self.assertEqual(reply.count, int(self.raw("rev-list", "--count", tip)))

    async def test_trees(self) -> None:
        """
        Trees have the entries that git lists, from their roots and below.
        """
        types = {b"blob": TreeEntry.BLOB, b"tree": TreeEntry.TREE, b"commit": TreeEntry.COMMIT}
        for tip in self.tips:
            for recursive in (False, True):
                if recursive and not self.raw("ls-tree", tip):
                    continue
                words = ["-r", "-t"] if recursive else []
                expected = []
                for line in self.lines("ls-tree", "-z", *words, tip):
                    head, _, path = line.partition(b"\t")
                    mode, kind, oid = head.split(b" ")
                    expected.append((int(mode, 8), types[kind], oid.decode(), path))
                called = self.call("GetTreeEntries", revision=tip.encode(), path=b".", recursive=recursive)
                entries = [entry for reply in await self.replies(called) for entry in reply.entries]
                self.assertEqual([(each.mode, each.type, each.oid, each.path) for each in entries], expected)
            called = self.call("ListFiles", revision=tip.encode())
            files = [path for reply in await self.replies(called) for path in reply.paths]
            blobs = [line.partition(b"\t") for line in self.lines("ls-tree", "-z", "-r", tip)]
            self.assertEqual(files, [path for head, _, path in blobs if b" blob " in head])

    async def test_entries(self) -> None:
        """
        An entry that is found by its path is git's, with its content.
        """
        for tip in self.tips:
            for line in self.lines("ls-tree", "-z", "-r", "-t", tip):
                head, _, path = line.partition(b"\t")
                mode, kind, oid = head.split(b" ")
                replies = await self.replies(self.call("TreeEntry", revision=tip.encode(), path=path))
                self.assertEqual((replies[0].mode, replies[0].oid), (int(mode, 8), oid.decode()))
                if kind == b"blob":
                    self.assertEqual(b"".join(reply.data for reply in replies), self.raw("cat-file", "blob", oid.decode()))


class SHA256DifferentialTests(DifferentialTests):
    """
    The same with long ids.
    """

    object_format = "sha256"
    count = 10
