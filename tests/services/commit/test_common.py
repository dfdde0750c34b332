"""
What the methods of CommitService have in common.
"""

from __future__ import annotations

from zope.interface.verify import verifyObject

from gitaly_tx.rpc.catalogue import gitaly_methods
from gitaly_tx.rpc.interfaces import IMethods
from protocols.gitaly import commit_pb2 as pb
from protocols.gitaly.shared_pb2 import Repository

from .case import CommitCase

STREAMING = {"CheckObjectsExist", "FilterShasWithSignatures"}


class CommonTests(CommitCase):
    """
    All methods
    """

    def methods(self) -> list[str]:
        """
        The methods that are built and take one request.
        """
        names = [info.name for info in gitaly_methods() if info.service == self.service.service]
        return [name for name in names if hasattr(self.service, name) and name not in STREAMING]

    def test_interface(self):
        """
        The service is a table of methods.
        """
        verifyObject(IMethods, self.service)
        self.assertEqual(self.service.service, "gitaly.CommitService")

    async def test_repository(self):
        """
        What is wrong with the repository is said before anything else.
        """
        for method in self.methods():
            fields = {"from": b"a", "to": b"b"} if method == "CountDivergingCommits" else {}
            missing = Repository(storage_name="default", relative_path="nope.git")
            self.assertEqual(await self.refused(method, repository=missing, **fields), "NOT_FOUND repository not found", method)
            self.assertEqual(await self.refused(method, repository=None, **fields), "INVALID_ARGUMENT repository not set", method)

    async def test_revision(self):
        """
        A revision is checked by the same rules everywhere (faults 35 to 41); where a default makes sense it may be empty.
        """
        defaulting = {"ListFiles", "FindAllCommits", "FindCommits", "CommitsByMessage", "CountCommits", "CommitLanguages"}
        tried = 0
        for method in self.methods():
            fields = getattr(pb, f"{method}Request").DESCRIPTOR.fields_by_name
            if "revision" not in fields:
                continue
            tried += 1
            text = fields["revision"].type == fields["revision"].TYPE_STRING
            cases = [
                ("--output=/tmp/x", "revision can't start with '-'"),
                ("-h", "revision can't start with '-'"),
                ("main:path", "revision can't contain ':'"),
                ("a b", "revision can't contain whitespace"),
                ("a\0b", "revision can't contain NUL"),
                ("main\\x", "revision can't contain '\\'"),
            ]
            if method not in defaulting:
                cases.append(("", "empty revision"))
            for revision, expected in cases:
                given = revision if text else revision.encode()
                self.assertEqual(await self.refused(method, revision=given), f"INVALID_ARGUMENT {expected}", method)
        self.assertGreater(tried, 9)
