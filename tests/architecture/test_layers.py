"""
The tree is a contract: who may import whom.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grimp
from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]

_PROMETHEUS = "gitaly_tx.observability gitaly_tx.middleware.metrics gitaly_tx.frontends.monitoring gitaly_tx.server"

ROOMS = {
    "grpc": ("gitaly_tx.frontends.grpc", "gitaly_tx.client"),
    "grpc_health": ("gitaly_tx.frontends.grpc",),
    "grpc_reflection": ("gitaly_tx.frontends.grpc",),
    "dulwich": ("gitaly_tx.git",),
    "enry": ("gitaly_tx.linguist.worker",),
    "rapidfuzz": ("gitaly_tx.linguist.texts",),
    "prometheus_client": tuple(_PROMETHEUS.split()),
    # ``turns`` measures the loop's turns, which only the loop knows, and ``slices`` asks it for one.
    "asyncio": (
        "gitaly_tx.bridge",
        "gitaly_tx.client",
        "gitaly_tx.loop",
        "gitaly_tx.observability.turns",
        "gitaly_tx.server",
        "gitaly_tx.slices",
    ),
    "uvloop": ("gitaly_tx.loop",),
}
"""Third party → where it may be used. ``asyncio`` is not third party, and stays in few places all the same."""


class LayerTests(SynchronousTestCase):
    """
    Imports.
    """

    def test_contracts(self):
        """
        The import contracts of ``pyproject.toml`` are kept.
        """
        program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
        ended = subprocess.run([sys.executable, "-c", program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)

    def test_rooms(self):
        """
        A third party is known in its room only.
        """
        graph = grimp.build_graph("gitaly_tx", include_external_packages=True, cache_dir=None)
        strangers = [
            f"{importer} imports {package}"
            for package, rooms in ROOMS.items()
            if package in graph.modules
            for importer in graph.find_modules_that_directly_import(package)
            if not any(importer == room or importer.startswith(f"{room}.") for room in rooms)
        ]
        self.assertEqual(sorted(strangers), [])

    def test_plugin_folder(self):
        """
        The folder of the plugin is no package: with an ``__init__.py`` it would hide Twisted's own plugins.
        """
        self.assertEqual([str(path) for path in (ROOT / "twisted").rglob("__init__.py")], [])
