"""
One number for all refs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextlib import aclosing

from protocols.gitaly.repository_pb2 import CalculateChecksumRequest, CalculateChecksumResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.directory import GitDirectory
from ...git.interfaces import IGit
from ...git.records import batches
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from ..validate import given, opened

_COUNTED = re.compile(rb"HEAD|refs/(?:heads|tags|keep-around|merge-requests|environments|notes)/")


async def calculate_checksum(
    storage: IStorageProvider, git: IGit, in_thread: InThread, request: CalculateChecksumRequest
) -> CalculateChecksumResponse:
    """
    The SHA-1 of each line that ``git show-ref --head`` prints of refs that count, all combined by exclusive or, so that their
    order does not matter. SHA-1 in repositories of any format.

    All zeros for a repository without refs, and for one with a ref that git cannot show: it is git that is asked, because what
    counts as broken is its decision alone.

    :raises GitalyError: DATA_LOSS ``not a git repository '…'`` if there are no refs because git finds no repository there.
    """
    repository = await opened(storage, given(request))
    combined = 0
    child = git.spawn(Command("show-ref", ["--head"], directory=repository.directory), stdin=False)
    async with aclosing(batches(child)) as output:
        async for lines in output:
            combined ^= await in_thread(combination, lines)
    if (await child.wait()).status != 0:
        combined = 0
    if not combined and not await _is_bare(git, repository.directory):
        raise GitalyError(f"not a git repository '{repository.directory.path}'", Code.DATA_LOSS)
    return CalculateChecksumResponse(checksum=digits(combined))


def combination(lines: Iterable[bytes]) -> int:
    """
    :param lines: ``<id> <ref>``, without newlines.
    """
    combined = 0
    for line in lines:
        if _COUNTED.search(line):
            combined ^= int.from_bytes(hashlib.sha1(line, usedforsecurity=False).digest(), "big")
    return combined


def digits(combined: int) -> str:
    """
    Lower-case hexadecimal digits, without zero bytes at the beginning; 40 zeros for nothing.
    """
    return combined.to_bytes((combined.bit_length() + 7) // 8, "big").hex() or "0" * 40


async def _is_bare(git: IGit, directory: GitDirectory) -> bool:
    output, _ = await git.run(Command("rev-parse", ["--is-bare-repository"], directory=directory), check=False)
    return output == b"true\n"
