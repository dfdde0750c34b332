"""
Clients that push as fast as they can and remember what they were told.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.gitclient import GitClient

from .registers import Attempt, Outcome, Register
from .source import Source

GONE = None
"""The value of a ref that is not there."""

ABSENT, EMPTY = "absent", "empty"
"""Values of a repository: not there, and there without its branch."""

TRUNK = "refs/heads/trunk"
"""The one branch of such a repository. It is not what HEAD names before the first push."""


def outcomes(porcelain: str) -> dict[str, tuple[Outcome, str]]:
    """
    What ``git push --porcelain`` says about each ref.

    A ref that it says nothing about, or whose status the server did not report, has no outcome.
    """
    found = {}
    for line in porcelain.splitlines():
        parts = line.split("\t")
        if len(parts) == 3 and len(parts[0]) == 1:
            ref = parts[1].rpartition(":")[2]
            if parts[0] != "!":
                found[ref] = (Outcome.ACKNOWLEDGED, "")
            elif "[remote failure]" not in parts[2]:
                found[ref] = (Outcome.REFUSED, parts[2])
    return found


class Pusher(threading.Thread):
    """
    One client after another until told to stop.

    :param url: what URLs begin with; the repository's path follows.
    :param seed: decides all it does.
    """

    def __init__(self, name: str, git: GitClient, url: str, source: Source, seed: str) -> None:
        super().__init__(name=name, daemon=True)
        self.git = git
        self.url = url
        self.source = source
        self.random = random.Random(f"{seed}/{name}")
        self.stopped = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """
        Thread's body.
        """
        try:
            while not self.stopped.is_set():
                self.step()
        except BaseException as error:
            self.failure = error

    def step(self) -> None:
        """
        One push.
        """
        raise NotImplementedError

    def push(self, path: str, updates: Mapping[str, str | None], *options: str) -> dict[str, tuple[Outcome, str]]:
        """
        Push refs, and delete those whose new value is :data:`GONE`.
        """
        specs = [f"{'+' + new if new else ''}:{ref}" for ref, new in updates.items()]
        done = self.git.run("push", "--porcelain", *options, self.url + path, *specs, cwd=self.source.path, check=False)
        self.said = done.stderr.strip()
        return outcomes(done.stdout)

    def tell(self, attempt: Attempt, found: tuple[Outcome, str] | None) -> None:
        """
        End an attempt with what git said, or did not.
        """
        outcome, words = found if found is not None else (Outcome.UNKNOWN, self.said)
        attempt.end(outcome, words)


class RefPusher(Pusher):
    """
    Creates, updates and deletes refs, one to three in a push: its own ones, and some that others write, too.

    :param own: refs that nobody else writes.
    :param shared: refs that others write; these are never deleted.
    """

    def __init__(self, *arguments: Any, path: str, own: Sequence[Register], shared: Sequence[Register]) -> None:
        super().__init__(*arguments)
        self.path = path
        self.own = own
        self.shared = shared

    def step(self) -> None:
        """
        One push of some refs.
        """
        chosen = self.random.sample(list(self.own), self.random.choice((1, 1, 2)))
        if self.random.random() < 0.4:
            chosen.append(self.random.choice(list(self.shared)))
        kind = self.random.random()
        updates: dict[str, str | None] = {}
        attempts = {}
        for register in chosen:
            there = register.attempts[-1].value if register.attempts else register.value
            deletes = not register.shared and there is not GONE and self.random.random() < 0.25
            new = GONE if deletes else self.source.next(large=kind < 0.1, wide=0.1 <= kind < 0.15)
            updates[register.name] = new
            attempts[register.name] = register.attempt(new)
        found = self.push(self.path, updates)
        for ref, attempt in attempts.items():
            self.tell(attempt, found.get(ref))


class AtomicPusher(Pusher):
    """
    Writes three refs together: all or none.

    :param register: its value is that of the three, in order.
    """

    def __init__(self, *arguments: Any, path: str, refs: Sequence[str], register: Register) -> None:
        super().__init__(*arguments)
        self.path = path
        self.refs = refs
        self.register = register

    def step(self) -> None:
        """
        One atomic push: new commits for all three, but one of them is deleted now and then.
        """
        before = self.register.attempts[-1].value if self.register.attempts else self.register.value
        assert isinstance(before, tuple)
        values: list[str | None] = [self.source.next() for _ in self.refs]
        leave = self.random.randrange(2 * len(self.refs))
        if leave < len(self.refs) and before[leave] is not GONE:
            values[leave] = GONE
        attempt = self.register.attempt(tuple(values))
        found = self.push(self.path, dict(zip(self.refs, values, strict=True)), "--atomic")
        said = [found.get(ref) for ref in self.refs]
        whole = said[0] if said[0] is not None and all(one is not None and one[0] is said[0][0] for one in said) else None
        self.tell(attempt, whole)
