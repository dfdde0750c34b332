"""
How packets are encrypted.
"""

from __future__ import annotations

import hmac
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.frontends.ssh.ciphers import CIPHERS, LEAST, LONGEST, BadPacket, Ciphers, Seal, offer, padding

KEY, IV = bytes(range(16)), bytes(8) + b"\xff" * 8
MATERIAL = os.urandom(64)
GCM = b"aes128-gcm@openssh.com"


class OfferTests(SynchronousTestCase):
    """
    ``offer``.
    """

    def test_offer(self) -> None:
        """
        A client that has AES-GCM in both directions is offered nothing else; any other, all there is.
        """
        both = [b"chacha20-poly1305@openssh.com", b"aes128-ctr", b"aes256-gcm@openssh.com"]
        self.assertEqual(offer([both, both]), [b"aes256-gcm@openssh.com"])
        self.assertEqual(offer([both, [b"aes128-ctr"]]), CIPHERS)
        self.assertEqual(offer([[], []]), CIPHERS)

    def test_padding(self) -> None:
        """
        At least four bytes, up to whole blocks.
        """
        for size in range(64):
            found = padding(size, 16)
            self.assertEqual((size + found) % 16, 0)
            self.assertTrue(4 <= found <= 19)


class SealTests(SynchronousTestCase):
    """
    ``Seal``.
    """

    def setUp(self) -> None:
        self.there, self.here = Seal(KEY, IV), Seal(KEY, IV)

    def test_packets(self) -> None:
        """
        What one side seals the other opens, in its order, however much has come in; the counter goes round.
        """
        sealed = [self.there.packet(payload) for payload in (b"a", b"bc", b"x" * 5000)]
        sealed.append(self.there.packets(7, memoryview(b"y" * 70), 32))
        buffer = b"".join(sealed)
        self.assertIsNone(self.here.opened(buffer[:3]))
        self.assertIsNone(self.here.opened(buffer[: len(sealed[0]) - 1]))
        found = []
        while buffer:
            opened = self.here.opened(buffer)
            assert opened is not None
            payload, end = opened
            found.append(payload)
            buffer = buffer[end:]
        head = b"\x5e\0\0\0\x07\0\0\0"
        data = [head + b"\x20" + b"y" * 32, head + b"\x20" + b"y" * 32, head + b"\x06" + b"y" * 6]
        self.assertEqual(found, [b"a", b"bc", b"x" * 5000, *data])

    def test_tampered(self) -> None:
        """
        A bit that was changed anywhere, the length aside, and a packet that was left out are found.
        """
        packet = self.there.packet(b"hello")
        for place in range(4, len(packet)):
            changed = bytearray(packet)
            changed[place] ^= 1
            with self.assertRaises(BadPacket) as caught:
                Seal(KEY, IV).opened(bytes(changed))
            self.assertTrue(caught.exception.forged)
        with self.assertRaises(BadPacket):
            self.here.opened(self.there.packet(b"second"))

    def test_lengths(self) -> None:
        """
        Impossible lengths are refused before anything is waited for.
        """
        for length in (0, 15, 17, LONGEST + 16, 0xFFFFFFFF):
            with self.assertRaises(BadPacket) as caught:
                self.here.opened(length.to_bytes(4, "big"))
            self.assertFalse(caught.exception.forged)

    def test_padding_lengths(self) -> None:
        """
        Padding that is too short, or leaves no room for a message, is refused.
        """
        for pad in (0, 3, 15, 200):
            plain = bytes((pad,)) + bytes(15)
            with self.assertRaises(BadPacket) as caught:
                Seal(KEY, IV).opened(Seal(KEY, IV)._sealed(plain))
            self.assertIn(f"padding length {pad}", str(caught.exception))


class CiphersTests(SynchronousTestCase):
    """
    ``Ciphers``.
    """

    def made(self, outgoing: bytes, incoming: bytes) -> Ciphers:
        """
        Ciphers with keys.
        """
        ciphers = Ciphers(outgoing, incoming, b"hmac-sha2-256", b"hmac-sha2-512")
        ciphers.setKeys(*[MATERIAL] * 6)
        return ciphers

    def test_each_direction(self) -> None:
        """
        Each direction has its own cipher; with AES-GCM no MAC goes with it.
        """
        ciphers = self.made(GCM, b"aes128-ctr")
        self.assertIsNotNone(ciphers.outgoing)
        self.assertIsNone(ciphers.incoming)
        self.assertEqual((ciphers.makeMAC(0, b"x"), ciphers.verifyDigestSize), (b"", 64))
        ciphers = self.made(b"aes128-ctr", GCM)
        self.assertIsNone(ciphers.outgoing)
        self.assertIsNotNone(ciphers.incoming)
        self.assertEqual((len(ciphers.makeMAC(0, b"x")), ciphers.verifyDigestSize), (32, 0))

    def test_signed(self) -> None:
        """
        Without AES-GCM each packet is encrypted as a whole, and its MAC is over it and its number, which goes round.
        """
        sealed = self.made(b"aes128-ctr", GCM).packets(0xFFFFFFFF, 7, memoryview(b"xyz"), 2)
        key, size = MATERIAL[:16], 32
        plain = Cipher(algorithms.AES(key), modes.CTR(MATERIAL[:16])).decryptor()
        for number, data in ((0xFFFFFFFF, b"xy"), (0, b"z")):
            packet, mac, sealed = plain.update(sealed[:size]), sealed[size : 2 * size], sealed[2 * size :]
            self.assertEqual(mac, hmac.digest(MATERIAL[:32], number.to_bytes(4, "big") + packet, "sha256"))
            length, pad = int.from_bytes(packet[:4], "big"), packet[4]
            self.assertEqual((length, pad >= LEAST), (size - 4, True))
            self.assertEqual(packet[5 : size - pad], b"\x5e\0\0\0\x07" + len(data).to_bytes(4, "big") + data)
        self.assertEqual(sealed, b"")
