"""
Commits made of what is to be done to files.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from attrs import frozen

from protocols.gitaly.operations_pb2 import (
    OperationBranchUpdate,
    UserCommitFilesError,
    UserCommitFilesRequest,
    UserCommitFilesRequestHeader,
    UserCommitFilesResponse,
)
from protocols.gitaly.shared_pb2 import User

from ...errors import Code, GitalyError
from ...git import peeling
from ...git.commits import Ident, NewCommit, with_signature
from ...git.interfaces import IObjects, RefUpdate
from ...git.names import is_branch_name
from ...git.objectid import ObjectID
from ...git.quarantine import object_id as id_of
from ...git.treeedit import TreeEditor
from ...hooks.updateref import AccessError, HookError, UpdateError, Writer
from ...rpc.call import Call
from ...storage.interfaces import IRepository, IStaging
from ..defaultbranch import BRANCHES, has_branches
from ..identity import signature
from ..validate import given, object_id, opened
from .contents import Contents, Waiting
from .file_intake import Intake, Planned, Writing
from .oldvalue import expected_old
from .parents import base_commits
from .ports import OperationPorts
from .quarantine import quarantine
from .refusals import custom_hook, invalid
from .signing import CommitSigner, committed_by, signer_of

_FEW = 4
_SMALL = 16 << 10
"""Files, and bytes in all of them, that a commit is made of in the reactor's thread, if what it is made on is in memory."""

_NO_SIGNATURE = "commit: failed to parse signature - Signature cannot have an empty name or email"


@frozen
class Bases:
    """
    Where a commit is made.

    :param target: what the branch is now; ``None`` if there is none.
    :param parent: what the commit is made on; ``None`` for the first of a history.
    """

    target: ObjectID | None
    parent: ObjectID | None


@frozen
class Draft:
    """
    A commit that has no tree yet.

    :param parent: ``None`` for the first of a history.
    :param signer: signs it.
    """

    parent: ObjectID | None
    author: Ident
    committer: Ident
    message: bytes
    signer: CommitSigner | None = None

    def content(self, tree: ObjectID) -> bytes:
        """
        The commit object's content. It blocks.

        :raises GitalyError: INVALID_ARGUMENT if the author has no name or no address, or there is nothing in a name.
        """
        if not (self.author.name and self.author.email):
            raise invalid(_NO_SIGNATURE)
        parents = [] if self.parent is None else [self.parent]
        try:
            content = NewCommit(tree, parents, self.author, self.committer, self.message).content()
        except GitalyError as error:
            if error.message == "name consists only of disallowed characters":
                raise invalid(_NO_SIGNATURE) from error
            raise
        if self.signer is None:
            return content
        return with_signature(content, self.signer.sign(content), tree.format)


async def user_commit_files(
    ports: OperationPorts, call: Call, requests: AsyncIterator[UserCommitFilesRequest]
) -> UserCommitFilesResponse:
    """
    A commit on a branch, which may be a new one.

    :raises GitalyError: INVALID_ARGUMENT, ALREADY_EXISTS or NOT_FOUND, with details, for an action that cannot be done;
        PERMISSION_DENIED if a hook is against it; FAILED_PRECONDITION if the ref cannot be moved; INTERNAL if the application is
        against it, or there is no parent.
    """
    async for request in requests:
        if request.WhichOneof("user_commit_files_request_payload") != "header":
            raise invalid("empty UserCommitFilesRequestHeader")
        header = request.header
        break
    else:
        raise GitalyError("EOF", Code.INTERNAL)
    repository = await opened(ports.storage, given(header))
    _validate(header, repository)
    async with quarantine(repository, held=True) as staging:
        bases = Bases(*await base_commits(ports, call, header, repository, staging))
        contents = Contents(ports.in_thread, repository, staging)
        planned = await Intake(ports.in_thread, contents).read(requests)
        author, committer = await _people(ports, header)
        signer = signer_of(ports, call, header)
        draft = Draft(bases.parent, author, committed_by(signer, committer), header.commit_message, signer)
        commit = await _made(repository, staging, contents, planned, draft)
        return await _update(ports, call, header, repository, staging, bases, commit)


