"""
Tests for :mod:`protocols.git.bundleuri`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from protocols.git import bundleuri, pktline

ASKED = pktline.data(b"agent=git/2.47.3") + pktline.data(b"command=bundle-uri\n") + pktline.DELIM + pktline.FLUSH


class BundleURITests(SynchronousTestCase):
    """
    The command ``bundle-uri``.
    """

    def test_asked(self) -> None:
        """
        The command is known as soon as its line is there, before or behind capabilities, however the bytes are cut.
        """
        end = ASKED.index(pktline.DELIM)
        for size in range(len(ASKED)):
            self.assertIs(bundleuri.is_asked(ASKED[:size]), True if size >= end else None)
        self.assertIs(bundleuri.is_asked(pktline.data(b"command=bundle-uri") + b"00"), True)

    def test_not_asked(self) -> None:
        """
        Other commands, requests without any and what is no request are told from it.
        """
        for request in (
            pktline.data(b"command=fetch\n"),
            pktline.data(b"agent=x") + pktline.data(b"command=bundle-uris"),
            pktline.data(b"agent=x") + pktline.DELIM + pktline.data(b"command=bundle-uri"),
            pktline.FLUSH,
            b"zzzz",
            b"command=bundle-uri",
        ):
            self.assertIs(bundleuri.is_asked(request), False)
        self.assertIsNone(bundleuri.is_asked(b""))

    def test_bounded(self) -> None:
        """
        Capabilities without end are not waited for.
        """
        line = pktline.data(b"x" * 1000)
        self.assertIsNone(bundleuri.is_asked(line))
        self.assertIs(bundleuri.is_asked(line * (bundleuri.MOST_CAPABILITIES // 1000 + 1)), False)

    def test_advertised(self) -> None:
        """
        The capability is put behind the others, once; an answer that is no advertisement stays as it is.
        """
        before = pktline.data(b"version 2\n") + pktline.data(b"agent=x\n")
        once = bundleuri.advertised(before + pktline.FLUSH)
        self.assertEqual(once, before + pktline.data(b"bundle-uri\n") + pktline.FLUSH)
        self.assertEqual(bundleuri.advertised(once), once)
        self.assertEqual(bundleuri.advertised(before), before)

    def test_answer(self) -> None:
        """
        The list names one bundle, and says that it is all that there is.
        """
        packets = pktline.PktLineDecoder().receive(bundleuri.answer(b"it", b"bundles/it"))
        self.assertEqual(
            packets,
            [
                pktline.Packet(b"bundle.version=1\n"),
                pktline.Packet(b"bundle.mode=all\n"),
                pktline.Packet(b"bundle.it.uri=bundles/it\n"),
                pktline.Special.FLUSH,
            ],
        )
