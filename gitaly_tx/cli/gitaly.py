"""
``gitaly-tx``: what an operator does beside running the server.

The server itself is ``twistd gitaly``. ``backup`` and ``restore`` ask a running one, ``accept`` needs a stopped one, and the rest
needs none.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from .. import __version__
from ..auth.interfaces import Verb
from ..auth.rules import RuleAccess, rules_of
from ..auth.tokens import hash_token, new_token
from ..auth.users import users_of
from ..config.load import VARIABLE, load
from ..config.model import VERBS, Config
from ..config.problems import ConfigError
from . import accept, backup

_EXAMPLES = f"""\
examples:
  gitaly-tx check /etc/gitaly.toml             is everything in this file right?
  gitaly-tx token                              make a token for HTTP, and the line for the file
  gitaly-tx can alpha write team/thing --config /etc/gitaly.toml
                                               may alpha push to team/thing, and why (not)?
  gitaly-tx can - read team/thing              may somebody read it who does not say who they are?
  gitaly-tx accept                             which repositories take no writes because their log was damaged?
  gitaly-tx backup                             have all repositories backed up
  gitaly-tx restore team/thing.git             have one brought back

The server is started with: twistd -n gitaly --config /etc/gitaly.toml
Without --config the file is what {VARIABLE} names, or there is none.
"""


def main(argv: Sequence[str], stdout: TextIO, stderr: TextIO, environ: Mapping[str, str]) -> int:
    """
    Run a command.

    :param argv: the arguments, without the program's name.
    :returns: the exit status: 0 for yes and for all is well, 1 for no, 2 for a configuration or a command line that is wrong.
    """
    parser = _parser()
    try:
        arguments = parser.parse_args(argv)
    except _Stop as stop:
        print(stop.text, end="", file=stderr if stop.status else stdout)
        return stop.status
    try:
        if arguments.command == "accept":
            return accept.run(arguments, stdout, stderr, environ)
        if arguments.command in ("backup", "restore"):
            return backup.run(arguments, stdout, stderr, environ)
        return _run(arguments, stdout, environ)
    except ConfigError as error:
        print(error, file=stderr)
        return 2


def script() -> None:
    """
    The console script.
    """
    sys.exit(main(sys.argv[1:], sys.stdout, sys.stderr, os.environ))


class _Stop(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text


class _Parser(argparse.ArgumentParser):
    """
    Raises instead of writing and exiting by itself.
    """

    def error(self, message: str) -> None:  # type: ignore[override]
        raise _Stop(2, f"{self.format_usage()}{self.prog}: {message}\n")

    def print_help(self, file: object = None) -> None:
        raise _Stop(0, self.format_help())


def _parser() -> _Parser:
    parser = _Parser(
        prog="gitaly-tx",
        description="Checks configurations, makes tokens, explains who may do what, backs up, and repairs.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    check = commands.add_parser("check", help="report everything that is wrong with a configuration")
    check.add_argument("config", nargs="?", metavar="CONFIG", help="the file")
    check.add_argument("--insecure", action="store_true", help="accept listeners that are open to everybody")
    commands.add_parser("token", help="make a token for HTTP, and the line for the configuration")
    can = commands.add_parser("can", help="say whether a user may do something, and why")
    can.add_argument("user", metavar="USER", help="a name, or - for somebody who does not say who they are")
    can.add_argument("verb", metavar="VERB", choices=VERBS, help=", ".join(VERBS))
    can.add_argument("repository", metavar="REPO", help="the path of a repository, which need not exist: team/thing")
    can.add_argument("--config", metavar="FILE", help="the file")
    accept.add_to(commands)
    backup.add_to(commands)
    commands.add_parser("version", help="print the version")
    return parser


def _run(arguments: argparse.Namespace, stdout: TextIO, environ: Mapping[str, str]) -> int:
    if arguments.command == "check":
        return _check(load(arguments.config, insecure=arguments.insecure, environ=environ), stdout)
    if arguments.command == "token":
        return _token(stdout)
    if arguments.command == "can":
        config = load(arguments.config, insecure=True, environ=environ)
        return _can(config, arguments.user, Verb[arguments.verb.upper()], arguments.repository, stdout)
    print(f"gitaly-tx {__version__}", file=stdout)
    return 0


def _check(config: Config, stdout: TextIO) -> int:
    users_of(config)
    for problem in config.warnings:
        print(problem.told(config.source), file=stdout)
    if config.unused:
        print(f"accepted, not used yet: {', '.join(config.unused)}", file=stdout)
    print(f"{config.source or 'the default configuration'} is good", file=stdout)
    return 0


def _token(stdout: TextIO) -> int:
    token = new_token()
    print("The token, for its owner; it is shown this once:", file=stdout)
    print(f"  {token}", file=stdout)
    print("The line for the user's [[user]] table:", file=stdout)
    print(f'  tokens = ["{hash_token(token)}"]', file=stdout)
    return 0


def _can(config: Config, user: str, verb: Verb, repository: str, stdout: TextIO) -> int:
    users = users_of(config)
    name = None if user == "-" else user
    if name is not None and name not in users.names and not config.open_access:
        print(f"{name} is not a configured user, so only what @anyone may do counts", file=stdout)
    decision = RuleAccess(rules_of(config), users, config.open_access).explain(name, verb, repository)
    print(f"{'yes' if decision.allowed else 'no'}: {decision.reason}", file=stdout)
    return 0 if decision.allowed else 1


__all__ = ["main", "script"]
