"""
The process that looks at files: ``python -m gitaly_tx.linguist.worker``.

It reads questions from its standard input and writes answers to its standard output, and ends when it was not asked anything for
a while. It is a process of its own because what it looks at was written by strangers, and is looked at by a library that is not
ours: what breaks there ends this process and nothing else.
"""

from __future__ import annotations

import json
import os
import select
import sys
from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from .frames import as_bytes, framed, unframed

IDLE: Final = 120.0
"""Seconds."""

NOT_INSTALLED: Final = "not installed"
"""What is answered where there is no library."""

_NO_COLOR: Final = "#cccccc"


class Enry:
    """
    go-enry, the library that Gitaly uses.
    """

    def __init__(self) -> None:
        import enry
        from enry.definitions import lib
        from enry.utils import go_str_to_py

        self._enry = enry
        self._lib = lib
        self._text = go_str_to_py
        self._numbers: dict[str, int] = json.loads(files(__package__).joinpath("data", "language_ids.json").read_bytes())

    def places(self, paths: list[str]) -> list[list[bool]]:
        """
        Whether each is documentation, and whether it is vendored.
        """
        lib = self._lib
        names = map(as_bytes, paths)
        return [[bool(lib.IsDocumentation(name)), bool(lib.IsVendor(name))] for name in names]

    def natures(self, found: list[list[str]]) -> list[list[Any]]:
        """
        Whether each is generated, and its language.
        """
        lib = self._lib
        answers: list[list[Any]] = []
        for path, content in found:
            name, data = as_bytes(path), as_bytes(content)
            generated = bool(lib.IsGenerated(name, data, len(data)))
            answers.append([generated, self._text(lib, lib.GetLanguage(name, data, len(data)))])
        return answers

    def languages(self, names: list[str]) -> list[list[Any]]:
        """
        Whether each is counted, its colour and its number.
        """
        answers: list[list[Any]] = []
        for name in names:
            counted = self._enry.get_language_type(name) in ("programming", "markup")
            color = self._enry.get_color(name)
            if color == _NO_COLOR:
                color = f"#{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"
            answers.append([counted, color, self._numbers.get(name, 0)])
        return answers


class Answers:
    """
    Answers questions; what that needs is loaded when it is first needed.
    """

    def __init__(self) -> None:
        self._made: dict[str, Callable[..., Any]] = {}

    def answer(self, question: list[Any]) -> Any:
        """
        :param question: a word, and what goes with it.
        """
        word, *rest = question
        if word not in self._made:
            try:
                self._load(word)
            except ImportError:
                return NOT_INSTALLED
        return self._made[word](*rest)

    def _load(self, word: str) -> None:
        if word == "licenses":
            from .texts import Texts

            self._made["licenses"] = Texts().question
            return
        enry = Enry()
        self._made |= {"places": enry.places, "natures": enry.natures, "languages": enry.languages}


def main(reading: int, writing: int, idle: float = IDLE) -> None:
    """
    Answer until nobody asks any more.

    :param reading: the descriptor that questions come from.
    :param writing: the one that answers go to.
    """
    answers, buffer = Answers(), bytearray()
    with os.fdopen(writing, "wb", closefd=False) as output:
        while select.select([reading], [], [], idle)[0]:
            data = os.read(reading, 1 << 20)
            if not data:
                return
            buffer += data
            while (question := unframed(buffer)) is not None:
                output.write(framed([answers.answer(question)]))
                output.flush()


if __name__ == "__main__":
    main(sys.stdin.fileno(), sys.stdout.fileno())
