"""
Attributes of paths.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from protocols.gitaly.repository_pb2 import GetFileAttributesRequest, GetFileAttributesResponse

from ...errors import Code, GitalyError
from ...git.attributes import Lines, TreeAttributes, info_attributes
from ...git.interfaces import IGit, IObjects
from ...git.objectid import ObjectID
from ...git.parse.attributes import State, is_name
from ...git.revisions import find
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from ..validate import given, opened

AttributeInfo = GetFileAttributesResponse.AttributeInfo

MAXIMUM = 1 << 20
"""How many attributes of paths may be asked for in one request."""


async def get_file_attributes(
    storage: IStorageProvider, git: IGit, in_thread: InThread, request: GetFileAttributesRequest
) -> GetFileAttributesResponse:
    """
    What the ``.gitattributes`` files of a revision and the repository's ``info/attributes`` say of paths, which need not exist:
    in the order of the paths and of the attributes that are asked for, without those that are unspecified.

    :raises GitalyError: INVALID_ARGUMENT for a request that lacks something; INTERNAL ``check attr: …`` for what git's check-attr
        would end at: an unknown revision, a path out of the tree, a bad name.
    """
    repository = await opened(storage, given(request))
    for missing, text in (
        (not request.revision, "revision is required"),
        (not request.paths, "file paths are required"),
        (not request.attributes, "attributes are required"),
        (len(request.paths) * len(request.attributes) > MAXIMUM, "too many file paths and attributes"),
    ):
        if missing:
            raise GitalyError(text, Code.INVALID_ARGUMENT)
    names = [attribute.encode("utf-8") for attribute in request.attributes]
    tree = await find(git, repository, request.revision, b"tree")
    if tree is None or not all(map(is_name, names)):
        raise GitalyError("check attr: read line: EOF", Code.INTERNAL)
    oid, paths = tree.oid, list(map(_normal, request.paths))
    info = await in_thread(info_attributes, repository.directory)
    states = await repository.look(lambda objects: _look_up(objects, oid, info, paths, names))
    reply = GetFileAttributesResponse()
    for path, found in zip(request.paths, states, strict=True):
        for name in names:
            if name in found:
                value = _value(found[name])
                reply.attribute_infos.append(AttributeInfo(path=path, attribute=name.decode("ascii"), value=value))
    return reply


def _look_up(
    objects: IObjects, tree: ObjectID, info: Lines, paths: Iterable[bytes], names: list[bytes]
) -> list[dict[bytes, State]]:
    attributes = TreeAttributes(objects, tree, info)
    return [attributes.look_up(path, names) for path in paths]


def _normal(path: str) -> bytes:
    """
    A path as git takes it: without ``.``, ``..`` and double slashes, but with the slash at its end.
    """
    if "\0" in path:
        raise GitalyError("check attr: path with NUL byte not allowed", Code.INTERNAL)
    found = posixpath.normpath(path)
    if found == ".." or found.startswith(("/", "../")):
        raise GitalyError("check attr: read line: EOF", Code.INTERNAL)
    found = "" if found == "." else found
    return (found + "/" if path.endswith("/") and found else found).encode("utf-8")


def _value(state: State) -> str:
    if isinstance(state, bytes):
        return state.decode("utf-8", "replace")
    return "set" if state else "unset"
