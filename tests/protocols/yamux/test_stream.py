"""
The states of a stream.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.yamux.errors import StreamNotOpen, UnexpectedOnStream
from protocols.yamux.stream import OFFERED, TRANSITIONS, UNANSWERED, Cause, Output, State, Stream
from protocols.yamux.window import ReceiveWindow, SendWindow

from ..git import cuts

LIVING = set(State) - {State.CLOSED}
WISHES = {Cause.START, Cause.ACCEPT, Cause.SEND, Cause.CONSUME, Cause.CLOSE, Cause.RESET}


def stream(state: State) -> Stream:
    return Stream(7, state, SendWindow(), ReceiveWindow())


def outputs(start: State, causes: list[Cause]) -> list[Output]:
    """
    What follows from the causes that the table has, in turn.
    """
    one = stream(start)
    return [output for cause in causes if one.allows(cause) for output in one.step(cause)]


class TransitionTests(SynchronousTestCase):
    """
    The table.
    """

    def test_every_stream_can_end(self) -> None:
        """
        Whatever its state, either side can break a stream off, and it may be closed and consumed from.
        """
        for state in LIVING:
            for cause in (Cause.RESET, Cause.RST):
                self.assertIs(TRANSITIONS[state, cause][1], State.CLOSED)
            self.assertIn((state, Cause.CLOSE), TRANSITIONS)
            self.assertIn((state, Cause.CONSUME), TRANSITIONS)

    def test_the_end(self) -> None:
        """
        Nothing happens to a stream that is no more.
        """
        for cause in Cause:
            self.assertFalse(stream(State.CLOSED).allows(cause))

    def test_every_state_is_reached(self) -> None:
        """
        Streams begin queued or offered, and get everywhere from there.
        """
        reached = {State.QUEUED, State.SYN_RECEIVED}
        for _ in State:
            reached |= {after for (before, _), (_, after) in TRANSITIONS.items() if before in reached}
        self.assertEqual(reached, set(State))

    def test_peer_knows_nothing_of_queued_streams(self) -> None:
        """
        Before a stream is announced nothing is sent about it, and nothing can come.
        """
        told = {output for (state, cause), (out, _) in TRANSITIONS.items() if state is State.QUEUED for output in out}
        self.assertEqual(told, {Output.SEND_SYN, Output.TELL_CLOSED, Output.TELL_RESET})
        for cause in (Cause.FRAME, Cause.DATA, Cause.WINDOW, Cause.FIN):
            self.assertFalse(stream(State.QUEUED).allows(cause))

    def test_sending(self) -> None:
        """
        A side that has closed does not send; all others may.
        """
        closed = {State.SYN_SENT_CLOSED, State.LOCAL_CLOSED, State.CLOSED}
        self.assertEqual({state for state in State if stream(state).allows(Cause.SEND)}, set(State) - closed)

    @cuts.many
    @given(st.sampled_from([State.QUEUED, State.SYN_RECEIVED]), st.lists(st.sampled_from(Cause), max_size=14))
    def test_each_thing_once(self, start: State, causes: list[Cause]) -> None:
        """
        However a stream goes, each side's beginning and end are sent and told at most once, and nothing follows its end.
        """
        causes = [cause for cause in causes if start is State.QUEUED or cause is not Cause.START]
        out = outputs(start, causes)
        repeated = (Output.SEND_UPDATE, Output.TELL_DATA, Output.TELL_WINDOW)
        single = [output for output in out if output not in repeated]
        self.assertEqual(len(single), len(set(single)))
        for last in (Output.TELL_CLOSED, Output.TELL_RESET, Output.SEND_RST):
            self.assertNotIn(last, out[:-1])
        if Output.SEND_FIN in out:
            self.assertTrue({Output.SEND_SYN, Output.SEND_ACK} & set(out[: out.index(Output.SEND_FIN)]))
        if Output.TELL_CLOSED in out and Output.SEND_FIN in out:
            self.assertIn(Output.TELL_HALF_CLOSED, out)

    def test_waiting(self) -> None:
        """
        Who waits for whom: a frame of the peer ends our waiting, accepting ends the peer's.
        """
        for state in UNANSWERED:
            self.assertNotIn(TRANSITIONS[state, Cause.FRAME][1], UNANSWERED)
            self.assertEqual(TRANSITIONS[state, Cause.FRAME][0], (Output.TELL_ACCEPTED,))
        for state in OFFERED:
            for cause in (Cause.ACCEPT, Cause.SEND, Cause.CLOSE):
                out, after = TRANSITIONS[state, cause]
                self.assertIs(out[0], Output.SEND_ACK)
                self.assertNotIn(after, OFFERED)


class StreamTests(SynchronousTestCase):
    """
    :class:`Stream` follows the table.
    """

    def test_what_the_table_lacks(self) -> None:
        """
        What the table lacks is an error: the owner's or the peer's.
        """
        for state in State:
            for cause in Cause:
                one = stream(state)
                if one.allows(cause):
                    self.assertEqual((one.step(cause), one.state), TRANSITIONS[state, cause])
                elif cause in WISHES:
                    self.assertEqual(self.assertRaises(StreamNotOpen, one.step, cause).stream_id, 7)
                else:
                    error = self.assertRaises(UnexpectedOnStream, one.step, cause)
                    self.assertEqual((error.stream_id, error.state, error.cause), (7, state.name, cause.name))
                    self.assertIs(one.state, state)
