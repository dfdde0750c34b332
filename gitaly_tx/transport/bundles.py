"""
Bundles for clones: made once, and sent to each client as the file that they are, before it fetches what is new.

A clone that begins with a bundle costs no git that counts and compresses objects. The bundle is a resource below the URL that the
client clones from, under the same access rule; the list that tells of it names it relative to that URL, so nobody has to know
what the server is called outside.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Final

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.interfaces import IReactorFDSet, IReactorTime
from twisted.logger import Logger

from protocols.git import bundleuri
from protocols.git.smarthttp import bundle_uri

from ..errors import Code, GitalyError
from ..git.attending import ended_or_killed
from ..git.command import Command
from ..git.descriptor import Descriptor
from ..git.interfaces import IGit, Limits
from ..git.options import Flag, Option, StandardOutput
from ..git.quoting import quoted
from ..hooks.detached import Detached
from ..storage.interfaces import IRepository
from ..storage.threads import Threads
from ..streams import IByteSink, IByteSource, ISpliceSink
from ..wal.interfaces import Partition
from .bundlestore import Bundle, BundleStore, key_of, mark_of
from .conversation import Continued
from .packoutlets import IOutlet, PipeOutlet, SinkOutlet

REMEMBERED: Final = 10_000
"""Repositories of which it is known how often they were cloned."""

RESERVE: Final = 1 << 30
"""Bytes of the disk that are left to others."""

_SHOWN = (
    *("--exclude-hidden=uploadpack", "--glob=refs/heads/*"),
    *("--exclude-hidden=uploadpack", "--glob=refs/tags/*"),
)
"""What a fetch is shown, of branches and tags."""

_log = Logger()


@frozen
class Often:
    """
    When a bundle is made without anybody's asking for it.

    :param clones: that many clones of a repository
    :param seconds: within that time.
    """

    clones: int
    seconds: float


@define(eq=False)
class Bundles:
    """
    :param limits: of the git that makes one.
    :param often: ``None`` to make none unasked.
    :param reserve: bytes that the disk must have free.
    """

    _git: IGit
    _reactor: IReactorFDSet
    _clock: IReactorTime
    _threads: Threads
    store: BundleStore
    _often: Often | None = None
    _limits: Limits = field(factory=Limits)
    _reserve: int = RESERVE
    _finishing: Detached = field(factory=lambda: Detached("keeping a bundle"), init=False)
    _one: DeferredLock = field(factory=DeferredLock, init=False)
    _cloned: OrderedDict[str, tuple[int, float]] = field(factory=OrderedDict, init=False)
    _unasked: dict[str, Deferred[None]] = field(factory=dict, init=False)

    async def start(self) -> None:
        """
        Find the bundles that are there.
        """
        await self.store.start()

    async def stop(self) -> None:
        """
        Make none any further that nobody has asked for; finish what is made.
        """
        for making in list(self._unasked.values()):
            making.cancel()
        await self._finishing.settle()

    async def generate(self, repository: IRepository) -> Bundle:
        """
        Make a bundle of all branches and tags that a fetch is shown. One is made at a time.

        :raises GitalyError: FAILED_PRECONDITION ``ref "refs/heads/main" does not exist: create bundle: refusing to create empty
            bundle``, or for a repository whose history is cut; RESOURCE_EXHAUSTED if there is no room; INTERNAL ``create bundle:
            exit status N``.
        """
        await self._one.acquire()
        try:
            return await self._generate(repository)
        finally:
            self._one.release()

    async def offered(self, repository: IRepository) -> Bundle | None:
        """
        The bundle that a client may begin with, if there is one.
        """
        bundle = self.store.find(repository.partition)
        if bundle is None or await self._threads.run(mark_of, repository.directory) != bundle.mark:
            return None
        return bundle

    async def asked(self, repository: IRepository, source: IByteSource, stdout: IByteSink) -> IByteSource | None:
        """
        Answer a client that asks for bundles. The one that it was told of may be gone by now; git would then know nothing of the
        command, and the clone would fail.

        :param source: one request, in v2.
        :returns: ``None`` if that was the request; otherwise all of it, for upload-pack.
        """
        first = await source.read()
        while (told := bundleuri.is_asked(first)) is None and (more := await source.read()):
            first += more
        if not told:
            return Continued(first, source)
        while await source.read():
            pass
        bundle = await self.offered(repository)
        answer = bundleuri.NOTHING if bundle is None else bundleuri.answer(bundle.name.encode(), bundle_uri(bundle.name))
        await stdout.write(answer)
        return None

    async def send(self, repository: IRepository, name: str, sink: IByteSink) -> None:
        """
        Send a bundle as it is.

        :raises GitalyError: NOT_FOUND ``bundle not found``, if it is not the one that is offered now.
        :raises StreamBroken: if the client went away.
        """
        bundle = await self.offered(repository)
        if bundle is None or bundle.name != name:
            raise GitalyError("bundle not found", Code.NOT_FOUND)
        try:
            number = await self._threads.run(os.open, self.store.path(bundle), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            await self.store.forget(bundle)
            raise GitalyError("bundle not found", Code.NOT_FOUND) from error
        outlet: IOutlet
        if ISpliceSink.providedBy(sink):
            outlet = PipeOutlet(self._reactor, self._threads, Descriptor(number), ISpliceSink(sink), plain=True)
        else:
            outlet = SinkOutlet(self._threads, Descriptor(number), sink, plain=True)
        try:
            await outlet.span(0, bundle.size)
            await outlet.end()
        finally:
            outlet.close()

    def cloned(self, repository: IRepository) -> None:
        """
        Somebody who could have begun with a bundle was sent everything. If that happens often, a bundle is made, or made anew
        once it has reached half of its age.
        """
        key = key_of(repository.partition)
        if self._often is None or key in self._unasked or not self._happens_often(key, self._often):
            return
        bundle = self.store.find(repository.partition)
        if bundle is None or self.store.age(bundle) > self.store.max_age / 2:

            def over(_: object) -> None:
                del self._unasked[key]

            making = self._unasked[key] = Deferred.fromCoroutine(self._generate_unasked(repository))
            making.addBoth(over)

    def _happens_often(self, key: str, often: Often) -> bool:
        now = self._clock.seconds()
        count, since = self._cloned.pop(key, (0, now))
        if now - since > often.seconds:
            count, since = 0, now
        if count + 1 >= often.clones:
            return True
        self._cloned[key] = count + 1, since
        while len(self._cloned) > REMEMBERED:
            self._cloned.popitem(last=False)
        return False

    async def _generate_unasked(self, repository: IRepository) -> None:
        try:
            await self.generate(repository)
        except CancelledError:
            pass
        except (GitalyError, OSError) as error:
            _log.warn("no bundle for {repository}: {error}", repository=str(repository.partition), error=str(error))

    async def _generate(self, repository: IRepository) -> Bundle:
        mark = await self._threads.run(mark_of, repository.directory)
        if mark is None:
            raise GitalyError("create bundle: history is not complete", Code.FAILED_PRECONDITION)
        number, path = await self.store.begin()
        try:
            try:
                if not await self._threads.run(self._has_room, number):
                    raise GitalyError("create bundle: No space left on device", Code.RESOURCE_EXHAUSTED)
                await self._write(repository, number)
            finally:
                os.close(number)
            if await self._threads.run(mark_of, repository.directory) != mark:
                raise GitalyError("create bundle: repository has changed meanwhile", Code.ABORTED)
        except BaseException:
            await self.store.drop(path)
            raise
        return await self._finishing.run(self._finish(path, repository.partition, mark))

    async def _finish(self, path: str, partition: Partition, mark: str) -> Bundle:
        try:
            return await self.store.keep(path, partition, mark)
        finally:
            await self.store.drop(path)

    def _has_room(self, number: int) -> bool:
        disk = os.fstatvfs(number)
        return disk.f_bavail * disk.f_frsize >= self._reserve

    async def _write(self, repository: IRepository, number: int) -> None:
        options: list[Option] = [StandardOutput(), Flag("--quiet"), *map(Flag, _SHOWN)]
        command = Command("bundle", options, action="create", directory=repository.directory)
        child = self._git.spawn(command, limits=self._limits, stdout=number, stdin=False)
        ended = await ended_or_killed(child)
        if ended.status == 0:
            return
        if b"Refusing to create empty bundle" in ended.stderr:
            head = await repository.head() or b"HEAD"
            told = f"ref {quoted(head)} does not exist: create bundle: refusing to create empty bundle"
            raise GitalyError(told, Code.FAILED_PRECONDITION)
        raise GitalyError(f"create bundle: {ended}", Code.INTERNAL, {"stderr": ended.stderr.decode("utf-8", "replace")})


__all__ = ["Bundles", "Often"]
