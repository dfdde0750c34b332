"""
A storage that lives through several kills.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from attrs import define, field, frozen

from gitaly_tx.observability.failpoints import VARIABLE
from tests.support.gitclient import GitClient, over_ssh
from tests.support.server import PATIENCE, Server
from tests.support.uncovered import UNCOVERED

from . import inspection
from .callers import FORKED, POOL, Committer, Forker, RepositoryPusher
from .pushers import ABSENT, EMPTY, GONE, TRUNK, AtomicPusher, Pusher, RefPusher
from .registers import Outcome, Register
from .source import Source

READY = 60.0
"""Seconds within which a server must be ready that has to replay."""

TIDY = 30.0
"""Seconds after readiness in which everything temporary must have gone."""

NOTICE = 3.0
"""Seconds that a client may take to notice that the server died."""

BUSY = '[wal]\nsegment_size = 65536\ncheckpoint_interval = "300ms"\n'
"""A configuration with which the log goes on to new segments all the time."""

GROUP = tuple(f"refs/heads/group/{number}" for number in range(3))
"""Refs that are only pushed together."""

HOOK = "#!/bin/sh\nexec cat >> '{log}'\n"


class DrillFailed(AssertionError):
    """
    Something is not as it must be after a crash.
    """


@frozen
class Kill:
    """
    How a server is to end.

    :param rule: for the failpoints; empty for a kill from outside.
    :param after: seconds of pushing until a kill from outside.
    """

    rule: str
    after: float

    @property
    def point(self) -> str:
        """
        The failpoint's name.
        """
        return self.rule.split("=")[0]


@define
class Tally:
    """
    What happened, over all histories.

    :ivar kills: how often at which failpoint; ``from outside`` for the others.
    :ivar unreached: failpoints that were not reached although they were to kill.
    :ivar told: what clients were told.
    :ivar ready: seconds that starts took.
    """

    kills: Counter[str] = field(factory=Counter)
    unreached: Counter[str] = field(factory=Counter)
    told: Counter[Outcome] = field(factory=Counter)
    ready: list[float] = field(factory=list)

    @property
    def acknowledged(self) -> int:
        """
        How many updates were.
        """
        return self.told[Outcome.ACKNOWLEDGED]


@define
class History:
    """
    :param seed: decides what is done.
    :param keys: a folder with an SSH key called ``key``.
    :param busy: let the log be tidied up all the time.
    """

    seed: str
    tally: Tally
    _source: Source
    _keys: Path
    _busy: bool = False
    server: Server = field(init=False)
    _refs: dict[str, list[Register]] = field(factory=dict, init=False)
    _groups: dict[str, Register] = field(factory=dict, init=False)
    _made: dict[str, Register] = field(factory=dict, init=False)
    _forks: dict[str, Register] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.server = Server(BUSY if self._busy else "", UNCOVERED, daemon=False)
        self._source.rewind()
        for path in ("team/one.git", "team/two.git"):
            git = GitClient(self._clients)
            git.run("init", "-q", "--bare", "-b", "main", str(self.server.storage / path))
            main = f"{self._source.root}:refs/heads/main"  # the branch that HEAD names cannot be deleted: let it be this one
            git.run("push", "-q", str(self.server.storage / path), main, cwd=self._source.path)
            shared = [Register(f"refs/heads/shared/{number}", GONE, shared=True) for number in range(2)]
            own = [
                Register(f"refs/{kind}/{who}/{number}", GONE) for who in "ab" for kind in ("heads", "tags") for number in range(2)
            ]
            called = [Register(f"refs/heads/called/{number}", GONE) for number in range(4)]
            self._refs[path] = [*shared, *own, *called]
            self._groups[path] = Register("refs/heads/group/*", (GONE,) * len(GROUP))
        self._made = {path: Register(path, ABSENT) for path in (f"made/{number}.git" for number in range(4))}
        self._forks = {path: Register(path, ABSENT) for path in ("forks/0.git", "forks/1.git", POOL)}
        hook = self.server.storage / "team/one.git/custom_hooks/post-receive"
        hook.parent.mkdir()
        hook.write_text(HOOK.format(log=self._hooked))
        hook.chmod(0o755)

    @property
    def _clients(self) -> Path:
        return self.server.folder / "clients"

    @property
    def _hooked(self) -> Path:
        return self.server.folder / "post-receive"

    def run(self, ends: Sequence[Kill]) -> None:
        """
        Live through some kills, and then come to a good end.

        :raises DrillFailed: as soon as something is wrong.
        """
        for number, end in enumerate(ends):
            self._live(end, f"{self.seed}/{number}")
        if not self._begin(""):
            raise DrillFailed(f"the server did not start:\n{self.server.output()}")
        self._check(alive=True)
        self.server.stop()
        if self.server.process is None or self.server.process.returncode:
            raise DrillFailed(f"the server did not end well:\n{self.server.output()}")
        self._check(alive=False)

    def kill(self) -> None:
        """
        End the server, if it lives; its data stays.
        """
        process = self.server.process
        if process is not None and process.poll() is None:
            self.server.kill_group()
        self.server.pid = 0

    def dispose(self) -> None:
        """
        Remove all of it.
        """
        self.kill()
        self.server.dispose()

    # --------------------------------------------------------------------------------------------------------- a life

    def _live(self, end: Kill, seed: str) -> None:
        died = not self._begin(end.rule)
        if not died:
            try:
                self._check(alive=True)
            except DrillFailed:
                if not self._dead(0):  # a kill may come in the midst of this
                    raise
                self._check(alive=False)
            died = self._dead(0) or self._pushing(end, seed)
        self.server.pid = 0
        if died:
            self.tally.kills[end.point] += 1
        else:
            self.tally.kills["from outside"] += 1
            if end.rule:
                self.tally.unreached[end.point] += 1

    def _begin(self, rule: str) -> bool:
        """
        :returns: whether it became ready; if not, the failpoint killed it.
        """
        self.server.environment[VARIABLE] = rule
        began = time.monotonic()
        ended = self.server.start(check=False)
        took = time.monotonic() - began
        if ended is not None:
            if ended.returncode != -signal.SIGKILL or not rule:
                raise DrillFailed(f"the server ended at start, with {ended.returncode}:\n{self.server.output()}")
            return False
        self.tally.ready.append(took)
        if took > READY:
            raise DrillFailed(f"the server took {took:.1f} s to be ready")
        return True

    def _dead(self, seconds: float) -> bool:
        """
        Whether the server ends within some seconds.
        """
        process = self.server.process
        assert process is not None
        if process.poll() is None:
            pidfd = os.pidfd_open(process.pid)
            try:
                select.select([pidfd], [], [], seconds)
            finally:
                os.close(pidfd)
        if process.poll() not in (None, -signal.SIGKILL):
            raise DrillFailed(f"the server ended by itself, with {process.returncode}:\n{self.server.output()}")
        return process.returncode is not None

    def _pushing(self, end: Kill, seed: str) -> bool:
        """
        Push until the server is dead.

        :returns: whether a failpoint killed it.
        """
        pushers = self._pushers(seed)
        for pusher in pushers:
            pusher.start()
        died = self._dead(end.after)
        if not died:
            self.server.kill_group()
        at = time.monotonic()
        for pusher in pushers:
            pusher.stopped.set()
        for pusher in pushers:
            pusher.join(PATIENCE)
            if pusher.is_alive() or pusher.failure is not None:
                raise DrillFailed(f"{pusher.name} got stuck: {pusher.failure!r}") from pusher.failure
        self._judge_answers(at)
        return died

    def _pushers(self, seed: str) -> list[Pusher]:
        ssh = over_ssh(self._clients, self._keys / "key")
        pushers: list[Pusher] = []
        for path, registers in self._refs.items():
            shared = [register for register in registers if register.shared]
            for who, environment, url in (("a", {}, self.server.http), ("b", ssh, self.server.ssh)):
                name = f"{who}@{path}"
                own = [register for register in registers if f"/{who}/" in register.name]
                git = GitClient(self._clients, environment)
                pushers.append(RefPusher(name, git, url, self._source, seed, path=path, own=own, shared=shared))
        for (path, register), (environment, url) in zip(
            self._groups.items(), (({}, self.server.http), (ssh, self.server.ssh)), strict=True
        ):
            git = GitClient(self._clients, environment)
            name = f"atomic@{path}"
            pushers.append(AtomicPusher(name, git, url, self._source, seed, path=path, refs=GROUP, register=register))
        git = GitClient(self._clients)
        made = list(self._made.values())
        address = self.server.grpc
        for path, registers in self._refs.items():
            own = [register for register in registers if "/called/" in register.name]
            scratch = self._clients / "scratch"
            named = f"committer@{path}"
            committer = Committer(
                named, git, "", self._source, seed, address=address, path=path, own=own, scratch=scratch / named.replace("/", "-")
            )
            pushers.append(committer)
        forks = list(self._forks.values())
        pushers.append(Forker("forker", git, "", self._source, seed, address=address, path="team/two.git", forks=forks))
        pushers.append(RepositoryPusher("made", git, self.server.http, self._source, seed, address=address, registers=made))
        return pushers

    # ----------------------------------------------------------------------------------------------------- what is found

    def _registers(self) -> list[tuple[str, Register]]:
        found = [(path, register) for path, registers in self._refs.items() for register in registers]
        return [*found, *self._groups.items(), *self._made.items(), *self._forks.items()]

    def _judge_answers(self, died: float) -> None:
        """
        Answers that nobody should get from a server that lives.

        :raises DrillFailed: if somebody did.
        """
        wrong = []
        for path, register in self._registers():
            for attempt in register.attempts:
                self.tally.told[attempt.outcome] += 1
                refused = attempt.outcome is Outcome.REFUSED and not register.shared
                unanswered = attempt.outcome is Outcome.UNKNOWN and attempt.ended < died - NOTICE
                if refused or (unanswered and attempt.words):
                    wrong.append(f"{path} {register.name}: {attempt.outcome.value} while the server lived: {attempt.words}")
        if wrong:
            raise DrillFailed("\n".join(wrong))

    def _check(self, alive: bool) -> None:
        """
        Look at everything, and take what is found for what there is.

        :param alive: the server has just become ready.
        :raises DrillFailed: with all that is wrong.
        """
        deadline = time.monotonic() + TIDY
        wrong: list[str] = []
        disk: dict[str, dict[str, str] | None] = {}
        touched = sorted({path for path, register in self._registers() if register.attempts})
        for path in (*self._refs, *self._made, *self._forks):
            try:
                disk[path] = inspection.refs(self.server.storage / path)
            except AssertionError as error:
                wrong.append(str(error))
        for path, register in self._registers():
            if path in disk:
                found = self._found(register, path, disk[path])
                wrong += filter(None, [register.wrong(found)])
                register.settle(found)
        for path in touched:
            if disk.get(path) is not None:
                wrong += inspection.unsound(self.server.storage / path)
        unexpected = {str(path.relative_to(self.server.storage)) for path in inspection.repositories(self.server.storage)}
        wrong += [f"{path} is there" for path in unexpected - {path for path, refs in disk.items() if refs is not None}]
        wrong += [f"{path}: {TRUNK} is there and not HEAD" for path in self._made if self._headless(path, disk.get(path))]
        wrong += self._hooks_twice()
        if alive and not self._dead(0):
            wrong += self._advertised(disk)
            while (litter := inspection.litter(self.server.storage)) and time.monotonic() < deadline:
                time.sleep(0.05)
            wrong += [f"left: {name}" for name in litter]
        if wrong:
            raise DrillFailed("\n".join(wrong))

    def _found(self, register: Register, path: str, refs: dict[str, str] | None) -> object:
        if register is self._made.get(path):
            return ABSENT if refs is None else refs.get(TRUNK, EMPTY)
        if register is self._forks.get(path):
            return (
                ABSENT if refs is None else FORKED if refs.get("refs/heads/main") == self._source.root else f"half a fork {refs}"
            )
        if refs is None:
            return f"no repository {path}"
        if register is self._groups.get(path):
            return tuple(refs.get(ref, GONE) for ref in GROUP)
        return refs.get(register.name, GONE)

    def _headless(self, path: str, refs: dict[str, str] | None) -> bool:
        """
        HEAD follows the first branch that is pushed, in the same write.
        """
        return refs is not None and TRUNK in refs and inspection.head(self.server.storage / path) != TRUNK

    def _hooks_twice(self) -> list[str]:
        lines = Counter(self._hooked.read_text().splitlines()) if self._hooked.exists() else Counter[str]()
        return [f"post-receive ran {times} times for {line}" for line, times in lines.items() if times > 1]

    def _advertised(self, disk: dict[str, dict[str, str] | None]) -> list[str]:
        """
        What the server tells its clients differs from what is on its disk.
        """
        path = next(iter(self._refs))
        listed = GitClient(self._clients).run("ls-remote", "--refs", self.server.http + path, check=False)
        told = {ref: oid for oid, ref in (line.split("\t") for line in listed.stdout.splitlines())}
        return [] if told == disk.get(path) else [f"{path}: advertised {told}, on disk {disk.get(path)}: {listed.stderr}"]
