"""
Tests for gitaly_tx.git.quarantine and gitaly_tx.git.alternates.
"""

from __future__ import annotations

import os
import shutil

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git import quarantine
from gitaly_tx.git.alternates import object_directories, read_alternates
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.objectid import ObjectFormat
from tests.support.git import git, make_repository


class WriteTests(SynchronousTestCase):
    """
    Loose objects that we write.
    """

    def test_git_reads_them(self):
        """
        git has the same id for an object, and reads what was written, in both formats.
        """
        for object_format in ObjectFormat:
            directory = make_repository(os.path.abspath(self.mktemp()), object_format=object_format.value)
            for data in (b"", b"hello\n", bytes(range(256)) * 500):
                oid = quarantine.write_loose_object(directory.objects, object_format, b"blob", data)
                self.assertEqual(git("-C", directory.path, "hash-object", "--stdin", stdin=data).strip(), oid)
                self.assertEqual(git("-C", directory.path, "cat-file", "blob", str(oid)), data)
                self.assertEqual(quarantine.write_loose_object(directory.objects, object_format, b"blob", data), oid)
            git("-C", directory.path, "fsck", "--strict")

    def test_failures(self):
        """
        What cannot be written leaves nothing behind; there are no other types than git's.
        """
        path = self.mktemp()
        quarantine.make_object_directory(path)
        quarantine.make_object_directory(path)
        with self.assertRaises(ValueError):
            quarantine.write_loose_object(path, ObjectFormat.SHA1, b"glob", b"")

        for size in (1, 3):
            with self.assertRaises(ValueError):
                quarantine.write_loose_pieces(path, ObjectFormat.SHA1, b"blob", size, [b"a", b"b"])

        def fail(old, new):
            raise OSError("no space")

        self.patch(os, "rename", fail)
        with self.assertRaises(OSError):
            quarantine.write_loose_object(path, ObjectFormat.SHA1, b"blob", b"")
        self.assertEqual([name for _, _, names in os.walk(path) for name in names], [])


class StagedTests(SynchronousTestCase):
    """
    What a quarantine holds.
    """

    def test_order(self):
        """
        Loose objects come first and indices last; whatever is temporary or unknown is left out.
        """
        path = self.mktemp()
        quarantine.make_object_directory(path)
        oid = str(quarantine.write_loose_object(path, ObjectFormat.SHA1, b"blob", b"x"))
        longer = str(quarantine.write_loose_object(path, ObjectFormat.SHA256, b"blob", b"x"))
        first, second = "pack-" + "a" * 40, "pack-" + "b" * 64
        for name in (
            *(f"pack/{pack}.{suffix}" for pack in (first, second) for suffix in ("idx", "keep", "pack", "rev", "lock")),
            "pack/tmp_pack_x",
            "pack/pack-x.idx",
            f"{oid[:2]}/tmp_obj_x",
            f"{oid[:2]}/{'a' * 39}",
            "info/packs",
            "zz",
        ):
            with open(os.path.join(path, name), "w"):
                pass
        os.symlink("/etc/passwd", os.path.join(path, oid[:2], "b" * 38))
        os.symlink("/etc/passwd", os.path.join(path, "pack", f"{first}.bitmap"))
        loose = sorted([f"{oid[:2]}/{oid[2:]}", f"{longer[:2]}/{longer[2:]}"])
        packs = [f"pack/{pack}.{suffix}" for suffix in ("pack", "rev", "idx") for pack in (first, second)]
        self.assertEqual(quarantine.staged_files(path), loose + packs)

    def test_nothing(self):
        """
        A quarantine that is empty or gone holds nothing.
        """
        self.assertEqual(quarantine.staged_files(self.mktemp()), [])

    def test_migrated(self):
        """
        A repository that gets the staged files in their order has the objects of the quarantine.
        """
        directory = make_repository(os.path.abspath(self.mktemp()), 1)
        other = make_repository(os.path.abspath(self.mktemp()), 3)
        objects = os.path.abspath(self.mktemp())
        quarantine.make_object_directory(objects)
        pack = git("-C", other.path, "pack-objects", "--stdout", "--all", "--revs", "-q", stdin=b"")
        git("-C", directory.path, "index-pack", "--stdin", stdin=pack, GIT_OBJECT_DIRECTORY=objects)
        for name in quarantine.staged_files(objects):
            os.makedirs(os.path.dirname(os.path.join(directory.objects, name)), exist_ok=True)
            os.link(os.path.join(objects, name), os.path.join(directory.objects, name))
        tip = git("-C", other.path, "rev-parse", "main").decode().strip()
        git("-C", directory.path, "rev-list", "--objects", tip)


