"""
What the rest of the server may ask of references.

Names are bytes.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence

from attrs import frozen
from zope.interface import Attribute, Interface

from ..errors import Code, GitalyError
from .directory import GitDirectory
from .objectid import ObjectID


@frozen
class Reference:
    """
    :param name: in full: ``refs/heads/main`` or ``HEAD``.
    :param target: the object it points at in the end.
    :param symbolic: the ref that it is a name for, if it is a symbolic one.
    :param peeled: what its tag stands for, where packed-refs says so; ``None`` is "not known".
    """

    name: bytes
    target: ObjectID
    symbolic: bytes | None = None
    peeled: ObjectID | None = None


@frozen
class RefUpdate:
    """
    One change of one ref.

    :param name: in full, below ``refs/`` and well-formed.
    :param old: what it must be now; the zero id for "must not exist"; ``None`` for "whatever it is".
    :param new: what it will be; the zero id to delete it.
    :param follow: if it is a symbolic ref, change the ref that it is a name for; otherwise the symbolic ref itself.
    """

    name: bytes
    old: ObjectID | None
    new: ObjectID
    follow: bool = True


class Refusal(enum.Enum):
    """
    Why a ref cannot be updated. The value is what git's receive-pack says of it.
    """

    MALFORMED = "funny refname"
    STALE = "failed to update ref"
    EXISTS = "reference already exists"
    CONFLICT = "failed to update ref (directory/file conflict)"
    LOCKED = "failed to update ref (locked)"
    MISSING_OBJECT = "bad pack"
    UNWRITABLE = "failed to write ref"


@frozen
class RefRefused:
    """
    :param name: the ref.
    :param why: the kind.
    :param actual: what the ref is now, where it was not what was expected.
    :param other: the ref that is in the way of the name, for a conflict.
    """

    name: bytes
    why: Refusal
    actual: ObjectID | None = None
    other: bytes | None = None


class HeadLocked(GitalyError):
    """
    Somebody else has HEAD locked, and does not give it back.
    """

    def __init__(self, path: str) -> None:
        text = "setting default branch: committing temporary HEAD: locking file: file already locked"
        super().__init__(text, Code.INTERNAL, {"path": path})


class IIntent(Interface):
    """
    Remembers lock files, so that somebody can remove them if whoever made them dies. All of it blocks.
    """

    def announce(locks: Sequence[str]) -> None:
        """
        :param locks: the absolute paths of files that may be made from now on.
        """

    def withdraw() -> None:
        """
        They are gone, or were never made. Safe to repeat.
        """


First = Callable[[], None]
"""What has to be done before something else, and in the same turn in a thread, since every turn costs. It may block."""


def nothing() -> None:
    """
    For those who have nothing to do first.
    """


class IPreparedRefs(Interface):
    """
    Ref updates that are verified and locked: nobody, no other git either, can change these refs now. Exactly one of
    :func:`commit` and :func:`abort` ends it.
    """

    refused: Mapping[bytes, RefRefused] = Attribute("The updates that cannot be made, by name; not locked.")
    locks: tuple[str, ...] = Attribute("The lock files that are there now, absolute.")
    before: Mapping[bytes, ObjectID] = Attribute(
        "What the locked refs are now, by name: the zero id if there is none. Symbolic ones are left out."
    )

    def commit(first: First = nothing) -> Awaitable[None]:
        """
        Make the updates visible, HEAD's last. Not yet durable: the write-ahead log is what makes them so.

        :param first: done first. If it raises, nothing was moved and all stays locked: :func:`commit` may be called again.
        :raises OSError: if the disk does; then some may be visible, and the log says which should be.
        """

    def abort() -> Awaitable[None]:
        """
        Unlock, and change nothing.
        """


class IRefs(Interface):
    """
    The refs of repositories, in either of git's formats. Never answered from memory without looking whether the files changed.
    """

    def read(directory: GitDirectory, name: bytes) -> Awaitable[Reference | None]:
        """
        One ref or ``HEAD``, symbolic ones followed to their end (at most 5 steps); ``None`` if it does not exist or is unborn.
        """

    def head(directory: GitDirectory) -> Awaitable[bytes | None]:
        """
        The name of the ref that HEAD is a name for, existing or not; ``None`` for a detached HEAD.
        """

    def list(
        directory: GitDirectory, prefixes: Sequence[bytes] = (b"refs/",), hidden: Sequence[bytes] = ()
    ) -> Awaitable[list[Reference]]:
        """
        All refs below any of ``prefixes`` (each ends in ``/`` or is a full name) and below none of ``hidden``, sorted by name.
        Broken ones are left out and logged.
        """

    def prepare(
        directory: GitDirectory,
        updates: Sequence[RefUpdate],
        intent: IIntent | None = None,
        head: bytes | None = None,
        first: First = nothing,
    ) -> Awaitable[IPreparedRefs]:
        """
        Verify and lock.

        :param intent: told of the lock files before the first is made, and when all are gone.
        :param head: the ref that HEAD shall be a name for, unless an update of it is refused; HEAD is locked, too.
        :param first: done first. If it raises, nothing is locked.
        :raises HeadLocked: if somebody else keeps HEAD locked; then nothing is.
        :raises GitalyError: INVALID_ARGUMENT for a ``head`` that no ref can be.
        """

    def force(directory: GitDirectory, updates: Sequence[RefUpdate]) -> Awaitable[None]:
        """
        Set refs without verification, breaking stale locks: recovery's way. Safe to repeat.
        """

    def set_head(directory: GitDirectory, target: bytes) -> Awaitable[None]:
        """
        Make HEAD a name for ``target``, which need not exist. Atomic; safe to repeat. A lock of somebody else is waited for.

        :raises HeadLocked: if they keep it; it is never broken.
        :raises GitalyError: INVALID_ARGUMENT for a name that no ref can have.
        """

    def fsync(directory: GitDirectory, names: Sequence[bytes]) -> Awaitable[None]:
        """
        Make what is visible of these refs (and HEAD, if named) durable: files and their directories. Missing ones are no error.
        """
