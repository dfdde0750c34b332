"""
A repository's branches and tags, brought to a mirror.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence

from attrs import frozen

from protocols.gitaly.remote_pb2 import UpdateRemoteMirrorRequest, UpdateRemoteMirrorResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IGit, Reference, RefUpdate
from ...git.objectid import ObjectID
from ...git.quoting import quoted
from ...storage.interfaces import IRepository, IStorageProvider
from ...transport.remotefetch import RemoteFetch, Wanted
from ...transport.remotes import NAME, Connection, RemoteAddress, RemoteFailed, Remotes
from ..validate import given, opened
from .selection import BRANCHES, TAGS, Selection, Selector, select

BATCH = 10
"""How many refs one push changes."""

_LISTED = 1 << 30
"""Bytes that a mirror may answer with when it lists its refs."""

MOST_PATTERNS = 10_000


@frozen
class Mirroring:
    """
    What mirrors are brought up to date with.
    """

    git: IGit
    remotes: Remotes
    fetches: RemoteFetch


async def update_remote_mirror(
    storage: IStorageProvider, means: Mirroring, requests: AsyncIterator[UpdateRemoteMirrorRequest]
) -> UpdateRemoteMirrorResponse:
    """
    Push what the mirror lacks and delete what it has too much of, in batches with the default branch in the first one. With
    ``keep_divergent_refs`` nothing is lost there: refs that have something of their own are left alone and named.

    :raises GitalyError: INVALID_ARGUMENT for a remote that is not named or not used; INTERNAL ``get remote references: …`` or
        ``push to mirror: …`` if git fails. Earlier batches stay.
    """
    first: UpdateRemoteMirrorRequest | None = None
    patterns: list[bytes] = []
    repository: IRepository | None = None
    async for request in requests:
        if first is None:
            first = request
            repository = await opened(storage, given(request))
            if not request.HasField("remote"):
                raise GitalyError("missing Remote", Code.INVALID_ARGUMENT)
            if not request.remote.url:
                raise GitalyError("remote is missing URL", Code.INVALID_ARGUMENT)
        patterns.extend(request.only_branches_matching)
        if len(patterns) > MOST_PATTERNS:
            raise GitalyError("too many patterns", Code.RESOURCE_EXHAUSTED)
    if first is None or repository is None:
        raise GitalyError("receive: EOF", Code.INTERNAL)
    remote = first.remote
    address = RemoteAddress(
        remote.url, remote.resolved_address, remote.http_authorization_header, first.ssh_key, first.known_hosts
    )
    try:
        means.remotes.check(address)
    except GitalyError as error:
        raise GitalyError(error.message, Code.INTERNAL) from error
    mirror = _Mirror(means, repository, Selector(patterns), first.keep_divergent_refs)
    own = await _own(means.remotes, address)
    if own is not None:
        selection = await mirror.bring_to(own)
    else:
        selection = await mirror.push_to(address)
    return UpdateRemoteMirrorResponse(divergent_refs=selection.divergent)


async def _own(remotes: Remotes, address: RemoteAddress) -> IRepository | None:
    try:
        return await remotes.own(address.url)
    except RemoteFailed as error:
        raise _listing(error) from error


def _listing(error: RemoteFailed) -> GitalyError:
    text = f"get remote references: create git ls-remote: {error.ended}, stderr: {quoted(error.stderr)}"
    return GitalyError(text, Code.INTERNAL, error.facts)


@frozen
class _Mirror:
    means: Mirroring
    repository: IRepository
    selector: Selector
    keep_divergent: bool

    async def push_to(self, address: RemoteAddress) -> Selection:
        """
        Bring another server up to date.
        """
        try:
            async with self.means.remotes.connected(address) as connection:
                selection = await self._selection(await self._listed(connection))
                refspecs = [
                    *(b"%b:%b" % (name, name) for name in selection.updated),
                    *(b":" + name for name in selection.deleted),
                ]
                for start in range(0, len(refspecs), BATCH):
                    await self._push(connection, refspecs[start : start + BATCH])
                return selection
        except RemoteFailed as error:
            raise _listing(error) from error

    async def bring_to(self, own: IRepository) -> Selection:
        """
        Bring a repository of this server up to date, through its own line of writes. Its default branch is not deleted, as git's
        receive-pack would not.
        """
        default = await own.head()
        selection = await self._selection(_plain(await own.refs((BRANCHES, TAGS))))
        connection = Connection(self.repository.directory.path, {"GIT_ALLOW_PROTOCOL": "file", "GIT_CONFIG_COUNT": "0"})
        force = "" if self.keep_divergent else "+"
        changes = [*selection.updated, *selection.deleted]
        for start in range(0, len(changes), BATCH):
            batch = changes[start : start + BATCH]
            updated = [name for name in batch if name not in selection.deleted]
            staging = await own.stage()
            try:
                deleted = [name for name in batch if name not in updated and name != default]
                refspecs = [f"{force}{name}:{name}" for name in map(os.fsdecode, updated)]
                wanted = Wanted(refspecs, checked=False, without=deleted)
                made = await self.means.fetches.fetch(own, staging, connection, wanted) if updated else []
                made += [RefUpdate(name, None, own.object_format.zero) for name in deleted]
                await self.means.fetches.commit(own, staging, made)
            except RemoteFailed as error:
                raise _pushing(error.ended, error.stderr) from error
            finally:
                await staging.discard()
            if default in batch and default in selection.deleted:
                raise _pushing("exit status 1", b"remote: error: refusing to delete the current branch: " + default + b"\n")
        return selection

    async def _selection(self, remote: Mapping[bytes, ObjectID]) -> Selection:
        local = _plain(await self.repository.refs((BRANCHES, TAGS)))
        head = await self.repository.head()
        return await select(local, remote, self.selector, head, self.keep_divergent, self._is_ancestor)

    async def _is_ancestor(self, ancestor: ObjectID, tip: ObjectID) -> bool:
        command = Command("merge-base", ["--is-ancestor"], [ancestor, tip], directory=self.repository.directory)
        _, ended = await self.means.git.run(command, check=False)
        return ended.status == 0

    async def _listed(self, connection: Connection) -> dict[bytes, ObjectID]:
        settings = connection.with_settings([(f"remote.{NAME}.url", connection.url)])
        command = Command(
            "ls-remote",
            ["--refs", "--symref"],
            [NAME, BRANCHES + b"*", TAGS + b"*"],
            directory=self.repository.directory,
        )
        output, ended = await self.means.git.run(command, maximum=_LISTED, check=False, environment=settings.environment)
        if ended.status != 0:
            raise RemoteFailed(ended.stderr, str(ended))
        return listed(output)

    async def _push(self, connection: Connection, refspecs: Sequence[bytes]) -> None:
        settings = connection.with_settings([(f"remote.{NAME}.url", connection.url)])
        options = ["--quiet", "--no-verify", *([] if self.keep_divergent else ["--force"])]
        command = Command("push", options, [NAME, *refspecs], directory=self.repository.directory)
        _, ended = await self.means.git.run(command, check=False, environment=settings.environment)
        if ended.status != 0:
            raise _pushing(str(ended), ended.stderr)


def _pushing(ended: str, stderr: bytes) -> GitalyError:
    facts = {"stderr": stderr.decode("utf-8", "replace")}
    return GitalyError(f"push to mirror: git push: {ended}, stderr: {quoted(stderr)}", Code.INTERNAL, facts)


def listed(output: bytes) -> dict[bytes, ObjectID]:
    """
    What ``git ls-remote --symref`` printed, without symbolic refs.
    """
    found: dict[bytes, ObjectID] = {}
    symbolic: set[bytes] = set()
    for line in output.splitlines():
        value, _, name = line.partition(b"\t")
        if value.startswith(b"ref: "):
            symbolic.add(name)
        else:
            found[name] = ObjectID(value)
    return {name: oid for name, oid in found.items() if name not in symbolic}


def _plain(refs: Sequence[Reference]) -> dict[bytes, ObjectID]:
    """
    Refs without symbolic ones.
    """
    return {ref.name: ref.target for ref in refs if ref.symbolic is None}
