"""
Tests for :mod:`gitaly_tx.limits.kernel`, with files as kernels have them, and once with this machine's.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.limits.kernel import ControlGroups, Memory, find_groups

V1_MOUNTS = """\
24 1 0:21 / /proc rw - proc proc rw
31 24 0:26 / {root}/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 24 0:27 {within} {root}/memory rw,relatime shared:9 - cgroup cgroup rw,memory
"""
V2_MOUNTS = "31 24 0:26 / {root}/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"
NO_LIMIT = 9223372036854771712


class KernelTests(SynchronousTestCase):
    """
    ``ControlGroups`` and ``find_groups``.
    """

    def setUp(self) -> None:
        self.root = self.mktemp()
        os.makedirs(self.root)
        self.root = os.path.abspath(self.root)

    def write(self, path: str, text: str) -> str:
        whole = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "w", encoding="ascii") as file:
            file.write(text)
        return os.path.dirname(whole)

    def find(self, mounts: str, cgroup: str, within: str = "/") -> ControlGroups:
        self.write("proc/self/mountinfo", mounts.format(root=self.root, within=within))
        self.write("proc/self/cgroup", cgroup)
        return find_groups(f"{self.root}/proc")

    def test_version_2(self) -> None:
        """
        Version 2: memory, throttling and pressure of the own group.
        """
        self.write("unified/app/memory.max", "1000\n")
        self.write("unified/app/memory.current", "900\n")
        self.write("unified/app/memory.stat", "anon 1\ninactive_file 300\n")
        self.write("unified/app/cpu.stat", "usage_usec 5\nthrottled_usec 2500000\n")
        self.write("unified/app/memory.pressure", "some avg10=1.50 avg60=0 avg300=0 total=1\nfull avg10=0.50 avg60=0 total=1\n")
        groups = self.find(V2_MOUNTS, "0::/app\n")
        self.assertEqual(groups.unified, f"{self.root}/unified/app")
        self.assertEqual(groups.memory_now(), Memory(600, 1000))
        self.assertEqual(groups.throttled(), 2.5)
        self.assertEqual((groups.pressure("memory", "some"), groups.pressure("memory", "full")), (0.015, 0.005))
        self.assertIsNone(groups.pressure("memory", "none"))

    def test_version_1(self) -> None:
        """
        Version 1: each controller has its own hierarchy, and its own names.
        """
        self.write("memory/app/memory.limit_in_bytes", "1000\n")
        self.write("memory/app/memory.usage_in_bytes", "900\n")
        self.write("memory/app/memory.stat", "rss 1\ntotal_inactive_file 100\n")
        self.write("memory/app/memory.oom_control", "oom_kill_disable 0\nunder_oom 1\n")
        self.write("cpu/app/cpu.stat", "nr_periods 1\nthrottled_time 1500000000\n")
        groups = self.find(V1_MOUNTS, "9:memory:/app\n1:cpu,cpuacct:/app\n0::/\n")
        self.assertEqual((groups.unified, groups.memory, groups.cpu), (None, f"{self.root}/memory/app", f"{self.root}/cpu/app"))
        self.assertEqual(groups.memory_now(), Memory(800, 1000, True))
        self.assertEqual(groups.throttled(), 1.5)

    def test_without_limits(self) -> None:
        """
        A group without a limit is as large as the machine.
        """
        self.write("proc/meminfo", "MemTotal:  100 kB\nMemFree: 1 kB\nMemAvailable:  40 kB\nHugePages_Total:  0\n")
        machine = Memory(60 * 1024, 100 * 1024)
        self.write("unified/memory.max", "max\n")
        self.assertEqual(self.find(V2_MOUNTS, "0::/\n").memory_now(), machine)
        self.write("memory/memory.limit_in_bytes", f"{NO_LIMIT}\n")
        groups = self.find(V1_MOUNTS, "9:memory:/\n")
        self.assertEqual((groups.memory_now(), groups.throttled()), (machine, None))
        self.assertIsNone(groups.pressure("cpu", "some"))
        self.write("proc/pressure/cpu", "some avg10=12.00 avg60=0.00 avg300=0.00 total=1\n")
        self.assertEqual(groups.pressure("cpu", "some"), 0.12)

    def test_container(self) -> None:
        """
        In a container a group's path may be one from outside: the part of the hierarchy that is mounted is its own.
        """
        self.write("memory/x", "")
        os.makedirs(f"{self.root}/memory/below")
        for within, path, found in (
            ("/docker/1", "/docker/1", "memory"),
            ("/docker/1", "/docker/1/below", "memory/below"),
            ("/docker/1", "/elsewhere", "memory"),
            ("/", "/docker/1", "memory"),
        ):
            self.assertEqual(self.find(V1_MOUNTS, f"9:memory:{path}\n", within).memory, f"{self.root}/{found}", (within, path))

    def test_nothing(self) -> None:
        """
        Where there is nothing, nothing is known.
        """
        groups = find_groups(f"{self.root}/proc")
        self.assertEqual(groups, ControlGroups(proc=f"{self.root}/proc"))
        self.assertIsNone(groups.memory_now())
        self.write("proc/meminfo", "MemTotal:  100 kB\n")
        self.assertIsNone(groups.memory_now())

    def test_nonsense(self) -> None:
        """
        What cannot be understood is an error, not a figure.
        """
        self.write("memory/memory.limit_in_bytes", "many\n")
        self.assertRaises(ValueError, self.find(V1_MOUNTS, "9:memory:/\n").memory_now)

    def test_here(self) -> None:
        """
        This machine's kernel can be asked.
        """
        groups = find_groups()
        memory = groups.memory_now()
        assert memory is not None
        self.assertLess(0, memory.used)
        self.assertLess(memory.used, memory.limit)
        groups.throttled()
        stalled = groups.pressure("cpu", "some")
        self.assertTrue(stalled is None or 0 <= stalled <= 1)
