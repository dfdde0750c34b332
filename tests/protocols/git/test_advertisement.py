"""
Advertisements.
"""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.git import pktline
from protocols.git.advertisement import (
    AdvertisementDecoder,
    AdvertisementEnd,
    AdvertisementEvent,
    CapabilitiesAnnounced,
    RefAdvertised,
    ServiceAnnounced,
    ShallowAdvertised,
    VersionAnnounced,
    encode_capabilities,
    encode_refs,
    service_line,
)
from protocols.git.capabilities import Capabilities
from protocols.git.errors import (
    GitProtocolError,
    InvalidCapability,
    MalformedAdvertisement,
    RemoteError,
    RequestBrokenOff,
    TruncatedPktLine,
    UnexpectedPacket,
)
from protocols.git.service import Service

from . import cuts

ONE = b"1" * 40
TWO = b"2" * 40
CAPABILITIES = Capabilities.parse(b"report-status agent=git/2.39.5")

oids = st.sampled_from([ONE, TWO])
ref_lists = st.lists(st.tuples(st.from_regex(rb"\Arefs/[a-z]{1,6}\Z") | st.just(b".have"), oids, st.none() | oids), max_size=6)


def decoded(stream: bytes) -> list[AdvertisementEvent]:
    """
    The events of a whole advertisement.
    """
    decoder = AdvertisementDecoder()
    events = decoder.receive(stream)
    decoder.finish()
    return events


class EncodeTests(SynchronousTestCase):
    """
    What the server sends is what git sends.
    """

    def test_refs(self) -> None:
        """
        The capabilities follow the first ref, peeled tags their tag.
        """
        refs = [(b"HEAD", ONE, None), (b"refs/tags/v1", ONE, TWO)]
        self.assertEqual(
            b"".join(encode_refs(refs, CAPABILITIES, 40)),
            b"0051" + ONE + b" HEAD\0report-status agent=git/2.39.5\n"
            b"003a" + ONE + b" refs/tags/v1\n"
            b"003d" + TWO + b" refs/tags/v1^{}\n"
            b"0000",
        )

    def test_empty(self) -> None:
        """
        An empty repository has the zero id, as long as its format's, and a name that is none.
        """
        for length in (40, 64):
            self.assertEqual(
                b"".join(encode_refs([], Capabilities.parse(b"quiet"), length)),
                pktline.data(b"0" * length + b" capabilities^{}\0quiet\n") + b"0000",
            )

    def test_version_and_shallow(self) -> None:
        """
        v1 says so first, and a shallow repository says last where its history ends.
        """
        stream = b"".join(encode_refs([(b"HEAD", ONE, None)], CAPABILITIES, 40, [TWO], 1))
        self.assertTrue(stream.startswith(b"000eversion 1\n"))
        self.assertTrue(stream.endswith(b"0035shallow " + TWO + b"\n0000"))

    def test_pieces(self) -> None:
        """
        Many refs come in pieces, made as they are asked for.
        """
        endless = ((b"refs/heads/%d" % number, ONE, None) for number in itertools.count())
        pieces = list(itertools.islice(encode_refs(endless, CAPABILITIES, 40), 3))
        for piece in pieces:
            self.assertGreaterEqual(len(piece), 65536)
            self.assertLess(len(piece), 65536 + 100)
        events = AdvertisementDecoder().receive(b"".join(pieces))
        names = [event.name for event in events if isinstance(event, RefAdvertised)]
        self.assertEqual(names, [b"refs/heads/%d" % number for number in range(len(names))])

    def test_service_line(self) -> None:
        """
        Over HTTP the service's name and a flush stand first.
        """
        self.assertEqual(service_line(Service.UPLOAD_PACK), b"001e# service=git-upload-pack\n0000")
        self.assertEqual(service_line(Service.RECEIVE_PACK), b"001f# service=git-receive-pack\n0000")

    def test_v2(self) -> None:
        """
        v2 has a line for each capability, and no refs.
        """
        made = Capabilities.parse_lines([b"agent=git/2.39.5", b"ls-refs=unborn", b"fetch=shallow filter"])
        stream = encode_capabilities(made)
        self.assertEqual(stream, b"000eversion 2\n0015agent=git/2.39.5\n0013ls-refs=unborn\n0019fetch=shallow filter\n0000")
        self.assertEqual(decoded(stream), [VersionAnnounced(2), CapabilitiesAnnounced(made), AdvertisementEnd()])


