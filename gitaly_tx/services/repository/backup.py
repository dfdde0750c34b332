"""
Repositories backed up by the server itself, and put back.
"""

from __future__ import annotations

from protocols.gitaly.repository_pb2 import (
    BackupRepositoryRequest,
    BackupRepositoryResponse,
    RestoreRepositoryRequest,
    RestoreRepositoryResponse,
)
from protocols.gitaly.shared_pb2 import Repository

from ...backup.backups import Backups
from ...backup.create import Skipped
from ...backup.vanity import Vanity, check_id, vanity_of
from ...errors import Code, GitalyError
from ...storage.interfaces import IStorageProvider
from ..validate import given, opened

_BACKUP = "backup repository"
_RESTORE = "restore repository"


async def backup_repository(
    storage: IStorageProvider, backups: Backups | None, request: BackupRepositoryRequest
) -> BackupRepositoryResponse:
    """
    Keep all refs of one moment with everything that they lead to, and the hooks; if asked only what is new since the last backup.

    :raises GitalyError: FAILED_PRECONDITION without a place to keep it, or with a detail if nothing has changed; INVALID_ARGUMENT
        for names; INTERNAL ``backup repository: manager: …`` for what goes wrong.
    """
    if backups is None:
        raise _not_configured(_BACKUP)
    if not request.backup_id:
        raise GitalyError("empty BackupId", Code.INVALID_ARGUMENT)
    check_id(request.backup_id)
    repository = await opened(storage, given(request))
    vanity = _vanity(request)
    try:
        await backups.create(repository, vanity, request.backup_id, request.incremental)
    except Skipped as error:
        raise _told(_BACKUP, error, BackupRepositoryResponse.SkippedError()) from error
    except GitalyError as error:
        if error.code is Code.NOT_FOUND:
            gone = Skipped("repository not found: repository skipped")
            raise _told(_BACKUP, gone, BackupRepositoryResponse.SkippedError()) from error
        raise error.wrapped(f"{_BACKUP}: manager", Code.INTERNAL) from error
    return BackupRepositoryResponse()


async def restore_repository(
    storage: IStorageProvider, backups: Backups | None, request: RestoreRepositoryRequest
) -> RestoreRepositoryResponse:
    """
    Make a repository what a backup says, the latest one or that of an id, in the place of what there is. If it cannot be restored
    nothing is touched. (Gitaly would have removed what there is.)

    :raises GitalyError: FAILED_PRECONDITION without a place where backups are kept, or with a detail if there is none;
        INVALID_ARGUMENT for names; INTERNAL ``restore repository: manager: …`` for what goes wrong.
    """
    if backups is None:
        raise _not_configured(_RESTORE)
    target = given(request)
    await _check_place(storage, target)
    try:
        vanity = _vanity(request)
    except GitalyError as error:
        raise error.wrapped(f"{_RESTORE}: vanity repository") from error
    if request.backup_id:
        try:
            check_id(request.backup_id)
        except GitalyError as error:
            raise error.wrapped(_RESTORE) from error
    try:
        await backups.restore(target, vanity, request.backup_id, request.always_create)
    except Skipped as error:
        raise _told(_RESTORE, error, RestoreRepositoryResponse.SkippedError()) from error
    except GitalyError as error:
        raise error.wrapped(f"{_RESTORE}: manager", Code.INTERNAL) from error
    return RestoreRepositoryResponse()


async def _check_place(storage: IStorageProvider, target: Repository | None) -> None:
    """
    :raises GitalyError: if a repository cannot be there, whatever is there now.
    """
    try:
        await storage.exists(target)
    except GitalyError as error:
        if error.given_code is not None:
            raise error.wrapped(f"{_RESTORE}: repository") from error
        # A file, or something unreadable: that is in the way, and is told when its turn comes.


def _vanity(request: BackupRepositoryRequest | RestoreRepositoryRequest) -> Vanity:
    return vanity_of(request.vanity_repository if request.HasField("vanity_repository") else None)


def _not_configured(doing: str) -> GitalyError:
    return GitalyError(f"{doing}: server-side backups are not configured", Code.FAILED_PRECONDITION)


def _told(
    doing: str,
    error: Skipped,
    detail: BackupRepositoryResponse.SkippedError | RestoreRepositoryResponse.SkippedError,
) -> GitalyError:
    return error.wrapped(f"{doing}: manager", details=(detail,))
