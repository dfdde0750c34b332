"""
Tests for :mod:`gitaly_tx.git.environment`.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.environment import GitProgram, find_git, inherited, parse_version
from gitaly_tx.git.interfaces import IEnvironment
from gitaly_tx.git.objectid import ObjectFormat
from tests.support.git import make_repository


class FindTests(SynchronousTestCase):
    """
    Which git is used.
    """

    def make_program(self, script: str) -> str:
        """
        A program that is not git.
        """
        folder = self.mktemp()
        os.mkdir(folder)
        path = os.path.abspath(os.path.join(folder, "git"))
        with open(path, "w") as file:
            file.write(script)
        os.chmod(path, 0o755)
        return path

    def refusal(self, bin_path: str, **environment: str) -> str:
        """
        What is said of a git that cannot be used.
        """
        error = self.assertRaises(GitalyError, find_git, environment, bin_path)
        self.assertIs(error.code, Code.FAILED_PRECONDITION)
        return error.message

    def test_found(self):
        """
        git is found on the path, and says where its programs lie.
        """
        found = find_git(os.environ)
        verifyObject(IEnvironment, found)
        self.assertTrue(os.path.isabs(found.path))
        self.assertGreaterEqual(found.version, (2, 39, 0))
        self.assertTrue(found.version_text.startswith(f"{found.version[0]}.{found.version[1]}"))
        self.assertTrue(os.path.isdir(found.exec_path))

    def test_configured(self):
        """
        The configured program is used, a wrapper too.
        """
        path = self.make_program("#!/bin/sh\necho git version 2.48.1.windows.1\n")
        found = find_git(os.environ, path)
        self.assertEqual((found.path, found.version, found.version_text), (path, (2, 48, 1), "2.48.1.windows.1"))

    def test_refused(self):
        """
        No git, something else, or an old git: the error says what to do.
        """
        self.assertEqual(self.refusal("", PATH="/nonexistent"), "git not found: install git or set [git] bin_path")
        self.assertEqual(self.refusal("/nonexistent/git"), "git not found: correct [git] bin_path")
        self.assertIn("does not tell its version", self.refusal(self.make_program("#!/bin/sh\necho hello\n")))
        self.assertIn("cannot be executed", self.refusal(self.make_program("#!/nonexistent/sh\n")))
        old = self.make_program("#!/bin/sh\necho git version 2.38.9\n")
        self.assertEqual(self.refusal(old), "git 2.38.9 is too old: version 2.39 or newer is needed")

    def test_versions(self):
        """
        All the ways in which git says its version are understood.
        """
        for text, version, shown in (
            ("git version 2.39.5 (Debian)\n", (2, 39, 5), "2.39.5"),
            ("git version 2.51.0-rc1\n", (2, 51, 0), "2.51.0-rc1"),
            ("git version 2.55\n", (2, 55, 0), "2.55"),
            ("git version 2.43.0.windows.1", (2, 43, 0), "2.43.0.windows.1"),
            ("git version 2.39.5 (Apple Git-154)", (2, 39, 5), "2.39.5"),
        ):
            self.assertEqual(parse_version(text), (version, shown))
        self.assertIs(parse_version("version 2.39.5"), None)

    def test_reftable(self):
        """
        Reftables are known from 2.45 on.
        """
        self.assertFalse(GitProgram("/git", (2, 44, 9), "2.44.9").supports_reftable())
        self.assertTrue(GitProgram("/git", (2, 45, 0), "2.45.0").supports_reftable())

    def test_inherited(self):
        """
        Of the server's environment only harmless variables are passed on.
        """
        passed = {"HOME": "/h", "TZ": "UTC", "https_proxy": "x", "NO_PROXY": "y", "GIT_TRACE2_EVENT": "/t"}
        kept = {
            "GIT_DIR": "/x",
            "LD_PRELOAD": "/x",
            "GIT_SSH_COMMAND": "id",
            "GIT_CONFIG_COUNT": "1",
            "LANGUAGE": "de",
            "FOO": "bar",
        }
        self.assertEqual(inherited({**passed, **kept}), passed)


class ObjectFormatTests(SynchronousTestCase):
    """
    How a repository names its objects.
    """

    def object_format(self, config: bytes | None) -> ObjectFormat:
        """
        The format that a config file names.
        """
        path = self.mktemp()
        os.mkdir(path)
        if config is not None:
            with open(os.path.join(path, "config"), "wb") as file:
                file.write(config)
        return GitProgram("/git", (2, 39, 0), "2.39.0").object_format(GitDirectory(path))

    def test_real(self):
        """
        Repositories that git made have the format they were made with.
        """
        for name in ("sha1", "sha256"):
            directory = make_repository(self.mktemp(), object_format=name)
            self.assertEqual(find_git(os.environ).object_format(directory).value, name)

    def test_spellings(self):
        """
        The setting is found in every spelling, and nowhere but in its section.
        """
        for config in (
            b"[extensions]\n\tobjectformat = sha256\n",
            b"[Extensions]\nobjectFormat=SHA256 ; comment\n",
            b'[core]\n\tbare = true\n[extensions] objectFormat = "sha256"\n',
        ):
            self.assertIs(self.object_format(config), ObjectFormat.SHA256)
        spellings: tuple[bytes | None, ...] = (
            None,
            b"",
            b"objectformat = sha256\n",
            b"[core]\nobjectformat = sha256\n",
            b"[extensions]\n# objectformat = sha256\n",
            b'[extensions "x"]\nobjectformat = sha256\n',
            b"[extensions]\n[core]\nobjectformat = sha256\n",
        )
        for none in spellings:
            self.assertIs(self.object_format(none), ObjectFormat.SHA1)

    def test_unknown(self):
        """
        A format that nobody knows is an error.
        """
        error = self.assertRaises(GitalyError, self.object_format, b"[extensions]\nobjectformat = sha3\n")
        self.assertIs(error.code, Code.FAILED_PRECONDITION)
