"""
``gitaly-tx backup`` and ``gitaly-tx restore``: ask a running server to back repositories up, and to bring one back.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, TextIO

from ..config.address import Address
from ..config.load import load
from ..config.model import Config
from ..errors import GitalyError

BACKUP = """\
Backs repositories up, while the server serves.

The server keeps the backups where its configuration says ([backup] go_cloud_url). Each is one moment of a repository: refs, all
that they lead to, and custom hooks. Without REPO all repositories of the storage are backed up; what fails is told, and the
others go on.
"""

RESTORE = """\
Brings a repository back from a backup, in the place of what there is now.

The backup is checked before anything is touched: every object that the refs lead to must be in it.
"""

BACKUP_EXAMPLES = """\
examples:
  gitaly-tx backup                             everything, in full; the id is the time
  gitaly-tx backup --incremental               what is new since the last backup of each repository
  gitaly-tx backup team/thing.git --id before-the-move
"""

RESTORE_EXAMPLES = """\
examples:
  gitaly-tx restore team/thing.git                       the latest backup
  gitaly-tx restore team/thing.git --id before-the-move
  gitaly-tx restore team/thing.git --to team/again.git   beside the one that there is
"""

JOBS = 2
"""How many repositories are backed up at once."""


def add_to(commands: Any) -> None:
    """
    Describe the commands' arguments.

    :param commands: what :mod:`argparse` keeps subcommands in.
    """
    for name, words, text, examples in (
        ("backup", "have a running server back repositories up", BACKUP, BACKUP_EXAMPLES),
        ("restore", "have a running server bring a repository back", RESTORE, RESTORE_EXAMPLES),
    ):
        command = commands.add_parser(
            name, help=words, description=text, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name == "backup":
            command.add_argument("repository", nargs="*", metavar="REPO", help="paths in the storage: team/thing.git")
            command.add_argument("--id", default="", metavar="ID", help="what the backup is called; by default the time")
            command.add_argument("--incremental", action="store_true", help="only what is new since the last backup")
            command.add_argument("--jobs", type=int, default=JOBS, metavar="N", help="so many at once (%(default)s)")
        else:
            command.add_argument("repository", metavar="REPO", help="its path in the storage: team/thing.git")
            command.add_argument("--id", default="", metavar="ID", help="which backup; by default the latest one")
            command.add_argument(
                "--to", default="", metavar="REPO", help="the path of the repository that is made; by default REPO"
            )
        command.add_argument("--storage", metavar="NAME", help="the storage; the first one by default")
        command.add_argument("--config", metavar="FILE", help="the server's configuration")


def run(arguments: argparse.Namespace, stdout: TextIO, stderr: TextIO, environ: Mapping[str, str]) -> int:
    """
    Run one of the commands.

    :returns: 0 if everything was done, 1 if something failed, 2 for a wrong command line or configuration.
    """
    config = load(arguments.config, insecure=True, environ=environ)
    known = [storage.name for storage in config.storages]
    storage = arguments.storage or known[0]
    if storage not in known:
        print(f"there is no storage called {storage!r}: {', '.join(known)}", file=stderr)
        return 2
    address = address_of(config)
    if address is None:
        print("the server listens nowhere for gRPC without TLS: see socket_path and listen_addr", file=stderr)
        return 2

    def say(text: str) -> None:
        print(text, file=stdout, flush=True)

    from .accepting import in_reactor
    from .backingup import Wish, asked, backup, restore

    if arguments.command == "restore":
        work = partial(restore, storage, arguments.repository, arguments.id, arguments.to, say)
    else:
        backup_id = arguments.id or time.strftime("%Y%m%d%H%M%S", time.gmtime())
        wish = Wish(storage, arguments.repository, backup_id, arguments.incremental, max(1, arguments.jobs))
        work = partial(backup, wish, say)
    try:
        return in_reactor(lambda reactor: asked(address, config.auth.token, work))
    except GitalyError as error:
        print(f"the server at {address} says: {error.message}", file=stderr)
        return 1


def address_of(config: Config) -> str | None:
    """
    Where the server is to be reached from the machine that it runs on.
    """
    if config.socket_path:
        return f"unix:{config.socket_path}"
    address: Address | None = config.listen_addr
    if address is None:
        return None
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)
    return f"tcp://[{host}]:{address.port}" if ":" in host else f"tcp://{host}:{address.port}"


__all__ = ["add_to", "address_of", "run"]
