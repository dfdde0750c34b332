"""
Where the log goes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from attrs import frozen

from ..config.model import Config
from ..observability.linewriter import LineWriter
from ..observability.logs import LineObserver, LogFile
from .surroundings import Surroundings


@frozen
class Log:
    """
    :param observer: takes the events.
    :param file: what it writes to; ``None`` for standard output.
    :param lines: the lines on their way there.
    """

    observer: LineObserver
    file: LogFile | None
    lines: LineWriter

    def reopen(self) -> None:
        """
        Go on in a new file, after the old one was rotated away.

        :raises OSError: if it cannot be opened; the old one stays in use then.
        """
        if self.file is not None:
            self.lines.apart(self.file.reopen)

    def hide(self, config: Config) -> None:
        """
        Hide another configuration's secrets too.
        """
        self.observer.hide(_secrets(config))


def open_log(config: Config, surroundings: Surroundings) -> Log:
    """
    The configured file, else the one that twistd was given, else standard output.
    """
    path = config.logging.file or surroundings.log_path
    file = LogFile(path) if path else None
    lines = LineWriter(file.write if file is not None else to_stdout)
    observer = LineObserver(
        lines.write,
        json=config.logging.format == "json",
        level=config.logging.level,
        secrets=_secrets(config),
        lost=lines.lost,
    )
    return Log(observer, file, lines)


def to_stdout(text: str) -> None:
    """
    Write to the standard output that the process was started with: twistd puts a log in the place of ``sys.stdout``.
    """
    stream = sys.__stdout__
    if stream is not None:
        stream.write(text)
        stream.flush()


def to_stderr(text: str) -> None:
    """
    The same for standard error.
    """
    stream = sys.__stderr__
    if stream is not None:
        stream.write(text)
        stream.flush()


def _secrets(config: Config) -> Iterator[str]:
    yield from filter(None, (config.auth.token, *config.auth.previous_tokens))
    yield from filter(None, (config.gitlab.secret, config.gitlab.http_settings.password))
    for user in config.users:
        yield from user.tokens
