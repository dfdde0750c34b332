"""
What git runs in the place of ssh when the other side is a call of this server's: it passes bytes between git and two pipes.

This file is run as a program of its own, ``python -I -S standin.py IN OUT``, and imports nothing of the server. git keeps copies
of the pipes, so that their ends never tell anything. What goes out is framed therefore: four bytes of length and as many bytes,
and a length of nothing is the end.
"""

from __future__ import annotations

import os
import sys
import threading

PIECE = 64 * 1024

HEADER = 4
"""Bytes of a length, most significant first."""


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def send(source: int, target: int) -> None:
    """
    Pass on what git says, framed.
    """
    try:
        while data := os.read(source, PIECE):
            _write(target, len(data).to_bytes(HEADER, "big") + data)
        _write(target, bytes(HEADER))
    except OSError:
        pass  # The server has had enough; git hears of it by the end of what it reads.


def receive(source: int, target: int) -> None:
    """
    Pass on what the server says.
    """
    try:
        while data := os.read(source, PIECE):
            _write(target, data)
    except OSError:
        pass  # git has had enough.


def main(source: int, target: int) -> None:
    """
    :param source: what the server says comes out of it.
    :param target: what git says goes into it.
    """
    threading.Thread(target=send, args=(0, target), daemon=True).start()
    receive(source, 1)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
