"""
git's services, by the names that clients use.
"""

from __future__ import annotations

import enum


class Service(enum.Enum):
    """
    What a client can ask for. The value is the command's name, as in ``git-upload-pack``.
    """

    UPLOAD_PACK = b"git-upload-pack"
    RECEIVE_PACK = b"git-receive-pack"
    UPLOAD_ARCHIVE = b"git-upload-archive"
