"""
Tags that users create and delete.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from protocols.gitaly.errors_pb2 import ReferenceExistsError
from protocols.gitaly.operations_pb2 import (
    UserCreateTagError,
    UserCreateTagRequest,
    UserCreateTagResponse,
    UserDeleteTagRequest,
    UserDeleteTagResponse,
)
from protocols.gitaly.shared_pb2 import Tag

from ...errors import Code, GitalyError
from ...git import peeling
from ...git.commits import Ident
from ...git.interfaces import GitObject, IObjects, ObjectInfo, RefUpdate
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.revisions import look_at
from ...git.tags import tag_content
from ...hooks.updateref import AccessError, HookError, UpdateError, Writer
from ...rpc.call import Call
from ...storage.interfaces import IRepository, IStaging
from ..identity import signature
from ..validate import given, opened
from ..wire import LONGEST, commit_message
from .oldvalue import deleted
from .ports import OperationPorts
from .quarantine import quarantine
from .refusals import access_check, custom_hook, invalid, reference_update, shown

_TAGS: Final = b"refs/tags/"

_WORD: Final = re.compile(rb"[^\t\n\f\r ]")


@frozen
class Target:
    """
    What a tag is to be made for.

    :param named: what the revision stands for.
    :param peeled: the same for anything but a tag; otherwise what the tag stands for in the end.
    :param commit: ``peeled``, if it is one.
    """

    named: ObjectInfo
    peeled: ObjectID
    commit: GitObject | None


async def user_create_tag(ports: OperationPorts, call: Call, request: UserCreateTagRequest) -> UserCreateTagResponse:
    """
    A new tag: with a message an object that names what it is for, which may be a tag; without one only a ref to what is no tag.

    :raises GitalyError: FAILED_PRECONDITION ``revspec 'X' not found``, or why the ref cannot be made; NOT_FOUND for a tag object
        that git would not make; ALREADY_EXISTS; PERMISSION_DENIED if a hook or the application is against it.
    """
    _validate(request)
    repository = await opened(ports.storage, given(request))
    tagger = await signature(ports.in_thread, ports.now, request)
    target = await look_at(ports.git, repository, request.target_revision, _target)
    if target is None:
        raise GitalyError(f"revspec '{shown(request.target_revision)}' not found", Code.FAILED_PRECONDITION)
    name = _TAGS + request.tag_name
    tag = Tag(name=request.tag_name)
    if target.commit is not None:
        tag.target_commit.CopyFrom(commit_message(target.commit))
    async with quarantine(repository, held=True) as staging:
        oid = target.peeled
        if _WORD.search(request.message):
            oid = await _write(staging, target, tagger, request)
            tag.message, tag.message_size = request.message[:LONGEST], len(request.message)
        tag.id = str(oid)
        existing = await repository.ref(name)
        if existing is not None:
            exists = ReferenceExistsError(reference_name=name, oid=str(existing.target))
            details = UserCreateTagError(reference_exists=exists)
            raise GitalyError("tag reference exists already", Code.ALREADY_EXISTS, details=(details,))
        writer = Writer.of(request.user, request.repository, call.correlation_id)
        await _point(ports, repository, writer, RefUpdate(name, repository.object_format.zero, oid), staging)
    return UserCreateTagResponse(tag=tag)


async def user_delete_tag(ports: OperationPorts, call: Call, request: UserDeleteTagRequest) -> UserDeleteTagResponse:
    """
    Delete a tag.

    :returns: with the words of a hook that is against it.
    :raises GitalyError: FAILED_PRECONDITION ``tag not found: X``, or why the ref cannot be deleted; INTERNAL if the application
        is against it.
    """
    repository = await opened(ports.storage, given(request))
    if not request.tag_name:
        raise invalid("empty tag name")
    if not request.HasField("user"):
        raise invalid("empty user")
    missing = f"tag not found: {shown(request.tag_name)}"
    update = await deleted(repository, _TAGS + request.tag_name, request.expected_old_oid, missing)
    writer = Writer.of(request.user, request.repository, call.correlation_id)
    try:
        await ports.updater.update(repository, writer, [update])
    except HookError as error:
        return UserDeleteTagResponse(pre_receive_error=error.text)
    except UpdateError as error:
        raise GitalyError(error.text, Code.FAILED_PRECONDITION) from error
    except AccessError as error:
        raise GitalyError(error.chain, Code.INTERNAL) from error
    return UserDeleteTagResponse()


def _validate(request: UserCreateTagRequest) -> None:
    if not request.tag_name:
        raise invalid("empty tag name")
    try:
        validate_revision(request.tag_name)
    except GitalyError as error:
        raise error.wrapped("invalid tag name") from error
    if not request.HasField("user"):
        raise invalid("empty user")
    if not request.target_revision:
        raise invalid("empty target revision")
    if b"\0" in request.message:
        raise invalid("tag message contains NUL byte")


def _target(objects: IObjects, oid: ObjectID) -> Target | None:
    named = peeling.info(objects, oid)
    peeled = None if named is None else peeling.peeled_id(objects, oid, b"")
    if named is None or peeled is None:
        return None
    info = peeling.info(objects, peeled)
    commit = peeling.read(objects, peeled) if info is not None and info.type == b"commit" else None
    return Target(named, peeled, commit)


async def _write(staging: IStaging, target: Target, tagger: Ident, request: UserCreateTagRequest) -> ObjectID:
    try:
        content = tag_content(target.named.oid, target.named.type, request.tag_name, tagger, request.message)
    except GitalyError as error:
        text = f"Gitlab::Git::CommitError: Could not update {shown(_TAGS + request.tag_name)}. Please refresh and try again."
        raise GitalyError(text, Code.NOT_FOUND, error.facts) from error
    return await staging.write_object(b"tag", content)


async def _point(ports: OperationPorts, repository: IRepository, writer: Writer, update: RefUpdate, staging: IStaging) -> None:
    """
    Make the ref.
    """
    try:
        await ports.updater.update(repository, writer, [update], staging, made=True)
    except AccessError as error:
        details = UserCreateTagError(access_check=access_check(error))
        text = f"reference update denied by access checks: {error.chain}"
        raise GitalyError(text, Code.PERMISSION_DENIED, details=(details,)) from error
    except HookError as error:
        details = UserCreateTagError(custom_hook=custom_hook(error))
        raise GitalyError("reference update denied by custom hooks", Code.PERMISSION_DENIED, details=(details,)) from error
    except UpdateError as error:
        details = UserCreateTagError(reference_update=reference_update(error))
        text = f"reference update failed: {error.text}"
        raise GitalyError(text, Code.FAILED_PRECONDITION, details=(details,)) from error
    except GitalyError as error:
        raise error.wrapped("updating reference") from error
