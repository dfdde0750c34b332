"""
Which programs are the custom hooks of a repository. Blocking: run it in a thread.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

from attrs import frozen

from ..warm import needs_disk


@frozen
class HookFile:
    """
    A program to run.

    :param path: absolute.
    :param label: what the user may know of where it lies: ``custom_hooks/update``, ``update.d/10-names``.
    """

    path: str
    label: str


class HookUnusable(Exception):
    """
    A hook is configured and cannot be run. Whatever it was meant to check is not checked, so the push must not pass.

    :param label: as :attr:`HookFile.label`.
    :param why: in words.
    """

    def __init__(self, label: str, why: str) -> None:
        super().__init__(f"{label}: {why}")
        self.label = label
        self.why = why


def find_hooks(repository: str, directories: Sequence[str], name: str) -> list[HookFile]:
    """
    The custom hooks of one kind, in the order they run: ``custom_hooks/NAME`` in the repository, then everything in its
    ``custom_hooks/NAME.d``, then in ``NAME.d`` of each of ``directories``; within a directory by name.

    In the ``.d`` directories, files whose name ends in ``~``, directories and files without the executable bit are left out, as
    in Gitaly: this is how an administrator switches one off. The single file of that very name has no other use than to be run,
    so one that is not executable is a mistake, and an error.

    :param repository: the repository's absolute path.
    :param directories: absolute paths of directories that hold hooks for all repositories.
    :param name: ``pre-receive``, ``update`` or ``post-receive``.
    :raises HookUnusable: if something is there that cannot be run, or cannot be looked at.
    """
    own = os.path.join(repository, "custom_hooks")
    found: list[HookFile] = []
    if _may_have_hooks(own):
        label = f"custom_hooks/{name}"
        found += [HookFile(path, label) for path in _single(os.path.join(own, name), label)]
        found += _listed(os.path.join(own, f"{name}.d"), f"custom_hooks/{name}.d")
    for directory in directories:
        found += _listed(os.path.join(directory, f"{name}.d"), f"{name}.d")
    return found


def _may_have_hooks(directory: str) -> bool:
    """
    Nearly always there is no such directory, and one look is enough.
    """
    try:
        os.lstat(directory)
    except FileNotFoundError:
        return False
    except OSError:
        pass  # whoever looks closer says what is wrong
    return True


def _single(path: str, label: str) -> Iterator[str]:
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        if os.path.islink(path):
            raise HookUnusable(label, "broken symbolic link") from None
        return
    except OSError as error:
        raise HookUnusable(label, error.strerror or "cannot be read") from error
    if stat.S_ISDIR(mode):
        return
    if not os.access(path, os.X_OK):
        raise HookUnusable(label, "not executable")
    yield path


def _listed(directory: str, label: str) -> Iterator[HookFile]:
    try:
        os.lstat(directory)  # mostly there is none, and this tells without reading anything
        needs_disk()
        names = sorted(os.listdir(directory))
    except FileNotFoundError:
        return
    except NotADirectoryError:
        if not os.path.lexists(directory):
            return
        raise HookUnusable(label, "not a directory") from None
    except OSError as error:
        raise HookUnusable(label, error.strerror or "cannot be read") from error
    for name in names:
        path = os.path.join(directory, name)
        if name.endswith("~"):
            continue
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            raise HookUnusable(f"{label}/{name}", error.strerror or "cannot be read") from error
        if not stat.S_ISDIR(mode) and os.access(path, os.X_OK):
            yield HookFile(path, f"{label}/{name}")
