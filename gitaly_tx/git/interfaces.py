"""
What the rest of the server may ask of git; for what concerns references see :mod:`gitaly_tx.git.refinterfaces`.

Names of refs, object contents and git's arguments are bytes; paths of repositories are absolute ``str``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen
from zope.interface import Attribute, Interface

from ..streams import IByteSink, IByteSource
from .directory import GitDirectory
from .objectid import ObjectFormat, ObjectID
from .refinterfaces import First, IIntent, IPreparedRefs, IRefs, Reference, RefRefused, RefUpdate, Refusal, nothing

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
        stdin: bool = True,
    ) -> IChild:
        """
        Start a git.

        :param stderr: where its standard error goes as it comes, besides its end being kept for ``Ended.stderr``.
        :param limits: instead of the configured ones.
        :param environment: variables beside the usual ones.
        :param descriptors: descriptors of ours that it gets too, with the same numbers; the caller closes ours.
        :param stdout: the descriptor of a file that its standard output goes into; there is then nothing to read of it here.
        :param stdin: whether it is given anything to read; if not, its standard input is closed from the start.
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

    def remember(directory: GitDirectory, objects: Iterable[GitObject]) -> None:
        """
        Told of objects that the repository has just got, in files of their own: they are likely to be looked up next.
        """

    def forget(directory: GitDirectory) -> None:
        """
        Let go of what is kept open of a repository, because it was removed or replaced.
        """


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
    "Ended",
    "First",
    "GitObject",
    "IChild",
    "IEnvironment",
    "IGit",
    "IIntent",
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
    "nothing",
]
