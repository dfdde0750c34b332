"""
A real server in a process of its own, as an operator would start it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds to wait for something that takes one on an idle machine."""


def free_ports(count: int) -> list[int]:
    """
    Ports on the loopback interface that nobody listens on at this moment.
    """
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Server:
    """
    ``twistd gitaly`` with a configuration of its own, on free ports.

    :param extra: more TOML for the end of the configuration.
    :param environment: variables beside the caller's.
    :param daemon: let twistd daemonize, as it does by default.
    """

    def __init__(self, extra: str = "", environment: Mapping[str, str] | None = None, daemon: bool = True, top: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-"))
        self.data = self.folder / "data"
        self.grpc_port, self.http_port, self.ssh_port, self.metrics_port = free_ports(4)
        self.config = self.folder / "gitaly.toml"
        self.log = self.folder / "log"
        self.pidfile = self.folder / "pid"
        self.extra = extra
        self.top = top
        self.environment = dict(environment or {})
        self.daemon = daemon
        self.process: subprocess.Popen[bytes] | None = None
        self.pid = 0
        self.write_config()

    def write_config(self) -> None:
        """
        Write the configuration file anew.
        """
        self.config.write_text(
            f"""
data_dir = "{self.data}"
runtime_dir = "{self.folder / "run"}"
listen_addr = "127.0.0.1:{self.grpc_port}"
socket_path = "{self.folder / "s.sock"}"
prometheus_listen_addr = "127.0.0.1:{self.metrics_port}"
{self.top}
[http]
listen_addr = "127.0.0.1:{self.http_port}"
[ssh]
listen_addr = "127.0.0.1:{self.ssh_port}"
[[storage]]
name = "default"
path = "{self.storage}"
{self.extra}
"""
        )
        (self.folder / "run").mkdir(exist_ok=True)
        self.storage.mkdir(parents=True, exist_ok=True)

    @property
    def storage(self) -> Path:
        """
        Where repositories lie.
        """
        return self.data / "repositories"

    @property
    def http(self) -> str:
        """
        What clone URLs over HTTP begin with.
        """
        return f"http://127.0.0.1:{self.http_port}/"

    @property
    def ssh(self) -> str:
        """
        What clone URLs over SSH begin with.
        """
        return f"ssh://git@127.0.0.1:{self.ssh_port}/"

    @property
    def grpc(self) -> str:
        """
        The gRPC target.
        """
        return f"127.0.0.1:{self.grpc_port}"

    def start(self, check: bool = True, arguments: Sequence[str] = ()) -> subprocess.CompletedProcess[bytes] | None:
        """
        Start it, and wait until it announces that it is ready (``sd_notify``).

        :param check: fail if it does not; otherwise the ended process is returned.
        """
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = str(self.folder / "notify")
        if os.path.exists(address):
            os.unlink(address)
        notify.bind(address)
        notify.settimeout(0.2)
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "GIT_DIR")}
        environment |= {"NOTIFY_SOCKET": address, **self.environment}
        command = [str(Path(sys.executable).parent / "twistd")]
        command += [f"--pidfile={self.pidfile}", f"--logfile={self.log}"] if self.daemon else ["--nodaemon", "--pidfile="]
        command += ["gitaly", f"--config={self.config}", *arguments]
        with open(self.folder / "stdout", "ab") as output:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        try:
            while time.monotonic() < deadline:
                try:
                    if b"READY=1" in notify.recv(4096):
                        break
                except TimeoutError:
                    if self.process.poll() not in (None, 0) or (not self.daemon and self.process.poll() is not None):
                        if check:
                            raise AssertionError(f"the server did not start:\n{self.output()}") from None
                        return subprocess.CompletedProcess(command, self.process.returncode, self.output().encode())
            else:
                raise AssertionError(f"the server was not ready in time:\n{self.output()}")
        finally:
            notify.close()
        self.pid = int(self.pidfile.read_text()) if self.daemon else self.process.pid
        return None

    def output(self) -> str:
        """
        What it printed and logged so far.
        """
        texts = [path.read_text(errors="replace") for path in (self.folder / "stdout", self.log) if path.exists()]
        return "\n".join(texts)

    def stop(self, signum: int = signal.SIGTERM) -> None:
        """
        Send a signal and wait for the end.
        """
        if self.pid:
            pidfd = os.pidfd_open(self.pid)
            try:
                os.kill(self.pid, signum)
                self._wait(pidfd)
            finally:
                os.close(pidfd)
        if self.process is not None:
            self.process.wait(PATIENCE)
        self.pid = 0

    def kill_group(self) -> None:
        """
        SIGKILL to the server and all its children, as a power cut would do it.
        """
        pidfd = os.pidfd_open(self.pid)
        children = descendants(self.pid)
        os.kill(self.pid, signal.SIGKILL)
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._wait(pidfd)
        os.close(pidfd)
        if self.process is not None:
            self.process.wait(PATIENCE)
        self.pid = 0

    def _wait(self, pidfd: int) -> None:
        import select

        ready, _, _ = select.select([pidfd], [], [], PATIENCE)
        if not ready:
            os.kill(self.pid, signal.SIGKILL)
            raise AssertionError(f"the server did not end:\n{self.output()}")

    def dispose(self) -> None:
        """
        End it, and remove all it wrote.
        """
        if self.pid:
            self.kill_group()
        shutil.rmtree(self.folder, ignore_errors=True)

    def page(self, path: str) -> str:
        """
        A page of the monitoring listener.
        """
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}{path}", timeout=PATIENCE) as answer:
            return str(answer.read().decode())


_shared: dict[str, Server] = {}


def shared_server(extra: str) -> Server:
    """
    A server that all tests of this process share; it is started at the first use, and ended with the process.

    :param extra: more TOML for the configuration; for each there is one server.
    """
    server = _shared.get(extra)
    if server is None:
        server = Server(extra)
        server.start()
        _shared[extra] = server
        atexit.register(_end, server)
    return server


def _end(server: Server) -> None:
    server.stop()
    server.dispose()


def descendants(pid: int) -> list[int]:
    """
    All processes below one, children before grandchildren.
    """
    found: list[int] = []
    tasks = f"/proc/{pid}/task"
    try:
        names = os.listdir(tasks)
    except OSError:
        return found
    for name in names:
        try:
            children = [int(text) for text in Path(tasks, name, "children").read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found
