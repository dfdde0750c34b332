"""
Tests for hooks of transactions: ReferenceTransactionHook, ProcReceiveHook.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code
from gitaly_tx.git.objectid import ObjectFormat
from gitaly_tx.services.hook.proc_receive import Conversation
from gitaly_tx.services.hook.reference_transaction import only_forced_deletions
from protocols.git import pktline
from protocols.gitaly.hook_pb2 import ProcReceiveHookRequest, ReferenceTransactionHookRequest

from . import case
from .case import NAME, ON_SECONDARY, payload

ZERO = b"0" * 40

ONE = b"1" * 40

NO_PAYLOAD = "extracting hooks payload: no hooks payload found in environment"


class ReferenceTransactionTests(case.HookServiceCase):
    """
    ReferenceTransactionHook.
    """

    def requests(self, variables: str, changes: bytes, state: int = 0) -> list[Any]:
        """
        The requests of one call.
        """
        first: Any = ReferenceTransactionHookRequest(repository=NAME, environment_variables=[variables])
        first.state = state
        return [first, ReferenceTransactionHookRequest(stdin=changes)]

    async def test_alone(self) -> None:
        """
        A command that is part of no transaction has nothing to vote on.
        """
        for state in (0, 1, 2):
            found = await self.run_hook("ReferenceTransactionHook", *self.requests(payload(), b"%b %b x\n" % (ZERO, ONE), state))
            self.assertEqual(found, (b"", b"", 0))

    async def test_together(self) -> None:
        """
        One that is part of a transaction must vote, and cannot, because nobody leads it; unless it has nothing to say.
        """
        change = b"%b %b refs/heads/x\n" % (ZERO, ONE)
        text = "reference-transaction hook: error voting on transaction: get backchannel: no backchannel for peer 7"
        for state in (0, 1):
            found = await self.refusal(
                "ReferenceTransactionHook", *self.requests(payload(transaction=ON_SECONDARY), change, state)
            )
            self.assertEqual(found, (Code.INTERNAL, text))
        for changes, state in ((change, 2), (b"", 0), (b"%b %b refs/heads/x\n" % (ZERO, ZERO), 1)):
            requests = self.requests(payload(transaction=ON_SECONDARY), changes, state)
            self.assertEqual(await self.run_hook("ReferenceTransactionHook", *requests), (b"", b"", 0))

    async def test_storage_transaction(self) -> None:
        """
        No command runs as part of a transaction of the log.
        """
        found = await self.refusal("ReferenceTransactionHook", *self.requests(payload(transaction_id=4), b"", 2))
        self.assertEqual(found, (Code.INTERNAL, "reference-transaction hook: get transaction: transaction not found"))

    async def test_incomplete(self) -> None:
        """
        What is missing or wrong fails the call.
        """
        name = "ReferenceTransactionHook"
        self.assertEqual(await self.refusal(name), (Code.INTERNAL, "receiving first request: EOF"))
        found = await self.refusal(name, ReferenceTransactionHookRequest())
        self.assertEqual(found, (Code.INVALID_ARGUMENT, "repository not set"))
        found = await self.refusal(name, *self.requests("A=1", b"", 3))
        self.assertEqual(found, (Code.INVALID_ARGUMENT, "invalid hook state"))
        found = await self.refusal(name, *self.requests("A=1", b""))
        self.assertEqual(found, (Code.INTERNAL, f"reference-transaction hook: {NO_PAYLOAD}"))
        found = await self.refusal(name, *self.requests(payload(object_format=""), b""))
        text = 'reference-transaction hook: looking up object hash: unknown object format: ""'
        self.assertEqual(found, (Code.INTERNAL, text))


class ForcedDeletionTests(SynchronousTestCase):
    """
    ``only_forced_deletions``.
    """

    def test_lines(self) -> None:
        """
        Every line must be one, for ids of the repository's length.
        """
        gone, made = b"%b %b x\n" % (ZERO, ZERO), b"%b %b y\n" % (ZERO, ONE)
        self.assertTrue(only_forced_deletions(gone + gone, ObjectFormat.SHA1))
        self.assertTrue(only_forced_deletions(b"", ObjectFormat.SHA1))
        self.assertFalse(only_forced_deletions(gone + made, ObjectFormat.SHA1))
        self.assertFalse(only_forced_deletions(gone, ObjectFormat.SHA256))


class ProcReceiveTests(case.HookServiceCase):
    """
    ProcReceiveHook.
    """

    def requests(self, stdin: bytes, variables: str = "") -> list[Any]:
        """
        The requests of one call.
        """
        first = ProcReceiveHookRequest(environment_variables=[variables or payload(transaction_id=4)])
        return [first, ProcReceiveHookRequest(stdin=stdin)]

    async def test_nobody_waits(self) -> None:
        """
        git is answered as it must be, and then told that nobody takes its updates.
        """
        line = pktline.data(b"%b %b refs/heads/x" % (ZERO, ONE))
        for asked, agreed in ((b"push-options atomic", b"atomic"), (b"push-options", b""), (b"", b"")):
            stdin = pktline.data(b"version=1\0" + asked) + pktline.FLUSH + line + pktline.FLUSH
            found = await self.run_hook("ProcReceiveHook", *self.requests(stdin))
            stdout = pktline.data(b"version=1\0" + agreed) + pktline.FLUSH
            self.assertEqual(found, (stdout, b"transmitting handler: no waiters for id: 4", 1))

    async def test_malformed(self) -> None:
        """
        What is no such conversation fails the call.
        """
        start = pktline.data(b"version=1\0") + pktline.FLUSH
        for stdin, text in (
            (b"", "expected version negotiation: %!w(<nil>)"),
            (pktline.FLUSH, "unsupported version: "),
            (pktline.data(b"version=2\0"), "unsupported version: version=2\0"),
            (b"xxxx", "expected version negotiation: "),
            (pktline.data(b"version=1\0"), "expected flush: %!w(<nil>)"),
            (pktline.data(b"version=1\0") * 2, "expected pkt flush"),
            (start + b"zzzz", "parsing stdin: "),
            (start + pktline.DELIM, "receiving reference update: invalid packet"),
            (start + pktline.data(b"a b"), "parse reference update: unknown ref update format: [a b]"),
        ):
            code, message = await self.refusal("ProcReceiveHook", *self.requests(stdin))
            self.assertEqual(code, Code.INTERNAL)
            self.assertTrue(message.startswith(f"creating handler: {text}"), message)

    async def test_no_transaction(self) -> None:
        """
        It must be for a transaction.
        """
        found = await self.refusal("ProcReceiveHook", *self.requests(b"", payload()))
        self.assertEqual(found, (Code.INTERNAL, "creating handler: no transaction found in payload"))
        found = await self.refusal("ProcReceiveHook", *self.requests(b"", "A=1"))
        self.assertEqual(found, (Code.INTERNAL, f"creating handler: {NO_PAYLOAD}"))

    def test_updates(self) -> None:
        """
        What git wants is read.
        """
        lines = b"".join(pktline.data(b"%b %b refs/heads/%d" % (ZERO, ONE, number)) for number in range(2))
        conversation = Conversation(pktline.data(b"version=1\0atomic") + pktline.FLUSH + lines + pktline.FLUSH)
        self.assertTrue(conversation.atomic)
        self.assertEqual(conversation.updates(), [(ZERO, ONE, b"refs/heads/0"), (ZERO, ONE, b"refs/heads/1")])
