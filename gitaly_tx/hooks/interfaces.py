"""
Where other people's code joins in: policies before a write, events after it.

Both are zope interfaces, found as twisted plugins (any module in ``twisted/plugins/`` that provides them) or named in the
configuration. They run in the reactor's thread, so they must not block; ``async def`` is fine.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from attrs import field, frozen
from zope.interface import Attribute, Interface

from ..git.interfaces import IGit, RefUpdate
from ..storage.interfaces import IRepository


@frozen
class Push:
    """
    What somebody wants to write.

    :param repository: sees the quarantine: the new objects can be read through it.
    :param updates: the ref updates that are asked for, ``old`` and ``new`` as the client gave them.
    :param options: the push options.
    :param user: who pushes; ``None`` for somebody who did not say, and for a write that is no push.
    :param gl_id: the same as GitLab's identity string.
    :param gl_repository: the application's name for the repository, if it gave one.
    :param project_path: the application's path for the repository, if it gave one.
    :param protocol: ``http``, ``ssh`` or ``web``; empty for a write that is no push, nor made as if it were one.
    :param git: to ask more than look-ups; give it ``repository.directory``.
    :param environment: for the log and for hooks: the correlation id and the like.
    :param known: what was found out about it by those who have a say in it, so that it is found out once.
    :param own: it came in over a door of this server's own, from one of its own users; applications' pushes do not.
    :param creates: the repository is made for it, and stays only if something of it is written.
    """

    repository: IRepository
    updates: Sequence[RefUpdate]
    options: Sequence[bytes]
    user: str | None
    gl_id: str
    gl_repository: str
    project_path: str
    protocol: str
    git: IGit
    environment: Mapping[str, str] = field(factory=dict)
    known: dict[str, Any] = field(factory=dict, eq=False, repr=False)
    own: bool = False
    creates: bool = False


class Refused(Exception):
    """
    A policy says no. The text reaches whoever pushes, line by line.

    :param text: for a person.
    :param ref: the one ref that is refused; the whole push otherwise.
    """

    def __init__(self, text: str, ref: bytes | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.ref = ref


class HookDeclined(Refused):
    """
    A custom hook says no, or cannot run.

    :param text: what git's receive-pack says of it.
    :param hook: ``pre-receive`` or ``update``.
    :param why: which program it was, and how it ended, as Gitaly's callers are told if the program itself had nothing to say.
        It holds a path of the server, and is not for those who push.
    """

    def __init__(self, text: str, hook: str, why: str, ref: bytes | None = None) -> None:
        super().__init__(text, ref)
        self.hook = hook
        self.why = why


class AccessDenied(Refused):
    """
    The application that decides about pushes says no, or cannot be asked.

    :param text: its words.
    """

    @property
    def words(self) -> str:
        """
        What the user is told.
        """
        return f"GitLab: {self.text}"


class Unanswered(Refused):
    """
    The application did not say no, but it did not say yes either: something is missing that it must be asked with, or it has not
    noted what it was told.

    :param text: for the user; may be empty.
    """


class AfterFailed(Exception):
    """
    The write was made, and the application that has to hear of it did not, or was not content. Callers learn of it; a push is
    not told.

    :param text: for the caller; may be empty. What comes from the application is marked as that.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


Tell = Callable[[bytes], Awaitable[None]]

Observe = Callable[[str, str], None]
"""Told of each hook and policy that was asked: what it was, and ``ok``, ``declined`` or ``failed``."""


def unobserved(hook: str, outcome: str) -> None:
    """
    For those who count nothing.
    """


