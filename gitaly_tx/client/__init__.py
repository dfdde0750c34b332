"""
A client of Gitaly's: what this server uses to reach others, and what Python programs use to reach any.

``dial.py``
    ``unix:``, ``tcp://``, ``tls://`` and ``dns:`` addresses → a channel.
``stub.py``
    A channel, a secret and a method's name → a call. For asyncio programs: :class:`~gitaly_tx.client.stub.Client`.
``peers.py``
    The same for Twisted programs, :class:`~gitaly_tx.client.peers.Peer`, and the connections that the server keeps.
``multiplexed.py``, ``sidechannels.py``, ``wire.py``
    A connection that carries sidechannels beside calls, as Workhorse and GitLab Shell have one; for both kinds of programs.
``servers.py``
    The ``gitaly-servers`` metadata.
``status.py``
    A failed call → :class:`~gitaly_tx.client.interfaces.PeerError`.

With asyncio::

    client = Client.dial("tcp://127.0.0.1:8075", token="secret")
    reply = await client.unary("RepositoryService/RepositoryExists", RepositoryExistsRequest(repository=repository))
    await client.close()

With Twisted, on the asyncio reactor, inside of any coroutine::

    peers = Peers(time.time)
    peer = peers.at("tcp://127.0.0.1:8075", token="secret")
    async for reply in peer.replies("RefService/ListRefs", ListRefsRequest(repository=repository, patterns=[b"refs/"])):
        ...
    await peers.close()

A fetch, as GitLab Shell makes it, with asyncio::

    async def talk(channel):
        await channel.write(b"0000")
        await channel.finish()
        while data := await channel.read():
            ...

    connected = await Multiplexed.dial("tcp://127.0.0.1:8075")
    reply = await connected.call("SSHService/SSHUploadPackWithSidechannel", request, talk)
    await connected.close()
"""
