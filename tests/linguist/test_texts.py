"""
Tests for :mod:`gitaly_tx.linguist.texts`.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.linguist.frames import as_text
from gitaly_tx.linguist.texts import Texts, plain, words

TEXTS = Texts()


def text_of(id: str) -> str:
    """
    The text of a licence in the list.
    """
    return next(str(each["text"]) for each in TEXTS._known if each["id"] == id)


class TextTests(SynchronousTestCase):
    """
    The list and what is like something in it.
    """

    def find(self, text: str, ending: str = "") -> list[list[Any]]:
        return TEXTS.question(as_text(text.encode()), ending)

    def test_itself(self) -> None:
        """
        A text of the list is found, with its name and address, before what is only like it.
        """
        for id in ("MIT", "Apache-2.0", "BSD-3-Clause", "ISC", "MPL-2.0", "Unlicense", "Zlib"):
            found = self.find(text_of(id))
            self.assertEqual(found[0][0], id)
            self.assertEqual(found[0][3], 1.0, id)
        mit = self.find(text_of("MIT"))
        self.assertEqual(mit[0], ["MIT", "MIT License", "https://opensource.org/licenses/MIT", 1.0])
        self.assertTrue(all(each[3] < 1.0 for each in mit[1:]))

    def test_ties(self) -> None:
        """
        Of several identifiers with one text the smallest is first: SPDX has four for each version of the GPL.
        """
        self.assertEqual([each[0] for each in self.find(text_of("GPL-2.0"))][:3], ["GPL-2.0", "GPL-2.0-only", "GPL-2.0-or-later"])

    def test_evened_out(self) -> None:
        """
        Case, white space, quotes, dashes and who holds the copyright are no difference.
        """
        text = text_of("MIT").replace('"', "“").replace("\n", "\r\n").upper()
        text = text.replace("COPYRIGHT (C) <YEAR> <COPYRIGHT HOLDERS>", "Copyright © 2020, 2021 Somebody, Inc.")
        self.assertEqual(self.find(text)[0][::3], ["MIT", 1.0])

    def test_changed(self) -> None:
        """
        The more is changed, the less likely; a text that has little to do with any is none.
        """
        text = text_of("MIT")
        changed = self.find(text.replace("without restriction", "with a small restriction that stands nowhere else"))
        self.assertEqual(changed[0][0], "MIT")
        self.assertTrue(0.9 < changed[0][3] < 1.0)
        self.assertEqual(self.find("this doesn't match any known license"), [])
        self.assertEqual(self.find(""), [])

    def test_parts(self) -> None:
        """
        A licence that stands between ruled lines is found among other things.
        """
        other = "nothing to be seen here, go on and look at the next part of this file\n" * 80
        self.assertEqual(self.find(f"{other}\n-----\n{text_of('ISC')}\n=====\n{other}")[0][0], "ISC")

    def test_address(self) -> None:
        """
        To name a licence's address is to name the licence; a longer address is another.
        """
        self.assertEqual(self.find("See https://opensource.org/licenses/MIT.")[0][::3], ["MIT", 1.0])
        self.assertEqual(self.find("See https://opensource.org/licenses/MIT/other or https://opensource.org/licenses/MITx"), [])

    def test_markup(self) -> None:
        """
        Markup is passed over.
        """
        text = text_of("MIT")
        html = "<h1>Hi</h1><p>" + text.replace("<", "&lt;").replace("\n\n", "</p>\n\n<p>") + "</p>"
        self.assertEqual(self.find(html, ".html")[0][0], "MIT")
        self.assertEqual(plain("# A\n**b** [c](d)\n> e", ".md"), "A\nb c\ne")
        self.assertEqual(plain("A\n===\n**b**\n.. c", ".rst"), "A\n\nb\n")
        self.assertEqual(plain("# **a**", ".txt"), "# **a**")

    def test_words(self) -> None:
        """
        Bullets, full stops and spellings are evened out.
        """
        self.assertEqual(words("1. The LICENCE\t of\n(b) this — it's.\n"), ["the", "license", "of", "this", "-", 'it"s', ""])
