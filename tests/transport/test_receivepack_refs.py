"""
What becomes of refs: our receive-pack and git's own, with the same bytes.
"""

from __future__ import annotations

from tests.support import differential
from tests.support.pushes import CAPABILITIES, EMPTY_PACK, ZERO, Answered, push


class RefTests(differential.DifferentialCase):
    """
    The report and the refs afterwards are git's.
    """

    async def test_create(self) -> None:
        """
        A branch at an object that is there already is created.
        """
        ours = await self.compare(push((ZERO, self.main, b"refs/heads/new"), pack=EMPTY_PACK))
        self.assertEqual(ours.report, [b"unpack ok", b"ok refs/heads/new"])

    async def test_delete(self) -> None:
        """
        A branch that is not HEAD's goes.
        """
        ours = await self.compare(push((self.main, ZERO, b"refs/heads/other")))
        self.assertEqual(ours.report, [b"unpack ok", b"ok refs/heads/other"])

    async def test_update_and_rewind(self) -> None:
        """
        A branch goes forward and back.
        """
        await self.compare(
            push((self.older, self.main, b"refs/heads/old"), (self.main, self.older, b"refs/heads/main"), pack=EMPTY_PACK)
        )

    async def test_stale(self) -> None:
        """
        One ref is not what the client believes; the other is updated.
        """
        ours = await self.compare(
            push((self.older, self.main, b"refs/heads/main"), (self.older, self.main, b"refs/heads/old"), pack=EMPTY_PACK)
        )
        self.assertEqual(ours.report, [b"unpack ok", b"ng refs/heads/main failed to update ref", b"ok refs/heads/old"])
        self.assertIn(b"error: cannot lock ref 'refs/heads/main': is at %b but expected %b" % (self.main, self.older), ours.told)

    async def test_exists_already(self) -> None:
        """
        A ref that should not exist does.
        """
        ours = await self.compare(push((ZERO, self.main, b"refs/heads/old"), pack=EMPTY_PACK))
        self.assertIn(b"reference already exists", ours.told)

    async def test_gone_already(self) -> None:
        """
        A ref that should exist does not, whether it is to be changed or deleted.
        """
        ours = await self.compare(
            push((self.main, self.older, b"refs/heads/nope"), (self.main, ZERO, b"refs/heads/neither"), pack=EMPTY_PACK)
        )
        self.assertIn(b"reference is missing but expected %b" % self.main, ours.told)

    async def test_delete_what_never_was(self) -> None:
        """
        Deleting a ref that does not exist, with an object that does not exist, is fine.
        """
        ours = await self.compare(push((b"1" * 40, ZERO, b"refs/heads/nope"), (ZERO, ZERO, b"refs/heads/neither")))
        self.assertEqual(ours.told, b"warning: deleting a non-existent ref\n" * 2)

    async def test_delete_current(self) -> None:
        """
        HEAD's branch is not deleted.
        """
        ours = await self.compare(push((self.main, ZERO, b"refs/heads/main")))
        self.assertEqual(ours.report, [b"unpack ok", b"ng refs/heads/main deletion of the current branch prohibited"])

    async def test_directory_conflicts(self) -> None:
        """
        Names that another ref is in the way of.
        """
        await self.compare(push((ZERO, self.main, b"refs/heads/main/more"), (ZERO, self.main, b"refs/heads"), pack=EMPTY_PACK))

    async def test_make_room(self) -> None:
        """
        A ref is deleted to make room for another one in the same push.
        """
        ours = await self.compare(
            push((self.main, ZERO, b"refs/heads/other"), (ZERO, self.main, b"refs/heads/other/more"), pack=EMPTY_PACK)
        )
        self.assertEqual(ours.report, [b"unpack ok", b"ok refs/heads/other", b"ok refs/heads/other/more"])

    async def test_atomic(self) -> None:
        """
        All or none.
        """
        atomic = CAPABILITIES + " atomic"
        stale = (self.older, self.main, b"refs/heads/main")
        fine = (self.older, self.main, b"refs/heads/old")
        funny = (ZERO, self.main, b"refs/heads/a..b")
        ours = await self.compare(push(fine, stale, pack=EMPTY_PACK, capabilities=atomic))
        self.assertEqual(
            ours.report[1:], [b"ng refs/heads/old atomic transaction failed", b"ng refs/heads/main atomic transaction failed"]
        )
        ours = await self.compare(push(fine, funny, pack=EMPTY_PACK, capabilities=atomic))
        self.assertEqual(ours.report[1:], [b"ng refs/heads/old atomic push failure", b"ng refs/heads/a..b funny refname"])
        await self.compare(push(fine, (ZERO, self.main, b"refs/heads/new"), pack=EMPTY_PACK, capabilities=atomic))

    async def test_hidden(self) -> None:
        """
        Refs that no push may write.
        """
        await self.compare(
            push(
                (ZERO, self.main, b"refs/keep-around/1"),
                (ZERO, self.main, b"refs/merge-requests/1/head"),
                (self.main, ZERO, b"refs/pipelines/1"),
                (ZERO, self.main, b"refs/environments"),
                (ZERO, self.main, b"refs/environmentsly/1"),
                pack=EMPTY_PACK,
            )
        )

    async def test_funny_names(self) -> None:
        """
        Names that are none (fault 67).
        """
        names = (
            b"refs/heads/../../config",
            b"refs/heads/x\ty",
            b"HEAD",
            b"refs/x",
            b"refs/heads/x.lock",
            b"refs/heads/a@{b",
            b"x",
        )
        ours = await self.compare(push(*((ZERO, self.main, name) for name in names), pack=EMPTY_PACK))
        self.assertTrue(all(line.endswith(b" funny refname") for line in ours.report[1:]))

    async def test_missing_object(self) -> None:
        """
        A tip that nobody has.
        """
        ours = await self.compare(
            push((ZERO, b"d" * 40, b"refs/heads/new"), (ZERO, self.main, b"refs/heads/fine"), pack=EMPTY_PACK)
        )
        self.assertEqual(ours.report, [b"unpack ok", b"ng refs/heads/new missing necessary objects", b"ok refs/heads/fine"])

    async def test_no_report_and_no_sidebands(self) -> None:
        """
        Clients that want less get less.
        """
        wish = (ZERO, self.main, b"refs/heads/new")
        self.assertEqual(await self.compare(push(wish, pack=EMPTY_PACK, capabilities="")), Answered(ended=True))
        ours = await self.compare(push((self.main, ZERO, wish[2]), capabilities="report-status"))
        self.assertEqual(ours.report, [b"unpack ok", b"ok refs/heads/new"])

    async def test_report_v2(self) -> None:
        """
        The newer report.
        """
        await self.compare(
            push((ZERO, self.main, b"refs/heads/n"), pack=EMPTY_PACK, capabilities="report-status-v2 side-band-64k quiet")
        )
