"""
Connections that carry many streams: :mod:`protocols.yamux` with time, back-pressure and whoever uses the streams. Both ends are
here, for the gRPC front end and for the client.

``connection.py``
    A session and its streams, whatever carries its bytes.
``bytestream.py``
    A stream for coroutines: read, write, close.
``bridged.py``
    A stream and a socket joined: what comes out of one goes into the other.
"""
