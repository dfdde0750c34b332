"""
``git filter-repo`` in a scratch repository: a directory in which the repository's refs are, that borrows its objects, and that
gets the rewritten ones.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from posixpath import join

from attrs import frozen

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.directory import GitDirectory
from ...git.interfaces import Ended, IGit, Limits, Reference, RefUpdate
from ...git.objectid import ObjectFormat, ObjectID
from ...git.parse.foreachref import FORMAT, parse_ref
from ...streams import StreamBroken
from ...wal.building import pack_refs, skeleton
from ...wal.interfaces import Creation
from ...wal.threads import InThread

SECONDS = 6 * 60 * 60.0
"""How long a rewrite may take. A caller's pattern may backtrack for ever."""

_LISTED = 1 << 30
"""Bytes of the list of refs that are read at most."""

_PROGRAM = (sys.executable, "-I", "-m", "git_filter_repo")

_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "HOME": "/nonexistent",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@frozen
class Rewriting:
    """
    :param blobs: ids of the blobs that vanish from all trees.
    :param redactions: lines of ``--replace-text``.
    """

    blobs: Sequence[ObjectID]
    redactions: Sequence[bytes]

    def write(self, root: str) -> list[str]:
        """
        Write down what is to be done; blocks.

        :returns: the options that say where.
        """
        options = []
        for option, lines in (("--strip-blobs-with-ids", self.blobs), ("--replace-text", self.redactions)):
            if lines:
                path = join(root, option.strip("-"))
                with open(path, "wb") as file:
                    file.writelines(line + b"\n" for line in lines)
                options += [option, path]
        return options


async def rewrite(
    git: IGit,
    in_thread: InThread,
    repository: GitDirectory,
    scratch: str,
    object_format: ObjectFormat,
    refs: Sequence[Reference],
    rewriting: Rewriting,
) -> Mapping[bytes, ObjectID]:
    """
    Rewrite history.

    :param scratch: a directory in the same storage, with ``objects`` in it.
    :param refs: all of the repository's.
    :returns: what the refs are afterwards.
    :raises GitalyError: if git filter-repo failed.
    """
    options = await in_thread(_prepare, repository, scratch, object_format, refs, rewriting)
    # A partial rewrite changes the refs that are there, and neither collects garbage nor cares for a remote.
    argv = [*_PROGRAM, "--force", "--partial", "--replace-refs", "update-no-add", "--quiet", *options]
    ended = await _run(git, argv, scratch)
    if ended.status != 0:
        facts = {"stderr": ended.stderr.decode("utf-8", "replace")}
        raise GitalyError(f"rewriting repository history: git filter-repo: {ended}", Code.INTERNAL, facts)
    listed, _ = await git.run(Command("for-each-ref", [FORMAT], directory=GitDirectory(scratch)), maximum=_LISTED)
    return {ref.name: ref.target for ref in map(parse_ref, listed.splitlines())}


async def _run(git: IGit, argv: Sequence[str], cwd: str) -> Ended:
    path = os.pathsep.join((os.path.dirname(git.path), os.defpath))
    child = git.spawn_program(argv, cwd=cwd, environment={**_ENVIRONMENT, "PATH": path}, limits=Limits(seconds=SECONDS))
    child.close_stdin()
    try:
        try:
            while await child.stdout.read():
                pass
        except StreamBroken:
            pass  # The exit status says it.
        return await child.wait()
    finally:
        child.kill()
        await child.wait()


def _prepare(
    repository: GitDirectory, scratch: str, object_format: ObjectFormat, refs: Sequence[Reference], rewriting: Rewriting
) -> list[str]:
    skeleton(scratch, Creation(object_format, b"refs/heads/main"))
    pack_refs(scratch, [RefUpdate(ref.name, None, ref.target) for ref in refs])
    with open(join(scratch, "objects", "info", "alternates"), "wb") as file:
        file.write(os.fsencode(repository.objects) + b"\n")
    return rewriting.write(scratch)
