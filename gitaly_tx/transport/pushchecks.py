"""
Checks of single refs, before any hook is asked about them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from ..git.command import Command
from ..git.directory import GitDirectory
from ..git.interfaces import IGit
from ..git.names import is_valid_ref
from ..slices import InSlices
from ..storage.interfaces import IRepository
from . import pushrefusals as words
from .pushadvertisement import is_hidden
from .pushconfig import ReceiveConfig
from .pushrequest import Wish
from .pushsettings import PushSettings

_BRANCHES = b"refs/heads/"

Tell = Callable[[bytes], Awaitable[None]]


async def refuse_hidden(wishes: Sequence[Wish], asked: PushSettings) -> None:
    """
    Nobody writes the refs that are kept from pushes.

    :param asked: what the caller says of this push.
    """
    async for wish in InSlices(wishes):
        if wish.error is None and is_hidden(wish.name, asked):
            wish.error = words.HIDDEN_DELETE if wish.deletes else words.HIDDEN_UPDATE


def is_funny(wish: Wish) -> bool:
    """
    Whether the name is none that a push may write. A ref directly below ``refs/`` may only be deleted.
    """
    return not is_valid_ref(wish.name) or (not wish.deletes and b"/" not in wish.name.removeprefix(b"refs/"))


async def refuse_badly_named(wishes: Sequence[Wish], tell: Tell) -> None:
    """
    Refuse names that no push may write, and a second wish for the same ref.
    """
    seen: set[bytes] = set()
    async for wish in InSlices(wishes):
        if not wish.open:
            continue
        if is_funny(wish):
            await tell(b"error: refusing to update funny ref '%b' remotely\n" % wish.name)
            wish.error = words.FUNNY
        elif wish.name in seen:
            await tell(b"error: multiple updates for ref '%b' not allowed\n" % wish.name)
            wish.error = words.FAILED
        seen.add(wish.name)


async def refuse_deletions(repository: IRepository, config: ReceiveConfig, wishes: Sequence[Wish], tell: Tell) -> None:
    """
    The branch that HEAD is a name for stays, because without it a clone checks nothing out; and all branches do if the
    repository's configuration says so.
    """
    deleting = [wish async for wish in InSlices(wishes) if wish.open and wish.deletes and not wish.old.is_zero]
    if not deleting:
        return
    head = await repository.head()
    async for wish in InSlices(deleting):
        if config.deny_deletes and wish.name.startswith(_BRANCHES):
            await tell(b"error: denying ref deletion for %b\n" % wish.name)
            wish.error = words.DELETION
        elif config.deny_delete_current and wish.name == head:
            await tell(b"error: refusing to delete the current branch: %b\n" % wish.name)
            wish.error = words.CURRENT


async def refuse_rewinding(git: IGit, directory: GitDirectory, config: ReceiveConfig, wishes: Sequence[Wish], tell: Tell) -> None:
    """
    Branches only go forward, if the repository's configuration says so.

    :param directory: with the quarantine.
    """
    if not config.deny_non_fast_forwards:
        return
    async for wish in InSlices(wishes):
        if wish.open and wish.name.startswith(_BRANCHES) and not wish.deletes and not wish.old.is_zero:
            command = Command("merge-base", ["--is-ancestor"], [wish.old, wish.new], directory=directory)
            _, ended = await git.run(command, check=False)
            if ended.status != 0:
                await tell(b"error: denying non-fast-forward %b (you should pull first)\n" % wish.name)
                wish.error = words.NOT_FORWARD


async def settle_deletions(repository: IRepository, wishes: Sequence[Wish], tell: Tell) -> None:
    """
    Somebody who deletes a ref and names an object that is not there, as the ref's value, is content if the ref is gone, or was
    broken.
    """
    deleting = [wish async for wish in InSlices(wishes) if wish.open and wish.deletes]
    if not deleting:
        return
    known = await repository.object_info([wish.old async for wish in InSlices(deleting)])
    async for wish, info in InSlices(zip(deleting, known, strict=True)):
        if info is not None:
            continue
        if await repository.ref(wish.name) is None:
            await tell(b"warning: deleting a non-existent ref\n")
            wish.nothing = True
        else:
            await tell(b"warning: allowing deletion of corrupt ref\n")
            wish.any_old = True
