"""
Tests for :mod:`gitaly_tx.git.cgroups`, with directories as the kernel has them, and once with this machine's kernel.
"""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from gitaly_tx.git import cgroups
from gitaly_tx.git.cgroups import ControlledChildren, Hierarchy, NotPossible, Share, make, remove
from tests.support.events import logged

UNIFIED = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")


class Kernel:
    """
    Remembers what is written, as a kernel would take it.
    """

    def __init__(self) -> None:
        self.written: list[tuple[str, str]] = []
        self.error: OSError | None = None

    def write(self, path: str, text: str) -> None:
        if self.error is not None:
            raise self.error
        self.written.append((path, text))


class GroupsTests(SynchronousTestCase):
    """
    ``make``, ``remove`` and ``ControlledChildren``.
    """

    def setUp(self) -> None:
        self.mountpoint = os.path.abspath(self.mktemp())
        os.makedirs(self.mountpoint)
        self.kernel = Kernel()
        self.patch(cgroups, "_write", self.kernel.write)

    def controllers(self, text: str = "cpuset cpu io memory pids\n") -> None:
        with open(os.path.join(self.mountpoint, "cgroup.controllers"), "w") as file:
            file.write(text)

    def hierarchy(self, **more: Any) -> Hierarchy:
        return Hierarchy(self.mountpoint, "slice/gitaly", **{"groups": 2, **more})

    def test_made(self) -> None:
        """
        Each level hands its controllers down, and has its limits.
        """
        self.controllers()
        hierarchy = self.hierarchy(whole=Share(memory=1000, cpu_quota=50_000), each=Share(memory=100, cpu_shares=1024))
        make(hierarchy)
        top, parent = self.mountpoint, hierarchy.parent
        self.assertTrue(parent.endswith(f"/slice/gitaly/gitaly-{os.getpid()}"))
        down = "+cpu +memory"
        expected = [(f"{path}/cgroup.subtree_control", down) for path in (top, f"{top}/slice", f"{top}/slice/gitaly", parent)]
        expected += [(f"{parent}/memory.max", "1000"), (f"{parent}/cpu.max", "50000 100000")]
        for number in range(2):
            expected += [(f"{parent}/repos-{number}/memory.max", "100"), (f"{parent}/repos-{number}/cpu.weight", "39")]
        self.assertEqual(self.kernel.written, expected)
        self.assertEqual(sorted(os.listdir(parent)), ["repos-0", "repos-1"])

    def test_shares(self) -> None:
        """
        Weights are version 1's, made into version 2's; 0 is no limit.
        """
        weights = {shares: Share(cpu_shares=shares).files()["cpu.weight"] for shares in (1, 2, 1024, 262144, 10**9)}
        self.assertEqual(weights, {1: "1", 2: "1", 1024: "39", 262144: "10000", 10**9: "10000"})
        self.assertEqual(Share().files(), {})

    def test_not_possible(self) -> None:
        """
        Where there are no groups, somebody says why, and what to do.
        """

        def why(hierarchy: Hierarchy) -> str:
            return str(self.assertRaises(NotPossible, make, hierarchy))

        self.assertIn("there is no cgroup v2 at", why(self.hierarchy()))
        self.controllers("hugetlb\n")
        limited = self.hierarchy(whole=Share(memory=1, cpu_shares=2))
        self.assertIn("has no cpu and memory controller", why(limited))
        self.controllers()
        for number, words in (
            (errno.EACCES, "may not make groups"),
            (errno.EROFS, "may not make groups"),
            (errno.EBUSY, "holds processes itself"),
            (errno.ENOSPC, "cannot be made: No space left on device"),
        ):
            self.kernel.error = OSError(number, os.strerror(number))
            self.assertIn(words, why(limited))

    def test_swept(self) -> None:
        """
        Groups of servers that were killed are removed, those of others that run are not; nor is what is not ours.
        """
        self.controllers()
        process = subprocess.Popen(["true"])
        process.wait()
        root = os.path.join(self.mountpoint, "slice/gitaly")
        for name in (f"gitaly-{process.pid}/repos-0", "gitaly-1/repos-0", "other"):
            os.makedirs(os.path.join(root, name))
        make(self.hierarchy())
        self.assertEqual(sorted(os.listdir(root)), sorted(["gitaly-1", f"gitaly-{os.getpid()}", "other"]))

    def children(self, hierarchy: Hierarchy) -> ControlledChildren:
        def in_thread(work: Callable[..., Any], *arguments: Any) -> Awaitable[Any]:
            return succeed(work(*arguments)) if work is not make else Deferred.fromCoroutine(_called(work, *arguments))

        return ControlledChildren(hierarchy, in_thread)

    def test_placed(self) -> None:
        """
        Children of one repository are together, or spread over as many groups as may be; one that has ended already is no error.
        """
        self.controllers()
        children = self.children(self.hierarchy(groups=5))
        children.place(17, "a")
        self.assertEqual(self.kernel.written, [])
        self.successResultOf(Deferred.fromCoroutine(children.start()))
        for name in ("a", "a", "b"):
            children.place(17, name)
        groups = [path for path, pid in self.kernel.written if pid == "17"]
        self.assertEqual((groups[0], len(groups)), (groups[1], 3))
        spread = self.children(self.hierarchy(groups=5, spread=3))
        self.successResultOf(Deferred.fromCoroutine(spread.start()))
        self.kernel.written.clear()
        for _ in range(9):
            spread.place(17, "a")
        self.assertEqual(len({path for path, _ in self.kernel.written}), 3)
        self.kernel.error = ProcessLookupError(errno.ESRCH, "gone")
        with logged("gitaly_tx.git") as events:
            children.place(17, "a")
            self.assertEqual(events, [])
            self.kernel.error = OSError(errno.EIO, "broken")
            children.place(17, "a")
        self.assertEqual(len(events), 1)
        self.successResultOf(Deferred.fromCoroutine(children.stop()))
        self.assertFalse(os.path.exists(self.hierarchy().parent))
        self.successResultOf(Deferred.fromCoroutine(children.stop()))

    def test_without(self) -> None:
        """
        A server that may have no groups runs its children without, and says so once.
        """
        children = self.children(self.hierarchy())
        with logged("gitaly_tx.git") as events:
            self.successResultOf(Deferred.fromCoroutine(children.start()))
            children.place(17, "a")
        self.assertEqual([event["log_format"] for event in events], ["git runs outside of control groups: {why}"])
        self.assertFalse(children.active)

    def test_removed(self) -> None:
        """
        A group that somebody is in stays, and so do those above it.
        """
        os.makedirs(os.path.join(self.mountpoint, "a/b/c"))
        os.makedirs(os.path.join(self.mountpoint, "a/d"))
        with open(os.path.join(self.mountpoint, "a/b/c/task"), "w"):
            pass
        remove(os.path.join(self.mountpoint, "a"))
        self.assertTrue(os.path.exists(os.path.join(self.mountpoint, "a/b/c/task")))
        self.assertFalse(os.path.exists(os.path.join(self.mountpoint, "a/d")))
        remove(os.path.join(self.mountpoint, "nothing"))


class HereTests(SynchronousTestCase):
    """
    With this machine's kernel, where it lets us.
    """

    def test_here(self) -> None:
        """
        A child is moved into its group, and the groups are removed when it has ended.
        """
        hierarchy = self.possible()
        children = ControlledChildren(hierarchy, lambda work, *arguments: succeed(work(*arguments)))
        self.successResultOf(Deferred.fromCoroutine(children.start()))
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
            children.place(child.pid, "a")
            with open(f"/proc/{child.pid}/cgroup") as file:
                self.assertIn(f"/gitaly-tx-test/gitaly-{os.getpid()}/repos-", file.read())
            child.communicate()
        self.successResultOf(Deferred.fromCoroutine(children.stop()))
        self.assertFalse(os.path.exists(hierarchy.parent))
        remove(os.path.dirname(hierarchy.parent))

    def possible(self) -> Hierarchy:
        for mountpoint in UNIFIED:
            hierarchy = Hierarchy(mountpoint, "gitaly-tx-test", groups=2)
            try:
                make(hierarchy)
            except NotPossible:
                continue
            remove(hierarchy.parent)
            return hierarchy
        raise SkipTest("no control groups can be made here")


async def _called(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)
