"""
How does a repository name its objects?
"""

from __future__ import annotations

from protocols.gitaly import shared_pb2
from protocols.gitaly.repository_pb2 import ObjectFormatRequest, ObjectFormatResponse

from ...errors import Code, GitalyError
from ...git.config import UnusableConfig
from ...git.objectid import ObjectFormat
from ...storage.interfaces import IStorageProvider
from ..validate import given, opened

TO_WIRE = {
    ObjectFormat.SHA1: shared_pb2.OBJECT_FORMAT_SHA1,
    ObjectFormat.SHA256: shared_pb2.OBJECT_FORMAT_SHA256,
}


async def object_format(storage: IStorageProvider, request: ObjectFormatRequest) -> ObjectFormatResponse:
    """
    :raises GitalyError: INTERNAL ``detecting object hash: …`` for a format that git does not know, or a config that it
        cannot read.
    """
    try:
        found = (await opened(storage, given(request))).object_format
    except UnusableConfig as error:
        text = "detecting object hash: reading object format: exit status 128"
        raise GitalyError(text, Code.INTERNAL, error.facts) from error
    return ObjectFormatResponse(format=TO_WIRE[found])
