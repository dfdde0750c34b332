"""
Streams of bytes, cut wherever the network may cut them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from protocols.git import pktline
from protocols.git.errors import GitProtocolError

few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def pieces(stream: bytes) -> st.SearchStrategy[list[bytes]]:
    """
    ``stream`` as a list of pieces, some of them empty.
    """

    def at(places: list[int]) -> list[bytes]:
        bounds = [0, *sorted(places), len(stream)]
        return [stream[start:end] for start, end in itertools.pairwise(bounds)]

    return st.lists(st.integers(0, len(stream)), max_size=12).map(at)


def bytewise(stream: bytes) -> list[bytes]:
    """
    ``stream`` as pieces of one byte.
    """
    return [stream[at : at + 1] for at in range(len(stream))]


junk = st.one_of(
    st.binary(max_size=80),
    st.lists(
        st.one_of(
            st.sampled_from(
                [b"0000", b"0001", b"0002", b"0003", b"0004", b"zzzz", b"fff1", b"+123", b"0x12", b" 12a", b"\0\0\0\0"]
            ),
            st.binary(max_size=60).map(pktline.data),
            st.sampled_from(
                [
                    b"want ",
                    b"want " + b"a" * 40,
                    b"want " + b"a" * 40 + b" x=\x01",
                    b"have x",
                    b"deepen -1",
                    b"deepen " + b"9" * 5000,
                    b"command=fetch",
                    b"command=",
                    b"shallow " + b"b" * 40,
                    b"version 2",
                    b"version 1",
                    b"# service=x",
                    b"ERR no",
                    b"push-cert\0",
                    b"a" * 40 + b" " + b"0" * 40 + b" refs/x\0push-options",
                    b"a" * 40 + b" refs/x\0=",
                    b"done",
                    b"\x01data",
                    b"\x04data",
                ]
            ).map(pktline.data),
        ),
        max_size=8,
    ).map(b"".join),
)
"""Bytes that look more or less like git's protocol."""


def outcome(decoder: Any, stream: Iterable[bytes]) -> tuple[list[Any], str]:
    """
    Feed a decoder until it is done, breaks or the stream ends.

    :returns: the events, and the kind of the error that ended it, if one did.
    """
    events: list[Any] = []
    try:
        for piece in stream:
            events += decoder.receive(piece)
            if getattr(decoder, "done", False):
                return events, ""
        decoder.finish()
    except GitProtocolError as error:
        return events, repr(error)
    return events, ""


def survives(make: Callable[[], Any], stream: bytes, cut: list[bytes]) -> None:
    """
    Check that junk ends in the same kind of error however it is cut, and that what was told before it does not depend on the cut.
    """
    whole, why = outcome(make(), [stream])
    told, broken = outcome(make(), cut)
    single, crumbled = outcome(make(), bytewise(stream))
    assert why == broken == crumbled, (why, broken, crumbled)
    if why:
        assert whole == [] or why.startswith(("TruncatedPktLine", "RequestBrokenOff"))
        assert single[: len(told)] == told
    else:
        assert whole == told == single
