"""
git's subcommands as a table: what each may do, and the settings that it always gets.

The settings win over those in a repository's own ``config``. They are Gitaly's, but for what the write-ahead log makes
unnecessary: children that write into a quarantine need not fsync, because the log does before it says that a write is durable.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property

from attrs import evolve, frozen

from .options import ConfigPair, Flag


def _settings(**values: str) -> tuple[ConfigPair, ...]:
    return tuple(ConfigPair(key.replace("__", "."), value) for key, value in values.items())


def _hiding(section: str, refs: tuple[bytes, ...]) -> tuple[ConfigPair, ...]:
    return tuple(ConfigPair(f"{section}.hideRefs", ref) for ref in refs)


PACK_THREADS = max(1, len(os.sched_getaffinity(0)).bit_length() - 1)
"""Threads of one child that compresses: the logarithm of the number of processors, at least 1. Several children share them."""

HIDDEN_FROM_FETCH = (b"refs/keep-around/", b"refs/remotes/", b"refs/tmp/")
"""Refs that no fetch is shown."""

HIDDEN_FROM_PUSH = (*HIDDEN_FROM_FETCH, b"refs/environments/", b"refs/merge-requests/", b"refs/pipelines/")
"""Refs that no push is shown, and none may write."""

FSCK_EXCEPTIONS: Mapping[str, str] = {"badTimezone": "ignore", "missingSpaceBeforeDate": "ignore", "zeroPaddedFilemode": "ignore"}
"""Old blemishes that histories in the wild are full of; as Gitaly ignores them."""

COMMON = _settings(
    gc__auto="0",
    maintenance__auto="0",
    core__autocrlf="input",
    core__useReplaceRefs="false",
    core__fsync="all",
    core__fsyncMethod="fsync",
    core__packedRefsTimeout="10000",
    core__filesRefLockTimeout="1000",
    core__bigFileThreshold="50m",
    # Whoever owns the files, the server was told to serve them.
    safe__directory="*",
    # What a repository's own config could otherwise make git run.
    core__hooksPath="/dev/null",
    core__fsmonitor="false",
)
"""Settings of every command."""

_UNSYNCED = _settings(core__fsync="none")
_PACKING = _settings(pack__windowMemory="100m", pack__writeReverseIndex="true", pack__threads=str(PACK_THREADS))
_NO_POOL_REFS = (ConfigPair("core.alternateRefsCommand", "exit 0 #"),)
_FSCK_FETCHED = (
    ConfigPair("fetch.fsckObjects", "true"),
    *(ConfigPair(f"fetch.fsck.{name}", level) for name, level in FSCK_EXCEPTIONS.items()),
)
_NETWORK = _settings(http__followRedirects="false")


@frozen
class Subcommand:
    """
    :param name: what stands after ``git``.
    :param writes: it may change the repository (or the quarantine).
    :param network: it may open connections; only such a command may use transports at all.
    :param end_of_options: it understands ``--end-of-options``.
    :param takes_path: the repository is its last argument, instead of ``--git-dir``.
    :param config: settings besides :data:`COMMON`.
    """

    name: str
    writes: bool = False
    network: bool = False
    end_of_options: bool = True
    takes_path: bool = False
    config: tuple[ConfigPair, ...] = ()

    @cached_property
    def words(self) -> tuple[bytes, ...]:
        """
        The settings as git gets them.
        """
        return tuple(word for pair in self.config for word in pair.words())


_UPLOADING = (
    *_settings(uploadpack__allowFilter="true", uploadpack__allowAnySHA1InWant="true", pack__useBitmapBoundaryTraversal="true"),
    *_hiding("uploadpack", HIDDEN_FROM_FETCH),
    *_PACKING,
)

_RECEIVING = (
    *_NO_POOL_REFS,
    *_settings(receive__advertisePushOptions="true", transfer__fsckObjects="true"),
    *(ConfigPair(f"receive.fsck.{name}", level) for name, level in FSCK_EXCEPTIONS.items()),
    *_hiding("receive", HIDDEN_FROM_PUSH),
    *_PACKING,
)

_TABLE = (
    # Its only arguments are mailboxes, and it gets them on its standard input.
    Subcommand("am", writes=True, config=_UNSYNCED),
    # Its revision and paths are told apart by its own parser.
    Subcommand("archive", end_of_options=False),
    # Tells its revision and its path apart by itself.
    Subcommand("blame", end_of_options=False),
    Subcommand("bundle", config=_PACKING),
    Subcommand("cat-file"),
    Subcommand("check-ref-format", end_of_options=False),
    Subcommand("clone", writes=True, network=True, config=(*_NETWORK, *_FSCK_FETCHED, *_PACKING)),
    Subcommand("commit-graph", writes=True),
    Subcommand("config", writes=True, end_of_options=False),
    Subcommand("count-objects"),
    Subcommand("diff"),
    Subcommand("diff-tree"),
    # Its arguments are those of rev-list.
    Subcommand("fast-export", end_of_options=False),
    Subcommand("fetch", writes=True, network=True, config=(*_NETWORK, *_FSCK_FETCHED, *_NO_POOL_REFS, *_PACKING)),
    Subcommand("for-each-ref"),
    Subcommand("format-patch"),
    Subcommand("fsck", config=tuple(ConfigPair(f"fsck.{name}", level) for name, level in FSCK_EXCEPTIONS.items())),
    # Tells patterns, revisions and paths apart by itself.
    Subcommand("grep", end_of_options=False),
    Subcommand("hash-object", writes=True, config=_UNSYNCED),
    # Has a parser of its own, as have the other plumbing commands without it.
    Subcommand("index-pack", writes=True, end_of_options=False, config=(*_UNSYNCED, *_PACKING)),
    Subcommand("init", writes=True, config=_settings(init__defaultBranch="main")),
    Subcommand("log"),
    Subcommand("ls-remote", network=True, config=_NETWORK),
    Subcommand("ls-tree"),
    Subcommand("merge-base"),
    Subcommand("merge-tree", writes=True, config=_UNSYNCED),
    Subcommand("mktag", writes=True, config=_UNSYNCED),
    Subcommand("multi-pack-index", writes=True),
    Subcommand("pack-objects", writes=True, config=_PACKING),
    Subcommand("pack-refs", writes=True),
    Subcommand("patch-id", end_of_options=False),
    Subcommand("prune", writes=True),
    Subcommand("prune-packed", writes=True),
    # Hands its arguments on to git log and counts them.
    Subcommand("range-diff", end_of_options=False),
    # To other servers only.
    Subcommand("push", network=True, config=(*_NETWORK, *_PACKING)),
    Subcommand("read-tree", writes=True),
    # Pushes do not use it: git would write refs behind the log.
    Subcommand("receive-pack", writes=True, takes_path=True, config=_RECEIVING),
    Subcommand("refs", writes=True),
    Subcommand("remote", network=True, end_of_options=False, config=_NETWORK),
    Subcommand("repack", writes=True, config=_PACKING),
    # Pseudo revisions such as ``--all`` and ``--not`` are options among its arguments.
    Subcommand("rev-list", end_of_options=False),
    Subcommand("rev-parse", end_of_options=False),
    Subcommand("show-ref"),
    Subcommand("symbolic-ref", writes=True, end_of_options=False),
    Subcommand("unpack-objects", writes=True, end_of_options=False, config=_UNSYNCED),
    Subcommand("update-ref", writes=True),
    # Takes its first argument for the directory, whatever it is.
    Subcommand("upload-archive", end_of_options=False, takes_path=True),
    Subcommand("upload-pack", takes_path=True, config=_UPLOADING),
    Subcommand("version", end_of_options=False),
)

SUBCOMMANDS: Mapping[str, Subcommand] = {entry.name: evolve(entry, config=(*COMMON, *entry.config)) for entry in _TABLE}
"""All subcommands that may be run, by name, with all their settings."""


def strict() -> Flag:
    """
    The option that makes index-pack and unpack-objects check objects as a push should, but for :data:`FSCK_EXCEPTIONS`.

    These two read no ``fsck.*`` settings; git's receive-pack passes them the same way.
    """
    return Flag("--strict=" + ",".join(f"{name}={level}" for name, level in FSCK_EXCEPTIONS.items()))
