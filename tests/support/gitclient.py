"""
A real git as the client.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .server import PATIENCE, ROOT
from .uncovered import UNCOVERED

ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "alpha",
    "GIT_AUTHOR_EMAIL": "alpha@example.invalid",
    "GIT_COMMITTER_NAME": "alpha",
    "GIT_COMMITTER_EMAIL": "alpha@example.invalid",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class GitFailed(AssertionError):
    """
    A git that should have succeeded did not.
    """


class GitClient:
    """
    Runs git in a folder of its own.

    :param environment: variables beside the usual ones, such as ``GIT_SSH_COMMAND``.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.environment = dict(environment or {})
        folder.mkdir(parents=True, exist_ok=True)

    def run(
        self, *arguments: str, cwd: Path | None = None, check: bool = True, stdin: bytes = b"", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """
        Run git.

        :returns: the ended process: its output and its errors as text.
        :raises GitFailed: with ``check``, if it fails.
        """
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.folder,
            env={**inherited, **ENVIRONMENT, **UNCOVERED, **self.environment, **environment},
            input=stdin,
            capture_output=True,
            timeout=4 * PATIENCE,
        )
        stdout, stderr = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        if check and done.returncode:
            raise GitFailed(f"git {shlex.join(arguments)}: exit {done.returncode}\n{stdout}{stderr}")
        return subprocess.CompletedProcess(arguments, done.returncode, stdout, stderr)

    def start(self, *arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.Popen[bytes]:
        """
        Start git and do not wait.
        """
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        return subprocess.Popen(
            ["git", *arguments],
            cwd=cwd or self.folder,
            env={**inherited, **ENVIRONMENT, **UNCOVERED, **self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def repository(self, name: str, object_format: str = "sha1") -> Path:
        """
        A new repository with a work tree, and the branch ``main``.
        """
        path = self.folder / name
        self.run("init", "-q", "-b", "main", f"--object-format={object_format}", str(path))
        return path

    def commit(self, path: Path, text: str, name: str = "file") -> str:
        """
        Write a file, commit it.

        :returns: the commit's id.
        """
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        self.run("add", name, cwd=path)
        self.run("commit", "-q", "-m", text[:60] or "empty", cwd=path)
        return self.run("rev-parse", "HEAD", cwd=path).stdout.strip()

    def history(self, path: Path, commits: int, branch: str = "main") -> None:
        """
        Write many commits at once (``fast-import``).
        """
        lines: list[bytes] = []
        for number in range(1, commits + 1):
            text = b"line %d\n" % number * 8
            lines.append(
                b"commit refs/heads/%s\nmark :%d\ncommitter alpha <alpha@example.invalid> %d +0000\ndata %d\n%s\n"
                % (branch.encode(), number, 1700000000 + number, len(b"c%d" % number), b"c%d" % number)
            )
            lines.append(b"M 644 inline d%d/f%d\ndata %d\n%s\n" % (number % 7, number % 101, len(text), text))
        self.run("fast-import", "--quiet", "--force", cwd=path, stdin=b"".join(lines))
        self.run("reset", "-q", "--hard", cwd=path)


def over_grpc(address: str, token: str = "") -> dict[str, str]:
    """
    The environment that makes git go through ``SSHService`` over plain gRPC.
    """
    script = shlex.join([sys.executable, "-m", "tests.support.grpc_ssh"])
    return {
        "GIT_SSH_COMMAND": script,
        "GIT_SSH_VARIANT": "ssh",
        "GITALY_TX_ADDRESS": address,
        "GITALY_TX_TOKEN": token,
        "PYTHONPATH": str(ROOT),
    }


def over_sidechannels(address: str, yamux: str = "") -> dict[str, str]:
    """
    The environment that makes git go through ``SSHService`` as GitLab Shell does it.

    :param yamux: the program that is the client's end of the connection; ours if there is none.
    """
    script = shlex.join([sys.executable, "-m", "tests.support.sidechannel_ssh"])
    return over_grpc(address) | {"GIT_SSH_COMMAND": script, "GITALY_TX_YAMUX": yamux}


def over_ssh(folder: Path, key: Path) -> dict[str, str]:
    """
    The environment that makes git use OpenSSH with one key, and remember host keys in ``folder``.
    """
    options = {
        "IdentitiesOnly": "yes",
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": str(folder / "known_hosts"),
        "LogLevel": "ERROR",
        "BatchMode": "yes",
    }
    words = ["ssh", "-F", "/dev/null", "-i", str(key)]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return {"GIT_SSH_COMMAND": shlex.join(words)}


def make_key(path: Path) -> str:
    """
    A new ed25519 key pair.

    :returns: the public key, as a line.
    """
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text().strip()
