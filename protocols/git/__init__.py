"""
What git clients speak: bytes in, events out.

``pktline.py``
    The framing that everything else is made of.
``sideband.py``
    Pack data, progress and errors in one stream.
``capabilities.py``
    What a client and a server say they can do.
``advertisement.py``
    The list of refs that a server begins with.
``fetch.py``
    What a client of upload-pack asks for, and the counts kept of it.
``push.py``
    What a client of receive-pack asks for, and the report that it gets.
``service.py``, ``sshcommand.py``, ``smarthttp.py``
    git's services, and how a client names one and a repository over SSH and over HTTP.
``errors.py``
    What a client can get wrong: :class:`~protocols.git.errors.GitProtocolError` and its kinds. Whatever bytes are fed to these
    modules, they raise nothing else.
"""
