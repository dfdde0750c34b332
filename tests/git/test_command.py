"""
Tests for :mod:`gitaly_tx.git.command` and :mod:`gitaly_tx.git.subcommands`.
"""

from __future__ import annotations

import os
from itertools import pairwise
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import GitalyError
from gitaly_tx.git.command import Command
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.options import ConfigPair, ValueFlag
from gitaly_tx.git.subcommands import COMMON, FSCK_EXCEPTIONS, SUBCOMMANDS, strict
from tests.support.git import git, make_repository

DIRECTORY = GitDirectory("/srv/a b.git")


def words(command: Command, *config: ConfigPair) -> list[bytes]:
    """
    A command line without settings.
    """
    found, skip = [], False
    for word in command.argv("/usr/bin/git", config):
        if not skip and word != b"-c":
            found.append(word)
        skip = word == b"-c"
    return found


def settings(command: Command, *config: ConfigPair) -> list[bytes]:
    """
    The settings of a command line, in their order.
    """
    argv = command.argv("git", config)
    return [after for word, after in pairwise(argv) if word == b"-c"]


class CommandTests(SynchronousTestCase):
    """
    How a command line is made.
    """

    def test_words(self):
        """
        Everything has its place; the repository is named by its absolute path.
        """
        command = Command(
            "for-each-ref",
            ["--count=1", ValueFlag("--sort", "-refname")],
            ["refs/heads/", b"refs/tags/\xff"],
            directory=DIRECTORY,
        )
        self.assertEqual(
            words(command),
            [
                b"/usr/bin/git",
                b"--git-dir=/srv/a b.git",
                b"for-each-ref",
                b"--count=1",
                b"--sort",
                b"-refname",
                b"--end-of-options",
                b"refs/heads/",
                b"refs/tags/\xff",
            ],
        )

    def test_action_and_separator(self):
        """
        A subcommand's own subcommand comes right after it; what stands after ``--`` may begin with a dash.
        """
        command = Command("commit-graph", ["--reachable"], action="write", after_separator=["-x"])
        self.assertEqual(words(command)[1:], [b"commit-graph", b"write", b"--reachable", b"--", b"-x"])

    def test_without_end_of_options(self):
        """
        A subcommand that does not know ``--end-of-options`` is not given it; nor is one without arguments.
        """
        self.assertNotIn(b"--end-of-options", words(Command("rev-list", ["--all"], ["main"])))
        self.assertNotIn(b"--end-of-options", words(Command("cat-file", ["--batch"])))

    def test_path_argument(self):
        """
        Commands that serve a repository get it as their last argument.
        """
        command = Command("upload-pack", ["--stateless-rpc"], directory=DIRECTORY)
        self.assertEqual(words(command)[1:], [b"upload-pack", b"--stateless-rpc", b"--end-of-options", b"/srv/a b.git"])

    def test_settings(self):
        """
        Fixed settings come first, then those of the command, and last the operator's: the last one wins.
        """
        mine, operators = ConfigPair("gc.auto", "1"), ConfigPair("gc.auto", "2")
        found = settings(Command("repack", config=[mine]), operators)
        self.assertEqual([word for word in found if word.startswith(b"gc.auto=")], [b"gc.auto=0", b"gc.auto=1", b"gc.auto=2"])

    def test_fsync(self):
        """
        What writes into a quarantine is made durable by the log; everything else syncs all it writes.
        """
        for name, expected in (("index-pack", b"none"), ("unpack-objects", b"none"), ("repack", b"all"), ("update-ref", b"all")):
            found = [word for word in settings(Command(name)) if word.startswith(b"core.fsync=")]
            self.assertEqual(found[-1], b"core.fsync=" + expected)

    def test_injection(self):
        """
        Neither an option nor an argument can be something else, and only known subcommands run.
        """
        self.assertRaises(GitalyError, Command, "rev-list", ["main"])
        self.assertRaises(GitalyError, Command, "rev-list", [], ["--output=/tmp/x"])
        self.assertRaises(GitalyError, Command, "rev-list", [], [], ["a\0b"])
        self.assertRaises(GitalyError, Command, "filter-branch")

    def test_variables(self):
        """
        The quarantine and literal paths are told by the environment; only commands that use the network may.
        """
        command = Command("rev-list", directory=DIRECTORY.quarantined("/srv/q"), literal_pathspecs=True, environment={"X": "y"})
        self.assertEqual(
            command.variables(),
            {
                "GIT_OBJECT_DIRECTORY": "/srv/q",
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/srv/a b.git/objects",
                "GIT_LITERAL_PATHSPECS": "1",
                "GIT_ALLOW_PROTOCOL": "none",
                "GIT_NO_LAZY_FETCH": "1",
                "X": "y",
            },
        )
        self.assertEqual(Command("fetch").variables(), {"GIT_ALLOW_PROTOCOL": "http:https:ssh:git"})


