"""
Objects as the messages that several services answer with.
"""

from __future__ import annotations

import re
from typing import Final

from protocols.gitaly.shared_pb2 import CommitAuthor, CommitTrailer, GitCommit, SignatureType, Tag

from ..git.interfaces import GitObject
from ..git.parse import commit as commits
from ..git.parse.mailmap import NONE, Mailmap
from ..git.parse.trailers import trailers

LONGEST: Final = 10 * 1024
"""Bytes of a message that are sent; ``body_size`` and ``message_size`` tell the whole length."""

_MARKS: Final = {
    b"-----BEGIN SIGNED MESSAGE-----": SignatureType.X509,
    b"-----BEGIN PGP MESSAGE-----": SignatureType.PGP,
    b"-----BEGIN PGP SIGNATURE-----": SignatureType.PGP,
    b"-----BEGIN SSH SIGNATURE-----": SignatureType.SSH,
}

_SIGNATURE_IN_TAG: Final = re.compile(rb"-----BEGIN[^\n]*(?=\n)")


def signature_type(line: bytes) -> SignatureType:
    """
    :param line: the first one of a signature.
    """
    return _MARKS.get(line, SignatureType.NONE)


def author_message(person: commits.Person, mailmap: Mailmap = NONE) -> CommitAuthor:
    """
    :param mailmap: says which name and address are shown.
    """
    message = CommitAuthor()
    _fill(message, person, mailmap)
    return message


def _fill(message: CommitAuthor, person: commits.Person, mailmap: Mailmap) -> None:
    name, email = person.name, person.email
    if mailmap:
        name, email = mailmap.shown(name.rstrip(), email)
    message.name, message.email, message.timezone = name, email, person.zone
    if person.seconds is not None:
        # A date that is 1970 is a date all the same.
        message.date.SetInParent()
        message.date.seconds = person.seconds


def commit_message(found: GitObject, mailmap: Mailmap = NONE, *, with_trailers: bool = False) -> GitCommit:
    """
    :param found: a commit.
    :param with_trailers: whether the trailers of the message are wanted.
    """
    raw = commits.commit(found.data)
    message = GitCommit(
        id=str(found.oid),
        tree_id=raw.tree.decode("utf-8", "replace"),
        parent_ids=[parent.decode("utf-8", "replace") for parent in raw.parents],
        encoding=raw.encoding.decode("utf-8", "replace"),
        subject=commits.subject(raw.message),
        body=raw.message[:LONGEST],
        body_size=len(raw.message),
        signature_type=signature_type(raw.signature),
    )
    if raw.author is not None:
        message.author.SetInParent()
        _fill(message.author, raw.author, mailmap)
    if raw.committer is not None:
        message.committer.SetInParent()
        _fill(message.committer, raw.committer, mailmap)
    if with_trailers:
        message.trailers.extend(trailer_messages(raw.message, raw.encoding))
    return message


def trailer_messages(message: bytes, encoding: bytes = b"") -> list[CommitTrailer]:
    """
    The trailers of a commit's message, in UTF-8, as git shows them.

    :param encoding: what the commit says of itself. It is not believed if the message is not in it.
    """
    if encoding:
        try:
            message = message.decode(encoding.decode("ascii")).encode("utf-8")
        except (LookupError, UnicodeError):
            pass
    return [CommitTrailer(key=key, value=value) for key, value in trailers(message)]


def tag_message(name: bytes, found: GitObject, target: GitObject | None = None, mailmap: Mailmap = NONE) -> Tag:
    """
    :param name: without ``refs/tags/``.
    :param found: what the ref points at: a tag object; or anything else, for a lightweight tag.
    :param target: what a tag object stands for in the end, if that is known and a commit.
    """
    message = Tag(name=name, id=str(found.oid))
    if found.type == b"commit":
        target = found
    if target is not None and target.type == b"commit":
        message.target_commit.CopyFrom(commit_message(target, mailmap))
    if found.type != b"tag":
        return message
    raw = commits.tag(found.data)
    text = raw.message.rstrip(b"\n")
    message.message = text[:LONGEST]
    message.message_size = len(text)
    if raw.tagger is not None:
        message.tagger.CopyFrom(author_message(raw.tagger, mailmap))
    signature = _SIGNATURE_IN_TAG.search(raw.message)
    if signature is not None and signature.start():
        message.signature_type = signature_type(signature[0])
    return message


__all__ = [
    "LONGEST",
    "author_message",
    "commit_message",
    "signature_type",
    "tag_message",
    "trailer_messages",
]
