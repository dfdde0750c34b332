"""
Tests for :mod:`gitaly_tx.cli.accept`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from gitaly_tx.cli.accepting import work
from gitaly_tx.config.load import load
from gitaly_tx.wal.interfaces import FileChange, Manifest
from gitaly_tx.wal.layout import Layout
from gitaly_tx.wal.lock import StorageInUse, StorageLock
from gitaly_tx.wal.records import SEGMENT_SIZE
from tests.support.git import git
from tests.support.wal import ALPHA, BETA, Site, creation, make_site

HERE = {"PATH": os.environ["PATH"]}


class AcceptTests(TestCase):
    """
    A storage in whose log an entry of one repository is damaged.
    """

    def setUp(self) -> None:
        top = os.path.realpath(self.mktemp())
        os.mkdir(top)
        self.root, self.other = (os.path.join(top, name) for name in ("default", "two"))
        os.mkdir(self.root)
        os.mkdir(self.other)
        self.config = os.path.join(top, "config.toml")
        with open(self.config, "w") as file:
            for name, path in (("default", self.root), ("two", self.other)):
                file.write(f'[[storage]]\nname = "{name}"\npath = "{path}"\n')
        site = make_site(self.root).start()
        site.commit(creation())
        site.commit(creation(BETA))
        site.commit(Manifest(ALPHA, files=(FileChange("damaged", b"content"),)))
        site.commit(Manifest(BETA, files=(FileChange("good", b""),)))
        site.die()
        self.damage(b"damaged")

    def damage(self, mark: bytes) -> None:
        """
        Change a byte of the entry that holds ``mark``.
        """
        path = Layout(self.root).segment(1)
        with open(path, "rb") as file:
            content = bytearray(file.read())
        content[content.index(mark)] ^= 1
        with open(path, "wb") as file:
            file.write(content)

    def refused(self) -> int:
        """
        How many are refused at the next start.
        """
        site: Site = make_site(self.root).start()
        self.addCleanup(self.flushLoggedErrors)
        count = len(site.store.log.refused)
        site.stop()
        return count

    async def work(self, *words: str, status: int) -> list[str]:
        """
        Run the command in this process.
        """
        from gitaly_tx.cli import accept

        parser = argparse.ArgumentParser()
        accept.add_to(parser.add_subparsers())
        said: list[str] = []
        running: Any = reactor
        config = load(self.config, insecure=True, environ={})
        arguments = parser.parse_args(["accept", *words])
        self.assertEqual(await work(running, config, arguments, said.append, HERE), status)
        self.flushLoggedErrors()
        return said

    async def test_told(self) -> None:
        """
        Without a repository it is told who is refused, and why; nothing is changed.
        """
        for _ in range(2):
            told = await self.work(status=1)
            self.assertEqual(len(told), 2)
            self.assertTrue(told[0].startswith("default: team/alpha.git: segment 1, entry 2: "), told)
            self.assertEqual(told[1], "two: nobody is refused")
        self.assertEqual(await self.work("--storage", "two", status=0), ["two: nobody is refused"])

    async def test_accepted(self) -> None:
        """
        A repository that is accepted takes writes again; one that is not refused is told so.
        """
        (told,) = await self.work("/team/./alpha.git/", status=0)
        self.assertTrue(told.startswith("default: team/alpha.git takes writes again; it did not because of: segment 1"), told)
        cases = {"team/alpha.git": "team/alpha.git", "team/beta.git": "team/beta.git", "--everybody": "everybody"}
        for word, whom in cases.items():
            self.assertEqual(await self.work(word, status=1), [f"default: {whom} is not refused"])
        self.assertEqual(await self.work(status=0), ["default: nobody is refused", "two: nobody is refused"])
        site = make_site(self.root).start()
        site.commit(Manifest(ALPHA, files=(FileChange("again", b""),)))
        site.stop()
        git("fsck", cwd=os.path.join(self.root, ALPHA.path))

    async def test_everybody(self) -> None:
        """
        Damage for which all are refused is accepted apart from that of a repository.
        """
        with open(Layout(self.root).segment(1), "r+b") as file:
            file.seek(SEGMENT_SIZE)
            file.write(bytes(os.path.getsize(file.name) // 2))
        told = await self.work("--storage", "default", status=1)
        self.assertIn("default: everybody: segment 1 cannot be read", "\n".join(told))
        (told_now,) = await self.work("--everybody", status=0)
        self.assertTrue(told_now.startswith("default: everybody takes writes again"), told_now)
        left = await self.work("--storage", "default", status=1)
        self.assertEqual([line.split(":")[1] for line in left], [" team/alpha.git", " team/beta.git"])

    async def test_running_server(self) -> None:
        """
        Nothing is done to a storage that a server has.
        """
        lock = StorageLock(Layout(self.root))
        lock.acquire()
        self.addCleanup(lock.release)
        await self.assertFailure(_begun(self.work("team/alpha.git", status=0)), StorageInUse)

    def command(self, *words: str) -> tuple[int, str, str]:
        code = "from gitaly_tx.cli.gitaly import script; script()"
        argv = [sys.executable, "-c", code, "accept", *words, "--config", self.config]
        done = subprocess.run(argv, capture_output=True, text=True, env={**HERE, "PYTHONPATH": os.pathsep.join(sys.path)})
        return done.returncode, done.stdout, done.stderr

    def test_command(self) -> None:
        """
        The program says what it did on standard output, and its status is 0 if all is well.
        """
        lock = StorageLock(Layout(self.root))
        lock.acquire()
        status, out, err = self.command("team/alpha.git")
        lock.release()
        self.assertEqual((status, out), (1, ""))
        self.assertIn(f"storage {self.root} is in use by pid {os.getpid()}", err)
        status, out, _ = self.command("team/alpha.git")
        self.assertEqual((status, out.split(";")[0]), (0, "default: team/alpha.git takes writes again"))
        self.assertEqual(self.refused(), 0)

    def test_usage(self) -> None:
        """
        A storage that there is not, and two wishes at once, are told; the status is 2.
        """
        for words, text in [
            (("--storage", "nope"), "there is no storage called 'nope': default, two\n"),
            (("a.git", "--everybody"), "accept either a repository or the damage that is everybody's\n"),
        ]:
            self.assertEqual(self.command(*words), (2, "", text))


def _begun(work: Any) -> Any:
    from tests.support.awaiting import begin

    return begin(work)
