"""
Tests for :mod:`gitaly_tx.middleware.requestinfo`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.middleware.requestinfo import RequestInfo
from gitaly_tx.rpc.call import Door
from gitaly_tx.rpc.interfaces import IMiddleware
from protocols.gitaly.objectpool_pb2 import DeleteObjectPoolRequest
from protocols.gitaly.partition_pb2 import ListPartitionsRequest
from protocols.gitaly.repository_pb2 import RepositoryExistsRequest
from protocols.gitaly.shared_pb2 import ObjectPool, Repository
from tests.support.calls import make_call, pass_through

REPOSITORY = Repository(
    storage_name="default", relative_path="team/thing.git", gl_repository="project-1", gl_project_path="team/thing"
)


class RequestInfoTests(SynchronousTestCase):
    """
    ``RequestInfo``.
    """

    def fields(self, path, *requests, **more):
        call = make_call(path, requests, **more)

        async def method():
            self.before = dict(call.fields)
            while await call.exchange.receive() is not None:
                pass

        middleware = RequestInfo()
        verifyObject(IMiddleware, middleware)
        self.successResultOf(pass_through(middleware, call, method))
        return call.fields

    def test_method(self):
        """
        The method is described under Gitaly's names before it is called.
        """
        fields = self.fields("SSHService/SSHReceivePack")
        self.assertEqual(
            fields,
            {
                "grpc.service": "gitaly.SSHService",
                "grpc.method": "SSHReceivePack",
                "grpc.request.fullMethod": "/gitaly.SSHService/SSHReceivePack",
                "grpc.meta.method_type": "bidi_stream",
                "grpc.meta.method_operation": "mutator",
                "grpc.meta.method_scope": "repository",
                "grpc.meta.deadline_type": "none",
            },
        )
        self.assertEqual(self.before, fields)

    def test_no_operation(self):
        """
        A method without an operation has no such field.
        """
        self.assertNotIn("grpc.meta.method_operation", self.fields("ServerService/ServerInfo"))

    def test_repository(self):
        """
        The repository is told once the method has received the first request.
        """
        fields = self.fields("RepositoryService/RepositoryExists", RepositoryExistsRequest(repository=REPOSITORY))
        expected = {
            "grpc.request.repoStorage": "default",
            "grpc.request.repoPath": "team/thing.git",
            "grpc.request.glRepository": "project-1",
            "grpc.request.glProjectPath": "team/thing",
        }
        self.assertEqual(fields, self.before | expected)
        self.assertNotIn("grpc.request.repoPath", self.before)

    def test_storage(self):
        """
        A request that names only a storage is described by it; one that names nothing is not.
        """
        fields = self.fields("PartitionService/ListPartitions", ListPartitionsRequest(storage_name="other"))
        self.assertEqual(fields["grpc.request.StorageName"], "other")
        fields = self.fields("PartitionService/ListPartitions", ListPartitionsRequest())
        self.assertNotIn("grpc.request.StorageName", fields)

    def test_metadata(self):
        """
        What an application says of its user is taken over.
        """
        metadata = {
            "user_id": ("7",),
            "username": ("alpha",),
            "remote_ip": ("192.0.2.7",),
            "client_name": ("web",),
            "call_site": ("rpc",),
            "deadline_type": ("regular",),
            "unrelated": ("x",),
        }
        fields = self.fields("ServerService/ServerInfo", metadata=metadata, deadline=5.0)
        self.assertEqual(
            {key: fields[key] for key in ("user_id", "username", "remote_ip")},
            {"user_id": "7", "username": "alpha", "remote_ip": "192.0.2.7"},
        )
        meta = [fields[f"grpc.meta.{key}"] for key in ("client_name", "call_site", "deadline_type")]
        self.assertEqual(meta, ["web", "rpc", "regular"])
        self.assertNotIn("unrelated", fields)

    def test_deadline(self):
        """
        A call without a deadline has none, whatever its caller says; one that has is of the type that its caller says, if any.
        """
        regular = {"deadline_type": ("regular",)}
        for metadata, deadline, found in ((regular, None, "none"), (regular, 5.0, "regular"), ({}, 5.0, None)):
            fields = self.fields("ServerService/ServerInfo", metadata=metadata, deadline=deadline)
            self.assertEqual(fields.get("grpc.meta.deadline_type"), found)

    def test_client_name(self):
        """
        A client's name may come under either of two keys; an empty one is none.
        """
        shell, web = {"x-gitlab-client-name": ("shell",)}, {"client_name": ("web",)}
        for metadata, found in ((shell, "shell"), (shell | web, "web"), (shell | {"client_name": ("",)}, "shell"), ({}, None)):
            fields = self.fields("ServerService/ServerInfo", metadata=metadata)
            self.assertEqual(fields.get("grpc.meta.client_name"), found)

    def test_pool(self):
        """
        A pool is told as such, too.
        """
        pool = ObjectPool(
            repository=Repository(storage_name="default", relative_path="@pools/x.git", gl_project_path="team/thing")
        )
        fields = self.fields("ObjectPoolService/DeleteObjectPool", DeleteObjectPoolRequest(object_pool=pool))
        self.assertEqual(
            {name: fields[f"grpc.request.pool.{name}"] for name in ("storage", "relativePath", "sourceProjectPath")},
            {"storage": "default", "relativePath": "@pools/x.git", "sourceProjectPath": "team/thing"},
        )
        fields = self.fields("RepositoryService/RepositoryExists", RepositoryExistsRequest(repository=REPOSITORY))
        self.assertNotIn("grpc.request.pool.storage", fields)

    def test_user(self):
        """
        Over SSH and HTTP the user is the one that the door has proved, whatever the metadata say; an anonymous one is nobody.
        """
        fields = self.fields("SSHService/SSHReceivePack", door=Door.SSH, user="deploy", metadata={"username": ("alpha",)})
        self.assertEqual((fields["username"], fields["user_id"]), ("deploy", "username-deploy"))
        self.assertNotIn("username", self.fields("SSHService/SSHReceivePack", door=Door.HTTP))
