"""
How fast, and how large: ``python -m tests.load``.

Each measurement runs this server beside what one would use otherwise, on the same machine and in the same minutes, and prints
what came out, the ratio and the target. Nothing is installed: what is missing is named, and its measurement left out. All traffic
is on the loopback interface. Take a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from . import clones, commits, crowd, pushes, rpcs, starting
from .report import Figure, heading, line, markdown
from .rivals import Missing

Measurement = Callable[[Path], Iterator[Figure]]

MEASUREMENTS: dict[str, Measurement] = {
    "http": clones.http,
    "ssh": clones.ssh,
    "many": clones.many,
    "secure": crowd.secure,
    "identical": crowd.identical,
    "large": pushes.large,
    "small": pushes.small,
    "fsyncs": pushes.fsyncs,
    "commits": commits.commits,
    "ready": starting.ready,
    "calls": rpcs.calls,
}


def main(argv: Sequence[str]) -> int:
    """
    :returns: 0 if every target that was measured is reached, and nothing failed.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=(__doc__ or "").strip().split("\n\n")[1])
    parser.add_argument("--list", action="store_true", help="name the measurements")
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, metavar="NAME", help="this one (may be repeated)")
    parser.add_argument("--markdown", action="store_true", help="print a table for the README at the end")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "gitaly-tx-load",
        help="where the large repository is kept (%(default)s)",
    )
    options = parser.parse_args(argv)
    if options.list:
        for name, measure in MEASUREMENTS.items():
            print(f"{name:8} {(measure.__doc__ or '').strip()}")
        return 0
    print(heading(), flush=True)
    figures: list[Figure] = []
    failed = False
    for name in options.only or MEASUREMENTS:
        try:
            for figure in MEASUREMENTS[name](options.cache):
                figures.append(figure)
                print(line(figure), flush=True)
        except Missing as missing:
            print(f"{name}: left out: {missing}", flush=True)
        except AssertionError as error:
            failed = True
            print(f"{name}: FAILED: {error}", flush=True)
    if options.markdown:
        print("\n" + markdown(figures))
    return 1 if failed or not figures or any(figure.met is False for figure in figures) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
