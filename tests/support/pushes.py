"""
Pushes as bytes, and what comes back.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import field, frozen
from zope.interface import implementer

from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.interfaces import IGit, RefUpdate
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.subcommands import SUBCOMMANDS
from gitaly_tx.hooks.interfaces import IHooks, Push, Tell
from gitaly_tx.storage.threads import Threads
from gitaly_tx.transport.interfaces import PushRequest
from gitaly_tx.transport.pushmeans import Means
from protocols.git import pktline
from protocols.git.pktline import Packet, PktLineDecoder
from protocols.git.sideband import BandData, SidebandDecoder

from .git import git, program

ZERO = b"0" * 40
CAPABILITIES = "report-status side-band-64k object-format=sha1 agent=test"
EMPTY_PACK = b"PACK\0\0\0\2\0\0\0\0" + hashlib.sha1(b"PACK\0\0\0\2\0\0\0\0").digest()


def push(
    *commands: tuple[bytes, bytes, bytes],
    pack: bytes = b"",
    capabilities: str = CAPABILITIES,
    options: Sequence[bytes] | None = None,
    shallow: Iterable[bytes] = (),
) -> bytes:
    """
    What a client sends.

    :param commands: old, new, ref.
    """
    lines = [pktline.data(b"shallow " + oid) for oid in shallow]
    for number, (old, new, ref) in enumerate(commands):
        suffix = b"" if number else b"\0 " + capabilities.encode()
        lines.append(pktline.data(old + b" " + new + b" " + ref + suffix))
    lines.append(pktline.FLUSH)
    if options is not None:
        lines += [*(pktline.data(option) for option in options), pktline.FLUSH]
    return b"".join(lines) + pack


def make_pack(repository: str, *revisions: str, thin: bool = False) -> bytes:
    """
    A pack of what ``revisions`` reach, such as ``main`` and ``^main~1``.
    """
    words = ["pack-objects", "--revs", "--stdout", "-q", "--delta-base-offset", *(["--thin"] if thin else [])]
    return git("--git-dir", repository, *words, stdin="".join(f"{word}\n" for word in revisions).encode())


@frozen
class Answered:
    """
    What came back.

    :param report: the lines of the report.
    :param told: band 2.
    :param ended: whether there was a flush at the end.
    """

    report: list[bytes] = field(factory=list)
    told: bytes = b""
    ended: bool = False


def answered(data: bytes, sidebands: bool = True) -> Answered:
    """
    Take an answer apart.
    """
    if not sidebands:
        events = PktLineDecoder().receive(data)
        return Answered([event.line for event in events if isinstance(event, Packet)], b"", True)
    bands = {1: b"", 2: b"", 3: b""}
    ended = False
    for event in SidebandDecoder().receive(data):
        assert not ended, "something after the end"
        if isinstance(event, BandData):
            bands[event.band] += event.data
        else:
            ended = True
    lines = [event.line for event in PktLineDecoder().receive(bands[1]) if isinstance(event, Packet)]
    return Answered(lines, bands[2], ended)


def real_advertisement(repository: str, protocol: str, agent: bytes, settings: Sequence[str] = ()) -> bytes:
    """
    What git's own receive-pack tells first, with another name for itself.
    """
    ran = subprocess.run(
        [program().path, *_settings(settings), "receive-pack", "--stateless-rpc", "--advertise-refs", repository],
        capture_output=True,
        check=True,
        env={"GIT_PROTOCOL": protocol, "GIT_USER_AGENT": agent.decode()},
    )
    return ran.stdout


def _settings(more: Sequence[str]) -> list[str]:
    fixed = [word.decode() for pair in SUBCOMMANDS["receive-pack"].config for word in pair.words()]
    return [*fixed, *(word for pair in more for word in ("-c", pair))]


def real_receive_pack(repository: str, data: bytes, settings: Sequence[str] = ()) -> Answered:
    """
    What git's own receive-pack answers, with the settings that it has at Gitaly, and a caller's.
    """
    ran = subprocess.run(
        [program().path, *_settings(settings), "receive-pack", "--stateless-rpc", repository],
        input=data,
        capture_output=True,
        check=False,
    )
    return answered(ran.stdout, b"side-band-64k" in data)


@implementer(IHooks)
class RecordedHooks:
    """
    Lets everything pass, and remembers what it was asked.

    :ivar log: what happened, in words.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self.pushes: list[Push] = []
        self.accepted: list[RefUpdate] = []
        self.heads: list[bytes | None] = []

    async def watches(self, push: Push) -> bool:
        """
        It does.
        """
        return True

    async def before(self, push: Push, tell_out: Tell, tell_err: Tell) -> None:
        """
        Passes.
        """
        self.log.append("before")
        self.pushes.append(push)

    async def update(self, push: Push, update: RefUpdate, tell_out: Tell, tell_err: Tell) -> None:
        """
        Passes.
        """
        self.log.append(f"update {update.name.decode()}")

    async def after(
        self, push: Push, accepted: Sequence[RefUpdate], tell_out: Tell, tell_err: Tell, head: bytes | None = None
    ) -> None:
        """
        Hears.
        """
        self.log.append("after")
        self.accepted += accepted
        self.heads.append(head)


def make_means(git: IGit, hooks: IHooks, threads: Threads, clock: Any, **more: Any) -> Means:
    """
    What pushes are done with in a test.
    """
    return Means(git=git, hooks=hooks, threads=threads, clock=clock, agent="test/1.0", **more)


def request(**more: Any) -> PushRequest:
    """
    A request as HTTP makes it.
    """
    return PushRequest(**{"gl_id": "user-1", "user": "alpha", "stateless": True, **more})


def resolve(directory: GitDirectory, name: str) -> bytes:
    """
    The object that a revision stands for.
    """
    return git("--git-dir", directory.path, "rev-parse", "--verify", name).strip()


def refs_of(directory: GitDirectory) -> dict[bytes, ObjectID]:
    """
    All refs of a repository.
    """
    lines = git("--git-dir", directory.path, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {name: ObjectID(oid) for name, oid in (line.split(b" ") for line in lines)}
