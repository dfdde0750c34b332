"""
CommitDiff and its like against git itself, on trees of all kinds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.gitaly.diff_pb2 import CommitDiffRequest, CommitDiffResponse
from tests.support.git import git

from .case import FILE, LINK, PROGRAM, SUBMODULE, DiffCase, Entry, commit_stream

names = st.binary(min_size=1, max_size=6).filter(
    lambda name: not set(name) & set(b"\0/") and name not in (b".", b"..") and not name.lower().startswith((b".git", b"git~"))
)

paths = st.lists(names, min_size=1, max_size=2).map(b"/".join)

texts = st.lists(
    st.sampled_from([b"one", b"two", b"  two", b"", b"@@ -1 +1 @@", b"diff --git a/x b/x", b"\xff\xfe", b"-- x", b"++ y", b"\r"]),
    max_size=8,
).map(b"\n".join) | st.sampled_from([b"\0binary", b"\0other", b"".join(b"%d\n" % number for number in range(40))])

entries = st.one_of(
    st.tuples(st.sampled_from([FILE, PROGRAM]), texts),
    st.tuples(st.just(LINK), texts.filter(lambda text: text and b"\0" not in text)),
    st.tuples(st.just(SUBMODULE), st.sampled_from([b"1" * 40, b"2" * 40])),
)


@st.composite
def trees(draw: st.DrawFn) -> Mapping[bytes, Entry]:
    """
    A tree in which nothing is both a file and a directory.
    """
    found: dict[bytes, Entry] = {}
    for path, entry in draw(st.dictionaries(paths, entries, max_size=6)).items():
        if not any(path.startswith(other + b"/") or other.startswith(path + b"/") for other in found):
            found[path] = entry
    return found


def patches(text: bytes) -> list[bytes]:
    """
    What stands from the first hunk on in each file's patch, found line by line.
    """
    found: list[bytes] = []
    inside = False
    for line in text.split(b"\n")[:-1]:
        if line.startswith(b"diff --git "):
            found.append(b"")
            inside = False
        elif inside or line.startswith((b"@@", b"Binary files ")):
            inside = True
            found[-1] += line + b"\n"
    return found


def counts(text: bytes) -> list[tuple[int, int, bytes, bytes]]:
    """
    Lines added and removed, old path of a rename, and path.
    """
    found, fields = [], text.split(b"\0")[:-1]
    while fields:
        added, removed, path = fields.pop(0).split(b"\t", 2)
        old = b"" if path else fields.pop(0)
        numbers = [0 if number == b"-" else int(number) for number in (added, removed)]
        found.append((numbers[0], numbers[1], old, path or fields.pop(0)))
    return found


def pairs_of_trees(count: int) -> list[tuple[Mapping[bytes, Entry], Mapping[bytes, Entry]]]:
    """
    Some pairs, the same at every time: what is done with them is asynchronous, and hypothesis is not.
    """
    found = []

    @settings(max_examples=count, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.tuples(trees(), trees()))
    def collect(pair: tuple[Mapping[bytes, Entry], Mapping[bytes, Entry]]) -> None:
        found.append(pair)

    collect()
    return found


class DifferentialTests(DiffCase):
    """
    Generated trees, compared by us and by git.
    """

    count = 40

    def commits(self) -> None:
        length = self.repository.object_format.hex_length
        streams, self.pairs = [], []
        for number, pair in enumerate(pairs_of_trees(self.count)):
            sides = f"left-{number}", f"right-{number}"
            self.pairs.append(sides)
            for side, tree in zip(sides, pair, strict=True):
                fitting = {path: (mode, text[:1] * length if mode == SUBMODULE else text) for path, (mode, text) in tree.items()}
                streams.append(commit_stream(side, fitting))
        self.import_commits(streams)

    def git_diff(self, *words: str) -> bytes:
        """
        What git prints.
        """
        return git("-C", self.directory.path, "-c", "core.quotePath=true", "diff", *words)

    def expected(self, raw: bytes) -> list[tuple[bytes, bytes, bytes, bytes, int, int]]:
        """
        Paths, ids and modes in raw entries, changes of type as two.
        """
        none = b"0" * self.repository.object_format.hex_length
        fields = raw.split(b"\0")[:-1]
        found = []
        while fields:
            old_mode, new_mode, old_id, new_id, status = fields.pop(0)[1:].split(b" ")
            old_path = fields.pop(0)
            path = fields.pop(0) if status[:1] in (b"R", b"C") else old_path
            if status == b"T":
                found.append((old_path, path, old_id, none, int(old_mode, 8), 0))
                found.append((old_path, path, none, new_id, 0, int(new_mode, 8)))
            else:
                found.append((old_path, path, old_id, new_id, int(old_mode, 8), int(new_mode, 8)))
        return found

    async def test_commit_diff(self):
        """
        Files and patches are git's.
        """
        for left, right in self.pairs:
            replies = await self.replies(self.call("CommitDiff", left_commit_id=left, right_commit_id=right))
            words = ("--find-renames=30%", left, right)
            self.assertEqual(told(replies), self.expected(self.git_diff("--raw", "-z", "--no-abbrev", *words)))
            self.assertEqual([reply.raw_patch_data for reply in replies], patches(self.git_diff(*words)))

    async def test_whitespace(self):
        """
        Files without a patch are told where git tells them; the patches of the others are git's.
        """
        ignoring = CommitDiffRequest.WHITESPACE_CHANGES_IGNORE_ALL
        for left, right in self.pairs:
            replies = await self.replies(
                self.call("CommitDiff", left_commit_id=left, right_commit_id=right, whitespace_changes=ignoring)
            )
            words = ("--find-renames=30%", "--ignore-all-space", left, right)
            self.assertEqual(told(replies), self.expected(self.git_diff("--raw", "-z", "--no-abbrev", *words)))
            found = [reply.raw_patch_data for reply in replies if reply.raw_patch_data]
            self.assertEqual(found, [patch for patch in patches(self.git_diff(*words)) if patch])

    async def test_delta_and_stats(self):
        """
        So are files without patches, and counts of lines.
        """
        for left, right in self.pairs:
            sides = {"left_commit_id": left, "right_commit_id": right}
            replies = await self.replies(self.call("CommitDelta", **sides))
            deltas = [delta for reply in replies for delta in reply.deltas]
            self.assertEqual(told(deltas), self.expected(self.git_diff("--raw", "-z", "--no-abbrev", left, right)))
            replies = await self.replies(self.call("DiffStats", **sides))
            found = [(stats.additions, stats.deletions, stats.old_path, stats.path) for reply in replies for stats in reply.stats]
            self.assertEqual(found, counts(self.git_diff("--numstat", "-z", left, right)))


class Sha256DifferentialTests(DifferentialTests):
    """
    The same with long ids.
    """

    object_format = "sha256"
    count = 15


def told(files: Sequence[CommitDiffResponse]) -> list[tuple[bytes, bytes, bytes, bytes, int, int]]:
    """
    Paths, ids and modes in an answer.
    """
    return [
        (file.from_path, file.to_path, file.from_id.encode(), file.to_id.encode(), file.old_mode, file.new_mode) for file in files
    ]
