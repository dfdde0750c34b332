"""
The objects of a push: into quarantine, and checked.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from attrs import define, evolve, field
from twisted.logger import Logger

from ..errors import GitalyError
from ..git.objectid import ObjectID
from ..observability.failpoints import failpoint
from ..slices import InSlices
from ..storage.interfaces import IRepository, IStaging
from ..streams import IByteSource
from . import pushrefusals as words
from .connectivity import Connectivity
from .interfaces import PushBroken
from .pushadvertisement import read_shallow
from .pushanswer import Answer
from .pushmeans import Means
from .pushrequest import PushHead, Wish
from .pushsettings import PushSettings
from .pushunpack import PackStart, UnpackFailed, check_empty, read_start, unpack

_log = Logger()


@define(eq=False)
class Intake:
    """
    Takes in a push's pack and finds out whether it brings all that its refs need.

    :ivar staging: the quarantine; ``None`` for a push that brings nothing.
    """

    _means: Means
    _repository: IRepository
    _head: PushHead
    _source: IByteSource
    _answer: Answer
    _asked: PushSettings = field(factory=PushSettings)
    staging: IStaging | None = field(default=None, init=False)
    _shallow_file: str | None = field(default=None, init=False)

    @property
    def view(self) -> IRepository:
        """
        The repository with what is in quarantine.
        """
        if self.staging is None:
            return self._repository
        return self._repository.through(self.staging)

    async def take_in(self) -> None:
        """
        Read the pack, if there is one.

        :raises UnpackFailed: if it cannot be taken; the user has been told why.
        :raises PushBroken: if the client went away.
        :raises StreamBroken: if the client went away.
        """
        if not self._head.pack_follows:
            return
        start = await read_start(self._source, self._head.rest)
        if not start.count:
            await check_empty(self._source, start, self._repository.object_format, self._answer)
            return
        failpoint("push.before_stage")
        staging = await self._stage()
        await self._unpack(staging, start)
        failpoint("push.after_stage")

    async def refuse_disconnected(self, wishes: Sequence[Wish]) -> None:
        """
        Every object that a new tip leads to must be there, in quarantine or before.
        """
        directory = self._repository.directory if self.staging is None else self.staging.directory
        connectivity = Connectivity(self._means.git, directory, self._means.limits.walk)
        tips = [wish.new async for wish in InSlices(wishes) if not wish.deletes]
        # With a shallow client, what is missing may be missing rightly, which is told in other words.
        show = None if self._shallow_file else self._answer.tell
        broken = await connectivity.broken(tips, show, progress=not self._head.quiet)
        reasons = {tip: await self._why(connectivity, tip, said) for tip, said in broken.items()}
        async for wish in InSlices(wishes):
            wish.error = wish.error or reasons.get(wish.new)

    async def discard(self) -> None:
        """
        Remove the quarantine. Safe to repeat, and after a commit.
        """
        if self.staging is not None:
            await self.staging.discard()

    async def _stage(self) -> IStaging:
        try:
            self.staging = staging = await self._repository.stage()
            if self._head.shallow:
                await self._note_shallow(staging)
        except (GitalyError, OSError) as error:
            _log.failure("cannot make a quarantine")
            raise UnpackFailed(b"unable to create temporary object directory") from error
        return staging

    async def _note_shallow(self, staging: IStaging) -> None:
        """
        Write down where history may end while the pack is checked: where the client's does, and where ours does already.
        """
        path = os.path.join(staging.directory.object_directory or "", "shallow")
        repository, given = self._repository.directory.path, self._head.shallow

        def write() -> None:
            ends = dict.fromkeys([*read_shallow(repository), *given])
            with open(path, "wb") as file:
                file.write(b"".join(end + b"\n" for end in ends))

        await self._means.threads.run(write)
        self._shallow_file = path

    async def _unpack(self, staging: IStaging, start: PackStart) -> None:
        limits = self._means.limits.pack
        try:
            await unpack(
                self._means.git,
                staging.directory,
                self._source,
                start,
                self._answer,
                evolve(limits, size=self._asked.smaller(limits.size)),
                quiet=self._head.quiet,
                shallow_file=self._shallow_file,
            )
        except PushBroken:
            raise
        except GitalyError as error:
            _log.failure("cannot run index-pack")
            raise UnpackFailed(b"index-pack fork failed") from error

    async def _why(self, connectivity: Connectivity, tip: ObjectID, said: bytes) -> bytes:
        if self._shallow_file and await connectivity.connected(tip, self._shallow_file):
            return words.SHALLOW
        await self._answer.tell_aside(said)
        return words.MISSING
