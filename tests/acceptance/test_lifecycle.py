"""
How a server starts, reloads and ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.support.gitclient import GitClient, make_key, over_ssh
from tests.support.server import PATIENCE, Server, descendants
from tests.support.waiting import eventually, gone

TWISTD = Path(sys.executable).parent / "twistd"
FIXED = (8075, 8080, 2222, 9236)
"""Where a server without a configuration listens."""

BLOCKING = """#!/bin/sh
echo begun > '{folder}/begun'
read line < '{folder}/go'
"""
"""A pre-receive hook: says that it runs by a first named pipe, and waits for a word from a second one."""


class LifecycleCase(SynchronousTestCase):
    """
    Servers and clients that go with the test.
    """

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-client-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.git = GitClient(self.folder)

    def server(
        self, extra: str = "", top: str = "", daemon: bool = False, environment: Mapping[str, str] | None = None
    ) -> Server:
        """
        A server that was not started yet.
        """
        server = Server(extra, environment, daemon, top)
        self.addCleanup(server.dispose)
        return server

    def refused(self, server: Server, *arguments: str) -> str:
        """
        Start a server that does not want to.

        :returns: what it said.
        """
        ended = server.start(check=False, arguments=arguments)
        self.assertIsNotNone(ended, "the server started")
        assert ended is not None
        self.assertEqual(ended.returncode, 1)
        return ended.stdout.decode()

    def work(self) -> Path:
        """
        A repository with one commit.
        """
        work = self.git.repository("work")
        self.git.commit(work, "text\n")
        return work


class StartTests(LifecycleCase):
    """
    When a server starts, and when it does not.
    """

    def test_in_use(self) -> None:
        """
        A second server on the same data is refused in words that name the first one, whichever way it is started; the first one
        serves on.
        """
        first = self.server()
        first.start()
        for daemon in (False, True):
            second = self.server(daemon=daemon)
            second.data = first.data
            second.write_config()
            self.assertIn(f"in use by pid {first.pid}", self.refused(second))
        self.git.run("push", "-q", first.http + "thing.git", "main", cwd=self.work())

    def test_unknown_layout(self) -> None:
        """
        Data that a newer version made is left alone.
        """
        server = self.server()
        server.start()
        server.stop()
        version = server.storage / "+gitaly" / "version"
        version.write_text("2\n")
        before = sorted(path.relative_to(server.data) for path in server.data.rglob("*"))
        self.assertIn("layout version '2'", self.refused(server))
        self.assertEqual(sorted(path.relative_to(server.data) for path in server.data.rglob("*")), before)
        version.write_text("1\n")
        server.start()

    def test_open_to_others(self) -> None:
        """
        A listener that others can reach is refused as long as anybody could use it, unless the operator insists; the refusal
        names the line, and the way out.
        """
        server = self.server()
        ours, open_to_all = f'"127.0.0.1:{server.http_port}"', f'"0.0.0.0:{server.http_port}"'
        text = server.config.read_text().replace(ours, open_to_all)
        server.config.write_text(text)
        said = self.refused(server)
        line = next(number for number, content in enumerate(text.splitlines(), 1) if open_to_all in content)
        self.assertIn(f"gitaly.toml:{line}: http.listen_addr", said)
        self.assertIn("--insecure", said)
        server.start(arguments=["--insecure"])

    def test_host_key(self) -> None:
        """
        The SSH host key is made once, for the server's user alone, and is the same after a restart.
        """
        server = self.server()
        server.start()
        first = self.host_keys(server)
        server.stop()
        server.start()
        self.assertEqual(self.host_keys(server), first)
        (key,) = server.data.rglob("ssh_host_ed25519_key")
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)

    def host_keys(self, server: Server) -> set[str]:
        """
        What OpenSSH is shown.
        """
        if shutil.which("ssh-keyscan") is None:
            raise SkipTest("OpenSSH's client is not installed")
        command = ["ssh-keyscan", "-p", str(server.ssh_port), "127.0.0.1"]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
        keys = {line.split(" ", 1)[1] for line in shown.splitlines() if not line.startswith("#")}
        self.assertNotEqual(keys, set())
        return keys


class StopTests(LifecycleCase):
    """
    SIGTERM, while somebody pushes.
    """

    def blocked_push(self, server: Server) -> subprocess.Popen[bytes]:
        """
        A push that is half done: its hook waits.
        """
        for name in ("begun", "go"):
            os.mkfifo(self.folder / name)
        bare = server.storage / "thing.git"
        self.git.run("init", "-q", "--bare", "-b", "main", str(bare))
        hook = bare / "custom_hooks" / "pre-receive"
        hook.parent.mkdir()
        hook.write_text(BLOCKING.format(folder=self.folder))
        hook.chmod(0o755)
        push = self.git.start("push", "-q", server.http + "thing.git", "main", cwd=self.work())
        self.assertEqual((self.folder / "begun").read_text(), "begun\n")
        return push

    def told_to_stop(self, server: Server) -> None:
        """
        Send the first SIGTERM, and wait until it has an effect.
        """
        os.kill(server.pid, signal.SIGTERM)
        eventually(lambda: not listens(server.http_port), "the listener closes")

    def test_push_in_flight(self) -> None:
        """
        A push that has begun comes to its end, then the server ends with status 0; meanwhile nobody new is let in.
        """
        server = self.server()
        server.start()
        push = self.blocked_push(server)
        self.told_to_stop(server)
        process = server.process
        assert process is not None
        self.assertIsNone(process.poll())
        self.assertIsNone(push.poll())
        (self.folder / "go").write_text("go\n")
        self.assertEqual((push.wait(PATIENCE), push.communicate()[1]), (0, b""))
        self.assertEqual(process.wait(PATIENCE), 0)
        server.pid = 0
        tip = self.git.run("rev-parse", "main", cwd=self.folder / "work").stdout
        self.assertEqual(self.git.run("--git-dir", str(server.storage / "thing.git"), "rev-parse", "main").stdout, tip)

    def test_second_signal(self) -> None:
        """
        A second SIGTERM ends it at once, whoever waits, and all it started; the next start finds everything in order and the push
        not done.
        """
        server = self.server()
        server.start()
        push = self.blocked_push(server)
        children = descendants(server.pid)
        self.told_to_stop(server)
        os.kill(server.pid, signal.SIGTERM)
        assert server.process is not None
        self.assertNotEqual(server.process.wait(5), 0)
        server.pid = 0
        eventually(lambda: all(gone(child) for child in children), "the server's children are gone", 5)
        self.assertNotEqual(push.wait(PATIENCE), 0)
        push.communicate()
        server.start()
        bare = server.storage / "thing.git"
        self.assertEqual(self.git.run("--git-dir", str(bare), "for-each-ref").stdout, "")
        eventually(lambda: not os.listdir(server.storage / "+gitaly" / "staging"), "the staging area is empty", 5)

    def test_no_children(self) -> None:
        """
        What takes longer than it may is cut off, and nothing that the server started is left.
        """
        server = self.server(top='graceful_restart_timeout = "1s"')
        server.start()
        push = self.blocked_push(server)
        children = descendants(server.pid)
        self.assertNotEqual(children, [])
        server.stop()
        assert server.process is not None
        self.assertEqual(server.process.returncode, 0)
        eventually(lambda: all(gone(child) for child in children), "the server's children are gone", 2)
        self.assertNotEqual(push.wait(PATIENCE), 0)
        push.communicate()


class ReloadTests(LifecycleCase):
    """
    SIGHUP.
    """

    def configuration(self, *users: str) -> str:
        """
        Users whose tokens are called like them, and who may read.
        """
        text = ""
        for user in users:
            text += f'[[user]]\nname = "{user}"\ntokens = ["sha256:{hashlib.sha256(user.encode()).hexdigest()}"]\n'
        return text + '[[rule]]\nrepositories = ["**"]\nusers = ["@users"]\nallow = "read"\n'

    def reload(self, server: Server, extra: str, outcome: str) -> None:
        """
        Give the server another configuration.
        """
        metric = f'gitaly_tx_config_reloads_total{{outcome="{outcome}"}}'

        def times() -> float:
            lines = [line for line in server.page("/metrics").splitlines() if line.startswith(metric)]
            return float(lines[0].rsplit(" ", 1)[1]) if lines else 0.0

        before = times()
        server.extra = extra
        server.write_config()
        os.kill(server.pid, signal.SIGHUP)
        eventually(lambda: times() == before + 1, f"a reload is {outcome}")

    def may(self, server: Server, user: str) -> bool:
        """
        Whether somebody may list the refs.
        """
        url = server.http.replace("//", f"//{user}:{user}@") + "thing.git"
        return self.git.run("ls-remote", url, check=False).returncode == 0

    def test_users(self) -> None:
        """
        Users that are added may come in, those that were removed may not; if something is wrong, everything stays as it was.
        """
        server = self.server(self.configuration("alpha"))
        self.git.run("init", "-q", "--bare", str(server.storage / "thing.git"))
        server.start()
        self.assertEqual([self.may(server, user) for user in ("alpha", "beta")], [True, False])
        self.reload(server, self.configuration("beta"), "ok")
        self.assertEqual([self.may(server, user) for user in ("alpha", "beta")], [False, True])
        self.reload(server, self.configuration("alpha") + "[[user]]\nnme = 1\n", "refused")
        self.assertEqual([self.may(server, user) for user in ("alpha", "beta")], [False, True])
        eventually(lambda: "the old one stays in use" in server.output(), "the log says so")


class WithoutConfigurationTests(LifecycleCase):
    """
    The first minute: nothing is configured.
    """

    def setUp(self) -> None:
        super().setUp()
        # The ports are fixed, and tests may run side by side.
        turn = os.open(Path(tempfile.gettempdir()) / "gitaly-tx-tests-fixed-ports", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        fcntl.flock(turn, fcntl.LOCK_EX)
        self.addCleanup(os.close, turn)
        taken = [port for port in FIXED if listens(port)]
        if taken:
            raise SkipTest(f"somebody listens on port {taken[0]}")
        self.home = self.folder / "home"
        self.home.mkdir()
        kept = ("PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "COVERAGE_FILE")
        self.environment = {"HOME": str(self.home)} | {name: os.environ[name] for name in kept if name in os.environ}

    def test_foreground(self) -> None:
        """
        ``twistd -n gitaly`` in an empty directory says where everything is and who may do what, and serves.
        """
        command = [str(TWISTD), "-n", "--pidfile=", "gitaly"]
        server = subprocess.Popen(command, cwd=self.home, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(end, server)
        assert server.stdout is not None
        said = ""
        while "ready after" not in said:
            line = server.stdout.readline().decode()
            self.assertNotEqual(line, "", f"the server ended: {said}")
            said += line
        for text in (
            str(self.home / "gitaly-data" / "repositories"),
            "http://127.0.0.1:8080/",
            "ssh://127.0.0.1:2222/",
            "127.0.0.1:8075",
            "http://127.0.0.1:9236/metrics",
            "Anyone on this machine may read and write",
        ):
            self.assertIn(text, said)
        self.git.run("push", "-q", "http://127.0.0.1:8080/team/thing", "main", cwd=self.work())
        if shutil.which("ssh") and shutil.which("ssh-keygen"):
            make_key(self.folder / "key")
            self.git.environment = over_ssh(self.folder, self.folder / "key")
            self.git.run("clone", "-q", "ssh://127.0.0.1:2222/team/thing", "copy")
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(PATIENCE), 0)
        self.assertEqual(os.listdir(self.home), ["gitaly-data"])

    def test_daemon(self) -> None:
        """
        A plain ``twistd gitaly --data DIR`` goes to the background, serves, and ends when told to.
        """
        data = self.folder / "elsewhere"
        started = subprocess.run(
            [str(TWISTD), "gitaly", "--data", str(data)],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            timeout=PATIENCE,
        )
        self.assertEqual((started.returncode, started.stdout, started.stderr), (0, b"", b""))
        pid = int((self.home / "twistd.pid").read_text())
        self.addCleanup(end_pid, pid)
        eventually(ready, "the server is ready")
        self.git.run("push", "-q", "http://127.0.0.1:8080/team/thing", "main", cwd=self.work())
        self.assertTrue((data / "repositories" / "team").is_dir())
        eventually(lambda: "ready after" in (self.home / "twistd.log").read_text(), "the log says that it is ready")
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: gone(pid), "the server ends")
        self.assertFalse((self.home / "twistd.pid").exists())


def listens(port: int) -> bool:
    """
    Whether somebody does on this port.
    """
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ready() -> bool:
    """
    Whether the server without a configuration says that it is.
    """
    try:
        with urllib.request.urlopen("http://127.0.0.1:9236/readyz", timeout=PATIENCE) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def end(process: subprocess.Popen[bytes]) -> None:
    """
    Kill it if it still runs.
    """
    if process.poll() is None:
        process.kill()
    process.communicate()


def end_pid(pid: int) -> None:
    """
    The same of a process that is nobody's child.
    """
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
