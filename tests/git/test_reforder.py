"""
Tests for :mod:`gitaly_tx.git.reforder`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from gitaly_tx.git.errors import ObjectNotFound, ObjectTooLarge
from gitaly_tx.git.interfaces import GitObject, IObjects, ObjectInfo, Reference
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.reforder import BY_NAME, RefOrder, SortKey, points_at

MISSING = ObjectID("f" * 40)


@implementer(IObjects)
class Known:
    """
    Some objects.
    """

    def __init__(self) -> None:
        self.objects: dict[ObjectID, GitObject] = {}

    def add(self, type: bytes, data: bytes) -> ObjectID:
        """
        One more.
        """
        oid = ObjectID(f"{len(self.objects) + 1:040x}")
        self.objects[oid] = GitObject(oid, type, data)
        return oid

    def read(self, oid: ObjectID, maximum: int | None = None) -> GitObject:
        """
        As :func:`IObjects.read`.
        """
        if oid not in self.objects:
            raise ObjectNotFound(oid)
        found = self.objects[oid]
        if maximum is not None and len(found.data) > maximum:
            raise ObjectTooLarge(oid, len(found.data))
        return found

    def info(self, oid: ObjectID) -> ObjectInfo | None:
        """
        As :func:`IObjects.info`.
        """
        found = self.objects.get(oid)
        return None if found is None else ObjectInfo(oid, found.type, len(found.data))


def commit(date: int, authored: int = 0, message: bytes = b"m") -> bytes:
    return b"tree x\nauthor A <a@x> %d +0000\ncommitter C <c@x> %d +0000\n\n%s" % (authored, date, message)


def names(refs: list[Reference]) -> list[bytes]:
    return [ref.name for ref in refs]


class RefOrderTests(SynchronousTestCase):
    """
    ``RefOrder``.
    """

    def setUp(self):
        self.objects = Known()
        made = {
            b"refs/a": (b"commit", commit(30, 1)),
            b"refs/b": (b"commit", commit(10, 3)),
            b"refs/c": (b"commit", commit(30, 2)),
            b"refs/d": (b"blob", b"committer C <c@x> 99 +0000\n"),
            b"refs/e": (b"tag", b"object x\ntype commit\ntag t\ntagger T <t@x> 20 +0000\n\nm"),
        }
        self.refs = [Reference(name, self.objects.add(*content)) for name, content in made.items()]

    def sorted(self, key: SortKey, descending: bool = False) -> bytes:
        found = RefOrder(key, descending).sort(self.refs, self.objects)
        return b"".join(name[-1:] for name in names(found))

    def test_names(self):
        """
        By name needs no objects.
        """
        self.assertFalse(BY_NAME.needs_objects)
        self.assertEqual(BY_NAME.sort(self.refs), self.refs)
        self.assertEqual(self.sorted(SortKey.NAME, True), b"edcba")
        self.assertEqual(self.sorted(SortKey.VERSION, True), b"edcba")

    def test_dates(self):
        """
        What has no such date counts as the oldest; what is equal is in the order of the names both ways.
        """
        self.assertTrue(RefOrder(SortKey.COMMITTER_DATE).needs_objects)
        self.assertEqual(self.sorted(SortKey.COMMITTER_DATE), b"debac")
        self.assertEqual(self.sorted(SortKey.COMMITTER_DATE, True), b"acbde")
        self.assertEqual(self.sorted(SortKey.AUTHOR_DATE), b"deacb")
        self.assertEqual(self.sorted(SortKey.CREATOR_DATE), b"dbeac")

    def test_large(self):
        """
        A large commit is read all the same, a large blob is not.
        """
        self.refs = [
            Reference(b"refs/x", self.objects.add(b"commit", commit(50, message=b"x" * (2 << 20)))),
            Reference(b"refs/y", self.objects.add(b"blob", b"x" * (2 << 20))),
        ]
        self.assertEqual(self.sorted(SortKey.COMMITTER_DATE), b"yx")

    def test_missing(self):
        """
        A ref whose object is missing has no date.
        """
        self.assertRaises(ObjectNotFound, RefOrder(SortKey.AUTHOR_DATE).sort, [Reference(b"refs/x", MISSING)], self.objects)

    def test_parse(self):
        """
        git's names are understood, but for those that only git understands.
        """
        self.assertEqual(RefOrder.parse("-committerdate"), RefOrder(SortKey.COMMITTER_DATE, True))
        self.assertEqual(RefOrder.parse("refname"), BY_NAME)
        self.assertIsNone(RefOrder.parse("objectsize"))
        self.assertIsNone(RefOrder.parse("--refname"))


class PointsAtTests(SynchronousTestCase):
    """
    ``points_at``.
    """

    def test_tags(self):
        """
        A tag points at what it names, at however many removes.
        """
        objects = Known()
        target = objects.add(b"commit", commit(1))
        inner = objects.add(b"tag", b"object %s\ntype commit\ntag t\n\n" % target)
        outer = objects.add(b"tag", b"object %s\ntype tag\ntag t\n\n" % inner)
        for wanted in (target, inner, outer):
            self.assertTrue(points_at(objects, Reference(b"refs/x", outer), [wanted]))
        self.assertFalse(points_at(objects, Reference(b"refs/x", inner), [outer]))
        self.assertFalse(points_at(objects, Reference(b"refs/x", target), [inner]))
        self.assertTrue(points_at(objects, Reference(b"refs/x", MISSING), [MISSING]))
        self.assertRaises(ObjectNotFound, points_at, objects, Reference(b"refs/x", MISSING), [target])
