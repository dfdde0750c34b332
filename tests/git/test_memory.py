"""
Tests for gitaly_tx.git.memory.
"""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.interfaces import Reference, RefUpdate
from gitaly_tx.git.memory import MemoryRefs
from tests.contracts import refs


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
