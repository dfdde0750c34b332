"""
Whether the application can be asked as configured.
"""

from __future__ import annotations

import os
import stat
from urllib.parse import unquote, urlsplit

from .model import Config
from .problems import Findings

SCHEMES = ("http://", "https://", "http+unix://")


def check_gitlab(config: Config, findings: Findings) -> None:
    """
    Look at ``[gitlab]``; without a URL there is no application, and the rest does not matter.
    """
    table = config.gitlab
    if not table.url:
        return
    if not _usable(table.url):
        cure = "write http://HOST, https://HOST or http+unix://%2FPATH%2FOF%2FSOCKET"
        findings.error(("gitlab", "url"), f"{table.url!r} is not the URL of an application", cure)
    if not table.secret and not table.secret_file:
        what = "without a secret the application cannot tell who asks it"
        findings.error(("gitlab", "url"), what, "write secret_file, with the path of the file that the application has too")
    elif not table.secret:
        _check_secret_file(table.secret_file, findings)
    settings = table.http_settings
    if settings.ca_file and not os.path.isfile(settings.ca_file):
        findings.error(("gitlab", "http-settings", "ca_file"), f"{settings.ca_file} is not a file", "correct the path")
    if settings.ca_path and not os.path.isdir(settings.ca_path):
        findings.error(("gitlab", "http-settings", "ca_path"), f"{settings.ca_path} is not a directory", "correct the path")


def _usable(url: str) -> bool:
    if not url.startswith(SCHEMES) or not url.isascii() or any(character.isspace() for character in url):
        return False
    try:
        parts = urlsplit(url)
        if parts.scheme == "http+unix":
            return unquote(parts.netloc + parts.path).startswith("/")
        return bool(parts.hostname) and (parts.port is None or parts.port > 0) and not (parts.query or parts.fragment)
    except ValueError:
        return False


def _check_secret_file(path: str, findings: Findings) -> None:
    try:
        with open(path, "rb") as file:
            empty = not file.read(4096).strip()
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        what = f"{path} cannot be read: {(error.strerror or str(error)).lower()}"
        findings.error(("gitlab", "secret_file"), what, "correct the path, or give the server's user the right to read it")
        return
    if empty:
        findings.error(("gitlab", "secret_file"), f"{path} is empty", "write the secret into it that the application has")
    elif mode & stat.S_IROTH:
        findings.warning(("gitlab", "secret_file"), "everybody on this machine can read this secret", f"chmod o-r {path}")
