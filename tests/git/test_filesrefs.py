"""
Tests for gitaly_tx.git.filesrefs.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import TestCase

from gitaly_tx.git.filesrefs import FilesRefs, LockPatience
from tests.contracts import refs
from tests.support.git import make_repository
from tests.support.immediate import ImmediatePool, ImmediateReactor


class FilesRefsTests(refs.RefsContract, TestCase):
    """
    Refs in files keep the contract.
    """

    def setUp(self):
        self.reactor = ImmediateReactor()
        self.refs = FilesRefs(self.reactor, ImmediatePool(), self.reactor, patience=LockPatience(timeout=0.0))
        self.directory = make_repository(os.path.abspath(self.mktemp()))
