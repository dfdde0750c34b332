"""
What the methods of this service work with.
"""

from __future__ import annotations

from attrs import frozen

from ...git.interfaces import IGit
from ...git.mailmaps import Mailmaps
from ...storage.interfaces import IStorageProvider


@frozen
class CommitPorts:
    """
    :param mailmaps: say which names and addresses are shown.
    """

    storage: IStorageProvider
    git: IGit
    mailmaps: Mailmaps