def _validate(header: UserCommitFilesRequestHeader, repository: IRepository) -> None:
    if not header.HasField("user"):
        raise invalid("empty User")
    if not header.commit_message:
        raise invalid("empty CommitMessage")
    if not header.branch_name:
        raise invalid("empty BranchName")
    if header.start_sha:
        object_id(header.start_sha, repository.object_format)


async def _people(ports: OperationPorts, header: UserCommitFilesRequestHeader) -> tuple[Ident, Ident]:
    """
    Author and committer.
    """
    user = User(name=_trimmed(header.user.name), email=_trimmed(header.user.email), timezone=header.user.timezone)
    author = User(
        name=_trimmed(header.commit_author_name) or user.name,
        email=_trimmed(header.commit_author_email) or user.email,
        timezone=user.timezone,
    )
    try:
        return (
            await signature(ports.in_thread, ports.now, header, author),
            await signature(ports.in_thread, ports.now, header, user),
        )
    except GitalyError as error:
        raise error.wrapped("getting date from proto") from error


def _trimmed(text: bytes) -> bytes:
    return text.decode("utf-8", "surrogateescape").strip().encode("utf-8", "surrogateescape")


async def _made(repository: IRepository, staging: IStaging, contents: Contents, planned: list[Planned], draft: Draft) -> ObjectID:
    """
    Do what was planned, all of it in one turn in a thread.

    :returns: the commit.
    """
    head = await contents.attributes(each.content for each in planned if isinstance(each.content, Waiting))
    empty = id_of(repository.object_format, b"tree", b"")

    def make(objects: IObjects) -> ObjectID:
        root = empty if draft.parent is None else peeling.peeled(objects, draft.parent, b"tree")
        if root is None:
            raise GitalyError("getting tree id: reference not found", Code.INTERNAL)
        writing = Writing(objects, contents, head)
        actions = [writing.action(each) for each in planned]
        tree = TreeEditor(objects, root)
        for action in actions:
            action.apply(tree)
        content = draft.content(tree.write(write))
        return write(b"commit", content)

    def write(type: bytes, data: bytes) -> ObjectID:
        return staging.write_blocking(type, len(data), [data])

    # In a quarantine that nobody has to see yet there is nothing that a new commit could be made on.
    seen = repository if staging.in_memory else repository.through(staging)
    here = draft.signer is None and head is None and _little(planned)
    return await (seen.glance if here else seen.look)(make)


def _little(planned: list[Planned]) -> bool:
    """
    Whether it takes less than to have it done in a thread.
    """
    sizes = [len(each.content.data) for each in planned if isinstance(each.content, Waiting)]
    return len(planned) <= _FEW and sum(sizes) <= _SMALL


async def _update(
    ports: OperationPorts,
    call: Call,
    header: UserCommitFilesRequestHeader,
    repository: IRepository,
    staging: IStaging,
    bases: Bases,
    commit: ObjectID,
) -> UserCommitFilesResponse:
    had_branches = bases.target is not None or await has_branches(repository)
    zero = repository.object_format.zero
    old = await expected_old(repository, header.expected_old_oid)
    if old is None:
        old = zero if bases.target is None else bases.target if header.force or bases.parent is None else bases.parent
    name = BRANCHES + header.branch_name
    if not is_branch_name(header.branch_name):
        raise GitalyError("reference update: invalid reference format", Code.FAILED_PRECONDITION)
    writer = Writer.of(header.user, header.repository, call.correlation_id)
    try:
        await ports.updater.update(repository, writer, [RefUpdate(name, old, commit)], staging, made=True)
    except HookError as error:
        details = UserCommitFilesError(custom_hook=custom_hook(error))
        raise GitalyError("denied by custom hooks", Code.PERMISSION_DENIED, details=(details,)) from error
    except UpdateError as error:
        raise GitalyError(error.text, Code.FAILED_PRECONDITION) from error
    except AccessError as error:
        raise GitalyError(f"update reference: {error.chain}", Code.INTERNAL) from error
    except GitalyError as error:
        raise error.wrapped("update reference") from error
    update = OperationBranchUpdate(commit_id=str(commit), repo_created=not had_branches, branch_created=old == zero)
    return UserCommitFilesResponse(branch_update=update)
