"""
Tests for :mod:`gitaly_tx.config.lines`.
"""

from __future__ import annotations

import json
import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.config.lines import KeyPath, Lines

TEXT = '''\
# a comment with key = "value"
a = 1
b = """
c = 2
\\"""" # not c
[t]
x = [ # one
  "p", # two
  "q]", {y = 1, z = [2]},
]
"quoted key" = 'it''s'
u.v = 1979-05-27 07:32:00
[[s]]
name = "one"
[[s]]
name = "two"
[s.sub]
deep = true
[[s.list]]
k = """x"""
  [[s.list]]
  k = \'\'\'
y\'\'\'
l = 3
'''.replace("'it''s'", "'its'")


class LinesTests(SynchronousTestCase):
    """
    Every key has the line that it stands on.
    """

    def test_all(self) -> None:
        """
        Tables, arrays of tables, dotted and quoted keys, elements and inline tables are found.
        """
        tomllib.loads(TEXT)
        lines = Lines(TEXT)
        cases: dict[KeyPath, int] = {
            ("a",): 2,
            ("b",): 3,
            ("t",): 6,
            ("t", "x"): 7,
            ("t", "x", 0): 8,
            ("t", "x", 1): 9,
            ("t", "x", 2, "y"): 9,
            ("t", "x", 2, "z", 0): 9,
            ("t", "quoted key"): 11,
            ("t", "u", "v"): 12,
            ("s",): 13,
            ("s", 0): 13,
            ("s", 0, "name"): 14,
            ("s", 1, "name"): 16,
            ("s", 1, "sub", "deep"): 18,
            ("s", 1, "list", 0, "k"): 20,
            ("s", 1, "list", 1, "k"): 22,
            ("s", 1, "list", 1, "l"): 24,
        }
        for path, line in cases.items():
            self.assertEqual(lines.line(path), line, path)
        self.assertNotIn(("c",), lines.keys)

    def test_nearest(self) -> None:
        """
        What has no line of its own gets that of what surrounds it, and nothing has none.
        """
        lines = Lines("[a]\nb = 1\n")
        self.assertEqual(lines.line(("a", "missing", "x")), 1)
        self.assertEqual(lines.line(("z",)), 0)
        self.assertEqual(lines.line(()), 0)

    def test_junk(self) -> None:
        """
        A text that is not TOML costs nothing but lines.
        """
        for text in (
            "= 3",
            "[",
            "[a",
            "a",
            "a =",
            "a = [",
            "a = [1 2]",
            "a = {b",
            "[[a]",
            "a.= 1",
            '"x',
            "a = ]",
            "a = {b = 1 c = 2}",
        ):
            Lines(text)
        self.assertEqual(Lines("a = 1\n= 2\nb = 3\n").keys, {("a",): 1})

    def test_quoted_escapes(self) -> None:
        """
        A quoted key is known under the name that it means.
        """
        text = '"t\\u00e4g\\n\\\\" = 1\n\'raw\\n\' = 2\n"\\U0001F600" = 3\n'
        self.assertEqual({(name,) for name in tomllib.loads(text)}, set(Lines(text).keys))

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def test_agrees_with_the_parser(self, data: st.DataObject) -> None:
        """
        Whatever the standard library's parser finds in a file has a line, and nothing else has.
        """
        text = data.draw(_DOCUMENTS)
        found = {path for path in Lines(text).keys if path}
        self.assertEqual(found, set(_paths(tomllib.loads(text))))


def _paths(value: Any, at: KeyPath = ()) -> list[KeyPath]:
    found = [at] if at else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        found += _paths(item, (*at, name))
    return found


_NAMES = st.text(alphabet="abc-_1", min_size=1, max_size=3)
_SCALARS = st.one_of(
    st.integers(-5, 5).map(str),
    st.booleans().map(lambda value: str(value).lower()),
    st.text(alphabet='ab"\\]#=}\n ', max_size=6).map(json.dumps),
    st.text(alphabet="ab]#=} ", max_size=6).map(lambda text: f"'''{text}'''"),
    st.text(alphabet="ab]#=}\n ", max_size=6).map(lambda text: f'"""{text}"""'),
    st.just("1979-05-27 07:32:00Z"),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[ # c ]\n" + ",\n ".join(items) + "\n]"),
        st.dictionaries(_NAMES, _SCALARS.filter(lambda text: "\n" not in text), max_size=2).map(
            lambda items: "{" + ", ".join(f"{name} = {value}" for name, value in items.items()) + "}"
        ),
    ),
    max_leaves=6,
)
_PAIRS = st.dictionaries(_NAMES, _VALUES, max_size=3).map(
    lambda items: "".join(f"  {name} = {value} # x = 1\n" for name, value in items.items())
)
_DOCUMENTS = st.tuples(
    _PAIRS,
    st.lists(st.tuples(st.sampled_from(["x", "y"]), _PAIRS), max_size=4).map(
        lambda tables: "".join(f"\n[[ t{name} ]] # [no]\n{pairs}" for name, pairs in tables)
    ),
    st.dictionaries(_NAMES, _PAIRS, max_size=2).map(
        lambda tables: "".join(f'[u{name}."v"]\n{pairs}' for name, pairs in tables.items())
    ),
).map("".join)
