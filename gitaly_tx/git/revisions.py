"""
Revisions → objects: ``main``, ``v1.0^{commit}``, ``HEAD~2:docs``, as ``git rev-parse --verify`` resolves them.

The usual ones are resolved in this process, with one look at the refs and one at the objects. What git alone knows (short ids,
``git describe`` names, reflogs, searches, long ways back) is left to one ``git rev-parse``.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from attrs import frozen

from .command import Command
from .directory import GitDirectory
from .interfaces import GitObject, IGit, IObjects, Reference
from .names import is_valid_ref
from .objectid import ObjectFormat, ObjectID
from .peeling import below, parent, peeled, peeled_id

T = TypeVar("T")

_FULL_ID = re.compile(rb"(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})\Z")
_END_OF_BASE = re.compile(rb"[~^:]")
_STEP = re.compile(rb"\^\{(|commit|tree|blob|tag|object)\}|([~^])([0-9]{0,9})(?![0-9{@!-])")
_MAYBE_SHORT = re.compile(rb"(?:.*-g)?[0-9a-fA-F]{4,64}\Z", re.DOTALL)
_ROOT = re.compile(rb"[A-Z_]+\Z")

RULES = (b"%b", b"refs/%b", b"refs/tags/%b", b"refs/heads/%b", b"refs/remotes/%b", b"refs/remotes/%b/HEAD")
"""Where git looks for a name, in its order (gitrevisions(7))."""

_FEW = 64
"""Steps back in history that are gone here; git has a commit-graph for longer ways."""


class Readable(Protocol):
    """
    What is needed of a repository: every :class:`~gitaly_tx.storage.interfaces.IRepository` has it.
    """

    @property
    def directory(self) -> GitDirectory:
        """
        Where it lies.
        """

    @property
    def object_format(self) -> ObjectFormat:
        """
        How it names its objects.
        """

    def ref(self, name: bytes) -> Awaitable[Reference | None]:
        """
        One ref, or HEAD.
        """

    def refs(self, prefixes: Sequence[bytes] = ..., hidden: Sequence[bytes] = ...) -> Awaitable[list[Reference]]:
        """
        All refs below some prefixes.
        """

    def look(self, job: Callable[[IObjects], T]) -> Awaitable[T]:
        """
        Several look-ups at once.
        """

    def glance(self, job: Callable[[IObjects], T]) -> Awaitable[T]:
        """
        The same for a few small ones.
        """


@frozen
class Parsed:
    """
    A revision that can be resolved here.

    :param base: a full id, or a name.
    :param steps: what follows, in order: ``("{commit}", 0)``, ``("~", 2)``, ``("^", 1)``.
    :param path: what stands after the colon; ``None`` without one.
    """

    base: bytes
    steps: tuple[tuple[bytes, int], ...] = ()
    path: bytes | None = None


def parse(revision: bytes) -> Parsed | None:
    """
    :returns: ``None`` for what is left to git.
    """
    end = _END_OF_BASE.search(revision)
    base = revision if end is None else revision[: end.start()]
    rest = revision[len(base) :]
    if not base or b"@{" in base or b"\0" in revision:
        return None
    steps: list[tuple[bytes, int]] = []
    while rest and not rest.startswith(b":"):
        found = _STEP.match(rest)
        if found is None:
            return None
        rest = rest[found.end() :]
        if found[2] is None:
            steps.append((b"{%b}" % found[1], 0))
        else:
            steps.append((found[2], int(found[3] or b"1")))
    if sum(number for kind, number in steps if kind == b"~") + len(steps) > _FEW:
        return None
    return Parsed(b"HEAD" if base == b"@" else base, tuple(steps), rest[1:] if rest else None)


async def resolve(git: IGit, repository: Readable, revision: bytes) -> ObjectID | None:
    """
    The id that a revision stands for; ``None`` if it stands for none. A full id is given back whether there is such an object or
    not, as git does.

    :param revision: anything; what may stand in a request is checked by :func:`~gitaly_tx.git.names.validate_revision`.
    """
    located = await _locate(git, repository, revision)
    if isinstance(located, ObjectID) or located is None:
        return located
    base, parsed = located
    return await repository.glance(lambda objects: _walk(objects, base, parsed))


async def look_at(git: IGit, repository: Readable, revision: bytes, job: Callable[[IObjects, ObjectID], T]) -> T | None:
    """
    Resolve a revision and do something with it, all in one turn in a thread.

    :param job: gets the id that the revision stands for, whether there is such an object or not. It may be begun twice.
    :returns: what ``job`` returned or raised; ``None`` if the revision stands for nothing.
    """
    located = await _locate(git, repository, revision)
    if located is None:
        return None

    def look(objects: IObjects) -> T | None:
        oid = located if isinstance(located, ObjectID) else _walk(objects, *located)
        return None if oid is None else job(objects, oid)

    return await repository.glance(look)


async def find(git: IGit, repository: Readable, revision: bytes, type: bytes) -> GitObject | None:
    """
    The object that a revision stands for once it is peeled to a type, as ``<revision>^{commit}`` is.

    :param type: ``commit``, ``tree`` or ``tag``.
    :returns: ``None`` if there is no such revision or object, or it is of another type.
    """
    return await look_at(git, repository, revision, lambda objects, oid: peeled(objects, oid, type))


async def ask_git(git: IGit, repository: Readable, revision: bytes) -> ObjectID | None:
    """
    As :func:`resolve`, by a ``git rev-parse``.
    """
    if revision.startswith(b"-") or b"\0" in revision:
        return None
    command = Command("rev-parse", ["--verify", "--quiet"], [revision], directory=repository.directory)
    output, ended = await git.run(command, check=False)
    line = output.removesuffix(b"\n")
    return ObjectID(line) if ended.status == 0 and _FULL_ID.match(line) else None


async def _locate(git: IGit, repository: Readable, revision: bytes) -> ObjectID | tuple[ObjectID, Parsed] | None:
    """
    What can be said of a revision without looking at objects.
    """
    if _FULL_ID.match(revision) and len(revision) == repository.object_format.hex_length:
        return ObjectID(revision.lower())
    parsed = parse(revision)
    if parsed is None:
        return await ask_git(git, repository, revision)
    base = await _base(repository, parsed.base)
    if base is not None:
        return (base, parsed) if parsed.steps or parsed.path is not None else base
    if _MAYBE_SHORT.match(parsed.base) or (_ROOT.match(parsed.base) and parsed.base != b"HEAD"):
        return await ask_git(git, repository, revision)
    return None


async def _base(repository: Readable, base: bytes) -> ObjectID | None:
    if _FULL_ID.match(base) and len(base) == repository.object_format.hex_length:
        return ObjectID(base.lower())
    if base == b"HEAD":
        head = await repository.ref(base)
        return None if head is None else head.target
    if _ROOT.match(base):
        return None  # such as ORIG_HEAD, which is no ref below refs/
    names = [name for name in (rule % base for rule in RULES) if is_valid_ref(name)]
    if not names:
        return None
    targets = {ref.name: ref.target for ref in await repository.refs(names)}
    return next((targets[name] for name in names if name in targets), None)


def _walk(objects: IObjects, oid: ObjectID, parsed: Parsed) -> ObjectID | None:
    for kind, number in parsed.steps:
        stepped = _step(objects, oid, kind, number)
        if stepped is None:
            return None
        oid = stepped
    if parsed.path is None:
        return oid
    tree = peeled_id(objects, oid, b"tree")
    if tree is None or not parsed.path:
        return tree
    found = below(objects, tree, parsed.path)
    return None if found is None else found.oid


def _step(objects: IObjects, oid: ObjectID, kind: bytes, number: int) -> ObjectID | None:
    if kind.startswith(b"{"):
        return peeled_id(objects, oid, kind[1:-1])
    commit = peeled(objects, oid, b"commit")
    ways = [1] * number if kind == b"~" else [number] if number else []
    for way in ways:
        if commit is None:
            return None
        oid_of_parent = parent(commit, way)
        commit = None if oid_of_parent is None else peeled(objects, oid_of_parent, b"commit")
    return None if commit is None else commit.oid
