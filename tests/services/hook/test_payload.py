"""
Tests for :mod:`gitaly_tx.services.hook.payload`.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.services.hook.payload import Payload, PayloadUnusable, Pusher, Vote, read_payload, variables

from .case import NAME, encoded, payload

UNUSABLE: tuple[tuple[list[str], str], ...] = (
    ([], "no hooks payload found in environment"),
    (["GITALY_HOOKS_PAYLOAD"], "no hooks payload found in environment"),
    (["GITALY_HOOKS_PAYLOAD=a?bc"], "illegal base64 data at input byte 1"),
    (["GITALY_HOOKS_PAYLOAD=abcde"], "illegal base64 data at input byte 4"),
    (["GITALY_HOOKS_PAYLOAD="], "unexpected end of JSON input"),
    ([encoded(b'{"a":')], "unexpected end of JSON input"),
    ([encoded(b"<")], "invalid character '<' looking for beginning of value"),
    ([encoded([])], "json: cannot unmarshal array into Go value of type git.jsonHooksPayload"),
    ([payload(object_format=1)],
     "json: cannot unmarshal number into Go struct field jsonHooksPayload.object_format of type string"),
    ([payload(transaction_id="1")],
     "json: cannot unmarshal string into Go struct field jsonHooksPayload.transaction_id of type storage.TransactionID"),
    ([payload(transaction=[])], "json: cannot unmarshal array into Go value of type git.jsonHooksPayload.transaction"),
    ([payload(user_details={"userid": True})],
     "json: cannot unmarshal bool into Go struct field user_details.userid of type string"),
    ([payload(repository="")], "proto: syntax error"),
    ([payload(repository='{"unknown": 1}')], "proto: syntax error"),
)  # fmt: skip
"""Environments without a usable payload, and what is said of them."""


class PayloadTests(SynchronousTestCase):
    """
    ``read_payload``.
    """

    def parse(self, **changes: Any) -> Payload:
        return read_payload(variables([payload(**changes)]))

    def test_complete(self) -> None:
        """
        Everything that counts is read, and what is unknown is passed over.
        """
        found = self.parse(
            transaction={"backchannel_id": 3, "id": 1, "node": "x", "primary": True}, transaction_id=9, runtime_dir="/x", new=[1]
        )
        self.assertEqual(found.repository, NAME)
        self.assertEqual(
            (found.object_format, found.vote, found.pusher, found.transaction),
            ("sha1", Vote(3, True), Pusher("alpha", "user-1", "ssh"), 9),
        )

    def test_primary(self) -> None:
        """
        Hooks run here if no other server takes part, or if this one is the first among them.
        """
        self.assertTrue(self.parse().primary)
        self.assertTrue(self.parse(transaction={"primary": True}).primary)
        self.assertFalse(self.parse(transaction={"backchannel_id": 1}).primary)

    def test_plain(self) -> None:
        """
        A command that is no push has no pusher; numbers that are left out are 0.
        """
        found = self.parse(user_details=None, transaction={})
        self.assertEqual((found.pusher, found.vote, found.transaction), (None, Vote(0, False), 0))

    def test_unusable(self) -> None:
        """
        What is wrong with a payload is said.
        """
        for environment, text in UNUSABLE:
            with self.assertRaises(PayloadUnusable) as caught:
                read_payload(variables(environment))
            self.assertEqual(str(caught.exception), f"extracting hooks payload: {text}")

    def test_variables(self) -> None:
        """
        The first of a name counts, values may hold anything, and what is no variable is none.
        """
        self.assertEqual(variables(["A=1", "A=2", "B=x=y", "C=", "D"]), {"A": "1", "B": "x=y", "C": ""})
