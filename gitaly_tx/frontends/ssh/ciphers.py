"""
How packets are encrypted: what is offered to whom, and AES-GCM, which conch lacks.

On a machine without instructions for SHA-256 the MAC costs more than all the rest of a clone. AES-GCM needs none.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Iterator, Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from twisted.conch.ssh.connection import MSG_CHANNEL_DATA
from twisted.conch.ssh.transport import SSHCiphers
from twisted.python import randbytes

AEAD: Final = {b"aes128-gcm@openssh.com": 16, b"aes256-gcm@openssh.com": 32}
"""Ciphers that authenticate what they encrypt, with the bytes of their keys."""

COUNTED: Final = (b"aes128-ctr", b"aes256-ctr", b"aes192-ctr")
"""Ciphers that need a MAC."""

CIPHERS: Final = [*AEAD, *COUNTED]
MACS: Final = [b"hmac-sha2-256", b"hmac-sha2-512"]
"""
What is offered, best first. Neither chacha20-poly1305 nor an encrypt-then-MAC mode is among it: conch has no strict key exchange,
and those are what the Terrapin attack needs (CVE-2023-48795). AES-GCM is not open to it.
"""

BLOCK: Final = 16
TAG: Final = 16
LEAST: Final = 4
"""The fewest bytes of padding (RFC 4253, section 6)."""

LONGEST_PADDING: Final = 20
"""The most bytes of padding: a block, and four more where a block has too little room."""

LONGEST: Final = 1 << 20
"""The longest packet that is taken, in bytes."""

LENGTH: Final = 4
"""Bytes of the packet length, with which each packet begins."""

_HEAD = struct.Struct(">LBBLL")
"""Packet length, padding length, message, channel, data length."""


def offer(client: Sequence[Sequence[bytes]]) -> list[bytes]:
    """
    The ciphers to offer to a client. In SSH the client's order decides, and OpenSSH's had AES-GCM last for many years, so a
    client that has it is offered nothing else.

    :param client: its ciphers, for both directions.
    """
    chosen = [cipher for cipher in AEAD if all(cipher in names for names in client)]
    return chosen or CIPHERS


def padding(size: int, block: int) -> int:
    """
    How many bytes of padding go with ``size`` others.
    """
    rest = block - size % block
    return rest if rest >= LEAST else rest + block


class BadPacket(Exception):
    """
    A packet that cannot be right.

    :param forged: it does not carry the mark of the key; otherwise its length is impossible.
    """

    def __init__(self, text: str, forged: bool = False) -> None:
        super().__init__(text)
        self.forged = forged


class Seal:
    """
    One direction with AES-GCM, as RFC 5647 has it and OpenSSH names it: the length is sent in the clear, and authenticated.

    :param iv: four bytes that stay, and eight that are counted up with each packet.
    """

    def __init__(self, key: bytes, iv: bytes) -> None:
        self._aead = AESGCM(key)
        self._fixed = iv[:4]
        self._count = int.from_bytes(iv[4:12], "big")

    def packet(self, payload: bytes) -> bytes:
        """
        A whole packet, encrypted.
        """
        pad = padding(1 + len(payload), BLOCK)
        return self._sealed(b"".join((bytes((pad,)), payload, randbytes.secureRandom(pad))))

    def packets(self, channel: int, data: memoryview, largest: int) -> bytes:
        """
        The packets that carry bytes of a channel.
        """
        encrypt = self._aead.encrypt
        out: list[bytes] = []
        for head, piece, pad in _parts(channel, data, largest, LENGTH):
            length = head[:LENGTH]
            out += (length, encrypt(self._nonce(), b"".join((head[LENGTH:], piece, pad)), length))
        return b"".join(out)

    def opened(self, buffer: bytes) -> tuple[bytes, int] | None:
        """
        The first packet of what came in.

        :returns: its payload, and how many bytes it took; ``None`` if it is not there as a whole.
        :raises BadPacket: if it cannot be right.
        """
        if len(buffer) < 4:
            return None
        length = int.from_bytes(buffer[:4], "big")
        if length > LONGEST or length % BLOCK or length < BLOCK:
            raise BadPacket(f"bad packet length {length}")
        end = 4 + length + TAG
        if len(buffer) < end:
            return None
        try:
            plain = self._aead.decrypt(self._nonce(), buffer[4:end], buffer[:4])
        except InvalidTag:
            raise BadPacket("bad MAC", forged=True) from None
        pad = plain[0]
        if not LEAST <= pad < length - 1:
            raise BadPacket(f"bad padding length {pad}")
        return plain[1 : length - pad], end

    def _sealed(self, plain: bytes) -> bytes:
        length = len(plain).to_bytes(4, "big")
        return length + self._aead.encrypt(self._nonce(), plain, length)

    def _nonce(self) -> bytes:
        count = self._count
        self._count = (count + 1) & 0xFFFFFFFFFFFFFFFF
        return self._fixed + count.to_bytes(8, "big")


class Ciphers(SSHCiphers):
    """
    conch's, and AES-GCM.

    :ivar outgoing: encrypts what goes out; ``None`` if that is not AES-GCM.
    :ivar incoming: the same for what comes in.
    """

    outMAC: Any
    encryptor: Any
    _unsigned: hmac.HMAC

    def __init__(self, outCip: bytes, inCip: bytes, outMac: bytes, inMac: bytes) -> None:
        super().__init__(outCip, inCip, outCip if outCip in AEAD else outMac, inCip if inCip in AEAD else inMac)
        self.outgoing: Seal | None = None
        self.incoming: Seal | None = None

    def setKeys(self, outIV: bytes, outKey: bytes, inIV: bytes, inKey: bytes, outInteg: bytes, inInteg: bytes) -> None:
        """
        Begin with new keys.
        """
        super().setKeys(outIV, outKey, inIV, inKey, outInteg, inInteg)
        self.outgoing = _seal(self.outCipType, outKey, outIV)
        self.incoming = _seal(self.inCipType, inKey, inIV)
        if self.outgoing is None:
            self._unsigned = hmac.new(self.outMAC.key, digestmod=self.outMAC[0])

    def _getCipher(self, cip: bytes, iv: bytes, key: bytes) -> Any:
        return super()._getCipher(b"none" if cip in AEAD else cip, iv, key)

    def _getMAC(self, mac: bytes, key: bytes) -> Any:
        return super()._getMAC(b"none" if mac in AEAD else mac, key)

    def packets(self, sequence: int, channel: int, data: memoryview, largest: int) -> bytes:
        """
        The packets that carry bytes of a channel (RFC 4254, section 5.2), with each byte copied once before it is encrypted, and
        once afterwards.

        :param sequence: the number of the first.
        :param channel: the client's number for it.
        :param largest: the most bytes in one packet.
        """
        if self.outgoing is not None:
            return self.outgoing.packets(channel, data, largest)
        encrypt = self.encryptor.update
        out: list[bytes] = []
        for parts in _parts(channel, data, largest, 0):
            packet = b"".join(parts)
            mac = self._unsigned.copy()
            mac.update(sequence.to_bytes(4, "big"))
            mac.update(packet)
            out += (encrypt(packet), mac.digest())
            sequence = (sequence + 1) & 0xFFFFFFFF
        return b"".join(out)


def _seal(cipher: bytes, key: bytes, iv: bytes) -> Seal | None:
    size = AEAD.get(cipher)
    return None if size is None else Seal(key[:size], iv)


def _parts(channel: int, data: memoryview, largest: int, clear: int) -> Iterator[tuple[bytes, memoryview, bytes]]:
    """
    The packets that carry bytes of a channel, not encrypted yet.

    :param clear: how many bytes at the beginning stay as they are, and count for no block.
    :returns: head, data and padding of each.
    """
    noise = randbytes.secureRandom((len(data) // largest + 1) * LONGEST_PADDING)
    for number, start in enumerate(range(0, len(data), largest)):
        piece = data[start : start + largest]
        size = _HEAD.size + len(piece)
        pad = padding(size - clear, BLOCK)
        head = _HEAD.pack(size - LENGTH + pad, pad, MSG_CHANNEL_DATA, channel, len(piece))
        offset = number * LONGEST_PADDING
        yield head, piece, noise[offset : offset + pad]