class RemoveTests(SynchronousTestCase):
    """
    Directories that go.
    """

    def test_remove(self):
        """
        A tree goes with all that is in it; what is gone is gone; links are not followed.
        """
        path, kept = self.mktemp(), self.mktemp()
        os.mkdir(kept)
        os.makedirs(os.path.join(path, "a", "b"))
        os.symlink(os.path.abspath(kept), os.path.join(path, "a", "link"))
        for _ in range(2):
            quarantine.remove_tree(path)
            self.assertFalse(os.path.lexists(path))
        self.assertTrue(os.path.exists(kept))

    def test_still_written_to(self):
        """
        Files that appear while the tree is removed go, too; if they never stop coming that is an error.
        """
        for times in (1, 100):
            path = self.mktemp()
            os.mkdir(path)
            rmdir = os.rmdir
            left = times

            def busy(name, *, dir_fd=None, path=path, rmdir=rmdir):
                nonlocal left
                if left:
                    left -= 1
                    with open(os.path.join(path, f"new-{left}"), "w"):
                        pass
                rmdir(name, dir_fd=dir_fd)

            patched = self.patch(os, "rmdir", busy)
            try:
                if times == 1:
                    quarantine.remove_tree(path)
                    self.assertFalse(os.path.exists(path))
                else:
                    with self.assertRaises(OSError):
                        quarantine.remove_tree(path)
            finally:
                patched.restore()
                shutil.rmtree(path, ignore_errors=True)

    def test_cannot(self):
        """
        What cannot be removed is an error.
        """

        def fail(*_, **__):
            raise PermissionError

        path = self.mktemp()
        os.mkdir(path)
        with open(os.path.join(path, "x"), "w"):
            pass
        self.patch(os, "unlink", fail)
        with self.assertRaises(PermissionError):
            quarantine.remove_tree(path)


class AlternatesTests(SynchronousTestCase):
    """
    Where else objects are.
    """

    def test_quoting(self):
        """
        Quoted paths, comments and empty lines are read as git reads them.
        """
        path = self.mktemp()
        quarantine.make_object_directory(path)
        with open(os.path.join(path, "info", "alternates"), "wb") as file:
            file.write(b'# c\n\n/plain\n"/quo\\"ted\\n\\303\\274"\n"/open\n"/bad\\x"\n"/bad\\999"\n/a\0b\n../up\n/\xff\n')
        up = os.path.normpath(os.path.join(path, "../up"))
        relative = [os.path.normpath(os.path.join(path, name)) for name in ('"/open', '"/bad\\x"', '"/bad\\999"')]
        self.assertEqual(read_alternates(path), ("/plain", '/quo"ted\nü', *relative, up, "/\udcff"))
        self.assertEqual(read_alternates("/nowhere"), ())

    @given(st.binary(min_size=1, max_size=20).filter(lambda raw: b"\0" not in raw))
    @settings(max_examples=50, deadline=None)
    def test_no_surprise(self, raw):
        """
        Whatever is in the file, paths come out.
        """
        path = self.mktemp()
        quarantine.make_object_directory(path)
        with open(os.path.join(path, "info", "alternates"), "wb") as file:
            file.write(b'"' + raw)
        for found in read_alternates(path):
            os.fsencode(found)

    def test_order(self):
        """
        A quarantine is looked at first, then what it was given, each place once.
        """
        directory = GitDirectory("/r", None, ("/pool",)).quarantined("/q")
        self.assertEqual(object_directories(directory), ["/q", "/r/objects", "/pool"])
        self.assertEqual(object_directories(GitDirectory("/r", None, ("/r/objects",))), ["/r/objects"])
