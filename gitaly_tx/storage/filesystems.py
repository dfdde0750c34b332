"""
What kind of file system a directory is on.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from typing import Final

UNKNOWN: Final = "unknown"

NAMES: Final[Mapping[int, str]] = {
    0xADF5: "ADFS",
    0xADFF: "AFFS",
    0x5346414F: "AFS",
    0x0187: "AUTOFS",
    0x42465331: "BEFS",
    0x1BADFACE: "BFS",
    0x9123683E: "BTRFS",
    0xCA451A4E: "BCACHEFS",
    0x00C36400: "CEPH",
    0xFF534D42: "CIFS",
    0x73757245: "CODA",
    0x28CD3D45: "CRAMFS",
    0xF15F: "ECRYPTFS",
    0x414A53: "EFS",
    0xE0F5E1E2: "EROFS",
    0x2011BAB0: "EXFAT",
    0xEF53: "EXT_2_3_4",
    0xF2F52010: "F2FS",
    0x65735546: "FUSE",
    0x01161970: "GFS2",
    0x4244: "HFS",
    0x482B: "HFS_PLUS",
    0xF995E849: "HPFS",
    0x958458F6: "HUGETLBFS",
    0x9660: "ISOFS",
    0x72B6: "JFFS2",
    0x3153464A: "JFS",
    0x0BD00BD0: "LUSTRE",
    0x137F: "MINIX",
    0x4D44: "MSDOS",
    0x564C: "NCP",
    0x6969: "NFS",
    0x3434: "NILFS",
    0x5346544E: "NTFS",
    0x7366746E: "NTFS3",
    0x7461636F: "OCFS2",
    0x794C7630: "OVERLAYFS",
    0x47504653: "GPFS",
    0x6165676C: "PSTOREFS",
    0x858458F6: "RAMFS",
    0x52654973: "REISERFS",
    0x517B: "SMB",
    0xFE534D42: "SMB2",
    0x73717368: "SQUASHFS",
    0x01021994: "TMPFS",
    0x24051905: "UBIFS",
    0x15013346: "UDF",
    0x00011954: "UFS",
    0x01021997: "V9FS",
    0xA501FCF5: "VXFS",
    0x58465342: "XFS",
    0x2FC12FC1: "ZFS",
}
"""``f_type`` of statfs(2) → its name, as Gitaly spells it."""

LOCAL: Final = frozenset({"BTRFS", "EXT_2_3_4", "F2FS", "JFS", "OVERLAYFS", "RAMFS", "REISERFS", "TMPFS", "XFS", "ZFS"})
"""Those that are on a disk of this machine, or in its memory."""

_BUFFER = 256
"""Bytes; ``struct statfs`` has at most 120 on any Linux."""


def filesystem_name(path: str) -> str:
    """
    ``EXT_2_3_4``, ``XFS``, ``TMPFS`` …; :data:`UNKNOWN` for any that is not in :data:`NAMES` or cannot be asked.
    """
    magic = filesystem_magic(path)
    return UNKNOWN if magic is None else NAMES.get(magic, UNKNOWN)


def filesystem_magic(path: str) -> int | None:
    """
    The file system's magic number; ``None`` if it cannot be asked. It blocks.
    """
    # Python's os.statvfs leaves out f_type, which is the first member of struct statfs and a machine word on Linux.
    buffer = ctypes.create_string_buffer(_BUFFER)
    try:
        failed = ctypes.CDLL(None, use_errno=True).statfs(os.fsencode(path), buffer)
    except AttributeError:
        return None
    if failed:
        return None
    return int(ctypes.cast(buffer, ctypes.POINTER(ctypes.c_long))[0]) & 0xFFFFFFFF
