"""
Tests for :mod:`gitaly_tx.cli.gitaly`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx import __version__
from gitaly_tx.auth.tokens import hash_token
from gitaly_tx.cli.gitaly import main
from tests.support.sshkeys import ed25519_key

CONFIG = f"""
[[user]]
name = "alpha"
keys = ["{ed25519_key("alpha")}"]
[[rule]]
repositories = ["team/*"]
users = ["alpha"]
allow = "write"
[prometheus]
scrape_timeout = "5s"
"""


class CommandTests(SynchronousTestCase):
    """
    Commands print for people and answer with their exit status.
    """

    def run_command(self, *argv: str, environ: dict[str, str] | None = None) -> tuple[int, str, str]:
        stdout, stderr = StringIO(), StringIO()
        status = main(argv, stdout, stderr, environ or {})
        return status, stdout.getvalue(), stderr.getvalue()

    def write(self, text: str) -> str:
        path = os.path.abspath(self.mktemp())
        with open(path, "w") as file:
            file.write(text)
        return path

    def test_check_good(self) -> None:
        """
        A good file is called good, with what is not used yet and what is odd; its status is 0.
        """
        path = self.write("oddity = 1\n" + CONFIG)
        status, out, _ = self.run_command("check", path)
        self.assertEqual(status, 0)
        lines = out.splitlines()
        self.assertTrue(lines[0].startswith(f"{path}:1: warning: oddity: "), out)
        self.assertEqual(lines[1:], ["accepted, not used yet: prometheus", f"{path} is good"])

    def test_check_bad(self) -> None:
        """
        A bad file has all its problems on standard error; the status is 2.
        """
        path = self.write('listen_addr = "x"\ndata_dir = 1\n')
        status, out, err = self.run_command("check", path)
        self.assertEqual((status, out), (2, ""))
        self.assertEqual([line.split(": ")[0] for line in err.splitlines()], [f"{path}:1", f"{path}:2"])

    def test_check_without_file(self) -> None:
        """
        Without a file the environment names one; without that, the defaults are checked.
        """
        path = self.write(CONFIG)
        self.assertIn(f"{path} is good", self.run_command("check", environ={"GITALY_TX_CONFIG": path})[1])
        self.assertEqual(self.run_command("check"), (0, "the default configuration is good\n", ""))

    def test_check_insecure(self) -> None:
        """
        Open listeners are good only for who takes the risk.
        """
        path = self.write('[http]\nlisten_addr = ":80"\n')
        self.assertEqual(self.run_command("check", path)[0], 2)
        self.assertEqual(self.run_command("check", "--insecure", path)[0], 0)

    def test_token(self) -> None:
        """
        A token is printed once, with the line for the file that knows it.
        """
        status, out, _ = self.run_command("token")
        token = out.splitlines()[1].strip()
        self.assertEqual(status, 0)
        self.assertIn(f'  tokens = ["{hash_token(token)}"]\n', out)
        self.assertNotEqual(self.run_command("token")[1], out)

    def test_can(self) -> None:
        """
        The decision is explained; yes is 0 and no is 1.
        """
        path = self.write(CONFIG)
        cases = {
            ("alpha", "write", "team/thing"): (0, "yes: rule 1: team/* write\n"),
            ("alpha", "create", "team/thing.git"): (1, "no: no rule allows create; rule 1: team/* write is all there is\n"),
            ("-", "read", "team/thing"): (1, "no: no rule allows read\n"),
            ("beta", "read", "team/thing"): (
                1,
                "beta is not a configured user, so only what @anyone may do counts\nno: no rule allows read\n",
            ),
        }
        for (user, verb, repository), (status, words) in cases.items():
            self.assertEqual(self.run_command("can", user, verb, repository, "--config", path), (status, words, ""))
        self.assertEqual(self.run_command("can", "beta", "create", "a")[0], 0)

    def test_version(self) -> None:
        """
        The version is the package's.
        """
        self.assertEqual(self.run_command("version"), (0, f"gitaly-tx {__version__}\n", ""))

    def test_help(self) -> None:
        """
        Help has examples, and goes to standard output.
        """
        status, out, err = self.run_command("--help")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("gitaly-tx can alpha write team/thing", out)
        self.assertEqual(self.run_command("can", "--help")[0], 0)

    def test_usage(self) -> None:
        """
        A wrong command line is told with the usage; the status is 2.
        """
        for argv in ((), ("nonsense",), ("can", "alpha"), ("can", "alpha", "push", "x"), ("token", "x")):
            status, out, err = self.run_command(*argv)
            self.assertEqual((status, out), (2, ""), argv)
            self.assertTrue(err.startswith("usage: gitaly-tx"), err)

    def test_script(self) -> None:
        """
        The console script exits with the command's status, and imports no reactor.
        """
        code = (
            "import sys; from gitaly_tx.cli.gitaly import script; "
            "assert 'twisted.internet.reactor' not in sys.modules; assert 'grpc' not in sys.modules; "
            "sys.argv[1:] = ['version']; script()"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"gitaly-tx {__version__}\n", ""))
