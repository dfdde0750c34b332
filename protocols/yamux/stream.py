"""
One stream: its states, as a table.
"""

from __future__ import annotations

import enum

from attrs import define

from .errors import StreamNotOpen, UnexpectedOnStream
from .window import ReceiveWindow, SendWindow


class State(enum.Enum):
    """
    How far a stream is.
    """

    QUEUED = "ours; waits until it may be announced"
    SYN_SENT = "ours; announced, not accepted yet"
    SYN_SENT_CLOSED = "ours; not accepted yet, and we have said that we send no more"
    SYN_RECEIVED = "the peer's; we have not accepted it"
    SYN_RECEIVED_CLOSED = "the peer's; we have not accepted it, and the peer sends no more"
    ESTABLISHED = "both sides may send"
    LOCAL_CLOSED = "only the peer may send"
    REMOTE_CLOSED = "only we may send"
    CLOSED = "no more"


class Cause(enum.Enum):
    """
    What happens to a stream: the owner's wishes, then what comes from the peer.
    """

    START = "its turn to be announced has come"
    ACCEPT = "accept it"
    SEND = "send data"
    CONSUME = "received data were consumed"
    CLOSE = "send no more"
    RESET = "break it off"

    FRAME = "any frame but a reset: the peer has accepted the stream, whether or not it says so"
    DATA = "data"
    WINDOW = "the peer takes more data"
    FIN = "the peer sends no more"
    RST = "the peer broke it off"


class Output(enum.Enum):
    """
    What follows: frames to send, then events to tell.
    """

    SEND_SYN = enum.auto()
    SEND_ACK = enum.auto()
    SEND_UPDATE = enum.auto()
    """If it is due."""
    SEND_FIN = enum.auto()
    SEND_RST = enum.auto()

    TELL_ACCEPTED = enum.auto()
    TELL_DATA = enum.auto()
    TELL_WINDOW = enum.auto()
    TELL_HALF_CLOSED = enum.auto()
    TELL_CLOSED = enum.auto()
    TELL_RESET = enum.auto()


@define(eq=False)
class Stream:
    """
    :param sending: what the peer lets us send; nothing before the stream is announced.
    :param receiving: what we let the peer send.
    """

    stream_id: int
    state: State
    sending: SendWindow
    receiving: ReceiveWindow

    def allows(self, cause: Cause) -> bool:
        """
        Whether the table knows what follows.
        """
        return (self.state, cause) in TRANSITIONS

    def step(self, cause: Cause) -> tuple[Output, ...]:
        """
        Go to the next state.

        :returns: what follows.
        :raises StreamNotOpen: if the table lacks what the owner wishes.
        :raises UnexpectedOnStream: if it lacks what the peer does.
        """
        try:
            outputs, self.state = TRANSITIONS[self.state, cause]
        except KeyError:
            if cause in _WISHES:
                raise StreamNotOpen(self.stream_id) from None
            raise UnexpectedOnStream(self.stream_id, self.state.name, cause.name) from None
        return outputs


_WISHES = frozenset({Cause.START, Cause.ACCEPT, Cause.SEND, Cause.CONSUME, Cause.CLOSE, Cause.RESET})

UNANSWERED = frozenset({State.SYN_SENT, State.SYN_SENT_CLOSED})
"""The peer has to accept the stream."""

OFFERED = frozenset({State.SYN_RECEIVED, State.SYN_RECEIVED_CLOSED})
"""We have to accept the stream."""

_S, _C, _O = State, Cause, Output

