"""
Tests for :mod:`gitaly_tx.transport.remotes`.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Sequence
from typing import Any

from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.remotehosts import RemoteRefused
from gitaly_tx.storage.interfaces import StorageInfo
from gitaly_tx.transport.remotes import Connection, RemoteAddress, RemoteFailed, RemotePolicy, Remotes, by_system
from tests.support.git import git, make_repository
from tests.support.reading import GivenRepositories
from tests.support.threads import inline_threads


class Named:
    """
    A repository, as far as its place is needed.
    """

    def __init__(self, directory: Any) -> None:
        self.directory = directory


class RemotesCase(TestCase):
    """
    The way out, with names that lead where a test wants.
    """

    def setUp(self) -> None:
        self.root = os.path.realpath(self.mktemp())
        os.mkdir(self.root)
        self.directory = make_repository(os.path.join(self.root, "a.git"), 1)
        repositories: Any = {"a.git": Named(self.directory)}
        self.storage = GivenRepositories(repositories)
        self.storage.storages = {"default": StorageInfo("default", self.root, "")}
        self.asked: list[str] = []
        self.names: dict[str, list[str]] = {"e.org": ["93.184.215.14", "2606:2800:21f::1"], "mine": ["10.0.0.1"]}

    def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.names:
            raise OSError("no such host")
        return self.names[host]

    def remotes(self, **policy: bool) -> Remotes:
        return Remotes(self.storage, inline_threads, RemotePolicy(**policy), self.resolve)

    async def connection(self, url: str, private: bool = False, **more: str) -> Connection:
        async with self.remotes(private=private).connected(RemoteAddress(url, **more)) as connection:
            return connection

    async def refused(self, url: str, **more: Any) -> str:
        try:
            await self.connection(url, **more)
        except RemoteRefused as error:
            return error.message
        raise AssertionError(f"not refused: {url}")

    def config(self, connection: Connection) -> dict[str, str]:
        """
        What git reads from the environment.
        """
        variables: dict[str, Any] = {**connection.environment, "GIT_CONFIG_GLOBAL": "/dev/null"}
        lines = git("config", "--list", "-z", **variables).decode().split("\0")
        return dict(line.split("\n", 1) for line in lines if "\n" in line)


class PolicyTests(RemotesCase):
    """
    Who may be asked.
    """

    async def test_private(self) -> None:
        """
        Other networks than the public internet are out of bounds, by whatever name (faults 110 to 118), unless that is allowed.
        """
        self.names |= {"rebound": ["93.184.215.14", "127.0.0.1"], "127.1": ["127.0.0.1"], "2130706433": ["127.0.0.1"]}
        for url in (
            "http://127.0.0.1/a",
            "http://127.1/a",
            "http://2130706433/a",
            "https://169.254.169.254/latest",
            "git://10.0.0.1/a",
            "ssh://git@192.168.1.1/a",
            "git@mine:a",
            "http://[::ffff:127.0.0.1]/a",
            "http://rebound/a",
        ):
            self.assertEqual(await self.refused(url), "remote address not allowed")
            self.assertTrue((await self.connection(url, private=True)).url)
        self.assertEqual(await self.refused("https://e.org/a", resolved="10.0.0.1"), "remote address not allowed")

    async def test_unsupported(self) -> None:
        """
        What leads to no server is not used, allowed or not.
        """
        for url in ("ext::sh -c id", "fd::3", "ftp://e.org/a", "../a"):
            self.assertEqual(await self.refused(url, private=True), "remote URL not supported")

    async def test_own(self) -> None:
        """
        A path leads to a repository of this server, unless that is not allowed, and else to nothing (fault 106).
        """
        path = self.directory.path
        for url in (path, f"file://{path}", f"{self.root}/b/../a.git"):
            connection = await self.connection(url)
            self.assertEqual((connection.url, connection.environment["GIT_ALLOW_PROTOCOL"]), (path, "file"))
        self.assertIsNone(await self.remotes().own("https://e.org/a.git"))
        outside = make_repository(os.path.join(os.path.dirname(self.root), f"{os.path.basename(self.root)}-outside"), 1).path
        for url in (outside, f"file://{outside}", f"{self.root}/none.git", "/dev/null", "/etc\0"):
            with self.assertRaises(RemoteFailed) as caught:
                await self.connection(url)
            self.assertIn(b"does not appear to be a git repository", caught.exception.stderr)
            self.assertEqual(caught.exception.code, Code.INTERNAL)
        with self.assertRaises(RemoteFailed):
            await self.remotes(own=False).own(path)

    async def test_unknown_name(self) -> None:
        """
        A name that nobody knows is told as git would, and git does not get to look it up once more.
        """
        with self.assertRaises(RemoteFailed) as caught:
            await self.connection("https://u:secret@none.example/a")
        self.assertEqual(
            caught.exception.stderr, b"fatal: unable to access 'https://none.example/a/': Could not resolve host: none.example\n"
        )

    async def test_by_system(self) -> None:
        """
        The operating system knows this machine by its address.
        """
        self.assertEqual(by_system("127.0.0.1", 80), ["127.0.0.1"])


class ConnectionTests(RemotesCase):
    """
    How git is told.
    """

    async def test_pinned(self) -> None:
        """
        What was looked up is what git connects to.
        """
        self.names["e.org"] = ["93.184.215.14", "2606:2800:21f::1"]
        for url, key, expected in (
            ("https://e.org/a", "http.curloptresolve", "e.org:443:93.184.215.14,[2606:2800:21f::1]"),
            ("http://e.org:81/a", "http.curloptresolve", "e.org:81:93.184.215.14,[2606:2800:21f::1]"),
        ):
            connection = await self.connection(url)
            self.assertEqual((connection.url, self.config(connection)[key]), (url, expected))
        self.assertEqual((await self.connection("git://e.org/a")).url, "git://93.184.215.14/a")
        self.assertEqual(self.asked, ["e.org"] * 3)

    async def test_resolved(self) -> None:
        """
        A name that the caller has resolved is never looked up.
        """
        connection = await self.connection("https://e.org/a", resolved="1.2.3.4")
        self.assertEqual(self.config(connection)["http.curloptresolve"], "e.org:443:1.2.3.4")
        self.assertEqual((await self.connection("git://e.org/a", resolved="1.2.3.4")).url, "git://1.2.3.4/a")
        self.assertEqual((await self.connection("git@e.org:a", resolved="1.2.3.4")).url, "git@1.2.3.4:a")
        self.assertEqual(self.asked, [])
        with self.assertRaises(GitalyError) as caught:
            await self.connection("https://e.org/a", resolved="e.org")
        self.assertEqual(caught.exception.code, Code.INVALID_ARGUMENT)

    async def test_wherever(self) -> None:
        """
        Where everything is allowed and nothing was resolved, git looks names up by itself.
        """
        connection = await self.connection("https://e.org/a", private=True)
        self.assertEqual((connection.url, connection.environment), ("https://e.org/a", {"GIT_CONFIG_COUNT": "0"}))
        self.assertEqual((await self.connection("git://e.org/a", private=True)).url, "git://e.org/a")
        self.assertEqual(self.asked, [])

    async def test_credentials(self) -> None:
        """
        Credentials go into a header in the environment, for that URL alone; those of the URL win.
        """
        connection = await self.connection("https://user:s3cret@e.org/a", header="Bearer x")
        self.assertEqual(connection.url, "https://e.org/a")
        self.assertEqual(self.config(connection)["http.https://e.org/a.extraheader"], "Authorization: Basic dXNlcjpzM2NyZXQ=")
        connection = await self.connection("https://e.org/a", header="Bearer x")
        self.assertEqual(self.config(connection)["http.https://e.org/a.extraheader"], "Authorization: Bearer x")
        self.assertNotIn("s3cret", repr(RemoteAddress("https://user:s3cret@e.org/a", header="s3cret", ssh_key="s3cret")))
        self.assertNotIn("Bearer", repr(connection))

    async def test_more_settings(self) -> None:
        """
        More settings go beside those that are there, as often as they are named.
        """
        connection = await self.connection("https://e.org/a", header="Bearer x")
        more = connection.with_settings([("remote.x.url", "u"), ("remote.x.fetch", "f")])
        found = self.config(more)
        self.assertEqual((found["remote.x.url"], found["remote.x.fetch"]), ("u", "f"))
        self.assertEqual(found["http.https://e.org/a.extraheader"], "Authorization: Bearer x")

    async def test_ssh(self) -> None:
        """
        ssh gets keys and known hosts in files that nobody else can read, and that are gone afterwards; the host's key is that of
        its name.
        """
        address = RemoteAddress("ssh://git@e.org:2222/a", ssh_key="KEY\n", known_hosts="e.org ssh-ed25519 x\n")
        async with self.remotes().connected(address) as connection:
            words = shlex.split(connection.environment["GIT_SSH_COMMAND"])
            self.assertEqual(connection.url, "ssh://git@93.184.215.14:2222/a")
            self.assertEqual(words[0], "ssh")
            for word in (
                "-oIdentitiesOnly=yes",
                "-oStrictHostKeyChecking=yes",
                "-oCheckHostIP=no",
                "-oHostKeyAlias=[e.org]:2222",
            ):
                self.assertIn(word, words)
            files = dict(word[2:].split("=", 1) for word in words[1:])
            for option, content in (("IdentityFile", b"KEY\n"), ("UserKnownHostsFile", b"e.org ssh-ed25519 x\n")):
                with open(files[option], "rb") as file:
                    self.assertEqual(file.read(), content)
                self.assertEqual(stat.S_IMODE(os.stat(files[option]).st_mode), 0o400)
        self.assertFalse(os.path.exists(os.path.dirname(files["IdentityFile"])))
        self.assertNotIn("KEY", " ".join(words))

    async def test_plain_ssh(self) -> None:
        """
        Without keys ssh gets its own way, but that it never asks anybody.
        """
        connection = await self.connection("git@1.2.3.4:a")
        self.assertEqual((connection.url, connection.environment["GIT_SSH_COMMAND"]), ("git@1.2.3.4:a", "ssh -oBatchMode=yes"))
        words = (await self.connection("e.org:a", known_hosts="x")).environment["GIT_SSH_COMMAND"]
        self.assertIn("-oHostKeyAlias=e.org ", words)
        self.assertNotIn("IdentityFile", words)
