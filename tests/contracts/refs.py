"""
What every :class:`~gitaly_tx.git.interfaces.IRefs` does. Each implementation subclasses :class:`RefsContract` together with
trial's ``TestCase``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zope.interface import implementer
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.interfaces import IIntent, IPreparedRefs, IRefs, Reference, RefUpdate, Refusal
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.git.quarantine import object_id, write_loose_object

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase

    Base = TestCase
else:
    Base = object

ZERO = ObjectID("0" * 40)


def _commit(message: bytes) -> bytes:
    who = b"A <a@example.org> 1700000000 +0000"
    return b"tree %s\nauthor %s\ncommitter %s\n\n%s\n" % (object_id(ObjectFormat.SHA1, b"tree", b""), who, who, message)


MESSAGES = (b"one", b"two", b"three")
ONE, TWO, THREE = (object_id(ObjectFormat.SHA1, b"commit", _commit(message)) for message in MESSAGES)
"""Ids of commits that a repository has once :func:`write_commits` was called; not every implementation asks for that."""


def write_commits(directory: GitDirectory) -> None:
    """
    Put the commits that the contract uses into a repository.
    """
    write_loose_object(directory.objects, ObjectFormat.SHA1, b"tree", b"")
    for message in MESSAGES:
        write_loose_object(directory.objects, ObjectFormat.SHA1, b"commit", _commit(message))


MAIN = b"refs/heads/main"


@implementer(IIntent)
class Noted:
    """
    Lock files that somebody told of.
    """

    def __init__(self) -> None:
        self.announced: list[str] = []
        self.withdrawn = False

    def announce(self, locks: Sequence[str]) -> None:
        """
        Note them.
        """
        self.announced.extend(locks)
        self.withdrawn = False

    def withdraw(self) -> None:
        """
        Note that they are gone.
        """
        self.withdrawn = True


def refuse() -> None:
    """
    What is to be done first, and cannot be done.
    """
    raise OSError("not now")


class RefsContract(Base):
    """
    ``refs`` and ``directory`` are made by the subclass: an empty repository whose HEAD is a name for ``refs/heads/main``, and
    that does not wait for locks.
    """

    refs: IRefs
    directory: GitDirectory

    async def change(self, *updates: RefUpdate) -> dict[bytes, Refusal]:
        """
        Prepare, commit, and say what was refused.
        """
        prepared = await self.refs.prepare(self.directory, updates)
        await prepared.commit()
        return {name: refused.why for name, refused in prepared.refused.items()}

    async def put(self, name: bytes, value: ObjectID) -> None:
        self.assertEqual(await self.change(RefUpdate(name, None, value)), {})

    async def value(self, name: bytes) -> ObjectID | None:
        found = await self.refs.read(self.directory, name)
        return None if found is None else found.target

    async def names(self) -> list[bytes]:
        return [reference.name for reference in await self.refs.list(self.directory)]

    async def test_interfaces(self):
        """
        The refs and what prepare returns provide their interfaces.
        """
        verifyObject(IRefs, self.refs)
        prepared = await self.refs.prepare(self.directory, [RefUpdate(MAIN, None, ONE)])
        verifyObject(IPreparedRefs, prepared)
        await prepared.abort()

    async def test_empty(self):
        """
        An empty repository has no refs, and a HEAD that names a branch that does not exist.
        """
        self.assertEqual(await self.refs.list(self.directory), [])
        self.assertIsNone(await self.refs.read(self.directory, b"HEAD"))
        self.assertIsNone(await self.refs.read(self.directory, MAIN))
        self.assertEqual(await self.refs.head(self.directory), MAIN)

    async def test_create(self):
        """
        A ref that must not exist yet is made, and HEAD resolves to it.
        """
        self.assertEqual(await self.change(RefUpdate(MAIN, ZERO, ONE)), {})
        self.assertEqual(await self.refs.read(self.directory, MAIN), Reference(MAIN, ONE))
        self.assertEqual(await self.refs.read(self.directory, b"HEAD"), Reference(b"HEAD", ONE, MAIN))

    async def test_update(self):
        """
        A ref that is what the writer believes gets its new value.
        """
        await self.put(MAIN, ONE)
        self.assertEqual(await self.change(RefUpdate(MAIN, ONE, TWO)), {})
        self.assertEqual(await self.value(MAIN), TWO)

    async def test_stale(self):
        """
        A ref that is something else is refused, with what it is; one that is missing is the zero id.
        """
        await self.put(MAIN, ONE)
        updates = [RefUpdate(MAIN, TWO, THREE), RefUpdate(b"refs/heads/none", TWO, THREE)]
        prepared = await self.refs.prepare(self.directory, updates)
        found = {name: (refused.why, refused.actual) for name, refused in prepared.refused.items()}
        self.assertEqual(found, {MAIN: (Refusal.STALE, ONE), b"refs/heads/none": (Refusal.STALE, ZERO)})
        await prepared.commit()
        self.assertEqual(await self.value(MAIN), ONE)

    async def test_exists(self):
        """
        A ref that must not exist and does is refused.
        """
        await self.put(MAIN, ONE)
        self.assertEqual(await self.change(RefUpdate(MAIN, ZERO, TWO)), {MAIN: Refusal.EXISTS})
        self.assertEqual(await self.value(MAIN), ONE)

    async def test_delete(self):
        """
        The zero id deletes a ref, checked or not, and makes room for refs below its name.
        """
        await self.put(b"refs/heads/a", ONE)
        await self.put(b"refs/heads/b", ONE)
        self.assertEqual(await self.change(RefUpdate(b"refs/heads/a", ONE, ZERO), RefUpdate(b"refs/heads/b", None, ZERO)), {})
        self.assertEqual(await self.names(), [])
        await self.put(b"refs/heads/a/deep/c", TWO)
        await self.change(RefUpdate(b"refs/heads/a/deep/c", TWO, ZERO))
        await self.put(b"refs/heads/a", ONE)
        self.assertEqual(await self.names(), [b"refs/heads/a"])

    async def test_delete_absent(self):
        """
        To delete what is not there is fine, unless the writer believes that it has a value.
        """
        gone = b"refs/heads/gone"
        self.assertEqual(await self.change(RefUpdate(gone, None, ZERO)), {})
        self.assertEqual(await self.change(RefUpdate(gone, ZERO, ZERO)), {})
        self.assertEqual(await self.change(RefUpdate(gone, ONE, ZERO)), {gone: Refusal.STALE})
        self.assertEqual(await self.change(RefUpdate(MAIN, None, ONE), RefUpdate(MAIN + b"2", None, ZERO)), {})
        below = MAIN + b"/below"
        self.assertEqual(await self.change(RefUpdate(below, None, ZERO)), {})
        self.assertEqual(await self.change(RefUpdate(below, ONE, ZERO)), {below: Refusal.STALE})

    async def test_malformed(self):
        """
        Names that no ref can have are refused, HEAD among them, and do not disturb the others.
        """
        bad = [b"HEAD", b"config", b"refs/", b"refs/heads/a..b", b"refs/heads/x.lock", b"refs/../config", b"refs/heads/a\n"]
        updates = [RefUpdate(name, None, ONE) for name in [*bad, MAIN]]
        self.assertEqual(await self.change(*updates), dict.fromkeys(bad, Refusal.MALFORMED))
        self.assertEqual(await self.names(), [MAIN])

    async def test_namespaces_are_no_refs(self):
        """
        ``refs/heads`` and ``refs/tags`` cannot be refs, even in a repository without any.
        """
        found = await self.change(RefUpdate(b"refs/heads", None, ONE), RefUpdate(b"refs/tags", None, ONE))
        self.assertEqual(found, {b"refs/heads": Refusal.CONFLICT, b"refs/tags": Refusal.CONFLICT})

    async def test_duplicates(self):
        """
        A ref that is named twice is not changed at all.
        """
        found = await self.change(RefUpdate(MAIN, None, ONE), RefUpdate(MAIN, None, TWO), RefUpdate(b"refs/tags/t", None, ONE))
        self.assertEqual(found, {MAIN: Refusal.STALE})
        self.assertEqual(await self.names(), [b"refs/tags/t"])

    async def test_conflict_with_existing(self):
        """
        A name that another ref's name begins with, or that begins with another's, cannot be taken; the refusal says which.
        """
        await self.put(b"refs/heads/a/b", ONE)
        for name in (b"refs/heads/a", b"refs/heads/a/b/c", b"refs/heads/a/b/c/d"):
            prepared = await self.refs.prepare(self.directory, [RefUpdate(name, None, TWO)])
            refused = prepared.refused[name]
            self.assertEqual((refused.why, refused.other), (Refusal.CONFLICT, b"refs/heads/a/b"))
            await prepared.commit()
        self.assertEqual(await self.names(), [b"refs/heads/a/b"])
        await self.put(b"refs/heads/a/bc", ONE)
        await self.put(b"refs/heads/ab", ONE)

    async def test_conflict_in_batch(self):
        """
        Of two names in one batch that cannot be refs at once, the later is refused.
        """
        a, b = b"refs/heads/a", b"refs/heads/a/b"
        self.assertEqual(await self.change(RefUpdate(b, None, ONE), RefUpdate(a, None, ONE)), {a: Refusal.CONFLICT})
        self.assertEqual(await self.change(RefUpdate(b, None, ZERO), RefUpdate(a, None, ONE)), {a: Refusal.CONFLICT})
        self.assertEqual(await self.change(RefUpdate(a, None, ONE), RefUpdate(b, None, ONE)), {b: Refusal.CONFLICT})
        self.assertEqual(await self.names(), [a])

    async def test_abort(self):
        """
        After an abort nothing is changed and nothing is locked.
        """
        prepared = await self.refs.prepare(self.directory, [RefUpdate(MAIN, None, ONE), RefUpdate(b"refs/heads/x/y", None, ZERO)])
        await prepared.abort()
        await prepared.abort()
        await prepared.commit()
        self.assertEqual(await self.names(), [])
        await self.put(MAIN, TWO)

    async def test_commit_once(self):
        """
        A second commit does nothing.
        """
        prepared = await self.refs.prepare(self.directory, [RefUpdate(MAIN, None, ONE)])
        await prepared.commit()
        await self.put(MAIN, TWO)
        await prepared.commit()
        self.assertEqual(await self.value(MAIN), TWO)

    async def test_locked(self):
        """
        Refs of a prepared batch are refused to others until it ends, and have their old values.
        """
        await self.put(MAIN, ONE)
        prepared = await self.refs.prepare(self.directory, [RefUpdate(MAIN, ONE, TWO)])
        self.assertEqual(await self.change(RefUpdate(MAIN, ONE, THREE)), {MAIN: Refusal.LOCKED})
        self.assertEqual(await self.value(MAIN), ONE)
        await prepared.commit()
        self.assertEqual(await self.change(RefUpdate(MAIN, TWO, THREE)), {})

    async def test_announce(self):
        """
        The paths of the locks are announced before there is any, and are those that are made; once they are gone that is told.
        """
        updates = [RefUpdate(MAIN, None, ONE), RefUpdate(b"refs/heads/x/y", None, TWO)]
        for commits in (False, True):
            intent = Noted()
            prepared = await self.refs.prepare(self.directory, updates, intent)
            self.assertTrue(prepared.locks)
            self.assertEqual(set(prepared.locks) - set(intent.announced), set())
            self.assertFalse(intent.withdrawn)
            await (prepared.commit() if commits else prepared.abort())
            self.assertTrue(intent.withdrawn)

    async def test_first(self):
        """
        What is to be done first is done before anything is locked, and again before anything is moved; if it fails nothing is.
        """
        intent = Noted()
        with self.assertRaises(OSError):
            await self.refs.prepare(self.directory, [RefUpdate(MAIN, None, ONE)], intent, first=refuse)
        self.assertEqual(intent.announced, [])
        done: list[list[str]] = []
        prepared = await self.refs.prepare(
            self.directory, [RefUpdate(MAIN, None, ONE)], intent, first=lambda: done.append(list(intent.announced))
        )
        self.assertEqual(done, [[]])
        with self.assertRaises(OSError):
            await prepared.commit(refuse)
        self.assertIsNone(await self.value(MAIN))
        self.assertEqual(await self.change(RefUpdate(MAIN, None, TWO)), {MAIN: Refusal.LOCKED})
        await prepared.commit(lambda: done.append([]))
        self.assertEqual(len(done), 2)
        self.assertEqual(await self.value(MAIN), ONE)

    async def test_unchanged(self):
        """
        A ref that already is what it shall be is accepted.
        """
        await self.put(MAIN, ONE)
        self.assertEqual(await self.change(RefUpdate(MAIN, ONE, ONE)), {})
        self.assertEqual(await self.value(MAIN), ONE)

    async def test_list(self):
        """
        A list is sorted by name, has what is below its prefixes or named in full, and nothing that is hidden.
        """
        every = [b"refs/heads/b", b"refs/heads/a", b"refs/heads/a-b", b"refs/keep/1", b"refs/tags/v1", b"refs/heads/\xff\xfe"]
        for name in every:
            await self.put(name, ONE)
        self.assertEqual(await self.names(), sorted(every))

        async def listed(prefixes, hidden=()):
            return [reference.name for reference in await self.refs.list(self.directory, prefixes, hidden)]

        self.assertEqual(await listed([b"refs/tags/", b"refs/heads/a"]), [b"refs/heads/a", b"refs/tags/v1"])
        self.assertEqual(await listed([b"refs/"], [b"refs/heads/", b"refs/tags/v1"]), [b"refs/keep/1"])
        self.assertEqual(await listed([b"refs/heads"]), [])
        self.assertEqual(await listed([b"refs/none/", b"refs/../", b"HEAD"]), [])
        self.assertEqual(await listed([]), [])

    async def test_read_odd_names(self):
        """
        Names that no ref can have are not found, whatever lies there.
        """
        for name in (
            b"config",
            b"../x",
            b"refs/heads/../../config",
            b"",
            b"refs/heads/a\0b",
            b"refs/heads",
            b"refs/" + b"x" * 5000,
        ):
            self.assertIsNone(await self.refs.read(self.directory, name))

    async def test_set_head(self):
        """
        HEAD becomes a name for any branch, existing or not, and not for anything else.
        """
        await self.put(b"refs/heads/other", TWO)
        for _ in range(2):
            await self.refs.set_head(self.directory, b"refs/heads/other")
        self.assertEqual(await self.refs.head(self.directory), b"refs/heads/other")
        self.assertEqual(await self.refs.read(self.directory, b"HEAD"), Reference(b"HEAD", TWO, b"refs/heads/other"))
        await self.refs.set_head(self.directory, b"refs/heads/unborn")
        self.assertIsNone(await self.refs.read(self.directory, b"HEAD"))
        with self.assertRaises(GitalyError) as raised:
            await self.refs.set_head(self.directory, b"refs/heads/a..b")
        self.assertEqual(raised.exception.code, Code.INVALID_ARGUMENT)
        self.assertEqual(await self.refs.head(self.directory), b"refs/heads/unborn")

    async def test_prepare_head(self):
        """
        HEAD moves with the refs, and not before; it stays if they do, or if the ref that it shall be a name for is refused.
        """
        other, created = b"refs/heads/other", RefUpdate(b"refs/heads/other", ZERO, ONE)
        head = await self.refs.head(self.directory)
        prepared = await self.refs.prepare(self.directory, [created], head=other)
        self.assertEqual(await self.refs.head(self.directory), head)
        await prepared.abort()
        self.assertEqual(await self.refs.head(self.directory), head)
        prepared = await self.refs.prepare(self.directory, [created], head=other)
        await prepared.commit()
        self.assertEqual(await self.refs.head(self.directory), other)
        self.assertEqual(await self.refs.read(self.directory, b"HEAD"), Reference(b"HEAD", ONE, other))
        refused = RefUpdate(b"refs/heads/more", TWO, ONE)
        prepared = await self.refs.prepare(self.directory, [refused, RefUpdate(MAIN, None, TWO)], head=refused.name)
        self.assertEqual(list(prepared.refused), [refused.name])
        await prepared.commit()
        self.assertEqual(await self.refs.head(self.directory), other)
        prepared = await self.refs.prepare(self.directory, [], head=b"refs/heads/unborn")
        await prepared.commit()
        self.assertEqual(await self.refs.head(self.directory), b"refs/heads/unborn")
        with self.assertRaises(GitalyError) as raised:
            await self.refs.prepare(self.directory, [created], head=b"refs/heads/a..b")
        self.assertEqual(raised.exception.code, Code.INVALID_ARGUMENT)

    async def test_force(self):
        """
        Forced updates need no right belief, and can be repeated.
        """
        await self.put(MAIN, ONE)
        await self.put(b"refs/heads/old", ONE)
        updates = [RefUpdate(MAIN, TWO, THREE), RefUpdate(b"refs/heads/old", TWO, ZERO), RefUpdate(b"refs/heads/new", ONE, TWO)]
        for _ in range(2):
            await self.refs.force(self.directory, updates)
            listed = await self.refs.list(self.directory)
            self.assertEqual(listed, [Reference(MAIN, THREE), Reference(b"refs/heads/new", TWO)])

    async def test_force_breaks_locks(self):
        """
        Forced updates take refs from whoever has locked them.
        """
        await self.put(MAIN, ONE)
        forgotten = await self.refs.prepare(self.directory, [RefUpdate(MAIN, ONE, TWO)])
        await self.refs.force(self.directory, [RefUpdate(MAIN, TWO, THREE)])
        await forgotten.abort()
        self.assertEqual(await self.change(RefUpdate(MAIN, THREE, ONE)), {})

    async def test_force_past_others(self):
        """
        A forced ref that another ref's name excludes is left out; the rest of the batch is written.
        """
        await self.put(b"refs/heads/a/b", ONE)
        updates = [RefUpdate(b"refs/heads/a", None, TWO), RefUpdate(b"refs/heads/a/b/c", None, TWO), RefUpdate(MAIN, None, TWO)]
        await self.refs.force(self.directory, updates[:1] + updates[2:])
        await self.refs.force(self.directory, updates[1:])
        self.assertEqual(await self.names(), [b"refs/heads/a/b", MAIN])

    async def test_fsync(self):
        """
        Refs can be made durable, whether they exist or not.
        """
        await self.put(b"refs/heads/x/y", ONE)
        await self.refs.fsync(self.directory, [b"HEAD", b"refs/heads/x/y", b"refs/heads/none/z", b"refs/other"])
