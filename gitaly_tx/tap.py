"""
``twistd gitaly``: the options, and what they make.

Importing this module installs the reactor: gRPC's server runs on an asyncio loop, so Twisted must, too. twistd has loaded no
reactor when it imports a plugin's module, so a plain ``twistd gitaly`` works. The loop is uvloop's where that is installed;
``twistd --reactor=asyncio gitaly`` takes asyncio's own, a tenth slower.
"""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

if "twisted.internet.reactor" not in sys.modules:
    from .loop import install

    install(os.environ)

from twisted.application.service import IService
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.python import usage

from . import __version__
from .config.load import VARIABLE, load
from .config.problems import ConfigError
from .server import Surroundings, build

EXAMPLES = """
A Git storage server: Gitaly's gRPC API, git over SSH and smart HTTP.

Without a configuration it keeps its data in ./gitaly-data and listens on this machine only; whoever is on this machine may \
read, write, and create repositories by pushing to them.

  twistd -n gitaly                                  serve in the foreground
  git push http://127.0.0.1:8080/team/thing main    the repository is made
  git clone ssh://127.0.0.1:2222/team/thing         and cloned again
  twistd -n gitaly --data /srv/git                  keep the data elsewhere
  twistd gitaly --config /etc/gitaly.toml           in the background
  gitaly-tx check /etc/gitaly.toml                  is the configuration right?

SIGTERM and SIGINT let work in flight finish and end it; SIGHUP reads users, rules and certificates anew.
"""


class Options(usage.Options):
    """
    The command line.
    """

    optParameters = [  # noqa: RUF012
        ["config", "c", None, f"The configuration file (TOML); or the variable {VARIABLE}."],
        ["data", "d", None, "Where the server keeps its data; comes before what the file says. [default: ./gitaly-data]"],
    ]
    optFlags = [  # noqa: RUF012
        ["insecure", None, "Listen to other machines although nobody would be asked who they are."],
    ]
    compData = usage.Completions(
        optActions={"config": usage.CompleteFiles("*.toml"), "data": usage.CompleteDirs()},
    )

    def getUsage(self, width: int | None = None) -> str:
        """
        The options, then examples; Twisted's own would fold the lines of the examples.
        """
        return f"{super().getUsage(width)}{EXAMPLES}"

    def opt_version(self) -> None:
        """
        Show the version, and exit.
        """
        sys.stdout.write(f"gitaly_tx {__version__}\n")
        raise SystemExit(0)


def makeService(options: Options) -> IService:
    """
    Read the configuration and put the server together. Nothing is started, and no file but the configuration is opened.

    A configuration that cannot be used ends the program here, before twistd has gone to the background, with one line for each
    mistake.
    """
    from twisted.internet import reactor

    if not isinstance(reactor, AsyncioSelectorReactor):
        _end(f"gitaly needs Twisted's asyncio reactor, not {type(reactor).__name__}: leave --reactor away, or give asyncio")
    try:
        config = load(options["config"], options["data"], insecure=bool(options["insecure"]), environ=os.environ)
    except ConfigError as error:
        _end(f"gitaly: the configuration cannot be used:\n{error}")
    parent: Any = options.parent or {}
    surroundings = Surroundings(
        environ=dict(os.environ),
        foreground=bool(parent.get("nodaemon", True)),
        log_path=_log_path(parent),
        arguments=(options["config"], options["data"], bool(options["insecure"])),
    )
    return build(reactor, config, surroundings)


def _log_path(parent: Any) -> str:
    """
    Where twistd was told to log, absolute; empty for standard output.
    """
    logfile = parent.get("logfile")
    if logfile == "-":
        return ""
    if logfile:
        return os.path.abspath(str(logfile))
    return "" if parent.get("nodaemon", True) else os.path.abspath("twistd.log")


def _end(text: str) -> NoReturn:
    sys.stderr.write(text.rstrip("\n") + "\n")
    raise SystemExit(1)


__all__ = ["Options", "makeService"]
