"""
Tests for :mod:`gitaly_tx.config.checklimits`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from .test_check import complaints

RPC = 'rpc = "/gitaly.SSHService/SSHUploadPack"\n'
BOUNDS = "adaptive = true\nmin_limit = {}\ninitial_limit = {}\nmax_limit = {}\n"


class LimitTests(SynchronousTestCase):
    """
    Limits make sense.
    """

    def keys(self, text: str) -> list[str]:
        return [key for key, _ in complaints(text)]

    def test_good(self) -> None:
        """
        What Gitaly takes is taken.
        """
        text = f'[[concurrency]]\n{RPC}max_per_repo = 1\n[[rate_limiting]]\n{RPC}interval = "1s"\nburst = 5\n'
        text += "[adaptive_limiting]\ncpu_throttled_threshold = 0.5\nmemory_threshold = 1\n[pack_objects_limiting]\n"
        self.assertEqual(self.keys(text + BOUNDS.format(1, 2, 3)), [])
        self.assertEqual(self.keys(f"[[concurrency]]\n{RPC}{BOUNDS.format(5, 5, 5)}"), [])

    def test_methods(self) -> None:
        """
        A limit names a method, and there is one for each.
        """
        for table in ("concurrency", "rate_limiting"):
            for name in ("", "SSHUploadPack", "gitaly.SSHService/SSHUploadPack", "/gitaly.SSHService/", "/a/b\\n"):
                self.assertEqual(self.keys(f'[[{table}]]\nrpc = "{name}"\n'), [f"{table}[0].rpc"], name)
        self.assertEqual(self.keys(f"[[concurrency]]\n{RPC}[[concurrency]]\n{RPC}"), ["concurrency[1].rpc"])

    def test_bounds(self) -> None:
        """
        The bounds of a limit that adapts are in their order; without ``adaptive`` nobody looks at them.
        """
        for head in (f"[[concurrency]]\n{RPC}", "[pack_objects_limiting]\n"):
            table = "concurrency[0]" if "[[" in head else "pack_objects_limiting"
            for numbers, wrong in (((0, 1, 1), "min_limit"), ((2, 1, 3), "initial_limit"), ((1, 3, 2), "max_limit")):
                text = head + BOUNDS.format(*numbers)
                self.assertEqual(self.keys(text), [f"{table}.{wrong}"], numbers)
                self.assertEqual(self.keys(text.replace("true", "false")), [])

    def test_rates(self) -> None:
        """
        A rate is an interval and a burst.
        """
        self.assertEqual(self.keys(f"[[rate_limiting]]\n{RPC}burst = 1\n"), ["rate_limiting[0].interval"])
        self.assertEqual(self.keys(f'[[rate_limiting]]\n{RPC}interval = "1s"\n'), ["rate_limiting[0].burst"])

    def test_thresholds(self) -> None:
        """
        Thresholds are parts.
        """
        for name in ("cpu_throttled_threshold", "memory_threshold"):
            for value in ("-0.1", "1.1", "50"):
                self.assertEqual(self.keys(f"[adaptive_limiting]\n{name} = {value}\n"), [f"adaptive_limiting.{name}"])
