"""
How Gitaly's clients and servers use one connection for calls both ways and for bytes beside the calls. Bytes in, events out.

``backchannel.py``
    The first bytes of a connection, or of a stream within one: what it is for.
``sidechannel.py``
    A stream that the server opens towards its caller, for the bytes of one call.
``errors.py``
    What can go wrong with a sidechannel: :class:`~protocols.channels.errors.SidechannelError` and its kinds.

A multiplexed connection begins with the word :data:`~protocols.channels.backchannel.BACKCHANNEL`; everything after it is yamux
(:mod:`protocols.yamux`). On the client's first stream it makes its gRPC calls. Each stream that the server opens is either a
sidechannel or a gRPC connection on which the client is the server, the backchannel.
"""
