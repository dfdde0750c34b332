"""
Signatures of commits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from attrs import frozen

from protocols.gitaly.commit_pb2 import (
    FilterShasWithSignaturesRequest,
    FilterShasWithSignaturesResponse,
    GetCommitSignaturesRequest,
    GetCommitSignaturesResponse,
)
from protocols.gitaly.shared_pb2 import SignatureType

from ...errors import Code, GitalyError
from ...git.interfaces import IObjects
from ...git.objectid import ObjectID
from ...git.parse import commit as commits
from ...git.peeling import peeled
from ...git.revisions import find
from ...rpc.chunks import cut
from ...signing.system import Signing
from ..validate import given, object_id, opened
from ..wire import author_message, signature_type
from .ports import CommitPorts


async def filter_shas_with_signatures(
    ports: CommitPorts, requests: AsyncIterator[FilterShasWithSignaturesRequest]
) -> AsyncIterator[FilterShasWithSignaturesResponse]:
    """
    Of each request the names of those commits that have a signature of a known kind; one answer for each request.

    :raises GitalyError: INTERNAL ``EOF`` without any request.
    """
    repository = None
    async for request in requests:
        if repository is None:
            repository = await opened(ports.storage, given(request))
        signed = []
        for name in request.shas:
            commit = await find(ports.git, repository, name, b"commit")
            if commit is not None and signature_type(commits.commit(commit.data).signature) != SignatureType.NONE:
                signed.append(name)
        yield FilterShasWithSignaturesResponse(shas=signed)
    if repository is None:
        raise GitalyError("EOF", Code.INTERNAL)


async def get_commit_signatures(
    ports: CommitPorts, request: GetCommitSignaturesRequest
) -> AsyncIterator[GetCommitSignaturesResponse]:
    """
    For each signed commit its signature and who made it, then what was signed. Nobody is renamed by a mailmap here: the bytes are
    those that the signature is about.

    :raises GitalyError: INVALID_ARGUMENT ``empty CommitIds``, or for an id that is not a full one.
    """
    repository = await opened(ports.storage, given(request))
    if not request.commit_ids:
        raise GitalyError("empty CommitIds", Code.INVALID_ARGUMENT)
    ids = [object_id(text, repository.object_format) for text in request.commit_ids]
    for oid in ids:
        found = await repository.look(partial(_signed, ports.signing, oid))
        if found is None:
            continue
        raw = commits.commit(found.data)
        yield GetCommitSignaturesResponse(
            commit_id=str(oid),
            signature=found.signature,
            signer=GetCommitSignaturesResponse.SIGNER_SYSTEM if found.by_server else GetCommitSignaturesResponse.SIGNER_USER,
            author=None if raw.author is None else author_message(raw.author),
            committer=None if raw.committer is None else author_message(raw.committer),
        )
        for data in cut(found.text):
            yield GetCommitSignaturesResponse(signed_text=data)


@frozen
class _Signed:
    """
    :param text: what is signed.
    :param by_server: the signature is this server's.
    """

    data: bytes
    signature: bytes
    text: bytes
    by_server: bool


def _signed(signing: Signing, oid: ObjectID, objects: IObjects) -> _Signed | None:
    commit = peeled(objects, oid, b"commit")
    parts = None if commit is None else commits.signed_parts(commit.data)
    if commit is None or parts is None:
        return None
    signature, text = parts
    return _Signed(commit.data, signature, text, signing.verifies(signature, text))
