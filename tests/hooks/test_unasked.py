"""
Writes that nobody has a say in, and that others hear of.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.hooks.interfaces import Change
from gitaly_tx.storage.interfaces import IRepository
from protocols.gitaly.shared_pb2 import Repository
from tests.support.writecase import NAME, RELATIVE_PATH, WriteCase

MAIN = b"refs/heads/main"

NEW = Repository(storage_name="default", relative_path="new.git")


def begin(awaitable: Any) -> Deferred[Any]:
    return Deferred.fromCoroutine(awaitable)


class UnaskedTests(WriteCase):
    """
    ``Unasked``
    """

    def fill(self) -> None:
        self.first, self.second = (ObjectID(self.rev(revision)) for revision in ("main~1", "main"))

    async def opened(self) -> IRepository:
        return await self.provider.repository(NAME)

    async def test_commit(self) -> None:
        """
        Sinks hear once of what was written, by nobody, and of nothing that was refused.
        """
        repository = await self.opened()
        wish = RefUpdate(MAIN, self.second, self.first)
        outcome = await self.unasked.commit(repository, [wish])
        self.assertEqual((outcome.refused, self.sink.heard), ({}, [{"refs/heads/main": str(self.first)}]))
        (event,) = self.sink.events
        self.assertEqual((event.head, event.change, event.push.user, event.push.creates), (None, Change.MOVED, None, False))
        outcome = await self.unasked.commit(repository, [wish])
        self.assertEqual((list(outcome.refused), len(self.sink.events)), ([MAIN], 1))

    async def test_head(self) -> None:
        """
        They hear of HEAD if it was a name for another ref, alone or with other refs.
        """
        repository = await self.opened()
        for head in (b"refs/heads/next", b"refs/heads/next", MAIN):
            await self.unasked.commit(repository, head=head)
        created = RefUpdate(b"refs/heads/next", None, self.first)
        await self.unasked.commit(repository, [created], head=created.name)
        moved = {"refs/heads/next": str(self.first), "HEAD": "refs/heads/next"}
        self.assertEqual(self.sink.heard, [{"HEAD": "refs/heads/next"}, {"HEAD": "refs/heads/main"}, moved])

    async def test_create_and_remove(self) -> None:
        """
        They hear of a repository that is made with all its refs, and when it is gone; what is no repository is not worth a word.
        """
        made = await self.unasked.create(self.provider, NEW, default_branch=b"refs/heads/trunk")
        self.assertEqual(await made.head(), b"refs/heads/trunk")
        await self.unasked.remove(self.provider, NEW)
        self.assertFalse(await self.provider.exists(NEW))
        self.assertEqual(self.sink.heard, [{"HEAD": "refs/heads/trunk"}, {}])
        self.assertEqual(self.sink.changes, [("new.git", Change.CREATED), ("new.git", Change.REMOVED)])
        os.mkdir(os.path.join(self.root, "new.git"))
        await self.unasked.remove(self.provider, NEW)
        self.assertFalse(os.path.exists(os.path.join(self.root, "new.git")))
        self.assertEqual(len(self.sink.events), 2)

    async def test_nothing(self) -> None:
        """
        They do not hear of a write that changes no ref.
        """
        repository = await self.opened()
        await self.unasked.commit(repository)
        await self.unasked.tell(repository)
        self.assertEqual(self.sink.events, [])

    async def held_up(self, write: Callable[[IRepository], Awaitable[object]]) -> Deferred[Any]:
        """
        A write that waits for its turn, because somebody else has it until :attr:`over` fires.
        """
        self.over: Deferred[None] = Deferred()
        begun: Deferred[None] = Deferred()
        repository = await self.opened()

        async def hold() -> None:
            begun.callback(None)
            await self.over

        self.holding = begin(repository.maintain(hold))
        await begun
        return begin(write(repository))

    async def test_caller_goes(self) -> None:
        """
        What a caller has asked for is written and told, even if the caller has gone by then.
        """
        wish = RefUpdate(MAIN, self.second, self.first)
        writing = await self.held_up(lambda repository: self.unasked.commit(repository, [wish]))
        writing.cancel()
        await self.assertFailure(writing, CancelledError)
        self.assertEqual(self.sink.events, [])
        self.over.callback(None)
        await self.holding
        await self.unasked.settle()
        self.assertEqual(self.sink.heard, [{"refs/heads/main": str(self.first)}])
        self.assertEqual(self.rev("main"), str(self.first))

    async def test_caller_takes_the_objects(self) -> None:
        """
        If a caller takes away what is to be written before its turn has come, nothing is written, and nobody hears of it.
        """
        staging = await (await self.opened()).stage()
        wish = RefUpdate(MAIN, self.second, self.first)
        writing = await self.held_up(lambda repository: self.unasked.commit(repository, [wish], staging))
        writing.cancel()
        await self.assertFailure(writing, CancelledError)
        await staging.discard()
        self.over.callback(None)
        await self.holding
        await self.unasked.settle()
        self.assertEqual((self.sink.events, self.rev("main")), ([], str(self.second)))
        self.assertEqual(len(self.flushLoggedErrors()), 1)
        self.assertEqual(self.left(), [])

    async def test_path(self) -> None:
        """
        An event says which repository it is about.
        """
        await self.unasked.commit(await self.opened(), head=b"refs/heads/next")
        self.assertEqual(self.sink.changes, [(RELATIVE_PATH, Change.MOVED)])
