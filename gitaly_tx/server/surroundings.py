"""
What the process is told besides its configuration.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen


@frozen
class Surroundings:
    """
    :param environ: the environment the process was started with.
    :param foreground: somebody may be looking at standard output.
    :param log_path: where twistd was told to log; empty for standard output.
    :param arguments: the configuration's path, the data directory and ``--insecure``, for reading the configuration again.
    """

    environ: Mapping[str, str]
    foreground: bool
    log_path: str
    arguments: tuple[str | None, str | None, bool]
