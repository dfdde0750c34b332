"""
Tag objects.
"""

from __future__ import annotations

from attrs import frozen

_BLOCK = b"-----BEGIN"


@frozen
class TagObject:
    """
    What a tag says of itself. Fields that it lacks are empty.

    :param target: the object that it names, in hexadecimal digits as they stand there.
    :param type: of the target, as bytes.
    :param name: the name that it was made with; the ref may have another one.
    :param tagger: who and when, as it stands there.
    :param message: everything after the header, with the signature and all newlines.
    """

    target: bytes
    type: bytes
    name: bytes
    tagger: bytes
    message: bytes


def parse_tag(data: bytes) -> TagObject:
    """
    Read a tag's content. Anything can be read; what cannot be understood is left out.
    """
    header, _, message = data.partition(b"\n\n")
    if not message:
        header = header.rstrip(b"\n")
    fields: dict[bytes, bytes] = {}
    for line in header.split(b"\n"):
        name, space, value = line.partition(b" ")
        if space:
            fields[name] = value
    return TagObject(
        fields.get(b"object", b""), fields.get(b"type", b""), fields.get(b"tag", b""), fields.get(b"tagger", b""), message
    )


def signature_line(message: bytes) -> bytes:
    """
    The first line of the first armoured block in a tag's message, which says what kind of signature it is; empty if there is no
    whole such line, or if the message is nothing but the block.
    """
    start = message.find(_BLOCK)
    end = message.find(b"\n", start)
    return message[start:end] if start > 0 and end > 0 else b""


def split_signature(data: bytes) -> tuple[bytes, bytes]:
    """
    A tag's content, cut in two where its signature begins.

    :returns: what was signed, and the signature without its last newline; empty if there is none.
    """
    start = data.find(_BLOCK)
    if start < 0:
        return data, b""
    return data[:start], data[start:].removesuffix(b"\n")
