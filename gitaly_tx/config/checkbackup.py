"""
Whether backups can be kept as configured.
"""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, urlsplit

from .model import Config
from .problems import Findings

LAYOUTS = ("pointer", "manifest")

_SCHEME = re.compile(r"[A-Za-z][-+.A-Za-z0-9]*:")

_CURE = "write the absolute path of a directory, or file:///PATH; buckets (s3://, gs://, azblob://) are not supported"


def backup_directory(url: str) -> str | None:
    """
    The directory that ``go_cloud_url`` names: a path, or a ``file`` URL.

    :returns: ``None`` if it names something else.
    """
    path = url
    if _SCHEME.match(url):
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
            return None
        path = unquote(parts.path)
    return os.path.normpath(path) if path.startswith("/") and "\0" not in path else None


def check_backup(config: Config, findings: Findings) -> None:
    """
    Look at ``[backup]``; without a URL there are no backups.
    """
    table = config.backup
    if table.layout not in LAYOUTS:
        findings.error(("backup", "layout"), f"{table.layout!r} is not a layout", f"write one of {', '.join(LAYOUTS)}")
    if not table.go_cloud_url:
        return
    at = ("backup", "go_cloud_url")
    directory = backup_directory(table.go_cloud_url)
    if directory is None:
        findings.error(at, f"backups cannot be kept in {_shown(table.go_cloud_url)}", _CURE)
    elif directory == "/" or (os.path.lexists(directory) and not os.path.isdir(directory)):
        findings.error(at, f"{directory} is no directory for backups", _CURE)
    elif os.path.isdir(directory) and not os.access(directory, os.W_OK | os.X_OK):
        findings.error(at, f"{directory} cannot be written", "give the server's user the right to write")
    else:
        real = os.path.realpath(directory)
        for storage in config.storages:
            if storage.path and os.path.commonpath([real, os.path.realpath(storage.path)]) == os.path.realpath(storage.path):
                what = f"backups lie in storage {storage.name!r}, and are lost with it"
                findings.warning(at, what, "choose a directory on another disk")


def _shown(url: str) -> str:
    """
    A URL without what may be secret in it.
    """
    scheme = _SCHEME.match(url)
    return repr(url) if scheme is None else repr(f"{scheme[0]}//…")


__all__ = ["LAYOUTS", "backup_directory", "check_backup"]
