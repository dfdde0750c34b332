"""
What a fetching client over HTTP is told first: the capabilities (v2), or the refs (v0 and v1).

No process is started for it where a look is enough. What depends on nothing but git's version and the repository's config file is
asked of git once and remembered for as long as that file is the same: all of v2's answer, and the capabilities of the others. The
refs are put behind them here. Wherever a repository is not a plain one, git answers by itself.

An answer of git's that is only long is kept in memory. It is served again if nothing was written through the write queue since,
and if a look at the files shows that nobody else changed a ref.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from attrs import define, field, frozen
from zope.interface import implementer

from protocols.git import bundleuri
from protocols.git.advertisement import (
    AdvertisementDecoder,
    CapabilitiesAnnounced,
    encode_refs,
    service_line,
)
from protocols.git.capabilities import Capabilities
from protocols.git.errors import GitProtocolError
from protocols.git.service import Service

from ..cache.memory import MarkedBytes
from ..errors import Code, GitalyError
from ..git.command import Command
from ..git.fileidentity import FileIdentity
from ..git.interfaces import IGit, Reference
from ..git.objectid import ObjectID
from ..git.refsmark import mark_refs
from ..git.subcommands import HIDDEN_FROM_FETCH
from ..storage.interfaces import IRepository
from ..storage.threads import Threads
from ..streams import IByteSink
from ..wal.interfaces import Partition
from .bundles import Bundles
from .fetchconfig import protocol_variable, settings
from .interfaces import FetchRequest
from .plainness import look

MOST_REFS = 1000
"""With more refs than this git is quicker."""

REMEMBERED = 1000
"""Answers of git's that are kept, of each kind."""

LONG_ANSWERS = 64 << 20
"""Bytes of long answers that are kept."""

LONGEST_ANSWER = 16 << 20
"""Bytes of one that is kept."""

