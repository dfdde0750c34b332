"""
One push, from its pack to its report.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from protocols.git.push import RefResult, report_status

from ..errors import GitalyError
from ..git.interfaces import IGit, IObjectReader, RefUpdate
from ..hooks.chain import RefsRefused
from ..hooks.interfaces import IHooks, Push, Refused
from ..observability.failpoints import failpoint
from ..storage.interfaces import IRepository, IStaging
from ..storage.threads import Threads
from ..streams import IByteSource
from .connectivity import Connectivity
from .interfaces import PushRequest
from .pushanswer import Answer
from .pushrefusals import *
