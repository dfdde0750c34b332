"""
Tests for :mod:`gitaly_tx.config.check`.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.config.load import parse
from gitaly_tx.config.problems import ConfigError


def complaints(text: str, insecure: bool = False) -> list[tuple[str, str]]:
    """
    Keys and words of all problems that a text has, warnings first marked with ``?``.
    """
    try:
        problems = parse(text, None, insecure=insecure).warnings
    except ConfigError as error:
        problems = error.problems
    return [(problem.key if problem.fatal else f"?{problem.key}", problem.what) for problem in problems]


class CheckTests(SynchronousTestCase):
    """
    Rules that go over more than one key, or ask the disk.
    """

    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        for name in ("a", "a/inside", "b", "ab"):
            os.makedirs(os.path.join(self.root, name), exist_ok=True)
        os.symlink("a", os.path.join(self.root, "link"))
        self.file = os.path.join(self.root, "file")
        open(self.file, "w").close()

    def storages(self, *pairs: tuple[str, str]) -> list[tuple[str, str]]:
        text = "".join(
            f'[[storage]]\nname = "{name}"\npath = "{path and os.path.join(self.root, path)}"\n' for name, path in pairs
        )
        return complaints(text)

    def test_storages(self) -> None:
        """
        Storages have names and directories of their own; neighbours with a common beginning are no trouble.
        """
        self.assertEqual(self.storages(("x", "a"), ("y", "b"), ("z", "ab")), [])
        cases = {
            (("", "a"),): "storage[0].name",
            (("x", "a"), ("x", "b")): "storage[1].name",
            (("x", ""),): "storage[0].path",
            (("x", "none"),): "storage[0].path",
            (("x", "file"),): "storage[0].path",
            (("x", "a"), ("y", "a")): "storage[1].path",
            (("x", "a"), ("y", "link")): "storage[1].path",
            (("x", "a/inside"), ("y", "a")): "storage[1].path",
            (("x", "a"), ("y", "a/inside")): "storage[1].path",
        }
        for pairs, key in cases.items():
            self.assertEqual([one for one, _ in self.storages(*pairs)], [key], pairs)

    def test_directories(self) -> None:
        """
        Directories that are named must be there; only missing hooks are no reason not to start.
        """
        self.assertEqual(complaints(f'runtime_dir = "{self.root}"\n[hooks]\ncustom_hooks_dir = "{self.root}"\n'), [])
        cases = {
            f'runtime_dir = "{self.root}/none"': "runtime_dir",
            f'[hooks]\ncustom_hooks_dir = "{self.root}/none"': "?hooks.custom_hooks_dir",
            f'[logging]\nfile = "{self.root}/none/log"': "logging.file",
            f'socket_path = "{self.root}/none/socket"': "socket_path",
            f'data_dir = "{self.file}"': "data_dir",
        }
        for text, key in cases.items():
            self.assertEqual([one for one, _ in complaints(text)], [key], text)

    def test_unwritable(self) -> None:
        """
        The runtime directory must be writable.
        """
        os.chmod(f"{self.root}/a", 0o500)
        self.addCleanup(os.chmod, f"{self.root}/a", 0o700)
        if os.access(f"{self.root}/a", os.W_OK):
            self.patch(os, "access", lambda path, mode: False)
        self.assertIn(("runtime_dir", f"{self.root}/a cannot be written"), complaints(f'runtime_dir = "{self.root}/a"'))

    def test_long_socket(self) -> None:
        """
        A socket's path that the kernel would not take is refused.
        """
        self.assertEqual(complaints(f'socket_path = "/{"x" * 107}"')[0][0], "socket_path")

    def test_git(self) -> None:
        """
        git must be there, as named or in PATH.
        """
        self.assertEqual(complaints('[git]\nbin_path = "git"'), [])
        self.assertEqual(complaints(f'[git]\nbin_path = "{self.file}"'), [("git.bin_path", f"{self.file} cannot be run")])
        self.patch(os, "environ", {"PATH": self.root})
        self.assertEqual(complaints(""), [("git.bin_path", "there is no git in PATH")])

    def test_git_settings(self) -> None:
        """
        A setting for git has a section and a name.
        """
        for good in ("core.fsync", "http.https://x.y/.proxy", "remote.a b.url", "pack.threads"):
            self.assertEqual(complaints(f'[[git.config]]\nkey = "{good}"\nvalue = ""'), [], good)
        for bad in ("", "core", ".x", "core.", "core.a=b", "core.a\\nb", "core.1x", "a b.c"):
            found = complaints(f'[[git.config]]\nkey = "{bad}"\nvalue = ""')
            self.assertEqual([key for key, _ in found], ["git.config[0].key"], bad)

    def test_numbers(self) -> None:
        """
        Numbers with which nothing could work are refused.
        """
        cases = {
            "[ssh]\nmax_auth_tries = 0": "ssh.max_auth_tries",
            '[ssh]\nlogin_grace_time = "0s"': "ssh.login_grace_time",
            '[http]\nheader_timeout = "0s"': "http.header_timeout",
            "[push]\nmemory = 1000": "push.memory",
            '[limits]\ngit_memory = "1MiB"': "limits.git_memory",
            "[limits]\nwrite_queue = 0": "limits.write_queue",
            "[wal]\nsegment_size = 1": "wal.segment_size",
            '[wal]\ncheckpoint_interval = "0s"': "wal.checkpoint_interval",
        }
        for text, key in cases.items():
            self.assertEqual([one for one, _ in complaints(text)], [key], text)
        self.assertEqual(complaints("[push]\nmemory = 0\n[limits]\ngit_memory = 0"), [])

    def test_policies(self) -> None:
        """
        A policy is named by its module and its attribute.
        """
        self.assertEqual(complaints('[push]\npolicies = ["a.b:c"]'), [])
        for bad in ("a.b", "a:", ":c", "a b:c", "a.b:c:d"):
            self.assertEqual([key for key, _ in complaints(f'[push]\npolicies = ["{bad}"]')], ["push.policies[0]"], bad)

    def test_values(self) -> None:
        """
        A value of another type than its key's is told so.
        """
        cases = {
            "anonymous_read = 1": "1 is not true or false",
            'anonymous_read = "true"': '"true" is not true or false',
            "data_dir = true": "true is not text",
            "data_dir = []": "an array is not text",
            "data_dir = {}": "a table is not text",
            "data_dir = 1979-05-27": "datetime.date(1979, 5, 27) is not text",
            f'data_dir = ["{"x" * 99}"]': "an array is not text",
            'data_dir = "a\\u0000b"': "it contains a NUL character",
            "[ssh]\nmax_auth_tries = true": "true is not a whole number",
            "[ssh]\nmax_auth_tries = 1.5": "1.5 is not a whole number",
            "[ssh]\nmax_auth_tries = -1": "-1 is negative",
            "[push]\nmax_pack_size = 99999999999999999999": "99999999999999999999 is too large",
            "[push]\nmax_pack_size = true": "true is not a whole number",
            "[push]\nmax_pack_size = 1.5": "1.5 is not text",
            '[push]\npolicies = "x:y"': '"x:y" is not an array',
            "[push]\npolicies = [1]": "1 is not text",
            "[push]\nhook_timeout = 5": "5 is not a duration",
            '[push]\nhook_timeout = "5 minutes"': "'5 minutes' is not a duration",
            "[auth]\ntoken = 12345": "it is not text",
            "[prometheus]\ngrpc_latency_buckets = [0.1, true]": "true is not a number",
            '[http]\nexternal_url = "ftp://x"': '"ftp://x" is not the URL of a server',
            '[http]\nexternal_url = "https://x:y"': '"https://x:y" is not the URL of a server',
            '[http]\nexternal_url = "https://x/?q"': '"https://x/?q" is not the URL of a server',
            '[http]\nexternal_url = "https://u:p@x"': "a URL here holds no user",
        }
        for text, words in cases.items():
            self.assertEqual([what for _, what in complaints(text)], [words], text)

    def test_previous_tokens(self) -> None:
        """
        Earlier secrets are good beside a present one only, and are secrets; they are never quoted.
        """
        self.assertEqual(complaints('[auth]\ntoken = "new"\nprevious_tokens = ["old", "older"]'), [])
        (found,) = complaints('[auth]\nprevious_tokens = ["old-secret"]')
        self.assertEqual(found[0], "auth.previous_tokens")
        (found,) = complaints('[auth]\ntoken = "new"\nprevious_tokens = ["old", ""]')
        self.assertEqual(found[0], "auth.previous_tokens[1]")
        for bad in ('"old-secret"', "[1, 2]"):
            ((key, words),) = complaints(f'[auth]\ntoken = "new"\nprevious_tokens = {bad}')
            self.assertEqual(key, "auth.previous_tokens")
            self.assertNotIn("old-secret", words)

    def test_vanished(self) -> None:
        """
        A file that is gone by the time its mode is looked at is no trouble.
        """
        config = parse('[auth]\ntoken = "secret"\n', os.path.join(self.root, "gone.toml"))
        self.assertEqual(config.warnings, ())
