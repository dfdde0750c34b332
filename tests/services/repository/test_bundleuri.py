"""
Tests for RepositoryService: GenerateBundleURI.
"""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

from attrs import evolve
from twisted.internet import reactor

from gitaly_tx.errors import Code
from gitaly_tx.transport.bundles import Bundles
from gitaly_tx.transport.bundlestore import BundleStore
from protocols.gitaly import repository_pb2 as pb
from tests.support.git import git, make_repository

from .case import RepositoryCase

running: Any = reactor


class GenerateBundleURITests(RepositoryCase):
    """
    Bundles on demand.
    """

    def setUp(self) -> None:
        super().setUp()
        self.folder = os.path.abspath(self.mktemp())
        store = BundleStore(self.folder, 1 << 30, 60.0, self.reading.threads, lambda: 0.0)
        bundles = Bundles(self.git_port, running, running, self.reading.threads, store, reserve=0)
        self.without = self.service
        self.service = evolve(self.service, bundles=bundles)

    async def test_made(self) -> None:
        """
        A bundle is there when the call is answered, and it is whole.
        """
        self.commit_files({"a": "text"})
        self.assertEqual(await self.call("GenerateBundleURI"), pb.GenerateBundleURIResponse())
        (name,) = os.listdir(self.folder)
        self.assertIn(b" refs/heads/main\n", git("bundle", "list-heads", os.path.join(self.folder, name)))

    async def test_not_configured(self) -> None:
        """
        Without a place for bundles there are none, whatever is asked for.
        """
        self.service = self.without
        more: list[dict[str, Any]] = [{}, {"repository": None}]
        for fields in more:
            refused = await self.refusal(self.call("GenerateBundleURI", **fields))
            self.assertEqual(refused, (Code.FAILED_PRECONDITION, "no bundle-URI sink available"))

    async def test_refused(self) -> None:
        """
        Bad names are refused as everywhere; an empty repository and a disk that fails have words of their own.
        """
        refused = await self.refusal(self.call("GenerateBundleURI", repository=None))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "repository not set"))
        with mock.patch.object(BundleStore, "begin", side_effect=OSError("no")):
            refused = await self.refusal(self.call("GenerateBundleURI"))
        self.assertEqual(refused, (Code.INTERNAL, "generate bundle: cannot be kept"))
        empty = self.reading.repository(make_repository(self.mktemp()))
        self.storage.repositories = dict.fromkeys(self.storage.repositories, empty)
        message = 'generate bundle: ref "refs/heads/main" does not exist: create bundle: refusing to create empty bundle'
        self.assertEqual(await self.refusal(self.call("GenerateBundleURI")), (Code.FAILED_PRECONDITION, message))
