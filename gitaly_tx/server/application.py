"""
The application that decides about pushes, made from the configuration.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from twisted.internet.ssl import Certificate
from twisted.logger import Logger

from .. import __version__
from ..config.model import Config
from ..errors import Code, GitalyError
from ..hooks.gitlab import Gitlab
from ..hooks.gitlabapi import APIError, GitlabAPI
from ..hooks.gitlabhttp import SECONDS, GitlabHTTP, Login, agent_for, base_url, read_authorities

_log = Logger()


@frozen
class Application:
    """
    :param gitlab: asks it.
    :param http: knows the secret.
    """

    gitlab: Gitlab
    http: GitlabHTTP

    async def look(self) -> None:
        """
        Write into the log whether it can be reached. It may be started after this server, so it does no harm if not.
        """
        try:
            found = await self.gitlab.api.check()
        except APIError as error:
            _log.warn("the application does not answer, pushes are refused while that is so: {why}", why=error.text)
        else:
            _log.info("the application answers: version {version}, API {api}", version=found.version, api=found.api_version)

    def secret_in(self, config: Config) -> bytes | None:
        """
        The secret as it is now; ``None`` if the configuration knows of no application any more, which a restart will heed.

        :raises GitalyError: if it cannot be read.
        """
        return read_secret(config) if config.gitlab.url else None


def application(reactor: Any, config: Config, observe: Callable[[str, float], None]) -> Application | None:
    """
    :param observe: told how long each answer took.
    :returns: ``None`` if no application is configured.
    :raises GitalyError: if it cannot be used as configured.
    """
    table = config.gitlab
    if not table.url:
        return None
    clock: IReactorTime = reactor
    settings = table.http_settings
    http = GitlabHTTP(
        agent_for(reactor, table.url, list(_authorities(settings.ca_file, settings.ca_path))),
        clock,
        base_url(table.url, table.relative_url_root),
        read_secret(config),
        time.time,
        f"gitaly/{__version__}",
        Login(settings.user, settings.password) if settings.user and settings.password else None,
        float(settings.read_timeout or SECONDS),
    )
    return Application(Gitlab(GitlabAPI(http, clock, observe)), http)


def read_secret(config: Config) -> bytes:
    """
    The secret shared with the application; whitespace around it does not count.

    :raises GitalyError: if it cannot be read or is empty.
    """
    table = config.gitlab
    if table.secret:
        return table.secret.strip().encode()
    try:
        with open(table.secret_file, "rb") as file:
            secret = file.read().strip()
    except OSError as error:
        raise _unusable("the secret of [gitlab] cannot be read", error.strerror or str(error)) from error
    if not secret:
        raise _unusable("the secret of [gitlab] is empty", table.secret_file)
    return secret


def _authorities(file: str, directory: str) -> Iterable[Certificate]:
    try:
        names = [file] if file else []
        names += sorted(entry.path for entry in os.scandir(directory) if entry.is_file()) if directory else []
        for name in names:
            with open(name, "rb") as opened:
                yield from read_authorities(opened.read())
    except OSError as error:
        raise _unusable("the certificates of [gitlab.http-settings] cannot be read", error.strerror or str(error)) from error


def _unusable(what: str, why: str) -> GitalyError:
    return GitalyError(what, Code.FAILED_PRECONDITION, {"error": why})
