"""
The question every door asks before any work: may this user do this to that repository?
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable

from attrs import frozen
from zope.interface import Interface


class Verb(enum.IntEnum):
    """
    What somebody may do to a repository; each verb includes the ones before it.
    """

    READ = 1
    WRITE = 2
    CREATE = 3
    ADMIN = 4


@frozen
class Decision:
    """
    :param allowed: yes or no.
    :param reason: why, in words for the log: ``rule 3: team/* write``.
    :param message: what a refused user is told. It does not say whether a repository exists that they may not see.
    """

    allowed: bool
    reason: str
    message: str = ""


class IAccess(Interface):
    """
    Decides who may do what. Deny is the default; an implementation that cannot decide raises.
    """

    def decide(user: str | None, verb: Verb, storage: str, path: str) -> Awaitable[Decision]:
        """
        :param user: a configured user's name, or ``None`` for somebody who did not say who they are.
        :param verb: what they want to do.
        :param storage: the storage's name.
        :param path: the repository as the user wrote it, without leading slash and without ``.git``: ``team/thing``.
        :raises GitalyError: if it cannot be decided; the caller treats that as a refusal.
        """

    def reach(user: str | None) -> Awaitable[list[tuple[str, Verb]]]:
        """
        What somebody may reach, in words for a person: (repository pattern, highest verb), in the order of the rules.
        """


Attempted = Callable[[str, bool], None]
"""Told of every attempt to prove who one is: how (``key``, ``token``, ``anonymous``), and whether it was good enough."""


def unobserved(how: str, good: bool) -> None:
    """
    For those who count nothing.
    """
