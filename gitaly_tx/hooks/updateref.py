"""
Refs moved on a user's behalf, as if they had pushed: what the methods that write for users end in.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred

from protocols.gitaly.shared_pb2 import Repository, User

from ..errors import GitalyError
from ..git.interfaces import IGit, RefUpdate, Refusal
from ..observability.failpoints import failpoint
from ..storage.interfaces import IRepository, IStaging
from .chain import update_lines
from .detached import Detached
from .interfaces import AccessDenied, AfterFailed, HookDeclined, IHooks, Push, Refused, Unanswered
from .unasked import Unasked

PROTOCOL: Final = "web"
"""What hooks and the application are told of how such a write came in."""

_BRANCHES: Final = b"refs/heads/"

_CAUSES: Final[Mapping[Refusal, str]] = {
    Refusal.MALFORMED: "invalid reference format",
    Refusal.STALE: "reference does not point to expected object",
    Refusal.EXISTS: "reference already exists",
    Refusal.CONFLICT: "file directory conflict",
    Refusal.LOCKED: "reference is already locked",
    Refusal.MISSING_OBJECT: "target object missing",
    Refusal.UNWRITABLE: "reference cannot be written",
}


class Stage(enum.Enum):
    """
    Where a write was stopped. The value is how Gitaly's messages begin then.
    """

    PRE_RECEIVE = "running pre-receive hooks: "
    UPDATE = "running update hooks: "


class HookError(Exception):
    """
    A custom hook, or a push policy, refused the write. Nothing was written.

    :param stage: which kind of hook.
    :param stdout: all that it said there.
    :param stderr: all that it said there; a policy's words are here.
    :param why: for a hook without words.
    """

    def __init__(self, stage: Stage, stdout: bytes, stderr: bytes, why: str) -> None:
        self.stage = stage
        self.stdout = stdout
        self.stderr = stderr
        words = stderr if stderr.strip() else stdout
        self.text = words.decode("utf-8", "replace") if words.strip() else f"executing custom hooks: {why}"
        super().__init__(self.text)

    @property
    def chain(self) -> str:
        """
        The text with what was being done in front.
        """
        return f"{self.stage.value}{self.text}"


class AccessError(Exception):
    """
    The application refused the write. Nothing was written.

    :param message: its words.
    :param user_id: who wanted it.
    :param changes: what they wanted, as ``pre-receive`` reads it.
    """

    def __init__(self, message: str, user_id: str, changes: bytes) -> None:
        self.message = message
        self.protocol = PROTOCOL
        self.user_id = user_id
        self.changes = changes
        self.text = f"GitLab: {message}"
        super().__init__(self.text)

    @property
    def chain(self) -> str:
        """
        The text with what was being done in front.
        """
        return f"{Stage.PRE_RECEIVE.value}{self.text}"


class UpdateError(Exception):
    """
    A ref could not be moved. No ref was.

    :param update: what was wanted.
    :param cause: why not.
    """

    def __init__(self, update: RefUpdate, cause: str) -> None:
        self.update = update
        self.text = f"reference update: {cause}"
        super().__init__(self.text)


@frozen
class Writer:
    """
    On whose behalf refs are moved.

    :param user: as the caller named them.
    :param gl_repository: the application's name for the repository.
    :param project_path: the application's path for it.
    :param correlation_id: for the hooks' environment.
    :param options: push options.
    """

    user: User
    gl_repository: str = ""
    project_path: str = ""
    correlation_id: str = ""
    options: Sequence[bytes] = ()

    @classmethod
    def of(cls, user: User, repository: Repository, correlation_id: str = "", options: Sequence[bytes] = ()) -> Writer:
        """
        The writer that a request names.
        """
        return cls(user, repository.gl_repository, repository.gl_project_path, correlation_id, options)


class _Heard:
    """
    What somebody was told.
    """

    def __init__(self) -> None:
        self.data = b""

    async def __call__(self, data: bytes) -> None:
        self.data += data


def _nobody(repository: IRepository) -> None:
    """
    For those who do not keep house.
    """


@define(eq=False)
class RefUpdater:
    """
    1. Policies, the application and ``pre-receive`` hooks see the new objects in quarantine.
    2. ``update`` hooks, for each ref; then what the refs shall point at is looked at.
    3. One transaction: the objects and the refs, all or none.
    4. The application, ``post-receive``, event sinks: exactly once.

    Once the first step has let them pass, new objects become part of the repository even if the refs are refused after that:
    callers were told their ids, and Gitaly keeps them, too.

    From the third step on a write is carried through, whether its caller is still there or not.

    :param unasked: tells of refs in whose writing nobody has a say.
    :param packed: told of a repository that got new objects, so that somebody can see whether it has too many packs.
    """

    _hooks: IHooks
    _git: IGit
    _unasked: Unasked
    _packed: Callable[[IRepository], None] = _nobody
    _detached: Detached = field(factory=lambda: Detached("write"), init=False)

    async def update(
        self,
        repository: IRepository,
        writer: Writer,
        updates: Sequence[RefUpdate],
        staging: IStaging | None = None,
        *,
        made: bool = False,
    ) -> None:
        """
        Move refs.

        :param updates: as hooks shall see them; ``old`` is what must be there.
        :param staging: the new objects. The caller discards it, whatever happened.
        :param made: the caller has made or read what the refs shall point at, so it need not be looked at again.
        :raises HookError: or AccessError, UpdateError: nothing was written.
        :raises GitalyError: nothing was written, for a reason of the queue or the log, or because the application cannot be asked
            or does not answer as it should; or all was written, and the application was not content with that.
        """
        push = self._push(repository if staging is None else repository.through(staging), writer, updates)
        if staging is not None and (not made or await self._hooks.watches(push)):
            await staging.show()
        await self._before(push)
        try:
            for update in updates:
                await self._each(push, update)
            if not made:
                await self._check_targets(push.repository, updates)
        except (HookError, UpdateError):
            await self._detached.run(self._keep(repository, staging))
            raise
        await self._detached.run(self._write(evolve(push, repository=repository), staging))

    async def write(self, repository: IRepository, updates: Sequence[RefUpdate], staging: IStaging | None = None) -> None:
        """
        Write what nobody has a say in: objects, and refs that the application keeps for itself. It is carried through, too, and
        event sinks hear of it.

        :param updates: may be none.
        :param staging: the new objects. The caller discards it, whatever happened.
        :raises UpdateError: nothing was written.
        :raises GitalyError: nothing was written, for a reason of the queue or the log.
        """
        await self._detached.run(self._write_unasked(repository, updates, staging))

    def settle(self) -> Deferred[None]:
        """
        :returns: fires when all writes have ended that are under way now, with what comes after them.
        """
        return self._detached.settle()

    async def _check_targets(self, repository: IRepository, updates: Sequence[RefUpdate]) -> None:
        """
        What refs shall point at has to be there, and for a branch it has to be a commit, as git sees to it.
        """
        made = [update for update in updates if not update.new.is_zero]
        for update, info in zip(made, await repository.object_info([update.new for update in made]), strict=True):
            if info is None:
                raise UpdateError(update, _CAUSES[Refusal.MISSING_OBJECT])
            if info.type != b"commit" and update.name.startswith(_BRANCHES):
                raise UpdateError(update, "target object not a commit")

    async def _write(self, push: Push, staging: IStaging | None) -> None:
        try:
            await self._commit(push.repository, push.updates, staging)
        except UpdateError:
            await self._keep(push.repository, staging)
            raise
        heard = _Heard()
        try:
            await self._hooks.after(push, push.updates, heard, heard)
        except AfterFailed as error:
            raise GitalyError(f"running post-receive hooks: {error.text}") from error

    async def _write_unasked(self, repository: IRepository, updates: Sequence[RefUpdate], staging: IStaging | None) -> None:
        await self._commit(repository, updates, staging)
        await self._unasked.tell(repository, updates)

    async def _keep(self, repository: IRepository, staging: IStaging | None) -> None:
        if staging is not None:
            await self._commit(repository, (), staging)

    async def _commit(self, repository: IRepository, updates: Sequence[RefUpdate], staging: IStaging | None) -> None:
        failpoint("updateref.before_commit")
        outcome = await repository.commit(updates, staging=staging)
        for update in updates:
            if update.name in outcome.refused:
                raise UpdateError(update, _CAUSES[outcome.refused[update.name].why])
        failpoint("updateref.after_commit")
        if staging is not None:
            self._packed(repository)

    def _push(self, repository: IRepository, writer: Writer, updates: Sequence[RefUpdate]) -> Push:
        environment = {"CORRELATION_ID": writer.correlation_id} if writer.correlation_id else {}
        return Push(
            repository=repository,
            updates=updates,
            options=writer.options,
            user=writer.user.gl_username,
            gl_id=writer.user.gl_id,
            gl_repository=writer.gl_repository,
            project_path=writer.project_path,
            protocol=PROTOCOL,
            git=self._git,
            environment=environment,
        )

    async def _before(self, push: Push) -> None:
        stdout, stderr = _Heard(), _Heard()
        try:
            await self._hooks.before(push, stdout, stderr)
        except AccessDenied as error:
            raise AccessError(error.text, push.gl_id, await update_lines(push)) from error
        except Unanswered as error:
            raise GitalyError(f"{Stage.PRE_RECEIVE.value}{error.text}") from error
        except Refused as error:
            raise _hook_error(Stage.PRE_RECEIVE, stdout, stderr, error) from error

    async def _each(self, push: Push, update: RefUpdate) -> None:
        stdout, stderr = _Heard(), _Heard()
        try:
            await self._hooks.update(push, update, stdout, stderr)
        except Refused as error:
            raise _hook_error(Stage.UPDATE, stdout, stderr, error) from error


def _hook_error(stage: Stage, stdout: _Heard, stderr: _Heard, refused: Refused) -> HookError:
    why = refused.why if isinstance(refused, HookDeclined) else refused.text
    return HookError(stage, stdout.data, stderr.data, why)
