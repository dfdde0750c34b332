"""
Somebody who hears of writes.
"""

from __future__ import annotations

from attrs import define, field
from zope.interface import implementer

from gitaly_tx.git.interfaces import IGit
from gitaly_tx.hooks.events import Announcer
from gitaly_tx.hooks.interfaces import Change, IEventSink, RefsUpdated
from gitaly_tx.hooks.unasked import Unasked


@implementer(IEventSink)
@define(eq=False)
class Sink:
    """
    Remembers what it heard.
    """

    name: str = "test"
    events: list[RefsUpdated] = field(factory=list)

    async def refs_updated(self, event: RefsUpdated) -> None:
        """
        Hears.
        """
        self.events.append(event)

    @property
    def heard(self) -> list[dict[str, str]]:
        """
        What became of refs, and of HEAD, for each write.
        """
        return [_refs(event) for event in self.events]

    @property
    def changes(self) -> list[tuple[str, Change]]:
        """
        What was done, and to which repositories.
        """
        return [(event.push.repository.partition.path, event.change) for event in self.events]


def _refs(event: RefsUpdated) -> dict[str, str]:
    refs = {update.name.decode(): str(update.new) for update in event.updates}
    return refs if event.head is None else {**refs, "HEAD": event.head.decode()}


def make_unasked(git: IGit, *sinks: Sink) -> Unasked:
    """
    Writes that these hear of.
    """
    return Unasked(Announcer(sinks), git)
