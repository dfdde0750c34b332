"""
Tests for :mod:`gitaly_tx.config.load`.
"""

from __future__ import annotations

import os

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.config.address import Address
from gitaly_tx.config.load import VARIABLE, load, parse
from gitaly_tx.config.model import Config, Storage
from gitaly_tx.config.problems import ConfigError, Problem
from tests.support.sshkeys import ed25519_key


class LoadTests(SynchronousTestCase):
    """
    A file becomes a complete configuration.
    """

    def setUp(self) -> None:
        self.directory = os.path.abspath(self.mktemp())
        os.makedirs(self.directory)

    def write(self, text: str | bytes, name: str = "gitaly.toml") -> str:
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def refused(self, text: str | bytes) -> tuple[Problem, ...]:
        with self.assertRaises(ConfigError) as caught:
            load(self.write(text))
        return caught.exception.problems

    def test_nothing(self) -> None:
        """
        Without a file everything has a default: loopback listeners, data below the working directory, access for all.
        """
        config = load()
        data = os.path.join(os.getcwd(), "gitaly-data")
        self.assertEqual(config.data_dir, data)
        self.assertEqual(config.storages, (Storage("default", f"{data}/repositories"),))
        self.assertEqual(config.listen_addr, Address("127.0.0.1", 8075))
        self.assertEqual(config.prometheus_listen_addr, Address("127.0.0.1", 9236))
        assert config.http is not None and config.ssh is not None
        self.assertEqual(config.http.listen_addr, Address("127.0.0.1", 8080))
        self.assertEqual(config.ssh.listen_addr, Address("127.0.0.1", 2222))
        self.assertEqual(config.ssh.host_key_path, f"{data}/ssh_host_ed25519_key")
        self.assertTrue(config.open_access)
        self.assertEqual((config.path, config.source, config.warnings, config.unused), (None, "", (), ()))

    def test_data(self) -> None:
        """
        The data directory that is given on the command line comes before the file's.
        """
        path = self.write('data_dir = "there"\n')
        self.assertEqual(load(path).data_dir, os.path.join(self.directory, "there"))
        config = load(path, "here")
        self.assertEqual(config.data_dir, os.path.abspath("here"))
        self.assertEqual(config.storages[0].path, os.path.abspath("here/repositories"))

    def test_gitalys_file(self) -> None:
        """
        A file as Gitaly is started with: only the named socket listens, the server's files are in the storage, and what means
        nothing here is accepted and listed.
        """
        for name in ("default", "second", "run", "bin"):
            os.mkdir(os.path.join(self.directory, name))
        root = self.directory
        config = load(
            self.write(
                f"""
socket_path = "{root}/gitaly.sock"
prometheus_listen_addr = "localhost:9999"
bin_dir = "{root}/bin"
runtime_dir = "{root}/run"
graceful_restart_timeout = "10m0s"
[[storage]]
name = "default"
path = "{root}/default/"
[[storage]]
name = "second"
path = "second"
[git]
bin_path = "/usr/bin/env"
catfile_cache_size = 10
[[git.config]]
key = "core.fsyncObjectFiles"
value = "true"
[logging]
dir = "{root}"
format = "json"
level = ""
[auth]
token = "a secret"
transitioning = true
[gitlab]
url = "http+unix://%2Fx"
secret = "another secret"
[gitlab.http-settings]
user = "u"
password = "p"
[gitlab-shell]
dir = "{root}"
[[concurrency]]
rpc = "/gitaly.RepositoryService/OptimizeRepository"
max_per_repo = 1
[cgroups]
mountpoint = "/sys/fs/cgroup"
[cgroups.repositories]
count = 3
memory_bytes = -1
[daily_maintenance]
disabled = true
[backup]
go_cloud_url = "file:///x/y"
layout = "pointer"
"""
            )
        )
        self.assertEqual(config.socket_path, f"{root}/gitaly.sock")
        self.assertEqual((config.listen_addr, config.tls_listen_addr, config.http, config.ssh), (None, None, None, None))
        self.assertEqual(config.prometheus_listen_addr, Address("localhost", 9999))
        self.assertEqual(config.graceful_restart_timeout, 600.0)
        self.assertEqual(
            [(one.name, one.path) for one in config.storages], [("default", f"{root}/default"), ("second", f"{root}/second")]
        )
        self.assertEqual(config.data_dir, f"{root}/default/+gitaly")
        self.assertEqual([(pair.key, pair.value) for pair in config.git.config], [("core.fsyncObjectFiles", "true")])
        self.assertEqual((config.logging.format, config.logging.level), ("json", "info"))
        self.assertEqual(config.gitlab.http_settings.user, "u")
        self.assertEqual(config.cgroups.repositories.memory_bytes, -1)
        self.assertEqual(
            config.unused,
            (
                "bin_dir",
                "git.catfile_cache_size",
                "logging.dir",
                "gitlab-shell",
            ),
        )
        self.assertEqual([problem.key for problem in config.warnings], ["auth.token"])  # the file is readable by all

    def test_secrets_are_not_shown(self) -> None:
        """
        No secret is in the representation of a configuration.
        """
        path = self.write(
            '[auth]\ntoken = "very-secret"\n[gitlab]\nsecret = "very-secret"\n[gitlab.http-settings]\npassword = "very-secret"\n'
        )
        os.chmod(path, 0o640)
        config = load(path)
        self.assertEqual(config.auth.token, "very-secret")
        self.assertEqual(config.warnings, ())
        self.assertNotIn("very-secret", repr(config))

    def test_named_listeners(self) -> None:
        """
        As soon as one listener is named, only those that are named listen; monitoring alone names none.
        """

        def named(text: str) -> list[str]:
            config = load(self.write(text))
            names = ("listen_addr", "tls_listen_addr", "socket_path", "http", "ssh", "prometheus_listen_addr")
            return [name for name in names if getattr(config, name)]

        everything = ["listen_addr", "http", "ssh", "prometheus_listen_addr"]
        self.assertEqual(named(""), everything)
        self.assertEqual(named('prometheus_listen_addr = "[::1]:1"'), everything)
        self.assertEqual(named('prometheus_listen_addr = ""'), everything[:-1])
        self.assertEqual(named('listen_addr = ""'), everything[1:])
        self.assertEqual(named('listen_addr = "localhost:1"'), ["listen_addr"])
        self.assertEqual(named('[grpc]\ndirect_listen_addr = "localhost:1"'), [])
        self.assertEqual(named("[http]"), ["http"])
        self.assertEqual(named('[http]\nexternal_url = "https://x"\n[ssh]\n'), ["http", "ssh"])
        self.assertEqual(named('socket_path = "s"\n[ssh]\nlisten_addr = ""\n'), ["socket_path"])

    def test_paths(self) -> None:
        """
        Relative paths start from the file's directory, and ``~`` is the home directory; a program's bare name is looked up.
        """
        path = self.write('runtime_dir = "."\n[git]\nbin_path = "git"\n[ssh]\nhost_key_path = "~/key"\n[http]\n')
        config = load(os.path.relpath(path))
        self.assertEqual(config.runtime_dir, self.directory)
        self.assertEqual(config.git.bin_path, "git")
        assert config.ssh is not None
        self.assertEqual(config.ssh.host_key_path, os.path.expanduser("~/key"))

    def test_socket_schemes(self) -> None:
        """
        A socket is named with or without its scheme.
        """
        for written in ("/x/s", "unix:/x/s", "unix:///x/s"):
            with self.assertRaises(ConfigError) as caught:
                load(self.write(f'socket_path = "{written}"'))
            self.assertIn("the directory of /x/s is not there", str(caught.exception))

    def test_keys_from_files(self) -> None:
        """
        A user's key may be text or the path of a file with several; both end up as text.
        """
        one, two, three = (ed25519_key(f"alpha@{seed}", seed) for seed in (1, 2, 3))
        self.write(f"# mine\n{two}\n\n{three}\n", "alpha.pub")
        config = load(self.write(f'[[user]]\nname = "alpha"\nadmin = true\nkeys = ["{one}", "alpha.pub"]\n'))
        self.assertEqual(config.users[0].keys, (one, two, three))
        self.assertFalse(config.open_access)

    def test_environment(self) -> None:
        """
        The environment names the file if nobody else does, and is asked only if it is given.
        """
        path = self.write("anonymous_read = true\n")
        self.assertTrue(load(environ={VARIABLE: path}).anonymous_read)
        self.assertFalse(load(environ={VARIABLE: ""}).anonymous_read)
        self.assertFalse(load(self.write("", "other.toml"), environ={VARIABLE: path}).anonymous_read)

    def test_overrides(self) -> None:
        """
        Overrides come before the file, key by key.
        """
        path = self.write('[http]\nlisten_addr = "127.0.0.1:1"\nexternal_url = "https://x/"\n')
        config = load(path, overrides={"http.listen_addr": "127.0.0.1:2", "push.max_pack_size": "1k", "anonymous_read": True})
        assert config.http is not None
        self.assertEqual((config.http.listen_addr, config.http.external_url), (Address("127.0.0.1", 2), "https://x"))
        self.assertEqual((config.push.max_pack_size, config.anonymous_read), (1024, True))

    def test_everything_at_once(self) -> None:
        """
        All mistakes are reported together, in the file's order, each with line, key and cure.
        """
        problems = self.refused(
            """\
listen_adr = "x"
graceful_restart_timeout = 10
[[storage]]
name = "default"
path = "not-there"
[http]
listen_addr = "::1:80"
anonymous_read = true
certificate_path = "c.pem"
[ssh]
max_auth_tries = "six"
[[user]]
name = "alpha"
keys = [
  "nothing.pub",
]
[[rule]]
repositories = ["a//b"]
users = ["beta"]
allow = "everything"
[push]
max_pack_size = "much"
max_file_size = -1
policies = ["nonsense"]
[logging]
format = "xml"
[auth]
transitioning = "yes"
[user.x]
"""
        )
        self.assertEqual(
            [(problem.line, problem.key, problem.fatal) for problem in problems],
            [
                (1, "listen_adr", False),
                (2, "graceful_restart_timeout", True),
                (5, "storage[0].path", True),
                (6, "http.key_path", True),
                (7, "http.listen_addr", True),
                (8, "http.anonymous_read", False),
                (9, "http.certificate_path", True),
                (11, "ssh.max_auth_tries", True),
                (12, "user[0]", False),
                (15, "user[0].keys[0]", True),
                (18, "rule[0].repositories[0]", True),
                (19, "rule[0].users[0]", True),
                (20, "rule[0].allow", True),
                (22, "push.max_pack_size", True),
                (23, "push.max_file_size", True),
                (24, "push.policies[0]", True),
                (26, "logging.format", True),
                (28, "auth.transitioning", True),
                (29, "user[0].x", False),
            ],
        )
        for problem in problems:
            self.assertTrue(problem.what and problem.cure, problem)

    def test_suggestions(self) -> None:
        """
        An unknown key is a warning that names what was probably meant.
        """
        config = parse("listen_adr = 1\nexternal_url = 2\nxyzzy = 3\n[http]\nexternalurl = 4\nanonymous_read = true\n", None)
        self.assertEqual(
            [problem.cure for problem in config.warnings],
            [
                "did you mean listen_addr?",
                "did you mean http.external_url?",
                "remove it, or look it up in etc/gitaly.toml.example",
                "did you mean external_url?",
                "did you mean the key of that name at the top? Put it above the first [table]",
            ],
        )

    def test_table_shapes(self) -> None:
        """
        A table in the place of a value, and the other way round, are told from one another.
        """
        cases = {
            'storage = "x"': "write [[storage]] with two brackets",
            "[storage]": "write [[storage]] with two brackets",
            "http = 1": "write [http] on a line of its own, and its keys below",
            "[[http]]": "write [http] on a line of its own, and its keys below",
            "[data_dir]": "put it in quotes",
            "git.config = [1]": "write [[git.config]] with two brackets",
        }
        for text, cure in cases.items():
            self.assertIn(cure, [problem.cure for problem in self.refused(text)], text)

    def test_syntax(self) -> None:
        """
        A file that is no TOML is told by its line, with or without a line in the parser's words.
        """
        self.assertEqual([(one.line, one.what) for one in self.refused("a = 1\n\nb = = 2\n")], [(3, "invalid value")])
        self.assertEqual([one.line for one in self.refused("a = 1\nb = '''x\n")], [3])
        self.assertEqual([one.line for one in self.refused(b"a = 1\nb = '\xff'\n")], [2])
        self.assertEqual([one.what for one in self.refused("a = " + "[" * 5000)], ["brackets are nested too deeply"])

    def test_byte_order_mark(self) -> None:
        """
        What Windows' editors put into files does no harm.
        """
        config = load(self.write(b"\xef\xbb\xbf# x\r\nanonymous_read = true\r\nxyzzy = 1\r\n"))
        self.assertEqual([problem.line for problem in config.warnings], [3])

    def test_missing_file(self) -> None:
        """
        A file that is not there is a problem like any other.
        """
        with self.assertRaises(ConfigError) as caught:
            load("/nowhere/gitaly.toml")
        expected = "/nowhere/gitaly.toml: it cannot be read: no such file or directory — give the path of a readable file"
        self.assertEqual(str(caught.exception), expected)

    def test_printed(self) -> None:
        """
        An error prints as one line for each problem, warnings marked as such.
        """
        path = self.write('lisssten = 1\nlisten_addr = "x"\n')
        with self.assertRaises(ConfigError) as caught:
            load(path)
        lines = str(caught.exception).splitlines()
        self.assertTrue(lines[0].startswith(f"{path}:1: warning: lisssten: there is no such key — "), lines)
        self.assertTrue(lines[1].startswith(f"{path}:2: listen_addr: 'x' is not HOST:PORT — write HOST:PORT, such as "), lines)

    def test_equal(self) -> None:
        """
        Two configurations that say the same are equal, whatever their files look like.
        """
        one, two = parse("anonymous_read = true", None), parse("# c\n\nanonymous_read=true\n", None)
        self.assertEqual(one, two)
        self.assertNotEqual(one, evolve(two, anonymous_read=False))
        self.assertIsInstance(one, Config)
