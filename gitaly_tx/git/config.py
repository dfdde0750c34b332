"""
The few things that a repository's ``config`` file decides about how its other files are read.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from io import BytesIO

from attrs import frozen
from dulwich.config import ConfigFile

from ..errors import Code, GitalyError
from .fileidentity import FileIdentity, identify
from .objectid import ObjectFormat

MAXIMUM = 16 << 20
"""Bytes; a larger config file is not read."""


class UnusableConfig(GitalyError):
    """
    A repository whose config file git would refuse to work with.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__("invalid repository configuration", Code.FAILED_PRECONDITION, {"path": path, "error": why})


@frozen
class RepositoryConfig:
    """
    :param ref_storage: ``files`` or ``reftable``.
    :param bare: ``core.bare``; ``None`` if it does not say.
    """

    object_format: ObjectFormat = ObjectFormat.SHA1
    ref_storage: str = "files"
    bare: bool | None = None


def parse_config(content: bytes) -> RepositoryConfig:
    """
    Read the content of a config file. Includes are not followed, as git does not for these keys.

    :raises ValueError: for what git would not take.
    """
    config = ConfigFile.from_file(BytesIO(content))
    version = _value(config, b"core", b"repositoryformatversion") or b"0"
    if not version.isdigit() or int(version) > 1:
        raise ValueError(f"unknown repository format {version!r}")
    object_format = (_value(config, b"extensions", b"objectformat") or b"sha1").decode("ascii", "replace")
    storage = (_value(config, b"extensions", b"refstorage") or b"files").decode("ascii", "replace")
    if storage not in ("files", "reftable"):
        raise ValueError(f"unknown ref storage {storage!r}")
    bare = _value(config, b"core", b"bare")
    return RepositoryConfig(ObjectFormat(object_format), storage, None if bare is None else _boolean(bare))


def _boolean(value: bytes) -> bool:
    value = value.lower()
    if value in (b"true", b"yes", b"on"):
        return True
    if value in (b"false", b"no", b"off", b""):
        return False
    return int(value) != 0


def _value(config: ConfigFile, section: bytes, key: bytes) -> bytes | None:
    try:
        return config.get((section,), key)
    except KeyError:
        return None


class Configurations:
    """
    The parsed config files of repositories. Each look-up is one ``stat`` as long as the file is unchanged.

    Safe to use from many threads; it touches the disk, so the reactor's is not one of them.

    :param entries: how many are kept.
    :param now: the wall clock in nanoseconds.
    """

    def __init__(self, entries: int = 10_000, now: Callable[[], int] = time.time_ns) -> None:
        self._entries = entries
        self._now = now
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[FileIdentity, RepositoryConfig]] = OrderedDict()

    def read(self, path: str) -> RepositoryConfig:
        """
        What the repository at ``path`` says; the defaults if it has no config file, as for git.

        :raises UnusableConfig: if git would refuse it.
        :raises OSError: if the file cannot be read.
        """
        name = f"{path}/config"
        identity = identify(name, self._now)
        with self._lock:
            known = self._known.get(path)
            if known is not None and known[0] == identity and not identity.racy:
                self._known.move_to_end(path)
                return known[1]
        try:
            with open(name, "rb") as file:
                identity = identify(file.fileno(), self._now)
                config = parse_config(file.read(MAXIMUM))
        except FileNotFoundError:
            return RepositoryConfig()
        except (ValueError, UnicodeError) as error:
            raise UnusableConfig(name, str(error)) from error
        with self._lock:
            self._known[path] = (identity, config)
            self._known.move_to_end(path)
            while len(self._known) > self._entries:
                self._known.popitem(last=False)
        return config

    def forget(self, path: str) -> None:
        """
        Drop what is kept of a repository.
        """
        with self._lock:
            self._known.pop(path, None)
