"""
Whether everything that a push's new tips lead to is there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from attrs import define

from ..git.directory import GitDirectory
from ..git.interfaces import IGit, Limits
from ..git.newobjects import tip_lines, walk_new
from ..git.objectid import ObjectID
from ..streams import StreamBroken
from .childmessages import Messages, secrets_of

Show = Callable[[bytes], Awaitable[None]]


@define(eq=False)
class Connectivity:
    """
    Walks from new tips to what the repository's refs reach, by ``git rev-list``; every object on the way must be there.

    Where git's receive-pack checks tip after tip once all together fail, this halves: a thousand tips of which one is broken
    take twenty walks and not a thousand.

    :param directory: with the quarantine.
    """

    _git: IGit
    _directory: GitDirectory
    _limits: Limits | None = None

    async def broken(self, tips: Sequence[ObjectID], show: Show | None, progress: bool) -> dict[ObjectID, bytes]:
        """
        The tips from which something is missing, each with what git says of it.

        :param show: told what git says of all together.
        :param progress: show how far it is, if it takes long.
        """
        tips = list(dict.fromkeys(tips))
        if not tips:
            return {}
        found, said = await self._walk(tips, show, progress=progress)
        return {} if found else await self._halve(tips, said)

    async def connected(self, tip: ObjectID, shallow_file: str) -> bool:
        """
        Whether a tip would be connected if history might end where ``shallow_file`` says.
        """
        found, _ = await self._walk([tip], None, environment={"GIT_SHALLOW_FILE": shallow_file})
        return found

    async def _halve(self, tips: Sequence[ObjectID], said: bytes) -> dict[ObjectID, bytes]:
        """
        :param tips: some of which are broken.
        :param said: what git says of all of them together.
        """
        if len(tips) == 1:
            return {tips[0]: said}
        broken: dict[ObjectID, bytes] = {}
        middle = len(tips) // 2
        for half in (tips[:middle], tips[middle:]):
            found, said = await self._walk(half, None)
            if not found:
                broken.update(await self._halve(half, said))
        return broken

    async def _walk(
        self,
        tips: Sequence[ObjectID],
        show: Show | None,
        *,
        progress: bool = False,
        environment: dict[str, str] | None = None,
    ) -> tuple[bool, bytes]:
        options = ["--progress=Checking connectivity"] if progress and show is not None else []
        messages = Messages(show, secrets_of(self._directory))
        child = self._git.spawn(walk_new(self._directory, options, environment), stderr=messages, limits=self._limits)
        try:
            try:
                await child.stdin.write(tip_lines(tips))
            except StreamBroken:
                pass  # It found something wrong before it had read them all.
            child.close_stdin()
            ended = await child.wait()
        finally:
            child.kill()
            await child.wait()
        await messages.finish()
        return ended.status == 0, messages.kept
