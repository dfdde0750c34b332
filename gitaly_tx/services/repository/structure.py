"""
The files that make a repository fast, and what they say of themselves. It blocks.

What is not there is told as a message with nothing in it.
"""

from __future__ import annotations

import os
from glob import escape, glob
from posixpath import join

from google.protobuf.timestamp_pb2 import Timestamp

from protocols.gitaly.repository_pb2 import RepositoryInfoResponse

from ...git.config import MAXIMUM, parse_config
from ...git.parse import chunkfiles

ReferencesInfo = RepositoryInfoResponse.ReferencesInfo
BitmapInfo = RepositoryInfoResponse.BitmapInfo

FULL_REPACK = ".gitaly-full-repack-timestamp"
"""Whose age is that of the last full repack: Gitaly's name for it."""


def references_info(path: str) -> ReferencesInfo:
    """
    Loose refs (all files below ``refs``) and packed ones.
    """
    return ReferencesInfo(
        loose_count=sum(len(files) for _, _, files in os.walk(join(path, "refs"))),
        packed_size=_size(join(path, "packed-refs")),
        reference_backend=_backend(path),
    )


def commit_graph_info(path: str) -> RepositoryInfoResponse.CommitGraphInfo:
    """
    A chain of commit-graphs, or a single one, whose chain length is 0.
    """
    info = os.path.join(path, "objects", "info")
    chain = join(info, "commit-graphs")
    digests = _head(join(chain, "commit-graph-chain"), MAXIMUM).split()
    files = [join(chain, f"graph-{os.fsdecode(digest)}.graph") for digest in digests] or [join(info, "commit-graph")]
    names: set[bytes] = set()
    for file in files:
        try:
            names |= chunkfiles.commit_graph(_head(file)).names
        except ValueError:
            continue
    return RepositoryInfoResponse.CommitGraphInfo(
        commit_graph_chain_length=len(digests),
        has_bloom_filters={b"BIDX", b"BDAT"} <= names,
        has_generation_data=b"GDA2" in names,
        has_generation_data_overflow=b"GDO2" in names,
    )


def pack_bitmap_info(path: str) -> BitmapInfo:
    """
    The bitmap of a pack.
    """
    return _bitmap(join(escape(path), "objects", "pack", "pack-*.bitmap"))


def multi_pack_index_bitmap_info(path: str) -> BitmapInfo:
    """
    The bitmap of a multi-pack index.
    """
    return _bitmap(join(escape(path), "objects", "pack", "multi-pack-index-*.bitmap"))


def multi_pack_index_info(path: str) -> RepositoryInfoResponse.MultiPackIndexInfo:
    """
    The multi-pack index.
    """
    try:
        found = chunkfiles.multi_pack_index(_head(join(path, "objects", "pack", "multi-pack-index")))
    except ValueError:
        return RepositoryInfoResponse.MultiPackIndexInfo()
    return RepositoryInfoResponse.MultiPackIndexInfo(
        packfile_count=found.packs,
        version=found.version,
        has_large_offsets=b"LOFF" in found.names,
        has_bitmapped_packs=b"BTMP" in found.names,
        has_reverse_index=b"RIDX" in found.names,
    )


def alternates_info(path: str) -> RepositoryInfoResponse.AlternatesInfo:
    """
    The lines of ``info/alternates`` as they are written there.
    """
    name = join(path, "objects", "info", "alternates")
    lines = _head(name, MAXIMUM).split(b"\n")
    info = RepositoryInfoResponse.AlternatesInfo(
        object_directories=[line.decode("utf-8", "replace") for line in lines if line and not line.startswith(b"#")]
    )
    changed = _changed(name)
    if changed is not None:
        info.last_modified.CopyFrom(changed)
    return info


def last_full_repack(path: str) -> Timestamp | None:
    """
    When everything was packed into one; ``None`` if nobody wrote that down.
    """
    return _changed(join(path, FULL_REPACK))


def _backend(path: str) -> ReferencesInfo.ReferenceBackend:
    try:
        storage = parse_config(_head(join(path, "config"), MAXIMUM)).ref_storage
    except ValueError:
        return ReferencesInfo.REFERENCE_BACKEND_UNSPECIFIED
    return ReferencesInfo.REFERENCE_BACKEND_REFTABLE if storage == "reftable" else ReferencesInfo.REFERENCE_BACKEND_FILES


def _bitmap(pattern: str) -> BitmapInfo:
    for name in sorted(glob(pattern)):
        try:
            found = chunkfiles.bitmap(_head(name))
        except ValueError:
            continue
        return BitmapInfo(version=found.version, has_hash_cache=found.hash_cache, has_lookup_table=found.lookup_table)
    return BitmapInfo()


def _head(name: str, maximum: int = chunkfiles.HEAD) -> bytes:
    """
    The beginning of a file; nothing if it is not there.
    """
    try:
        with open(name, "rb") as file:
            return file.read(maximum)
    except (FileNotFoundError, NotADirectoryError):
        return b""


def _size(name: str) -> int:
    try:
        return os.stat(name).st_size
    except FileNotFoundError:
        return 0


def _changed(name: str) -> Timestamp | None:
    try:
        found = os.stat(name).st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Timestamp(seconds=found // 10**9, nanos=found % 10**9)
