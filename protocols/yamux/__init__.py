"""
HashiCorp yamux, protocol version 0: many streams on one connection. Both ends; bytes in, events out.

``session.py``
    One end of a connection: :class:`~protocols.yamux.session.Session`. What the owner of a connection needs, with ``events.py``
    and ``errors.py``.
``events.py``
    What a session tells.
``stream.py``
    The states of one stream, as a table.
``window.py``
    How many bytes may be sent: arithmetic only.
``ids.py``
    Which streams the peer has opened already.
``outgoing.py``
    What waits to be sent.
``frames.py``
    Headers, and where frames begin and end.
``errors.py``
    What a peer can get wrong, and what cannot be done: :class:`~protocols.yamux.errors.YamuxError` and its kinds. Whatever bytes
    a session is fed, it raises nothing else.

The specification is https://github.com/hashicorp/yamux/blob/master/spec.md; where it says nothing, this does what HashiCorp's
library does.
"""
