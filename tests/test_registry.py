"""
Tests for :mod:`gitaly_tx.registry`.
"""

from __future__ import annotations

from typing import Any

from attrs import fields
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.housekeeping.schedule import Housekeeping
from gitaly_tx.registry import Ports, services
from gitaly_tx.rpc.dispatcher import Dispatcher
from gitaly_tx.rpc.interfaces import IMethods


class FakeStorage:
    """
    No storages.
    """

    storages: dict[str, object] = {}


class RegistryTests(SynchronousTestCase):
    """
    ``services``.
    """

    def test_services(self):
        """
        Every service is one of Gitaly's, stands once, and can be served.
        """
        nothing: Any = object()
        storage: Any = FakeStorage()
        special = {"storage": storage, "housekeeping": Housekeeping(nothing, nothing)}
        made = services(Ports(**{each.name: nothing for each in fields(Ports)} | special))
        for service in made:
            verifyObject(IMethods, service)
        names = [service.service for service in made]
        self.assertEqual(len(set(names)), len(names))
        dispatcher = Dispatcher(made, (), Clock())
        self.assertEqual(len(dispatcher.methods), 156)
