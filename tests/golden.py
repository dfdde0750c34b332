"""
What a recorded Gitaly answered, asked of this server: ``python -m tests.golden [SERVICE …]``.

The recordings and the program that replays them are no part of the project; they are used where they lie beside it. A server is
started for the run, with the storages that they want, and told that the replay's stand-in for GitLab is its application. Printed
is a table by service; the exit status is 0 only if every case that this version claims passes (:func:`claimed`), and the messages
of methods that read are Gitaly's but for those that :mod:`tests.wording` lists. ``--table COMPATIBILITY.md`` writes the
compatibility page, ``--check`` compares it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.support.server import ROOT, Server, free_ports
from tests.wording import Difference, listed, reading, section, unexplained

GOLDEN = ROOT.parent / "shared" / "golden"

OTHERS = ("target", "replica")
"""Storages beside ``default`` that the recordings want."""

NOT_BUILT = frozenset({"PartitionService/BackupPartition"})
"""Methods that are answered with UNIMPLEMENTED as yet. Every case that calls none of them is claimed."""

RESULTS = ("passed", "failed", "unimplemented", "skipped")

PREAMBLE = """\
# Compatibility

Requests that were recorded from Gitaly 16.7, sent to this server: how many answers are the same. A case is a short conversation;
it passes if the status, the typed error details, every response and, after a write, the repositories on disk are those of Gitaly.
"Not done yet" are calls that are answered with `UNIMPLEMENTED`.

This page is written by `python -m tests.golden --table COMPATIBILITY.md`.

