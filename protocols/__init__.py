"""
The wire: bytes in, events out.

Nothing here does input or output, reads a clock or knows a reactor. A protocol is a state machine that takes bytes and returns
events and bytes to send; whoever owns the connection feeds it. That is why these modules import the standard library,
``google.protobuf`` and ``attrs``, and neither Twisted nor ``gitaly_tx``.

``proto/``
    Our ``.proto`` files: Gitaly's services and messages, by name and number.
``gitaly/``
    The modules generated from them. ``generate.py`` makes them.
``git/``
    What git clients speak: pkt-lines, sidebands, advertisements, fetch and push requests, SSH command lines, smart HTTP paths.
``yamux/``
    Many streams on one connection.
``channels/``
    What Gitaly makes of that: calls both ways, and the bytes of a call beside it.
"""
