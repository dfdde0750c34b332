"""
Tests for :mod:`gitaly_tx.git.descriptor`.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.descriptor import Descriptor


class DescriptorTests(SynchronousTestCase):
    """
    ``Descriptor``.
    """

    def setUp(self) -> None:
        self.number = os.open(os.devnull, os.O_RDONLY)
        self.descriptor = Descriptor(self.number)

    def is_open(self) -> bool:
        try:
            os.fstat(self.number)
        except OSError:
            return False
        return True

    def test_closed(self) -> None:
        """
        Its owner closes it, once; afterwards nobody can use it.
        """
        with self.descriptor.used() as number:
            self.assertEqual(number, self.number)
        self.assertTrue(self.is_open())
        self.descriptor.close()
        self.assertFalse(self.is_open())
        other = os.open(os.devnull, os.O_RDONLY)
        self.addCleanup(os.close, other)
        self.descriptor.close()
        os.fstat(other)
        self.assertRaises(OSError, self.descriptor.used().__enter__)

    def test_closed_while_used(self) -> None:
        """
        Whoever uses it goes on; it is closed with the last of them.
        """
        first, second = self.descriptor.used(), self.descriptor.used()
        first.__enter__()
        second.__enter__()
        self.descriptor.close()
        first.__exit__(None, None, None)
        self.assertTrue(self.is_open())
        second.__exit__(None, None, None)
        self.assertFalse(self.is_open())