# Two rules that no single line shows. A side that has closed may close again: nothing follows. Data that come after the peer's
# end are dropped: its threads may have sent them in that order, and the session is too much to end for that.
TRANSITIONS: dict[tuple[State, Cause], tuple[tuple[Output, ...], State]] = {
    (_S.QUEUED, _C.START): ((_O.SEND_SYN,), _S.SYN_SENT),
    (_S.QUEUED, _C.SEND): ((), _S.QUEUED),
    (_S.QUEUED, _C.CONSUME): ((), _S.QUEUED),
    (_S.QUEUED, _C.CLOSE): ((_O.TELL_CLOSED,), _S.CLOSED),
    (_S.QUEUED, _C.RESET): ((), _S.CLOSED),
    (_S.QUEUED, _C.RST): ((_O.TELL_RESET,), _S.CLOSED),
    #
    (_S.SYN_SENT, _C.SEND): ((), _S.SYN_SENT),
    (_S.SYN_SENT, _C.CONSUME): ((), _S.SYN_SENT),
    (_S.SYN_SENT, _C.CLOSE): ((_O.SEND_FIN,), _S.SYN_SENT_CLOSED),
    (_S.SYN_SENT, _C.RESET): ((_O.SEND_RST,), _S.CLOSED),
    (_S.SYN_SENT, _C.FRAME): ((_O.TELL_ACCEPTED,), _S.ESTABLISHED),
    (_S.SYN_SENT, _C.RST): ((_O.TELL_RESET,), _S.CLOSED),
    #
    (_S.SYN_SENT_CLOSED, _C.CONSUME): ((), _S.SYN_SENT_CLOSED),
    (_S.SYN_SENT_CLOSED, _C.CLOSE): ((), _S.SYN_SENT_CLOSED),
    (_S.SYN_SENT_CLOSED, _C.RESET): ((_O.SEND_RST,), _S.CLOSED),
    (_S.SYN_SENT_CLOSED, _C.FRAME): ((_O.TELL_ACCEPTED,), _S.LOCAL_CLOSED),
    (_S.SYN_SENT_CLOSED, _C.RST): ((_O.TELL_RESET,), _S.CLOSED),
    #
    (_S.SYN_RECEIVED, _C.ACCEPT): ((_O.SEND_ACK,), _S.ESTABLISHED),
    (_S.SYN_RECEIVED, _C.SEND): ((_O.SEND_ACK,), _S.ESTABLISHED),
    (_S.SYN_RECEIVED, _C.CONSUME): ((), _S.SYN_RECEIVED),
    (_S.SYN_RECEIVED, _C.CLOSE): ((_O.SEND_ACK, _O.SEND_FIN), _S.LOCAL_CLOSED),
    (_S.SYN_RECEIVED, _C.RESET): ((_O.SEND_RST,), _S.CLOSED),
    (_S.SYN_RECEIVED, _C.FRAME): ((), _S.SYN_RECEIVED),
    (_S.SYN_RECEIVED, _C.DATA): ((_O.TELL_DATA,), _S.SYN_RECEIVED),
    (_S.SYN_RECEIVED, _C.WINDOW): ((_O.TELL_WINDOW,), _S.SYN_RECEIVED),
    (_S.SYN_RECEIVED, _C.FIN): ((_O.TELL_HALF_CLOSED,), _S.SYN_RECEIVED_CLOSED),
    (_S.SYN_RECEIVED, _C.RST): ((_O.TELL_RESET,), _S.CLOSED),
    #
    (_S.SYN_RECEIVED_CLOSED, _C.ACCEPT): ((_O.SEND_ACK,), _S.REMOTE_CLOSED),
    (_S.SYN_RECEIVED_CLOSED, _C.SEND): ((_O.SEND_ACK,), _S.REMOTE_CLOSED),
    (_S.SYN_RECEIVED_CLOSED, _C.CONSUME): ((), _S.SYN_RECEIVED_CLOSED),
    (_S.SYN_RECEIVED_CLOSED, _C.CLOSE): ((_O.SEND_ACK, _O.SEND_FIN, _O.TELL_CLOSED), _S.CLOSED),
    (_S.SYN_RECEIVED_CLOSED, _C.RESET): ((_O.SEND_RST,), _S.CLOSED),
    (_S.SYN_RECEIVED_CLOSED, _C.FRAME): ((), _S.SYN_RECEIVED_CLOSED),
    (_S.SYN_RECEIVED_CLOSED, _C.DATA): ((), _S.SYN_RECEIVED_CLOSED),
    (_S.SYN_RECEIVED_CLOSED, _C.WINDOW): ((_O.TELL_WINDOW,), _S.SYN_RECEIVED_CLOSED),
    (_S.SYN_RECEIVED_CLOSED, _C.RST): ((_O.TELL_RESET,), _S.CLOSED),
    #
    (_S.ESTABLISHED, _C.SEND): ((), _S.ESTABLISHED),
    (_S.ESTABLISHED, _C.CONSUME): ((_O.SEND_UPDATE,), _S.ESTABLISHED),
    (_S.ESTABLISHED, _C.CLOSE): ((_O.SEND_FIN,), _S.LOCAL_CLOSED),
    (_S.ESTABLISHED, _C.RESET): ((_O.SEND_RST,), _S.CLOSED),
    (_S.ESTABLISHED, _C.FRAME): ((), _S.ESTABLISHED),
    (_S.ESTABLISHED, _C.DATA): ((_O.TELL_DATA,), _S.ESTABLISHED),
    (_S.ESTABLISHED, _C.WINDOW): ((_O.TELL_WINDOW,), _S.ESTABLISHED),
    (_S.ESTABLISHED, _C.FIN): ((_O.TELL_HALF_CLOSED,), _S.REMOTE_CLOSED),
    (_S.ESTABLISHED, _C.RST): ((_O.TELL_RESET,), _S.CLOSED),
    #
    (_S.LOCAL_CLOSED, _C.CONSUME): ((_O.SEND_UPDATE,), _S.LOCAL_CLOSED),
    (_S.LOCAL_CLOSED, _C.CLOSE): ((), _S.LOCAL_CLOSED),
    (_S.LOCAL_CLOSED, _C.RESET): ((_O.SEND_RST,), _S.CLOSED),
    (_S.LOCAL_CLOSED, _C.FRAME): ((), _S.LOCAL_CLOSED),
    (_S.LOCAL_CLOSED, _C.DATA): ((_O.TELL_DATA,), _S.LOCAL_CLOSED),
    (_S.LOCAL_CLOSED, _C.WINDOW): ((), _S.LOCAL_CLOSED),
    (_S.LOCAL_CLOSED, _C.FIN): ((_O.TELL_HALF_CLOSED, _O.TELL_CLOSED), _S.CLOSED),
    (_S.LOCAL_CLOSED, _C.RST): ((_O.TELL_RESET,), _S.CLOSED),
    #
    (_S.REMOTE_CLOSED, _C.SEND): ((), _S.REMOTE_CLOSED),
    (_S.REMOTE_CLOSED, _C.CONSUME): ((), _S.REMOTE_CLOSED),
    (_S.REMOTE_CLOSED, _C.CLOSE): ((_O.SEND_FIN, _O.TELL_CLOSED), _S.CLOSED),
    (_S.REMOTE_CLOSED, _C.RESET): ((_O.SEND_RST,), _S.CLOSED),
    (_S.REMOTE_CLOSED, _C.FRAME): ((), _S.REMOTE_CLOSED),
    (_S.REMOTE_CLOSED, _C.DATA): ((), _S.REMOTE_CLOSED),
    (_S.REMOTE_CLOSED, _C.WINDOW): ((_O.TELL_WINDOW,), _S.REMOTE_CLOSED),
    (_S.REMOTE_CLOSED, _C.RST): ((_O.TELL_RESET,), _S.CLOSED),
}
