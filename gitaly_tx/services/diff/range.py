"""
Two ranges of commits compared, as of a branch before and after a rebase.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Final

from protocols.gitaly.diff_pb2 import RangeDiffRequest, RangeDiffResponse, RawRangeDiffRequest, RawRangeDiffResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IGit
from ...git.options import ConfigPair
from ...git.parse.rangediff import Pair, RangeDiffDecoder
from ...git.records import batches
from ...rpc.interfaces import IExchange
from ...storage.interfaces import IRepository, IStorageProvider
from ..running import Failed, running
from ..validate import given, opened
from .commands import command
from .raw import send_output

MESSAGE: Final = 5120
"""Bytes of a patch that one message carries."""

LONGEST_LINE: Final = 4 << 20
"""Bytes of a line of a patch; files have longer lines than paths."""

_SIGNS: Final = {
    b"=": RangeDiffResponse.COMPARATOR_EQUAL_UNSPECIFIED,
    b">": RangeDiffResponse.COMPARATOR_GREATER_THAN,
    b"<": RangeDiffResponse.COMPARATOR_LESS_THAN,
    b"!": RangeDiffResponse.COMPARATOR_NOT_EQUAL,
}


async def raw_range_diff(git: IGit, storage: IStorageProvider, exchange: IExchange, request: RawRangeDiffRequest) -> None:
    """
    Send what ``git range-diff`` prints, with ids in full.

    :raises GitalyError: INVALID_ARGUMENT ``empty Range1``, ``empty Rev1``, ``empty Base`` …; INTERNAL ``exit status 128`` for
        unknown revisions.
    """
    repository = await opened(storage, given(request))
    compared = _command(repository, request)
    await send_output(git, compared, exchange, lambda data: RawRangeDiffResponse(data=data))


async def range_diff(git: IGit, storage: IStorageProvider, request: RangeDiffRequest) -> AsyncGenerator[RangeDiffResponse, None]:
    """
    A message for each pair of commits, or several for a pair with a long patch: only the first has the other fields, only the
    last ``end_of_patch``. A commit that one range lacks has dashes for its id there, as many as an id has digits.

    :raises GitalyError: INVALID_ARGUMENT as :func:`raw_range_diff`; FAILED_PRECONDITION ``RangeDiff: exit status 128``.
    """
    repository = await opened(storage, given(request))
    decoder = RangeDiffDecoder()
    message: RangeDiffResponse | None = None
    rest = b""
    with running(git, _command(repository, request)) as child:
        async with aclosing(batches(child, b"\n", LONGEST_LINE)) as parts:
            async for lines in parts:
                for found in _decoded(decoder, lines):
                    if isinstance(found, Pair):
                        if message is not None:
                            yield _last(message, rest)
                        message, rest = _first(found), b""
                        continue
                    assert message is not None, "the decoder gives a pair first"
                    rest += found
                    # At least one byte stays for the last message.
                    whole = (len(rest) - 1) // MESSAGE * MESSAGE
                    for start in range(0, whole, MESSAGE):
                        message.patch_data = rest[start : start + MESSAGE]
                        yield message
                        message = RangeDiffResponse()
                    rest = rest[whole:]
        ended = await child.wait()
    if ended.status:
        raise Failed(ended, Code.FAILED_PRECONDITION, "RangeDiff: ")
    if message is not None:
        yield _last(message, rest)


def _command(repository: IRepository, request: RawRangeDiffRequest | RangeDiffRequest) -> Command:
    digits = repository.object_format.hex_length
    # git range-diff does not heed --abbrev before 2.42.
    config = [ConfigPair("core.abbrev", str(digits))]
    return command("range-diff", ["--no-color", f"--abbrev={digits}"], _arguments(request), repository, config=config)


def _arguments(request: RawRangeDiffRequest | RangeDiffRequest) -> list[str]:
    kind = request.WhichOneof("range_spec")
    if kind == "range_pair":
        pair = request.range_pair
        return [_present("Range1", pair.range1), _present("Range2", pair.range2)]
    if kind == "revision_range":
        ends = request.revision_range
        return [_present("Rev1", ends.rev1) + "..." + _present("Rev2", ends.rev2)]
    if kind == "base_with_revisions":
        based = request.base_with_revisions
        first, second = _present("Rev1", based.rev1), _present("Rev2", based.rev2)
        return [_present("Base", based.base), first, second]
    raise GitalyError("empty RangeSpec", Code.INVALID_ARGUMENT)


def _present(name: str, value: str) -> str:
    if not value:
        raise GitalyError(f"empty {name}", Code.INVALID_ARGUMENT)
    return value


def _decoded(decoder: RangeDiffDecoder, lines: Iterable[bytes]) -> list[Pair | bytes]:
    try:
        return list(decoder.feed(lines))
    except ValueError as error:
        raise GitalyError(f"RangeDiff: parse failure: {error}", Code.INTERNAL) from error


def _first(pair: Pair) -> RangeDiffResponse:
    return RangeDiffResponse(
        from_commit_id=pair.old.decode("ascii"),
        to_commit_id=pair.new.decode("ascii"),
        comparison=_SIGNS[pair.sign],
        commit_message_title=pair.subject.decode("utf-8", "replace"),
    )


def _last(message: RangeDiffResponse, rest: bytes) -> RangeDiffResponse:
    message.patch_data = rest
    message.end_of_patch = True
    return message
