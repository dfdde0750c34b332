"""
From a file to a complete :class:`~gitaly_tx.config.model.Config`.

Read once, at start (and again for a reload); no other part of the server reads the file or asks the environment.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from attrs import evolve

from .check import check
from .kinds import Wrong
from .lines import KeyPath, Lines
from .model import Config, Storage, User
from .problems import ConfigError, Findings, Problem
from .publickeys import read_keys
from .read import Reader

VARIABLE = "GITALY_TX_CONFIG"
"""The environment variable that names the file when nothing else does."""

DATA = "gitaly-data"
"""The data directory below the working directory, when nothing else is said."""

_LINE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)")


def load(
    path: str | None = None,
    data: str | None = None,
    *,
    insecure: bool = False,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """
    Read the configuration.

    :param path: the file; ``None`` asks :data:`VARIABLE` in ``environ``, and without that there is none.
    :param data: the data directory; it comes before what the file says.
    :param insecure: take the risk of listeners that are open to other machines without any check of who comes.
    :param overrides: values as TOML has them, by dotted key (``http.listen_addr``); they come before the file's.
    :param environ: the process's environment, if it may be asked.
    :raises ConfigError: with everything that is wrong.
    """
    path = path or (environ or {}).get(VARIABLE) or None
    if path is None:
        return parse("", None, data, insecure=insecure, overrides=overrides)
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        what = f"it cannot be read: {(error.strerror or str(error)).lower()}"
        raise ConfigError(path, [Problem(0, "", what, "give the path of a readable file")]) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(path, [Problem(line, "", "it is not UTF-8", "save the file in UTF-8")]) from None
    return parse(text, path, data, insecure=insecure, overrides=overrides)


def parse(
    text: str,
    path: str | None,
    data: str | None = None,
    *,
    insecure: bool = False,
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """
    The same from a text.

    :param path: the file it is from: its directory is where relative paths start; ``None`` means the working directory.
    """
    source = path or ""
    text = text.replace("\r\n", "\n")
    base = os.path.dirname(os.path.abspath(path)) if path else os.getcwd()
    lines = Lines(text)
    findings = Findings(lines)
    reader = Reader(base, findings, Config)
    config = reader.read(Config, _merged(_toml(text, source), overrides or {}))
    config = evolve(config, path=path, insecure=insecure, lines=lines)
    config = _complete(config, reader.given, data)
    config = evolve(config, users=_users(config.users, base, findings))
    check(config, reader.given, findings)
    return evolve(config, warnings=findings.raise_fatal(source), unused=tuple(reader.unused))


def _toml(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        what = _LINE.sub("", str(error))
        what = what[:1].lower() + what[1:]
        cure = "correct the line; text stands in quotes, tables in brackets (https://toml.io)"
        raise ConfigError(source, [Problem(line, "", what, cure)]) from None
    except RecursionError:
        raise ConfigError(source, [Problem(0, "", "brackets are nested too deeply", "write it flatter")]) from None


def _merged(table: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(table)
    for name, value in overrides.items():
        here, parts = merged, name.split(".")
        for part in parts[:-1]:
            below = here.get(part)
            here[part] = dict(below) if isinstance(below, Mapping) else {}
            here = here[part]
        here[parts[-1]] = value
    return merged


def _complete(config: Config, given: set[KeyPath], data: str | None) -> Config:
    """
    Fill in what depends on other keys: where the data is, and who listens.
    """
    if data:
        data_dir = os.path.abspath(data)
    elif ("data_dir",) in given and config.data_dir:
        data_dir = config.data_dir
    elif config.storages and config.storages[0].path:
        data_dir = os.path.join(config.storages[0].path, "+gitaly")
    else:
        data_dir = os.path.abspath(DATA)
    storages = config.storages or (Storage(name="default", path=os.path.join(data_dir, "repositories")),)
    return _listeners(evolve(config, data_dir=data_dir, storages=storages), given)


def _listeners(config: Config, given: set[KeyPath]) -> Config:
    """
    A file that names a listener names all of them; one that names none gets the default ones, but those it switches off.
    """
    tables = {"http", "ssh"} & {path[0] for path in given}
    addresses = {path[0] for path in given if path[0] in ("listen_addr", "tls_listen_addr") and getattr(config, str(path[0]))}
    if config.socket_path or tables or addresses or config.grpc.direct_listen_addr is not None:
        config = evolve(
            config,
            listen_addr=config.listen_addr if ("listen_addr",) in given else None,
            prometheus_listen_addr=config.prometheus_listen_addr if ("prometheus_listen_addr",) in given else None,
            http=config.http if "http" in tables else None,
            ssh=config.ssh if "ssh" in tables else None,
        )
    if config.http is not None and config.http.listen_addr is None:
        config = evolve(config, http=None)
    if config.ssh is not None and config.ssh.listen_addr is None:
        config = evolve(config, ssh=None)
    if config.ssh is not None and not config.ssh.host_key_path:
        host_key = os.path.join(config.data_dir, "ssh_host_ed25519_key")
        config = evolve(config, ssh=evolve(config.ssh, host_key_path=host_key))
    return config


def _users(users: tuple[User, ...], base: str, findings: Findings) -> tuple[User, ...]:
    """
    The same users with their key files read.
    """
    complete = []
    for number, user in enumerate(users):
        found: list[str] = []
        for index, written in enumerate(user.keys):
            try:
                found += read_keys(written, base)
            except Wrong as wrong:
                findings.error(("user", number, "keys", index), wrong.what, wrong.cure)
        complete.append(evolve(user, keys=tuple(found)))
    return tuple(complete)


__all__ = ["DATA", "VARIABLE", "load", "parse"]
