"""
Tests for :mod:`gitaly_tx.frontends.grpc.standard`.
"""

from __future__ import annotations

import time

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from prometheus_client import CollectorRegistry
from zope.interface.verify import verifyClass, verifyObject

from gitaly_tx.auth.callers import Callers, Wanted
from gitaly_tx.auth.token import issue_token
from gitaly_tx.frontends.grpc.standard import HEALTH, REFLECTION, Health, Reflection
from gitaly_tx.middleware.authtoken import AuthToken
from gitaly_tx.observability.metrics import Metrics
from gitaly_tx.rpc.interfaces import IMethods
from tests.support.grpcclient import GRPCCase, deferred, status_of

NAMES = ["gitaly.RefService", "gitaly.ServerService"]
CHECK = f"{HEALTH}/Check"
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def ask(service: str = "") -> health_pb2.HealthCheckRequest:
    return health_pb2.HealthCheckRequest(service=service)


class HealthTests(GRPCCase):
    """
    ``Health``.
    """

    async def test_check(self):
        """
        The server, and each of its services, serves from the moment it says so until it says otherwise.
        """
        health = Health(NAMES)
        verifyObject(IMethods, health)
        channel = await self.serve(health)
        for change, status in ((None, NOT_SERVING), (health.serving, SERVING), (health.stopping, NOT_SERVING)):
            if change is not None:
                change()
            for name in ("", *NAMES):
                reply, _ = await channel.unary(CHECK, ask(name))
                self.assertEqual(reply.status, status)

    async def test_unknown(self):
        """
        A service that is not here is NOT_FOUND.
        """
        channel = await self.serve(Health(NAMES))
        error = await channel.error(CHECK, ask("evil.Svc"))
        self.assertEqual(status_of(error), ("NOT_FOUND", "unknown service"))

    async def test_list(self):
        """
        All statuses can be had at once.
        """
        channel = await self.serve(Health(NAMES))
        reply, _ = await channel.unary(f"{HEALTH}/List", health_pb2.HealthListRequest())
        self.assertEqual(
            {name: status.status for name, status in reply.statuses.items()}, dict.fromkeys(["", *NAMES], NOT_SERVING)
        )

    async def test_watch(self):
        """
        A watcher hears the status and its changes; saying the same again is no change.
        """
        health = Health(NAMES)
        channel = await self.serve(health)
        call = await channel.begin(f"{HEALTH}/Watch", ask())
        self.assertEqual((await deferred(call.read())).status, NOT_SERVING)
        health.stopping()
        health.serving()
        self.assertEqual((await deferred(call.read())).status, SERVING)
        call.cancel()

    async def test_watch_unknown(self):
        """
        Who watches a service that is not here is told, and kept waiting.
        """
        channel = await self.serve(Health(NAMES))
        call = await channel.begin(f"{HEALTH}/Watch", ask("evil.Svc"))
        self.assertEqual((await deferred(call.read())).status, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
        call.cancel()

    async def test_token(self):
        """
        Health and reflection need the token like everything else (faults 12 and 164).
        """
        check = AuthToken(Callers(Wanted((b"foo",))), time.time, Metrics(CollectorRegistry(), process=False))
        channel = await self.serve(Health(NAMES), Reflection(NAMES), middlewares=[check])
        error = await channel.error(CHECK, ask())
        self.assertEqual(status_of(error), ("UNAUTHENTICATED", "authentication required"))
        wrong = (("authorization", f"Bearer {issue_token(b'bar', time.time())}"),)
        error = await channel.error(CHECK, ask(), metadata=wrong)
        self.assertEqual(status_of(error), ("PERMISSION_DENIED", "permission denied"))
        right = (("authorization", f"Bearer {issue_token(b'foo', time.time())}"),)
        reply, _ = await channel.unary(CHECK, ask(), metadata=right)
        self.assertEqual(reply.status, NOT_SERVING)
        call = await channel.begin(f"{REFLECTION}/ServerReflectionInfo")

        async def code():
            return await call.code()

        self.assertEqual((await deferred(code())).name, "UNAUTHENTICATED")


class ReflectionTests(GRPCCase):
    """
    ``Reflection``.
    """

    async def answers(self, *requests):
        verifyClass(IMethods, Reflection)
        channel = await self.serve(Reflection(NAMES))
        call = await channel.begin(f"{REFLECTION}/ServerReflectionInfo")

        async def run():
            found = []
            for request in requests:
                await call.write(request)
                found.append(await call.read())
            await call.done_writing()
            return found

        return await deferred(run())

    async def test_services(self):
        """
        The services are listed by name, the standard ones too.
        """
        (answer,) = await self.answers(reflection_pb2.ServerReflectionRequest(list_services=""))
        listed = [each.name for each in answer.list_services_response.service]
        self.assertEqual(listed, sorted([*NAMES, HEALTH, REFLECTION]))

    async def test_descriptors(self):
        """
        Descriptors of a service come with everything they depend on; what is not there is an error in the stream.
        """
        known, unknown = await self.answers(
            reflection_pb2.ServerReflectionRequest(file_containing_symbol="gitaly.ServerService"),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol="evil.Svc"),
        )
        files = [FileDescriptorProto.FromString(data) for data in known.file_descriptor_response.file_descriptor_proto]
        names = {file.name for file in files}
        self.assertIn("ServerService", {service.name for file in files for service in file.service})
        self.assertEqual({dependency for file in files for dependency in file.dependency} - names, set())
        self.assertEqual(unknown.error_response.error_code, 5)
