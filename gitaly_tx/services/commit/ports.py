"""
What the methods of this service work with.
"""

from __future__ import annotations

from attrs import frozen

from ...git.interfaces import IGit
from ...git.mailmaps import Mailmaps
from ...linguist.languages import Languages
from ...signing.system import UNSIGNED, Signing
from ...storage.interfaces import IStorageProvider


@frozen
class CommitPorts:
    """
    :param mailmaps: say which names and addresses are shown.
    :param languages: counts bytes by language.
    :param signing: knows which signatures are the server's.
    """

    storage: IStorageProvider
    git: IGit
    mailmaps: Mailmaps
    languages: Languages
    signing: Signing = UNSIGNED
