"""
Tests for gitaly_tx.git.config and gitaly_tx.git.fileidentity.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code
from gitaly_tx.git.config import Configurations, RepositoryConfig, UnusableConfig
from gitaly_tx.git.fileidentity import MISSING, identify
from gitaly_tx.git.objectid import ObjectFormat
from tests.support.git import git, make_repository


class ConfigTests(SynchronousTestCase):
    """
    What a repository says of itself.
    """

    def setUp(self):
        self.path = os.path.abspath(self.mktemp())
        os.mkdir(self.path)
        self.name = os.path.join(self.path, "config")
        self.configurations = Configurations(entries=2)

    def write(self, text: str, age: float = 10.0) -> None:
        with open(self.name, "w") as file:
            file.write(text)
        status = os.stat(self.name)
        os.utime(self.name, (status.st_atime, status.st_mtime - age))

    def test_by_git(self):
        """
        What git writes is understood.
        """
        for object_format in ObjectFormat:
            directory = make_repository(os.path.abspath(self.mktemp()), object_format=object_format.value)
            self.assertEqual(self.configurations.read(directory.path), RepositoryConfig(object_format, "files", True))
            git("-C", directory.path, "config", "core.bare", "no")
            self.assertEqual(self.configurations.read(directory.path).bare, False)

    def test_reftable(self):
        """
        Where the refs are is told; names of keys may be written in any case.
        """
        self.write("[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tRefStorage = reftable\n\tobjectFormat = sha256\n")
        self.assertEqual(self.configurations.read(self.path), RepositoryConfig(ObjectFormat.SHA256, "reftable", None))

    def test_booleans(self):
        """
        Truth is written in as many ways as git takes.
        """
        for text, bare in (
            ("= yes", True),
            ("= ON", True),
            ("= 1", True),
            ("", True),
            ("= off", False),
            ("=", False),
            ("= 0", False),
        ):
            self.write(f"[core]\n\tbare {text}\n", age=0)
            self.assertIs(self.configurations.read(self.path).bare, bare, text)

    def test_missing(self):
        """
        Without a config file everything is as it was when git was young.
        """
        self.assertEqual(self.configurations.read(self.path), RepositoryConfig(ObjectFormat.SHA1, "files", None))

    def test_unusable(self):
        """
        What git would refuse to work with is refused, without a path in the text.
        """
        for text in (
            "[core]\n\trepositoryformatversion = 2\n",
            "[core]\n\trepositoryformatversion = x\n",
            "[extensions]\n\tobjectformat = md5\n",
            "[extensions]\n\trefstorage = sql\n",
            "[core\n",
            "[core]\n\tbare = perhaps\n",
        ):
            self.write(text)
            with self.assertRaises(UnusableConfig) as raised:
                self.configurations.read(self.path)
            self.assertEqual(raised.exception.code, Code.FAILED_PRECONDITION)
            self.assertEqual(raised.exception.message, "invalid repository configuration")

    def test_unreadable(self):
        """
        A config that cannot be read is an error of the disk.
        """
        os.mkdir(self.name)
        with self.assertRaises(OSError):
            self.configurations.read(self.path)

    def test_looked_at_again(self):
        """
        A change is seen at once; an unchanged file is not parsed again.
        """
        self.write("[core]\n\tbare = true\n")
        first = self.configurations.read(self.path)
        for bare in ("false", "true"):
            self.write(f"[core]\n\tbare = {bare}\n", age=0)
            self.assertEqual(self.configurations.read(self.path).bare, bare == "true")
        self.assertEqual(self.configurations.read(self.path), first)
        self.configurations.forget(self.path)
        self.configurations.forget(self.path)
        for number in range(5):
            directory = make_repository(os.path.abspath(self.mktemp()))
            self.assertTrue(self.configurations.read(directory.path).bare, number)


class FileIdentityTests(SynchronousTestCase):
    """
    Whether a file is still the same.
    """

    def test_racy(self):
        """
        A file that has just changed may change again unseen; one that is older may not.
        """
        path = self.mktemp()
        self.assertEqual(identify(path), MISSING)
        self.assertEqual(identify(path + "/x"), MISSING)
        with open(path, "w") as file:
            file.write("x")
            file.flush()
            changed = os.fstat(file.fileno()).st_ctime_ns
            self.assertTrue(identify(file.fileno(), lambda: changed + 1_000).racy)
            self.assertFalse(identify(path, lambda: changed + 1_000_000_000).racy)
            self.assertEqual(identify(path, lambda: changed + 1_000), identify(path, lambda: changed + 1_000_000_000))

    def test_cached(self):
        """
        An old and unchanged file gives the very same value.
        """
        path = os.path.abspath(self.mktemp())
        os.mkdir(path)
        with open(os.path.join(path, "config"), "w") as file:
            file.write("[core]\n\tbare = true\n")
        changed = os.stat(os.path.join(path, "config")).st_ctime_ns
        configurations = Configurations(now=lambda: changed + 1_000_000_000)
        self.assertIs(configurations.read(path), configurations.read(path))
