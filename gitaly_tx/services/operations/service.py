"""
The methods of ``operations.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from ...rpc.interfaces import IMethods
from .ports import OperationPorts


@implementer(IMethods)
@frozen
class OperationService:
    """
    What users do to repositories in an application: branches, tags, merges, commits.
    """

    service: ClassVar[str] = "gitaly.OperationService"

    _ports: OperationPorts
