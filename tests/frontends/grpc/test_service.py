"""
Tests for :mod:`gitaly_tx.frontends.grpc.service`.
"""

from __future__ import annotations

import os

import grpc
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.frontends.grpc.listening import Kind, Listen
from gitaly_tx.frontends.grpc.service import GRPCService
from gitaly_tx.rpc.dispatcher import Dispatcher
from protocols.gitaly import repository_pb2
from tests.support.calls import Service
from tests.support.grpcclient import TCP, GRPCCase, deferred

EXISTS = "RepositoryService/RepositoryExists"
REQUEST = repository_pb2.RepositoryExistsRequest()


async def exists(call, request):
    return repository_pb2.RepositoryExistsResponse(exists=True)


def repositories(method=exists) -> Service:
    return Service("RepositoryService", RepositoryExists=method)


class LifeTests(GRPCCase):
    """
    Start and stop.
    """

    async def test_nothing_before_start(self):
        """
        Building opens nothing and starts no thread: twistd forks afterwards.
        """
        threads = set(os.listdir("/proc/self/task"))
        path = os.path.abspath(self.mktemp())
        service = GRPCService(self.reactor(), Dispatcher([], (), self.reactor()), [Listen(Kind.UNIX, path)])
        self.assertFalse(os.path.exists(path))
        self.assertFalse(service.running)
        self.assertEqual(set(os.listdir("/proc/self/task")) - threads, set())

    async def test_stop_at_once(self):
        """
        A service that is stopped before the reactor got round to it never listens.
        """
        path = os.path.abspath(self.mktemp())
        service = GRPCService(self.reactor(), Dispatcher([], (), self.reactor()), [Listen(Kind.UNIX, path)])
        service.startService()
        await service.stopService()
        waited: Deferred[None] = Deferred()
        self.reactor().callLater(0.01, waited.callback, None)
        await waited
        self.assertFalse(os.path.exists(path))

    async def test_graceful_stop(self):
        """
        A stop takes no more calls and waits for those that run.
        """
        begun: Deferred[None] = Deferred()
        gate: Deferred[None] = Deferred()

        async def slow(call, request):
            begun.callback(None)
            await gate
            return repository_pb2.RepositoryExistsResponse(exists=True)

        channel = await self.serve(repositories(slow), grace=20)
        call = await channel.begin(EXISTS, REQUEST)
        await begun
        stopped = self.service.stopService()
        self.assertFalse(stopped.called)
        gate.callback(None)

        async def reply():
            return await call

        self.assertTrue((await deferred(reply())).exists)
        await stopped
        error = await self.channel(self.bound[0].address).error(EXISTS, REQUEST)
        self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)

    async def test_grace_ends(self):
        """
        A call that goes on when grace is over is cancelled, and the stop waits for its clean-up.
        """
        begun: Deferred[None] = Deferred()
        cancelled: Deferred[None] = Deferred()
        cleaned: Deferred[None] = Deferred()

        async def endless(call, request):
            begun.callback(None)
            try:
                await Deferred()
            finally:
                cancelled.callback(None)
                await cleaned

        channel = await self.serve(repositories(endless), grace=0.05)
        await channel.begin(EXISTS, REQUEST)
        await begun
        stopped = self.service.stopService()
        await cancelled
        self.assertFalse(stopped.called)
        cleaned.callback(None)
        await stopped

    async def test_again(self):
        """
        A service that was stopped can be started again.
        """
        await self.serve(repositories())
        await self.service.stopService()
        self.service.startService()
        bound = await self.service.listening()
        reply, _ = await self.channel(bound[0].address).unary(EXISTS, REQUEST)
        self.assertTrue(reply.exists)

    async def test_stop_twice(self):
        """
        Stopping what has stopped is done at once.
        """
        await self.serve(repositories())
        await self.service.stopService()
        self.assertTrue(self.service.stopService().called)

    def test_another_reactor(self):
        """
        On a reactor that is not asyncio's the service says what is wrong.
        """
        clock = Clock()
        service = GRPCService(clock, Dispatcher([], (), clock), [TCP])
        service.startService()
        listening = service.listening()
        # Inside of the loop it would find one; a synchronous test runs outside of it.
        clock.advance(0)
        error = self.failureResultOf(listening, GitalyError).value
        self.assertEqual(error.code, Code.FAILED_PRECONDITION)
        self.assertIn("--reactor=asyncio", error.message)
