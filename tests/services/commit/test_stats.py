"""
``CommitStats``
"""

from __future__ import annotations

from .case import CommitCase


class CommitStatsTests(CommitCase):
    """
    ``CommitStats``
    """

    async def test_stats(self):
        """
        A commit is compared with its first parent, one without parents with nothing; a renamed file has not changed.
        """
        self.import_stream(
            "commit refs/heads/binary\ncommitter C <c@x> 1 +0000\ndata 0\n"
            "M 100644 inline logo\ndata 3\n\0\0\0\nM 100644 inline text\ndata 4\na\nb\n\n"
        )
        for revision, expected in (
            ("v1", (5, 0, 5)),
            ("side", (1, 0, 1)),
            ("main~1", (1, 0, 2)),
            ("main", (1, 0, 1)),
            ("binary", (2, 0, 2)),
        ):
            reply = await self.asked("CommitStats", revision=revision.encode())
            self.assertEqual(reply.oid, self.oid(f"{revision}^{{commit}}"))
            self.assertEqual((reply.additions, reply.deletions, reply.files), expected, revision)

    async def test_refused(self):
        """
        What is no commit is an error.
        """
        for revision in (b"nope", b"12" * 20, b"main^{tree}"):
            self.assertEqual(await self.refused("CommitStats", revision=revision), "INTERNAL object not found")

    async def test_missing_parent(self):
        """
        If git cannot compare, the caller hears that it failed.
        """
        oid = self.write("commit", b"tree %b\nparent %b\n\nm" % (self.oid("main^{tree}").encode(), b"12" * (self.length // 2)))
        self.assertEqual(await self.refused("CommitStats", revision=oid.encode()), "INTERNAL exit status 128")

    @property
    def length(self) -> int:
        """
        The length of an id.
        """
        return len(self.ids["one"])


class Sha256Tests(CommitStatsTests):
    """
    The same with SHA-256
    """

    object_format = "sha256"
