"""
``gitaly-tx accept``: let a repository take writes again whose log was damaged.

It works on a storage that no server has at this moment: the storage's lock sees to that.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, TextIO

from ..config.load import load
from ..errors import GitalyError

DESCRIPTION = """\
Lets a repository take writes again whose log was damaged.

After damage to the write-ahead log (a failing disk, a file that somebody changed) the server refuses writes to the repositories
that it belongs to, with DATA_LOSS, and serves everything else. Nothing was dropped: what cannot be read is kept in the storage's
+gitaly/wal/damaged. Before you accept a repository, look whether it is as it should be: `git fsck`, and whether its branches are
where the people who push to it left them; pushes that were acknowledged shortly before the damage may be missing.

The server must be stopped. Without REPO this tells which repositories are refused, and why.
"""

EXAMPLES = """\
examples:
  gitaly-tx accept                             who is refused, in any storage?
  gitaly-tx accept team/thing.git              this one is right as it is
  gitaly-tx accept --everybody --storage two   damage in storage two that belongs to nobody in particular is taken note of
"""


def add_to(commands: Any) -> None:
    """
    Describe the command's arguments.

    :param commands: what :mod:`argparse` keeps subcommands in.
    """
    accept = commands.add_parser(
        "accept",
        help="let a repository take writes again whose log was damaged",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    accept.add_argument("repository", nargs="?", metavar="REPO", help="its path in the storage: team/thing.git")
    accept.add_argument("--everybody", action="store_true", help="accept damage for which all repositories are refused")
    accept.add_argument("--storage", metavar="NAME", help="the storage; the first one, or all if nothing is accepted")
    accept.add_argument("--config", metavar="FILE", help="the configuration")


def run(arguments: argparse.Namespace, stdout: TextIO, stderr: TextIO, environ: Mapping[str, str]) -> int:
    """
    Run the command.

    :returns: 0 if all is well now, 1 if somebody is refused or nothing could be done, 2 for a wrong command line.
    """
    config = load(arguments.config, insecure=True, environ=environ)
    known = [storage.name for storage in config.storages]
    if arguments.storage is not None and arguments.storage not in known:
        print(f"there is no storage called {arguments.storage!r}: {', '.join(known)}", file=stderr)
        return 2
    if arguments.repository is not None and arguments.everybody:
        print("accept either a repository or the damage that is everybody's", file=stderr)
        return 2

    from .accepting import in_reactor, work

    def say(text: str) -> None:
        print(text, file=stdout)

    try:
        return in_reactor(lambda reactor: work(reactor, config, arguments, say, environ))
    except GitalyError as error:
        reason = error.facts.get("error")
        print(f"{error.message}: {reason}" if reason else error.message, file=stderr)
        return 1
