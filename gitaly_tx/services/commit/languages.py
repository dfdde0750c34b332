"""
Languages of a tree.
"""

from __future__ import annotations

import struct

from protocols.gitaly.commit_pb2 import CommitLanguagesRequest, CommitLanguagesResponse

from ...errors import Code, GitalyError
from ...git.names import is_valid_ref, validate_revision
from ...git.objectid import ObjectID
from ...git.revisions import RULES, resolve
from ...storage.interfaces import IRepository
from ..defaultbranch import BRANCHES, default_branch
from ..validate import given, opened
from .ports import CommitPorts

_Language = CommitLanguagesResponse.Language


async def commit_languages(ports: CommitPorts, request: CommitLanguagesRequest) -> CommitLanguagesResponse:
    """
    Languages with their bytes, the most first; nothing for a tree in which no language is counted.

    :raises GitalyError: INVALID_ARGUMENT for what cannot be a revision; INTERNAL ``looking up revision: …`` for one that is none,
        ``language stats: …`` for what is no tree.
    """
    repository = await opened(ports.storage, given(request))
    validate_revision(request.revision, allow_empty=True)
    commit = await _looked_up(ports, repository, request.revision or await default_branch(repository))
    try:
        found = await ports.languages.of(repository, commit)
    except GitalyError as error:
        raise error.wrapped("language stats", Code.INTERNAL) from error
    total = sum(size for _, size in found)
    reply = CommitLanguagesResponse()
    for language, size in found:
        share = _single(_single(100 * size) / _single(total))
        reply.languages.append(
            _Language(name=language.name, share=share, color=language.color, bytes=size, language_id=language.number)
        )
    return reply


async def _looked_up(ports: CommitPorts, repository: IRepository, revision: bytes) -> ObjectID:
    """
    The object that a revision stands for; of a branch and a tag with the same name, the branch.
    """
    found = await resolve(ports.git, repository, await _unambiguous(repository, revision)) if revision else None
    if found is None:
        shown = revision.decode("utf-8", "replace")
        text = f"exit status 128: fatal: ambiguous argument '{shown}': unknown revision or path not in the working tree."
        raise GitalyError(f"looking up revision: {text}", Code.INTERNAL)
    return found


async def _unambiguous(repository: IRepository, revision: bytes) -> bytes:
    names = [name for name in (rule % revision for rule in RULES) if is_valid_ref(name)]
    if len(await repository.refs(names) if names else ()) < 2:
        return revision
    ending = b"/" + revision
    for ref in await repository.refs((BRANCHES,)):
        if ref.name.endswith(ending):
            return ref.name
    raise GitalyError(f"looking up revision: branch {revision.decode('utf-8', 'replace')} not found", Code.INTERNAL)


def _single(value: float) -> float:
    """
    A number with the precision of a float32.
    """
    found: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return found
