"""
What ``git log`` prints, line by line.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.log import LogEntry, LogParser, decorations

A, B = b"a" * 40, b"b" * 64


class LogParserTests(SynchronousTestCase):
    """
    ``LogParser``
    """

    def parsed(self, lines: list[bytes]) -> list[LogEntry | None]:
        """
        All commits in some lines.
        """
        parser = LogParser()
        found = [entry for line in lines if (entry := parser.line(line)) is not None]
        return [*found, parser.end(), parser.end()]

    def test_ids(self):
        """
        A commit is told when the next one begins, the last one at the end.
        """
        self.assertEqual(self.parsed([A, B]), [LogEntry(A), LogEntry(B), None])
        self.assertEqual(self.parsed([]), [None, None])

    def test_stat(self):
        """
        Numbers that git leaves out are zero.
        """
        for line, stat in (
            (b" 1 file changed, 1 insertion(+)", (1, 1, 0)),
            (b" 2 files changed, 3 insertions(+), 1 deletion(-)", (2, 3, 1)),
            (b" 10 files changed, 20 deletions(-)", (10, 0, 20)),
            (b" 1 file changed", (1, 0, 0)),
        ):
            self.assertEqual(self.parsed([A, b"", line, B]), [LogEntry(A, stat), LogEntry(B), None])

    def test_decorations(self):
        """
        Names are freed of what git puts round them.
        """
        self.assertEqual(self.parsed([A + b" HEAD -> refs/heads/a,b, tag: refs/tags/v1", b"", b" 1 file changed"]),
            [LogEntry(A, (1, 0, 0), (b"HEAD", b"refs/heads/a,b", b"refs/tags/v1")), None])  # fmt: skip
        self.assertEqual(decorations(b""), ())
        self.assertEqual(self.parsed([A + b" "]), [LogEntry(A), None])
