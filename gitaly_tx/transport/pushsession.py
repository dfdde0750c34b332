"""
One push, from its pack to its report.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, evolve, field
from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from protocols.git.push import RefResult, report_status

from ..errors import GitalyError
from ..git.interfaces import RefUpdate
from ..git.refchecks import in_the_way
from ..hooks.chain import RefsRefused
from ..hooks.interfaces import AfterFailed, Push, Refused
from ..observability.failpoints import failpoint
from ..observability.place import watched_place
from ..slices import InSlices
from ..storage.interfaces import IRepository, IStaging
from ..streams import StreamBroken
from . import pushrefusals as words
from .interfaces import PushBroken, PushRequest
from .pushanswer import Answer
from .pushchecks import refuse_badly_named, refuse_deletions, refuse_hidden, refuse_rewinding, settle_deletions
from .pushconfig import read_config
from .pushhead import Follower
from .pushintake import Intake
from .pushmeans import Means
from .pushrequest import PushHead, Wish
from .pushsettings import PushSettings
from .pushunpack import UnpackFailed

_log = Logger()


@define(eq=False)
class PushSession:
    """
    The steps in their order. Up to :func:`prepare` nothing has happened that anybody could see, and whoever cancels it leaves
    nothing behind but :func:`abandon` to call. From :func:`complete` on the push is carried through, whether the client is still
    there or not.

    :param creates: the repository was made for it.
    :ivar unpacked: what the report says of the pack.
    :ivar written: whether anything was.
    """

    _means: Means
    _repository: IRepository
    _request: PushRequest
    _head: PushHead
    _intake: Intake
    _answer: Answer
    _asked: PushSettings = field(factory=PushSettings)
    _creates: bool = False
    _new_head: bytes | None = field(default=None, init=False)
    unpacked: bytes = field(default=b"ok", init=False)
    written: bool = field(default=False, init=False)

    @property
    def _wishes(self) -> list[Wish]:
        return self._head.wishes

    @property
    def _open(self) -> list[Wish]:
        return [wish for wish in self._wishes if wish.open]

    # ------------------------------------------------------------------------------------------------------ before the write

    async def prepare(self) -> bool:
        """
        Take in the pack, and find out what may be written.

        :returns: whether there is anything to write.
        :raises PushBroken: if the client went away.
        :raises StreamBroken: if the client went away.
        """
        try:
            return await self._prepare()
        except (PushBroken, StreamBroken, CancelledError):
            raise
        except Exception as error:
            _log.failure("push cannot be prepared")
            self._refuse_open(_text(error))
            return False

    async def _prepare(self) -> bool:
        try:
            await self._intake.take_in()
        except UnpackFailed as error:
            self.unpacked = error.why
            self._refuse_open(words.UNPACKER_ERROR)
            return False
        self._answer.stay_in_touch()
        await self._intake.refuse_disconnected(self._wishes)
        await refuse_hidden(self._wishes, self._asked)
        await self._ask_before()
        await self._check_each()
        failpoint("push.before_commit")
        return any(wish.open for wish in self._wishes)

    async def _push(self, repository: IRepository) -> Push:
        request = self._request
        environment: Mapping[str, str] = {"CORRELATION_ID": request.correlation_id} if request.correlation_id else {}
        return Push(
            repository=repository,
            updates=[RefUpdate(wish.name, wish.old, wish.new) async for wish in InSlices(self._wishes)],
            options=self._head.options,
            user=request.gl_username or request.user,
            gl_id=request.gl_id,
            gl_repository=request.gl_repository,
            project_path=request.project_path,
            protocol=request.wire,
            git=self._means.git,
            environment=environment,
            own=request.own,
            creates=self._creates,
        )

    async def _ask_before(self) -> None:
        """
        Policies and ``pre-receive``. They see all that was asked for, also what is refused already, as with git.
        """
        push = await self._push(self._intake.view)
        while True:
            try:
                await self._means.hooks.before(push, self._answer.tell, self._answer.tell)
                return
            except RefsRefused as refusal:
                for wish in self._open:
                    if wish.name in refusal.refs:
                        wish.error = words.PRE_RECEIVE
                if self._head.atomic or not self._open:
                    return
                push = evolve(push, updates=[update for update in push.updates if update.name not in refusal.refs])
            except Refused:
                self._refuse_open(words.PRE_RECEIVE)
                return
            except (StreamBroken, CancelledError):
                raise
            except Exception:
                _log.failure("hooks before a push failed")
                self._refuse_open(words.PRE_RECEIVE)
                return

    async def _check_each(self) -> None:
        """
        What can be said of one ref at a time, and ``update`` hooks.
        """
        tell, git = self._answer.tell, self._means.git
        if self._all_or_none():
            return
        config = await read_config(git, self._means.threads, self._repository.directory, self._asked.rules)
        await refuse_badly_named(self._wishes, tell)
        await refuse_deletions(self._repository, config, self._wishes, tell)
        await refuse_rewinding(git, self._intake.view.directory, config, self._wishes, tell)
        if self._all_or_none():
            return
        push = await self._push(self._intake.view)
        async for wish in InSlices(self._wishes):
            if not wish.open:
                continue
            try:
                await self._means.hooks.update(push, RefUpdate(wish.name, wish.old, wish.new), tell, tell)
            except (StreamBroken, CancelledError):
                raise
            except Exception as error:
                if not isinstance(error, Refused):
                    _log.failure("update hook failed")
                await tell(b"error: hook declined to update %b\n" % wish.name)
                wish.error = words.UPDATE_HOOK
                if self._all_or_none():
                    return
        await settle_deletions(self._repository, self._wishes, tell)

    def _all_or_none(self) -> bool:
        """
        Let an atomic push fail as a whole if anything of it has failed. (git's own receive-pack lets the rest of an atomic push
        pass if a part of it is refused before hooks are asked; here all or none means that.)

        :returns: whether it has.
        """
        if not self._head.atomic or all(wish.error is None for wish in self._wishes):
            return False
        self._refuse_open(words.ATOMIC_FAILURE)
        return True

    def _refuse_open(self, why: bytes) -> None:
        for wish in self._wishes:
            if wish.error is None:
                wish.error = why

    async def abandon(self) -> None:
        """
        Remove what was prepared. Safe to repeat, and after :func:`complete`.
        """
        self._answer.stop()
        await self._intake.discard()

    # ------------------------------------------------------------------------------------------------------ the write, and after

    async def complete(self) -> None:
        """
        Write, report, run what comes after, say goodbye. It does not depend on the client any more.
        """
        self._answer.let_go()
        try:
            accepted = await self._commit()
            self.written = bool(accepted)
        finally:
            await self.abandon()
        failpoint("push.after_commit")
        await self.report()
        if accepted:
            if self._intake.staging is not None:
                self._means.packed(self._repository)
            await self._after(accepted)
        await self._answer.end()

    async def _commit(self) -> list[RefUpdate]:
        """
        :returns: what was written.
        """
        accepted: list[RefUpdate] = []
        for wishes, staging in await self._batches():
            await self._write(wishes, staging)
            accepted += [RefUpdate(wish.name, wish.old, wish.new) async for wish in InSlices(wishes) if wish.error is None]
        return accepted

    async def _batches(self) -> list[tuple[list[Wish], IStaging | None]]:
        """
        The wishes as transactions: all in one, as a rule. Only if a ref must go before another can have its place (``a`` for
        ``a/b``) the deletions come first, on their own, unless all shall be one; then such a pair is refused, as by git.
        """
        wishes, staging = [wish async for wish in InSlices(self._wishes) if wish.open], self._intake.staging
        deleting = [wish async for wish in InSlices(wishes) if wish.deletes]
        if self._head.atomic or not deleting or len(deleting) == len(wishes):
            return [(wishes, staging)]
        setting = [wish async for wish in InSlices(wishes) if not wish.deletes]
        gone, made = {wish.name for wish in deleting}, {wish.name for wish in setting}
        if not await self._means.threads.run(in_the_way, gone, made):
            return [(wishes, staging)]
        return [(deleting, None), (setting, staging)]

    async def _write(self, wishes: list[Wish], staging: IStaging | None) -> None:
        updates = [RefUpdate(wish.name, None if wish.any_old else wish.old, wish.new) async for wish in InSlices(wishes)]
        follower = Follower(self._repository, updates) if self._follows_head else None
        try:
            with watched_place() as place, self._answer.waiting(lambda: words.waiting(place.ahead)):
                outcome = await self._repository.commit(
                    updates,
                    atomic=self._head.atomic,
                    staging=staging,
                    admitted=follower,
                )
        except Exception as error:
            _log.failure("push cannot be written")
            for wish in wishes:
                wish.error = _text(error)
            return
        async for wish in InSlices(wishes):
            refused = outcome.refused.get(wish.name)
            if refused is not None:
                await self._answer.tell(words.explanation(wish, refused))
                wish.error = words.ATOMIC_TRANSACTION if self._head.atomic else words.reason(refused)
        if self._head.atomic and outcome.refused:
            self._refuse_open(words.ATOMIC_TRANSACTION)
        elif follower is not None and follower.chosen not in outcome.refused:
            self._new_head = follower.chosen or self._new_head

    @property
    def _follows_head(self) -> bool:
        """
        Whether HEAD may be set. An application that has a name of its own for the repository decides itself which branch is the
        default one.
        """
        return not self._request.gl_repository

    async def _after(self, accepted: list[RefUpdate]) -> None:
        tell = self._answer.tell
        try:
            head = await self._repository.head() if self._creates else self._new_head
            await self._means.hooks.after(await self._push(self._repository), accepted, tell, tell, head)
        except AfterFailed as error:
            # The log has it. Whoever pushed has pushed, and can do nothing about it.
            if error.text:
                await tell(f"{error.text}\n".encode("utf-8", "replace"))
        except Exception:
            _log.failure("hooks after a push failed")

    async def report(self) -> None:
        """
        Tell the client what became of each ref, if it wants to know.
        """
        v2 = self._head.capabilities.has(b"report-status-v2")
        if v2 or self._head.capabilities.has(b"report-status"):
            results = (RefResult(wish.name, wish.error) for wish in self._wishes)
            report = report_status(self.unpacked, results, v2)
            await self._answer.report(b"".join([part async for part in InSlices(report)]))


def _text(error: Exception) -> bytes:
    """
    What the user is told of a failure that is not theirs. The log has the rest.
    """
    return (error.message if isinstance(error, GitalyError) else "internal error").encode("utf-8", "replace")