class IApplication(Interface):
    """
    The application that users belong to, such as GitLab with its internal API. It is asked before any custom hook, told when the
    hooks have let a write pass, and told again after the write.
    """

    def allowed(push: Push) -> Awaitable[None]:
        """
        May this push happen?

        :raises AccessDenied: if not, or if that cannot be found out.
        :raises Unanswered: if it cannot be asked about such a push.
        """

    def accepting(push: Push) -> Awaitable[None]:
        """
        Custom hooks let the push pass; it is about to be written.

        :raises Unanswered: if it shall not be after all.
        """

    def accepted(push: Push, updates: Sequence[RefUpdate], tell_out: Tell) -> Awaitable[None]:
        """
        It was written.

        :param tell_out: where the application's messages for the user go.
        :raises AfterFailed: if the application could not be told or was not content.
        """


class IPushPolicy(Interface):
    """
    May this push happen?
    """

    name: str = Attribute("What the configuration and the log call it.")

    def check(push: Push) -> Awaitable[None]:
        """
        Return to let it pass. Called before any ref moves, and before the push stands in line; the new objects are in quarantine
        and can be read. It is cancelled if the client goes away, and if it takes longer than ``[push] hook_timeout``, which
        refuses the push.

        :raises Refused: with the words for whoever pushes.
        :raises Exception: anything else refuses the push too, and is logged: a policy that fails lets nothing pass.
        """


class Change(enum.Enum):
    """
    What a write did.
    """

    MOVED = "moved"
    """Refs came, moved or went, or HEAD is a name for another one."""

    CREATED = "created"
    """The repository was made, with the refs that the event has."""

    CONVERTED = "converted"
    """The repository keeps its refs in another format. They are what they were."""

    REMOVED = "removed"
    """The repository is gone, refs and all: nothing can be asked of it but its name."""


@frozen
class RefsUpdated:
    """
    A write that happened.

    :param push: as it was asked for. A write that is no push names no user.
    :param updates: what was accepted: for a repository that was made all its refs, with an ``old`` of zeros; otherwise those that
        were named in the write, of which there are none if it was about something else.
    :param head: the ref that HEAD is a name for since then; ``None`` if it is what it was.
    :param change: what was done.
    """

    push: Push
    updates: Sequence[RefUpdate]
    head: bytes | None = None
    change: Change = Change.MOVED


class IEventSink(Interface):
    """
    Hears of every acknowledged write that changes what a repository's refs are, exactly once, after it is visible: pushes, all
    that is written for users and applications, repositories made and removed. Housekeeping, config and hooks are none of that.

    A write that is in the log when the server is killed is there after the next start, but whoever made it was not told, and no
    sink is: one that keeps a copy of what it hears looks once at each repository when it starts.
    """

    name: str = Attribute("What the log calls it.")

    def refs_updated(event: RefsUpdated) -> Awaitable[None]:
        """
        What it raises is logged and changes nothing. It is cancelled if it takes longer than ``[push] hook_timeout``.
        """


class IHooks(Interface):
    """
    Everything that has a say in a push, in its order: policies, the application, custom hooks.
    """

    def watches(push: Push) -> Awaitable[bool]:
        """
        Whether anybody looks at a push before it is written. If not, nobody has to be able to see its objects.
        """

    def before(push: Push, tell_out: Tell, tell_err: Tell) -> Awaitable[None]:
        """
        Policies, the application, then ``pre-receive``.

        :param tell_out: where hooks' standard output goes.
        :param tell_err: where their standard error goes.
        :raises Refused: a policy's words; :class:`AccessDenied` or :class:`Unanswered`, the application's; :class:`HookDeclined`
            ``pre-receive hook declined``.
        """

    def update(push: Push, update: RefUpdate, tell_out: Tell, tell_err: Tell) -> Awaitable[None]:
        """
        The ``update`` hooks, for one ref.

        :raises HookDeclined: ``hook declined``.
        """

    def after(
        push: Push, accepted: Sequence[RefUpdate], tell_out: Tell, tell_err: Tell, head: bytes | None = None
    ) -> Awaitable[None]:
        """
        The application, ``post-receive``, then event sinks. Changes nothing any more; failures are logged, and told to the user
        where git does.

        :param head: the ref that HEAD is a name for since then, if it was another one.
        :raises AfterFailed: if the application was not content; ``post-receive`` was not run then.
        """
