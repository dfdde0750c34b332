"""
What every :class:`~gitaly_tx.git.interfaces.IObjectReader` does. Each implementation subclasses :class:`ObjectReaderContract`
together with trial's ``TestCase``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.errors import ObjectCorrupt, ObjectNotFound, ObjectTooLarge
from gitaly_tx.git.interfaces import GitObject, IObjectReader, IObjects, ObjectInfo
from gitaly_tx.git.objectid import ObjectFormat, ObjectID

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase

    Base = TestCase
else:
    Base = object


class ObjectReaderContract(Base):
    """
    ``reader`` and ``directory``, an empty repository, are made by the subclass, and so is what :func:`write` does.
    """

    reader: IObjectReader
    directory: GitDirectory
    object_format = ObjectFormat.SHA1

    def write(self, directory: GitDirectory, type: bytes, data: bytes) -> ObjectID:
        """
        Put an object into a repository, or into its quarantine if it has one.
        """
        raise NotImplementedError

    def tag(self, target: ObjectID, type: bytes) -> ObjectID:
        """
        Make a tag object.
        """
        who = b"A <a@example.org> 1700000000 +0000"
        return self.write(self.directory, b"tag", b"object %s\ntype %s\ntag t\ntagger %s\n\nm\n" % (target, type, who))

    @property
    def missing(self) -> ObjectID:
        """
        The id of no object.
        """
        return ObjectID("12" * (self.object_format.hex_length // 2))

    async def test_interface(self):
        """
        The reader provides its interface.
        """
        verifyObject(IObjectReader, self.reader)

    async def test_read(self):
        """
        An object is read with its type and content, whatever bytes these are.
        """
        for data in (b"", b"\0\xff\n", b"x" * 100_000):
            oid = self.write(self.directory, b"blob", data)
            self.assertEqual(await self.reader.read(self.directory, oid), GitObject(oid, b"blob", data))

    async def test_look(self):
        """
        Several look-ups in one go give the same as one after the other.
        """
        oid = self.write(self.directory, b"blob", b"content")

        def job(objects: IObjects) -> tuple[GitObject, ObjectInfo | None, ObjectInfo | None]:
            verifyObject(IObjects, objects)
            for wrong, error in ((oid, ObjectTooLarge), (self.missing, ObjectNotFound)):
                with self.assertRaises(error):
                    objects.read(wrong, 6)
            return objects.read(oid, 7), objects.info(oid), objects.info(self.missing)

        expected = (GitObject(oid, b"blob", b"content"), ObjectInfo(oid, b"blob", 7), None)
        self.assertEqual(await self.reader.look(self.directory, job), expected)
        for _ in range(3):
            self.assertEqual(await self.reader.glance(self.directory, job), expected)
        other = self.write(self.directory, b"blob", b"other")
        found = await self.reader.glance(self.directory, lambda objects: objects.read(other))
        self.assertEqual(found, GitObject(other, b"blob", b"other"))

    async def test_missing(self):
        """
        What is missing is not found, and is found as soon as it is there.
        """
        with self.assertRaises(ObjectNotFound) as raised:
            await self.reader.read(self.directory, self.missing)
        self.assertEqual((raised.exception.given_code, raised.exception.message), (None, "object not found"))
        self.assertEqual(await self.reader.info(self.directory, [self.missing]), [None])
        for number in range(3):
            oid = self.write(self.directory, b"blob", b"%d" % number)
            self.assertEqual((await self.reader.read(self.directory, oid)).data, b"%d" % number)

    async def test_too_large(self):
        """
        An object that is larger than the caller takes is refused, one that just fits is not.
        """
        oid = self.write(self.directory, b"blob", b"x" * 100)
        with self.assertRaises(ObjectTooLarge) as raised:
            await self.reader.read(self.directory, oid, 99)
        self.assertEqual(raised.exception.size, 100)
        self.assertEqual(len((await self.reader.read(self.directory, oid, 100)).data), 100)

    async def test_info(self):
        """
        Types and sizes come in the order that was asked for, with gaps for what is missing.
        """
        blob = self.write(self.directory, b"blob", b"x" * 100)
        tag = self.tag(blob, b"blob")
        size = len((await self.reader.read(self.directory, tag)).data)
        found = await self.reader.info(self.directory, [tag, self.missing, blob, tag])
        info = ObjectInfo(tag, b"tag", size)
        self.assertEqual(found, [info, None, ObjectInfo(blob, b"blob", 100), info])
        self.assertEqual(await self.reader.info(self.directory, []), [])

    async def test_peel(self):
        """
        Tags are followed to their end; what is no tag, or missing, stands for nothing else.
        """
        blob = self.write(self.directory, b"blob", b"x")
        tag = self.tag(blob, b"blob")
        outer = self.tag(tag, b"tag")
        dangling = self.tag(self.missing, b"commit")
        found = await self.reader.peel(self.directory, [outer, blob, tag, self.missing, dangling])
        self.assertEqual(found, [blob, None, blob, None, self.missing])

    async def test_broken_tag(self):
        """
        A tag that names nothing cannot be followed.
        """
        tag = self.write(self.directory, b"tag", b"what\n")
        with self.assertRaises(ObjectCorrupt) as raised:
            await self.reader.peel(self.directory, [tag])
        self.assertEqual((raised.exception.code, raised.exception.message), (Code.DATA_LOSS, "object corrupt"))

    async def test_quarantine(self):
        """
        A quarantine's objects are seen through it only, together with the repository's.
        """
        old = self.write(self.directory, b"blob", b"old")
        quarantined = self.directory.quarantined(self.directory.path + "/quarantine")
        new = self.write(quarantined, b"blob", b"new")
        found = await self.reader.info(quarantined, [old, new])
        self.assertEqual(found, [ObjectInfo(old, b"blob", 3), ObjectInfo(new, b"blob", 3)])
        self.assertEqual(await self.reader.info(self.directory, [old, new]), [ObjectInfo(old, b"blob", 3), None])

    async def test_given_alternates(self):
        """
        Objects in the alternates that come with a directory are found.
        """
        oid = self.write(self.directory, b"blob", b"pooled")
        other = GitDirectory(self.directory.path + "-other", None, (self.directory.objects,))
        self.assertEqual((await self.reader.read(other, oid)).data, b"pooled")

    async def test_forget(self):
        """
        To forget a repository is safe at any time.
        """
        self.reader.forget(self.directory)
        self.write(self.directory, b"blob", b"x")
        self.reader.forget(self.directory.quarantined(self.directory.path + "/quarantine"))
