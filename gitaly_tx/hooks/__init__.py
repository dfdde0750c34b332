"""
What happens around a ref update: policies, custom hooks, events.

A policy is a small class. This one is found by itself in any ``twisted/plugins/NAME.py`` on the Python path; a server whose
configuration names it (``package.module:no_wip``) does not start without it::

    from twisted.plugin import IPlugin
    from zope.interface import implementer
    from gitaly_tx.hooks.interfaces import IPushPolicy, Refused

    @implementer(IPlugin, IPushPolicy)
    class NoWip:
        name = "no-wip"

        async def check(self, push):
            if any(update.name.startswith(b"refs/heads/wip/") for update in push.updates):
                raise Refused("keep branches below wip/ to yourself")

    no_wip = NoWip()
"""
