"""
What comes over gRPC that no client should send: tokens (faults 1 to 13) and messages (faults 161 to 168), against a real server.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.auth.token import issue_token
from protocols.gitaly import objectpool_pb2, ref_pb2, repository_pb2, smarthttp_pb2
from protocols.gitaly.shared_pb2 import ObjectPool, Repository
from tests.support import rawgrpc
from tests.support.rawgrpc import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, RawConnection
from tests.support.server import Server, shared_server
from tests.support.waiting import eventually

SECRET = b"a secret of callers"

TOKEN = f'[auth]\ntoken = "{SECRET.decode()}"\n'

EXISTS = "/gitaly.RepositoryService/RepositoryExists"

CREATE = "/gitaly.RepositoryService/CreateRepository"

HEALTH = "/grpc.health.v1.Health/Check"

REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

NOBODY = Repository(storage_name="default", relative_path="nobody.git")

UNAUTHENTICATED = ("UNAUTHENTICATED", "authentication required")

DENIED = ("PERMISSION_DENIED", "permission denied")

ROOM = 96 << 20
"""How much more memory the server may take while it is being flooded, in bytes."""


def bearer(offset: float = 0, secret: bytes = SECRET) -> str:
    """
    A token of this moment, or of another one.
    """
    return f"Bearer {issue_token(secret, time.time() + offset)}"


class WireCase(SynchronousTestCase):
    """
    A server that wants a token, and calls to it.
    """

    extra = TOKEN

    def setUp(self) -> None:
        self.server = shared_server(self.extra)
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_metadata_size", 2 << 20)]
        self.channel = grpc.insecure_channel(self.server.grpc, options)
        self.addCleanup(self.channel.close)

    def call(self, path: str, request: bytes = b"", authorization: str | None = None) -> tuple[str, str]:
        """
        A unary call with these bytes as its request.

        :returns: the status and its text.
        """
        metadata = [] if authorization is None else [("authorization", authorization)]
        try:
            self.channel.unary_unary(path)(request, metadata=metadata, timeout=30)
        except grpc.RpcError as error:
            return _status(error)
        return "OK", ""

    def stream(self, path: str, requests: Sequence[Any], authorization: str | None = None) -> tuple[str, str]:
        """
        The same with any number of requests.
        """
        metadata = [] if authorization is None else [("authorization", authorization)]
        raw = [request if isinstance(request, bytes) else request.SerializeToString() for request in requests]
        try:
            for _ in self.channel.stream_stream(path)(iter(raw), metadata=metadata, timeout=30):
                pass
        except grpc.RpcError as error:
            return _status(error)
        return "OK", ""


def _status(error: Any) -> tuple[str, str]:
    return error.code().name, error.details()


class TokenTests(WireCase):
    """
    Who does not know the secret gets nowhere.
    """

    def test_missing(self) -> None:
        """
        What is no token at all is told to bring one (1 to 4).
        """
        for authorization in (None, "", "Bearer", "Bearer foo", "Bearer foo.bar", f"Bearer {SECRET.decode()}", "Basic eDp5",
                              bearer().replace("Bearer", "Basic"), "Bearer v2.zz.1"):  # fmt: skip
            self.assertEqual(self.call(EXISTS, authorization=authorization), UNAUTHENTICATED, authorization)

    def test_wrong(self) -> None:
        """
        A token of another secret, another time or another version is refused (5 to 8, 10).
        """
        version, mac, now = bearer().removeprefix("Bearer ").split(".")
        for authorization in (
            bearer(secret=b"wrong"),
            bearer(40),
            bearer(-40),
            f"Bearer v3.{mac}.{now}",
            f"Bearer {version}.{mac}.{int(now) - 1}",
        ):
            self.assertEqual(self.call(EXISTS, authorization=authorization), DENIED, authorization)

    def test_odd(self) -> None:
        """
        Odd tokens are refused like others, and harm nothing (11).
        """
        for message in ("1e400", "NaN", "-1", "9" * 400):
            odd = issue_token(SECRET, 0).rpartition(".")[0] + f".{message}"
            self.assertEqual(self.call(EXISTS, authorization=f"Bearer {odd}"), DENIED)
        self.assertEqual(self.call(EXISTS, authorization="Bearer v2.abc.1"), UNAUTHENTICATED)
        code, _ = self.call(EXISTS, authorization="Bearer v2." + "a" * (1 << 20))
        self.assertIn(code, ("RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL", "UNAUTHENTICATED"))
        self.assertEqual(self.call(HEALTH, authorization=bearer()), ("OK", ""))

    def test_good(self) -> None:
        """
        A good token is good for as often as its user likes, also in upper case (9).
        """
        token = bearer(-20)
        version, mac, now = token.removeprefix("Bearer ").split(".")
        request = repository_pb2.RepositoryExistsRequest(repository=NOBODY).SerializeToString()
        for authorization in (token, token, f"bEARER {version}.{mac.upper()}.{now}", bearer(20)):
            self.assertEqual(self.call(EXISTS, request, authorization), ("OK", ""))

    def test_health_and_reflection(self) -> None:
        """
        These want a token like everything else, and answer whoever has one (12, 164).
        """
        question = reflection_pb2.ServerReflectionRequest(list_services="")
        self.assertEqual(self.call(HEALTH), UNAUTHENTICATED)
        self.assertEqual(self.stream(REFLECTION, [question]), UNAUTHENTICATED)
        request = health_pb2.HealthCheckRequest().SerializeToString()
        self.assertEqual(self.call(HEALTH, request, bearer()), ("OK", ""))
        self.assertEqual(self.stream(REFLECTION, [question], bearer()), ("OK", ""))

    def test_nothing_happens(self) -> None:
        """
        Nothing is done for a caller without a token, whether their call is one message or many (13).
        """
        name = Repository(storage_name="default", relative_path=f"{uuid.uuid4()}.git")
        request = repository_pb2.CreateRepositoryRequest(repository=name).SerializeToString()
        self.assertEqual(self.call(CREATE, request), UNAUTHENTICATED)
        first = smarthttp_pb2.PostReceivePackRequest(repository=name, gl_id="user-1")
        self.assertEqual(self.stream("/gitaly.SmartHTTPService/PostReceivePack", [first, b"\xff"]), UNAUTHENTICATED)
        self.assertFalse((self.server.storage / name.relative_path).exists())

    def test_counted(self) -> None:
        """
        Every decision is a number, under Gitaly's name and under ours.
        """
        self.call(EXISTS)
        self.call(EXISTS, authorization=bearer(secret=b"wrong"))
        self.call(HEALTH, authorization=bearer())
        page = self.server.page("/metrics")
        labels = 'method="RepositoryExists",reason="{}",service="gitaly.RepositoryService"'
        for line in (
            *(
                f'gitaly_authentications_total{{enforced="true",status="{status}"}}'
                for status in ("unauthenticated", "denied", "ok")
            ),
            *(f"gitaly_tx_rejections_total{{{labels.format(reason)}}}" for reason in ("unauthenticated", "permission")),
        ):
            self.assertIn(f"\n{line} ", page)

    def test_said_in_the_log(self) -> None:
        """
        The log says which check failed; neither a secret nor a token is in it.
        """
        version, mac, now = bearer(secret=b"wrong").removeprefix("Bearer ").split(".")
        self.call(EXISTS, authorization=f"Bearer {version}.{mac}.{now}")
        eventually(lambda: "wrong signature" in self.server.output(), "the refusal is in the log")
        self.assertNotIn(SECRET.decode(), self.server.output())
        self.assertNotIn(mac, self.server.output())


class ExchangeTests(SynchronousTestCase):
    """
    Secrets are exchanged while the server runs.
    """

    timeout = 120

    def test_exchange(self) -> None:
        """
        First the new secret is good beside the old one, then the old one is not good any more; nobody is cut off.
        """
        server = Server('[auth]\ntoken = "old"\n')
        self.addCleanup(server.dispose)
        server.start()
        channel = grpc.insecure_channel(server.grpc)
        self.addCleanup(channel.close)

        def known(secret: bytes) -> bool:
            try:
                channel.unary_unary(HEALTH)(b"", metadata=[("authorization", bearer(secret=secret))], timeout=30)
            except grpc.RpcError as error:
                self.assertEqual(_status(error), DENIED)
                return False
            return True

        self.assertEqual((known(b"old"), known(b"new")), (True, False))
        for auth, expected in (
            ('token = "new"\nprevious_tokens = ["old"]', (True, True)),
            ('token = "new"', (False, True)),
        ):
            server.extra = f"[auth]\n{auth}\n"
            server.write_config()
            os.kill(server.pid, signal.SIGHUP)
            eventually(lambda expected=expected: (known(b"old"), known(b"new")) == expected, "the secrets are exchanged")  # type: ignore[misc]
        eventually(lambda: "gRPC callers: 1 token is accepted now" in server.output(), "the log says so")


class MessageTests(WireCase):
    """
    Messages that are none, or none for here.
    """

    extra = ""

    def test_too_large(self) -> None:
        """
        More than 4 MiB is refused in words that clients know, and more than twice that is not even read (161).
        """
        for size, text in ((5 << 20, "grpc: received message larger than max ({} vs. 4194304)"), (9 << 20, "")):
            name = Repository(storage_name="default", relative_path="x" * size)
            request = repository_pb2.RepositoryExistsRequest(repository=name).SerializeToString()
            code, message = self.call(EXISTS, request)
            self.assertEqual(code, "RESOURCE_EXHAUSTED")
            if text:
                self.assertEqual(message, text.format(len(request)))

    def test_unknown(self) -> None:
        """
        What is not here is not here (162).
        """
        for path, text in (
            ("/gitaly.RepositoryService/NoSuch", "unknown method NoSuch for service gitaly.RepositoryService"),
            ("/evil.Svc/Method", "unknown service evil.Svc"),
            ("/gitaly.RefTransaction/VoteTransaction", "unknown service gitaly.RefTransaction"),
            ("/gitaly.PraefectInfoService/RepositoryReplicas", "unknown service gitaly.PraefectInfoService"),
            ("/nothing", 'malformed method name: "/nothing"'),
        ):
            self.assertEqual(self.call(path), ("UNIMPLEMENTED", text))

    def test_malformed(self) -> None:
        """
        Bytes that are no message are refused as by Go, in unary calls and in streams (163).
        """
        text = "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data"
        for junk in (b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\x0a", b"\x0a\x03\x12\x01\xff"):
            self.assertEqual(self.call(EXISTS, junk), ("INTERNAL", text))
            self.assertEqual(self.stream("/gitaly.SmartHTTPService/PostReceivePack", [junk]), ("INTERNAL", text))

    def test_repository_again(self) -> None:
        """
        Only the first request of a stream names the repository (166).
        """
        name = Repository(storage_name="default", relative_path=f"{uuid.uuid4()}.git")
        request = repository_pb2.CreateRepositoryRequest(repository=name).SerializeToString()
        self.assertEqual(self.call(CREATE, request), ("OK", ""))
        self.addCleanup(shutil.rmtree, self.server.storage / name.relative_path, True)
        for path, again, text in (
            (
                "/gitaly.RepositoryService/ObjectsSize",
                repository_pb2.ObjectsSizeRequest(repository=name, revisions=[b"HEAD"]),
                "subsequent requests must not contain repository",
            ),
            (
                "/gitaly.RefService/UpdateReferences",
                ref_pb2.UpdateReferencesRequest(
                    repository=name,
                    updates=[{"reference": b"refs/heads/x", "old_object_id": b"0" * 40, "new_object_id": b"0" * 40}],
                ),
                "repository set in subsequent request",
            ),
        ):
            self.assertEqual(self.stream(path, [again, again]), ("INVALID_ARGUMENT", text))

    def test_push(self) -> None:
        """
        A push says first who makes it, and nothing else (167).
        """
        path = "/gitaly.SmartHTTPService/PostReceivePack"
        for request, text in (
            (smarthttp_pb2.PostReceivePackRequest(repository=NOBODY, data=b"x"), "empty GlId"),
            (smarthttp_pb2.PostReceivePackRequest(repository=NOBODY, gl_id="user-1", data=b"x"), "non-empty Data"),
        ):
            self.assertEqual(self.stream(path, [request]), ("INVALID_ARGUMENT", text))

    def test_pool(self) -> None:
        """
        Pools are where pools are (168).
        """
        for path in ("pool.git", "@pools/ab/cd/ef.git", "@pools/../x.git"):
            pool = ObjectPool(repository=Repository(storage_name="default", relative_path=path))
            request = objectpool_pb2.CreateObjectPoolRequest(object_pool=pool, origin=NOBODY)
            code, message = self.call("/gitaly.ObjectPoolService/CreateObjectPool", request.SerializeToString())
            self.assertEqual((code, message), ("INVALID_ARGUMENT", "invalid object pool directory"))


class FloodTests(WireCase):
    """
    What breaks the rules of HTTP/2 or of gRPC costs its sender the stream or the connection, and nobody else anything (165).
    """

    extra = ""
    timeout = 120

    def setUp(self) -> None:
        super().setUp()
        self.memory = self.resident()

    def resident(self) -> int:
        """
        The server's memory, in bytes.
        """
        for line in Path(f"/proc/{self.server.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
        raise AssertionError("there is no figure")

    def connect(self) -> RawConnection:
        """
        A connection that ends with the test.
        """
        connection = RawConnection(self.server.grpc_port)
        self.addCleanup(connection.close)
        return connection

    def unharmed(self) -> None:
        """
        Others are served as before as soon as the flood is over, and the server has not grown much.
        """
        eventually(lambda: self.call(HEALTH) == ("OK", ""), "others are served")
        self.assertLess(self.resident() - self.memory, ROOM)

    def test_messages(self) -> None:
        """
        A message that says it is compressed when nothing was agreed, or is longer than any may be, ends its call; one that breaks
        off is none, so nobody is called.
        """
        for data, whole in (
            (rawgrpc.message(b"\x0a\x00", compressed=1), True),
            (rawgrpc.message(b"", length=0xFFFFFFFF), True),
            (rawgrpc.message(b"x", length=100), False),
            (b"\x00\x00", False),
        ):
            connection = self.connect()
            connection.send(rawgrpc.frame(HEADERS, END_HEADERS, 1, rawgrpc.call_fields(EXISTS)))
            connection.send(rawgrpc.frame(DATA, END_STREAM, 1, data))
            if whole:
                self.assertIn(connection.ends(1), ("answered", "reset", "goaway", "closed"))
        self.unharmed()

    def test_empty_frames(self) -> None:
        """
        Frames without content do nothing.
        """
        connection = self.connect()
        connection.send(rawgrpc.frame(HEADERS, END_HEADERS, 1, rawgrpc.call_fields(EXISTS)))
        block = rawgrpc.frame(DATA, 0, 1) * 1000
        for _ in range(100):
            if not connection.send(block):
                break
        connection.send(rawgrpc.frame(DATA, END_STREAM, 1, rawgrpc.message(b"")))
        self.assertIn(connection.ends(1), ("answered", "reset", "goaway", "closed"))
        self.unharmed()

    def test_rapid_reset(self) -> None:
        """
        Calls that are cancelled as soon as they are made leave nothing behind.
        """
        connection = self.connect()
        for start in range(1, 8_000, 200):
            block = b""
            for stream in range(start, start + 200, 2):
                block += rawgrpc.frame(HEADERS, END_HEADERS, stream, rawgrpc.call_fields(EXISTS))
                block += rawgrpc.frame(RST_STREAM, 0, stream, b"\x00\x00\x00\x08")
            if not connection.send(block):
                break
        connection.close()
        self.unharmed()

    def test_control_frames(self) -> None:
        """
        Floods of SETTINGS and PING whose answers nobody reads are cut off, or answered in bounded memory.
        """
        for block in (rawgrpc.frame(SETTINGS, 0, 0) * 1000, rawgrpc.frame(PING, 0, 0, b"12345678") * 1000):
            connection = RawConnection(self.server.grpc_port, seconds=2)
            for _ in range(60):
                if not connection.send(block):
                    break
            connection.close()
        self.unharmed()

    def test_headers(self) -> None:
        """
        Headers without end take no more room than short ones; headers that become large when they are decompressed are refused.
        """
        connection = self.connect()
        connection.send(rawgrpc.frame(HEADERS, 0, 1, rawgrpc.call_fields(EXISTS)))
        block = rawgrpc.frame(CONTINUATION, 0, 1, rawgrpc.field(b"x-much", b"y" * 4000) * 4) * 10
        for _ in range(1000):
            if not connection.send(block):
                break
        connection = self.connect()
        # One large field goes into the table (RFC 7541, 6.2.1); each further byte is that field again.
        large = b"\x40" + rawgrpc.field(b"x-bomb", b"y" * 3900)[1:]
        connection.send(rawgrpc.frame(HEADERS, END_HEADERS | END_STREAM, 1, rawgrpc.call_fields(EXISTS) + large + b"\xbe" * 8000))
        self.assertIn(connection.ends(1), ("reset", "goaway", "closed", "answered"))
        self.unharmed()
