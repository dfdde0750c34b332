"""
The provider on disk, with the real queue, log, refs and git.
"""

from __future__ import annotations

import os
from posixpath import join
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.config import UnusableConfig
from gitaly_tx.git.interfaces import Reference, RefUpdate
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.storage.interfaces import IRepository, IStaging, IStorageProvider, ITurn
from gitaly_tx.storage.memory import MemoryStorageProvider
from gitaly_tx.storage.naming import Place
from gitaly_tx.storage.partitions import line_of
from gitaly_tx.storage.repository import FilesystemRepository
from gitaly_tx.storage.staging import FilesystemStaging
from gitaly_tx.wal.interfaces import FileChange, Partition
from protocols.gitaly.shared_pb2 import Repository
from tests.contracts import storageprovider
from tests.contracts.storageprovider import MAIN, ZERO, commit_data, named
from tests.support.awaiting import begin
from tests.support.disk import make_bare
from tests.support.git import git, make_repository
from tests.support.stack import Stack


class FilesystemStorageProviderTests(storageprovider.StorageProviderContract):
    """
    ``FilesystemStorageProvider`` keeps the contract.
    """

    async def make_provider(self) -> IStorageProvider:
        stack = Stack(self.mktemp(), ["default", "other"])
        await stack.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(stack.stop()))
        return stack.provider


