"""
Tests for :mod:`gitaly_tx.git.attributes` and :mod:`gitaly_tx.git.parse.attributes`: the answers are git's.
"""

from __future__ import annotations

import os
import shutil
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git import attributes
from gitaly_tx.git.attributes import TreeAttributes, info_attributes
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.objectstore import ObjectStore
from gitaly_tx.git.parse.attributes import LARGEST_FILE, is_name, parse, parse_file
from tests.support.git import git, make_repository

NAMES = (b"a", b"b", b"text", b"diff", b"binary", b"m")


class AttributesCase(SynchronousTestCase):
    """
    A repository whose trees have attributes files.
    """

    def setUp(self) -> None:
        self.directory = make_repository(os.path.abspath(self.mktemp()))
        self.index = os.path.abspath(self.mktemp())
        self.store = ObjectStore()

    def tree(self, files: dict[str, bytes]) -> ObjectID:
        """
        A tree with these files.
        """
        if os.path.exists(self.index):
            os.unlink(self.index)
        lines = []
        for path, content in files.items():
            oid = git("-C", self.directory.path, "hash-object", "-w", "--stdin", stdin=content).decode().strip()
            lines.append(f"100644 {oid}\t{path}\0")
        self.git("update-index", "-z", "--index-info", stdin="".join(lines).encode())
        return ObjectID(self.git("write-tree").strip())

    def git(self, *words: str, stdin: bytes = b"") -> bytes:
        return git("-C", self.directory.path, *words, stdin=stdin, GIT_INDEX_FILE=self.index)

    def ours(self, tree: ObjectID, *paths: bytes) -> dict[tuple[bytes, bytes], Any]:
        def look(objects: Any) -> dict[tuple[bytes, bytes], Any]:
            found = TreeAttributes(objects, tree, info_attributes(self.directory))
            return {(path, name): state for path in paths for name, state in found.look_up(path, NAMES).items()}

        return self.store.look(self.directory, look)

    def theirs(self, *paths: bytes) -> dict[tuple[bytes, bytes], Any]:
        """
        What git says of the index.
        """
        stdin = b"".join(path + b"\0" for path in paths)
        output = self.git("check-attr", "--cached", "-z", "--stdin", *(name.decode() for name in NAMES), stdin=stdin)
        fields = output.split(b"\0")[:-1]
        words: dict[bytes, Any] = {b"set": True, b"unset": False}
        triples = zip(fields[::3], fields[1::3], fields[2::3], strict=True)
        return {(path, name): words.get(value, value) for path, name, value in triples if value != b"unspecified"}

    def check(self, files: dict[str, bytes], *paths: bytes) -> dict[tuple[bytes, bytes], Any]:
        """
        Compare.
        """
        tree = self.tree(files)
        found = self.ours(tree, *paths)
        self.assertEqual(found, self.theirs(*paths), files)
        return found


