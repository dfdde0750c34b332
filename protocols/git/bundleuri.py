"""
The command ``bundle-uri`` of git's protocol v2: where a client can have a bundle before it fetches the rest
(https://git-scm.com/docs/gitprotocol-v2#_bundle_uri).
"""

from __future__ import annotations

from . import pktline
from .errors import InvalidPktLine

CAPABILITY = b"bundle-uri"

MOST_CAPABILITIES = 64 * 1024
"""Bytes of a request in which its command has to come."""


def is_asked(request: bytes) -> bool | None:
    """
    Whether a request is this command. git's client sends it behind capabilities.

    :param request: its first bytes.
    :returns: ``None`` if more of them are needed to tell.
    """
    packets = pktline.PktLineDecoder()
    packets.feed(request)
    try:
        while (packet := packets.read()) is not None:
            if isinstance(packet, pktline.Special):
                return False
            word, _, value = packet.line.partition(b"=")
            if word == b"command":
                return value == CAPABILITY
    except InvalidPktLine:
        return False
    return None if len(request) < MOST_CAPABILITIES else False


def advertised(answer: bytes) -> bytes:
    """
    An advertisement of v2 with this capability in it, too.
    """
    if not answer.endswith(pktline.FLUSH) or pktline.data(CAPABILITY + b"\n") in answer:
        return answer
    return answer[: -len(pktline.FLUSH)] + pktline.data(CAPABILITY + b"\n") + pktline.FLUSH


NOTHING = pktline.FLUSH
"""The answer if there is no bundle any more."""


def answer(name: bytes, uri: bytes) -> bytes:
    """
    The answer to the command: a list of one bundle that is enough by itself.

    :param name: letters, digits and hyphens.
    :param uri: absolute, or relative to the repository's URL.
    """
    lines = (b"bundle.version=1", b"bundle.mode=all", b"bundle.%s.uri=%s" % (name, uri))
    return b"".join(pktline.data(line + b"\n") for line in lines) + pktline.FLUSH


__all__ = ["CAPABILITY", "MOST_CAPABILITIES", "NOTHING", "advertised", "answer", "is_asked"]
