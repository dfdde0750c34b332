"""
The servers that ours is measured beside: as Debian packages them, with configurations of their own, on the loopback interface.

They are looked for and never installed.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attrs import frozen

from tests.support.gitclient import make_key
from tests.support.server import PATIENCE, descendants, free_ports

from . import bigrepo

SEARCHED = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
CIPHERS, MAC = ("aes128-gcm@openssh.com", "aes128-ctr"), "hmac-sha2-256"
"""What both SSH servers are made to use; the first is what ours agrees on with OpenSSH's client if nobody says otherwise."""

NGINX = """
daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/nginx.error;
{user}
events {{ worker_connections 768; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            fastcgi_pass unix:{folder}/fcgi.sock;
            fastcgi_param SCRIPT_FILENAME {backend};
            fastcgi_param GIT_PROJECT_ROOT {root};
            fastcgi_param GIT_HTTP_EXPORT_ALL 1;
            fastcgi_param PATH_INFO $uri;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param REMOTE_USER alpha;
            fastcgi_param REMOTE_ADDR $remote_addr;
        }}
    }}
}}
"""

SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
StrictModes no
Ciphers {cipher}
MACs {mac}
"""


class Missing(Exception):
    """
    A program that a measurement needs is not there. The text says how to get it.
    """


@frozen
class Rival:
    """
    A running server.

    :param url: what clone URLs begin with.
    :param pids: its processes, those that do its work without git's.
    :param programs: names of further programs below those that are the server's own.
    """

    url: str
    pids: tuple[int, ...]
    programs: frozenset[str] = frozenset()


def find(program: str, package: str) -> str:
    """
    Where a program is.

    :raises Missing: if it is not installed.
    """
    found = shutil.which(program, path=SEARCHED)
    if found is None:
        raise Missing(f"{program} is not installed (Debian: apt-get install {package})")
    return found


@contextlib.contextmanager
def nginx(root: Path) -> Iterator[Rival]:
    """
    nginx, fcgiwrap and git-http-backend, which serve what lies below ``root``. A repository takes pushes if it says so.

    :raises Missing: if one of them is not installed.
    """
    program, wrapper = find("nginx", "nginx-light"), find("fcgiwrap", "fcgiwrap")
    backend = Path(subprocess.check_output(["git", "--exec-path"], text=True).strip()) / "git-http-backend"
    if not backend.exists():
        raise Missing("git-http-backend is not installed (Debian: apt-get install git)")
    (port,) = free_ports(1)
    with _folder() as folder, contextlib.ExitStack() as stack:
        written = folder / "nginx.conf"
        user = f"user {getpass.getuser()};" if os.getuid() == 0 else ""
        written.write_text(NGINX.format(folder=folder, port=port, user=user, backend=backend, root=root))
        workers = stack.enter_context(_running([wrapper, "-c", "4", "-s", f"unix:{folder}/fcgi.sock"], folder))
        _until(lambda: (folder / "fcgi.sock").exists(), workers, folder)
        web = stack.enter_context(_running([program, "-p", str(folder), "-c", str(written)], folder))
        _until(lambda: _answers(port), web, folder)
        yield Rival(f"http://127.0.0.1:{port}/", (web.pid, workers.pid), frozenset({"nginx", "fcgiwrap"}))


@contextlib.contextmanager
def sshd(keys: Path) -> Iterator[Rival]:
    """
    OpenSSH's server, for the user who runs this and the key that :func:`client_key` made.

    :param keys: the folder of that key.
    :raises Missing: if it is not installed, or cannot run.
    """
    program = find("sshd", "openssh-server")
    if os.getuid() == 0 and not Path("/run/sshd").is_dir():
        raise Missing("sshd wants a directory that its service makes: mkdir /run/sshd")
    (port,) = free_ports(1)
    with _folder() as folder:
        make_key(folder / "host")
        shutil.copy(client_key(keys).with_suffix(".pub"), folder / "user.pub")
        written = folder / "sshd_config"
        written.write_text(SSHD.format(folder=folder, port=port, cipher=",".join(CIPHERS), mac=MAC))
        with _running([program, "-D", "-e", "-f", str(written)], folder) as listener:
            _until(lambda: _answers(port), listener, folder)
            yield Rival(f"ssh://{getpass.getuser()}@127.0.0.1:{port}/", (listener.pid,), frozenset({"sshd"}))


def client_key(keys: Path) -> Path:
    """
    The key that clients use, in a folder; made if it is not there.
    """
    if not (keys / "key").exists():
        find("ssh-keygen", "openssh-client")
        make_key(keys / "key")
    return keys / "key"


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-rival-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _running(command: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with open(folder / "output", "ab") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=bigrepo.environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        for pid in (*descendants(process.pid), process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        process.wait(PATIENCE)


def _until(true: Callable[[], bool], process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Missing(f"a server did not start: {(folder / 'output').read_text(errors='replace').strip()}")
        time.sleep(0.02)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
