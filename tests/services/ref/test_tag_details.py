"""
Tests for :mod:`gitaly_tx.services.ref.tag_details`.
"""

from __future__ import annotations

from gitaly_tx.errors import Code
from gitaly_tx.rpc.chunks import CHUNK
from protocols.gitaly.ref_pb2 import GetTagMessagesResponse
from tests.services.ref.case import SIGNATURE, RefCase


class TagDetailsCase(RefCase):
    """
    A signed tag, and a tag of it.
    """

    def refs(self) -> None:
        self.point("refs/heads/main", self.second)
        self.signed = self.tag("signed", self.first, message=b"words\n\n" + SIGNATURE)
        self.nested = self.tag("nested", self.signed, "tag", b"n" * (CHUNK + 5))


class GetTagMessagesTests(TagDetailsCase):
    """
    ``GetTagMessages``
    """

    async def test_messages(self):
        """
        Messages are whole and as they are, in the order of the request; each id stands alone before its message.
        """
        replies = await self.replies(self.call("GetTagMessages", tag_ids=[self.nested, self.signed]))
        self.assertEqual(
            replies,
            [
                GetTagMessagesResponse(tag_id=self.nested),
                GetTagMessagesResponse(message=b"n" * CHUNK),
                GetTagMessagesResponse(message=b"n" * 5),
                GetTagMessagesResponse(tag_id=self.signed),
                GetTagMessagesResponse(message=b"words\n\n" + SIGNATURE),
            ],
        )
        self.assertEqual(await self.replies(self.call("GetTagMessages")), [])

    async def test_errors(self):
        """
        What is missing, or no tag, is an error.
        """
        for tag_id, text in [
            ("1" * 40, "object not found"),
            ("nope", "object not found"),
            ("--all", "object not found"),
            (self.first, "expected tag, got commit"),
        ]:
            refused = await self.refusal(self.call("GetTagMessages", tag_ids=[tag_id]))
            self.assertEqual(refused, (Code.INTERNAL, f"getting tag: {text}"))


class GetTagSignaturesTests(TagDetailsCase):
    """
    ``GetTagSignatures``
    """

    async def ids(self, *revisions: str) -> list[str]:
        replies = await self.replies(self.call("GetTagSignatures", tag_revisions=revisions))
        return [signature.tag_id for reply in replies for signature in reply.signatures]

    async def test_signature(self):
        """
        The signature and what it signs are told apart; without one everything is content.
        """
        reply = await self.reply(self.call("GetTagSignatures", tag_revisions=[self.nested]))
        unsigned, signed = reply.signatures
        self.assertEqual((unsigned.tag_id, unsigned.signature), (self.nested, b""))
        self.assertTrue(unsigned.content.endswith(b"\n\n" + b"n" * (CHUNK + 5)))
        self.assertEqual((signed.tag_id, signed.signature), (self.signed, SIGNATURE[:-1]))
        self.assertTrue(signed.content.startswith(f"object {self.first}\n".encode()))
        self.assertTrue(signed.content.endswith(b"\n\nwords\n\n"))

    async def test_without_git(self):
        """
        Ids and full names are followed here: each tag comes once, and what is no tag not at all.
        """
        found = await self.ids("refs/tags/signed", self.nested, self.second, "refs/heads/main")
        self.assertEqual(found, [self.signed, self.nested])
        self.assertEqual(self.started, [])

    async def test_with_git(self):
        """
        git finds the same, and what only git understands.
        """
        for revisions, expected in [
            (["signed"], [self.signed]),
            ([self.nested[:12]], [self.nested, self.signed]),
            (["--tags=sig*"], [self.signed]),
            (["--not", "--all"], []),
            ([self.nested, "--not", "signed"], [self.nested]),
        ]:
            self.assertEqual(await self.ids(*revisions), expected, revisions)
        self.assertEqual(set(self.started), {"rev-list"})
        await self.no_children()

    async def test_errors(self):
        """
        Revisions are needed, well-formed, and there (fault 42).
        """
        for revisions, text in [
            ([], "missing revisions"),
            ([""], "invalid revision: empty revision"),
            (["--exec=id"], "invalid revision: revision can't start with '-'"),
            (["a b"], "invalid revision: revision can't contain whitespace"),
            (["main:x"], "invalid revision: revision can't contain ':'"),
        ]:
            refused = await self.refusal(self.call("GetTagSignatures", tag_revisions=revisions))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, text))
        missing = "1" * 40
        text = f'rev-list pipeline command: exit status 128, stderr: "fatal: bad object {missing}\\n"'
        refused = await self.refusal(self.call("GetTagSignatures", tag_revisions=[missing]))
        self.assertEqual(refused, (Code.INTERNAL, f"cat-file iterator stop: {text}"))
