"""
Tests for :mod:`gitaly_tx.git.runner` and :mod:`gitaly_tx.git.accounting`, with a real git.
"""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

from twisted.internet import reactor as _reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.accounting import account
from gitaly_tx.git.children import Children
from gitaly_tx.git.command import Command
from gitaly_tx.git.environment import GitProgram
from gitaly_tx.git.errors import GitCommandError
from gitaly_tx.git.interfaces import Ended, IGit, Limits, Usage
from gitaly_tx.git.options import ConfigPair
from gitaly_tx.git.runner import Git
from gitaly_tx.observability.context import bind
from tests.support.git import make_git, make_repository, program
from tests.support.leaks import LeakCheck
from tests.support.streams import MemorySink

reactor: Any = _reactor


class GitTests(LeakCheck, TestCase):
    """
    Running git.
    """

    def test_interface(self):
        """
        A runner provides what it says.
        """
        git = make_git()
        verifyObject(IGit, git)
        self.assertEqual((git.path, git.version), (program().path, program().version))

    async def test_run(self):
        """
        A command's output and end come back.
        """
        directory = make_repository(self.mktemp(), commits=3)
        output, ended = await make_git().run(Command("rev-list", ["--count", "--stdin"], directory=directory), stdin=b"main\n")
        self.assertEqual((output, ended.status), (b"3\n", 0))

    async def test_run_with_pieces(self):
        """
        Input may come in pieces.
        """
        directory = make_repository(self.mktemp())
        pieces = (b"x" * 100000 for _ in range(30))
        output, _ = await make_git().run(Command("hash-object", ["--stdin"], directory=directory), stdin=pieces)
        self.assertEqual(len(output.strip()), 40)
        empty, _ = await make_git().run(Command("hash-object", ["--stdin"], directory=directory), stdin=[b""])
        self.assertEqual(empty, b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\n")

    async def test_failure(self):
        """
        A command that fails raises, with its errors among the facts and not in the text.
        """
        directory = make_repository(self.mktemp())
        command = Command("cat-file", ["-p"], ["0" * 39 + "1"], directory=directory)
        error: Any = await self.assertFailure(Deferred.fromCoroutine(make_git().run(command)), GitCommandError)
        self.assertEqual((error.message, error.status), ("git cat-file: exit status 128", 128))
        self.assertIn(b"fatal: ", error.stderr)
        self.assertIn("cat-file", error.facts["args"])
        output, ended = await make_git().run(command, check=False)
        self.assertEqual((output, ended.status), (b"", 128))

    async def test_too_much(self):
        """
        A command whose output is too large fails, whatever its exit status.
        """
        directory = make_repository(self.mktemp(), commits=100)
        run = make_git().run(Command("rev-list", ["--objects", "--all"], directory=directory), maximum=1000)
        error: Any = await self.assertFailure(Deferred.fromCoroutine(run), GitCommandError)
        self.assertTrue(error.message.startswith("output too large: "), error.message)

    async def test_cancelled(self):
        """
        Cancelling kills the child.
        """
        children = Children(reactor, reactor)
        directory = make_repository(self.mktemp())

        def endless():
            while True:
                yield b"0" * 40 + b"\n"

        git = make_git(children=children)
        running = Deferred.fromCoroutine(
            git.run(Command("cat-file", ["--batch-check"], directory=directory), stdin=endless(), maximum=1 << 60)
        )
        self.assertEqual(len(children), 1)
        reactor.callLater(0.05, running.cancel)
        await self.assertFailure(running, CancelledError)
        await children.wait_all()

    async def test_early_end(self):
        """
        A command that does not want all of its input is no error by that.
        """
        output, _ = await make_git().run(Command("version"), stdin=b"x" * (4 << 20))
        self.assertTrue(output.startswith(b"git version"))

    async def test_environment(self):
        """
        git sees a made environment: nothing of ours but what is harmless, no configuration but the server's, the correlation id.
        """
        script = os.path.abspath(self.mktemp())
        with open(script, "w") as file:
            file.write("#!/bin/sh\nexec env -u _ -u PWD -u SHLVL env\n")
        os.chmod(script, 0o755)
        git = Git(
            GitProgram(script, (2, 39, 5), "2.39.5"),
            Children(reactor, reactor),
            environment={
                "PATH": "/usr/bin:/bin",
                "HOME": "/h",
                "GIT_DIR": "/evil",
                "LD_PRELOAD": "",
                "LANGUAGE": "de",
                "GIT_CONFIG_COUNT": "7",
            },
        )
        with bind("cid-1"):
            output, _ = await git.run(Command("version", environment={"MINE": "1"}), environment={"YOURS": "2"})
        self.assertEqual(
            dict(line.split("=", 1) for line in output.decode().splitlines()),
            {
                "PATH": "/usr/bin:/bin",
                "HOME": "/h",
                "LANG": "C",
                "LC_CTYPE": "C.UTF-8",
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_CONFIG_SYSTEM": "/dev/null",
                "GIT_CONFIG_NOSYSTEM": "1",
                "XDG_CONFIG_HOME": "/dev/null",
                "GIT_ALLOW_PROTOCOL": "none",
                "GIT_NO_LAZY_FETCH": "1",
                "CORRELATION_ID": "cid-1",
                "MINE": "1",
                "YOURS": "2",
            },
        )

    async def test_operators_settings(self):
        """
        The operator's settings win over the fixed ones.
        """
        git = make_git(config=[ConfigPair("gc.auto", "17")])
        output, _ = await git.run(Command("config", ["--get"], ["gc.auto"]))
        self.assertEqual(output, b"17\n")

    async def test_hostile_config(self):
        """
        A repository's own config cannot make git run anything (fault 123), or fetch what is missing.
        """
        directory = make_repository(self.mktemp(), commits=1)
        proof = os.path.abspath(self.mktemp())
        with open(os.path.join(directory.path, "config"), "a") as file:
            file.write(f'[core]\n\thooksPath = {directory.path}\n\tfsmonitor = "touch {proof}"\n\tsshCommand = touch {proof};\n')
            file.write(f'[uploadpack]\n\tpackObjectsHook = "touch {proof};"\n\n')
            file.write(f'[remote "evil"]\n\tpromisor = true\n\turl = "ext::touch {proof}"\n')
            file.write("[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = evil\n")
        hook = os.path.join(directory.path, "reference-transaction")
        with open(hook, "w") as file:
            file.write(f"#!/bin/sh\ntouch {proof}\n")
        os.chmod(hook, 0o755)
        git = make_git()
        await git.run(Command("update-ref", [], ["refs/heads/new", "main"], directory=directory))
        await git.run(Command("cat-file", ["-e"], ["1" * 40], directory=directory), check=False)
        main = await git.run(Command("rev-parse", [], ["main"], directory=directory))
        wants = b"0032want " + main[0] + b"00000009done\n"
        output, _ = await git.run(Command("upload-pack", ["--stateless-rpc"], directory=directory), stdin=wants)
        self.assertIn(b"PACK", output)
        self.assertFalse(os.path.exists(proof))

    async def test_limits(self):
        """
        Every child has the configured limits, unless the caller names others.
        """
        git = make_git(limits=Limits(memory=1 << 30))
        for limits, expected in ((None, b"1048576"), (Limits(memory=2 << 30), b"2097152")):
            child = git.spawn_program(["/bin/sh", "-c", "read go; ulimit -v"], cwd="/", environment={}, limits=limits)
            await child.stdin.write(b"\n")
            self.assertEqual((await child.stdout.read()).strip(), expected)
            await child.stdout.read()
            await child.wait()

    async def test_program(self):
        """
        Another program runs in the folder and with exactly the environment that are asked for; its errors can go to a sink.
        """
        sink = MemorySink()
        child = make_git().spawn_program(
            ["/bin/sh", "-c", "pwd; /usr/bin/env | grep -c =; echo err >&2"], cwd="/usr", environment={"A": "b"}, stderr=sink
        )
        output = await child.stdout.read()
        while more := await child.stdout.read():
            output += more
        self.assertEqual(output.split()[0], b"/usr")
        self.assertEqual((await child.wait()).status, 0)
        self.assertEqual(bytes(sink.data), b"err\n")

    def test_no_program(self):
        """
        A program that is not there is an OSError; a git that is not there any more is an error of the server.
        """
        self.assertRaises(OSError, make_git().spawn_program, ["/nonexistent"], cwd="/", environment={})
        gone = Git(GitProgram("/nonexistent/git", (2, 39, 5), "2.39.5"), Children(reactor, reactor), environment={})
        error = self.assertRaises(GitalyError, gone.spawn, Command("version"))
        self.assertEqual((error.message, error.code), ("git cannot be executed", Code.INTERNAL))

    def test_no_process(self):
        """
        Where no process can be had the caller is told to come again.
        """
        with mock.patch("gitaly_tx.git.process.subprocess.Popen", side_effect=BlockingIOError(11, "fork")):
            error = self.assertRaises(GitalyError, make_git().spawn, Command("version"))
        self.assertIs(error.code, Code.RESOURCE_EXHAUSTED)

    async def test_observed(self):
        """
        An observer hears of every start and end, in the context of whoever started the child.
        """
        heard: list[tuple[str, bool]] = []
        fields: dict[str, Any] = {}

        def observer(name: str, ended: Ended | None) -> None:
            heard.append((name, ended is None))
            account(name, ended)

        git = make_git(observer=observer)
        with bind("cid", fields):
            first, second = git.run(Command("version")), git.run(Command("version"))
            await first
            await second
        self.assertEqual(heard, [("version", True), ("version", False)] * 2)
        self.assertEqual(fields["command.count"], 2)


class AccountTests(TestCase):
    """
    What the children of a call cost.
    """

    def test_added_up(self):
        """
        Times are added up, in milliseconds; memory is the highest, in KiB.
        """
        fields: dict[str, Any] = {}
        with bind("cid", fields):
            account("git", None)
            account("git", Ended(0, usage=Usage(1.5, 0.25, 0.125, 100 * 1024)))
            account("git", Ended(0, usage=Usage(0.5, 0.25, 0.125, 50 * 1024)))
        self.assertEqual(
            fields,
            {
                "command.count": 2,
                "command.real_time_ms": 2000,
                "command.user_time_ms": 500,
                "command.system_time_ms": 250,
                "command.cpu_time_ms": 750,
                "command.maxrss": 100,
            },
        )

    def test_outside(self):
        """
        Outside of calls nothing is counted.
        """
        account("git", Ended(0))