"""


@frozen
class Case:
    """
    One recorded conversation, and how it went here.

    :param methods: what it calls, in order: ``Service/Method``.
    :param results: one of :data:`RESULTS` for each call; empty before the replay.
    :param differences: what was not as recorded.
    :param wording: messages that were not as recorded.
    """

    name: str
    service: str
    methods: tuple[str, ...]
    results: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    wording: tuple[Difference, ...] = ()

    @property
    def result(self) -> str:
        """
        That of the whole case: the worst of its calls.
        """
        for result in ("failed", "unimplemented", "skipped"):
            if result in self.results:
                return result
        return "passed" if self.results else "skipped"


def claimed(case: Case) -> bool:
    """
    Whether this version says that the case passes.
    """
    return NOT_BUILT.isdisjoint(case.methods)


def short(method: str) -> str:
    """
    ``/gitaly.RefService/RefExists`` is ``RefService/RefExists``.
    """
    return method.removeprefix("/").split(".", 1)[-1]


def recorded(corpus: Path) -> list[Case]:
    """
    All cases there are.
    """
    cases = []
    for archive in sorted(corpus.glob("*.tar.xz")):
        with tarfile.open(archive) as opened:
            member = opened.extractfile("cases.json")
            assert member is not None
            for case in json.load(member):
                methods = tuple(short(step["method"]) for step in case["steps"])
                cases.append(Case(case["id"], archive.name.split(".", 1)[0], methods))
    return cases


def judged(cases: Iterable[Case], found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Case]:
    """
    The cases that were replayed, with their results.

    :param found: what the replay wrote with ``--json``.
    """
    done = []
    for case in cases:
        steps = found.get(case.name)
        if steps is None:
            continue
        differences = tuple(
            f"{short(step['method'])} {path}: expected {expected}, got {got}"
            for step in steps
            for path, expected, got in step.get("hard", ())
        )
        wording = tuple(
            Difference(short(step["method"]), _plain(expected), _plain(got))
            for step in steps
            for path, expected, got in step.get("soft", ())
            if path == "message"
        )
        results = tuple(str(step["result"]) for step in steps)
        done.append(Case(case.name, case.service, case.methods, results, differences, wording))
    return done


def _plain(shown: str) -> str:
    """
    A text that the replay shows as JSON.
    """
    try:
        return str(json.loads(shown))
    except ValueError:
        return shown


def replay(services: Sequence[str], jobs: int) -> dict[str, list[dict[str, Any]]]:
    """
    Replay the recordings of some services, or of all, against a server made for that.

    :raises AssertionError: if the replay did not come to its end.
    """
    server = Server()
    try:
        storages = {"default": server.storage} | {name: server.folder / name for name in OTHERS}
        for name in OTHERS:
            storages[name].mkdir()
            server.extra += f'[[storage]]\nname = "{name}"\npath = "{storages[name]}"\n'
        application = f"127.0.0.1:{free_ports(1)[0]}"
        server.extra += f'[gitlab]\nurl = "http://{application}"\nsecret = "shared"\n'
        server.write_config()
        server.start()
        with tempfile.TemporaryDirectory(prefix="gitaly-tx-golden-") as folder:
            written = Path(folder) / "results.json"
            command = [sys.executable, str(GOLDEN / "replay.py"), f"--addr={server.grpc}", f"--json={written}", f"--jobs={jobs}"]
            command += [f"--gitlab={application}"]
            command += [f"--storage={name}={path}" for name, path in storages.items()]
            command += [f"--service={','.join(services)}"] if services else []
            ended = subprocess.run(
                [*command, str(GOLDEN / "open")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            if not written.exists():
                raise AssertionError(f"the replay failed:\n{ended.stdout.decode(errors='replace')}\n{server.output()}")
            found: dict[str, list[dict[str, Any]]] = json.loads(written.read_text())
        server.stop()
        return found
    finally:
        server.dispose()


def table(cases: Sequence[Case]) -> str:
    """
    The page's body: a table of services, and one of methods that were called. It says the same for the same results.
    """
    lines = ["| service | cases | passed | failed | not done yet |", "| --- | ---: | ---: | ---: | ---: |"]
    services = sorted({case.service for case in cases})
    for service in services:
        lines.append(_row(service, Counter(case.result for case in cases if case.service == service)))
    lines.append(_row("**all**", Counter(case.result for case in cases)))
    lines += ["", "| method | calls | passed | failed | not done yet |", "| --- | ---: | ---: | ---: | ---: |"]
    calls: dict[str, Counter[str]] = {}
    for case in cases:
        for method, result in zip(case.methods, case.results, strict=True):
            calls.setdefault(method, Counter())[result] += 1
    lines += [_row(method, calls[method]) for method in sorted(calls)]
    return "\n".join(lines) + "\n"


def _row(name: str, counted: Counter[str]) -> str:
    figures = [sum(counted.values()), counted["passed"], counted["failed"], counted["unimplemented"] + counted["skipped"]]
    return f"| {name} | " + " | ".join(str(figure or "") for figure in figures) + " |"


def summary(cases: Sequence[Case]) -> str:
    """
    What is printed: results by service, and how many of the claimed cases pass.
    """
    lines = [f"{'service':24}{'cases':>8}" + "".join(f"{result:>15}" for result in RESULTS) + f"{'claimed':>14}"]
    for service in sorted({case.service for case in cases}):
        here = [case for case in cases if case.service == service]
        counted = Counter(case.result for case in here)
        claims = [case for case in here if claimed(case)]
        kept = sum(case.result == "passed" for case in claims)
        claim = f"{kept} of {len(claims)}" if claims else "-"
        lines.append(f"{service:24}{len(here):8}" + "".join(f"{counted[r] or '':>15}" for r in RESULTS) + f"{claim:>14}")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """
    :returns: 0 if every claimed case passes (and the page is as it should be), 1 if not, 2 if there are no recordings.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=(__doc__ or "").strip().split("\n\n")[0])
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="services to replay, such as RefService; all if none")
    parser.add_argument("--table", metavar="FILE", type=Path, help="write the compatibility page (all services only)")
    parser.add_argument("--check", metavar="FILE", type=Path, help="fail if the compatibility page says something else")
    parser.add_argument("--jobs", type=int, default=4, help="conversations at once (4)")
    parser.add_argument("-v", "--verbose", action="store_true", help="also print the differences of cases that are not claimed")
    options = parser.parse_args(argv)
    if options.services and (options.table or options.check):
        parser.error("the compatibility page is about all services")
    if not GOLDEN.exists():
        print(f"no recordings in {GOLDEN}", file=sys.stderr)
        return 2
    cases = judged(recorded(GOLDEN / "open"), replay(options.services, options.jobs))
    broken = [case for case in cases if claimed(case) and case.result != "passed"]
    for case in cases if options.verbose else broken:
        if case.result == "failed" or case in broken:
            print(f"{case.result.upper()} {case.name}")
            for difference in case.differences[:8]:
                print(f"    {difference}")
    exemptions, methods = listed(), reading()
    differing = unexplained((each for case in cases for each in case.wording), exemptions)
    astray = [each for each in differing if each.method in methods]
    for each in differing if options.verbose else astray:
        print(f"OTHER WORDS {each.method}\n    expected {each.theirs}\n    got      {each.ours}")
    print(summary(cases))
    page = PREAMBLE + table(cases) + section(exemptions)
    if options.table:
        options.table.write_text(page)
    if options.check and (not options.check.exists() or options.check.read_text() != page):
        print(f"{options.check} says something else: run python -m tests.golden --table {options.check}")
        return 1
    return 1 if broken or astray or not cases else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
