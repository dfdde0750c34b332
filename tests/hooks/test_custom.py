"""
Custom hooks as programs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred

from gitaly_tx.hooks import custom
from gitaly_tx.hooks.custom import HookFailed
from gitaly_tx.hooks.customfiles import HookFile, find_hooks
from gitaly_tx.hooks.interfaces import Push
from gitaly_tx.streams import StreamBroken
from tests.support import hookcase
from tests.support.git import git, make_git


class RunTests(hookcase.HookCase):
    """
    What a hook sees, says and does.
    """

    async def run_hooks(self, name: str = "pre-receive", push: Push | None = None, **more: Any) -> None:
        """
        Run them.
        """
        settings = {key: more.pop(key) for key in ("seconds", "maximum_output") if key in more}
        await self.make_hooks(**settings).run(name, push or self.push(), self.out, self.err, **more)

    async def failed(self, name: str = "pre-receive", **more: Any) -> HookFailed:
        """
        They fail.
        """
        with self.assertRaises(HookFailed) as caught:
            await self.run_hooks(name, **more)
        return caught.exception

    async def test_none(self) -> None:
        """
        Without hooks nothing happens.
        """
        await self.run_hooks()

    async def test_surroundings(self) -> None:
        """
        Input, arguments, directory, environment and both outputs are the hook's.
        """
        self.hook("pre-receive", 'echo "$1 $2"; cat; pwd; echo "$GL_ID $GIT_DIR $MORE [$SECRET]" >&2')
        await self.run_hooks(arguments=[b"a b", b"c"], stdin=b"old new ref\n", variables={"MORE": "more"})
        path = self.directory.path
        self.assertEqual(self.out.data, b"a b c\nold new ref\n" + path.encode() + b"\n")
        self.assertEqual(self.err.data, f"user-1 {path} more []\n".encode())

    async def test_first_failure_stops(self) -> None:
        """
        The first hook that fails is the last that runs.
        """
        self.hook("pre-receive", "echo one")
        self.write("hooks/pre-receive.d/1", "#!/bin/sh\necho two; exit 3\n")
        self.write("hooks/pre-receive.d/2", "#!/bin/sh\necho three\n")
        error = await self.failed()
        self.assertEqual((error.label, error.why), ("pre-receive.d/1", "exit status 3"))
        self.assertEqual((self.out.data, self.err.data), (b"one\ntwo\n", b""))

    async def test_signal(self) -> None:
        """
        A hook that is killed has failed (H2).
        """
        self.hook("pre-receive", "kill -9 $$")
        self.assertEqual((await self.failed()).why, "signal: killed")

    async def test_cannot_run(self) -> None:
        """
        A hook that is there and cannot be run has failed, and the user learns why, but not where (H2).
        """
        for content, mode, why in (
            ("#!/bin/sh\n", 0o644, b"not executable"),
            ("#!/nonexistent/sh\n", 0o755, b"No such file or directory"),
            ("#!/bin/sh\r\nexit 0\r\n", 0o755, b"No such file or directory"),
            ("junk", 0o755, b"Exec format error"),
        ):
            self.err.data = b""
            self.write("thing.git/custom_hooks/update", content, mode)
            error = await self.failed("update")
            self.assertEqual(error.label, "custom_hooks/update")
            self.assertEqual(self.err.data, b"error: hook custom_hooks/update cannot be run: " + why + b"\n")

    async def test_unread_input(self) -> None:
        """
        A hook need not read what it is given.
        """
        self.hook("pre-receive", "exec <&-; echo done")
        await self.run_hooks(stdin=b"x" * (4 << 20))
        self.assertEqual(self.out.data, b"done\n")

    async def test_too_slow(self) -> None:
        """
        A hook whose time is up is stopped with all that it started (H1).
        """
        self.hook("pre-receive", "sleep 1000 &", "echo $!", "sleep 1000")
        running = Deferred.fromCoroutine(self.failed(seconds=7.0))
        while not self.out.data.endswith(b"\n"):
            await _tick()
        self.clock.advance(7)
        error = await running
        self.assertEqual(error.why, "took longer than 7 s and was stopped")
        self.assertEqual(self.err.data, b"error: hook custom_hooks/pre-receive took longer than 7 s and was stopped\n")
        while _alive(int(self.out.data)):
            await _tick()

    async def test_says_too_much(self) -> None:
        """
        Output is passed on up to a limit, and the hook still comes to its end (H3).
        """
        self.hook("pre-receive", "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; exit 4")
        error = await self.failed(maximum_output=1000)
        self.assertEqual(error.why, "exit status 4")
        note = b"\n... output is too long: the rest is not shown\n"
        self.assertEqual(self.out.data, bytes(1000) + note)
        self.assertEqual(self.err.data, bytes(1000) + note)

    async def test_daemon(self) -> None:
        """
        A process that a hook leaves behind with its output open holds nobody up (H3).
        """
        self.git = make_git(self.clock)
        self.hook("pre-receive", "setsid sleep 1000 & echo $!")
        running = Deferred.fromCoroutine(self.run_hooks())
        while not self.out.data.endswith(b"\n"):
            await _tick()
        while not running.called:
            self.clock.advance(1)
            await _tick()
        await running
        os.kill(int(self.out.data), 9)

    async def test_nobody_listens(self) -> None:
        """
        A hook that nobody listens to any more is stopped.
        """

        async def gone(data: bytes) -> None:
            raise StreamBroken("gone")

        for line in ("echo hello; sleep 1000", "echo hello >&2"):
            self.hook("pre-receive", line)
            with self.assertRaises(StreamBroken):
                await self.make_hooks().run("pre-receive", self.push(), gone, gone)

    async def test_cancelled(self) -> None:
        """
        Whoever stops waiting stops the hook.
        """
        self.hook("pre-receive", "echo $$; exec sleep 1000")
        running = Deferred.fromCoroutine(self.run_hooks())
        while not self.out.data.endswith(b"\n"):
            await _tick()
        running.cancel()
        await self.assertFailure(running, CancelledError)
        while os.path.exists(f"/proc/{int(self.out.data)}"):
            await _tick()

    async def test_looked_for_once(self) -> None:
        """
        Within one push the disk is asked once for hooks of a kind; the next push sees what has changed.
        """
        asked: list[str] = []

        def find(repository: str, directories: Sequence[str], name: str) -> list[HookFile]:
            asked.append(name)
            return find_hooks(repository, directories, name)

        self.patch(custom, "find_hooks", find)
        hooks, push = self.make_hooks(), self.push()
        for name in ("pre-receive", "update", "update", "update", "post-receive"):
            await hooks.run(name, push, self.out, self.err)
        self.assertEqual(asked, ["pre-receive", "update", "post-receive"])
        self.hook("post-receive", "echo hello")
        await hooks.run("post-receive", self.push(), self.out, self.err)
        self.assertEqual(self.out.data, b"hello\n")

    async def test_quarantine(self) -> None:
        """
        Before the write a hook reads the new objects with git, and cannot point a ref at them.
        """
        staging = await self.repository.stage()
        oid = await staging.write_object(b"blob", b"new")
        self.repository.directory = staging.directory
        self.hook("pre-receive", f"git cat-file -p {oid}; git update-ref refs/tags/early {oid}")
        await self.failed()
        self.assertEqual(self.out.data, b"new")
        self.assertIn(b"quarantine", self.err.data)
        self.assertEqual(git("--git-dir", self.directory.path, "for-each-ref"), b"")
        await staging.discard()


def _alive(pid: int) -> bool:
    """
    Whether a process runs; nobody may have reaped it yet.
    """
    try:
        with open(f"/proc/{pid}/stat") as file:
            return ") Z " not in file.read()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _tick() -> Deferred[None]:
    """
    Let the reactor go round once.
    """
    running: Any = reactor
    waiting: Deferred[None] = Deferred()
    running.callLater(0.005, waiting.callback, None)
    return waiting
