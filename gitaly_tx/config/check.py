"""
What must be true of the configuration as a whole. Every problem is reported, not the first only.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Set

from .checkaccess import check_access
from .checkbackup import check_backup
from .checkgitlab import check_gitlab
from .checklimits import check_limits
from .checklisten import check_listeners
from .checkmaintenance import check_maintenance
from .lines import KeyPath
from .model import Config
from .problems import Findings, Problem

_CONFIG_KEY = re.compile(r"[A-Za-z0-9-]+(\..+)?\.[A-Za-z][A-Za-z0-9-]*")
_POLICY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def check(config: Config, given: Set[KeyPath], findings: Findings) -> None:
    """
    Look at everything.

    :param config: complete.
    :param given: the keys that the file gives.
    :param findings: gets the problems.
    """
    check_listeners(config, findings)
    check_access(config, findings)
    check_gitlab(config, findings)
    _check_storages(config, given, findings)
    _check_directories(config, findings)
    _check_git(config, findings)
    _check_numbers(config, findings)
    check_limits(config, findings)
    check_maintenance(config, findings)
    check_backup(config, findings)
    for index, policy in enumerate(config.push.policies):
        if not _POLICY.fullmatch(policy):
            findings.error(("push", "policies", index), f"{policy!r} names no policy", "write module:attribute")
    _check_secrecy(config, findings)


def _check_storages(config: Config, given: Set[KeyPath], findings: Findings) -> None:
    if ("storage",) not in given:
        return
    seen: dict[str, tuple[str, str]] = {}
    for index, storage in enumerate(config.storages):
        at: KeyPath = ("storage", index)
        if not storage.name:
            findings.error((*at, "name"), "a storage needs a name", 'write name = "default"')
        elif storage.name in seen:
            findings.error((*at, "name"), f"there are two storages called {storage.name!r}", "give each its own name")
        if not storage.path:
            findings.error((*at, "path"), "a storage needs a path", 'write path = "/srv/git"')
            continue
        if not os.path.isdir(storage.path):
            what = "is not a directory" if os.path.exists(storage.path) else "is not there"
            findings.error((*at, "path"), f"{storage.path} {what}", "make the directory, or correct the path")
        real = os.path.realpath(storage.path)
        for name, (other, written) in seen.items():
            if os.path.commonpath([real, other]) in (real, other):
                what = f"{storage.path} and {written} of storage {name!r} lie in one another"
                findings.error((*at, "path"), what, "give each storage a directory of its own")
        seen.setdefault(storage.name, (real, storage.path))


def _check_directories(config: Config, findings: Findings) -> None:
    if config.runtime_dir:
        if not os.path.isdir(config.runtime_dir):
            findings.error(("runtime_dir",), f"{config.runtime_dir} is not a directory", "make it, or leave the key out")
        elif not os.access(config.runtime_dir, os.W_OK | os.X_OK):
            findings.error(
                ("runtime_dir",), f"{config.runtime_dir} cannot be written", "give the server's user the right to write"
            )
    hooks = config.hooks.custom_hooks_dir
    if hooks and not os.path.isdir(hooks):
        what = f"{hooks} is not there, so no hooks run for all repositories"
        findings.warning(("hooks", "custom_hooks_dir"), what, "make the directory, or leave the key out")
    for at, path in ((("logging", "file"), config.logging.file), (("socket_path",), config.socket_path)):
        if path and not os.path.isdir(os.path.dirname(path)):
            findings.error(at, f"the directory of {path} is not there", "make it, or correct the path")
    if os.path.exists(config.data_dir) and not os.path.isdir(config.data_dir):
        findings.error(("data_dir",), f"{config.data_dir} is not a directory", "choose another one")


def _check_git(config: Config, findings: Findings) -> None:
    if shutil.which(config.git.bin_path or "git") is None:
        what = f"{config.git.bin_path} cannot be run" if config.git.bin_path else "there is no git in PATH"
        findings.error(("git", "bin_path"), what, "install git, or write the path of the program")
    for index, pair in enumerate(config.git.config):
        at: KeyPath = ("git", "config", index)
        if not _CONFIG_KEY.fullmatch(pair.key) or "=" in pair.key or "\n" in pair.key:
            findings.error((*at, "key"), f"{pair.key!r} is not a setting of git", 'write it as "section.name"')


def _check_numbers(config: Config, findings: Findings) -> None:
    if config.ssh is not None:
        if config.ssh.max_auth_tries < 1:
            findings.error(("ssh", "max_auth_tries"), "nobody could log in", "write 1 or more")
        if config.ssh.login_grace_time <= 0:
            findings.error(("ssh", "login_grace_time"), "nobody could log in", 'write a duration such as "60s"')
    if config.http is not None and config.http.header_timeout <= 0:
        findings.error(("http", "header_timeout"), "no request could be sent", 'write a duration such as "30s"')
    for name in ("git_memory", "memory"):
        table = "push" if name == "memory" else "limits"
        value: int = getattr(getattr(config, table), name)
        if 0 < value < 64 * 2**20:
            findings.error((table, name), f"git does not run in {value} bytes", 'write "64MiB" or more, or 0 for any')
    if config.limits.write_queue < 1:
        findings.error(("limits", "write_queue"), "nothing could be written", "write 1 or more")
    if config.wal.segment_size < 64 * 1024:
        findings.error(("wal", "segment_size"), "a file of the log holds at least 64KiB", 'write "64MiB"')
    if config.wal.checkpoint_interval <= 0:
        findings.error(("wal", "checkpoint_interval"), "it must be longer than nothing", 'write a duration such as "30s"')


def _check_secrecy(config: Config, findings: Findings) -> None:
    secrets = [("auth", "token")] if config.auth.token else []
    if config.auth.previous_tokens and not config.auth.token:
        what = "without auth.token no client is asked for any"
        findings.error(("auth", "previous_tokens"), what, "write the new secret as auth.token")
    for index, previous in enumerate(config.auth.previous_tokens):
        if not previous:
            findings.error(("auth", "previous_tokens", index), "an empty secret is known to everybody", "leave it out")
    secrets += [("gitlab", "secret")] if config.gitlab.secret else []
    if not config.path or not secrets:
        return
    try:
        mode = os.stat(config.path).st_mode
    except OSError:
        return
    if mode & stat.S_IROTH:
        what = "everybody on this machine can read this secret"
        findings.warning(secrets[0], what, f"chmod o-r {config.path}")


__all__ = ["Findings", "Problem", "check"]
