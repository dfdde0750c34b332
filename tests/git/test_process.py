"""
Tests for :mod:`gitaly_tx.git.process`, :mod:`gitaly_tx.git.pipes` and :mod:`gitaly_tx.git.children`, with real processes.
"""

from __future__ import annotations

import os
import resource
import signal
from collections import defaultdict
from typing import Any
from unittest import mock

from twisted.internet import reactor as _reactor
from twisted.internet.defer import CancelledError, Deferred, inlineCallbacks
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.children import Children
from gitaly_tx.git.interfaces import Ended, IChild, Limits
from gitaly_tx.git.process import FORWARDED_STDERR, GRACE, KEPT_STDERR, Child, limit
from gitaly_tx.streams import PIECE, IByteSink, StreamBroken
from tests.support.leaks import LeakCheck
from tests.support.streams import MemorySink, MemorySpliceSink

reactor: Any = _reactor

UNLIMITED = Limits()


def resident() -> int:
    """
    Bytes of memory that this process occupies.
    """
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


class ChildTestCase(LeakCheck, TestCase):
    timeout = 20
    """
    Starts shells, and leaves none behind.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.clock = Clock()
        self.children = Children(reactor, self.clock)
        self.told: list[Ended] = []
        self.groups: set[int] = set()
        self.addCleanup(self.nobody_left)

    async def nobody_left(self) -> None:
        """
        Wait until no process is left of the groups that the test started; it takes the kernel a moment.
        """
        for _ in range(6000):
            if not self.groups & set(_living_groups()):
                return
            await _turn()
        self.fail("processes were left behind")

    def shell(self, script: str, *, stderr: IByteSink | None = None, limits: Limits = UNLIMITED, **environment: str) -> Child:
        """
        Start a shell.
        """
        child = self.children.start(
            ["/bin/sh", "-c", script],
            environment={"PATH": os.environ["PATH"], **environment},
            cwd="/",
            stderr=stderr,
            limits=limits,
            told=lambda child, ended: self.told.append(ended),
        )
        self.groups.add(child.pid)
        return child

    async def output(self, child: Child) -> bytes:
        """
        All that a child writes.
        """
        pieces = []
        while piece := await child.stdout.read():
            pieces.append(piece)
        return b"".join(pieces)

    def until_ended(self, child: Child) -> Deferred[None]:
        """
        Fires when the leader has ended, whether it was reaped or not.
        """
        found: Deferred[None] = Deferred()

        def look() -> None:
            if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
                reactor.callLater(0.005, look)
            else:
                # One turn more, for the child to learn of it too.
                reactor.callLater(0.01, found.callback, None)

        look()
        return found


class ChildTests(ChildTestCase):
    """
    A child's streams and its end.
    """

    def test_interface(self):
        """
        A child provides what it says.
        """
        child = self.shell("exit 0")
        verifyObject(IChild, child)
        return child.wait()

    async def test_output_and_status(self):
        """
        What the child writes can be read to its end, and its exit status and errors are told when it has ended.
        """
        child = self.shell("echo out; echo err >&2; exit 3")
        self.assertEqual(await self.output(child), b"out\n")
        self.assertEqual(await child.stdout.read(), b"")
        ended = await child.wait()
        self.assertEqual((ended.status, ended.stderr, str(ended)), (3, b"err\n", "exit status 3"))
        self.assertIs(await child.wait(), ended)
        self.assertEqual(self.told, [ended])

    async def test_wait_without_reading(self):
        """
        A child that writes nothing is reaped though nobody reads.
        """
        self.assertEqual((await self.shell("exit 7").wait()).status, 7)

    async def test_waits_for_its_output(self):
        """
        The end is told only once all output was taken, however late.
        """
        child = self.shell("echo out")
        waiting = child.wait()
        await self.until_ended(child)
        self.clock.pump([GRACE] * 5)
        self.assertNoResult(waiting)
        self.assertEqual(await self.output(child), b"out\n")
        self.assertEqual((await waiting).status, 0)

    async def test_input(self):
        """
        What is written arrives, also what was written before the end was announced; large pieces wait for the child.
        """
        child = self.shell("cat | wc -c")
        await child.stdin.write(b"x" * (3 << 20))
        last = child.stdin.write(b"y" * (3 << 20))
        child.close_stdin()
        child.close_stdin()
        await last
        self.assertEqual(int(await self.output(child)), 6 << 20)
        await child.wait()

    async def test_no_input(self):
        """
        A child that is given nothing to read sees the end at once, and nothing can be written to it.
        """
        child = self.children.start(
            ["/bin/sh", "-c", "wc -c; readlink /proc/$$/fd/0"],
            environment={"PATH": os.environ["PATH"]},
            cwd="/",
            stderr=None,
            limits=UNLIMITED,
            told=lambda child, ended: None,
            stdin=False,
        )
        self.groups.add(child.pid)
        await self.assertFailure(child.stdin.write(b"x"), StreamBroken)
        child.close_stdin()
        self.assertEqual(await self.output(child), b"0\n/dev/null\n")
        await child.wait()

    async def test_no_input_after_close(self):
        """
        After the end of the input nothing can be written.
        """
        child = self.shell("cat")
        child.close_stdin()
        await self.assertFailure(child.stdin.write(b"x"), StreamBroken)
        await child.wait()

    async def test_child_does_not_read(self):
        """
        A child that closes its input, or ends, breaks the stream, a write that waits included.
        """
        child = self.shell("exec <&-; echo closed; exec sleep 1000")
        self.assertEqual(await child.stdout.read(), b"closed\n")
        await self.assertFailure(child.stdin.write(b"x"), StreamBroken)
        child.kill()
        await child.wait()
        child = self.shell("head -c 1; kill -9 $$")
        await self.assertFailure(child.stdin.write(b"x" * (4 << 20)), StreamBroken)
        child.kill()
        await child.wait()

    async def test_write_cancelled(self):
        """
        A write that was cancelled is the last one.
        """
        child = self.shell("exec sleep 1000")
        writing = child.stdin.write(b"x" * (4 << 20))
        writing.cancel()
        await self.assertFailure(writing, CancelledError)
        await self.assertFailure(child.stdin.write(b"x"), StreamBroken)
        child.kill()
        await child.wait()

    async def test_read_cancelled(self):
        """
        Cancelling a read loses nothing.
        """
        child = self.shell("read line; echo $line")
        reading = child.stdout.read()
        reading.cancel()
        await self.assertFailure(reading, CancelledError)
        await child.stdin.write(b"hello\n")
        self.assertEqual(await self.output(child), b"hello\n")
        await child.wait()

    async def test_back_pressure(self):
        """
        A child that writes 100 MiB while nobody reads stops, and costs us no memory.
        """
        child = self.shell("head -c 104857600 /dev/zero; echo done >&2")
        first = await child.stdout.read()
        before = resident()
        for _ in range(20):
            # Turns of the reactor in which the child could write, if anybody took it.
            await _turn()
        self.assertLess(resident() - before, 4 << 20)
        count = len(first)
        while piece := await child.stdout.read():
            self.assertLessEqual(len(piece), PIECE)
            count += len(piece)
        self.assertEqual(count, 104857600)
        self.assertLess(resident() - before, 8 << 20)
        self.assertEqual((await child.wait()).stderr, b"done\n")

    async def test_usage(self):
        """
        What a child and its children cost is told.
        """
        child = self.shell("sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'; true")
        self.clock.advance(1.5)
        usage = (await child.wait()).usage
        self.assertEqual(usage.seconds, 1.5)
        self.assertGreater(usage.user + usage.system, 0)
        self.assertGreater(usage.peak, 100 << 10)

    async def test_environment(self):
        """
        A child's environment is exactly what it was given, it leads a session, and it has no descriptor beside its three.
        """
        os.environ["GITALY_TX_LEAK"] = "yes"
        self.addCleanup(os.environ.pop, "GITALY_TX_LEAK")
        inheritable = os.open("/dev/null", os.O_RDONLY)
        os.set_inheritable(inheritable, True)
        self.addCleanup(os.close, inheritable)
        self.remember()
        child = self.shell(
            "cat /proc/self/environ | tr '\\0' '\\n' | grep -v -e PATH -e PWD -e _=; ls /proc/$$/fd; echo $$", FOO="bar"
        )
        *lines, pid = (await self.output(child)).decode().split()
        self.assertEqual(lines, ["FOO=bar", "0", "1", "2"])
        self.assertEqual(int(pid), child.pid)
        await child.wait()

    async def test_leads_session(self):
        """
        A child leads a session and a process group of its own.
        """
        child = self.shell("exec cat")
        self.assertEqual((os.getsid(child.pid), os.getpgid(child.pid)), (child.pid, child.pid))
        child.close_stdin()
        await child.wait()

    async def test_not_executable(self):
        """
        A program that cannot be executed is an OSError, and leaves nothing behind.
        """
        for path in ("/nonexistent/program", "/etc/passwd", "/"):
            with self.assertRaises(OSError):
                self.children.start([path], environment={}, cwd="/", stderr=None, limits=Limits(), told=lambda child, ended: None)
        self.assertEqual(len(self.children), 0)

    def test_no_room(self):
        """
        Where the system has no process or descriptor left, the error says that it is a matter of resources.
        """
        with mock.patch("gitaly_tx.git.process.subprocess.Popen", side_effect=BlockingIOError(11, "fork")):
            error = self.assertRaises(GitalyError, self.shell, "exit 0")
        self.assertIs(error.code, Code.RESOURCE_EXHAUSTED)

    async def test_no_room_for_watching(self):
        """
        A child that cannot be watched is killed with its children, and reaped at once.
        """

        def refuse(pid: int) -> int:
            self.groups.add(pid)
            while len(_living_groups()[pid]) < 3:
                os.sched_yield()
            raise OSError(24, "too many open files")

        with mock.patch("gitaly_tx.git.pidfd.os.pidfd_open", side_effect=refuse):
            error = self.assertRaises(GitalyError, self.shell, "sleep 1000 & sleep 1000")
        self.assertIs(error.code, Code.RESOURCE_EXHAUSTED)


class StandardErrorTests(ChildTestCase):
    """
    Standard error is always taken.
    """

    async def test_tail(self):
        """
        Only the last 64 KiB are kept.
        """
        child = self.shell("head -c 300000 /dev/zero >&2; echo end >&2")
        ended = await child.wait()
        self.assertEqual(len(ended.stderr), KEPT_STDERR)
        self.assertTrue(ended.stderr.endswith(b"\0end\n"))

    async def test_forwarded(self):
        """
        A sink gets it as it comes, and the tail is kept none the less.
        """
        sink = MemorySink()
        child = self.shell("echo one >&2; read line; echo two >&2", stderr=sink)
        await sink.contains(b"one\n")
        await child.stdin.write(b"\n")
        ended = await child.wait()
        self.assertEqual(bytes(sink.data), b"one\ntwo\n")
        self.assertEqual(ended.stderr, b"one\ntwo\n")

    async def test_bounded(self):
        """
        A sink gets a bounded amount, and the child goes on.
        """
        sink = MemorySink()
        child = self.shell(f"head -c {FORWARDED_STDERR + 1000000} /dev/zero >&2", stderr=sink)
        self.assertEqual((await child.wait()).status, 0)
        self.assertEqual(len(sink.data), FORWARDED_STDERR)

    async def test_broken_sink(self):
        """
        A sink that breaks, in whatever way, does not stop the child.
        """
        child = self.shell("head -c 300000 /dev/zero >&2", stderr=MemorySink(breaks_after=10))
        self.assertEqual((await child.wait()).status, 0)
        sink = mock.Mock(write=mock.Mock(side_effect=RuntimeError("broken")))
        child = self.shell("head -c 300000 /dev/zero >&2", stderr=sink)
        self.assertEqual((await child.wait()).status, 0)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_slow_sink(self):
        """
        A slow sink is waited for, also after the child's end.
        """
        sink = MemorySink(slow=True)
        child = self.shell("echo err >&2", stderr=sink)
        waiting = child.wait()
        await sink.contains(b"err\n")
        await self.until_ended(child)
        self.clock.pump([GRACE] * 3)
        self.assertNoResult(waiting)
        sink.go_on()
        self.assertEqual((await waiting).stderr, b"err\n")

    async def test_slow_sink_killed(self):
        """
        A sink that takes nothing does not keep a killed child from being reaped.
        """
        sink = MemorySink(slow=True)
        child = self.shell("echo err >&2; sleep 1000", stderr=sink)
        await sink.contains(b"err\n")
        child.kill()
        self.assertEqual((await child.wait()).status, -signal.SIGKILL)


class SendTests(ChildTestCase):
    """
    Moving standard output to a sink.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        # Between two pieces of a pack there are pauses, of real time.
        self.children = Children(reactor, reactor)

    async def test_copied(self):
        """
        A plain sink gets it piece by piece.
        """
        child = self.shell("head -c 3000000 /dev/zero")
        sink = MemorySink()
        self.assertEqual(await child.send_stdout_to(sink), 3000000)
        self.assertEqual(len(sink.data), 3000000)
        self.assertLessEqual(max(sink.writes), PIECE)
        self.assertEqual((await child.wait()).status, 0)
        self.assertEqual(await child.send_stdout_to(sink), 0)

    async def test_spliced(self):
        """
        A sink that can splice is given the pipe.
        """
        child = self.shell("head -c 3000000 /dev/zero")
        sink = MemorySpliceSink(reactor)
        self.assertEqual(await child.send_stdout_to(sink), 3000000)
        self.assertEqual((sink.spliced, len(sink.data)), (3000000, 3000000))
        self.assertEqual((await child.wait()).status, 0)

    async def test_broken(self):
        """
        When the sink breaks the caller hears of it, and may kill the child, which still runs.
        """
        for sink in (MemorySink(breaks_after=100000), MemorySpliceSink(reactor, breaks_after=100000)):
            child = self.shell("yes")
            await self.assertFailure(Deferred.fromCoroutine(child.send_stdout_to(sink)), StreamBroken)
            os.kill(child.pid, 0)
            child.kill()
            self.assertEqual((await child.wait()).status, -signal.SIGKILL)

    async def test_cancelled(self):
        """
        Cancelling stops the sending, and the child can be killed.
        """
        for sink in (MemorySink(slow=True), MemorySpliceSink(reactor)):
            child = self.shell("echo begin; sleep 1000")
            sending = Deferred.fromCoroutine(child.send_stdout_to(sink))
            await sink.contains(b"begin\n")
            sending.cancel()
            await self.assertFailure(sending, CancelledError)
            child.kill()
            await child.wait()

    async def test_killed_while_splicing(self):
        """
        A child that is killed, by its time limit for instance, ends the splicing; so nobody uses a closed descriptor.
        """
        child = self.shell("echo begin; sleep 1000", limits=Limits(seconds=5))
        sink = MemorySpliceSink(reactor)
        sending = Deferred.fromCoroutine(child.send_stdout_to(sink))
        await sink.contains(b"begin\n")
        sink.pause()
        self.clock.advance(5)
        await self.assertFailure(sending, StreamBroken)
        self.assertEqual((await child.wait()).status, -signal.SIGKILL)
        self.assertTrue(child.timed_out)


