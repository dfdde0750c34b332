"""
Programs that no coverage is measured of.
"""

from __future__ import annotations

UNCOVERED = dict.fromkeys(("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"), "")
"""
Variables for the environment of a Python program. With coverage it takes twice as long to start, and every line costs several
times what it does; and whoever is killed has nothing to tell of it.
"""
