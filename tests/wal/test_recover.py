"""
Replays: files that are lost (S6), disks that are in the way, and what is left to others.
"""

from __future__ import annotations

import os
import shutil
from posixpath import join
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code
from gitaly_tx.git.command import Command
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.interfaces import Ended
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.observability import failpoints
from gitaly_tx.wal.entry import encode
from gitaly_tx.wal.interfaces import Head, PartitionDamaged
from gitaly_tx.wal.recover import Chain, chains, completeness
from tests.support.git import git
from tests.support.wal import (
    ALPHA,
    BETA,
    MAIN,
    NEXT_BOOT,
    ZERO,
    Site,
    creation,
    litter,
    make_history,
    make_site,
    moving,
    outcome_of,
)

TOPIC = b"refs/heads/topic"
LARGE = 64
ONE, TWO, THREE = (ObjectID(f"{number:040x}") for number in (1, 2, 3))


class ChainTests(SynchronousTestCase):
    """
    What the log knows of one ref.
    """

    def entries(self, *updates: tuple[bytes, ObjectID | None, ObjectID]) -> list[Any]:
        return [encode(moving(update), Head(), "")[0] for update in updates]

    def test_values(self) -> None:
        """
        A chain begins with what the ref was before the first entry; deletions come first.
        """
        found = chains(self.entries((MAIN, ONE, TWO), (TOPIC, ONE, ZERO), (MAIN, TWO, THREE)))
        self.assertEqual(found, [Chain(TOPIC, (ONE, ZERO)), Chain(MAIN, (ONE, TWO, THREE))])
        self.assertEqual(found[1].target, THREE)

    def test_decides(self) -> None:
        """
        A ref that has any value of the chain is behind us; if nobody knows what it was, it always is.
        """
        chain = Chain(MAIN, (ONE, TWO))
        self.assertEqual([chain.decides(value) for value in (ONE, TWO, THREE, ZERO)], [True, True, False, False])
        self.assertTrue(Chain(MAIN, (ZERO, TWO)).decides(ZERO))
        self.assertTrue(Chain(MAIN, (None, TWO)).decides(THREE))


