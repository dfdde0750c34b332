"""
A pool is brought up to date from one of its members.

What the member has and the pool has not is put into a pack by ``git pack-objects``, which reads both object directories: nothing
is negotiated and nothing sent. A pool never loses an object: what nothing refers to any more gets a ref of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from posixpath import join

from attrs import frozen

from ..errors import Code, GitalyError
from ..git.alternates import object_directories
from ..git.command import Command
from ..git.directory import GitDirectory
from ..git.interfaces import IGit, Reference, RefUpdate
from ..git.objectid import ObjectID
from ..git.refchecks import in_the_way
from ..storage.interfaces import IRepository, IStaging
from ..wal.threads import InThread
from ..writequeue.transaction import Outcome

Commit = Callable[[IRepository, Sequence[RefUpdate], IStaging | None], Awaitable[Outcome]]

FETCHING = "fetch into object pool"

MIRROR = b"refs/remotes/origin/"
"""Where a pool keeps the refs of its members' origin."""

DANGLING = b"refs/dangling/"
"""Where it keeps what nothing else refers to."""

_LISTED = 64 << 20
"""Bytes of git's list of dangling objects that are read at most."""


async def fetch(git: IGit, in_thread: InThread, commit: Commit, pool: IRepository, origin: IRepository) -> None:
    """
    Let a pool have all refs of ``origin``, below :data:`MIRROR`, and what they reach.

    :param commit: writes refs, with the objects in a staging directory.
    :raises GitalyError: INTERNAL if the origin's objects are not all there.
    """
    await _Fetch(git, in_thread, commit, pool, origin).run()


@frozen
class _Fetch:
    git: IGit
    in_thread: InThread
    commit: Commit
    pool: IRepository
    origin: IRepository

    async def run(self) -> None:
        wanted = {MIRROR + ref.name.removeprefix(b"refs/"): ref.target for ref in await self.origin.refs()}
        present = await self.pool.refs()
        mirrored = {ref.name: ref.target for ref in present if ref.name.startswith(MIRROR)}
        zero = self.pool.object_format.zero
        gone = [RefUpdate(name, None, zero) for name in mirrored if name not in wanted]
        moved = [RefUpdate(name, None, oid) for name, oid in wanted.items() if mirrored.get(name) != oid]
        if await self.in_thread(in_the_way, {update.name for update in gone}, {update.name for update in moved}):
            # A ref cannot go in the same batch in which one comes that needs its name for a directory, or the other way round.
            await self._write(gone, None)
            gone = []
        if gone or moved:
            staging = await self.pool.stage()
            try:
                await self._pack(staging, present, [update.new for update in moved])
                await self._write([*gone, *moved], staging)
            finally:
                await staging.discard()
        await self._keep_dangling()

    async def _pack(self, staging: IStaging, present: Sequence[Reference], tips: Sequence[ObjectID]) -> None:
        """
        Make a pack of what the tips reach and the pool's refs do not.
        """
        if not tips:
            return
        lent = await self.in_thread(object_directories, self.origin.directory)
        target = staging.directory.object_directory or staging.directory.objects
        both = GitDirectory(self.pool.directory.path, target, (self.pool.directory.objects, *lent))
        options = ["--revs", "--non-empty", "--delta-base-offset", "--quiet"]
        command = Command("pack-objects", options, [join(target, "pack", "pack")], directory=both)
        lines = [b"%s\n" % tip for tip in dict.fromkeys(tips)]
        lines += [b"^%s\n" % oid for oid in dict.fromkeys(ref.target for ref in present)]
        _, ended = await self.git.run(command, stdin=b"".join(lines), check=False)
        if ended.status != 0:
            facts = {"stderr": ended.stderr.decode("utf-8", "replace")}
            raise GitalyError(f"{FETCHING}: {ended}", Code.INTERNAL, facts)

    async def _write(self, updates: Sequence[RefUpdate], staging: IStaging | None) -> None:
        outcome = await self.commit(self.pool, updates, staging)
        for refused in outcome.refused.values():
            facts = {"ref": refused.name, "why": refused.why.value}
            raise GitalyError(f"{FETCHING}: reference update refused", Code.ABORTED, facts)

    async def _keep_dangling(self) -> None:
        command = Command("fsck", ["--connectivity-only", "--dangling", "--no-progress"], directory=self.pool.directory)
        output, ended = await self.git.run(command, maximum=_LISTED, check=False)
        words = [line.split(b" ") for line in output.splitlines() if line.startswith(b"dangling ")]
        found = [ObjectID(parts[2]) for parts in words if len(parts) == 3]
        if ended.status != 0:
            raise GitalyError(f"{FETCHING}: rescuing dangling objects: {ended}", Code.INTERNAL)
        if found:
            await self._write([RefUpdate(DANGLING + oid, None, oid) for oid in found], None)
