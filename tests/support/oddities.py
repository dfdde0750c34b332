"""
Histories of all kinds, for comparing with git: odd names, bytes that are no text, empty trees, submodules, symbolic links,
merges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

T = TypeVar("T")

FILE, PROGRAM, LINK, SUBMODULE = b"100644", b"100755", b"120000", b"160000"

_NAME = st.binary(min_size=1, max_size=6).filter(
    lambda name: not set(name) & set(b"\0/") and name not in (b".", b"..") and not name.lower().startswith((b".git", b"git~"))
)

PATHS = st.lists(_NAME, min_size=1, max_size=3).map(b"/".join)
"""Paths that a tree may have."""

_CONTENTS = st.sampled_from([b"", b"one\n", b"\0\xff", b"x" * 300, b"a\r\nb"])

_ENTRIES = st.one_of(
    st.tuples(st.sampled_from([FILE, PROGRAM]), _CONTENTS),
    st.tuples(st.just(LINK), st.sampled_from([b"target", b"../up", b"\xff"])),
    st.tuples(st.just(SUBMODULE), st.just(b"")),
)

_MESSAGES = st.sampled_from(
    [
        b"",
        b"one line",
        b"subject\n\nbody\n",
        b"\n\nlate\nsubject\n\nbody",
        b"\xff\xfe no text",
        b"trailers\n\nSigned-off-by: A <a@x>\nMore: y\n",
        b"very long " * 2000,
    ]
)

_PEOPLE = st.sampled_from(
    [
        b"A U Thor <a@example.org> 1700000000 +0100",
        b"\xe4\xf6 <\xff@x> 1 -1130",
        b"No Mail <> 99999999999 +0000",
        b" Spaces  around <x> 0 +0000",
    ]
)

REF_NAMES = st.lists(
    st.binary(min_size=1, max_size=5).filter(
        lambda part: (
            not set(part) & (set(range(33)) | set(b"\x7f~^:?*[\\/"))
            and b".." not in part
            and b"@{" not in part
            and not part.startswith((b".", b"-"))
            and not part.endswith((b".", b".lock"))
        )
    ),
    min_size=1,
    max_size=2,
).map(b"/".join)
"""Names of branches and tags, without what stands before them."""


@frozen
class Commit:
    """
    :param parents: places of earlier commits.
    """

    author: bytes
    committer: bytes
    message: bytes
    tree: dict[bytes, tuple[bytes, bytes]]
    parents: tuple[int, ...]


@st.composite
def _trees(draw: st.DrawFn) -> dict[bytes, tuple[bytes, bytes]]:
    found: dict[bytes, tuple[bytes, bytes]] = {}
    for path, entry in draw(st.dictionaries(PATHS, _ENTRIES, max_size=8)).items():
        if not any(path.startswith(other + b"/") or other.startswith(path + b"/") for other in found):
            found[path] = entry
    return found


@st.composite
def _histories(draw: st.DrawFn) -> list[Commit]:
    commits: list[Commit] = []
    for number in range(draw(st.integers(1, 6))):
        earlier = st.integers(0, number - 1)
        parents = draw(st.lists(earlier, max_size=min(3, number), unique=True)) if number else []
        commits.append(Commit(draw(_PEOPLE), draw(_PEOPLE), draw(_MESSAGES), draw(_trees()), tuple(parents)))
    return commits


def histories(count: int) -> list[list[Commit]]:
    """
    Some histories, the same at every time: what is done with them is asynchronous, and hypothesis is not.
    """
    return some(_histories(), count)


def some(strategy: st.SearchStrategy[T], count: int) -> list[T]:
    """
    The first values of a strategy.
    """
    found: list[T] = []

    @settings(max_examples=count, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(value: T) -> None:
        found.append(value)

    collect()
    return found


def stream(commits: Sequence[Commit], ref: bytes, hex_length: int) -> bytes:
    """
    For ``git fast-import``: the last commit is where ``ref`` is.
    """
    pieces = []
    for number, commit in enumerate(commits):
        name = ref if number == len(commits) - 1 else b"%b-%d" % (ref, number)
        pieces.append(b"reset %b\ncommit %b\nmark :%d\n" % (name, name, number + 1))
        pieces.append(b"author %b\ncommitter %b\n" % (commit.author, commit.committer))
        pieces.append(b"data %d\n%b\n" % (len(commit.message), commit.message))
        for word, parent in zip((b"from", *[b"merge"] * 9), commit.parents, strict=False):
            pieces.append(b"%b :%d\n" % (word, parent + 1))
        pieces.append(b"deleteall\n")
        for path, (mode, content) in commit.tree.items():
            quoted = b"".join(b"\\%03o" % byte for byte in path)
            if mode == SUBMODULE:
                pieces.append(b'M 160000 %b "%b"\n' % (b"1" * hex_length, quoted))
            else:
                pieces.append(b'M %b inline "%b"\ndata %d\n%b\n' % (mode, quoted, len(content), content))
        pieces.append(b"\n")
    return b"".join(pieces)
