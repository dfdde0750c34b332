"""
What the rest of the server may ask of git.

Names of refs, object contents and git's arguments are bytes; paths of repositories are absolute ``str``.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen
from zope.interface import Attribute, Interface

from ..streams import IByteSink, IByteSource
from .directory import GitDirectory
from .objectid import ObjectFormat, ObjectID

if TYPE_CHECKING:
    from .command import Command

T = TypeVar("T")


# ------------------------------------------------------------------------------------------------------ running git


@frozen
class Usage:
    """
    What a child and its own children cost, as the kernel says (``wait4``).

    :param seconds: real time from start to end.
    :param user: CPU seconds in the program.
    :param system: CPU seconds in the kernel.
    :param peak: the largest resident set of one process, in bytes.
    """

    seconds: float = 0.0
    user: float = 0.0
    system: float = 0.0
    peak: int = 0


@frozen
class Ended:
    """
    How a child ended.

    :param status: its exit status; negative for the signal that ended it, as in :mod:`subprocess`.
    :param stderr: the last of what it wrote to standard error (at most 64 KiB), whether that went to a sink too or not.
    """

    status: int
    stderr: bytes = b""
    usage: Usage = Usage()

    def __str__(self) -> str:
        """
        ``exit status 128`` or ``signal: killed``: the words that Gitaly's messages use.
        """
        from signal import Signals, strsignal

        if self.status >= 0:
            return f"exit status {self.status}"
        try:
            return f"signal: {(strsignal(Signals(-self.status)) or str(-self.status)).lower()}"
        except ValueError:
            return f"signal: {-self.status}"


@frozen
class Limits:
    """
    What a child may use; ``None`` is no limit.

    :param memory: bytes of address space (RLIMIT_AS).
    :param cpu: seconds of CPU time (RLIMIT_CPU).
    :param seconds: seconds of real time; then the process group is killed.
    :param file_size: bytes of one file it writes (RLIMIT_FSIZE).
    """

    memory: int | None = None
    cpu: int | None = None
    seconds: float | None = None
    file_size: int | None = None


class IChild(Interface):
    """
    A running program: a git, or a hook. It is the leader of a process group of its own.

    Whoever has it must await :func:`wait` or call :func:`kill`; a child that is dropped is a bug that the tests find.
    """

    pid: int = Attribute("Its process id.")
    stdin: IByteSink = Attribute("Its standard input; closed by ``close_stdin``.")
    stdout: IByteSource = Attribute("Its standard output, read by us in pieces of up to 256 KiB.")

    def close_stdin() -> None:
        """
        Say that nothing more comes. Safe to repeat. What was written before still arrives.
        """

    def send_stdout_to(sink: IByteSink) -> Awaitable[int]:
        """
        Move all of standard output to a sink: spliced where the sink can, otherwise piece by piece.

        :returns: the number of bytes.
        :raises StreamBroken: if the sink broke. The child still runs then.
        """

    def wait() -> Awaitable[Ended]:
        """
        Wait until the child has ended and all its output was taken. May be awaited more than once.
        """

    def cut_short() -> None:
        """
        End the whole process group at once, if it still runs, and keep what it has written so far: whoever reads gets that, and
        then the end.
        """

    def kill() -> None:
        """
        End the whole process group at once, if it still runs. Safe to repeat.
        """


class IGit(Interface):
    """
    Runs git.

    The environment of a child is made, not inherited: nothing of ours leaks but ``HOME``, ``PATH``, ``LD_LIBRARY_PATH``, ``TZ``
    and the proxy variables; system and user configuration are switched off; ``CORRELATION_ID`` is set. Every child has limits.
    """

    version: tuple[int, int, int] = Attribute("git's version: ``(2, 39, 5)``.")
    version_text: str = Attribute("The same as git prints it: ``2.39.5``.")
    path: str = Attribute("The git program, absolute.")

    def spawn(
        command: Command,
        *,
        stderr: IByteSink | None = None,
        limits: Limits | None = None,
        environment: Mapping[str, str] | None = None,
        descriptors: Sequence[int] = (),
        stdout: int | None = None,
    ) -> IChild:
        """
        Start a git.

        :param stderr: where its standard error goes as it comes, besides its end being kept for ``Ended.stderr``.
        :param limits: instead of the configured ones.
        :param environment: variables beside the usual ones.
        :param descriptors: descriptors of ours that it gets too, with the same numbers; the caller closes ours.
        :param stdout: the descriptor of a file that its standard output goes into; there is then nothing to read of it here.
        :raises GitalyError: RESOURCE_EXHAUSTED if no process can be had now.
        """

    def spawn_program(
        argv: Sequence[str | bytes],
        *,
        cwd: str,
        environment: Mapping[str, str],
        stderr: IByteSink | None = None,
        limits: Limits | None = None,
    ) -> IChild:
        """
        Start another program, such as a hook, with exactly this environment.

        :raises OSError: if it cannot be executed.
        """

    def run(
        command: Command,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        maximum: int = 1 << 20,
        check: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> Awaitable[tuple[bytes, Ended]]:
        """
        Run a git whose output is small, to its end.

        :param maximum: the most bytes of output; with more it is killed.
        :returns: its output and how it ended.
        :raises GitCommandError: with ``check``, if the exit status is not 0; always, if the output is too large.
        """


# ------------------------------------------------------------------------------------------------------ reading objects


@frozen
class GitObject:
    """
    :param type: ``blob``, ``tree``, ``commit`` or ``tag``, as bytes.
    :param data: its content, without git's header.
    """

    oid: ObjectID
    type: bytes
    data: bytes


@frozen
class ObjectInfo:
    """
    :param size: of the content, in bytes.
    """

    oid: ObjectID
    type: bytes
    size: int


class IObjects(Interface):
    """
    The objects of one repository, looked up at once: for work that has a thread, see :func:`IObjectReader.look`.
    """

    def read(oid: ObjectID, maximum: int | None = None) -> GitObject:
        """
        As :func:`IObjectReader.read`.
        """

    def info(oid: ObjectID) -> ObjectInfo | None:
        """
        Type and size; ``None`` if there is no such object.
        """


class IObjectReader(Interface):
    """
    Look-ups of objects, in this process and never in the reactor's thread.

    Packs are kept open and looked at again when they change; memory is bounded in bytes over all repositories. An object that a
    quarantine or an alternate has is found like any other.
    """

    def read(directory: GitDirectory, oid: ObjectID, maximum: int | None = None) -> Awaitable[GitObject]:
        """
        :param maximum: refuse larger ones.
        :raises ObjectNotFound: if there is none. Always found out afresh: nobody remembers that an object was missing.
        :raises ObjectTooLarge: if it is larger than ``maximum``.
        :raises ObjectCorrupt: if it cannot be read.
        """

    def info(directory: GitDirectory, oids: Sequence[ObjectID]) -> Awaitable[list[ObjectInfo | None]]:
        """
        Type and size of each, in the order asked for; ``None`` for those that are missing.
        """

    def peel(directory: GitDirectory, oids: Sequence[ObjectID]) -> Awaitable[list[ObjectID | None]]:
        """
        What each id stands for once tags are followed to their end: for a tag the object it names, ``None`` for any other.
        """

    def look(directory: GitDirectory, job: Callable[[IObjects], T]) -> Awaitable[T]:
        """
        Do work that looks up several objects, of which one leads to the other: all of it in one turn in a thread.

        :param job: it may take some milliseconds, and touches nothing that belongs to the reactor's thread.
        :returns: what ``job`` returned or raised.
        """

    def glance(directory: GitDirectory, job: Callable[[IObjects], T]) -> Awaitable[T]:
        """
        As :func:`look`, for work that looks up a few small objects and leaves no trace if it is broken off: it may be done in the
        reactor's thread as long as everything it needs is in memory, and is begun anew in another if something is not.
        """

    def forget(directory: GitDirectory) -> None:
        """
        Let go of what is kept open of a repository, because it was removed or replaced.
        """


# ------------------------------------------------------------------------------------------------------ references


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


class IPreparedRefs(Interface):
    """
    Ref updates that are verified and locked: nobody, no other git either, can change these refs now. Exactly one of
    :func:`commit` and :func:`abort` ends it.
    """

    refused: Mapping[bytes, RefRefused] = Attribute("The updates that cannot be made, by name; not locked.")
    locks: tuple[str, ...] = Attribute("The lock files that were made, absolute.")
    before: Mapping[bytes, ObjectID] = Attribute(
        "What the locked refs are now, by name: the zero id if there is none. Symbolic ones are left out."
    )

    def commit() -> Awaitable[None]:
        """
        Make the updates visible. Not yet durable: the write-ahead log is what makes them so.

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
        directory: GitDirectory, updates: Sequence[RefUpdate], announce: Announce | None = None
    ) -> Awaitable[IPreparedRefs]:
        """
        Verify and lock.

        :param announce: called with the paths of the lock files before the first is made, so that somebody can remember them.
        """

    def force(directory: GitDirectory, updates: Sequence[RefUpdate]) -> Awaitable[None]:
        """
        Set refs without verification, breaking stale locks: recovery's way. Safe to repeat.
        """

    def set_head(directory: GitDirectory, target: bytes) -> Awaitable[None]:
        """
        Make HEAD a name for ``target``, which need not exist. Atomic; safe to repeat.
        """

    def fsync(directory: GitDirectory, names: Sequence[bytes]) -> Awaitable[None]:
        """
        Make what is visible of these refs (and HEAD, if named) durable: files and their directories. Missing ones are no error.
        """


Announce = Callable[[Sequence[str]], None]


class IEnvironment(Interface):
    """
    Facts about the git in use.
    """

    def supports_reftable() -> bool:
        """
        Whether this git knows the reftable format (2.45 and newer).
        """

    def object_format(directory: GitDirectory) -> ObjectFormat:
        """
        How a repository names its objects, read from its config file.
        """


__all__ = [
    "Announce",
    "Ended",
    "GitObject",
    "IChild",
    "IEnvironment",
    "IGit",
    "IObjectReader",
    "IObjects",
    "IPreparedRefs",
    "IRefs",
    "Limits",
    "ObjectInfo",
    "RefRefused",
    "RefUpdate",
    "Reference",
    "Refusal",
    "Usage",
]
