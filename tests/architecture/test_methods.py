"""
Every method that is built is one of the ``.proto`` files', and has a test module.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import fields
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.housekeeping.schedule import Housekeeping
from gitaly_tx.registry import Ports, services
from gitaly_tx.rpc.catalogue import gitaly_methods
from gitaly_tx.rpc.method import Operation

TESTS = Path(__file__).resolve().parents[1]


READING = frozenset(
    {
        "gitaly.AnalysisService",
        "gitaly.BlobService",
        "gitaly.CommitService",
        "gitaly.ConflictsService",
        "gitaly.DiffService",
        "gitaly.InternalGitaly",
        "gitaly.ObjectPoolService",
        "gitaly.RefService",
        "gitaly.RemoteService",
        "gitaly.RepositoryService",
        "gitaly.ServerService",
    }
)
"""Services whose methods that read are all built."""


class FakeStorage:
    """
    No storages.
    """

    storages: dict[str, object] = {}


def registered() -> Iterator[tuple[str, str, type]]:
    """
    Service, method name and class of everything that is built.
    """
    nothing: Any = object()
    storage: Any = FakeStorage()
    special = {"storage": storage, "housekeeping": Housekeeping(nothing, nothing)}
    for service in services(Ports(**{each.name: nothing for each in fields(Ports)} | special)):
        for name in dir(type(service)):
            if name[0].isupper():
                yield service.service, name, type(service)


class MethodTests(SynchronousTestCase):
    """
    Services and descriptors.
    """

    def test_known(self):
        """
        A service has no method that the ``.proto`` files do not name: a misspelt one would never be called.
        """
        known = {(info.service, info.name) for info in gitaly_methods()}
        found = {(service, name) for service, name, _ in registered()}
        self.assertTrue(found)
        self.assertEqual(found - known, set())

    def test_reading(self):
        """
        Every method that only reads is built, and so are those of the server, which have no operation.
        """
        wanted = {
            f"{info.service}/{info.name}"
            for info in gitaly_methods()
            if info.service in READING and info.operation in (Operation.ACCESSOR, Operation.UNKNOWN)
        }
        self.assertGreater(len(wanted), 80)
        found = {f"{service}/{name}" for service, name, _ in registered()}
        self.assertEqual(sorted(wanted - found), [])

    def test_tested(self):
        """
        The tests of every method's service name the method.
        """
        untested = []
        for _, name, made in registered():
            folder = TESTS.joinpath(*made.__module__.split(".")[1:-1])
            texts = [path.read_text(encoding="utf-8") for path in folder.glob("test_*.py")]
            if not any(name in text for text in texts):
                untested.append(f"{made.__qualname__}.{name}: not named in {folder.relative_to(TESTS)}")
        self.assertEqual(untested, [])