class AdvertisementDecoderTests(SynchronousTestCase):
    """
    :class:`AdvertisementDecoder` tells a client what a server told.
    """

    @cuts.many
    @given(ref_lists, st.lists(oids, max_size=2), st.sampled_from([0, 1]), st.booleans(), st.data())
    def test_round_trip(
        self,
        refs: list[tuple[bytes, bytes, bytes | None]],
        shallow: list[bytes],
        version: int,
        service: bool,
        data: st.DataObject,
    ) -> None:
        """
        What was encoded comes out again, in pieces of any size.
        """
        stream = service_line(Service.UPLOAD_PACK) if service else b""
        stream += b"".join(encode_refs(refs, CAPABILITIES, 40, shallow, version))
        expected: list[AdvertisementEvent] = [ServiceAnnounced(b"git-upload-pack")] if service else []
        expected += [VersionAnnounced(1)] if version else []
        expected += [CapabilitiesAnnounced(CAPABILITIES)]
        expected += [RefAdvertised(*ref) for ref in refs]
        expected += [ShallowAdvertised(oid) for oid in shallow]
        expected += [AdvertisementEnd()]
        self.assertEqual(decoded(stream), expected)
        self.assertEqual(cuts.outcome(AdvertisementDecoder(), data.draw(cuts.pieces(stream))), (expected, ""))
        self.assertEqual(cuts.outcome(AdvertisementDecoder(), cuts.bytewise(stream)), (expected, ""))

    @cuts.many
    @given(
        st.sampled_from([b"", service_line(Service.UPLOAD_PACK), b"000eversion 2\n", b"000eversion 1\n"]),
        cuts.junk.flatmap(lambda j: st.tuples(st.just(j), cuts.pieces(j))),
    )
    def test_junk(self, start: bytes, given: tuple[bytes, list[bytes]]) -> None:
        """
        Junk ends in one of the protocol's errors, the same however it is cut.
        """
        stream, pieces = given
        cuts.survives(AdvertisementDecoder, start + stream, [start, *pieces])

    def test_whole(self) -> None:
        """
        Service, version, capabilities, refs with what tags stand for, shallow commits, end.
        """
        refs = [(b"refs/tags/v1", ONE, TWO), (b"refs/tags/v2", ONE, None), (b".have", TWO, None)]
        stream = service_line(Service.RECEIVE_PACK) + b"".join(encode_refs(refs, CAPABILITIES, 40, [ONE], 1))
        self.assertEqual(
            decoded(stream),
            [
                ServiceAnnounced(b"git-receive-pack"),
                VersionAnnounced(1),
                CapabilitiesAnnounced(CAPABILITIES),
                *(RefAdvertised(*ref) for ref in refs),
                ShallowAdvertised(ONE),
                AdvertisementEnd(),
            ],
        )

    def test_rest(self) -> None:
        """
        What follows an advertisement is the caller's.
        """
        decoder = AdvertisementDecoder()
        decoder.receive(b"000eversion 2\n0000more")
        self.assertEqual((decoder.done, decoder.version, decoder.rest), (True, 2, b"more"))
        self.assertRaises(RuntimeError, decoder.receive, b"even more")

    def test_refused(self) -> None:
        """
        A server's refusal is told as one.
        """
        error = self.assertRaises(RemoteError, decoded, pktline.error(b"access denied"))
        self.assertEqual(error.text, b"access denied")

    def test_malformed(self) -> None:
        """
        Lines that are none are refused.
        """
        cases: list[tuple[bytes, type[GitProtocolError]]] = [
            (b"0001", UnexpectedPacket),
            (pktline.data(b"garbage"), MalformedAdvertisement),
            (pktline.data(ONE), MalformedAdvertisement),
            (pktline.data(ONE[1:] + b" HEAD\0x"), MalformedAdvertisement),
            (pktline.data(b"shallow x"), MalformedAdvertisement),
            (pktline.data(b"# service=git-upload-pack") + pktline.data(ONE + b" HEAD\0x"), MalformedAdvertisement),
            (pktline.data(ONE + b" HEAD\0a\x01"), InvalidCapability),
            (b"000eversion 2\n" + pktline.data(b"") + b"0000", InvalidCapability),
        ]
        for stream, kind in cases:
            self.assertRaises(kind, decoded, stream)

    def test_finish(self) -> None:
        """
        An advertisement that breaks off is none.
        """
        decoder = AdvertisementDecoder()
        decoder.receive(b"000eversion 2\n")
        self.assertRaises(RequestBrokenOff, decoder.finish)
        decoder.receive(b"00")
        self.assertRaises(TruncatedPktLine, decoder.finish)
