"""
What the replay of recordings makes of its results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.rpc.catalogue import gitaly_methods
from gitaly_tx.services.partition.service import PartitionService
from gitaly_tx.services.repository.service import RepositoryService
from tests import golden
from tests.golden import Case
from tests.wording import Difference


class ClaimTests(SynchronousTestCase):
    """
    :func:`tests.golden.claimed`.
    """

    def test_built(self) -> None:
        """
        A case that calls what is built is claimed, whatever becomes of it, also if a call turns out to be unimplemented.
        """
        case = Case("a", "SSHService", ("SSHService/SSHUploadPackWithSidechannel",))
        for result in golden.RESULTS:
            self.assertTrue(golden.claimed(evolve(case, results=(result,))))

    def test_not_built(self) -> None:
        """
        One that calls anything else is not.
        """
        case = Case("a", "RepositoryService", ("RepositoryService/RepositoryExists", "PartitionService/BackupPartition"))
        for result in golden.RESULTS:
            self.assertFalse(golden.claimed(evolve(case, results=(result,))))

    def test_list(self) -> None:
        """
        What is listed as not built is known, and is not built.
        """
        services = {"RepositoryService": RepositoryService, "PartitionService": PartitionService}
        known = {golden.short(method.path) for method in gitaly_methods()}
        self.assertLessEqual(golden.NOT_BUILT, known)
        for service, _, name in (method.partition("/") for method in golden.NOT_BUILT):
            self.assertFalse(hasattr(services[service], name), name)


class ResultTests(SynchronousTestCase):
    """
    From the replay's results to the tables.
    """

    cases = (
        Case("one", "ServerService", ("ServerService/ServerInfo",)),
        Case("two", "RefService", ("RefService/RefExists", "RefService/ListRefs")),
        Case("not replayed", "RefService", ("RefService/RefExists",)),
    )
    found: Mapping[str, Sequence[Mapping[str, Any]]] = {
        "one": [{"method": "/gitaly.ServerService/ServerInfo", "result": "passed", "hard": []}],
        "two": [
            {
                "method": "/gitaly.RefService/RefExists",
                "result": "failed",
                "hard": [["code", "OK", "NOT_FOUND"]],
                "soft": [["chunking", "1", "2"], ["message", '"a \\"b\\""', '"c"'], ["message", "<absent>", '"d"']],
            },
            {"method": "/gitaly.RefService/ListRefs", "result": "unimplemented", "hard": []},
        ],
    }

    def test_judged(self) -> None:
        """
        A case is as bad as its worst call, and says what differs; what was not replayed is left out.
        """
        one, two = golden.judged(self.cases, self.found)
        self.assertEqual((one.result, two.result), ("passed", "failed"))
        self.assertEqual(two.differences, ("RefService/RefExists code: expected OK, got NOT_FOUND",))

    def test_wording(self) -> None:
        """
        Messages that differ are told apart from everything else.
        """
        _, two = golden.judged(self.cases, self.found)
        method = "RefService/RefExists"
        self.assertEqual(two.wording, (Difference(method, 'a "b"', "c"), Difference(method, "<absent>", "d")))

    def test_table(self) -> None:
        """
        The page counts cases by service and calls by method.
        """
        page = golden.table(golden.judged(self.cases, self.found))
        self.assertIn("| RefService | 1 |  | 1 |  |", page)
        self.assertIn("| **all** | 2 | 1 | 1 |  |", page)
        self.assertIn("| RefService/ListRefs | 1 |  |  | 1 |", page)

    def test_summary(self) -> None:
        """
        What is printed says how many claims are kept.
        """
        lines = golden.summary(golden.judged(self.cases, self.found)).splitlines()
        self.assertEqual(lines[-1].split(), ["ServerService", "1", "1", "1", "of", "1"])
        self.assertEqual(lines[-2].split()[-3:], ["0", "of", "1"])
