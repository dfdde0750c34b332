"""
Tests for :mod:`gitaly_tx.server.application`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet import reactor as installed
from twisted.trial.unittest import TestCase

from gitaly_tx import __version__
from gitaly_tx.config.load import parse
from gitaly_tx.config.model import Config
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.server.application import Application, application, read_secret
from tests.support import application as support
from tests.support.certificates import write_certificate
from tests.support.events import logged

reactor: Any = installed


class ApplicationTests(TestCase):
    """
    ``application``.
    """

    timeout = 20

    def setUp(self) -> None:
        self.root = Path(os.path.abspath(self.mktemp()))
        self.root.mkdir()
        self.secret = self.root / "secret"
        self.secret.write_bytes(b" shared\n")
        self.secret.chmod(0o600)
        self.other = support.Application()
        self.addCleanup(self.other.stop)

    def config(self, url: str, settings: str = "") -> Config:
        """
        A configuration with an application.
        """
        text = f'[gitlab]\nurl = "{url}"\nsecret_file = "{self.secret}"\nrelative_url_root = "/x"\n'
        return parse(f"{text}[gitlab.http-settings]\n{settings}", None)

    def make(self, config: Config) -> Application:
        """
        The application of a configuration.
        """
        made = application(reactor, config, lambda endpoint, seconds: self.observed.append(endpoint))
        assert made is not None
        return made

    observed: list[str]

    async def test_complete(self) -> None:
        """
        All that is configured acts; whether the application answers is in the log.
        """
        self.observed = []
        made = self.make(self.config(self.other.listen(), 'user = "u"\npassword = "p"\nread_timeout = 9'))
        with logged() as events:
            await made.look()
        (asked,) = self.other.asked
        self.assertEqual((asked.uri, asked.headers["user-agent"]), ("/api/v4/internal/check", f"gitaly/{__version__}"))
        self.assertEqual(asked.headers["authorization"], "Basic dTpw")
        self.assertIsNotNone(asked.claims)
        self.assertEqual((events[-1]["version"], events[-1]["api"], self.observed), ("1.2", "v4", ["check"]))

    async def test_silent(self) -> None:
        """
        One that does not answer is warned of, and does no harm.
        """
        self.observed = []
        with logged() as events:
            await self.make(self.config("http://127.0.0.1:1")).look()
        self.assertEqual(events[-1]["log_level"].name, "warn")
        self.assertIn("Internal API unreachable", events[-1]["why"])

    def test_read_again(self) -> None:
        """
        For a reload the secret is read again; if there is to be no application any more there is nothing to read.
        """
        self.observed = []
        config = self.config("http://host")
        made = self.make(config)
        self.secret.write_bytes(b"other")
        self.assertEqual(made.secret_in(config), b"other")
        self.secret.unlink()
        self.assertRaises(GitalyError, made.secret_in, config)
        self.assertIsNone(made.secret_in(parse("", None)))

    async def test_authorities(self) -> None:
        """
        Certificates of a file and of a directory are trusted; what is none keeps the server from starting.
        """
        self.observed = []
        certificate, key = write_certificate(self.root / "one")
        write_certificate(self.root / "two", "other")
        directory = self.root / "authorities"
        directory.mkdir()
        (directory / "a.pem").write_bytes(Path(certificate).read_bytes())
        (directory / "below").mkdir()
        url = self.other.listen(certificate=(certificate, key))
        settings = f'ca_path = "{directory}"\nca_file = "{self.root / "two" / "cert.pem"}"'
        await self.make(self.config(url, settings)).look()
        self.assertEqual(len(self.other.asked), 1)
        (directory / "b.pem").write_text("nothing")
        self.assertRaises(GitalyError, self.make, self.config(url, settings))
        config = self.config(url, settings)
        (directory / "a.pem").unlink()
        (directory / "b.pem").unlink()
        (directory / "below").rmdir()
        directory.rmdir()
        with self.assertRaises(GitalyError) as caught:
            self.make(config)
        self.assertEqual(caught.exception.code, Code.FAILED_PRECONDITION)

    def test_none(self) -> None:
        """
        Without a URL there is none.
        """
        self.assertIsNone(application(reactor, parse("", None), lambda endpoint, seconds: None))

    def test_secret(self) -> None:
        """
        The secret is the one in the file or the one in the configuration, without whitespace around it, and never empty.
        """
        config = self.config("http://host")
        self.assertEqual(read_secret(config), b"shared")
        inline = evolve(config, gitlab=evolve(config.gitlab, secret=" inline "))
        self.assertEqual(read_secret(inline), b"inline")
        self.secret.write_bytes(b"\n")
        self.assertRaises(GitalyError, read_secret, config)
