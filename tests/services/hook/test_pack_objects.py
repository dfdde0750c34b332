"""
Tests for PackObjectsHookWithSidechannel, :mod:`gitaly_tx.transport.packobjects` and :mod:`gitaly_tx.transport.hooksocket`, with a
real git and real sockets.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.children import Children
from gitaly_tx.rpc.interfaces import IMethods
from gitaly_tx.services.hook.pack_objects import SOCKET
from gitaly_tx.services.hook.ports import HookPorts
from gitaly_tx.services.hook.service import HookService
from gitaly_tx.transport.hooksocket import PATIENCE, HookSockets
from gitaly_tx.transport.interfaces import IPackObjects, PackRequest
from gitaly_tx.transport.packobjects import PackObjects, pack_request
from protocols.git.sideband import BAND_DATA, BAND_PROGRESS, BandData, SidebandDecoder
from protocols.gitaly.hook_pb2 import PackObjectsHookWithSidechannelRequest, PackObjectsHookWithSidechannelResponse
from protocols.gitaly.shared_pb2 import Repository
from tests.support.calls import make_call
from tests.support.git import git, make_git, make_repository
from tests.support.gitcalls import NAME, RELATIVE_PATH
from tests.support.leaks import LeakCheck
from tests.support.reading import GivenRepositories, Reading

ARGUMENTS = ("pack-objects", "--revs", "--thin", "--stdout", "--progress", "--delta-base-offset")


class RequestTests(SynchronousTestCase):
    """
    ``pack_request``.
    """

    def test_taken(self):
        """
        What upload-pack would run is taken apart.
        """
        flags = ARGUMENTS[1:]
        self.assertEqual(pack_request(ARGUMENTS), PackRequest(flags))
        shallow = ("--shallow-file", "", *ARGUMENTS, "--filter=blob:none")
        self.assertEqual(pack_request(shallow, "version=2"), PackRequest((*flags, "--filter=blob:none"), True, "version=2"))

    def test_refused(self):
        """
        Anything else is refused with Gitaly's text, and so are flags that write or read what upload-pack never asks for.
        """
        for words, why in (
            ((), "missing pack-objects"),
            (("rm", "-rf"), "missing pack-objects"),
            (("--shallow-file", "x", *ARGUMENTS), "missing pack-objects"),
            (("pack-objects", "out", "--stdout"), "non-flag argument"),
            (("pack-objects", "--revs"), "missing --stdout"),
            (("pack-objects", "--stdout", "--unpack-unreachable"), 'flag not allowed: "--unpack-unreachable"'),
            (("pack-objects", "--stdout", "--upload-pack=x"), 'flag not allowed: "--upload-pack=x"'),
            (("pack-objects", "--stdout", "--filter="), 'flag not allowed: "--filter="'),
            (("pack-objects", "--stdout", "--window=x"), 'flag not allowed: "--window=x"'),
            (("pack-objects", "--stdout", "-"), 'flag not allowed: "-"'),
            (("pack-objects", "--stdout", "--revs\n"), 'flag not allowed: "--revs\\n"'),
        ):
            error = self.assertRaises(GitalyError, pack_request, words)
            text = f"invalid pack-objects command: [{' '.join(words)}]: {why}"
            self.assertEqual((error.code, error.message), (Code.INVALID_ARGUMENT, text))


class HookTests(LeakCheck, TestCase):
    """
    The call.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        running: Any = reactor
        self.children = Children(running, running)
        self.git = make_git(children=self.children)
        self.reading = Reading(self.git)
        self.addCleanup(self.reading.stop)
        self.directory = make_repository(self.mktemp(), commits=3)
        self.storage = GivenRepositories({RELATIVE_PATH: self.reading.repository(self.directory)})
        custom: Any = None
        self.service = HookService(HookPorts(self.git, self.storage, custom, PackObjects(self.git), HookSockets(running)))
        folder = tempfile.mkdtemp(prefix="s-")
        self.addCleanup(shutil.rmtree, folder)
        self.path = os.path.join(folder, "sidechannel")
        await super().setUp()

    def listen(self) -> socket.socket:
        """
        What a hook listens on.
        """
        listening = socket.socket(socket.AF_UNIX)
        self.addCleanup(listening.close)
        listening.bind(self.path)
        listening.listen(1)
        listening.settimeout(30)
        return listening

    def ask(self, path: str | None = None, **request: Any) -> Deferred[PackObjectsHookWithSidechannelResponse]:
        """
        Make a call.
        """
        message = PackObjectsHookWithSidechannelRequest(**{"repository": NAME, "args": ARGUMENTS, **request})
        metadata = {SOCKET: (self.path if path is None else path,)}
        call = make_call("HookService/PackObjectsHookWithSidechannel", metadata=metadata)
        return Deferred.fromCoroutine(self.service.PackObjectsHookWithSidechannel(call, message))

    async def refusal(self, **more: Any) -> tuple[Code, str]:
        """
        What a call fails with.
        """
        error: Any = await self.assertFailure(self.ask(**more), GitalyError)
        self.assertEqual(len(self.children), 0)
        return error.code, error.message

    def bands(self, data: bytes) -> dict[int, bytes]:
        """
        What a hook got.
        """
        decoder, found = SidebandDecoder(), {BAND_DATA: b"", BAND_PROGRESS: b""}
        for event in decoder.receive(data):
            assert isinstance(event, BandData)
            found[event.band] += event.data
        decoder.finish()
        return found

    def talk(self, listening: socket.socket, said: bytes) -> bytes:
        """
        Be the hook.
        """
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(30)
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
            found = b""
            while data := connection.recv(1 << 16):
                found += data
            return found

    async def test_pack(self):
        """
        git's pack comes as band 1, its progress as band 2.
        """
        talking = deferToThread(self.talk, self.listen(), b"main\n")
        self.assertEqual(await self.ask(), PackObjectsHookWithSidechannelResponse())
        found = self.bands(await talking)
        self.assertIn(b"Enumerating objects", found[BAND_PROGRESS])
        pack = os.path.join(self.mktemp(), "x")
        os.makedirs(os.path.dirname(pack))
        git("init", "-q", "--bare", pack)
        git("-C", pack, "unpack-objects", "-q", stdin=found[BAND_DATA])
        main = git("-C", self.directory.path, "rev-parse", "main").strip()
        self.assertEqual(git("-C", pack, "rev-list", "--count", main.decode()), b"3\n")

    async def test_shallow_file(self):
        """
        The repository's own shallow file does not count if it is not to.
        """
        parent = git("-C", self.directory.path, "rev-parse", "main~1").strip()
        with open(os.path.join(self.directory.path, "shallow"), "wb") as file:
            file.write(parent + b"\n")
        listening = self.listen()
        sizes = []
        for words in ((), ("--shallow-file", "")):
            talking = deferToThread(self.talk, listening, b"main\n")
            await self.ask(args=(*words, "pack-objects", "--revs", "--stdout", "-q"))
            sizes.append(int.from_bytes(self.bands(await talking)[BAND_DATA][8:12], "big"))
        self.assertLess(sizes[0], sizes[1])

    async def test_refused(self):
        """
        The repository is checked first, then the command, then the socket's name.
        """
        self.assertEqual(await self.refusal(repository=None, args=()), (Code.INVALID_ARGUMENT, "repository not set"))
        gone = Repository(storage_name="default", relative_path="none.git")
        self.assertEqual((await self.refusal(repository=gone, args=()))[0], Code.NOT_FOUND)
        text = "invalid pack-objects command: [rm]: missing pack-objects"
        self.assertEqual(await self.refusal(args=["rm"], path=""), (Code.INVALID_ARGUMENT, text))
        for path in ("", "/run/docker.sock", "/x/sidechannel/", "/x\0/sidechannel"):
            code, text = await self.refusal(path=path)
            self.assertEqual(code, Code.INVALID_ARGUMENT)
            self.assertTrue(text.startswith('invalid side channel address: "'), text)

    async def test_no_hook(self):
        """
        Where no hook listens none can be reached.
        """
        code, text = await self.refusal()
        self.assertEqual((code, text), (Code.INTERNAL, "get side-channel: dial unix: connect: no such file or directory"))
        code, text = await self.refusal(path="/" + "x" * 200 + "/sidechannel")
        self.assertEqual((code, text), (Code.INTERNAL, "get side-channel: dial unix: connect: af_unix path too long"))

    async def test_git_fails(self):
        """
        git's failure is told with its words, without the repository's place.
        """
        talking = deferToThread(self.talk, self.listen(), b"nonsense\n")
        code, text = await self.refusal()
        self.assertEqual(code, Code.INTERNAL)
        self.assertRegex(
            text, r'^pack objects hook: git-pack-objects: stderr: "fatal: bad revision \'nonsense\'\\n" err: exit status'
        )
        self.assertIn(b"bad revision", self.bands(await talking)[BAND_PROGRESS])

    async def test_hung_up(self):
        """
        A hook that does not read any more has cancelled it.
        """
        listening = self.listen()
        asking = self.ask()

        def hang_up() -> None:
            listening.accept()[0].close()

        await deferToThread(hang_up)
        error: Any = await self.assertFailure(asking, GitalyError)
        self.assertEqual((error.code, error.message), (Code.CANCELLED, "pack objects hook: broken pipe"))
        self.assertEqual(len(self.children), 0)

    def test_provided(self):
        """
        The classes provide their interfaces.
        """
        verifyObject(IMethods, self.service)
        verifyObject(IPackObjects, PackObjects(self.git))


class BusyTests(SynchronousTestCase):
    """
    A hook that is too busy to accept.
    """

    def test_time_is_up(self):
        """
        It is tried for a second, and not longer; then it has room again, and is reached.
        """
        folder = tempfile.mkdtemp(prefix="s-")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "sidechannel")
        listening = socket.socket(socket.AF_UNIX)
        self.addCleanup(listening.close)
        listening.bind(path)
        listening.listen(0)
        filling = socket.socket(socket.AF_UNIX)
        self.addCleanup(filling.close)
        filling.connect(path)
        clock: Any = Clock()
        sockets = HookSockets(clock)
        connecting = Deferred.fromCoroutine(sockets.connect(path))
        for _ in range(int(PATIENCE / 0.02) + 2):
            clock.advance(0.02)
        error = self.failureResultOf(connecting, GitalyError).value
        self.assertEqual((error.code, error.message), (Code.INTERNAL, "get side-channel: dial unix: connect: i/o timeout"))
        connecting = Deferred.fromCoroutine(sockets.connect(path))
        self.assertNoResult(connecting)
        listening.accept()[0].close()
        clock.advance(0.02)
        self.assertIsNotNone(self.successResultOf(connecting))
