"""
``GetCommitMessages``, ``GetCommitSignatures``, ``FilterShasWithSignatures`` and ``CheckObjectsExist``
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from gitaly_tx.git.commits import with_signature
from gitaly_tx.git.mailmaps import Mailmaps
from gitaly_tx.git.objectid import ObjectFormat
from gitaly_tx.services.commit.ports import CommitPorts
from gitaly_tx.services.commit.service import CommitService
from gitaly_tx.signing.system import Signing, parse
from protocols.gitaly import commit_pb2 as pb
from protocols.gitaly.shared_pb2 import CommitAuthor
from tests.support.readcase import NAME
from tests.support.signingkeys import ssh_key

from .case import CommitCase

SIGNED = (
    b"tree %b\nauthor A <a@x> 1 +0000\ncommitter C <c@x> 2 +0000\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n"
    b" -----END PGP SIGNATURE-----\n\nsigned\n"
)


class DetailsCase(CommitCase):
    """
    :ivar signed: a signed commit.
    """

    def fill(self) -> None:
        super().fill()
        self.tree = self.oid("main^{tree}").encode()
        self.signed = self.write("commit", SIGNED % self.tree)

    async def streamed(self, method: str, field: str, requests: Sequence[list[bytes]]) -> list[Any]:
        """
        All that a method answers to a stream of requests, of which only the first names the repository.
        """

        async def sent() -> AsyncIterator[Any]:
            for number, values in enumerate(requests):
                named = {} if number else {"repository": NAME}
                yield getattr(pb, f"{method}Request")(**named, **{field: values})

        return await self.replies(getattr(self.service, method)(None, sent()))


class MessagesTests(DetailsCase):
    """
    ``GetCommitMessages``
    """

    async def test_messages(self):
        """
        For each commit its id and then its message, none for an empty one.
        """
        empty = self.run_git("commit-tree", "main^{tree}", stdin=b"")
        long = self.run_git("commit-tree", "main^{tree}", stdin=b"x" * 300_000)
        replies = await self.replies(self.call("GetCommitMessages", commit_ids=[self.ids["one"], empty, "v1", long]))
        found = [(reply.commit_id, len(reply.message)) for reply in replies]
        cut = [("", 131072), ("", 131072), ("", 300_000 - 2 * 131072)]
        self.assertEqual(found, [(self.ids["one"], 0), ("", 3), (empty, 0), ("v1", 0), ("", 3), (long, 0), *cut])

    async def test_missing(self):
        """
        What was found before is sent, then the error.
        """
        called = self.call("GetCommitMessages", commit_ids=[self.ids["one"], "nope"])
        self.assertEqual((await anext(called)).commit_id, self.ids["one"])
        self.assertEqual((await anext(called)).message, b"one")
        code, text = await self.refusal(called)
        self.assertEqual((code.name, text), ("INTERNAL", "failed to get commit message: object not found"))
        self.assertEqual(await self.replies(self.call("GetCommitMessages")), [])


class SignaturesTests(DetailsCase):
    """
    ``GetCommitSignatures`` and ``FilterShasWithSignatures``
    """

    async def test_signatures(self):
        """
        For each signed commit the signature and what was signed; others are left out.
        """
        ids = [self.ids["one"], self.signed, "12" * 20]
        head, text = await self.replies(self.call("GetCommitSignatures", commit_ids=ids))
        self.assertEqual(
            head,
            pb.GetCommitSignaturesResponse(
                commit_id=self.signed,
                signature=b"-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----",
                signer=pb.GetCommitSignaturesResponse.SIGNER_USER,
                author=CommitAuthor(name=b"A", email=b"a@x", date=Timestamp(seconds=1), timezone=b"+0000"),
                committer=CommitAuthor(name=b"C", email=b"c@x", date=Timestamp(seconds=2), timezone=b"+0000"),
            ),
        )
        unsigned = b"tree %b\nauthor A <a@x> 1 +0000\ncommitter C <c@x> 2 +0000\n\nsigned\n" % self.tree
        self.assertEqual(text, pb.GetCommitSignaturesResponse(signed_text=unsigned))

    async def test_signer(self):
        """
        What the server's key has signed, or an earlier one, is known as the server's own.
        """
        content = b"tree %b\nauthor A <a@x> 1 +0000\ncommitter C <c@x> 2 +0000\n\nsigned\n" % self.tree
        keys = [parse(ssh_key(number=number)) for number in range(3)]
        ids = [self.write("commit", with_signature(content, key.sign(content), ObjectFormat.SHA1)) for key in keys]
        ports = CommitPorts(self.storage, self.git_port, Mailmaps(), self.languages, Signing(keys[0], keys[1:2]))
        self.service = CommitService(ports)
        replies = await self.replies(self.call("GetCommitSignatures", commit_ids=ids))
        signers = [reply.signer for reply in replies if reply.commit_id]
        kinds = pb.GetCommitSignaturesResponse
        self.assertEqual(signers, [kinds.SIGNER_SYSTEM, kinds.SIGNER_SYSTEM, kinds.SIGNER_USER])

    async def test_refused(self):
        """
        Whole ids are needed.
        """
        for ids, text in (
            ([], "empty CommitIds"),
            ([self.signed, "abc"], 'invalid object ID: "abc", expected length 40, got 3'),
            (["Z" * 40], f"invalid object ID: \"{'Z' * 40}\", invalid character 'Z'"),
        ):
            self.assertEqual(await self.refused("GetCommitSignatures", commit_ids=ids), f"INVALID_ARGUMENT {text}")

    async def test_filtered(self):
        """
        One answer for each request, with the signed ones as they were named.
        """
        signed = self.signed.encode()
        requests = [[signed, self.ids["one"].encode()], [], [b"nope", signed[:12], signed]]
        replies = await self.streamed("FilterShasWithSignatures", "shas", requests)
        self.assertEqual([list(reply.shas) for reply in replies], [[signed], [], [signed[:12], signed]])

    async def test_unknown_kind(self):
        """
        A signature of a kind that nobody knows does not count.
        """
        odd = self.write("commit", (SIGNED % self.tree).replace(b"BEGIN PGP SIG", b"BEGIN ODD SIG")).encode()
        (reply,) = await self.streamed("FilterShasWithSignatures", "shas", [[odd]])
        self.assertEqual(list(reply.shas), [])

    async def test_no_request(self):
        """
        A stream without requests is an error.
        """
        for method, field in (("FilterShasWithSignatures", "shas"), ("CheckObjectsExist", "revisions")):
            error = await self.failed(method, field)
            self.assertEqual((error.code.name, error.message), ("INTERNAL", "EOF"))

    async def failed(self, method: str, field: str) -> Any:
        """
        What a method raises that nobody asks anything.
        """

        async def nothing() -> AsyncIterator[Any]:
            for _ in ():
                yield

        return await self.error(getattr(self.service, method)(None, nothing()))


class ExistenceTests(DetailsCase):
    """
    ``CheckObjectsExist``
    """

    async def test_answers(self):
        """
        All in one message, in the order asked for, as named.
        """
        requests = [[b"main", b"nope", b"main:README"], [], [b"main:nope", b"12" * 20, self.ids["one"].encode(), b"v1^{tree}"]]
        (reply,) = await self.streamed("CheckObjectsExist", "revisions", requests)
        found = [(each.name, each.exists) for each in reply.revisions]
        expected = [True, False, True, False, False, True, True]
        self.assertEqual(found, list(zip([name for names in requests for name in names], expected, strict=True)))

    async def test_nothing(self):
        """
        Who asks for nothing gets no message.
        """
        self.assertEqual(await self.streamed("CheckObjectsExist", "revisions", [[]]), [])

    async def test_refused(self):
        """
        A bad revision refuses the call.
        """
        for bad, text in (
            (b"-x", "revision can't start with '-'"),
            (b"", "empty revision"),
            (b"a b", "revision can't contain whitespace"),
        ):
            with self.assertRaises(Exception) as raised:
                await self.streamed("CheckObjectsExist", "revisions", [[b"main"], [b"main", bad]])
            self.assertEqual(raised.exception.args, (f"invalid revision: {text}",))

    async def test_many(self):
        """
        Many answers come in several messages of less than a mebibyte.
        """
        names = [b"refs/heads/" + b"n" * 4000 + b"%d" % number for number in range(400)]
        replies = await self.streamed("CheckObjectsExist", "revisions", [names])
        self.assertEqual([each.name for reply in replies for each in reply.revisions], names)
        self.assertEqual([reply.ByteSize() < 1 << 20 for reply in replies], [True, True])
