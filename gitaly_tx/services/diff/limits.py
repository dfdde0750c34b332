"""
How much of a diff CommitDiff sends: Gitaly's counters, with its order of checks.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field, frozen

from protocols.gitaly.diff_pb2 import CommitDiffRequest

from .files import FileDiff

MOST_FILES = 5000
MOST_LINES = 250_000
MOST_BYTES = 25_600_000
MOST_SAFE_FILES = 500
MOST_SAFE_LINES = 25_000
MOST_SAFE_BYTES = 2_560_000
MOST_PATCH_BYTES = 512_000


@frozen
class Limits:
    """
    :param enforce: whether the limits that end a diff, and that of one patch, hold at all.
    :param collapse: whether the safe limits hold, beyond which files come without their patches.
    :param collect_all_paths: a diff that is over its limits goes on, without patches.
    :param patch_bytes: from which size on a patch is too large.
    :param patch_bytes_of: the same for some files, by extension with its dot, or by whole names of files without one.
    """

    enforce: bool
    collapse: bool
    collect_all_paths: bool
    files: int
    lines: int
    size: int
    safe_files: int
    safe_lines: int
    safe_size: int
    patch_bytes: int
    patch_bytes_of: Mapping[str, int]

    def patch_limit(self, path: bytes) -> int:
        """
        From which size on the patch of a file is too large.
        """
        name = path.rpartition(b"/")[2]
        _, dot, extension = name.rpartition(b".")
        key = (dot + extension if dot else name).decode("utf-8", "replace")
        return self.patch_bytes_of.get(key, self.patch_bytes)


def limits_of(request: CommitDiffRequest) -> Limits:
    """
    What a caller asks for, lowered to what there is at most.
    """
    return Limits(
        enforce=request.enforce_limits,
        collapse=request.collapse_diffs,
        collect_all_paths=request.collect_all_paths,
        files=min(request.max_files, MOST_FILES),
        lines=min(request.max_lines, MOST_LINES),
        size=min(request.max_bytes, MOST_BYTES),
        safe_files=min(request.safe_max_files, MOST_SAFE_FILES),
        safe_lines=min(request.safe_max_lines, MOST_SAFE_LINES),
        safe_size=min(request.safe_max_bytes, MOST_SAFE_BYTES),
        patch_bytes=min(request.max_patch_bytes, MOST_PATCH_BYTES),
        patch_bytes_of=dict(request.max_patch_bytes_for_file_extension),
    )


@frozen
class Verdict:
    """
    What becomes of a file.
    """

    collapsed: bool = False
    too_large: bool = False
    overflow: bool = False

    @property
    def keeps_patch(self) -> bool:
        """
        Whether its patch is sent.
        """
        return not (self.collapsed or self.too_large or self.overflow)


@define
class Budget:
    """
    What is used up so far. The counters move as Gitaly's do: a patch that is left out for its size does not count, but what is
    taken off for it are its hunks' headers, too, which were never counted; so they may fall below zero.

    :ivar files: how many have begun.
    :ivar overflowed: the limits of the whole diff were reached, and it goes on without patches.
    """

    limits: Limits
    files: int = field(default=0, init=False)
    lines: int = field(default=0, init=False)
    size: int = field(default=0, init=False)
    overflowed: bool = field(default=False, init=False)

    def begin(self) -> None:
        """
        The next file.
        """
        self.files += 1

    def may_keep(self, file: FileDiff) -> bool:
        """
        Whether a patch that goes on may still be sent, as far as it is known. What it says no to, :meth:`judge` never keeps.
        """
        limits = self.limits
        lines, size = self.lines + file.lines, self.size + file.counted
        if limits.collapse and file.lines and self._unsafe(lines, size):
            return False
        if not limits.enforce:
            return True
        if self.overflowed or file.size >= limits.patch_limit(file.change.path):
            return False
        return not self._over(lines, size)

    def judge(self, file: FileDiff) -> Verdict:
        """
        A file is complete; called once for each that has a patch.
        """
        limits = self.limits
        size = 0 if self.overflowed else file.size
        collapsed = too_large = overflow = False
        self.lines += file.lines
        self.size += file.counted
        if limits.collapse and file.lines and self._unsafe(self.lines, self.size):
            collapsed = True
            self._take_back(file, size)
            size = 0
        if limits.enforce:
            if size >= limits.patch_limit(file.change.path):
                too_large = True
                self._take_back(file, size)
            overflow = self._over(self.lines, self.size)
            self.overflowed = self.overflowed or overflow
        return Verdict(collapsed, too_large, overflow)

    def _take_back(self, file: FileDiff, size: int) -> None:
        self.lines -= file.lines
        self.size -= size

    def _unsafe(self, lines: int, size: int) -> bool:
        limits = self.limits
        return self.files > limits.safe_files or lines > limits.safe_lines or size > limits.safe_size

    def _over(self, lines: int, size: int) -> bool:
        limits = self.limits
        return lines >= limits.lines or size >= limits.size or self.files > limits.files


__all__ = ["Budget", "Limits", "Verdict", "limits_of"]