class EndTests(ChildTestCase):
    """
    Killing, limits, and processes that stay behind.
    """

    async def test_kill(self):
        """
        Killing ends the whole group at once, and may be repeated.
        """
        child = self.shell("sleep 1000 & echo $!; sleep 1000")
        grandchild = int(await child.stdout.read())
        child.kill()
        child.kill()
        ended = await child.wait()
        self.assertEqual((ended.status, str(ended)), (-signal.SIGKILL, "signal: killed"))
        child.kill()
        self.assertTrue(await _gone(grandchild))

    async def test_kill_while_reading(self):
        """
        A read that waits when the child is killed sees the end.
        """
        child = self.shell("sleep 1000")
        reading = child.stdout.read()
        child.kill()
        self.assertEqual(await reading, b"")
        await child.wait()

    async def test_killed_with_output_left(self):
        """
        Nobody has to read what a killed child had written; whoever tries is told.
        """
        sink = MemorySink()
        child = self.shell("echo out; echo err >&2; sleep 1000", stderr=sink)
        await sink.contains(b"err\n")
        child.kill()
        await child.wait()
        await self.assertFailure(child.stdout.read(), StreamBroken)

    async def test_killed_after_its_end(self):
        """
        Killing a child that has ended, and whose output nobody takes, lets it be reaped.
        """
        child = self.shell("echo out")
        await self.until_ended(child)
        child.kill()
        self.assertEqual((await child.wait()).status, 0)

    async def test_grandchild_holds_pipes(self):
        """
        A process that the child left behind with its pipes open (H3) is killed two seconds after the child's end, and what was
        written is complete.
        """
        child = self.shell("sleep 1000 & echo $!")
        grandchild = int(await child.stdout.read())
        reading, waiting = child.stdout.read(), child.wait()
        await self.until_ended(child)
        self.clock.advance(GRACE - 0.1)
        self.assertNoResult(reading)
        self.clock.advance(0.1)
        self.assertEqual(await reading, b"")
        self.assertEqual((await waiting).status, 0)
        self.assertTrue(await _gone(grandchild))

    async def test_daemon_holds_pipes(self):
        """
        A daemon that left the group as well is let go, and does not keep us from going on.
        """
        child = self.shell("setsid sh -c 'echo $$; exec sleep 1000' &")
        daemon = int(await child.stdout.read())
        reading, waiting = child.stdout.read(), child.wait()
        await self.until_ended(child)
        self.clock.advance(GRACE)
        self.assertEqual(await reading, b"")
        await waiting
        os.kill(daemon, signal.SIGKILL)

    async def test_killed_and_daemon_holds_pipes(self):
        """
        When a child is killed, a daemon that it left behind keeps nobody waiting for longer than the time of grace.
        """
        child = self.shell("setsid sh -c 'echo $$; exec sleep 1000' & sleep 1000")
        daemon = int(await child.stdout.read())
        reading, waiting = child.stdout.read(), child.wait()
        child.kill()
        await self.until_ended(child)
        self.assertNoResult(reading)
        self.clock.advance(GRACE)
        await self.assertFailure(reading, StreamBroken)
        self.assertEqual((await waiting).status, -signal.SIGKILL)
        os.kill(daemon, signal.SIGKILL)

    async def test_daemon_holds_spliced_pipe(self):
        """
        The same while the output is being spliced.
        """
        child = self.shell("setsid sh -c 'echo $$; exec sleep 1000' &")
        sink = MemorySpliceSink(reactor)
        sending, waiting = Deferred.fromCoroutine(child.send_stdout_to(sink)), child.wait()
        await sink.contains(b"\n")
        await self.until_ended(child)
        self.clock.advance(GRACE)
        self.assertNoResult(waiting)
        self.clock.advance(GRACE)
        await self.assertFailure(sending, StreamBroken)
        await waiting
        os.kill(int(sink.data), signal.SIGKILL)

    async def test_grandchild_writes_on(self):
        """
        What is written by others after the child's end still arrives, as long as they do write.
        """
        child = self.shell("exec 3<&0; (read line <&3; echo late) & exit 0")
        reading = child.stdout.read()
        await self.until_ended(child)
        self.clock.advance(GRACE / 2)
        await child.stdin.write(b"\n")
        self.assertEqual(await reading, b"late\n")
        self.assertEqual(await child.stdout.read(), b"")
        await child.wait()

    async def test_background_job_without_pipes(self):
        """
        A job in the background that has closed the pipes is none of our business.
        """
        child = self.shell("sleep 1000 >/dev/null 2>&1 & echo $!")
        job = int(await self.output(child))
        await child.wait()
        os.kill(job, signal.SIGKILL)

    async def test_real_time(self):
        """
        A child whose time is up is killed with its group.
        """
        child = self.shell("sleep 1000", limits=Limits(seconds=30))
        self.clock.advance(29.9)
        self.assertFalse(child.timed_out)
        self.clock.advance(0.1)
        self.assertEqual((await child.wait()).status, -signal.SIGKILL)
        self.assertTrue(child.timed_out)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_limits(self):
        """
        Memory, CPU time and the size of files are limited, and there are no core dumps.
        """
        child = self.shell(
            "read go; ulimit -v; ulimit -t; ulimit -f; ulimit -c", limits=Limits(memory=1 << 30, cpu=60, file_size=1 << 20)
        )
        await child.stdin.write(b"\n")
        self.assertEqual((await self.output(child)).split(), [b"1048576", b"60", b"2048", b"0"])
        await child.wait()

    async def test_limits_come_late(self):
        """
        What a child has started before its limits are set, and what that has started, has the same limits.
        """
        child = self.shell("sh -c 'sh -c \"echo begun; read go; ulimit -f\" <&3; :' 3<&0; :")
        self.assertEqual(await child.stdout.read(), b"begun\n")
        limit(child.pid, Limits(file_size=1 << 20))
        await child.stdin.write(b"\n")
        self.assertEqual(await self.output(child), b"2048\n")
        await child.wait()
        limit(child.pid, Limits(file_size=1 << 20))

    async def test_limits_bite(self):
        """
        A child that needs more than it may have is ended by the kernel.
        """
        child = self.shell("read go; while :; do :; done", limits=Limits(cpu=1))
        await child.stdin.write(b"\n")
        ended = await child.wait()
        self.assertLess(ended.status, 0)
        path = self.mktemp()
        child = self.shell(f"read go; exec head -c 2000000 /dev/zero > {os.path.abspath(path)}", limits=Limits(file_size=4096))
        await child.stdin.write(b"\n")
        ended = await child.wait()
        self.assertEqual((ended.status, str(ended)), (-signal.SIGXFSZ, "signal: file size limit exceeded"))
        self.assertEqual(os.path.getsize(path), 4096)

    async def test_wait_cancelled(self):
        """
        Whoever stops waiting does not stop the child, or others who wait.
        """
        child = self.shell("read line")
        first, second = child.wait(), child.wait()
        first.cancel()
        await self.assertFailure(first, CancelledError)
        child.close_stdin()
        self.assertEqual((await second).status, 1)


