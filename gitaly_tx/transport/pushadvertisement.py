"""
What a client is told before it pushes: the refs, and what the server can do.
"""

from __future__ import annotations

import os.path
from collections.abc import Collection
from functools import partial

from protocols.git.advertisement import encode_refs, service_line
from protocols.git.capabilities import Capabilities, agent
from protocols.git.service import Service

from ..git.objectid import ObjectFormat
from ..git.subcommands import HIDDEN_FROM_PUSH
from ..storage.interfaces import IRepository
from ..storage.threads import Threads
from ..streams import IByteSink
from .pushsettings import PushSettings

_NOTHING = PushSettings()

_WORDS = (
    b"report-status",
    b"report-status-v2",
    b"delete-refs",
    b"side-band-64k",
    b"quiet",
    b"atomic",
    b"ofs-delta",
    b"push-options",
)


def capabilities(object_format: ObjectFormat, name: str, unoffered: Collection[bytes] = ()) -> Capabilities:
    """
    What this server can do, in the order in which git's receive-pack says it.

    :param name: the server's, for ``agent``.
    :param unoffered: words that are left out.
    """
    return Capabilities(
        (
            *((word, None) for word in _WORDS if word not in unoffered),
            (b"object-format", object_format.value.encode("ascii")),
            (b"agent", agent(name.encode("utf-8", "surrogateescape"))),
        )
    )


def is_hidden(ref: bytes, asked: PushSettings = _NOTHING) -> bool:
    """
    Whether a push is not shown this ref, and may not write it.

    :param asked: what the caller says of it, which wins.
    """
    hidden = asked.hides(ref)
    if hidden is not None:
        return hidden
    return any(ref == prefix.rstrip(b"/") or ref.startswith(prefix) for prefix in HIDDEN_FROM_PUSH)


async def advertise(
    repository: IRepository | None,
    threads: Threads,
    name: str,
    protocol: str,
    stdout: IByteSink,
    *,
    service: bool,
    asked: PushSettings = _NOTHING,
) -> None:
    """
    Send the advertisement.

    There are no ``.have`` lines: what other repositories have is not told. Protocol v2 has no pushes; a client that asks for it
    is answered in v0, as git does.

    :param repository: ``None`` for one that does not exist yet, which looks like an empty one.
    :param protocol: the value of ``GIT_PROTOCOL``.
    :param service: with the line that HTTP wants first.
    :param asked: what the caller says of this push.
    """
    object_format = ObjectFormat.SHA1 if repository is None else repository.object_format
    encoded = partial(
        encode_refs,
        capabilities=capabilities(object_format, name, asked.unoffered),
        object_format_hex_length=object_format.hex_length,
        version=1 if protocol == "version=1" else 0,
    )
    if repository is None:
        pieces = list(encoded(()))
    else:
        path = repository.directory.path
        found = await repository.refs(hidden=() if asked.hide else HIDDEN_FROM_PUSH)

        def encode() -> list[bytes]:
            shown = ((ref.name, ref.target, None) for ref in found if not is_hidden(ref.name, asked))
            return list(encoded(shown, shallow=read_shallow(path)))

        pieces = await threads.run(encode)
    if service:
        await stdout.write(service_line(Service.RECEIVE_PACK))
    for piece in pieces:
        await stdout.write(piece)


def read_shallow(repository: str) -> list[bytes]:
    """
    The commits at which a shallow repository's history ends; none for any other. Blocking.

    :param repository: its absolute path.
    """
    try:
        with open(os.path.join(repository, "shallow"), "rb") as file:
            return file.read().split()
    except FileNotFoundError:
        return []