class SubcommandTests(SynchronousTestCase):
    """
    The table agrees with the git of this machine.
    """

    def test_settings_are_known(self):
        """
        git accepts every setting of every subcommand.
        """
        for subcommand in SUBCOMMANDS.values():
            self.assertEqual(subcommand.config[: len(COMMON)], COMMON)
            for pair in subcommand.config:
                git(*[os.fsdecode(word) for word in pair.words()], "config", "--get", os.fsdecode(pair.key))

    def test_end_of_options(self):
        """
        Commands that are marked so take ``--end-of-options``, and what follows is not taken for an option.
        """
        directory = make_repository(self.mktemp(), commits=1)
        for command in (
            Command("for-each-ref", [], ["refs/heads/"]),
            Command("cat-file", ["-e"], ["main"]),
            Command("merge-base", [], ["main", "main"]),
            Command("show-ref", [], ["main"]),
            Command("hash-object", [], ["config"]),
            Command("pack-objects", ["--all"], [os.path.abspath(self.mktemp())]),
            Command("update-ref", ["-d"], ["refs/heads/none"]),
            Command("upload-pack", ["--advertise-refs"], []),
        ):
            words = Command(command.name, command.options, command.arguments, directory=directory).argv("git")
            self.assertIn(b"--end-of-options", words)
            git(*map(os.fsdecode, words[1:]), cwd=directory.path)

    def test_strict(self):
        """
        index-pack takes the exceptions to its checks, and ignores what they name.
        """
        path = make_repository(self.mktemp(), commits=1).path
        commit = git("-C", path, "cat-file", "commit", "main").replace(b"+0000", b"+051800")
        oid = git("-C", path, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=commit).strip()
        pack = git("-C", path, "pack-objects", "--stdout", "--revs", stdin=oid + b"\n")
        for flag, complaint in (("--strict", "badTimezone"), (os.fsdecode(strict().name), None)):
            other = make_repository(self.mktemp()).path
            if complaint:
                refused = self.assertRaises(AssertionError, git, "-C", other, "index-pack", "--stdin", flag, stdin=pack)
                self.assertIn(complaint, str(refused))
            else:
                git("-C", other, "index-pack", "--stdin", flag, stdin=pack)
        self.assertEqual(set(FSCK_EXCEPTIONS.values()), {"ignore"})

    def test_repository_of_somebody_else(self):
        """
        A repository that belongs to another user is served.
        """
        if os.getuid() != 0:
            return
        path = make_repository(self.mktemp(), commits=1).path
        os.chown(path, 12345, 12345)
        for command in (Command("rev-list", ["--all"]), Command("upload-pack", ["--strict", "--advertise-refs"])):
            words = Command(command.name, command.options, directory=GitDirectory(path)).argv("git")
            self.assertTrue(git(*map(os.fsdecode, words[1:])))
        self.assertRaises(AssertionError, git, "-C", path, "rev-list", "--all")

    def test_threads(self):
        """
        A child that compresses uses at least one thread, and few of many.
        """
        for processors, threads in ((1, 1), (2, 1), (3, 1), (4, 2), (64, 6)):
            with mock.patch("os.sched_getaffinity", return_value=set(range(processors))):
                self.assertEqual(max(1, len(os.sched_getaffinity(0)).bit_length() - 1), threads)
