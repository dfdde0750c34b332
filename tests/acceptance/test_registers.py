"""
The judge of the crash drill judges rightly.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.acceptance.registers import Outcome, Register


class RegisterTests(SynchronousTestCase):
    """
    :class:`tests.acceptance.registers.Register`.
    """

    def setUp(self) -> None:
        self.register = Register("refs/heads/main", "old")

    def write(self, value: str, began: float, ended: float, outcome: Outcome) -> None:
        """
        One attempt.
        """
        self.register.attempt(value, lambda: began).end(outcome, clock=lambda: ended)

    def test_acknowledged(self) -> None:
        """
        What was acknowledged is right, what was there before it is lost.
        """
        self.write("a", 1, 2, Outcome.ACKNOWLEDGED)
        self.assertIsNone(self.register.wrong("a"))
        self.assertIn("lost", self.register.wrong("old") or "")

    def test_superseded(self) -> None:
        """
        A later attempt may have replaced it, acknowledged or not; an earlier one may not.
        """
        self.write("a", 1, 2, Outcome.ACKNOWLEDGED)
        self.write("b", 3, 4, Outcome.ACKNOWLEDGED)
        self.write("c", 5, 6, Outcome.UNKNOWN)
        self.assertIn("lost", self.register.wrong("a") or "")
        self.assertIsNone(self.register.wrong("b"))
        self.assertIsNone(self.register.wrong("c"))

    def test_at_the_same_time(self) -> None:
        """
        Of two that overlap, either may be the last.
        """
        self.write("a", 1, 4, Outcome.ACKNOWLEDGED)
        self.write("b", 2, 3, Outcome.ACKNOWLEDGED)
        self.assertIsNone(self.register.wrong("a"))
        self.assertIsNone(self.register.wrong("b"))

    def test_unknown(self) -> None:
        """
        An attempt without an answer may have been made or not; but not if it had ended before one that was acknowledged.
        """
        self.write("a", 1, 2, Outcome.UNKNOWN)
        self.assertIsNone(self.register.wrong("a"))
        self.assertIsNone(self.register.wrong("old"))
        self.write("b", 3, 4, Outcome.ACKNOWLEDGED)
        self.assertIn("lost", self.register.wrong("a") or "")

    def test_made_on_the_way(self) -> None:
        """
        A value on the way to another may be found as long as the other was not acknowledged.
        """
        self.register.made_on_the_way("half", lambda: 1.0)
        attempt = self.register.attempt("a", lambda: 1.5)
        self.assertIsNone(self.register.wrong("half"))
        attempt.end(Outcome.ACKNOWLEDGED, clock=lambda: 2.0)
        self.assertIn("lost", self.register.wrong("half") or "")

    def test_refused(self) -> None:
        """
        What was refused is not there.
        """
        self.write("a", 1, 2, Outcome.REFUSED)
        self.assertIsNone(self.register.wrong("old"))
        self.assertIn("refused", self.register.wrong("a") or "")

    def test_from_nowhere(self) -> None:
        """
        What nobody wrote is not there; half of two refs that are written together is such a thing.
        """
        register = Register("pair", ("a0", "b0"))
        register.attempt(("a1", "b1"), lambda: 1.0)
        self.assertIsNone(register.wrong(("a1", "b1")))
        self.assertIn("nobody", register.wrong(("a1", "b0")) or "")

    def test_settled(self) -> None:
        """
        What was found once must not change by itself.
        """
        self.write("a", 1, 2, Outcome.UNKNOWN)
        self.register.settle("old")
        self.assertIn("nobody", self.register.wrong("a") or "")
        self.assertIsNone(self.register.wrong("old"))
