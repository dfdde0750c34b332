"""
``.mailmap`` files: which names and addresses are shown instead of those in commits (gitmailmap(5)).
"""

from __future__ import annotations

from attrs import define, field

_SPACE = b" \t\n\v\f\r"


@define
class _Shown:
    name: bytes | None = None
    email: bytes | None = None


@define
class _Entry:
    simple: _Shown = field(factory=_Shown)
    by_name: dict[bytes, _Shown] = field(factory=dict)


class Mailmap:
    """
    :param content: the file. Lines that make no sense are passed over, as git does.
    """

    def __init__(self, content: bytes = b"") -> None:
        self._entries: dict[bytes, _Entry] = {}
        for line in content.split(b"\n"):
            if not line.startswith(b"#"):
                self._learn(line.partition(b"\0")[0])

    def __bool__(self) -> bool:
        return bool(self._entries)

    def shown(self, name: bytes, email: bytes) -> tuple[bytes, bytes]:
        """
        The name and the address to show for those in an object. Neither's case matters.
        """
        entry = self._entries.get(email.lower())
        if entry is None:
            return name, email
        found = entry.by_name.get(name.lower(), entry.simple)
        return name if found.name is None else found.name, email if found.email is None else found.email

    def _learn(self, line: bytes) -> None:
        first = _person(line, False)
        if first is None:
            return
        name, email, rest = first
        second = _person(rest, True)
        if second is None:
            shown_name, shown_email, old_name, old_email = name, None, None, email
        else:
            shown_name, shown_email, old_name, old_email = name, email, second[0], second[1]
        entry = self._entries.setdefault(old_email.lower(), _Entry())
        if old_name is not None:
            entry.by_name[old_name.lower()] = _Shown(shown_name, shown_email)
            return
        if shown_name is not None:
            entry.simple.name = shown_name
        if shown_email is not None:
            entry.simple.email = shown_email


def _person(text: bytes, empty_email: bool) -> tuple[bytes | None, bytes, bytes] | None:
    """
    :returns: name, address and what comes after; ``None`` if there is no address.
    """
    name, opened, rest = text.partition(b"<")
    email, closed, rest = rest.partition(b">")
    if not opened or not closed or (not email and not empty_email):
        return None
    return name.strip(_SPACE) or None, email, rest


NONE = Mailmap()
"""Shows everybody as they are."""
