"""
Text as Go's ``%q`` prints it: Gitaly's messages quote what the caller sent that way, and its clients compare them.
"""

from __future__ import annotations

_NAMED = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    '"': '\\"',
    "\\": "\\\\",
}


def quoted(text: bytes | str) -> str:
    """
    ``text`` in double quotes, with everything escaped that is not printable; bytes that are no UTF-8 become ``\\xNN``.
    """
    raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return '"' + "".join(map(_escaped, raw.decode("utf-8", "surrogateescape"))) + '"'


def _escaped(character: str) -> str:
    number = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    if character == " " or (character.isprintable() and not character.isspace()):
        return character
    if number < 0x80:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
