"""
A storage with its log and a committer, in which everything happens at once and nothing waits but for a clock that tests advance.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

from attrs import define, frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gitaly_tx.cluster.interfaces import ICoordinator
from gitaly_tx.cluster.local import LocalCoordinator
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.filesrefs import FilesRefs
from gitaly_tx.git.interfaces import IRefs, RefUpdate
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.observability import failpoints
from gitaly_tx.wal.interfaces import Creation, Manifest, Partition, StagedFile
from gitaly_tx.wal.layout import Disk
from gitaly_tx.wal.store import Store, make_store
from gitaly_tx.writequeue.commit import Committer
from gitaly_tx.writequeue.transaction import Outcome, Transaction
from tests.support.git import git
from tests.support.threads import inline_threads

BOOT = b"this run of it.."
NEXT_BOOT = b"the next run...."
ALPHA = Partition("default", "team/alpha.git")
BETA = Partition("default", "team/beta.git")
ZERO = ObjectFormat.SHA1.zero
MAIN = b"refs/heads/main"


class InlinePool:
    """
    Stands for a thread pool, and for the reactor that threads report to: does everything at once.
    """

    def callInThreadWithCallback(
        self, done: Callable[[bool, Any], None], work: Callable[..., Any], *args: Any, **kw: Any
    ) -> None:
        try:
            result = work(*args, **kw)
        except Exception:
            from twisted.python.failure import Failure

            done(False, Failure())
        else:
            done(True, result)

    def callFromThread(self, work: Callable[..., Any], *args: Any, **kw: Any) -> None:
        work(*args, **kw)


def inline_refs(clock: Clock) -> FilesRefs:
    """
    Refs in files, without threads.
    """
    pool: Any = InlinePool()
    return FilesRefs(pool, pool, clock)


def outcome_of(deferred: Deferred[Any]) -> Any:
    """
    What a Deferred that has fired holds; raises what it failed with.
    """
    results: list[Any] = []
    failures: list[Any] = []
    deferred.addCallbacks(results.append, failures.append)
    if failures:
        failures[0].raiseException()
    assert results, "nothing has happened yet"
    return results[0]


@define(eq=False)
class Site:
    """
    One server's run on a storage.
    """

    root: str
    clock: Clock
    refs: IRefs
    store: Store
    committer: Committer

    def start(self) -> Site:
        """
        Start it; everything that is to be recovered is.
        """
        outcome_of(Deferred.fromCoroutine(self.store.start()))
        return self

    def stop(self) -> None:
        """
        Stop it properly.
        """
        self.committer.stop()
        outcome_of(Deferred.fromCoroutine(self.store.stop()))

    def die(self) -> None:
        """
        Let go of what belongs to a process, and finish nothing.
        """
        outcome_of(inline_threads(self.store._lock.release))
        outcome_of(Deferred.fromCoroutine(_ended(self.store._map)))

    def begin(self, manifest: Manifest, atomic: bool = True) -> Deferred[Outcome]:
        """
        Begin to commit.
        """
        return Deferred.fromCoroutine(self.committer.commit(Transaction(manifest, atomic)))

    def commit(self, manifest: Manifest, atomic: bool = True) -> Outcome:
        """
        Commit.
        """
        made: Outcome = outcome_of(self.begin(manifest, atomic))
        return made

    def state(self, partition: Partition = ALPHA) -> object:
        """
        What a repository says: refs and HEAD; ``None`` if there is none.
        """
        return state_of(self.root, partition, self.refs)


async def _ended(map: Any) -> None:
    await map.close()


def make_site(
    root: str,
    boot: bytes = BOOT,
    *,
    disk: Disk | None = None,
    refs: Callable[[IRefs], IRefs] = lambda refs: refs,
    coordinator: ICoordinator | None = None,
    complete: bool = False,
    **settings: Any,
) -> Site:
    """
    :param refs: given the real refs, to put something around them.
    :param complete: what is said of repositories with lost files.
    """
    clock = Clock()
    made = refs(inline_refs(clock))

    async def is_complete(directory: GitDirectory, oids: Sequence[ObjectID]) -> bool:
        return complete

    store = make_store(
        "default",
        root,
        refs=made,
        git=None,
        clock=clock,
        in_writer=settings.pop("in_writer", inline_threads),
        in_thread=inline_threads,
        leader="here",
        disk=disk,
        boot=boot,
        is_complete=is_complete,
        **settings,
    )
    committer = Committer(
        {"default": store}, made, LocalCoordinator() if coordinator is None else coordinator, inline_threads, clock, Random(1)
    )
    return Site(root, clock, made, store, committer)


def state_of(root: str, partition: Partition, refs: IRefs) -> object:
    """
    As :meth:`Site.state`.
    """
    directory = GitDirectory(os.path.join(root, partition.path))
    if not os.path.isdir(directory.path):
        return None

    async def read() -> object:
        listed = await refs.list(directory)
        return await refs.head(directory), tuple((ref.name, bytes(ref.target)) for ref in listed)

    return outcome_of(Deferred.fromCoroutine(read()))


@frozen
class History:
    """
    A repository made by git, to take objects from.

    :param path: its directory.
    :param commits: three, one after the other.
    """

    path: str
    commits: tuple[ObjectID, ObjectID, ObjectID]

    def put_into(self, repository: str) -> None:
        """
        Give all objects to another repository.
        """
        shutil.copytree(os.path.join(self.path, "objects"), os.path.join(repository, "objects"), dirs_exist_ok=True)

    def stage(self, root: str, oid: ObjectID) -> tuple[StagedFile, ...]:
        """
        Make a pack of everything that a commit reaches, in the storage's staging directory, as a push does.
        """
        made = len(os.listdir(os.path.join(root, "+gitaly/staging")))
        relative = f"+gitaly/staging/test-{made}/objects/pack"
        directory = os.path.join(root, relative)
        os.makedirs(directory)
        name = (
            git("pack-objects", "--revs", "--quiet", os.path.join(directory, "pack"), cwd=self.path, stdin=oid + b"\n")
            .decode()
            .strip()
        )
        return tuple(StagedFile(f"{relative}/pack-{name}.{end}", f"objects/pack/pack-{name}.{end}") for end in ("pack", "idx"))


def make_history(path: str) -> History:
    """
    Three commits.
    """
    path = os.path.abspath(path)
    git("init", "--quiet", "--bare", "--initial-branch=main", path)
    stream = b""
    for number in (1, 2, 3):
        stream += b"commit refs/heads/main\nmark :%d\ncommitter C <c@example.org> 1700000000 +0000\ndata 2\n%d\n" % (
            number,
            number,
        )
        stream += b"M 644 inline file\ndata 3000\n" + os.urandom(1500).hex().encode() + b"\n"
    git("fast-import", "--quiet", cwd=path, stdin=stream)
    listed = git("rev-list", "--reverse", "main", cwd=path).decode().split()
    first, second, third = map(ObjectID, listed)
    return History(path, (first, second, third))


def creation(partition: Partition = ALPHA) -> Manifest:
    """
    An empty repository.
    """
    return Manifest(partition, create=Creation(ObjectFormat.SHA1, MAIN))


def moving(*updates: tuple[bytes, ObjectID | None, ObjectID], partition: Partition = ALPHA, **more: Any) -> Manifest:
    """
    Ref updates: name, old, new.
    """
    return Manifest(partition, refs=tuple(RefUpdate(*update) for update in updates), **more)


@contextmanager
def snapshots(source: str, target: str, chosen: Callable[[str], bool] = lambda name: True) -> Iterator[list[tuple[str, str]]]:
    """
    Copy a storage at every failpoint that is passed: what a process that is killed there leaves behind.

    :param chosen: is told of each failpoint that is passed, and says whether to copy.
    :returns: the failpoints' names and the copies, in their order.
    """
    taken: list[tuple[str, str]] = []

    one_at_a_time = threading.RLock()

    def take(name: str) -> None:
        with one_at_a_time:
            if not chosen(name):
                return
            copy = os.path.join(target, f"{len(taken):03d}")
            while not _copy_tree(source, copy):
                shutil.rmtree(copy)
            taken.append((name, copy))

    def taker(name: str) -> Callable[[], None]:
        return lambda: take(name)

    with failpoints.active({name: taker(name) for name in failpoints.POINTS}):
        yield taken


def _copy_tree(source: str, target: str) -> bool:
    """
    :returns: whether no directory vanished meanwhile, as in the trash.
    """
    try:
        shutil.copytree(source, target, symlinks=True, copy_function=_copy)
    except (FileNotFoundError, shutil.Error):
        return False
    return True


def _copy(source: str, target: str) -> None:
    try:
        shutil.copy2(source, target)
    except FileNotFoundError:
        pass  # SQLite removes its journal.


def litter(root: str) -> list[str]:
    """
    What must not be left after recovery: locks, intents, staging directories, temporary and pending files.
    """
    found = []
    for directory, directories, names in os.walk(root):
        relative = os.path.relpath(directory, root)
        found += [os.path.join(relative, name) for name in names if name.endswith((".lock", ".new")) or name.startswith("tmp_")]
        if relative in ("+gitaly/intents", "+gitaly/staging", "+gitaly/trash", "+gitaly/wal/pending"):
            found += [os.path.join(relative, name) for name in (*directories, *names)]
    return found
