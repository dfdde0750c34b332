"""
What custom hooks find in their environment. Pure.
"""

from __future__ import annotations

import os.path
from collections.abc import Mapping, Sequence

from .interfaces import Push

_PROXIES = ("http_proxy", "https_proxy", "no_proxy")

INHERITED = (
    "HOME",
    "PATH",
    "LD_LIBRARY_PATH",
    "TZ",
    "GIT_TRACE",
    "GIT_TRACE_PACK_ACCESS",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_PERFORMANCE",
    "GIT_TRACE_SETUP",
    "GIT_EXEC_PATH",
    "all_proxy",
    *_PROXIES,
    *(name.upper() for name in _PROXIES),
)
"""Variables of the server that a hook sees; no other gets through."""


def inherited(environ: Mapping[str, str], git: str) -> dict[str, str]:
    """
    What hooks get of the server's own environment.

    :param environ: the server's environment.
    :param git: the git program, absolute; its directory comes first in ``PATH``, so that a hook meets the git that serves it.
    """
    found = {name: environ[name] for name in INHERITED if name in environ}
    found["PATH"] = os.pathsep.join(filter(None, (os.path.dirname(git), environ.get("PATH", os.defpath))))
    return found


def described(push: Push) -> dict[str, str]:
    """
    What hooks are told of a push: where it goes, who makes it, and where its new objects are.

    While the objects are in quarantine, git refuses to move refs in an environment that has ``GIT_QUARANTINE_PATH``: otherwise a
    hook could point a ref at objects that a refusal throws away.
    """
    directory = push.repository.directory
    found = {
        **push.environment,
        **directory.environment(),
        "GIT_DIR": directory.path,
        "GL_ID": push.gl_id,
        "GL_USERNAME": push.user or "",
        "GL_REPOSITORY": push.gl_repository,
        "GL_PROJECT_PATH": push.project_path,
        "GL_PROTOCOL": push.protocol,
    }
    if directory.object_directory is not None:
        found["GIT_QUARANTINE_PATH"] = directory.object_directory
    return found


def push_options(options: Sequence[bytes]) -> dict[str, str]:
    """
    The push options as git numbers them; nothing at all if there are none.
    """
    if not options:
        return {}
    numbered = {f"GIT_PUSH_OPTION_{number}": os.fsdecode(option) for number, option in enumerate(options)}
    return {"GIT_PUSH_OPTION_COUNT": str(len(options)), **numbered}
