"""
An application that decides about pushes: the example, with real git, and one that looks at what is pushed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import grpc
from twisted.trial.unittest import SynchronousTestCase

from protocols.gitaly.commit_pb2 import FindCommitRequest, FindCommitResponse
from protocols.gitaly.shared_pb2 import Repository
from tests.support.gitclient import GitClient, over_grpc
from tests.support.server import ROOT, Server, free_ports
from tests.support.waiting import eventually

EXAMPLE = ROOT / "etc" / "push-api-example.py"


class PushCase(SynchronousTestCase):
    """
    A server with an application, and a git that pushes.
    """

    timeout = 240

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-client-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.secret = self.folder / "secret"
        self.secret.write_text("shared\n")
        self.secret.chmod(0o600)
        self.git = GitClient(self.folder)
        self.work = self.git.repository("work")
        self.tip = self.git.commit(self.work, "text\n")

    def serve(self, url: str) -> None:
        """
        Start a server that asks the application at a URL.
        """
        self.server = Server(f'[gitlab]\nurl = "{url}"\nsecret_file = "{self.secret}"\n')
        self.addCleanup(self.server.dispose)
        self.server.start()

    def push(self, *words: str, url: str = "", **environment: str) -> tuple[bool, str]:
        """
        :returns: whether the push was accepted, and what the user read.
        """
        url = url or self.server.http + "team/thing.git"
        git = GitClient(self.folder, environment)
        done = git.run("push", url, *words, cwd=self.work, check=False)
        return done.returncode == 0, done.stderr

    def refs(self) -> str:
        """
        What is there now.
        """
        return self.git.run("ls-remote", self.server.http + "team/thing.git").stdout


class ExampleTests(PushCase):
    """
    ``etc/push-api-example.py``.
    """

    def setUp(self) -> None:
        super().setUp()
        (self.port,) = free_ports(1)
        self.application: subprocess.Popen[bytes] | None = None
        self.addCleanup(self.end)
        self.begin()
        self.serve(f"http://127.0.0.1:{self.port}")

    def begin(self) -> None:
        """
        Start the example.
        """
        with open(self.folder / "application.log", "ab") as log:
            command = [sys.executable, str(EXAMPLE), str(self.port), str(self.secret)]
            self.application = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def listening() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        eventually(listening, "the example listens")

    def end(self) -> None:
        """
        End it.
        """
        if self.application is not None:
            self.application.kill()
            self.application.wait()
            self.application = None

    def test_decides(self) -> None:
        """
        The example lets a push pass and thanks for it, refuses to have the main branch deleted, and is asked at start.
        """
        accepted, words = self.push("main")
        self.assertTrue(accepted, words)
        self.assertIn("remote: thank you, username-anonymous", words)
        self.assertIn(self.tip, self.refs())
        accepted, words = self.push("--delete", "main")
        self.assertFalse(accepted)
        self.assertIn("remote: GitLab: the main branch is here to stay", words)
        self.assertIn("pre-receive hook declined", words)
        self.assertIn(self.tip, self.refs())
        eventually(lambda: "the application answers: version example" in self.server.output(), "the log says that it answers")
        eventually(lambda: "refuses a write: the main branch" in self.server.output(), "the log tells of the refusal")
        self.assertNotIn("shared", self.server.output())

    def test_application(self) -> None:
        """
        An application's own pushes name the repository as it does; one that does not is refused without being asked about.
        """
        self.push("main")
        environment = over_grpc(f"127.0.0.1:{self.server.grpc_port}")
        url = "ssh://git@server/team/thing.git"
        accepted, words = self.push("main:refs/heads/named", url=url, GITALY_TX_GL_REPOSITORY="project-1", **environment)
        self.assertTrue(accepted, words)
        accepted, words = self.push("main:refs/heads/unnamed", url=url, **environment)
        self.assertFalse(accepted)
        self.assertIn("remote: repository not set", words)

    def test_absent(self) -> None:
        """
        While the application is away nothing can be pushed, and everything can be read; when it is back, so is everything else.
        """
        self.push("main")
        self.end()
        self.git.commit(self.work, "more\n")
        accepted, words = self.push("main")
        self.assertFalse(accepted)
        self.assertIn("remote: GitLab: Internal API unreachable", words)
        self.assertIn(self.tip, self.refs())
        self.begin()
        accepted, words = self.push("main")
        self.assertTrue(accepted, words)

    def test_other_secret(self) -> None:
        """
        An application with another secret refuses everything, in its own words, until the server has read it too.
        """
        self.end()
        self.secret.write_text("other")
        self.begin()
        accepted, words = self.push("main")
        self.assertFalse(accepted)
        self.assertIn("remote: GitLab: who are you?", words)
        self.assertFalse((self.server.storage / "team" / "thing.git").exists())
        os.kill(self.server.pid, signal.SIGHUP)
        eventually(lambda: "the application's secret changed" in self.server.output(), "the secret is read again")
        accepted, words = self.push("main")
        self.assertTrue(accepted, words)


class Looking(BaseHTTPRequestHandler):
    """
    Looks at the pushed commits, in quarantine, before it says yes.
    """

    server_port: ClassVar[int]
    found: ClassVar[list[str]]

    def do_POST(self) -> None:
        """
        Answer.
        """
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer: dict[str, Any] = {"reference_counter_increased": True, "reference_counter_decreased": True, "status": True}
        if self.path.endswith("/allowed"):
            self.found.extend(self.look(asked))
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def look(self, asked: Any) -> list[str]:
        """
        The subjects of the new commits, seen with and without the quarantine.
        """
        directories = json.loads(asked["env"])
        plain = Repository(storage_name="default", relative_path=asked["relative_path"])
        quarantined = Repository(
            storage_name="default",
            relative_path=asked["relative_path"],
            git_object_directory=directories["GIT_OBJECT_DIRECTORY_RELATIVE"],
            git_alternate_object_directories=directories["GIT_ALTERNATE_OBJECT_DIRECTORIES_RELATIVE"],
        )
        new = asked["changes"].split()[1].encode()
        found = []
        with grpc.insecure_channel(f"127.0.0.1:{self.server_port}") as channel:
            for repository in (quarantined, plain):
                data = channel.unary_unary("/gitaly.CommitService/FindCommit")(
                    FindCommitRequest(repository=repository, revision=new).SerializeToString(), timeout=30
                )
                found.append(FindCommitResponse.FromString(data).commit.subject.decode())
        return found

    def log_message(self, format: str, *args: Any) -> None:
        """
        Say nothing.
        """


class QuarantineTests(PushCase):
    """
    What an application may look at before it decides.
    """

    def test_seen_before_it_is_there(self) -> None:
        """
        The new commits can be asked for with the object directories that the application is told, and not without.
        """
        listener = HTTPServer(("127.0.0.1", 0), Looking)
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(listener.server_close)
        self.addCleanup(listener.shutdown)
        self.serve(f"http://127.0.0.1:{listener.server_address[1]}")
        Looking.server_port, Looking.found = self.server.grpc_port, []
        accepted, words = self.push("main")
        self.assertTrue(accepted, words)
        self.assertEqual(Looking.found, ["text", ""])