class ChildrenTests(ChildTestCase):
    """
    All children together.
    """

    async def test_kill_all(self):
        """
        All can be killed, and waited for.
        """
        for _ in range(3):
            self.shell("sleep 1000")
        self.assertEqual(len(self.children), 3)
        waiting = self.children.wait_all()
        self.assertNoResult(waiting)
        self.children.kill_all()
        await waiting
        self.assertEqual(len(self.children), 0)
        self.assertEqual([ended.status for ended in self.told], [-signal.SIGKILL] * 3)

    def test_none(self):
        """
        Where there is no child nobody waits.
        """
        self.successResultOf(self.children.wait_all())


class LargePipesTests(ChildTestCase):
    """
    Large pipes are few.
    """

    async def test_returned(self):
        """
        A pipe counts as large only as long as it is open, so any number of children can come one after another.
        """
        for _ in range(40):
            child = self.shell("exit 0")
            child.stdout.enlarge()
            await child.wait()
        from gitaly_tx.git.pipes import large_pipes

        self.assertEqual(large_pipes._pipes, set())

    async def test_many(self):
        """
        Beyond a number, or where the system refuses, pipes stay as they are.
        """
        with mock.patch("gitaly_tx.git.pipes.MOST_LARGE_PIPES", 0), mock.patch("gitaly_tx.git.pipes.fcntl.fcntl") as fcntl:
            child = self.shell("echo out")
            await child.send_stdout_to(MemorySink())
            await child.wait()
        fcntl.assert_not_called()
        with mock.patch("gitaly_tx.git.pipes.fcntl.fcntl", side_effect=PermissionError(1, "too much")):
            child = self.shell("echo out")
            await child.send_stdout_to(MemorySink())
            await child.wait()


def _living_groups() -> dict[int, set[int]]:
    """
    The process groups that have members which are no zombies, with these.
    """
    found: dict[int, set[int]] = defaultdict(set)
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                state, _, group, *_ = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if state != "Z":
            found[int(group)].add(int(name))
    return found


def _turn() -> Deferred[None]:
    made: Deferred[None] = Deferred()
    reactor.callLater(0.005, made.callback, None)
    return made


@inlineCallbacks
def _gone(pid: int):
    """
    Whether a process that is nobody's child of ours ends; it takes the kernel a moment.
    """
    for _ in range(6000):
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        yield _turn()
    return False
