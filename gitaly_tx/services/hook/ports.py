"""
What the methods work with.
"""

from __future__ import annotations

from attrs import frozen

from ...git.interfaces import IGit
from ...hooks.custom import CustomHooks
from ...hooks.gitlab import Gitlab
from ...storage.interfaces import IStorageProvider


@frozen
class HookPorts:
    """
    :param custom: runs custom hooks.
    :param gitlab: the application that is asked about pushes, if there is one.
    """

    git: IGit
    storage: IStorageProvider
    custom: CustomHooks
    gitlab: Gitlab | None = None
