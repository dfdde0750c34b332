"""
Every check there is, in one command: ``python -m tests.run`` (or ``make test``).

Each gate prints its name, how long it took, and what it had to say if it failed. The last line is ``N passed, N failed``: tests
and gates together. ``--only NAME`` runs some gates only; ``--list`` names them.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT.parent / "shared" / "golden"
BIN = Path(sys.executable).parent
COVERAGE_FLOOR = (ROOT / "tests" / "coverage-floor").read_text().strip() if (ROOT / "tests" / "coverage-floor").exists() else "0"
"""Percent of branches; it only ever rises."""


@frozen
class Result:
    """
    What a gate found.

    :param output: what to say if something failed.
    :param note: what to say in any case.
    """

    passed: int
    failed: int
    output: str
    note: str = ""


def tool(*argv: str | Path, environment: dict[str, str] | None = None, cwd: Path = ROOT) -> tuple[int, str]:
    """
    Run a program; its output and errors come back as one text.
    """
    done = subprocess.run(
        [str(part) for part in argv],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return done.returncode, done.stdout


def gate(*argv: str | Path) -> Result:
    """
    A gate that passes if a program does.
    """
    status, output = tool(*argv)
    return Result(1, 0, "") if status == 0 else Result(0, 1, output)


def ruff() -> Result:
    """
    Lint and format.
    """
    checks = [gate(BIN / "ruff", "check", "."), gate(BIN / "ruff", "format", "--check", ".")]
    return Result(sum(c.passed for c in checks), sum(c.failed for c in checks), "".join(c.output for c in checks))


def mypy() -> Result:
    """
    Types, strictly.
    """
    return gate(BIN / "mypy", "--no-error-summary")


def layers() -> Result:
    """
    The layers import downwards only.
    """
    return gate(BIN / "lint-imports", "--no-logo") if _knows_no_logo() else gate(BIN / "lint-imports")


def _knows_no_logo() -> bool:
    return "--no-logo" in tool(BIN / "lint-imports", "--help")[1]


def stubs() -> Result:
    """
    The generated modules are in step with the .proto files.
    """
    return gate(sys.executable, "-m", "protocols.generate", "--check")


def trial() -> Result:
    """
    All tests, with branch coverage.
    """
    scratch = Path(tempfile.mkdtemp(prefix="t-"))
    # With CI set, hypothesis tries the same examples each time, and does not mind how slow a machine is.
    environment = {"COVERAGE_FILE": str(scratch / "coverage"), "CI": os.environ.get("CI", "true")}
    jobs = str(max(1, min(4, os.cpu_count() or 1)))
    command = [
        *(sys.executable, "-m", "coverage", "run", "--rcfile", str(ROOT / "pyproject.toml")),
        *("-m", "twisted.trial", "--reactor=asyncio", f"-j{jobs}", f"--temp-directory={scratch / 't'}", "tests"),
    ]
    status, output = tool(*command, environment=environment)
    ran = re.search(r"^Ran (\d+) tests", output, re.MULTILINE)
    total = int(ran[1]) if ran else 0
    bad = sum(int(n) for n in re.findall(r"(?:failures|errors|unexpectedSuccesses)=(\d+)", output.rsplit("Ran ", 1)[-1]))
    skipped = sum(int(n) for n in re.findall(r"skips=(\d+)", output.rsplit("Ran ", 1)[-1]))
    if status != 0 and bad == 0:
        bad = 1
    report, note = output if bad else "", ""
    if not bad:
        tool(sys.executable, "-m", "coverage", "combine", "-q", environment=environment)
        status, covered = tool(
            sys.executable, "-m", "coverage", "report", f"--fail-under={COVERAGE_FLOOR}", environment=environment
        )
        if status != 0:
            return Result(total - skipped, 1, f"{covered}\nbranch coverage is below {COVERAGE_FLOOR} %")
        note = next((line for line in covered.splitlines() if line.startswith("TOTAL")), "")
    shutil.rmtree(scratch, ignore_errors=True)
    return Result(max(0, total - bad - skipped), bad, report, note)


def golden() -> Result:
    """
    What a recorded Gitaly answered, where the recordings are at hand.
    """
    if not GOLDEN.exists():
        return Result(0, 0, "", "no recordings here: skipped")
    status, output = tool(sys.executable, "-m", "tests.golden")
    return Result(1, 0, "", output.strip()) if status == 0 else Result(0, 1, output)


def wheel() -> Result:
    """
    The wheel installs into a clean environment, where twistd lists the plugin and the tools start.
    """
    with tempfile.TemporaryDirectory(prefix="gitaly-tx-wheel-") as folder:
        scratch = Path(folder)
        source = scratch / "source"
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
        ).stdout
        for name in listed.decode().split("\0"):
            if name and (ROOT / name).is_file():
                target = source / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, target)
        python = scratch / "venv" / "bin" / "python"
        steps: list[tuple[str | Path, ...]] = [
            (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", scratch, source),
            (sys.executable, "-m", "venv", scratch / "venv"),
        ]
        for step in steps:
            status, output = tool(*step)
            if status:
                return Result(0, 1, output)
        made = next(scratch.glob("*.whl"))
        install = ("-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", str(ROOT / "constraints.txt"), str(made))
        status, output = tool(python, *install)
        if status:
            return Result(0, 1, output)
        clean = {"PYTHONPATH": "", "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin"}
        status, output = tool(python.parent / "twistd", "--help", environment=clean, cwd=scratch)
        if status or not re.search(r"^\s+gitaly\s", output, re.MULTILINE):
            return Result(0, 1, "twistd --help does not list gitaly:\n" + output)
        for command in (("twistd", "gitaly", "--help"), ("gitaly-tx", "--help")):
            status, output = tool(python.parent / command[0], *command[1:], environment=clean, cwd=scratch)
            if status:
                return Result(0, 1, output)
    return Result(1, 0, "")


GATES: dict[str, Callable[[], Result]] = {
    "ruff": ruff,
    "mypy": mypy,
    "layers": layers,
    "stubs": stubs,
    "golden": golden,
    "wheel": wheel,
    "trial": trial,
}

ALONE = frozenset({"trial"})
"""Gates that take all processors there are; the others take one each, and run side by side."""


def timed(name: str) -> tuple[Result, float]:
    """
    Run a gate.

    :returns: what it found, and the seconds that it took.
    """
    began = time.monotonic()
    return GATES[name](), time.monotonic() - began


def results(names: Sequence[str]) -> Iterator[tuple[str, Result, float]]:
    """
    Run gates; first those that need not be alone.
    """
    together = [name for name in names if name not in ALONE]
    if together:
        print(f"... {', '.join(together)}", flush=True)
    with ThreadPoolExecutor(max(1, min(4, os.cpu_count() or 1))) as pool:
        for name, found in zip(together, pool.map(timed, together), strict=True):
            yield name, *found
    for name in filter(ALONE.__contains__, names):
        print(f"... {name}", flush=True)
        yield name, *timed(name)


def main(argv: Sequence[str]) -> int:
    """
    :returns: 0 if everything passed.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.run", description=(__doc__ or "").strip())
    parser.add_argument("--only", action="append", choices=GATES, help="run this gate (may be repeated)")
    parser.add_argument("--list", action="store_true", help="name the gates")
    options = parser.parse_args(argv)
    if options.list:
        for name, check in GATES.items():
            print(f"{name:8} {(check.__doc__ or '').strip()}")
        return 0
    passed = failed = 0
    for name, result, seconds in results(options.only or list(GATES)):
        print(f"== {name}: {(GATES[name].__doc__ or '').strip()}")
        for text in (result.note, result.output if result.failed else ""):
            if text:
                print(text)
        print(f"   {'FAILED' if result.failed else 'ok'} ({seconds:.0f} s)", flush=True)
        passed += result.passed
        failed += result.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
