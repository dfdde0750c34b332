"""
What an entry does to files, refs aside. Everything here blocks, and is safe to repeat.

Whatever appears in a repository appears whole: it is made in the log's ``pending`` directory and renamed into its place.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from posixpath import dirname, join, relpath

from ..errors import Code, GitalyError
from ..git.interfaces import RefUpdate
from ..git.objectid import ObjectFormat
from ..git.packedrefs import UNPEELED_HEADER
from ..observability.failpoints import failpoint
from .interfaces import Creation, FileChange, Manifest, StagedFile
from .layout import Layout, sync_path
from .staged import holds

_HEAD = re.compile(rb"ref: refs/[^\n\0]+\n\Z|[0-9a-f]{40}\n?\Z|[0-9a-f]{64}\n?\Z")
_IN_THE_WAY = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})
_NO_LINKS = frozenset({errno.EPERM, errno.EMLINK, errno.ENOTSUP})


class StagedFileLost(GitalyError):
    """
    A file that an entry names is nowhere any more.
    """

    def __init__(self, file: StagedFile) -> None:
        super().__init__("file of a log entry is missing or changed", Code.DATA_LOSS, {"path": file.path})


def config_of(creation: Creation) -> bytes:
    """
    The ``config`` of a new bare repository, as ``git init --bare`` writes it.
    """
    if creation.object_format is ObjectFormat.SHA1:
        return b"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
    return b"[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"


def skeleton(path: str, creation: Creation) -> None:
    """
    Make an empty repository whose refs are files, or mend one of which a crash left only names.
    """
    for directory in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
        os.makedirs(join(path, directory), exist_ok=True)
    if not _is_good(join(path, "config"), lambda text: b"repositoryformatversion" in text and b"\0" not in text):
        _write(join(path, "config"), config_of(creation), 0o644)
    if not _is_good(join(path, "HEAD"), lambda text: _HEAD.match(text) is not None):
        _write(join(path, "HEAD"), b"ref: " + creation.head + b"\n", 0o644)


def place_repository(made: str, target: str) -> bool:
    """
    Give a repository that is ready its name. If there is one already, that stays.

    :returns: whether it is the one that was made.
    """
    os.makedirs(dirname(target), exist_ok=True)
    try:
        os.rename(made, target)
    except OSError as error:
        if error.errno not in _IN_THE_WAY or not os.path.isdir(target):
            raise
        shutil.rmtree(made)
        return False
    return True


def furnish(layout: Layout, made: str, manifest: Manifest) -> None:
    """
    Put into a new repository, before it has its name, the files that its creation brings along. They stay in the log's keeping,
    too: if the server dies before the repository has its name, all of this is done once more.

    :raises StagedFileLost: if one is nowhere.
    """
    change_files(layout, made, manifest.files)
    failpoint("apply.after_files")
    for file in manifest.staged:
        target = join(made, file.path)
        os.makedirs(dirname(target), exist_ok=True)
        if file.content is not None:
            _write(target, file.content, 0o444)
        else:
            _share(join(layout.root, file.source), target, file)
        failpoint("apply.after_each_staged")
    failpoint("apply.after_staged")


def pack_refs(made: str, refs: Sequence[RefUpdate]) -> None:
    """
    Put refs into a new repository, before it has its name: all of them in one file, which is durable at once, because no git can
    do anything with a part of it.
    """
    lines = sorted((update.name, update.new) for update in refs if not update.new.is_zero)
    path = join(made, "packed-refs")
    _write(path, UNPEELED_HEADER + b"".join(b"%s %s\n" % (oid, name) for name, oid in lines), 0o644)
    sync_path(path)


def drop_sources(layout: Layout, files: Sequence[StagedFile]) -> None:
    """
    Let go of what the log kept of files that have their place.
    """
    for file in files:
        if file.content is None:
            _remove(join(layout.root, file.source))


def change_files(layout: Layout, repository: str, changes: Sequence[FileChange]) -> None:
    """
    Write and remove small files, and put directories of them in the place of others.
    """
    directories = [change.path for change in changes if change.is_directory]
    for change in changes:
        if any(_is_below(change.path, directory) for directory in directories):
            continue
        target = join(repository, change.path)
        if change.is_directory:
            inside = [other for other in changes if _is_below(other.path, change.path)]
            _replace_directory(layout, target, change, inside)
            continue
        if change.content is None:
            _remove(target)
            continue
        os.makedirs(dirname(target), exist_ok=True)
        temporary = layout.scratch("change")
        _write(temporary, change.content, change.mode)
        os.rename(temporary, target)


def _is_below(path: str, directory: str) -> bool:
    return path.startswith(f"{directory}/")


def _replace_directory(layout: Layout, target: str, directory: FileChange, inside: Sequence[FileChange]) -> None:
    made, thrown = layout.scratch("directory"), layout.scratch("replaced")
    try:
        for change in (directory, *sorted(inside, key=lambda change: change.path)):
            path = join(made, relpath(change.path, directory.path)) if change is not directory else made
            if change.is_directory:
                os.makedirs(path, exist_ok=True)
                os.chmod(path, stat.S_IMODE(change.mode) | stat.S_IRWXU)
            elif change.content is not None:
                os.makedirs(dirname(path), exist_ok=True)
                _write(path, change.content, change.mode)
        os.makedirs(dirname(target), exist_ok=True)
        try:
            os.rename(target, thrown)
        except FileNotFoundError:
            pass
        os.rename(made, target)
    except OSError:
        delete_tree(made)
        raise
    delete_tree(thrown)


def place_files(layout: Layout, repository: str, files: Sequence[StagedFile]) -> None:
    """
    Bring staged files into the repository, indices last: a pack exists for git from then on.

    :raises StagedFileLost: if one is nowhere.
    """
    for file in sorted(files, key=lambda one: one.path.endswith(".idx")):
        target = join(repository, file.path)
        there = os.path.lexists(target) and holds(target, file)
        if file.content is not None:
            if not there:
                temporary = layout.scratch("object")
                _write(temporary, file.content, 0o444)
                _move(temporary, target)
        else:
            source = join(layout.root, file.source)
            if there:
                _remove(source)
            else:
                try:
                    os.chmod(source, 0o444)
                except FileNotFoundError:
                    raise StagedFileLost(file) from None
                _move(source, target)
        failpoint("apply.after_each_staged")


def throw_away(layout: Layout, path: str) -> str | None:
    """
    Make a repository vanish from its place.

    :returns: where it is now, to be deleted; ``None`` if there was nothing.
    """
    target = join(layout.trash, os.path.basename(layout.scratch("removed")))
    try:
        os.rename(path, target)
    except FileNotFoundError:
        return None
    return target


def delete_tree(path: str) -> None:
    """
    Delete a directory or file with all that is in it. Directories that nobody may write to are no obstacle to their owner.
    """
    if os.path.islink(path) or not os.path.isdir(path):
        _remove(path)
        return
    for directory, _, _ in os.walk(path):
        try:
            os.chmod(directory, 0o700)
        except OSError:
            pass
    shutil.rmtree(path, ignore_errors=True)


def paths_of_creation(root: str, repository: str) -> Iterator[str]:
    """
    What a new repository's fsync touches, up to the storage.
    """
    yield join(repository, "config")
    yield join(repository, "HEAD")
    yield join(repository, "packed-refs")
    for name in ("objects/info", "objects/pack", "objects", "refs/heads", "refs/tags", "refs", ""):
        yield join(repository, name).rstrip("/")
    yield from parents(root, repository)


def parents(root: str, repository: str) -> Iterator[str]:
    """
    The directories above a repository, down to the storage's.
    """
    directory = dirname(repository)
    while len(directory) > len(root):
        yield directory
        directory = dirname(directory)
    yield root


def refuse_detours(repository: str, changes: Sequence[FileChange]) -> None:
    """
    See that small files can be written where they belong: no directory is where the file goes, no file or symbolic link where a
    directory is needed.

    :raises GitalyError: FAILED_PRECONDITION.
    """
    directories = [change.path for change in changes if change.is_directory]
    for change in changes:
        if any(_is_below(change.path, directory) for directory in directories):
            continue
        parts = change.path.split("/")
        for depth in range(1, len(parts) + 1):
            path = join(repository, *parts[:depth])
            try:
                mode = os.lstat(path).st_mode
            except OSError:
                break
            last = depth == len(parts)
            wanted = not last or change.is_directory
            removed = last and change.content is None
            if not removed and stat.S_ISDIR(mode) is not wanted:
                raise GitalyError("something else is in the way of a file", Code.FAILED_PRECONDITION, {"path": change.path})


def _move(source: str, target: str) -> None:
    """
    Rename a file, into a directory that is nearly always there.
    """
    try:
        os.rename(source, target)
    except FileNotFoundError:
        os.makedirs(dirname(target), exist_ok=True)
        os.rename(source, target)


def _share(source: str, target: str, file: StagedFile) -> None:
    """
    Another name for the same file, or a copy where there are no such names.
    """
    try:
        os.chmod(source, 0o444)
        os.link(source, target)
    except FileNotFoundError:
        raise StagedFileLost(file) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copyfile(source, target)
        os.chmod(target, 0o444)
        sync_path(target)


def _is_good(path: str, test: Callable[[bytes], bool]) -> bool:
    try:
        with open(path, "rb") as file:
            return test(file.read(1 << 20))
    except FileNotFoundError:
        return False


def _write(path: str, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fchmod(descriptor, mode)
    except OSError:
        _remove(path)
        raise
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
