"""
The requests of receive-pack, and the report.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.git import pktline
from protocols.git.capabilities import Capabilities
from protocols.git.errors import (
    GitProtocolError,
    InvalidCapability,
    InvalidPktLine,
    InvalidPushOption,
    MalformedCommand,
    ObjectFormatMismatch,
    PushCertificateRefused,
    RequestBrokenOff,
    TooManyCommands,
    TooManyPushOptions,
    TruncatedPktLine,
    UnexpectedPacket,
)
from protocols.git.push import (
    Command,
    CommandsEnd,
    PushEvent,
    PushOption,
    PushRequestDecoder,
    RefResult,
    ShallowLine,
    report_status,
)

from . import cuts

ZERO = b"0" * 40
ONE = b"1" * 40
TWO = b"2" * 40


def request(
    commands: list[tuple[bytes, bytes, bytes]],
    capabilities: bytes = b"report-status",
    shallow: tuple[bytes, ...] = (),
    options: list[bytes] | None = None,
) -> bytes:
    """
    A push as git sends it, without its pack.
    """
    lines = [pktline.data(b"shallow " + oid + b"\n") for oid in shallow]
    suffix = b"\0 " + capabilities + b"\n"
    for old, new, ref in commands:
        lines.append(pktline.data(b" ".join((old, new, ref)) + suffix))
        suffix = b"\n"
    lines.append(pktline.FLUSH)
    if options is not None:
        lines += [pktline.data(option) for option in options] + [pktline.FLUSH]
    return b"".join(lines)


def decoded(stream: bytes, decoder: PushRequestDecoder | None = None) -> list[PushEvent]:
    """
    The events of a whole request.
    """
    return (decoder or PushRequestDecoder(40)).receive(stream)


oids = st.sampled_from([ZERO, ONE, TWO])
pushes = st.builds(
    request,
    st.lists(st.tuples(oids, oids, st.from_regex(rb"\Arefs/[a-z \xff]{1,12}\Z")), min_size=1, max_size=5),
    st.just(b"report-status push-options object-format=sha1"),
    st.lists(oids, max_size=2).map(tuple),
    st.lists(st.from_regex(rb"\A[^\0\n]{0,12}\Z"), max_size=3),
)


class PushRequestDecoderTests(SynchronousTestCase):
    """
    :class:`PushRequestDecoder` tells what a push asks for, and hands over where the pack begins.
    """

    @cuts.many
    @given(st.tuples(pushes, st.binary(max_size=30)).flatmap(lambda p: st.tuples(st.just(p), cuts.pieces(p[0] + p[1]))))
    def test_cut_anywhere(self, given: tuple[tuple[bytes, bytes], list[bytes]]) -> None:
        """
        The same bytes are the same events in pieces of any size, and not a byte of the pack is lost or added.
        """
        (stream, pack), pieces = given
        expected = decoded(stream)
        decoder = PushRequestDecoder(40)
        events: list[PushEvent] = []
        came = b""
        for piece in pieces:
            if decoder.done:
                came += piece
            else:
                events += decoder.receive(piece)
                came += decoder.rest
        self.assertEqual(events, expected)
        self.assertEqual(came, pack)

    @cuts.many
    @given(
        st.sampled_from([40, 64, None]),
        st.one_of(cuts.junk, st.tuples(pushes, cuts.junk).map(b"".join)).flatmap(lambda j: st.tuples(st.just(j), cuts.pieces(j))),
    )
    def test_junk(self, hex_length: int | None, given: tuple[bytes, list[bytes]]) -> None:
        """
        Junk ends in one of the protocol's errors, the same however it is cut.
        """
        cuts.survives(lambda: PushRequestDecoder(hex_length), *given)

    @cuts.few
    @given(pushes, st.data())
    def test_flipped_bit(self, stream: bytes, data: st.DataObject) -> None:
        """
        A push with a wrong bit is a push or one of the protocol's errors.
        """
        broken = bytearray(stream)
        broken[data.draw(st.integers(0, len(stream) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        try:
            decoded(bytes(broken), PushRequestDecoder(None))
        except GitProtocolError:
            pass

    def test_commands(self) -> None:
        """
        Commands come in their order, capabilities with the end.
        """
        events = decoded(request([(ZERO, ONE, b"refs/heads/main"), (ONE, ZERO, b"refs/heads/old branch")]))
        self.assertEqual(
            events,
            [
                Command(ZERO, ONE, b"refs/heads/main"),
                Command(ONE, ZERO, b"refs/heads/old branch"),
                CommandsEnd(Capabilities.parse(b"report-status"), True),
            ],
        )

    def test_probe(self) -> None:
        """
        A flush alone is a push of nothing, even if more bytes follow.
        """
        decoder = PushRequestDecoder(None)
        self.assertEqual(decoder.receive(b"0000"), [CommandsEnd(Capabilities(), False)])
        self.assertEqual((decoder.done, decoder.rest), (True, b""))
        decoder.finish()

    def test_done(self) -> None:
        """
        What comes after the request is not fed to the decoder.
        """
        decoder = PushRequestDecoder(40)
        decoder.receive(request([(ZERO, ONE, b"refs/heads/a")]) + b"PACK")
        self.assertEqual(decoder.rest, b"PACK")
        self.assertRaises(RuntimeError, decoder.receive, b"..")

    def test_deletions_only(self) -> None:
        """
        No pack follows a push that only deletes.
        """
        events = decoded(request([(ONE, ZERO, b"refs/heads/a"), (TWO, ZERO, b"refs/heads/b")]))
        self.assertEqual(events[-1], CommandsEnd(Capabilities.parse(b"report-status"), False))

    def test_no_capabilities(self) -> None:
        """
        A client may ask for nothing, and leave the newline out.
        """
        stream = pktline.data(ZERO + b" " + ONE + b" refs/heads/a") + b"0000"
        self.assertEqual(decoded(stream), [Command(ZERO, ONE, b"refs/heads/a"), CommandsEnd(Capabilities(), True)])

    def test_shallow(self) -> None:
        """
        A shallow client says first where its history ends.
        """
        events = decoded(request([(ZERO, ONE, b"refs/heads/a")], shallow=(ONE, TWO)))
        self.assertEqual(events[:3], [ShallowLine(ONE), ShallowLine(TWO), Command(ZERO, ONE, b"refs/heads/a")])

    def test_shallow_after_command(self) -> None:
        """
        Once commands have begun, a ``shallow`` line is none of them.
        """
        command = pktline.data(ZERO + b" " + ONE + b" refs/heads/a")
        self.assertRaises(MalformedCommand, decoded, command + pktline.data(b"shallow " + ONE))

    def test_options(self) -> None:
        """
        Options follow the commands if the client says so, and come before the end.
        """
        stream = request([(ZERO, ONE, b"refs/heads/a")], b"push-options", options=[b"ci.skip", b"a=b c\n", b""])
        decoder = PushRequestDecoder(40)
        self.assertEqual(
            decoded(stream + b"PACK", decoder)[1:],
            [
                PushOption(b"ci.skip"),
                PushOption(b"a=b c"),
                PushOption(b""),
                CommandsEnd(Capabilities.parse(b"push-options"), True),
            ],
        )
        self.assertEqual(decoder.rest, b"PACK")

    def test_no_options(self) -> None:
        """
        An option section may be empty, and without the capability there is none.
        """
        empty = request([(ZERO, ONE, b"refs/heads/a")], b"push-options", options=[])
        self.assertEqual([type(event) for event in decoded(empty)], [Command, CommandsEnd])
        decoder = PushRequestDecoder(40)
        decoder.receive(request([(ZERO, ONE, b"refs/heads/a")]) + b"0000")
        self.assertEqual(decoder.rest, b"0000")

    def test_object_format(self) -> None:
        """
        Ids are as long as the repository's format says; the client's ``object-format`` must agree.
        """
        long = [(b"0" * 64, b"1" * 64, b"refs/heads/a")]
        decoded(request(long, b"object-format=sha256"), PushRequestDecoder(64))
        for commands, words, length in (
            (long, b"object-format=sha1", 64),
            (long, b"agent=x", 64),
            (long, b"object-format=md5", 64),
            (long, b"object-format=md5", None),
            ([(ZERO, ONE, b"refs/heads/a")], b"object-format=sha256", 40),
        ):
            self.assertRaises(ObjectFormatMismatch, decoded, request(commands, words), PushRequestDecoder(length))
        self.assertRaises(MalformedCommand, decoded, request(long, b"object-format=sha1"), PushRequestDecoder(40))
        error = self.assertRaises(ObjectFormatMismatch, decoded, request(long, b"object-format=sha256"), PushRequestDecoder(40))
        self.assertEqual((error.expected, error.given), (b"sha1", b"sha256"))

    def test_learned_format(self) -> None:
        """
        For a repository that does not exist yet the client decides the format, once.
        """
        decoder = PushRequestDecoder(None)
        decoded(request([(b"0" * 64, b"1" * 64, b"refs/heads/a")], b"object-format=sha256"), decoder)
        self.assertEqual(decoder.hex_length, 64)
        silent = PushRequestDecoder(None)
        decoded(pktline.data(ZERO + b" " + ONE + b" refs/heads/a") + b"0000", silent)
        self.assertEqual(silent.hex_length, 40)
        mixed = pktline.data(ZERO + b" " + b"1" * 64 + b" refs/heads/a")
        self.assertRaises(MalformedCommand, decoded, mixed, PushRequestDecoder(None))

    def test_upper_case(self) -> None:
        """
        Ids are told in lower case.
        """
        events = decoded(request([(ZERO, b"A" * 40, b"refs/heads/a")]))
        self.assertEqual(events[0], Command(ZERO, b"a" * 40, b"refs/heads/a"))

    def test_malformed(self) -> None:
        """
        A line that is no command is refused.
        """
        for line in (
            b"",
            b"\n",
            b"garbage",
            ONE,
            ONE + b" " + TWO,
            ONE + b" " + TWO + b" ",
            ONE + b" " + TWO[1:] + b" refs/heads/a",
            b"g" * 40 + b" " + TWO + b" refs/heads/a",
            ONE + b"  " + TWO + b" refs/heads/a",
            ONE + b" " + b"\xff" * 40 + b" refs/heads/a",
            b"shallow " + ONE[1:],
            b"shallow " + ONE + b"\0agent=x",
            b"\0report-status",
            b"0" * 39 + b"\n " + TWO + b" refs/heads/a",
        ):
            self.assertRaises(MalformedCommand, decoded, pktline.data(line))

    def test_capabilities_once(self) -> None:
        """
        Only the first command carries capabilities: no ref name holds a NUL.
        """
        line = pktline.data(ZERO + b" " + ONE + b" refs/heads/a\0quiet\n")
        error = self.assertRaises(MalformedCommand, decoded, line + line)
        self.assertIn(b"quiet", error.line)

    def test_bad_capabilities(self) -> None:
        """
        Control characters in capabilities are refused.
        """
        self.assertRaises(InvalidCapability, decoded, request([(ZERO, ONE, b"refs/heads/a")], b"agent=\x1b[2J"))

    def test_too_many_commands(self) -> None:
        """
        There is a limit on commands, and the same on ``shallow`` lines.
        """
        commands = [(ZERO, ONE, b"refs/heads/%d" % number) for number in range(3)]
        decoded(request(commands, shallow=(ONE, ONE, ONE)), PushRequestDecoder(40, max_commands=3))
        error = self.assertRaises(TooManyCommands, decoded, request(commands), PushRequestDecoder(40, max_commands=2))
        self.assertEqual(error.maximum, 2)
        shallow = request([(ZERO, ONE, b"refs/heads/a")], shallow=(ONE, TWO))
        self.assertRaises(TooManyCommands, decoded, shallow, PushRequestDecoder(40, max_commands=1))

    def test_too_many_options(self) -> None:
        """
        There is a limit on the number of options and on their bytes.
        """
        stream = request([(ZERO, ONE, b"refs/heads/a")], b"push-options", options=[b"12345", b"67890"])
        decoded(stream, PushRequestDecoder(40, max_options=2, max_option_bytes=10))
        self.assertRaises(TooManyPushOptions, decoded, stream, PushRequestDecoder(40, max_options=1))
        self.assertRaises(TooManyPushOptions, decoded, stream, PushRequestDecoder(40, max_option_bytes=9))

    def test_option_with_nul(self) -> None:
        """
        An option must fit into an environment variable.
        """
        stream = request([(ZERO, ONE, b"refs/heads/a")], b"push-options", options=[b"a\0b"])
        self.assertRaises(InvalidPushOption, decoded, stream)

    def test_certificate(self) -> None:
        """
        Signed pushes are refused by name.
        """
        self.assertRaises(PushCertificateRefused, decoded, pktline.data(b"push-cert\0report-status\n"))

    def test_marks(self) -> None:
        """
        Only a flush has a meaning in a push.
        """
        self.assertRaises(UnexpectedPacket, decoded, b"0001")
        error = self.assertRaises(UnexpectedPacket, decoded, b"0002")
        self.assertEqual(error.packet, b"0002")

    def test_finish(self) -> None:
        """
        A request that breaks off is told from one that ended.
        """
        decoder = PushRequestDecoder(40)
        self.assertRaises(RequestBrokenOff, decoder.finish)
        decoder.receive(b"00")
        self.assertRaises(TruncatedPktLine, decoder.finish)
        self.assertRaises(InvalidPktLine, decoder.receive, b"zz")


class ReportStatusTests(SynchronousTestCase):
    """
    :func:`report_status` is what ``git push`` shows its user.
    """

    def lines(self, report: Iterable[bytes]) -> list[bytes]:
        """
        A report's lines, its flush left out.
        """
        packets = pktline.PktLineDecoder().receive(b"".join(report))
        self.assertIs(packets.pop(), pktline.Special.FLUSH)
        return [packet.payload for packet in packets if isinstance(packet, pktline.Packet)]

    def test_report(self) -> None:
        """
        First the pack, then each ref in order.
        """
        results = [RefResult(b"refs/heads/a"), RefResult(b"refs/heads/b", b"non-fast-forward")]
        self.assertEqual(
            self.lines(report_status(b"ok", results)),
            [b"unpack ok\n", b"ok refs/heads/a\n", b"ng refs/heads/b non-fast-forward\n"],
        )

    def test_v2(self) -> None:
        """
        What really became of a ref is told only to clients that asked.
        """
        result = RefResult(b"refs/for/a", refname=b"refs/heads/a", old=ZERO, new=ONE, forced=True)
        self.assertEqual(self.lines(report_status(b"ok", [result], v2=False)), [b"unpack ok\n", b"ok refs/for/a\n"])
        self.assertEqual(
            self.lines(report_status(b"ok", [result, RefResult(b"refs/heads/b")], v2=True)),
            [
                b"unpack ok\n",
                b"ok refs/for/a\n",
                b"option refname refs/heads/a\n",
                b"option old-oid " + ZERO + b"\n",
                b"option new-oid " + ONE + b"\n",
                b"option forced-update\n",
                b"ok refs/heads/b\n",
            ],
        )

    def test_texts(self) -> None:
        """
        A text stays on its line and within a packet, whatever it holds.
        """
        report = report_status(b"index-pack failed\nok refs/heads/a\n", [RefResult(b"refs/heads/a", b"x" * 70000)])
        lines = self.lines(report)
        self.assertEqual(lines[0], b"unpack index-pack failed ok refs/heads/a\n")
        self.assertEqual((len(lines), len(lines[1])), (2, 65516))
