"""
RepositoryService over a storage in memory: which request gets which answer, as real Gitaly gave them.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from google.protobuf.message import Message
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.config import UnusableConfig
from gitaly_tx.git.objectid import ObjectFormat
from gitaly_tx.rpc.interfaces import IMethods
from gitaly_tx.services.repository.service import RepositoryService
from gitaly_tx.storage.errors import PathUnreadable
from gitaly_tx.storage.interfaces import IRepository, StorageInfo
from gitaly_tx.storage.memory import MemoryStorageProvider
from protocols.gitaly import repository_pb2 as pb
from protocols.gitaly.shared_pb2 import Repository
from tests.support.awaiting import begin
from tests.support.hearing import make_unasked
from tests.support.threads import inline_threads

NO_GIT: Any = None
"""What these methods do without: git, and a linguist."""


class RepositoryServiceCase(SynchronousTestCase):
    """
    The service, called as the dispatcher calls it.
    """

    def setUp(self) -> None:
        self.storage = MemoryStorageProvider([StorageInfo("default", "/default", "")])
        self.service = RepositoryService(
            self.storage, NO_GIT, inline_threads, make_unasked(NO_GIT), NO_GIT, NO_GIT, NO_GIT, NO_GIT
        )

    def call(self, name: str, **fields: Any) -> Any:
        """
        The reply to a request.
        """
        request = getattr(pb, f"{name}Request")(**fields)
        return self.successResultOf(begin(self.begun(name, request)))

    def refusal(self, name: str, **fields: Any) -> tuple[Code, str]:
        """
        How a request is refused.
        """
        request = getattr(pb, f"{name}Request")(**fields)
        error = self.failureResultOf(begin(self.begun(name, request)), GitalyError).value
        return error.code, error.message

    def begun(self, name: str, request: Message) -> Coroutine[Any, Any, Any]:
        return getattr(self.service, name)(None, request)


def named(path: str = "a.git", storage: str = "default") -> Repository:
    """
    A repository's name.
    """
    return Repository(storage_name=storage, relative_path=path)


class CommonTests(RepositoryServiceCase):
    """
    What all of its methods have in common.
    """

    def test_interface(self):
        """
        The service is a table of methods.
        """
        verifyObject(IMethods, self.service)
        self.assertEqual(self.service.service, "gitaly.RepositoryService")

    def test_validation(self):
        """
        All methods refuse bad names in the same words, and none without a repository.
        """
        for method in ("CreateRepository", "RemoveRepository", "RepositoryExists", "ObjectFormat"):
            for fields, text in [
                ({}, "repository not set"),
                ({"repository": Repository()}, "repository not set"),
                ({"repository": named("")}, "repository path not set"),
                ({"repository": named(storage="")}, "storage name not set"),
                ({"repository": named("foobar.git", "does not exist")}, "storage name not found"),
                ({"repository": named("../a.git")}, "relative path escapes root directory"),
            ]:
                self.assertEqual(self.refusal(method, **fields), (Code.INVALID_ARGUMENT, text), method)


class CreateRepositoryTests(RepositoryServiceCase):
    """
    ``CreateRepository``
    """

    def opened(self) -> IRepository:
        return self.successResultOf(begin(self.storage.repository(named())))

    def test_plain(self):
        """
        A repository is made with SHA-1 and main.
        """
        self.assertEqual(self.call("CreateRepository", repository=named()), pb.CreateRepositoryResponse())
        self.assertEqual(self.opened().object_format.value, "sha1")
        self.assertEqual(self.successResultOf(begin(self.opened().head())), b"refs/heads/main")

    def test_default_branch(self):
        """
        The default branch is given by its short name.
        """
        self.call("CreateRepository", repository=named(), default_branch=b"develop")
        self.assertEqual(self.successResultOf(begin(self.opened().head())), b"refs/heads/develop")

    def test_object_format(self):
        """
        The object format is the caller's choice.
        """
        for number, expected in [(0, "sha1"), (1, "sha1"), (2, "sha256")]:
            self.call("CreateRepository", repository=named(), object_format=number)
            self.assertEqual(self.opened().object_format.value, expected)
            self.call("RemoveRepository", repository=named())

    def test_unknown_object_format(self):
        """
        An unknown object format is refused, after a bad name (fault 33).
        """
        for number in (3, 99):
            expected = (Code.INVALID_ARGUMENT, f'unknown object format: "{number}"')
            self.assertEqual(self.refusal("CreateRepository", repository=named(), object_format=number), expected)
        refused = self.refusal("CreateRepository", repository=named("../x"), object_format=99)
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "relative path escapes root directory"))
        self.assertFalse(self.call("RepositoryExists", repository=named()).exists)

    def test_invalid_branch(self):
        """
        A branch that git does not take is refused in git's words.
        """
        text = (
            "creating repository: creating repository: exit status 128, "
            "stderr: \"fatal: invalid initial branch name: './.lock'\\n\""
        )
        refused = self.refusal("CreateRepository", repository=named(), default_branch=b"./.lock")
        self.assertEqual(refused, (Code.INTERNAL, text))

    def test_exists(self):
        """
        What exists is not made again, and that is said before anything is said of the branch (fault 32).
        """
        self.call("CreateRepository", repository=named())
        expected = (Code.ALREADY_EXISTS, "creating repository: repository exists already")
        self.assertEqual(self.refusal("CreateRepository", repository=named()), expected)
        self.assertEqual(self.refusal("CreateRepository", repository=named(), default_branch=b".."), expected)


class RemoveRepositoryTests(RepositoryServiceCase):
    """
    ``RemoveRepository``
    """

    def test_remove(self):
        """
        A repository is gone once it was removed, and cannot be removed again (fault 32).
        """
        self.call("CreateRepository", repository=named())
        self.assertEqual(self.call("RemoveRepository", repository=named()), pb.RemoveRepositoryResponse())
        self.assertFalse(self.call("RepositoryExists", repository=named()).exists)
        expected = (Code.NOT_FOUND, "repository does not exist")
        for path in ("a.git", "/does/not/exist"):
            self.assertEqual(self.refusal("RemoveRepository", repository=named(path)), expected)


class RepositoryExistsTests(RepositoryServiceCase):
    """
    ``RepositoryExists``
    """

    def test_exists(self):
        """
        A repository exists or does not.
        """
        self.assertFalse(self.call("RepositoryExists", repository=named()).exists)
        self.call("CreateRepository", repository=named())
        self.assertTrue(self.call("RepositoryExists", repository=named()).exists)

    def test_unreadable(self):
        """
        What cannot be looked at is INTERNAL here.
        """
        self.patch(self.storage, "exists", _raising(PathUnreadable("a.git")))
        expected = (Code.INTERNAL, "validate git directory: not a directory")
        self.assertEqual(self.refusal("RepositoryExists", repository=named()), expected)


class ObjectFormatTests(RepositoryServiceCase):
    """
    ``ObjectFormat``
    """

    def test_formats(self):
        """
        The format is the one that the repository was made with.
        """
        for number in (1, 2):
            self.call("CreateRepository", repository=named(f"{number}.git"), object_format=number)
            self.assertEqual(self.call("ObjectFormat", repository=named(f"{number}.git")).format, number)

    def test_missing(self):
        """
        A repository that is not there has none.
        """
        refused = self.refusal("ObjectFormat", repository=named("nonexistent.git"))
        self.assertEqual(refused, (Code.NOT_FOUND, "repository not found"))

    def test_unreadable(self):
        """
        What cannot be looked at is INVALID_ARGUMENT here.
        """
        self.patch(self.storage, "repository", _raising(PathUnreadable("a.git")))
        expected = (Code.INVALID_ARGUMENT, "validate git directory: not a directory")
        self.assertEqual(self.refusal("ObjectFormat", repository=named()), expected)

    def test_broken_config(self):
        """
        A config that git does not take is told as git's failure.
        """

        class Broken:
            @property
            def object_format(self) -> ObjectFormat:
                raise UnusableConfig("/a.git/config", "blake2b")

        async def repository(message: Repository) -> Broken:
            return Broken()

        self.patch(self.storage, "repository", repository)
        expected = (Code.INTERNAL, "detecting object hash: reading object format: exit status 128")
        self.assertEqual(self.refusal("ObjectFormat", repository=named()), expected)


def _raising(error: Exception) -> Any:
    async def refuse(message: object) -> None:
        raise error

    return refuse
