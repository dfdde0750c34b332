"""
Taking part in transactions over several servers.
"""

from __future__ import annotations

from .payload import Payload


class VoteFailed(Exception):
    """
    The vote could not be given.
    """


def vote(payload: Payload) -> None:
    """
    Vote, if the command is part of a transaction. Votes go back over the connection that the call came from, to whoever leads the
    transaction; nobody does here, so there is no such connection.

    :raises VoteFailed: if it is part of one.
    """
    if payload.vote is not None:
        raise VoteFailed(f"get backchannel: no backchannel for peer {payload.vote.backchannel}")


def synchronize(payload: Payload, hook: str) -> None:
    """
    Tell the others that a hook is done, so that they can go on.

    :raises VoteFailed: as :func:`vote`.
    """
    try:
        vote(payload)
    except VoteFailed as error:
        raise VoteFailed(f"synchronizing {hook} hook: vote failed: {error}") from error
