"""
Tests for :mod:`gitaly_tx.git.treeedit`.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.errors import ObjectCorrupt, ObjectNotFound
from gitaly_tx.git.interfaces import GitObject
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.git.parse.tree import TreeEntry
from gitaly_tx.git.quarantine import object_id
from gitaly_tx.git.treeedit import EXECUTABLE, REGULAR, InTheWay, TreeEditor
from tests.support.git import git, make_repository

SUBMODULE = 0o160000


class Store:
    """
    Objects in memory; remembers which were read and which were made.
    """

    def __init__(self, object_format: ObjectFormat = ObjectFormat.SHA1) -> None:
        self.object_format = object_format
        self.objects: dict[ObjectID, GitObject] = {}
        self.was_read: list[ObjectID] = []
        self.made: list[ObjectID] = []
        self.empty = object_id(object_format, b"tree", b"")

    def read(self, oid: ObjectID, maximum: int | None = None) -> GitObject:
        """
        One object.
        """
        self.was_read.append(oid)
        try:
            return self.objects[oid]
        except KeyError:
            raise ObjectNotFound(oid) from None

    def info(self, oid: ObjectID) -> None:
        """
        Not needed.
        """
        raise NotImplementedError

    def write(self, type: bytes, data: bytes) -> ObjectID:
        """
        Make an object.
        """
        oid = object_id(self.object_format, type, data)
        self.objects[oid] = GitObject(oid, type, data)
        self.made.append(oid)
        return oid

    def editor(self, root: ObjectID | None = None) -> TreeEditor:
        """
        An editor of a tree, or of the empty one.
        """
        objects: Any = self
        return TreeEditor(objects, root or self.empty)

    def blob(self, number: int) -> ObjectID:
        """
        The id of some blob.
        """
        return object_id(self.object_format, b"blob", b"%d" % number)


class TreeEditorTests(SynchronousTestCase):
    """
    ``TreeEditor``.
    """

    def setUp(self) -> None:
        self.store = Store()
        editor = self.store.editor()
        for number, path in enumerate((b"a/b/c", b"a/d", b"e/f", b"g")):
            editor.put(path, REGULAR, self.store.blob(number))
        editor.put(b"s", SUBMODULE, self.store.blob(9))
        self.root = editor.write(self.store.write)
        self.store.made.clear()
        self.store.was_read.clear()

    def test_found(self) -> None:
        """
        What is at a path is found, and nothing below what is no directory.
        """
        editor = self.store.editor(self.root)
        self.assertEqual(editor.find(b"a/b/c"), TreeEntry(REGULAR, b"c", self.store.blob(0)))
        directory = editor.find(b"a/b")
        assert directory is not None
        self.assertTrue(directory.is_tree and not directory.is_blob)
        submodule = editor.find(b"s")
        assert submodule is not None
        self.assertFalse(submodule.is_tree or submodule.is_blob)
        for path in (b"a/b/c/d", b"a/x/c", b"s/x", b"x", b"g/x/y"):
            self.assertIsNone(editor.find(path))

    def test_only_what_changes(self) -> None:
        """
        Only the directories on the way are read and written; nothing is, if nothing changes.
        """
        editor = self.store.editor(self.root)
        self.assertEqual(editor.write(self.store.write), self.root)
        self.assertEqual(self.store.made, [])
        editor.put(b"e/new", EXECUTABLE, self.store.blob(7))
        changed = editor.write(self.store.write)
        self.assertEqual((len(self.store.was_read), len(self.store.made)), (2, 2))
        self.assertEqual(editor.write(self.store.write), changed)
        self.assertEqual(self.store.editor(changed).find(b"e/new"), TreeEntry(EXECUTABLE, b"new", self.store.blob(7)))
        self.assertEqual(self.store.editor(changed).find(b"a/b/c"), TreeEntry(REGULAR, b"c", self.store.blob(0)))

    def test_as_they_were_read(self) -> None:
        """
        Where entries take the places of others, everything else stays byte by byte, even what git would write otherwise.
        """
        line = b"100664 odd\0" + b"x" * 20
        tree = self.store.write(b"tree", b"100644 a\0" + b"a" * 20 + line)
        editor = self.store.editor(tree)
        editor.put(b"a", EXECUTABLE, ObjectID(b"62" * 20))
        changed = self.store.objects[editor.write(self.store.write)].data
        self.assertEqual(changed, b"100755 a\0" + b"b" * 20 + line)

    def test_many_changes_of_a_directory(self) -> None:
        """
        A directory in which many entries are changed has them all in the end.
        """
        editor = self.store.editor()
        for number in range(50):
            editor.put(b"d/%02d" % number, REGULAR, self.store.blob(number))
        editor = self.store.editor(editor.write(self.store.write))
        for number in range(50):
            editor.put(b"d/%02d" % number, EXECUTABLE, self.store.blob(-number))
        again = self.store.editor(editor.write(self.store.write))
        for number in range(50):
            self.assertEqual(again.find(b"d/%02d" % number), TreeEntry(EXECUTABLE, b"%02d" % number, self.store.blob(-number)))

    def test_in_the_way(self) -> None:
        """
        A file does not become a directory, and nothing has changed then; a directory becomes a file when told so.
        """
        editor = self.store.editor(self.root)
        for path, way in ((b"g/x", b"g"), (b"a/d/x/y", b"a/d"), (b"s/x", b"s")):
            error = self.assertRaises(InTheWay, editor.put, path, REGULAR, self.store.blob(7))
            self.assertEqual(error.path, way)
        self.assertEqual(editor.write(self.store.write), self.root)
        editor.find(b"a/b/c")
        editor.put(b"a", REGULAR, self.store.blob(7))
        self.assertIsNone(editor.find(b"a/b/c"))

    def test_removed(self) -> None:
        """
        Directories that become empty go; the last one is the empty tree.
        """
        editor = self.store.editor(self.root)
        self.assertTrue(editor.remove(b"a/b/c"))
        self.assertIsNone(editor.find(b"a/b"))
        self.assertIsNotNone(editor.find(b"a/d"))
        self.assertTrue(editor.remove(b"a/d"))
        self.assertIsNone(editor.find(b"a"))
        for path in (b"a/d", b"x", b"e/x", b"g/x/y"):
            self.assertFalse(editor.remove(path))
        for path in (b"e", b"g", b"s"):
            self.assertTrue(editor.remove(path))
        self.assertEqual(editor.write(self.store.write), self.store.empty)

    def test_broken(self) -> None:
        """
        What is no tree, or is not there, is told.
        """
        blob = self.store.write(b"blob", b"x")
        self.assertRaises(ObjectCorrupt, self.store.editor, blob)
        self.assertRaises(ObjectNotFound, self.store.editor, ObjectID(b"1" * 40))

    @settings(max_examples=25)
    @given(
        st.lists(
            st.tuples(
                st.lists(st.sampled_from([b"a", b"a.b", b"a0", b"a-", b"\xff"]), min_size=1, max_size=3).map(b"/".join),
                st.integers(0, 3),
            ),
            max_size=12,
        ),
        st.sampled_from(list(ObjectFormat)),
    )
    def test_as_model(self, changes: list[tuple[bytes, int]], object_format: ObjectFormat) -> None:
        """
        After any changes there is what a plain table of paths holds, in the order that git wants.
        """
        store = Store(object_format)
        editor = store.editor()
        files: dict[bytes, ObjectID] = {}
        for path, number in changes:
            below = {other for other in files if other.startswith(path + b"/")}
            above = any(path.startswith(other + b"/") for other in files)
            if number == 0:
                self.assertEqual(editor.remove(path), bool(below) or path in files)
                files = {other: oid for other, oid in files.items() if other != path and other not in below}
            elif above:
                self.assertRaises(InTheWay, editor.put, path, REGULAR, store.blob(number))
            else:
                editor.put(path, REGULAR, store.blob(number))
                files = {other: oid for other, oid in files.items() if other not in below}
                files[path] = store.blob(number)
            if number == 3:
                editor.write(store.write)
        root = editor.write(store.write)
        again = store.editor(root)
        for path, oid in files.items():
            self.assertEqual(again.find(path), TreeEntry(REGULAR, path.split(b"/")[-1], oid))
        rebuilt = store.editor()
        for path, oid in sorted(files.items()):
            rebuilt.put(path, REGULAR, oid)
        self.assertEqual(rebuilt.write(store.write), root)

    def test_as_git(self) -> None:
        """
        Trees have the ids that git gives them.
        """
        for object_format in ObjectFormat:
            path = make_repository(self.mktemp(), object_format=object_format.value).path
            store = Store(object_format)
            editor = store.editor()
            blob = ObjectID(git("-C", path, "hash-object", "-w", "--stdin", stdin=b"x").strip())
            names = (b"a/x", b"a.b", b"a-b", b"a0", b"c/d/e", b"z\xc3\xa9")
            for name in names:
                editor.put(name, EXECUTABLE if name == b"a0" else REGULAR, blob)
            lines = b"".join(b"%o %b 0\t%b\n" % (EXECUTABLE if name == b"a0" else REGULAR, blob, name) for name in names)
            git("-C", path, "update-index", "--index-info", stdin=lines)
            self.assertEqual(editor.write(store.write), git("-C", path, "write-tree").strip())
