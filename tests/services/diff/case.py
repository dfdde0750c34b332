"""
A repository with commits to compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gitaly_tx.services.diff.service import DiffService
from protocols.gitaly import diff_pb2 as pb
from tests.support.calls import make_call
from tests.support.git import git
from tests.support.readcase import NAME, ReadCase

Entry = tuple[int, bytes]
"""A file's mode and content; for a submodule the content is an id."""

FILE, PROGRAM, LINK, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o160000


def commit_stream(
    branch: str, files: Mapping[bytes, bytes | Entry], parents: Sequence[str] = (), message: str = "change"
) -> bytes:
    """
    A commit on a branch for ``git fast-import``, with exactly these files.
    """
    stream = bytearray() if parents else bytearray(f"reset refs/heads/{branch}\n".encode())
    stream += f"commit refs/heads/{branch}\ncommitter C <c@example.org> 1700000000 +0000\n".encode()
    stream += b"data %d\n%b\n" % (len(message), message.encode())
    for word, parent in zip((b"from", *[b"merge"] * len(parents)), parents, strict=False):
        stream += b"%b %b\n" % (word, parent.encode())
    stream += b"deleteall\n"
    for path, given in files.items():
        mode, content = given if isinstance(given, tuple) else (FILE, given)
        quoted = b"".join(b"\\%03o" % byte for byte in path)
        if mode == SUBMODULE:
            stream += b'M 160000 %b "%b"\n' % (content, quoted)
        else:
            stream += b'M %o inline "%b"\ndata %d\n%b\n' % (mode, quoted, len(content), content)
    return bytes(stream)


class DiffCase(ReadCase):
    """
    Calls DiffService.
    """

    def fill(self) -> None:
        self.service = DiffService(self.git_port, self.storage, self.reading.threads)
        self.commits()

    def commits(self) -> None:
        """
        Make the commits.
        """

    def commit(self, files: Mapping[bytes, bytes | Entry], *parents: str, message: str = "change") -> str:
        """
        A commit with exactly these files.
        """
        self.import_commits([commit_stream("made", files, parents, message)])
        return self.run_git("rev-parse", "refs/heads/made")

    def import_commits(self, streams: Iterable[bytes]) -> None:
        """
        Make commits.
        """
        git("-C", self.directory.path, "fast-import", "--quiet", "--force", stdin=b"".join(streams))

    def blob(self, content: bytes) -> str:
        """
        A blob's id.
        """
        return self.run_git("hash-object", "-w", "--stdin", stdin=content)

    def call(self, method: str, **fields: Any) -> Any:
        """
        Call a method that yields its answer.
        """
        fields.setdefault("repository", NAME)
        return getattr(self.service, method)(None, getattr(pb, f"{method}Request")(**fields))

    async def sent(self, method: str, **fields: Any) -> bytes:
        """
        The bytes that a method sends.
        """
        fields.setdefault("repository", NAME)
        call = make_call(f"DiffService/{method}")
        await getattr(self.service, method)(call, getattr(pb, f"{method}Request")(**fields))
        return b"".join(reply.data for reply in call.exchange.replies)
