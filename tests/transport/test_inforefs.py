"""
Tests for :mod:`gitaly_tx.transport.inforefs` and :mod:`gitaly_tx.transport.plainness`: every answer is the same, byte for byte,
as git's own.
"""

from __future__ import annotations

import os
import time
from typing import Any
from unittest import mock

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.children import Children
from gitaly_tx.git.command import Command
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.options import ConfigPair
from gitaly_tx.git.refsmark import mark_refs
from gitaly_tx.streams import StreamBroken
from gitaly_tx.transport import inforefs
from gitaly_tx.transport.inforefs import InfoRefs
from gitaly_tx.transport.interfaces import FetchRequest
from gitaly_tx.transport.plainness import look
from tests.support.git import git, make_git, make_repository
from tests.support.leaks import LeakCheck
from tests.support.reading import Reading
from tests.support.streams import MemorySink

reactor: Any = _reactor

PROTOCOLS = ("", "version=1", "version=2")

SERVICE = b"001e# service=git-upload-pack\n0000"


def age(directory: GitDirectory) -> None:
    """
    Let the config file be one that was not written just now, so that what is known of it may be remembered.
    """
    before = time.time_ns() - 10**10
    os.utime(os.path.join(directory.path, "config"), ns=(before, before))


class InfoRefsTests(LeakCheck, TestCase):
    """
    What a client is told before it fetches.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        self.spawned: list[str] = []
        self.children = Children(reactor, reactor)
        self.git = make_git(
            children=self.children, observer=lambda name, ended: self.spawned.append(name) if ended is None else None
        )
        self.reading = Reading(self.git)
        self.addCleanup(self.reading.stop)
        await self.reading.threads.run(lambda: None)
        await super().setUp()
        # The change time cannot be set back, only the age at which it counts as old.
        self.patch(inforefs, "look", self.look)
        self.info_refs = InfoRefs(self.git, self.reading.threads)

    def look(self, directory: GitDirectory):
        """
        As if the config file had been there for a while.
        """
        with mock.patch("gitaly_tx.git.fileidentity.RACY", 0):
            return look(directory)

    async def told(self, directory: GitDirectory, request: FetchRequest) -> bytes:
        """
        What we say.
        """
        sink = MemorySink()
        await self.info_refs.advertise(self.reading.repository(directory), request, sink)
        return bytes(sink.data)

    async def own_words(self, directory: GitDirectory, request: FetchRequest) -> bytes:
        """
        What git says.
        """
        environment = {"GIT_PROTOCOL": request.protocol} if request.protocol else {}
        command = Command("upload-pack", ["--stateless-rpc", "--advertise-refs"], directory=directory, environment=environment)
        output, _ = await self.git.run(command, maximum=1 << 30)
        return SERVICE + output

    async def test_long_answers(self):
        """
        A long answer of git's is served again as long as nothing was written and nobody else changed a ref; what has just changed
        is not kept.
        """
        self.patch(inforefs, "MOST_REFS", 3)
        directory = make_repository(self.mktemp(), commits=1, refs=[f"refs/heads/b{number}" for number in range(5)])
        generation = 0
        results: list[str] = []
        self.info_refs = InfoRefs(self.git, self.reading.threads, lambda partition: generation, results.append)
        self.patch(inforefs, "mark_refs", self.mark)
        await self.told(directory, FetchRequest())
        self.racy = True
        for _ in range(2):
            self.assertEqual(await self.told(directory, FetchRequest()), await self.own_words(directory, FetchRequest()))
        self.assertEqual(results, ["miss", "hit", "hit"])
        git("-C", directory.path, "update-ref", "refs/heads/foreign", "main")
        for _ in range(2):
            self.assertEqual(await self.told(directory, FetchRequest()), await self.own_words(directory, FetchRequest()))
        self.assertEqual(results[3:], ["miss", "miss"])
        self.racy = False
        await self.told(directory, FetchRequest())
        generation += 1
        for _ in range(2):
            self.assertEqual(await self.told(directory, FetchRequest()), await self.own_words(directory, FetchRequest()))
        self.assertEqual(results[5:], ["miss", "miss", "hit"])
        self.patch(inforefs, "LONGEST_ANSWER", 10)
        generation += 1
        for _ in range(2):
            self.assertEqual(await self.told(directory, FetchRequest()), await self.own_words(directory, FetchRequest()))
        self.assertEqual(results[8:], ["miss", "miss"])
        self.patch(inforefs, "mark_refs", lambda directory: None)
        self.assertEqual(await self.told(directory, FetchRequest()), await self.own_words(directory, FetchRequest()))
        self.assertEqual(len(results), 10)

    racy = False

    def mark(self, directory: GitDirectory):
        """
        As if nothing had changed a moment ago, unless a test says so.
        """
        with mock.patch("gitaly_tx.git.fileidentity.RACY", 10**10 if self.racy else 0):
            return mark_refs(directory)

    async def compare(self, directory: GitDirectory, *, children: int) -> None:
        """
        Compare in all versions, twice.

        :param children: how many gits were started the second time.
        """
        for protocol in PROTOCOLS:
            request = FetchRequest(protocol, stateless=True)
            expected = await self.own_words(directory, request)
            self.assertEqual(await self.told(directory, request), expected)
            self.spawned.clear()
            self.assertEqual(await self.told(directory, request), expected)
            self.assertEqual(len(self.spawned), children, protocol)

    async def test_plain(self):
        """
        A plain repository with branches and tags, loose and packed, is told without starting git.
        """
        for object_format in ("sha1", "sha256"):
            directory = make_repository(
                self.mktemp(),
                commits=3,
                object_format=object_format,
                refs=[
                    "refs/heads/a/b",
                    "refs/tags/light",
                    "refs/merge-requests/1/head",
                    "refs/keep-around/1",
                    "refs/remotes/o/main",
                ],
            )
            git("-C", directory.path, "tag", "-m", "one", "v1", "main~1")
            git("-C", directory.path, "tag", "-m", "nested", "v2", "v1")
            git("-C", directory.path, "pack-refs", "--all")
            git("-C", directory.path, "tag", "-m", "loose", "v3", "main")
            git("-C", directory.path, "tag", "tree", "main^{tree}")
            git("-C", directory.path, "update-ref", "refs/heads/a/c", "main~2")
            git("-C", directory.path, "update-ref", "refs/tmp/x", "main")
            await self.compare(directory, children=0)

    async def test_changes_are_seen(self):
        """
        What was remembered is never told instead of what is there now.
        """
        directory = make_repository(self.mktemp(), commits=2)
        await self.compare(directory, children=0)
        git("-C", directory.path, "update-ref", "refs/heads/main", "main~1")
        git("-C", directory.path, "update-ref", "refs/heads/other", "main")
        await self.compare(directory, children=0)
        git("-C", directory.path, "symbolic-ref", "HEAD", "refs/heads/other")
        await self.compare(directory, children=0)
        git("-C", directory.path, "symbolic-ref", "HEAD", "refs/heads/unborn")
        await self.compare(directory, children=0)
        git("-C", directory.path, "config", "uploadpack.allowRefInWant", "true")
        await self.compare(directory, children=1)

    async def test_empty(self):
        """
        An empty repository is told as this git does it: newer ones tell its capabilities, older ones nothing.
        """
        for object_format in ("sha1", "sha256"):
            await self.compare(make_repository(self.mktemp(), object_format=object_format), children=0)

    async def test_detached_head(self):
        """
        A HEAD that is no name for a branch is told like one, without saying of which.
        """
        directory = make_repository(self.mktemp(), commits=2)
        git("-C", directory.path, "update-ref", "--no-deref", "HEAD", "main~1")
        await self.compare(directory, children=0)

    async def test_head_of_hidden_branch(self):
        """
        HEAD may be a name for a ref that is hidden.
        """
        directory = make_repository(self.mktemp(), commits=1, refs=["refs/tmp/x"])
        git("-C", directory.path, "symbolic-ref", "HEAD", "refs/tmp/x")
        await self.compare(directory, children=0)

    async def test_odd(self):
        """
        Wherever git knows better, git is asked: shallow repositories, names for names, config that decides what is told.
        """
        directory = make_repository(self.mktemp(), commits=2)
        with open(os.path.join(directory.path, "shallow"), "wb") as file:
            file.write(git("-C", directory.path, "rev-parse", "main"))
        await self.compare(directory, children=1)
        directory = make_repository(self.mktemp(), commits=1)
        git("-C", directory.path, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
        git("-C", directory.path, "symbolic-ref", "HEAD", "refs/heads/alias")
        expected = await self.own_words(directory, FetchRequest())
        self.assertEqual(await self.told(directory, FetchRequest()), expected)
        for key, value in (
            ("transfer.hideRefs", "refs/heads"),
            ("uploadpack.allowFilter", "false"),
            ("include.path", "/nowhere"),
        ):
            directory = make_repository(self.mktemp(), commits=1)
            git("-C", directory.path, "config", key, value)
            await self.compare(directory, children=1)

    async def test_session_id(self):
        """
        Capabilities that are different each time are not remembered.
        """
        directory = make_repository(self.mktemp(), commits=1)
        self.git = make_git(config=[ConfigPair("transfer.advertiseSID", "true")])
        self.info_refs = InfoRefs(self.git, self.reading.threads)
        for protocol in PROTOCOLS:
            first = await self.told(directory, FetchRequest(protocol))
            self.assertIn(b"session-id=", first)
            self.assertNotEqual(await self.told(directory, FetchRequest(protocol)), first)

    async def test_missing_object(self):
        """
        What becomes of a ref whose object is missing is git's affair.
        """
        directory = make_repository(self.mktemp(), commits=1)
        os.makedirs(os.path.join(directory.path, "refs", "heads"), exist_ok=True)
        with open(os.path.join(directory.path, "refs", "heads", "broken"), "w") as file:
            file.write("1" * 40 + "\n")
        told = await self.told(directory, FetchRequest())
        self.assertEqual(told, await self.own_words(directory, FetchRequest()))

    async def test_many_refs(self):
        """
        Very many refs are told by git.
        """
        directory = make_repository(self.mktemp(), commits=1)
        main = git("-C", directory.path, "rev-parse", "main").strip()
        lines = b"".join(b"create refs/heads/b%05d %s\n" % (number, main) for number in range(inforefs.MOST_REFS + 1))
        git("-C", directory.path, "update-ref", "--stdin", stdin=lines)
        git("-C", directory.path, "pack-refs", "--all")
        self.assertEqual(
            await self.told(directory, FetchRequest(stateless=True)), await self.own_words(directory, FetchRequest())
        )

    async def test_callers_settings(self):
        """
        What the caller asks for is git's business, and is not mixed up with what others asked for.
        """
        directory = make_repository(self.mktemp(), commits=1, refs=["refs/tags/t"])
        told = await self.told(directory, FetchRequest(config=("uploadpack.hideRefs=refs/tags",)))
        self.assertNotIn(b"refs/tags/t", told)
        self.assertIn(b"refs/heads/main", told)
        self.assertIn(b"refs/tags/t", await self.told(directory, FetchRequest()))
        told = await self.told(directory, FetchRequest("version=2", ("transfer.advertiseObjectInfo=true",)))
        self.assertIn(b"object-info", told)

    async def test_unknown_protocol(self):
        """
        A version that does not exist counts as none.
        """
        directory = make_repository(self.mktemp(), commits=1)
        self.assertEqual(await self.told(directory, FetchRequest("version=7")), await self.told(directory, FetchRequest()))

    async def test_failure(self):
        """
        If git cannot say anything, nothing is said.
        """
        directory = make_repository(self.mktemp(), commits=1)
        repository = self.reading.repository(directory)
        with open(os.path.join(directory.path, "config"), "a") as file:
            file.write("[broken\n")
        for request in (FetchRequest(), FetchRequest("version=2"), FetchRequest(config=("pack.threads=1",))):
            sink = MemorySink()
            asking = Deferred.fromCoroutine(self.info_refs.advertise(repository, request, sink))
            error: Any = await self.assertFailure(asking, GitalyError)
            self.assertEqual(bytes(sink.data), b"")
            self.assertIn(error.code, (Code.INTERNAL, Code.FAILED_PRECONDITION))

    async def test_client_goes_away(self):
        """
        A client that goes away while git answers leaves no git behind.
        """
        directory = make_repository(self.mktemp(), commits=1)
        asking = self.info_refs.advertise(
            self.reading.repository(directory), FetchRequest(config=("pack.threads=1",)), MemorySink(breaks_after=0)
        )
        await self.assertFailure(Deferred.fromCoroutine(asking), StreamBroken)
        await self.children.wait_all()

    async def test_forgets(self):
        """
        Only so many answers are remembered.
        """
        with mock.patch("gitaly_tx.transport.inforefs.REMEMBERED", 1):
            self.info_refs = InfoRefs(self.git, self.reading.threads)
        first, second = (make_repository(self.mktemp(), commits=1) for _ in range(2))
        for directory in (first, second, first):
            self.spawned.clear()
            await self.told(directory, FetchRequest("version=2"))
            self.assertEqual(len(self.spawned), 1)


class PlainnessTests(SynchronousTestCase):
    """
    Whether a repository is a plain one.
    """

    def plain(self, config: str | None) -> bool:
        """
        Whether one with this config is.
        """
        path = self.mktemp()
        os.mkdir(path)
        if config is not None:
            with open(os.path.join(path, "config"), "w") as file:
                file.write(config)
        with mock.patch("gitaly_tx.git.fileidentity.RACY", 0):
            return look(GitDirectory(path)) is not None

    def test_plain(self):
        """
        A config that does not speak of fetches leaves a repository plain, and so does none.
        """
        self.assertTrue(self.plain(None))
        self.assertTrue(self.plain("[core]\n\tbare = true\n[gc]\n\tauto = 0\n"))

    def test_telling(self):
        """
        A config that may speak of them does not, in whatever spelling.
        """
        for config in (
            "[uploadPack]\n",
            "[ transfer ]\n",
            '[includeIf "x"]\n',
            "[include]\n",
            "[core]\nhideRefs\n",
            "[lsrefs]\n",
        ):
            self.assertFalse(self.plain(config), config)
        self.assertFalse(self.plain("#" * (1 << 21)))

    def test_just_written(self):
        """
        A config that was written just now may be another one in a moment.
        """
        path = make_repository(self.mktemp()).path
        with mock.patch("gitaly_tx.git.fileidentity.RACY", 10**12):
            self.assertIs(look(GitDirectory(path)), None)

    def test_quarantine(self):
        """
        Where a quarantine is in use, git is asked.
        """
        path = make_repository(self.mktemp()).path
        with mock.patch("gitaly_tx.git.fileidentity.RACY", 0):
            self.assertIs(look(GitDirectory(path).quarantined("/q")), None)
