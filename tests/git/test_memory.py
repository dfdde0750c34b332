"""
Tests for gitaly_tx.git.memory.
"""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.interfaces import Reference, RefUpdate
from gitaly_tx.git.memory import MemoryObjectReader, MemoryRefs
from tests.contracts import objectreader, refs


class MemoryRefsTests(refs.RefsContract, TestCase):
    """
    Refs in memory keep the contract.
    """

    def setUp(self):
        self.refs = self.memory = MemoryRefs()
        self.directory = GitDirectory("/repository")

    async def test_forget(self):
        """
        A forgotten repository is empty, and others are untouched.
        """
        other = GitDirectory("/other")
        await self.put(refs.MAIN, refs.ONE)
        await self.refs.force(other, [RefUpdate(refs.MAIN, None, refs.TWO)])
        self.memory.forget(self.directory)
        self.assertEqual(await self.names(), [])
        self.assertEqual(await self.refs.list(other), [Reference(refs.MAIN, refs.TWO)])


class MemoryObjectReaderTests(objectreader.ObjectReaderContract, TestCase):
    """
    Objects in memory keep the contract.
    """

    def setUp(self):
        self.reader = self.memory = MemoryObjectReader()
        self.directory = GitDirectory("/repository")

    def write(self, directory, type, data):
        return self.memory.write(directory, self.object_format, type, data)

    async def test_migrate(self):
        """
        A quarantine that was migrated is empty, and the repository has its objects; a forgotten repository has none.
        """
        quarantined = self.directory.quarantined("/quarantine")
        oid = self.write(quarantined, b"blob", b"x")
        self.assertEqual(self.memory.written("/quarantine"), [oid])
        self.memory.migrate("/quarantine", self.directory)
        self.assertEqual(self.memory.written("/quarantine"), [])
        self.assertEqual((await self.reader.read(self.directory, oid)).data, b"x")
        self.reader.forget(self.directory)
        self.assertEqual(await self.reader.info(self.directory, [oid]), [None])
