"""
New commits, as ``git commit-tree`` writes them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from attrs import frozen

from ..errors import Code, GitalyError
from .objectid import ObjectFormat, ObjectID

Signer = Callable[[bytes], Awaitable[bytes]]
"""Gets a commit without a signature, returns its armoured signature: lines, each with its newline."""

Write = Callable[[bytes, bytes], Awaitable[ObjectID]]
"""Gets an object's type and content, and makes it: ``write_object`` of a staging directory."""

LAST_SECOND: Final = 253402300799
"""The end of the year 9999."""

_CRUD: Final = bytes(range(33)) + b".,:;<>\"\\'"
"""What git cuts off both ends of names and addresses."""

_DELIMITERS: Final = b"\n<>"
"""What must not be in them anywhere."""

_NOT_UTF8: Final = re.compile(
    rb"((?:"
    rb"[\xc2-\xdf][\x80-\xbf]"
    rb"|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xef(?!\xb7[\x90-\xaf]|\xbf[\xbe\xbf])[\x80-\xbf]{2}"  # not U+FDD0 to U+FDEF, U+FFFE, U+FFFF
    rb"|(?!.[\x8f\x9f\xaf\xbf]\xbf[\xbe\xbf])(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2}"
    rb")+)|([\x80-\xff])",
    re.DOTALL,
)


@frozen
class Ident:
    """
    Who did something, and when.

    :param seconds: since 1970.
    :param zone: ``+0530``.
    """

    name: bytes
    email: bytes
    seconds: int
    zone: bytes = b"+0000"

    def line(self) -> bytes:
        """
        As it stands in commits and tags: cleaned up as git does it.

        :raises GitalyError: for a name of which nothing is left, for a NUL, and for a time that git cannot tell.
        """
        if b"\0" in self.name + self.email:
            raise GitalyError("identity contains NUL byte", Code.INVALID_ARGUMENT, {"name": self.name, "email": self.email})
        if not 0 <= self.seconds <= LAST_SECOND:
            raise GitalyError("invalid date", None, {"seconds": self.seconds})
        name = _clean(self.name)
        if not name:
            raise GitalyError("name consists only of disallowed characters", None, {"name": self.name})
        return b"%b <%b> %d %b" % (name, _clean(self.email), self.seconds, self.zone)


@frozen
class NewCommit:
    """
    :param parents: of those that are there twice, the second is left out.
    :param message: as it is, with or without a newline at its end.
    """

    tree: ObjectID
    parents: Sequence[ObjectID]
    author: Ident
    committer: Ident
    message: bytes

    def content(self) -> bytes:
        """
        The commit object's content. Bytes that are no UTF-8 are taken for Latin-1, as git does.

        :raises GitalyError: without a code for what ``git commit-tree`` refuses; ``missing author name``, ``missing committer
            name``; INVALID_ARGUMENT for a NUL in a name.
        """
        if not self.author.name:
            raise GitalyError("missing author name")
        if not self.committer.name:
            raise GitalyError("missing committer name")
        if b"\0" in self.message:
            raise GitalyError("a NUL byte in commit log message not allowed")
        lines = [b"tree " + self.tree]
        lines += [b"parent " + parent for parent in dict.fromkeys(self.parents)]
        lines += [b"author " + self.author.line(), b"committer " + self.committer.line(), b"", self.message]
        return in_utf8(b"\n".join(lines))


async def write_commit(write: Write, commit: NewCommit, signer: Signer | None = None) -> ObjectID:
    """
    Make a commit.

    :param write: where it goes.
    :param signer: signs it.
    :returns: its id.
    :raises GitalyError: as :meth:`NewCommit.content`, and what the signer raises.
    """
    content = commit.content()
    if signer is not None:
        content = with_signature(content, await signer(content), commit.tree.format)
    return await write(b"commit", content)


def with_signature(content: bytes, signature: bytes, object_format: ObjectFormat) -> bytes:
    """
    A commit's content with the header that holds its signature.
    """
    header = b"gpgsig" if object_format is ObjectFormat.SHA1 else b"gpgsig-sha256"
    headers, separator, message = content.partition(b"\n\n")
    return b"%b\n%b %b%b%b" % (headers, header, signature.rstrip(b"\n").replace(b"\n", b"\n "), separator, message)


def in_utf8(text: bytes) -> bytes:
    """
    The same text as UTF-8: what is none, is taken for Latin-1, byte by byte, as git does it for commits. Code points that are no
    characters count as none.
    """

    def fixed(found: re.Match[bytes]) -> bytes:
        return found[1] or found[2].decode("latin-1").encode("utf-8")

    return text if text.isascii() else _NOT_UTF8.sub(fixed, text)


def _clean(text: bytes) -> bytes:
    return text.strip(_CRUD).translate(None, _DELIMITERS)


__all__ = ["Ident", "NewCommit", "Signer", "Write", "in_utf8", "with_signature", "write_commit"]