REMEMBERED_TAGS = 20_000
"""Objects of which it is known whether they are tags, and of what."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@define(eq=False)
class _Recent(Generic[K, V]):
    """
    The values that were used last.
    """

    _most: int
    _values: OrderedDict[K, V] = field(factory=OrderedDict, init=False)

    def get(self, key: K) -> V | None:
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: K, value: V) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)


@frozen
class _Key:
    """
    What an answer of git's depends on.

    :param refs: the object format, whether there is any ref, and whether HEAD is a name for one; all show in v0 and v1 only.
    """

    config: FileIdentity
    protocol: str
    refs: tuple[str, bool, bool] = ("", False, False)


class _NotPlain(Exception):
    """
    Something that only git knows how to tell.
    """


def _unwritten(partition: Partition) -> int:
    return 0


def _untold(result: str) -> None:
    pass


@implementer(IByteSink)
class _Copying:
    """
    A sink that keeps a copy of what passes.

    :param most: bytes; beyond them there is no copy.
    """

    def __init__(self, inner: IByteSink, most: int) -> None:
        self._inner = inner
        self._most = most
        self.copy: bytearray | None = bytearray()

    async def write(self, data: bytes) -> None:
        """
        As the inner sink.
        """
        await self._inner.write(data)
        if self.copy is not None:
            self.copy += data
            if len(self.copy) > self._most:
                self.copy = None


class InfoRefs:
    """
    :param git: for what has to be asked.
    :param threads: for looking at files.
    :param generation: of a repository: a number that is another one after each write.
    :param told: told whether a long answer was there: ``hit`` or ``miss``.
    :param bundles: what clones can begin with; ``None`` for nothing.
    """

    def __init__(
        self,
        git: IGit,
        threads: Threads,
        generation: Callable[[Partition], int] = _unwritten,
        told: Callable[[str], object] = _untold,
        bundles: Bundles | None = None,
    ) -> None:
        self._git = git
        self._threads = threads
        self._generation = generation
        self._told = told
        self._bundles = bundles
        self._long = MarkedBytes(LONG_ANSWERS)
        self._answers: _Recent[_Key, bytes] = _Recent(REMEMBERED)
        self._capabilities: _Recent[_Key, Capabilities] = _Recent(REMEMBERED)
        self._tags: _Recent[tuple[str, ObjectID], tuple[ObjectID | None]] = _Recent(REMEMBERED_TAGS)

    async def advertise(self, repository: IRepository, request: FetchRequest, stdout: IByteSink) -> None:
        """
        As :func:`ITransport.advertise_upload`.
        """
        options = settings(request.config)
        protocol = request.protocol if protocol_variable(request.protocol) else ""
        command = Command(
            "upload-pack",
            ["--strict", "--stateless-rpc", "--advertise-refs"],
            config=options,
            directory=repository.directory,
            environment=protocol_variable(protocol),
        )
        identity = None if options else await self._threads.run(look, repository.directory)
        try:
            if identity is None:
                raise _NotPlain
            if protocol == "version=2":
                answer = await self._answer(command, _Key(identity, protocol))
                pieces: Sequence[bytes] = [await self._with_bundles(repository, request, answer)]
            else:
                pieces = await self._refs(repository, command, identity, protocol)
        except _NotPlain:
            if identity is None:
                await self._relay(command, stdout)
            else:
                await self._relay_kept(repository, command, protocol, stdout)
            return
        await stdout.write(service_line(Service.UPLOAD_PACK))
        for piece in pieces:
            await stdout.write(piece)

    async def _with_bundles(self, repository: IRepository, request: FetchRequest, answer: bytes) -> bytes:
        if self._bundles is None or not request.bundles or await self._bundles.offered(repository) is None:
            return answer
        return bundleuri.advertised(answer)

    async def _relay_kept(self, repository: IRepository, command: Command, protocol: str, stdout: IByteSink) -> None:
        """
        Let git answer, unless it has, and nothing has changed since.
        """
        # Both before git begins: what changes while it answers makes what is kept worthless.
        generation = self._generation(repository.partition)
        refs = await self._threads.run(mark_refs, repository.directory)
        if refs is None:
            await self._relay(command, stdout)
            return
        key, mark = (repository.directory, protocol), (generation, refs)
        answer = self._long.get(key, mark)
        self._told("miss" if answer is None else "hit")
        if answer is not None:
            await stdout.write(answer)
            return
        copying = _Copying(stdout, LONGEST_ANSWER)
        await self._relay(command, copying)
        if copying.copy is not None and not refs.racy and b"session-id=" not in copying.copy:
            self._long.put(key, mark, bytes(copying.copy))

    async def _relay(self, command: Command, stdout: IByteSink) -> None:
        """
        Let git answer, whatever the length. Nothing is sent if it fails before it has said anything.
        """
        child = self._git.spawn(command, stdin=False)
        try:
            first = await child.stdout.read()
            if first:
                await stdout.write(service_line(Service.UPLOAD_PACK))
                await stdout.write(first)
                await child.send_stdout_to(stdout)
            ended = await child.wait()
        except BaseException:
            child.kill()
            raise
        if ended.status != 0:
            raise _failed(str(ended), ended.stderr)

    async def _answer(self, command: Command, key: _Key) -> bytes:
        answer = self._answers.get(key)
        if answer is None:
            answer, ended = await self._git.run(command, check=False)
            if ended.status != 0:
                raise _failed(str(ended), ended.stderr)
            if b"session-id=" not in answer:
                self._answers.put(key, answer)
        return answer

    async def _refs(self, repository: IRepository, command: Command, config: FileIdentity, protocol: str) -> Sequence[bytes]:
        name = await repository.head()
        head = await repository.ref(b"HEAD")
        refs = await repository.refs(hidden=HIDDEN_FROM_FETCH)
        if len(refs) > MOST_REFS:
            raise _NotPlain
        if any(ref.name == name and ref.symbolic is not None for ref in refs):
            # A name for a name: git tells where it ends.
            raise _NotPlain
        told = refs if head is None else [Reference(b"HEAD", head.target), *refs]
        object_format = repository.object_format
        symbolic = name is not None and head is not None
        key = _Key(config, protocol, (object_format.value, bool(told), symbolic))
        if not told:
            return [await self._answer(command, key)]
        capabilities = self._capabilities.get(key)
        if capabilities is None:
            capabilities = await self._ask_for_capabilities(command, symbolic)
            self._capabilities.put(key, capabilities)
        peeled = await self._peel(repository, told)
        lines = [(ref.name, ref.target, peeled[ref.target]) for ref in told]
        version = 1 if protocol == "version=1" else 0
        return list(encode_refs(lines, _with_head(capabilities, name), object_format.hex_length, (), version))

    async def _ask_for_capabilities(self, command: Command, symbolic: bool) -> Capabilities:
        """
        :raises _NotPlain: if they are not the same for every answer.
        """
        output, ended = await self._git.run(command, maximum=16 << 20, check=False)
        if ended.status != 0:
            raise _failed(str(ended), ended.stderr)
        try:
            events = AdvertisementDecoder().receive(output)
        except GitProtocolError as error:
            raise _NotPlain from error
        for event in events:
            if isinstance(event, CapabilitiesAnnounced):
                found = event.capabilities
                if found.has(b"session-id") or len(found.values(b"symref")) != symbolic:
                    break
                return found
        raise _NotPlain

    async def _peel(self, repository: IRepository, refs: Sequence[Reference]) -> dict[ObjectID, ObjectID | None]:
        """
        What each ref's object stands for, if it is a tag. That never changes, so it is remembered.

        :raises _NotPlain: if an object is missing: git leaves such refs out.
        """
        path = repository.directory.path
        peeled: dict[ObjectID, ObjectID | None] = {}
        unknown: list[ObjectID] = []
        for ref in refs:
            known = self._tags.get((path, ref.target))
            if known is not None:
                peeled[ref.target] = known[0]
            elif ref.target not in peeled:
                peeled[ref.target] = None
                unknown.append(ref.target)
        if unknown:
            found = await repository.object_info(unknown)
            if None in found:
                raise _NotPlain
            tags = [info.oid for info in found if info is not None and info.type == b"tag"]
            for oid, target in zip(tags, await repository.peel(tags) if tags else (), strict=True):
                if target is None:
                    raise _NotPlain
                peeled[oid] = target
            for oid in unknown:
                self._tags.put((path, oid), (peeled[oid],))
        return peeled


def _with_head(capabilities: Capabilities, head: bytes | None) -> Capabilities:
    """
    The same, with the name of another branch in ``symref``.
    """
    return Capabilities(
        (word, b"HEAD:" + head if word == b"symref" and head is not None else value) for word, value in capabilities.items
    )


def _failed(how: str, stderr: bytes) -> GitalyError:
    return GitalyError(f"wait: {how}", Code.INTERNAL, {"stderr": stderr.decode("utf-8", "replace")})