class ProviderCase(TestCase):
    """
    A server's storage, started.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        self.stack = Stack(self.mktemp())
        self.provider = self.stack.provider
        self.storage = self.stack.storages[0]
        await self.stack.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.stack.stop()))

    def path(self, name: str) -> str:
        return join(self.storage.path, name)

    async def begun(self, path: str = "a.git") -> tuple[FilesystemRepository, FilesystemStaging, RefUpdate]:
        """
        A new repository, and a write to it that is prepared.
        """
        repository = await self.provider.create(named(path))
        assert isinstance(repository, FilesystemRepository)
        staging = await repository.stage()
        assert isinstance(staging, FilesystemStaging)
        await staging.write_object(b"tree", b"")
        oid = await staging.write_object(b"commit", commit_data(1))
        return repository, staging, RefUpdate(MAIN, ZERO, oid)

    def held(self, path: str = "a.git") -> Deferred[None]:
        """
        Keep a partition's line from moving until this is fired.
        """
        free: Deferred[None] = Deferred()
        self.stack.queue.submit(Partition("default", path), lambda: free)
        return free

    async def refusal(self, asked: Any) -> tuple[Code, str]:
        error = await self.assertFailure(begin(asked), GitalyError)
        return error.code, error.message

    def littered(self) -> list[str]:
        """
        What is left in the areas where writes are prepared.
        """
        areas = ("staging", "intents", "wal/pending")
        return [name for area in areas for name in os.listdir(self.path(f"+gitaly/{area}"))]

    async def until(self, condition: Any) -> None:
        while not condition():
            await deferLater(reactor, 0)


class FoundTests(ProviderCase):
    """
    Repositories that others made.
    """

    async def test_git_agrees(self):
        """
        What is made here is a bare repository to git, and what is written here git can read.
        """
        repository, staging, update = await self.begun("team/a.git")
        await repository.commit([update], staging=staging)
        path = self.path("team/a.git")
        self.assertEqual(git("-C", path, "rev-parse", "--is-bare-repository", "main").split(), [b"true", update.new])
        git("-C", path, "fsck", "--strict", "--full")
        self.assertEqual(self.littered(), [])
        self.assertEqual(self.stack.alive, 0)

    async def test_found_where_they_lie(self):
        """
        A repository that git made is served where it lies, in any layout and format.
        """
        make_repository(self.path("x/plain"), commits=1)
        git("init", "--quiet", self.path("work"))
        make_repository(self.path("s256.git"), object_format="sha256")
        for name, object_format in [("x/plain", "sha1"), ("work/.git", "sha1"), ("s256.git", "sha256")]:
            self.assertTrue(await self.provider.exists(named(name)))
            repository = await self.provider.repository(named(name))
            self.assertEqual(repository.object_format.value, object_format)
            self.assertEqual(repository.directory.path, self.path(name))
        self.assertEqual(await self.provider.resolve("work"), (named("work/.git"), True))

    async def test_not_valid(self):
        """
        A directory that is no repository exists not, but is told from nothing at all.
        """
        os.mkdir(self.path("d"))
        self.assertFalse(await self.provider.exists(named("d")))
        expected = (Code.FAILED_PRECONDITION, 'repository not valid: "objects" does not exist')
        self.assertEqual(await self.refusal(self.provider.repository(named("d"))), expected)
        expected = (Code.ALREADY_EXISTS, "creating repository: repository exists already")
        self.assertEqual(await self.refusal(self.provider.create(named("d"))), expected)
        with open(self.path("locked.git.lock"), "w"):
            pass
        expected = (Code.INTERNAL, "creating repository: locking repository: file already locked")
        self.assertEqual(await self.refusal(self.provider.create(named("locked.git"))), expected)
        self.assertEqual(await self.provider.resolve("d"), (named("d.git"), False))
        with open(self.path("f"), "w"):
            pass
        self.assertEqual(await self.provider.resolve("f"), (named("f.git"), False))

    async def test_broken_config(self):
        """
        A repository with a config that git refuses can be opened, and whoever needs its object format is told.
        """
        make_bare(self.storage, "a.git")
        with open(self.path("a.git/config"), "w") as file:
            file.write("[core]\nrepositoryformatversion = 1\n[extensions]\nobjectFormat = blake2b\n")
        self.assertTrue(await self.provider.exists(named("a.git")))
        repository = await self.provider.repository(named("a.git"))
        with self.assertRaises(UnusableConfig):
            repository.object_format  # noqa: B018

    async def test_escape(self):
        """
        A link that leads out of the storage is refused whatever is asked (fault 27).
        """
        outside = make_repository(os.path.abspath(self.mktemp())).path
        os.symlink(outside, self.path("l.git"))
        os.symlink(os.path.dirname(outside), self.path("up"))
        expected = (Code.INVALID_ARGUMENT, "relative path escapes root directory")
        for name in ("l.git", f"up/{os.path.basename(outside)}"):
            for ask in (self.provider.repository, self.provider.exists, self.provider.create, self.provider.remove):
                self.assertEqual(await self.refusal(ask(named(name))), expected)
        self.assertEqual(await self.refusal(self.provider.resolve("l")), expected)
        self.assertTrue(os.path.exists(join(outside, "HEAD")))

    async def test_one_place_for_two_names(self):
        """
        A repository with two names has one place in the queue, so its writes cannot overtake each other.
        """
        await self.provider.create(named("team/a.git"))
        os.symlink("team", self.path("crew"))
        repository = await self.provider.repository(named("crew/a.git"))
        self.assertEqual(repository.partition, Partition("default", "team/a.git"))
        made = await self.provider.create(named("crew/b.git"))
        self.assertEqual(made.partition, Partition("default", "team/b.git"))
        await self.provider.remove(named("crew/a.git"))
        self.assertEqual(os.listdir(self.path("team")), ["b.git"])

    async def test_quarantine_by_name(self):
        """
        Who names a repository's quarantine sees the objects in it; another repository's is refused (fault 30).
        """
        repository, staging, update = await self.begun()
        await self.provider.create(named("b.git"))
        relative = os.path.relpath(staging.directory.object_directory or "", self.path("a.git"))
        more = {"git_object_directory": relative, "git_alternate_object_directories": ["objects"]}
        seen = await self.provider.repository(named("a.git", **more))
        self.assertEqual(seen.directory, staging.directory)
        self.assertEqual((await seen.object(update.new)).data, commit_data(1))
        self.assertEqual(await repository.object_info([update.new]), [None])
        refused = await self.refusal(self.provider.repository(named("b.git", **more)))
        expected = "not a valid relative path: relative path escapes root directory"
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, expected))
        await staging.discard()


class CreationTests(ProviderCase):
    """
    Repositories that are made at the same time, or in strange places.
    """

    async def test_nested_at_once(self):
        """
        A repository and one inside of it, asked for at the same time, do not both come into being (fault 25).
        """
        for number in range(10):
            names = [f"{number}", f"{number}/x/b.git"]
            asked: list[Deferred[Any]] = [begin(self.provider.create(named(name))) for name in names]
            results = await DeferredList(asked, consumeErrors=True)
            self.assertEqual(sorted(success for success, _ in results), [False, True])
            there = [name for name in names if await self.provider.exists(named(name))]
            self.assertEqual(len(there), 1)

    async def test_parent_removed_at_once(self):
        """
        A directory that is removed takes no repository with it that is made in it at the same time.
        """
        for number in range(10):
            os.mkdir(self.path(f"d{number}"))
            creating: Deferred[Any] = begin(self.provider.create(named(f"d{number}/a.git")))
            removing: Deferred[Any] = begin(self.provider.remove(named(f"d{number}")))
            (created, _), _ = await DeferredList([creating, removing], consumeErrors=True)
            self.assertEqual(await self.provider.exists(named(f"d{number}/a.git")), created)

    async def test_place_changed(self):
        """
        If a directory on the way becomes a link while the creation waits, nothing is made.
        """
        os.mkdir(self.path("team"))
        os.mkdir(self.path("other"))
        free = self.held("team/a.git")
        creating = begin(self.provider.create(named("team/a.git")))
        await self.until(lambda: self.stack.queue.backlog)
        os.rmdir(self.path("team"))
        os.symlink("other", self.path("team"))
        free.callback(None)
        refused = await self.refusal(creating)
        self.assertEqual(refused, (Code.NOT_FOUND, "creating repository: repository does not exist"))
        self.assertEqual(os.listdir(self.path("other")), [])

    async def test_made_meanwhile(self):
        """
        If somebody else makes something there while the creation waits, it says so.
        """
        free = self.held()
        creating = begin(self.provider.create(named("a.git")))
        await self.until(lambda: self.stack.queue.backlog)
        os.mkdir(self.path("a.git"))
        free.callback(None)
        expected = (Code.ALREADY_EXISTS, "creating repository: repository exists already")
        self.assertEqual(await self.refusal(creating), expected)

    async def test_by_git(self):
        """
        git may do as it likes in what is prepared; the repository that is made of it has its objects and refs, and is plain.
        """
        source = make_repository(os.path.abspath(self.mktemp()), 3)
        git("-C", source.path, "tag", "-m", "x", "v1", "main")
        staging = await self.provider.prepare(named("a.git"))
        git("-C", staging.directory.path, "fetch", "--quiet", source.path, "+refs/*:refs/*")
        config = FileChange("config", b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n[x]\n\ty = z\n")
        repository = await self.provider.create(named("a.git"), staging=staging, files=[config])
        path = self.path("a.git")
        for _ in range(2):
            self.assertEqual(git("-C", path, "show-ref", "--dereference"), git("-C", source.path, "show-ref", "--dereference"))
            self.assertEqual(git("-C", path, "config", "x.y"), b"z\n")
            git("-C", path, "fsck", "--strict", "--full")
            git("-C", path, "pack-refs", "--all")
        self.assertEqual(sorted(os.listdir(path)), ["HEAD", "config", "objects", "packed-refs", "refs"])
        self.assertEqual(await repository.head(), MAIN)
        self.assertEqual(self.littered(), [])
        self.assertEqual(self.stack.alive, 0)

    async def test_without_a_copy(self):
        """
        A repository that borrows its objects can be made of refs and the place to borrow from.
        """
        make_repository(self.path("pool.git"), 2)
        refs = {ref.name: ref.target for ref in await (await self.provider.repository(named("pool.git"))).refs()}
        alternates = FileChange("objects/info/alternates", b"../../pool.git/objects")
        await self.provider.create(named("a.git"), refs=refs, files=[alternates])
        git("-C", self.path("a.git"), "rev-list", "--objects", "--quiet", "--all")
        self.assertEqual(git("-C", self.path("a.git"), "count-objects", "-v").split()[1], b"0")

    async def test_of_two_with_content(self):
        """
        Of two who make a repository with content at once, one does, and nothing is left of the other but what it still holds.
        """
        stagings = [await self.provider.prepare(named("a.git")) for _ in range(2)]
        oids = []
        for number, staging in enumerate(stagings):
            await staging.write_object(b"tree", b"")
            oids.append(await staging.write_object(b"commit", commit_data(number)))
        asked: list[Deferred[Any]] = [
            begin(self.provider.create(named("a.git"), staging=staging, refs={MAIN: oid}))
            for staging, oid in zip(stagings, oids, strict=True)
        ]
        results = await DeferredList(asked, consumeErrors=True)
        self.assertEqual(sorted(success for success, _ in results), [False, True])
        (winner,) = [number for number, (success, _) in enumerate(results) if success]
        repository = await self.provider.repository(named("a.git"))
        self.assertEqual(await repository.refs(), [Reference(MAIN, oids[winner])])
        self.assertEqual(await repository.object_info([oids[1 - winner]]), [None])
        self.assertEqual(self.stack.alive, 1)
        await stagings[1 - winner].discard()
        self.assertEqual(self.littered(), [])

    async def test_stopped(self):
        """
        A server that is going down makes no repositories, and says so.
        """
        await self.stack.queue.stop()
        expected = (Code.UNAVAILABLE, "creating repository: server is shutting down")
        self.assertEqual(await self.refusal(self.provider.create(named("a.git"))), expected)

    async def test_strange_names(self):
        """
        Names that look like options, break lines or are long and deep are names (faults 26, 34).
        """
        for name in ("-x.git", "a\nb.git", "\u202eabc.git", "caf\u00e9.git", "cafe\u0301.git", "y" * 255, "/".join("z" * 100)):
            await self.provider.create(named(name))
            self.assertTrue(await self.provider.exists(named(name)))
            await self.provider.remove(named(name))

    async def test_storage_missing(self):
        """
        A storage that is not there is told from a repository that is not.
        """
        moved = self.storage.path + ".moved"
        os.rename(self.storage.path, moved)
        expected = (Code.NOT_FOUND, "storage does not exist")
        try:
            for ask in (self.provider.repository, self.provider.exists, self.provider.create, self.provider.remove):
                self.assertEqual(await self.refusal(ask(named("a.git"))), expected)
        finally:
            os.rename(moved, self.storage.path)


class RetractionTests(ProviderCase):
    """
    Repositories that were made for nothing.
    """

    async def test_prepared(self) -> None:
        """
        One into which something is about to be written stays.
        """
        made = await self.provider.create(named("a.git"))
        staging = await made.stage()
        self.assertFalse(await self.provider.retract(made))
        await staging.discard()
        self.assertTrue(await self.provider.retract(made))
        self.assertFalse(os.path.exists(self.path("a.git")))

    async def test_somebody_elses(self) -> None:
        """
        A repository that another program has put in its place is not taken away.
        """
        made = await self.provider.create(named("a.git"))
        os.rename(self.path("a.git"), self.path("b.git"))
        make_bare(self.storage, "a.git")
        with self.assertRaises(GitalyError) as caught:
            await self.provider.retract(made)
        self.assertEqual(caught.exception.code, Code.NOT_FOUND)
        self.assertTrue(os.path.exists(self.path("a.git")))


class RemovalTests(ProviderCase):
    """
    What removal leaves, and what it meets.
    """

    async def test_nothing_left(self):
        """
        A removed repository leaves nothing but the directories above it.
        """
        repository, staging, update = await self.begun("team/a.git")
        await repository.commit([update], staging=staging)
        await self.provider.remove(named("team/a.git"))
        self.assertEqual(os.listdir(self.path("team")), [])
        self.assertEqual(self.littered(), [])

    async def test_plain_directory(self):
        """
        A directory that is no repository can be removed, as long as there is none in it.
        """
        os.makedirs(self.path("d/empty"))
        await self.provider.remove(named("d"))
        self.assertFalse(os.path.exists(self.path("d")))
        await self.provider.create(named("team/a.git"))
        expected = (Code.FAILED_PRECONDITION, "directory contains repositories")
        self.assertEqual(await self.refusal(self.provider.remove(named("team"))), expected)

    async def test_while_write_waits(self):
        """
        A write that waits behind a removal is told NOT_FOUND, and the directory does not come back (fault L5).
        """
        repository, staging, update = await self.begun()
        free = self.held()
        removing = begin(self.provider.remove(named("a.git")))
        await self.until(lambda: self.stack.queue.backlog == 1)
        committing = begin(repository.commit([update], staging=staging))
        maintaining = begin(repository.maintain(self.not_reached))
        self.assertEqual(self.stack.queue.backlog, 3)
        free.callback(None)
        await removing
        for asked in (committing, maintaining):
            self.assertEqual(await self.refusal(asked), (Code.NOT_FOUND, "repository does not exist"))
        self.assertFalse(os.path.exists(self.path("a.git")))
        self.assertEqual(self.stack.alive, 1)
        await staging.discard()
        self.assertEqual((self.stack.alive, self.littered()), (0, []))

    async def not_reached(self) -> None:
        raise AssertionError("ran all the same")

    async def test_removed_while_removal_waits(self):
        """
        Of two removals one succeeds.
        """
        await self.provider.create(named("a.git"))
        asked: list[Deferred[Any]] = [begin(self.provider.remove(named("a.git"))) for _ in range(3)]
        results = await DeferredList(asked, consumeErrors=True)
        failures = [result.value for success, result in results if not success]
        self.assertEqual([(error.code, error.message) for error in failures], [(Code.NOT_FOUND, "repository does not exist")] * 2)

    async def test_link_swapped_in(self):
        """
        If the repository's directory above becomes a link while its removal waits, nothing is removed (fault S21).
        """
        await self.provider.create(named("team/a.git"))
        await self.provider.create(named("other/a.git"))
        free = self.held("team/a.git")
        removing = begin(self.provider.remove(named("team/a.git")))
        await self.until(lambda: self.stack.queue.backlog)
        os.rename(self.path("team"), self.path("moved"))
        os.symlink("other", self.path("team"))
        free.callback(None)
        self.assertEqual(await self.refusal(removing), (Code.NOT_FOUND, "repository does not exist"))
        self.assertTrue(await self.provider.exists(named("other/a.git")))


class WriteTests(ProviderCase):
    """
    Writes that are given up, and writes that meet another repository than they were meant for.
    """

    async def test_given_up_before_its_turn(self):
        """
        A write that is given up while it waits is not made.
        """
        repository, staging, update = await self.begun()
        free = self.held()
        committing = begin(repository.commit([update], staging=staging))
        committing.cancel()
        await self.assertFailure(committing, CancelledError)
        free.callback(None)
        await staging.discard()
        self.assertEqual(await repository.refs(), [])
        self.assertEqual((self.stack.alive, self.littered()), (0, []))

    async def test_given_up_in_its_turn(self):
        """
        A write that is given up after its turn has come is made all the same, and discarding the staging directory meanwhile
        waits for it.
        """
        repository, staging, update = await self.begun()
        going_on: Deferred[bytes | None] = Deferred()
        reached: Deferred[None] = Deferred()

        def admitted() -> Deferred[bytes | None]:
            reached.callback(None)
            return going_on

        committing = begin(repository.commit([update], staging=staging, admitted=admitted))
        await reached
        committing.cancel()
        await self.assertFailure(committing, CancelledError)
        discarding = staging.discard()
        going_on.callback(None)
        await discarding
        self.assertEqual(await repository.refs(), [Reference(MAIN, update.new)])
        self.assertEqual((self.stack.alive, self.littered()), (0, []))

    async def test_replaced(self):
        """
        A write to a repository that an operator has replaced meanwhile is refused (fault L6).
        """
        repository, staging, update = await self.begun()
        os.rename(self.path("a.git"), self.path("old.git"))
        make_repository(self.path("a.git"))
        refused = await self.refusal(repository.commit([update], staging=staging))
        self.assertEqual(refused, (Code.NOT_FOUND, "repository does not exist"))
        await staging.discard()

    async def test_link_swapped_in(self):
        """
        A write to a repository whose objects have become a link out of the storage is refused (fault S21).
        """
        repository, staging, update = await self.begun()
        outside = os.path.abspath(self.mktemp())
        os.rename(self.path("a.git/objects"), outside)
        os.symlink(outside, self.path("a.git/objects"))
        refused = await self.refusal(repository.commit([update], staging=staging))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "relative path escapes root directory"))
        await staging.discard()
        self.assertEqual(sorted(os.listdir(outside)), ["info", "pack"])

    async def test_used_up(self):
        """
        A staging directory serves one write.
        """
        repository, staging, update = await self.begun()
        await repository.commit([update], staging=staging)
        refused = await self.refusal(repository.commit(head=b"refs/heads/x", staging=staging))
        self.assertEqual(refused, (Code.NOT_FOUND, "repository does not exist"))

    async def test_foreign_staging(self):
        """
        A staging directory of another provider is a mistake.
        """
        repository, staging, _ = await self.begun()
        await staging.discard()
        memory = MemoryStorageProvider([self.storage])
        foreign: IRepository = await memory.create(Repository(storage_name="default", relative_path="a.git"))
        strange = await foreign.stage()
        await self.assertFailure(begin(repository.commit(staging=strange)), TypeError)
        await self.assertFailure(begin(foreign.commit(staging=staging)), TypeError)

    async def test_survives_restart(self):
        """
        What was written is there after a restart.
        """
        repository, staging, update = await self.begun()
        await repository.commit([update], staging=staging, head=b"refs/heads/next")
        await self.provider.create(named("b.git"))
        await self.provider.remove(named("b.git"))
        await self.stack.stop()
        again = Stack(os.path.dirname(self.storage.path))
        await again.start()
        try:
            found = await again.provider.repository(named("a.git"))
            self.assertEqual(await found.refs(), [Reference(MAIN, ObjectID(update.new))])
            self.assertEqual(await found.head(), b"refs/heads/next")
            self.assertFalse(await again.provider.exists(named("b.git")))
        finally:
            await again.stop()
            self.stack = again
            self._cleanups.clear()


class LineTests(ProviderCase):
    """
    Who stands in which line of the write queue.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await ProviderCase.setUp(self)
        for name in ("m1.git", "m2.git", "pool.git"):
            await self.provider.create(named(name))

    def link(self, name: str, pool: str = "pool.git") -> None:
        with open(self.path(f"{name}/objects/info/alternates"), "w") as file:
            file.write(f"../../{pool}/objects\n")

    async def test_pool(self):
        """
        A pool's members wait for it and for each other; repositories that are not linked wait for nobody.
        """
        self.link("m1.git")
        member, other = [await self.provider.repository(named(name)) for name in ("m1.git", "m2.git")]
        free = self.held("pool.git")
        waiting = begin(member.commit(head=b"refs/heads/x"))
        await other.commit(head=b"refs/heads/x")
        await self.until(lambda: self.stack.queue.backlog == 1)
        self.assertFalse(waiting.called)
        removing = begin(self.provider.remove(named("m1.git")))
        await self.until(lambda: self.stack.queue.backlog == 2)
        free.callback(None)
        await waiting
        await removing

    async def test_linked_meanwhile(self):
        """
        A write that waits in a line that is not its repository's any more starts again in the right one.
        """
        member = await self.provider.repository(named("m1.git"))
        for line, other, change in (
            ("m1.git", "pool.git", lambda: self.link("m1.git")),
            ("pool.git", "m1.git", lambda: os.unlink(self.path("m1.git/objects/info/alternates"))),
        ):
            member = await self.provider.repository(named("m1.git"))
            free, then = self.held(line), self.held(other)
            ran: list[int] = []

            async def job(ran: list[int] = ran) -> None:
                ran.append(1)

            waiting = begin(member.maintain(job))
            change()
            free.callback(None)
            await self.until(lambda: self.stack.queue.backlog == 1)
            self.assertEqual(ran, [])
            then.callback(None)
            await waiting
            self.assertEqual(ran, [1])

    async def test_several(self):
        """
        Who needs several lines has them all at once, whatever the order in which others need them.
        """
        repositories = [await self.provider.repository(named(name)) for name in ("m1.git", "m2.git", "pool.git")]
        inside: list[int] = []

        async def job(turn: ITurn) -> None:
            inside.append(1)
            self.assertEqual(len(inside), 1)
            await deferLater(reactor, 0)
            inside.pop()

        asked = []
        for first in range(3):
            for second in range(3):
                asked.append(begin(repositories[first].turn(job, [repositories[second], repositories[2]])))
        await DeferredList(asked, fireOnOneErrback=True)

    async def test_lines(self):
        """
        The line is that of the last lender; what is not in the storage lends no line, and a circle is left at some point.
        """
        link = self.path("m2.git/objects/info/alternates")
        self.link("m1.git", "m2.git")
        self.link("m2.git")
        for name in ("m1.git", "m2.git", "pool.git"):
            self.assertEqual(line_of(Place(self.storage, name)), Partition("default", "pool.git"))
        for outside in ("/outside/objects", "../../+gitaly/staging/x/objects", "../../objects", "../..", "# nothing"):
            with open(link, "w") as file:
                file.write(outside)
            self.assertEqual(line_of(Place(self.storage, "m1.git")), Partition("default", "m2.git"), outside)
        self.link("m2.git", "m1.git")
        self.assertIn(line_of(Place(self.storage, "m1.git")).path, ("m1.git", "m2.git"))

    async def test_foreign(self):
        """
        A repository of another provider has no turn here.
        """
        member = await self.provider.repository(named("m1.git"))
        memory = MemoryStorageProvider([self.storage])
        foreign = await memory.create(named("a.git"))

        async def job(turn: ITurn) -> None:
            raise AssertionError("ran all the same")

        await self.assertFailure(begin(member.turn(job, [foreign])), TypeError)

    async def test_pruned(self):
        """
        After a pruning nothing is accepted that was prepared before and may refer to what is gone; deletions are, and what is
        prepared afterwards.
        """
        repository, staging, update = await self.begun()
        await repository.commit([update], staging=staging)
        held = await repository.stage()
        other = await repository.stage()

        async def job(turn: ITurn) -> None:
            self.assertFalse(turn.quiet(other))
            await held.discard()
            self.assertTrue(turn.quiet(other))
            turn.pruned()

        await repository.turn(job)
        expected = (Code.ABORTED, "objects were pruned meanwhile, try again")
        branch = RefUpdate(b"refs/heads/x", ZERO, update.new)
        self.assertEqual(await self.refusal(repository.commit([branch])), expected)
        self.assertEqual(await self.refusal(repository.commit([branch], staging=other)), expected)
        await other.discard()
        outcome = await repository.commit([RefUpdate(MAIN, update.new, ZERO)], head=b"refs/heads/x")
        self.assertEqual(outcome.refused, {})
        again = await self.provider.repository(named("a.git"))
        later: list[tuple[IRepository, IStaging | None]] = [(again, None), (repository, await repository.stage())]
        for writer, prepared in later:
            outcome = await writer.commit([RefUpdate(b"refs/heads/x", None, update.new)], staging=prepared)
            self.assertEqual(outcome.refused, {})
