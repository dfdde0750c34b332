"""
What the methods work with.
"""

from __future__ import annotations

from attrs import frozen

from ...git.interfaces import IGit
from ...hooks.custom import CustomHooks
from ...hooks.gitlab import Gitlab
from ...storage.interfaces import IStorageProvider
from ...transport.hooksocket import HookSockets
from ...transport.interfaces import IPackObjects


@frozen
class HookPorts:
    """
    :param custom: runs custom hooks.
    :param packs: makes packs.
    :param sockets: connects to hooks that have a socket of their own.
    :param gitlab: the application that is asked about pushes, if there is one.
    """

    git: IGit
    storage: IStorageProvider
    custom: CustomHooks
    packs: IPackObjects
    sockets: HookSockets
    gitlab: Gitlab | None = None
