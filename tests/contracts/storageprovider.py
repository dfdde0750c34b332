"""
What every storage provider promises, whatever it keeps repositories in.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.errors import ObjectNotFound, ObjectTooLarge
from gitaly_tx.git.interfaces import ObjectInfo, Reference, RefUpdate, Refusal
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.storage.interfaces import IRepository, IStaging, IStorageProvider, ITurn
from gitaly_tx.wal.interfaces import FileChange, Partition
from protocols.gitaly.shared_pb2 import Repository
from tests.support.awaiting import begin

MAIN = b"refs/heads/main"
ZERO = ObjectFormat.SHA1.zero
EMPTY_TREE = b"4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def named(path: str, **more: Any) -> Repository:
    """
    A repository in the storage ``default``.
    """
    return Repository(storage_name="default", relative_path=path, **more)


def commit_data(number: int) -> bytes:
    """
    The content of a commit.
    """
    return b"tree %s\nauthor A <a> %d +0000\ncommitter C <c> %d +0000\n\nm\n" % (EMPTY_TREE, number, number)


class StorageProviderContract(TestCase):
    """
    Subclasses make providers with the two empty storages ``default`` and ``other``, in this order.
    """

    provider: IStorageProvider

    async def make_provider(self) -> IStorageProvider:
        raise NotImplementedError

    async def setUp(self) -> None:  # type: ignore[override]
        self.provider = await self.make_provider()

    async def refusal(self, asked: Awaitable[object]) -> tuple[Code, str]:
        """
        How something is refused.
        """
        try:
            found = await asked
        except GitalyError as error:
            return error.code, error.message
        raise AssertionError(f"not refused: {found!r}")

    async def with_commit(self, path: str = "a.git") -> tuple[IRepository, ObjectID]:
        """
        A new repository with one commit on main.
        """
        repository = await self.provider.create(named(path))
        staging = await repository.stage()
        await staging.write_object(b"tree", b"")
        oid = await staging.write_object(b"commit", commit_data(1))
        outcome = await repository.commit([RefUpdate(MAIN, ZERO, oid)], staging=staging)
        self.assertEqual(outcome.refused, {})
        return repository, oid

    async def second(self, repository: IRepository) -> tuple[IStaging, ObjectID]:
        """
        A staging directory with another commit.
        """
        staging = await repository.stage()
        return staging, await staging.write_object(b"commit", commit_data(2))

    async def test_interfaces(self):
        """
        Providers, repositories and staging directories provide their interfaces.
        """
        verifyObject(IStorageProvider, self.provider)
        repository = await self.provider.create(named("a.git"))
        verifyObject(IRepository, repository)
        staging = await repository.stage()
        verifyObject(IStaging, staging)
        await staging.discard()

    async def test_held(self):
        """
        A write may hold its objects in memory: shown or not, committed they are there for everybody.
        """
        for path, shown, size in (("a.git", False, 3), ("b.git", True, 3), ("c.git", False, 2 << 20)):
            repository = await self.provider.create(named(path))
            staging = await repository.stage(held=True)
            tree = await staging.write_object(b"tree", b"")
            blob = staging.write_blocking(b"blob", size, [b"x" * size])
            oid = await staging.write_object(b"commit", commit_data(1))
            if shown:
                for _ in range(2):
                    await staging.show()
                seen = await repository.through(staging).object_info([blob, tree, oid])
                self.assertEqual([info and info.type for info in seen], [b"blob", b"tree", b"commit"])
            self.assertEqual(await repository.object_info([blob]), [None])
            outcome = await repository.commit([RefUpdate(MAIN, ZERO, oid)], staging=staging)
            self.assertEqual(outcome.refused, {})
            self.assertEqual((await repository.object(blob)).data, b"x" * size)
            self.assertEqual((await repository.object(oid)).data, commit_data(1))

    async def test_held_and_discarded(self):
        """
        What was held and is not wanted is gone.
        """
        repository = await self.provider.create(named("a.git"))
        for shown in (False, True):
            staging = await repository.stage(held=True)
            oid = await staging.write_object(b"blob", b"x")
            if shown:
                await staging.show()
            await staging.discard()
            await staging.discard()
            self.assertEqual(await repository.object_info([oid]), [None])

    async def test_storages(self):
        """
        Storages are in the order of the configuration.
        """
        self.assertEqual(list(self.provider.storages), ["default", "other"])

    async def test_bad_names(self):
        """
        A name that cannot name a repository is refused in the same words whatever is asked (faults 14 to 24).
        """
        for message, text in [
            (None, "repository not set"),
            (Repository(), "repository not set"),
            (Repository(storage_name="default"), "repository path not set"),
            (Repository(relative_path="a.git"), "storage name not set"),
            (Repository(storage_name="nope", relative_path="a.git"), "storage name not found"),
            (named("../x.git"), "relative path escapes root directory"),
            (named("a/../../x.git"), "relative path escapes root directory"),
            (named("a\0b.git"), "repository path contains a NUL byte"),
            (named("x" * 300), "repository path too long"),
            (named("+gitaly/state/x.git"), "repository path is reserved"),
        ]:
            provider = self.provider
            for asked in (provider.repository, provider.exists, provider.create, provider.prepare, provider.remove):
                self.assertEqual(await self.refusal(asked(message)), (Code.INVALID_ARGUMENT, text))

    async def test_root(self):
        """
        The storage itself exists not, and is not made or removed (fault 21).
        """
        expected = (Code.INVALID_ARGUMENT, "repository path is the storage itself")
        self.assertFalse(await self.provider.exists(named(".")))
        self.assertEqual(await self.refusal(self.provider.create(named("."))), expected)
        self.assertEqual(await self.refusal(self.provider.remove(named("a/.."))), expected)

    async def test_missing(self):
        """
        A repository that is not there is not found.
        """
        self.assertFalse(await self.provider.exists(named("a.git")))
        expected = (Code.NOT_FOUND, "repository not found")
        self.assertEqual(await self.refusal(self.provider.repository(named("a.git"))), expected)
        expected = (Code.NOT_FOUND, "repository does not exist")
        self.assertEqual(await self.refusal(self.provider.remove(named("a.git"))), expected)

    async def test_create(self):
        """
        A new repository is there, empty, and HEAD is a name for the default branch.
        """
        made = await self.provider.create(named("team/a.git"))
        self.assertTrue(await self.provider.exists(named("team/a.git")))
        for repository in (made, await self.provider.repository(named("/team/./a.git"))):
            self.assertEqual(repository.partition, Partition("default", "team/a.git"))
            self.assertEqual(repository.object_format, ObjectFormat.SHA1)
            self.assertEqual(await repository.head(), MAIN)
            self.assertIsNone(await repository.ref(b"HEAD"))
            self.assertEqual(await repository.refs(), [])
        self.assertFalse(await self.provider.exists(Repository(storage_name="other", relative_path="team/a.git")))

    async def test_create_otherwise(self):
        """
        Object format and default branch are the caller's choice.
        """
        await self.provider.create(named("a.git"), object_format=ObjectFormat.SHA256, default_branch=b"refs/heads/trunk")
        repository = await self.provider.repository(named("a.git"))
        self.assertEqual(repository.object_format, ObjectFormat.SHA256)
        self.assertEqual(await repository.head(), b"refs/heads/trunk")
        staging = await repository.stage()
        oid = await staging.write_object(b"blob", b"hi\n")
        self.assertEqual(staging.write_blocking(b"blob", 3, [b"h", b"i\n"]), oid)
        self.assertEqual(oid.format, ObjectFormat.SHA256)
        await staging.discard()

    async def prepared(self, path: str) -> tuple[IStaging, ObjectID]:
        """
        What a repository with one commit is to be made of.
        """
        staging = await self.provider.prepare(named(path))
        verifyObject(IStaging, staging)
        await staging.write_object(b"tree", b"")
        return staging, await staging.write_object(b"commit", commit_data(1))

    async def test_create_with_content(self):
        """
        A repository can be made with objects, refs and files; nothing is to be seen of it before.
        """
        staging, oid = await self.prepared("team/a.git")
        self.assertFalse(await self.provider.exists(named("team/a.git")))
        refs = {b"refs/tags/v1": oid, MAIN: oid, b"refs/heads/a/b": oid}
        hook = FileChange("custom_hooks/update", b"#!/bin/sh\n", 0o755)
        made = await self.provider.create(
            named("team/a.git"), staging=staging, refs=refs, files=[hook], default_branch=b"refs/heads/a/b"
        )
        for repository in (made, await self.provider.repository(named("team/a.git"))):
            self.assertEqual(await repository.refs(), [Reference(name, refs[name]) for name in sorted(refs)])
            self.assertEqual(await repository.head(), b"refs/heads/a/b")
            self.assertEqual((await repository.object(oid)).data, commit_data(1))
        outcome = await made.commit([RefUpdate(MAIN, oid, ZERO), RefUpdate(b"refs/heads/a/b", oid, oid)])
        self.assertEqual(outcome.refused, {})
        self.assertEqual([reference.name for reference in await made.refs()], [b"refs/heads/a/b", b"refs/tags/v1"])
        await staging.discard()

    async def test_create_with_impossible_refs(self):
        """
        Refs that cannot be, alone or together, are refused, and nothing is made; the staging directory can still be used.
        """
        staging, oid = await self.prepared("a.git")
        conflict = {b"refs/heads/a": oid, b"refs/heads/a/b": oid}
        other = ObjectFormat.SHA256.zero
        for refs in ({b"refs/heads/..": oid}, conflict, {MAIN: other}, {b"refs/heads": oid}, {MAIN: ZERO}):
            code, _ = await self.refusal(self.provider.create(named("a.git"), staging=staging, refs=refs))
            self.assertEqual(code, Code.INVALID_ARGUMENT, refs)
        self.assertFalse(await self.provider.exists(named("a.git")))
        repository = await self.provider.create(named("a.git"), staging=staging, refs={MAIN: oid})
        self.assertEqual(await repository.refs(), [Reference(MAIN, oid)])

    async def test_prepare_refused(self):
        """
        Nothing is prepared for a place where there is something, and only what was prepared can be used.
        """
        await self.with_commit()
        expected = (Code.ALREADY_EXISTS, "creating repository: repository exists already")
        self.assertEqual(await self.refusal(self.provider.prepare(named("a.git"))), expected)
        staging = await self.provider.prepare(named("b.git"), object_format=ObjectFormat.SHA256)
        self.assertEqual((await staging.write_object(b"blob", b"")).format, ObjectFormat.SHA256)
        await self.assertFailure(begin(self.provider.create(named("b.git"), staging=staging)), TypeError)
        await staging.discard()
        await staging.discard()

    async def test_prepare_replacing(self):
        """
        A repository that is to take the place of another one is prepared while that is there; it gets the place once it is free.
        """
        await self.with_commit()
        staging = await self.provider.prepare(named("a.git"), replacing=True)
        self.assertEqual(len(await (await self.provider.repository(named("a.git"))).refs()), 1)
        expected = (Code.ALREADY_EXISTS, "creating repository: repository exists already")
        self.assertEqual(await self.refusal(self.provider.create(named("a.git"), staging=staging)), expected)
        await self.provider.remove(named("a.git"))
        repository = await self.provider.create(named("a.git"), staging=staging)
        self.assertEqual(await repository.refs(), [])
        for bad in ("", "../x", "+gitaly/x"):
            code, _ = await self.refusal(self.provider.prepare(named(bad), replacing=True))
            self.assertEqual(code, Code.INVALID_ARGUMENT)

    async def test_create_bad_branch(self):
        """
        A branch that git refuses is told as Gitaly tells it, quoted, and nothing is made.
        """
        made = self.provider.create(named("a.git"), default_branch=b'refs/heads/./"\xff\n.lock')
        text = (
            "creating repository: creating repository: exit status 128, "
            'stderr: "fatal: invalid initial branch name: \'./\\"\\xff\\n.lock\'\\n"'
        )
        self.assertEqual(await self.refusal(made), (Code.INTERNAL, text))
        self.assertFalse(await self.provider.exists(named("a.git")))

    async def test_create_twice(self):
        """
        What exists cannot be made, and neither can a directory of repositories become one (fault 32).
        """
        await self.provider.create(named("team/a.git"))
        expected = (Code.ALREADY_EXISTS, "creating repository: repository exists already")
        for path in ("team/a.git", "team", "team/b/../a.git"):
            self.assertEqual(await self.refusal(self.provider.create(named(path))), expected)

    async def test_create_twice_at_once(self):
        """
        Of several who create a repository at once, exactly one does.
        """
        asked: list[Deferred[Any]] = [begin(self.provider.create(named("a.git"))) for _ in range(5)]
        results = await DeferredList(asked, consumeErrors=True)
        failures = [result for success, result in results if not success]
        self.assertEqual(len(failures), 4)
        for failure in failures:
            self.assertEqual(failure.value.code, Code.ALREADY_EXISTS)
            self.assertEqual(failure.value.message, "creating repository: repository exists already")
        self.assertTrue(await self.provider.exists(named("a.git")))

    async def test_create_nested(self):
        """
        Nothing is made inside of a repository (fault 25).
        """
        await self.provider.create(named("r.git"))
        expected = (Code.INVALID_ARGUMENT, "repository path is inside another repository")
        for path in ("r.git/objects/x.git", "r.git/hooks"):
            self.assertEqual(await self.refusal(self.provider.create(named(path))), expected)

    async def test_remove(self):
        """
        A removed repository is gone, and one that is made at its path afterwards is empty.
        """
        await self.with_commit()
        await self.provider.remove(named("a.git"))
        self.assertFalse(await self.provider.exists(named("a.git")))
        expected = (Code.NOT_FOUND, "repository does not exist")
        self.assertEqual(await self.refusal(self.provider.remove(named("a.git"))), expected)
        again = await self.provider.create(named("a.git"))
        self.assertEqual(await again.refs(), [])

    async def test_retract(self):
        """
        What was made for nothing is taken back, and can be made again.
        """
        made = await self.provider.create(named("a.git"))
        self.assertTrue(await self.provider.retract(made))
        self.assertFalse(await self.provider.exists(named("a.git")))
        self.assertFalse(await self.provider.retract(made))
        again = await self.provider.create(named("a.git"))
        self.assertFalse(await self.provider.retract(made))
        self.assertEqual(await again.refs(), [])

    async def test_retract_what_is_used(self):
        """
        What has refs stays, and so does what somebody else has opened.
        """
        repository, _ = await self.with_commit()
        self.assertFalse(await self.provider.retract(repository))
        made = await self.provider.create(named("b.git"))
        await self.provider.repository(named("b.git"))
        self.assertFalse(await self.provider.retract(made))
        for path in ("a.git", "b.git"):
            self.assertTrue(await self.provider.exists(named(path)))

    async def test_retract_a_stranger(self):
        """
        Only a provider's own repositories are taken back.
        """
        stranger: Any = object()
        with self.assertRaises(TypeError):
            await self.provider.retract(stranger)

    async def test_quarantined_mutators(self):
        """
        Nobody writes through somebody's quarantine.
        """
        expected = (Code.INTERNAL, "quarantine configured on a mutator request")
        await self.provider.create(named("a.git"))
        for message in (
            named("a.git", git_object_directory="objects/incoming"),
            named("a.git", git_alternate_object_directories=["objects"]),
        ):
            repository = await self.provider.repository(message)
            self.assertEqual(await self.refusal(self.provider.create(message)), expected)
            self.assertEqual(await self.refusal(self.provider.remove(message)), expected)
            self.assertEqual(await self.refusal(repository.stage()), expected)
            self.assertEqual(await self.refusal(repository.commit(head=MAIN)), expected)
            self.assertEqual(await self.refusal(repository.maintain(self.not_reached)), expected)

    async def test_through(self):
        """
        Who looks through a quarantine sees its objects and the refs as they are, and cannot write.
        """
        repository, old = await self.with_commit()
        staging = await repository.stage()
        self.addCleanup(staging.discard)
        new = await staging.write_object(b"blob", b"new")
        view = repository.through(staging)
        verifyObject(IRepository, view)
        self.assertEqual((view.partition, view.object_format), (repository.partition, repository.object_format))
        self.assertEqual((await view.object(new)).data, b"new")
        self.assertEqual(await view.object_info([new, old]), [ObjectInfo(new, b"blob", 3), *await repository.object_info([old])])
        self.assertEqual(await repository.object_info([new]), [None])
        self.assertEqual((await view.refs(), await view.head()), (await repository.refs(), MAIN))
        expected = (Code.INTERNAL, "quarantine configured on a mutator request")
        self.assertEqual(await self.refusal(view.commit(head=MAIN)), expected)

    async def not_reached(self) -> None:
        raise AssertionError("ran all the same")

    async def test_write(self):
        """
        What was committed is visible at once: refs, HEAD, objects.
        """
        repository, oid = await self.with_commit()
        self.assertEqual(await repository.ref(MAIN), Reference(MAIN, oid))
        self.assertEqual(await repository.ref(b"HEAD"), Reference(b"HEAD", oid, MAIN))
        self.assertEqual(await repository.refs(), [Reference(MAIN, oid)])
        self.assertEqual(await repository.refs([b"refs/tags/"]), [])
        self.assertEqual(await repository.refs(hidden=[b"refs/heads/"]), [])
        found = await repository.object(oid)
        self.assertEqual((found.type, found.data), (b"commit", commit_data(1)))
        size = len(commit_data(1))
        self.assertEqual(await repository.object_info([ZERO, oid]), [None, ObjectInfo(oid, b"commit", size)])
        self.assertEqual(await repository.peel([oid]), [None])
        await self.assertFailure(begin(repository.object(oid, size - 1)), ObjectTooLarge)

    async def test_tag(self):
        """
        A tag is peeled to what it names.
        """
        repository, oid = await self.with_commit()
        staging = await repository.stage()
        tag = await staging.write_object(b"tag", b"object %s\ntype commit\ntag v1\ntagger T <t> 1 +0000\n\nm\n" % oid)
        await repository.commit([RefUpdate(b"refs/tags/v1", None, tag)], staging=staging)
        self.assertEqual(await repository.peel([tag, oid]), [oid, None])

    async def test_staging(self):
        """
        Staged objects are seen through the staging directory only, and are gone when it is discarded, which may be repeated.
        """
        repository, _ = await self.with_commit()
        staging, oid = await self.second(repository)
        self.assertEqual(await staging.write_object(b"commit", commit_data(2)), oid)
        (staged,) = await staging.staged()
        self.assertTrue(staged.source.startswith("+gitaly/staging/quarantine-"))
        self.assertTrue(staged.source.endswith(f"/{staged.path}"))
        self.assertEqual(staged.path, f"objects/{str(oid)[:2]}/{str(oid)[2:]}")
        await staging.discard()
        await staging.discard()
        await self.assertFailure(begin(repository.object(oid)), ObjectNotFound)

    async def test_stale(self):
        """
        A ref that is not what the writer believes is refused, and with ``atomic`` nothing is written; the staging directory can
        still be used.
        """
        repository, oid = await self.with_commit()
        staging, other = await self.second(repository)
        wrong = RefUpdate(MAIN, other, other)
        good = RefUpdate(b"refs/heads/next", ZERO, other)
        outcome = await repository.commit([wrong, good], staging=staging)
        self.assertEqual({name: refused.why for name, refused in outcome.refused.items()}, {MAIN: Refusal.STALE})
        self.assertIsNone(outcome.head)
        self.assertEqual(await repository.refs(), [Reference(MAIN, oid)])
        outcome = await repository.commit([wrong, good], atomic=False, staging=staging)
        self.assertEqual(set(outcome.refused), {MAIN})
        self.assertIsNotNone(outcome.head)
        self.assertEqual(await repository.refs(), [Reference(MAIN, oid), Reference(b"refs/heads/next", other)])
        self.assertEqual((await repository.object(other)).type, b"commit")

    async def test_refusals(self):
        """
        A ref that exists, one that is a directory of another, and one that is no ref are refused for their own reasons.
        """
        repository, oid = await self.with_commit()
        updates = [RefUpdate(MAIN, ZERO, oid), RefUpdate(MAIN + b"/x", ZERO, oid), RefUpdate(b"refs/heads/..", ZERO, oid)]
        outcome = await repository.commit(updates, atomic=False)
        self.assertEqual(
            {name: refused.why for name, refused in outcome.refused.items()},
            {MAIN: Refusal.EXISTS, MAIN + b"/x": Refusal.CONFLICT, b"refs/heads/..": Refusal.MALFORMED},
        )

    async def test_delete_ref(self):
        """
        The zero id deletes a ref.
        """
        repository, oid = await self.with_commit()
        outcome = await repository.commit([RefUpdate(MAIN, oid, ZERO)])
        self.assertEqual(outcome.refused, {})
        self.assertEqual(await repository.refs(), [])

    async def test_head(self):
        """
        HEAD can be moved, and what is found out when the turn has come goes before what was asked for.
        """
        repository, _ = await self.with_commit()
        await repository.commit(head=b"refs/heads/one")
        self.assertEqual(await repository.head(), b"refs/heads/one")

        async def nothing() -> bytes | None:
            return None

        async def three() -> bytes | None:
            return b"refs/heads/three"

        await repository.commit(head=b"refs/heads/two", admitted=nothing)
        self.assertEqual(await repository.head(), b"refs/heads/two")
        await repository.commit(head=b"refs/heads/one", admitted=three)
        self.assertEqual(await repository.head(), b"refs/heads/three")

    async def test_admitted_refuses(self):
        """
        If what is found out when the turn has come is that the write must not happen, it does not, and the staging directory can
        still be used.
        """
        repository, _ = await self.with_commit()
        staging, other = await self.second(repository)

        async def refuse() -> bytes | None:
            raise GitalyError("no", Code.ABORTED)

        update = RefUpdate(b"refs/heads/next", ZERO, other)
        asked = repository.commit([update], staging=staging, admitted=refuse)
        self.assertEqual(await self.refusal(asked), (Code.ABORTED, "no"))
        outcome = await repository.commit([update], staging=staging)
        self.assertEqual(outcome.refused, {})

    async def test_nothing(self):
        """
        Nothing to write is no write.
        """
        repository, _ = await self.with_commit()
        outcome = await repository.commit()
        self.assertEqual((outcome.refused, outcome.head), ({}, None))

    async def test_files(self):
        """
        Small files are part of a write.
        """
        repository, _ = await self.with_commit()
        outcome = await repository.commit(files=[FileChange("custom_hooks/update", b"#!/bin/sh\n", 0o755)])
        self.assertIsNotNone(outcome.head)
        outcome = await repository.commit(files=[FileChange("custom_hooks", None)])
        self.assertIsNotNone(outcome.head)

    async def test_removed_meanwhile(self):
        """
        Who prepared a write for a repository that was removed is told so, even if there is another one at its path by then, and
        nothing comes back into being (fault L5).
        """
        repository, _ = await self.with_commit()
        staging, other = await self.second(repository)
        update = RefUpdate(MAIN, None, other)
        gone = (Code.NOT_FOUND, "repository does not exist")
        await self.provider.remove(named("a.git"))
        self.assertEqual(await self.refusal(repository.commit([update], staging=staging)), gone)
        self.assertEqual(await self.refusal(repository.maintain(self.not_reached)), gone)
        self.assertFalse(await self.provider.exists(named("a.git")))
        again = await self.provider.create(named("a.git"))
        self.assertEqual(await self.refusal(repository.commit([update], staging=staging)), gone)
        self.assertEqual(await self.refusal(repository.commit(head=b"refs/heads/x")), gone)
        self.assertEqual(await again.refs(), [])
        self.assertEqual(await again.head(), MAIN)
        await staging.discard()

    async def test_maintain(self):
        """
        Maintenance runs, and its failure is the caller's to see.
        """
        repository, _ = await self.with_commit()
        ran = []

        async def job() -> None:
            ran.append(1)

        async def failing() -> None:
            raise GitalyError("no", Code.ABORTED)

        await repository.maintain(job)
        self.assertEqual(ran, [1])
        self.assertEqual(await self.refusal(repository.maintain(failing)), (Code.ABORTED, "no"))

    async def test_turn(self):
        """
        Who has the turn may look, write as often as he likes, and answer something; his failure is the caller's to see.
        """
        repository, oid = await self.with_commit()
        other = await self.provider.create(named("b.git"))
        staging, second = await self.second(repository)

        async def job(turn: ITurn) -> bytes:
            verifyObject(ITurn, turn)
            self.assertTrue(turn.quiet(staging))
            outcome = await turn.commit([RefUpdate(MAIN, oid, second)], staging=staging)
            self.assertEqual(outcome.refused, {})
            refused = await turn.commit([RefUpdate(MAIN, oid, second)], atomic=False)
            self.assertEqual(set(refused.refused), {MAIN})
            await turn.commit(head=b"refs/heads/x", files=[FileChange("info/attributes", b"")])
            return b"answer"

        async def failing(turn: ITurn) -> None:
            raise GitalyError("no", Code.ABORTED)

        self.assertEqual(await repository.turn(job, [other]), b"answer")
        self.assertEqual((await repository.refs(), await repository.head()), ([Reference(MAIN, second)], b"refs/heads/x"))
        self.assertEqual(await self.refusal(repository.turn(failing)), (Code.ABORTED, "no"))
        await self.provider.remove(named("a.git"))
        self.assertEqual(await self.refusal(repository.turn(failing)), (Code.NOT_FOUND, "repository does not exist"))

    async def test_resolve(self):
        """
        A clone URL's path leads to a repository with or without ``.git``; if there is none, to the name to create it under.
        """
        await self.provider.create(named("team/a.git"))
        await self.provider.create(named("plain"))
        await self.provider.create(named("work/.git"))
        for path, expected in [
            ("team/a.git", "team/a.git"),
            ("team/a", "team/a.git"),
            ("/team//a/", "team/a.git"),
            ("plain", "plain"),
            ("plain.git", "plain"),
            ("work", "work/.git"),
            ("work.git", "work/.git"),
            ("work/.git", "work/.git"),
        ]:
            self.assertEqual(await self.provider.resolve(path), (named(expected), True), path)
        for path, expected in [("new", "new.git"), ("new.git", "new.git"), ("x/new/.git", "x/new.git"), ("-x", "-x.git")]:
            self.assertEqual(await self.provider.resolve(path), (named(expected), False), path)
        found, exists = await self.provider.resolve("plain", "other")
        self.assertEqual((found.storage_name, found.relative_path, exists), ("other", "plain.git", False))

    async def test_resolve_refused(self):
        """
        A path that names no repository is refused before anybody looks.
        """
        for path in (
            "",
            "/",
            "~a/b",
            "/~/x",
            "a/../b",
            "..",
            "a\0",
            "a\nb",
            "a\x7f",
            "a\x85",
            ".git",
            "/.git/",
            "+gitaly/x",
            "\udc80",
        ):
            code, _ = await self.refusal(self.provider.resolve(path))
            self.assertEqual(code, Code.INVALID_ARGUMENT, repr(path))
        expected = (Code.INVALID_ARGUMENT, "storage name not found")
        self.assertEqual(await self.refusal(self.provider.resolve("a", "nope")), expected)