class LostFilesTests(SynchronousTestCase):
    """
    An entry names a file that is missing, or is not what it was.
    """

    def setUp(self) -> None:
        self.history = make_history(self.mktemp())
        self.first, self.second, self.third = self.history.commits
        self.root = os.path.realpath(self.mktemp())
        os.mkdir(self.root)

    def crashed(self) -> str:
        """
        What a server leaves that was killed between two pushes' fsync and their becoming visible; a third came before.
        """
        site = make_site(self.root, inline=LARGE).start()
        for partition in (ALPHA, BETA):
            site.commit(creation(partition))
        site.commit(moving((TOPIC, ZERO, self.first), staged=self.history.stage(self.root, self.first)))
        outcome_of(Deferred.fromCoroutine(site.store.log.checkpoint()))
        path = join(self.root, ALPHA.path)
        with failpoints.active(failpoints.parse("apply.before=error(EIO)@1+")):
            self.log(site, moving((MAIN, ZERO, self.second), staged=self.history.stage(self.root, self.second)))
            self.log(site, moving((TOPIC, self.first, self.third), staged=self.history.stage(self.root, self.third)))
            beta = moving((MAIN, ZERO, self.first), partition=BETA, staged=self.history.stage(self.root, self.first))
            self.log(site, beta)
        copy = shutil.copytree(self.root, self.mktemp(), symlinks=True)
        self.assertFalse(os.path.exists(join(path, "refs/heads/main")))
        site.stop()
        return os.path.realpath(copy)

    def log(self, site: Site, manifest: Any) -> None:
        for file in manifest.staged:
            self.assertTrue(os.path.exists(join(self.root, file.source)))
        head = outcome_of(Deferred.fromCoroutine(site.store.log.head(manifest.partition)))
        outcome_of(site.store.log.append(manifest, head))
        shutil.rmtree(join(self.root, "+gitaly/staging", manifest.staged[0].source.split("/")[2]))

    def pack_of(self, copy: str, entry: int) -> str:
        """
        The kept pack of one of the entries.
        """
        log = make_site(copy, inline=LARGE).store.log
        entries = outcome_of(Deferred.fromCoroutine(log.start()))
        return join(copy, entries[entry].manifest.staged[0].source)

    def start(self, copy: str, **settings: Any) -> Site:
        return make_site(copy, NEXT_BOOT, inline=LARGE, **settings).start()

    def test_all_there(self) -> None:
        """
        With all its files everything is replayed.
        """
        copy = self.crashed()
        site = self.start(copy)
        self.assertEqual(site.state(), (MAIN, ((MAIN, self.second), (TOPIC, self.third))))
        self.assertEqual(site.state(BETA), (MAIN, ((MAIN, self.first),)))
        site.stop()
        self.assertEqual(litter(copy), [])

    def refused(self, copy: str) -> None:
        site = self.start(copy)
        self.assertEqual(site.state(), (MAIN, ((MAIN, self.second), (TOPIC, self.first))))
        self.assertEqual(site.state(BETA), (MAIN, ((MAIN, self.first),)))
        error = self.assertRaises(PartitionDamaged, site.commit, moving((MAIN, self.second, self.third)))
        self.assertEqual(error.code, Code.DATA_LOSS)
        site.commit(moving((TOPIC, ZERO, self.first), partition=BETA))
        site.stop()
        again = self.start(copy)
        self.assertRaises(PartitionDamaged, again.commit, moving((MAIN, self.second, self.third)))
        again.stop()

    def test_missing(self) -> None:
        """
        A missing pack refuses the partition before its refs move; what was written before counts, and so do other partitions.
        """
        copy = self.crashed()
        os.unlink(self.pack_of(copy, 1))
        self.refused(copy)

    def test_changed(self) -> None:
        """
        So does one with a single other byte; it is kept for whoever looks into it.
        """
        copy = self.crashed()
        pack = self.pack_of(copy, 1)
        os.chmod(pack, 0o600)
        with open(pack, "r+b") as file:
            file.seek(40)
            byte = file.read(1)[0]
            file.seek(40)
            file.write(bytes([byte ^ 1]))
        self.refused(copy)
        self.assertIn(os.path.basename(pack), os.listdir(join(copy, "+gitaly/wal/damaged")))

    def test_shorter(self) -> None:
        """
        And one that lost its end.
        """
        copy = self.crashed()
        pack = self.pack_of(copy, 1)
        os.chmod(pack, 0o600)
        os.truncate(pack, os.path.getsize(pack) - 1)
        self.refused(copy)

    def test_repacked_meanwhile(self) -> None:
        """
        If the repository has all objects in other files, somebody repacked it, and nothing is lost.
        """
        copy = self.crashed()
        for entry in (0, 1):
            os.unlink(self.pack_of(copy, entry))
        self.history.put_into(join(copy, ALPHA.path))
        site = self.start(copy, complete=True)
        self.assertEqual(site.state(), (MAIN, ((MAIN, self.second), (TOPIC, self.third))))
        site.commit(moving((MAIN, self.second, self.third)))
        site.stop()

    def test_removed_meanwhile(self) -> None:
        """
        If somebody removed the repository, its files are nobody's concern.
        """
        copy = self.crashed()
        os.unlink(self.pack_of(copy, 1))
        shutil.rmtree(join(copy, ALPHA.path))
        site = self.start(copy)
        self.assertIsNone(site.state())
        self.assertEqual(site.store.log.refused, {})
        site.stop()
        self.assertEqual(litter(copy), [])

    def test_disk_in_the_way(self) -> None:
        """
        If the disk takes nothing during recovery, the server starts nevertheless, and goes on as soon as it does.
        """
        copy = self.crashed()
        with failpoints.active(failpoints.parse("apply.after_each_staged=error(ENOSPC)@1+")):
            site = self.start(copy)
            self.assertEqual(site.store.failing, {ALPHA, BETA})
            site.clock.advance(2)
            self.assertEqual(site.store.failing, {ALPHA, BETA})
        site.clock.advance(2)
        self.assertEqual(site.store.failing, frozenset())
        self.assertEqual(site.state(), (MAIN, ((MAIN, self.second), (TOPIC, self.third))))
        self.assertGreater(len(self.flushLoggedErrors(OSError)), 0)
        site.stop()
        self.assertEqual(litter(copy), [])


class CompletenessTests(SynchronousTestCase):
    """
    ``completeness`` asks git.
    """

    def test_asks_git(self) -> None:
        """
        git walks everything that the refs do not reach; its exit status is the answer.
        """
        history = make_history(self.mktemp())
        git("update-ref", "-d", "refs/heads/main", cwd=history.path)
        ran: list[list[bytes]] = []

        class RealGit:
            async def run(self, command: Command, *, stdin: bytes, check: bool) -> tuple[bytes, Ended]:
                ran.append(command.argv("git"))
                words = [word.decode() for word in command.argv("git")[1:]]
                try:
                    return git(*words, stdin=stdin), Ended(0)
                except AssertionError:
                    return b"", Ended(128)

        ask = completeness(RealGit())  # type: ignore[arg-type]
        directory = GitDirectory(history.path)
        answers = [
            outcome_of(Deferred.fromCoroutine(_awaited(ask(directory, oids)))) for oids in ([history.commits[2]], [ONE], [])
        ]
        self.assertEqual(answers, [True, False, True])
        self.assertEqual(ran[0][-5:], [b"--objects", b"--stdin", b"--not", b"--all", b"--quiet"])


async def _awaited(awaitable: Any) -> Any:
    return await awaitable
