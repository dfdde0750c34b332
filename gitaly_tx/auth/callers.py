"""
What gRPC callers have to know, replaceable while the server runs.
"""

from __future__ import annotations

from attrs import field, frozen

from ..config.model import Auth


@frozen
class Wanted:
    """
    :param secrets: any of them will do; the first one is the one that callers should have. Without any nobody is asked.
    :param transitioning: let those pass who know none of them, and only count them.
    """

    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    transitioning: bool = False

    @classmethod
    def of(cls, auth: Auth) -> Wanted:
        """
        What a configuration says.
        """
        secrets = (auth.token, *auth.previous_tokens) if auth.token else ()
        return cls(tuple(secret.encode("utf-8", "surrogateescape") for secret in secrets), auth.transitioning)


class Callers:
    """
    Whoever has to ask holds this one object for ever; a reload replaces what is inside.

    :ivar wanted: what callers have to know now.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted

    def replace(self, wanted: Wanted) -> list[str]:
        """
        :returns: what changed, in words without secrets; empty if nothing did.
        """
        before, self.wanted = self.wanted, wanted
        changes = []
        if before.secrets != wanted.secrets:
            known = len(wanted.secrets)
            changes.append(f"gRPC callers: {known} {'token is' if known == 1 else 'tokens are'} accepted now")
        if before.transitioning != wanted.transitioning:
            changes.append(
                f"gRPC callers without the token are {'let in and counted' if wanted.transitioning else 'refused'} now"
            )
        return changes
