"""
Taking in the pack of a push.
"""

from __future__ import annotations

import hashlib

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..git.command import Command
from ..git.directory import GitDirectory
from ..git.interfaces import IChild, IGit
from ..git.objectid import ObjectFormat
from ..git.subcommands import strict
from ..streams import IByteSource, StreamBroken
from .childmessages import Messages, secrets_of
from .interfaces import PushBroken
from .pushanswer import Answer
from .pushmeans import PackLimits

_log = Logger()

HEADER = 12
"""The length of a pack's header in bytes: signature, version, number of objects (gitformat-pack(5))."""

UNPACK_LIMIT = 100
"""git unpacks packs of fewer objects into single files (``receive.unpackLimit``), and names that program when it fails. Here they
stay packs like the others, but the name that clients and their users know is kept."""


class UnpackFailed(Exception):
    """
    The pack cannot be taken.

    :param why: what the report says after ``unpack``, in git's words.
    """

    def __init__(self, why: bytes) -> None:
        super().__init__(why.decode("ascii", "replace"))
        self.why = why


@frozen
class PackStart:
    """
    The beginning of a pack.

    :param count: how many objects it says that it has.
    :param bytes: everything that was read so far, header included.
    """

    count: int
    bytes: bytes

    @property
    def failure(self) -> UnpackFailed:
        """
        What the report says if git fails on this pack.
        """
        return UnpackFailed(b"%b abnormal exit" % (b"unpack-objects" if self.count < UNPACK_LIMIT else b"index-pack"))


async def read_start(source: IByteSource, rest: bytes) -> PackStart:
    """
    Read a pack's header.

    :param rest: what was read of the pack already.
    :raises UnpackFailed: if it is none.
    :raises PushBroken: if the client went away.
    """
    begun = await _read(source, rest, HEADER)
    if len(begun) < HEADER:
        raise UnpackFailed(b"eof before pack header was fully read")
    if begun[:4] != b"PACK":
        raise UnpackFailed(b"protocol error (pack signature mismatch detected)")
    if int.from_bytes(begun[4:8], "big") not in (2, 3):
        raise UnpackFailed(b"protocol error (pack version unsupported)")
    return PackStart(int.from_bytes(begun[8:12], "big"), begun)


async def check_empty(source: IByteSource, start: PackStart, object_format: ObjectFormat, answer: Answer) -> None:
    """
    Check the checksum of a pack without objects; there is nothing else in it, and nothing to keep of it.

    :raises UnpackFailed: if it is wrong.
    :raises PushBroken: if the client went away.
    """
    end = HEADER + object_format.hex_length // 2
    whole = await _read(source, start.bytes, end)
    if len(whole) < end:
        await answer.tell(b"fatal: early EOF\n")
        raise start.failure
    if hashlib.new(object_format.value, whole[:HEADER], usedforsecurity=False).digest() != whole[HEADER:end]:
        await answer.tell(b"fatal: final sha1 did not match\n")
        raise start.failure


async def unpack(
    git: IGit,
    quarantine: GitDirectory,
    source: IByteSource,
    start: PackStart,
    answer: Answer,
    limits: PackLimits,
    *,
    quiet: bool,
    shallow_file: str | None,
) -> None:
    """
    Let git check a pack and put it into the quarantine, as it comes in. It is never in memory as a whole.

    The child has ended when this returns or raises, also if it is cancelled.

    :param quiet: show no progress, only mistakes.
    :param shallow_file: a file that says where history may end, for a push from a shallow clone.
    :raises UnpackFailed: if it cannot be taken; the user has been told why.
    :raises PushBroken: if the client went away.
    :raises StreamBroken: if the client went away.
    """
    options: list[bytes | str] = ["--stdin", "--fix-thin"]
    if answer.sidebands:
        options.append("--report-end-of-input")
        if not quiet:
            options.append("--show-resolving-progress")
    if limits.size is not None:
        options.append(f"--max-input-size={limits.size}")
    messages = Messages(answer.tell, secrets_of(quarantine), answer.stay_in_touch)
    child = git.spawn(
        Command("index-pack", [*options, strict()], directory=quarantine),
        stderr=messages,
        limits=limits.child,
        environment=None if shallow_file is None else {"GIT_SHALLOW_FILE": shallow_file},
    )
    pump = _Pump(source, child)
    feeding = Deferred.fromCoroutine(pump.run(start.bytes))
    feeding.addErrback(pump.failed)
    try:
        while await _read_output(child):
            pass
        ended = await child.wait()
    finally:
        feeding.cancel()
        child.kill()
        await child.wait()
    if isinstance(pump.failure, StreamBroken):
        raise PushBroken(PushBroken.HUNG_UP) from pump.failure
    if pump.failure is not None:
        _log.error("cannot read a pack: {error!r}", error=pump.failure)
        await answer.tell(b"fatal: read error on input\n")
        raise start.failure
    await messages.finish()
    if ended.status < 0:
        await answer.tell(f"error: the pack takes too much time or memory ({ended})\n".encode())
    if ended.status != 0:
        raise start.failure


class _Pump:
    """
    Moves bytes from the client to a child until one of them has enough.

    :ivar failure: why the client could not be read; the child was killed then.
    """

    def __init__(self, source: IByteSource, child: IChild) -> None:
        self._source = source
        self._child = child
        self.failure: BaseException | None = None

    async def run(self, data: bytes) -> None:
        """
        :param data: what was read already.
        """
        while True:
            try:
                await self._child.stdin.write(data)
            except StreamBroken:
                return  # The child has ended; why, it says itself.
            data = await self._source.read()
            if not data:
                self._child.close_stdin()
                return

    def failed(self, failure: Failure) -> None:
        """
        Called with what :func:`run` raises.
        """
        if not failure.check(CancelledError):
            self.failure = failure.value
            self._child.kill()


async def _read_output(child: IChild) -> bytes:
    try:
        return await child.stdout.read()
    except StreamBroken:
        return b""


async def _read(source: IByteSource, begun: bytes, length: int) -> bytes:
    """
    :returns: at least ``length`` bytes that begin with ``begun``; fewer only if the stream ended.
    """
    while len(begun) < length:
        try:
            data = await source.read()
        except StreamBroken as error:
            raise PushBroken(PushBroken.HUNG_UP) from error
        if not data:
            break
        begun += data
    return begun
