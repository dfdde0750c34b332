"""
Which licence of the SPDX list is a text?

Texts are compared by words, after what differs without meaning has been evened out, as the list's matching guidelines ask for
(https://spdx.github.io/spdx-spec/v2.3/license-matching-guidelines-and-templates/). How much of a text is a licence is the part of
its words that need not be changed to get the licence's text.
"""

from __future__ import annotations

import json
import lzma
import re
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any, Final

from rapidfuzz.distance import Levenshtein

from .frames import as_bytes
from .interfaces import LONGEST_TEXT

ENOUGH: Final = 0.75
"""The least likeness that counts."""

_LINE_END: Final = re.compile(r"\r\n?")
_SPACE: Final = re.compile("[\\t\\f \u00a0\u2000-\u200b\u202f\u205f\u3000]+")
_EDGE: Final = re.compile(r"(?m)^ | $")
_DASH: Final = re.compile("[-~\u02d7\u2010-\u2015\u2043\u2053\u207b\u208b\u2212\u2500\u2796\u2e3a\u2e3b\ufe58\ufe63\uff0d]+")
_QUOTE: Final = re.compile("[\"'`\u2018-\u201e\u00ab\u00bb\u2039\u203a]+")
_BULLET: Final = re.compile(r"(?m)^(?:[-*•●∙⋅] ?|[(\[{]?(?:\d+|[a-z]|i+)[.)\]}] ?)")
_COPYRIGHT: Final = re.compile(r"\(c\)|copyright")
_COPYRIGHT_LINE: Final = re.compile(r"(?m)^©.*\n")
_RULE: Final = re.compile(r"(?m)^[ \t]*[-=*_#]{3,}[ \t]*$")
_WORD_END: Final = re.compile("[ \n]")
_BLANK: Final = re.compile(r"\s+")
_MARKDOWN: Final = re.compile(r"(?m)^\s{0,3}(?:#{1,6} +|> ?)|[*_`]{1,3}|\[([^\]]*)\]\([^)]*\)")
_RST: Final = re.compile(r"(?m)^\.\. .*$|^[=\-~^\"'#*+]{3,}$|[*`]{1,2}")
_MORE: Final = re.compile(r"[-\w/]|\.\w")

_SAME: Final = (
    ("acknowledgment", "acknowledgement"),
    ("authorisation", "authorization"),
    ("authorised", "authorized"),
    ("favour", "favor"),
    ("fulfilment", "fulfillment"),
    ("judgment", "judgement"),
    ("labour", "labor"),
    ("licence", "license"),
    ("organisation", "organization"),
    ("practise", "practice"),
    ("programme", "program"),
    ("recognise", "recognize"),
    ("sub-license", "sublicense"),
    ("sub license", "sublicense"),
    ("whilst", "while"),
    ("wilful", "willful"),
    ("non-commercial", "noncommercial"),
    ("per cent", "percent"),
    ("copyright owner", "copyright"),
    ("copyright holder", "copyright"),
)
"""Spellings that are no difference."""


class _Stripped(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def plain(text: str, ending: str) -> str:
    """
    A text without its markup.

    :param ending: of the file's name.
    """
    if ending == ".html":
        parser = _Stripped()
        parser.feed(text)
        parser.close()
        return "".join(parser.pieces)
    if ending == ".md":
        return _MARKDOWN.sub(r"\1", text)
    return _RST.sub("", text) if ending == ".rst" else text


def words(text: str) -> list[str]:
    """
    The words of a text, evened out.
    """
    text = _EDGE.sub("", _SPACE.sub(" ", _LINE_END.sub("\n", text))).lower()
    text = _BULLET.sub("", _QUOTE.sub('"', _DASH.sub("-", text)))
    for spelling, other in _SAME:
        text = text.replace(spelling, other)
    text = _COPYRIGHT.sub("©", text).replace(".", "")
    return _WORD_END.split(_EDGE.sub("", _COPYRIGHT_LINE.sub("", text)))


def likeness(found: list[str], known: list[str]) -> float:
    """
    How much of a text is a licence; at most 1, and below 0 for a text that has little to do with it.

    :param found: the text's words.
    :param known: the licence's.
    """
    numbers = {word: number for number, word in enumerate(dict.fromkeys(known))}
    other = len(numbers)
    mine: list[int] = []
    for word in found:
        number = numbers.get(word, other)
        # Any number of words that the licence does not have is one difference.
        if number != other or not mine or mine[-1] != other:
            mine.append(number)
    most = int(len(mine) * (1 - ENOUGH)) + 1
    return 1 - Levenshtein.distance(mine, [numbers[word] for word in known], score_cutoff=most) / len(mine)


def _names(text: str, url: str) -> bool:
    """
    Whether an address stands in a text, and not only the beginning of a longer one.
    """
    at = text.find(url) if url else -1
    while at >= 0:
        if not _MORE.match(text, at + len(url)):
            return True
        at = text.find(url, at + 1)
    return False


class Texts:
    """
    The list's texts.
    """

    def __init__(self) -> None:
        content = files(__package__).joinpath("data", "licenses.json.xz").read_bytes()
        self._known: list[dict[str, Any]] = json.loads(lzma.decompress(content))
        self._sizes = [len(_BLANK.split(each["text"])) for each in self._known]
        self._words: dict[int, list[str]] = {}

    def question(self, text: str, ending: str) -> list[list[Any]]:
        """
        As :func:`~gitaly_tx.linguist.interfaces.ILinguist.licenses`.
        """
        raw = as_bytes(text)[:LONGEST_TEXT].decode("utf-8", "replace")
        found = self.find(plain(raw, ending), raw)
        order = sorted(found.items(), key=lambda each: (-each[1], self._known[each[0]]["id"]))
        return [[self._known[number][key] for key in ("id", "name", "url")] + [value] for number, value in order]

    def find(self, text: str, raw: str) -> dict[int, float]:
        """
        :param text: without markup.
        :param raw: with it, for the addresses in it.
        :returns: confidence by place in the list.
        """
        found: dict[int, float] = {}
        for part in dict.fromkeys([text, *_RULE.split(text)]):
            mine = words(part)
            size = len(_BLANK.split(part))
            for number, other in enumerate(self._sizes):
                # Longer or shorter by more than that cannot be like enough; some words are lost when texts are evened out.
                if size * 0.5 <= other <= size * 1.6 and (value := likeness(mine, self._words_of(number))) >= ENOUGH:
                    found[number] = max(value, found.get(number, 0.0))
        for number, each in enumerate(self._known):
            if number not in found and _names(raw, each["url"]):
                found[number] = 1.0
        return found

    def _words_of(self, number: int) -> list[str]:
        known = self._words.get(number)
        if known is None:
            known = self._words[number] = words(self._known[number]["text"])
        return known