class TreeAttributesTests(AttributesCase):
    """
    ``TreeAttributes``
    """

    def test_states(self) -> None:
        """
        An attribute is set, unset, has a value, or is unspecified again.
        """
        found = self.check({".gitattributes": b"* a -b text=auto diff\nx !diff\n"}, b"x", b"d/y")
        self.assertEqual(found[b"x", b"a"], True)
        self.assertEqual(found[b"x", b"b"], False)
        self.assertEqual(found[b"d/y", b"text"], b"auto")
        self.assertNotIn((b"x", b"diff"), found)
        self.assertIn((b"d/y", b"diff"), found)

    def test_order(self) -> None:
        """
        Deeper files win over those above, later lines over earlier ones, and ``info/attributes`` over all.
        """
        os.makedirs(os.path.join(self.directory.path, "info"), exist_ok=True)
        with open(os.path.join(self.directory.path, "info", "attributes"), "wb") as file:
            file.write(b"\xef\xbb\xbflast m=info\n")
        files = {".gitattributes": b"* a=1 m=1\n* a=2\n", "d/.gitattributes": b"* a=3\n/x a=4\n"}
        found = self.check(files, b"x", b"d/x", b"d/y", b"d/e/x", b"d/last")
        values = {path: state for (path, name), state in found.items() if name == b"a"}
        self.assertEqual(values, {b"x": b"2", b"d/x": b"4", b"d/y": b"3", b"d/e/x": b"3", b"d/last": b"3"})
        self.assertEqual(found[b"d/last", b"m"], b"info")

    def test_macros(self) -> None:
        """
        A macro sets what it stands for unless that is decided already; only the root may define one.
        """
        files = {
            ".gitattributes": b"[attr]m a=macro -b\n*.m m\n*.bin binary\nover.m b\n",
            "d/.gitattributes": b"[attr]binary a=evil\n*.x m=1\n",
        }
        found = self.check(files, b"x.m", b"over.m", b"x.bin", b"d/x.bin", b"d/y.x")
        self.assertEqual((found[b"x.m", b"a"], found[b"x.m", b"b"]), (b"macro", False))
        self.assertEqual(found[b"over.m", b"b"], True)
        self.assertEqual(found[b"d/x.bin", b"diff"], False)
        self.assertNotIn((b"d/x.bin", b"a"), found)

    def test_odd_lines(self) -> None:
        """
        What git would not take is passed over.
        """
        content = (
            b"# comment\n\n   x a=indented\r\n!y a\nz a -- b\nlong " + b"a=" + b"v" * 2048 + b"\n"
            b'"q\\303\\274 x" a=quoted\n"open a\nslash/ a=dir\nx b=\n[attr]-bad a\n[attr] a\n\0x a=after\n'
        )
        paths = (b"x", b"y", b"!y", b"z", b"long", "qü x".encode(), b"slash", b"slash/", b"slash/x", b"open", b'"open')
        self.check({".gitattributes": content}, *paths)

    def test_patterns(self) -> None:
        """
        Patterns match as git matches them, whether or not they have slashes and stars.
        """
        patterns = [
            b"x",
            b"/x",
            b"d/x",
            b"/d/*",
            b"*.x",
            b"**/x",
            b"d/**",
            b"d/e**",
            b"d/**/x",
            b"?",
            b"[dx]",
            b"*",
            b"e/",
            b"\\x",
        ]
        paths = [b"x", b"d/x", b"d/e/x", b"d/e/f/x", b"a.x", b"d/a.x", b"e", b"e/", b"d/e/", b"d/ex/x"]
        for pattern in patterns:
            self.check({".gitattributes": pattern + b" a\n", "d/.gitattributes": pattern + b" b\n"}, *paths)

    def test_any(self) -> None:
        """
        Whatever stands in the files, the answers are git's.
        """
        pattern = st.text("x*/?d[].", min_size=1, max_size=5)
        state = st.sampled_from(["a", "-a", "!a", "b=1", "-b", "binary", "-binary", "m", "!m", "text", "-diff"])
        line = st.one_of(
            st.builds(lambda p, s: f"{p} {' '.join(s)}", pattern, st.lists(state, max_size=3)),
            st.builds(lambda s: f"[attr]m {' '.join(s)}", st.lists(state, max_size=3)),
        )
        content = st.lists(line, max_size=4).map(lambda lines: "\n".join(lines).encode())

        @settings(max_examples=50, deadline=None)
        @given(content, content)
        def check(root: bytes, below: bytes) -> None:
            files = {".gitattributes": root, "d/.gitattributes": below, "d/x": b""}
            self.check(files, b"x", b"d/x", b"d/d/x", b"xx.x", b"d/", b"d/.x")

        check()

    def test_not_read(self) -> None:
        """
        A directory of that name, a file that is missing and one that is too large say nothing.
        """
        self.assertEqual(self.ours(self.tree({".gitattributes/x": b"* a\n"}), b"x"), {})
        tree = self.tree({".gitattributes": b"* a\n"})
        with mock.patch.object(attributes, "LARGEST_BLOB", 3):
            self.assertEqual(self.ours(tree, b"x"), {})
        blob = git("-C", self.directory.path, "rev-parse", f"{tree}:.gitattributes").decode().strip()
        os.unlink(os.path.join(self.directory.objects, blob[:2], blob[2:]))
        self.store.forget(self.directory)
        self.assertEqual(self.ours(tree, b"x"), {})

    def test_info(self) -> None:
        """
        Without ``info/attributes`` there are no lines of it.
        """
        shutil.rmtree(os.path.join(self.directory.path, "info"), ignore_errors=True)
        self.assertEqual(info_attributes(self.directory), ())


class ParseTests(SynchronousTestCase):
    """
    ``parse``
    """

    def test_large(self) -> None:
        """
        A file that is too large says nothing.
        """

        class Large(bytes):
            def __len__(self) -> int:
                return LARGEST_FILE

        self.assertEqual(list(parse(Large(b"* a\n"), macros=True)), [])

    def test_names(self) -> None:
        """
        Names are letters, digits, dots, dashes and underscores, and do not begin with a dash.
        """
        for name, valid in ((b"a-b_c.9", True), (b"-a", False), (b"", False), (b"a b", False), (b"\xff", False)):
            self.assertEqual(is_name(name), valid)

    @settings(max_examples=100)
    @given(st.binary(max_size=60))
    def test_any(self, content: bytes) -> None:
        """
        Any bytes can be read.
        """
        list(parse_file(content))
