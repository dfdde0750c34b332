"""
Everything that has a say in a push, in its order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from attrs import define, evolve, field
from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from zope.interface import implementer

from ..git.interfaces import RefUpdate
from ..git.objectid import ObjectID
from ..slices import InSlices
from ..streams import StreamBroken
from .custom import CustomHooks, HookFailed
from .environment import push_options
from .events import Announcer
from .interfaces import (
    AccessDenied,
    AfterFailed,
    Change,
    HookDeclined,
    IApplication,
    IHooks,
    IPushPolicy,
    Observe,
    Push,
    RefsUpdated,
    Refused,
    Tell,
    Unanswered,
    unobserved,
)

MAXIMUM_REFUSED = 100
"""How many refs one policy may refuse one by one; after that the whole push is refused."""


class RefsRefused(Refused):
    """
    Policies refused some refs of a push and would let the others pass. Whoever asked leaves these out and asks again; no hook
    has run yet.

    :param refs: the refused refs, with the policy's words for each.
    """

    def __init__(self, refs: dict[bytes, str]) -> None:
        first, text = next(iter(refs.items()))
        super().__init__(text, first)
        self.refs = refs


@implementer(IHooks)
@define(eq=False)
class Hooks:
    """
    1. Policies come first: they are cheap, run in this process, and a push that they refuse bothers no hook.
    2. The application is asked next, if there is one that decides.
    3. ``pre-receive`` hooks see what these let pass; then the application is told that nothing is in the way any more.
    4. ``update`` hooks, for each ref.
    5. After the write, the application hears of it, then ``post-receive`` hooks; the user still sees what they say.
    6. Event sinks last, and whatever became of the others.

    :param policies: in the order they are asked.
    :param custom: runs the hooks.
    :param announcer: knows the sinks.
    :param application: decides about pushes; ``None`` if nobody does.
    :param observe: told what policies and the application said.
    """

    _policies: Sequence[IPushPolicy]
    _custom: CustomHooks
    _announcer: Announcer
    _application: IApplication | None = None
    _observe: Observe = unobserved
    _log: Logger = field(factory=Logger)

    async def watches(self, push: Push) -> bool:
        """
        As :func:`gitaly_tx.hooks.interfaces.IHooks.watches`.
        """
        return bool(self._policies) or self._application is not None or await self._custom.any(push, "pre-receive", "update")

    async def before(self, push: Push, tell_out: Tell, tell_err: Tell) -> None:
        """
        As :func:`gitaly_tx.hooks.interfaces.IHooks.before`.

        :raises RefsRefused: if policies refuse some refs but not all.
        """
        refused: dict[bytes, str] = {}
        for policy in self._policies:
            refused.update(await self._ask(policy, push, refused, tell_err))
        if refused:
            raise RefsRefused(refused)
        if self._application is not None:
            await self._hear(self._application.allowed(push), tell_err)
        try:
            await self._custom.run(
                "pre-receive",
                push,
                tell_out,
                tell_err,
                stdin=await update_lines(push),
                variables=push_options(push.options),
            )
        except HookFailed as error:
            self._log.info("pre-receive hook declined: {why}", why=str(error))
            raise HookDeclined("pre-receive hook declined", "pre-receive", error.executed) from error
        if self._application is not None:
            await self._hear(self._application.accepting(push), tell_err)

    async def update(self, push: Push, update: RefUpdate, tell_out: Tell, tell_err: Tell) -> None:
        """
        As :func:`gitaly_tx.hooks.interfaces.IHooks.update`.
        """
        old = update.old or _zero(push)
        try:
            await self._custom.run("update", push, tell_out, tell_err, arguments=(update.name, old, update.new))
        except HookFailed as error:
            self._log.info("update hook declined: {why}", why=str(error), ref=update.name)
            raise HookDeclined("hook declined", "update", error.executed, update.name) from error

    async def after(
        self, push: Push, accepted: Sequence[RefUpdate], tell_out: Tell, tell_err: Tell, head: bytes | None = None
    ) -> None:
        """
        As :func:`gitaly_tx.hooks.interfaces.IHooks.after`.
        """
        try:
            if self._application is not None:
                await self._application.accepted(push, accepted, tell_out)
            await self._custom.run(
                "post-receive",
                push,
                tell_out,
                tell_err,
                stdin=await update_lines(push, accepted),
                variables=push_options(push.options),
            )
        except HookFailed as error:
            self._log.warn("post-receive hook failed: {why}", why=str(error))
        except AfterFailed as error:
            self._log.error("application was not content with a write: {why}", why=error.text)
            raise
        except Exception:
            self._log.failure("post-receive hook failed")
        finally:
            change = Change.CREATED if push.creates else Change.MOVED
            await self._announcer.announce(RefsUpdated(push, accepted, head, change))

    async def _hear(self, asked: Awaitable[None], tell_err: Tell) -> None:
        """
        What the application says; the user hears a refusal in its words.
        """
        try:
            await asked
        except (AccessDenied, Unanswered) as error:
            self._observe("application", "declined" if isinstance(error, AccessDenied) else "failed")
            self._log.info("the application refuses a write: {why}", why=error.text)
            words = error.words if isinstance(error, AccessDenied) else error.text
            if words:
                await _tell_lines(words, tell_err)
            raise
        self._observe("application", "ok")

    async def _ask(self, policy: IPushPolicy, push: Push, gone: dict[bytes, str], tell_err: Tell) -> dict[bytes, str]:
        """
        Ask one policy, again and again without the refs that it refuses one by one.

        :param gone: refs that other policies refused already.
        :returns: the refs it refuses; the push has others left.
        :raises Refused: if the whole push is refused.
        """
        refused: dict[bytes, str] = {}
        while True:
            left = [update for update in push.updates if update.name not in gone and update.name not in refused]
            try:
                await policy.check(evolve(push, updates=left))
            except Refused as error:
                self._observe("policy", "declined")
                await _tell_lines(error.text, tell_err)
                if error.ref is None or len(left) < 2 or len(refused) >= MAXIMUM_REFUSED:
                    raise Refused(error.text) from error
                if error.ref not in {update.name for update in left}:
                    raise Refused(error.text) from error
                refused[error.ref] = error.text
            except (StreamBroken, CancelledError):
                raise
            except Exception as error:
                self._observe("policy", "failed")
                self._log.failure("policy {policy} failed", policy=policy.name)
                text = f"policy {policy.name} failed, so the push is refused"
                await _tell_lines(text, tell_err)
                raise Refused(text) from error
            else:
                self._observe("policy", "ok")
                return refused


async def update_lines(push: Push, updates: Sequence[RefUpdate] | None = None) -> bytes:
    """
    What ``pre-receive`` and ``post-receive`` read (githooks(5)).

    :param updates: instead of all that the push asks for.
    """
    zero = _zero(push)
    updates = push.updates if updates is None else updates
    return b"".join([b"%b %b %b\n" % (update.old or zero, update.new, update.name) async for update in InSlices(updates)])


def _zero(push: Push) -> ObjectID:
    return push.repository.object_format.zero


async def _tell_lines(text: str, tell: Tell) -> None:
    await tell("".join(f"{line}\n" for line in text.splitlines() or [text]).encode("utf-8", "surrogateescape"))
