"""
Tests for :mod:`gitaly_tx.rpc.method` and :mod:`gitaly_tx.rpc.catalogue`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.rpc.method import Operation, Scope
from protocols.gitaly import objectpool_pb2, operations_pb2, partition_pb2, repository_pb2, smarthttp_pb2
from protocols.gitaly.shared_pb2 import ObjectPool, Repository
from tests.support.calls import METHODS


class CatalogueTests(SynchronousTestCase):
    """
    ``gitaly_methods``.
    """

    def test_everything_is_known(self):
        """
        All 164 methods of all 20 services are known.
        """
        self.assertEqual(len(METHODS), 164)
        self.assertEqual(len({info.service for info in METHODS.values()}), 20)


class MethodInfoTests(SynchronousTestCase):
    """
    ``MethodInfo``.
    """

    def test_stream_kinds(self):
        """
        The stream kinds are those of the ``.proto`` file.
        """
        kinds = {
            "RepositoryService/RepositoryExists": "unary",
            "RepositoryService/CreateRepositoryFromBundle": "client_stream",
            "SmartHTTPService/InfoRefsUploadPack": "server_stream",
            "SSHService/SSHReceivePack": "bidi_stream",
        }
        self.assertEqual({path: METHODS[f"/gitaly.{path}"].kind for path in kinds}, kinds)

    def test_operation_and_scope(self):
        """
        Operation and scope are read from the options; an intercepted service has none.
        """
        push = METHODS["/gitaly.SmartHTTPService/PostReceivePack"]
        info = METHODS["/gitaly.ServerService/ServerInfo"]
        walk = METHODS["/gitaly.InternalGitaly/WalkRepos"]
        self.assertEqual((push.operation, push.scope, push.intercepted), (Operation.MUTATOR, Scope.REPOSITORY, False))
        self.assertEqual((info.operation, info.intercepted), (Operation.UNKNOWN, True))
        self.assertEqual((walk.operation, walk.scope), (Operation.ACCESSOR, Scope.STORAGE))

    def test_path(self):
        """
        The path is the name on the wire.
        """
        self.assertEqual({path for path, info in METHODS.items() if info.path != path}, set())

    def test_repository(self):
        """
        The target repository is found where the options say it is, also one message deep.
        """
        repository = Repository(storage_name="default", relative_path="team/thing.git")
        plain = METHODS["/gitaly.SmartHTTPService/PostReceivePack"]
        self.assertEqual(plain.repository(smarthttp_pb2.PostReceivePackRequest(repository=repository)), repository)
        deep = METHODS["/gitaly.OperationService/UserCommitFiles"]
        header = operations_pb2.UserCommitFilesRequestHeader(repository=repository)
        self.assertEqual(deep.repository(operations_pb2.UserCommitFilesRequest(header=header)), repository)

    def test_pool(self):
        """
        A request that is about an object pool works on the pool's repository.
        """
        delete = METHODS["/gitaly.ObjectPoolService/DeleteObjectPool"]
        name = Repository(storage_name="default", relative_path="@pools/x.git")
        request = objectpool_pb2.DeleteObjectPoolRequest(object_pool=ObjectPool(repository=name))
        self.assertEqual(delete.repository(request), name)
        self.assertIsNone(delete.repository(objectpool_pb2.DeleteObjectPoolRequest(object_pool=ObjectPool())))
        self.assertIsNone(delete.repository(objectpool_pb2.DeleteObjectPoolRequest()))

    def test_no_repository(self):
        """
        A request that does not name one has none, and is not changed by the question.
        """
        request = operations_pb2.UserCommitFilesRequest()
        self.assertIsNone(METHODS["/gitaly.OperationService/UserCommitFiles"].repository(request))
        self.assertFalse(request.HasField("header"))
        info = METHODS["/gitaly.ServerService/ServerInfo"]
        self.assertIsNone(info.repository(info.request()))

    def test_storage_name(self):
        """
        The storage is the repository's, or the one that the request names, or none.
        """
        exists = METHODS["/gitaly.RepositoryService/RepositoryExists"]
        request = repository_pb2.RepositoryExistsRequest(repository=Repository(storage_name="default"))
        self.assertEqual(exists.storage_name(request), "default")
        partitions = METHODS["/gitaly.PartitionService/ListPartitions"]
        self.assertEqual(partitions.storage_name(partition_pb2.ListPartitionsRequest(storage_name="other")), "other")
        info = METHODS["/gitaly.ServerService/ServerInfo"]
        self.assertEqual(info.storage_name(info.request()), "")
