"""
A repository with what is in quarantine.
"""

from __future__ import annotations

from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.storage.interfaces import IRepository
from gitaly_tx.transport.pushview import QuarantinedRepository
from tests.support import pushcase


class ViewTests(pushcase.PushCase):
    """
    ``QuarantinedRepository``.
    """

    async def test_looking(self) -> None:
        """
        New and old objects are there, refs as they were; nobody else sees the new ones.
        """
        staging = await self.repository.stage()
        self.addCleanup(staging.discard)
        new = await staging.write_object(b"blob", b"new")
        old = ObjectID(self.main)
        view = QuarantinedRepository(self.repository, self.repository.objects, staging.directory)
        verifyObject(IRepository, view)
        self.assertEqual((view.partition, view.object_format), (self.repository.partition, self.repository.object_format))
        self.assertEqual((await view.object(new)).data, b"new")
        self.assertEqual([info and info.type for info in await view.object_info([new, old])], [b"blob", b"commit"])
        self.assertEqual(await self.repository.object_info([new]), [None])
        self.assertEqual(await view.refs(), await self.repository.refs())
        self.assertEqual(await view.ref(b"refs/heads/main"), await self.repository.ref(b"refs/heads/main"))
        self.assertEqual(await view.head(), b"refs/heads/main")
        with self.assertRaises(NotImplementedError):  # what the fake says: it was asked
            await view.peel([new])

    async def test_not_writing(self) -> None:
        """
        It cannot be written to.
        """
        view = QuarantinedRepository(self.repository, self.repository.objects, self.directory)

        async def job() -> None:
            raise AssertionError

        for attempt in (view.stage(), view.commit(), view.maintain(job)):
            with self.assertRaises(GitalyError) as caught:
                await attempt
            self.assertEqual(caught.exception.code, Code.FAILED_PRECONDITION)
