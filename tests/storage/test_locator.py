"""
From names to directories that are inside their storage.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from posixpath import join
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.storage import locator
from gitaly_tx.storage.interfaces import StorageInfo
from gitaly_tx.storage.naming import Place, quarantine_prefix
from tests.support.disk import make_bare, make_storage

ESCAPES = (Code.INVALID_ARGUMENT, "relative path escapes root directory")
OBJECTS_ESCAPE = (Code.INVALID_ARGUMENT, "not a valid relative path: relative path escapes root directory")


class LocatorCase(SynchronousTestCase):
    """
    A storage with a repository, ``r.git``, and a directory outside, ``outside``, with another, ``o.git``.
    """

    def setUp(self) -> None:
        self.root = self.mktemp()
        os.makedirs(self.root)
        self.storage = make_storage(self.root)
        self.outside = make_storage(self.root, "outside").path
        self.r = make_bare(self.storage, "r.git")
        make_bare(StorageInfo("outside", self.outside, ""), "o.git")

    def link(self, target: str, path: str) -> None:
        os.symlink(target, join(self.storage.path, path))

    def refusal(self, call: Callable[..., Any], *arguments: Any) -> tuple[Code | None, str]:
        """
        How a call is refused; its text holds no path of the server.
        """
        error = self.assertRaises(GitalyError, call, *arguments)
        self.assertNotIn(os.path.basename(self.root), error.message)
        self.assertNotIn(self.storage.path, error.message)
        return error.given_code, error.message


class LocateTests(LocatorCase):
    """
    Finding a repository that should be there.
    """

    def locate(self, path: str, *objects: Any) -> locator.Located:
        return locator.locate(self.storage, path, *objects)

    def test_found(self):
        """
        A repository is found under every spelling of its path, and always is the same one.
        """
        for path in ("r.git", "/r.git", "x/../r.git", "r.git/", ".//r.git"):
            found = self.locate(path)
            self.assertEqual(found.place, Place(self.storage, "r.git"))
            self.assertEqual(found.directory.path, self.r)
            self.assertIsNone(found.directory.object_directory)
            self.assertEqual(found.identity, (os.stat(self.r).st_dev, os.stat(self.r).st_ino))

    def test_strange_names(self):
        """
        A dash, a newline, a right-to-left mark and both ways to write an accent are names like others (faults 26, 34).
        """
        for path in ("-x.git", "a\nb.git", "\u202eabc.git", "caf\u00e9.git", "cafe\u0301.git"):
            make_bare(self.storage, path)
            self.assertEqual(self.locate(path).place.path, path)

    def test_missing(self):
        """
        Where nothing is, the repository is not found; where the storage is not, that is said first.
        """
        self.assertEqual(self.refusal(self.locate, "x.git"), (Code.NOT_FOUND, "repository not found"))
        gone = StorageInfo("gone", join(self.root, "gone"), "")
        for path in ("x.git", "../x.git"):
            refused = self.refusal(locator.locate, gone, path)
            self.assertEqual(refused, (Code.NOT_FOUND, "storage does not exist"))

    def test_storage_unreadable(self):
        """
        A storage that cannot be looked at is told in the system's words, without its path.
        """
        odd = StorageInfo("odd", join(self.r, "HEAD", "x"), "")
        self.assertEqual(self.refusal(locator.locate, odd, "x.git"), (None, "storage path: not a directory"))

    def test_not_a_repository(self):
        """
        A directory that lacks something is no repository, and the first thing that it lacks is named (fault 31).
        """
        path = join(self.storage.path, "d")
        os.mkdir(path)
        for entry in ("objects", "refs", "HEAD"):
            expected = (Code.FAILED_PRECONDITION, f'repository not valid: "{entry}" does not exist')
            self.assertEqual(self.refusal(self.locate, "d"), expected)
            os.mkdir(join(path, entry))
        self.assertEqual(self.locate("d").place.path, "d")

    def test_not_a_directory(self):
        """
        A file at the path, or on the way, has no code of its own, as in Gitaly.
        """
        self.assertEqual(self.refusal(self.locate, "r.git/HEAD"), (None, "validate git directory: not a directory"))
        expected = (None, "validate git directory: stat: not a directory")
        self.assertEqual(self.refusal(self.locate, "r.git/HEAD/x"), expected)

    def test_root(self):
        """
        The storage itself is no repository, and stays refused if it looks like one (fault 21).
        """
        expected = (Code.FAILED_PRECONDITION, 'repository not valid: "objects" does not exist')
        self.assertEqual(self.refusal(self.locate, "."), expected)
        for entry in ("objects", "refs", "HEAD"):
            os.mkdir(join(self.storage.path, entry))
        self.assertEqual(self.refusal(self.locate, "r.git/.."), (Code.INVALID_ARGUMENT, "repository path is the storage itself"))

    def test_links_out(self):
        """
        No symbolic link leads out of the storage: not the repository, not a directory above, not a part of it (fault 27).
        """
        self.link(join(self.outside, "o.git"), "l.git")
        self.link(self.outside, "up")
        self.link("../outside/o.git", "relative.git")
        for path in ("l.git", "up/o.git", "up", "relative.git", "l.git/x"):
            self.assertEqual(self.refusal(self.locate, path), ESCAPES, path)
        for entry in ("objects", "refs", "HEAD"):
            os.rename(join(self.r, entry), join(self.r, "kept"))
            os.symlink(join(self.outside, "o.git", entry), join(self.r, entry))
            self.assertEqual(self.refusal(self.locate, "r.git"), ESCAPES, entry)
            os.unlink(join(self.r, entry))
            os.rename(join(self.r, "kept"), join(self.r, entry))
        self.locate("r.git")

    def test_links_into_own_area(self):
        """
        No symbolic link leads into the server's own area.
        """
        make_bare(self.storage, "+gitaly/staging/x")
        self.link("+gitaly/staging/x", "own.git")
        self.assertEqual(self.refusal(self.locate, "own.git"), (Code.INVALID_ARGUMENT, "repository path is reserved"))

    def test_links_inside(self):
        """
        A symbolic link inside of the storage is followed, and both names are one repository with one place in the queue.
        """
        self.link("r.git", "alias.git")
        os.mkdir(join(self.storage.path, "team"))
        self.link(join(self.storage.path, "team"), "crew")
        make_bare(self.storage, "team/t.git")
        self.assertEqual(self.locate("alias.git"), self.locate("r.git"))
        self.assertEqual(self.locate("crew/t.git").place.path, "team/t.git")

    def test_link_loop(self):
        """
        Links in a circle are an error of the system.
        """
        self.link("b", "a")
        self.link("a", "b")
        words = "validate git directory: stat: too many levels of symbolic links"
        self.assertEqual(self.refusal(self.locate, "a"), (None, words))

    def test_storage_behind_link(self):
        """
        A storage may itself be reached by a link; its repositories keep its name in their paths.
        """
        alias = join(self.root, "alias")
        os.symlink(self.storage.path, alias)
        found = locator.locate(StorageInfo("alias", alias, ""), "r.git")
        self.assertEqual((found.place.path, found.directory.path), ("r.git", join(alias, "r.git")))

    def test_object_directories(self):
        """
        Object directories inside of the repository are taken, whatever is in their names: git gets them quoted (fault 29).
        """
        found = self.locate("r.git", "objects/incoming", ["objects", "a:b", "c\nd"]).directory
        self.assertEqual(found.object_directory, join(self.r, "objects/incoming"))
        self.assertEqual(found.alternates, (join(self.r, "objects"), join(self.r, "a:b"), join(self.r, "c\nd")))
        listed = found.environment()["GIT_ALTERNATE_OBJECT_DIRECTORIES"]
        self.assertEqual(listed, f'{self.r}/objects:"{self.r}/a:b":"{self.r}/c\\nd"')

    def test_object_directories_out(self):
        """
        Object directories elsewhere are refused, alternates too (faults 28, 29).
        """
        self.link(self.outside, "r.git/out")
        make_bare(self.storage, "other.git")
        for path in ("../../../../etc", "..", "../other.git/objects", "out", "out/o.git/objects", "../r.gitx"):
            self.assertEqual(self.refusal(self.locate, "r.git", path), OBJECTS_ESCAPE, path)
            self.assertEqual(self.refusal(self.locate, "r.git", "", ["objects", path]), OBJECTS_ESCAPE, path)
        refused = self.refusal(self.locate, "r.git", "a\0b")
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "object directory contains a NUL byte"))

    def test_quarantines(self):
        """
        A quarantine is taken if it is this repository's, by its name; any other is refused (fault 30).
        """
        for area in ("staging", "tmp"):
            own = f"../+gitaly/{area}/{quarantine_prefix('r.git')}abc/objects"
            found = self.locate("r.git", own).directory
            self.assertEqual(found.object_directory, join(self.storage.path, own[3:]))
            for path in (
                f"../+gitaly/{area}/{quarantine_prefix('other.git')}abc/objects",
                f"../+gitaly/{area}",
                f"../+gitaly/{area}/{quarantine_prefix('r.git')}abc/../x",
                f"../+gitaly/wal/{quarantine_prefix('r.git')}abc",
            ):
                self.assertEqual(self.refusal(self.locate, "r.git", path), OBJECTS_ESCAPE, path)

    def test_quarantine_that_is_a_link(self):
        """
        A quarantine with the right name that is a link to elsewhere is refused.
        """
        os.makedirs(join(self.storage.path, "+gitaly/staging"))
        name = f"+gitaly/staging/{quarantine_prefix('r.git')}abc"
        self.link(self.outside, name)
        self.assertEqual(self.refusal(self.locate, "r.git", f"../{name}"), OBJECTS_ESCAPE)


class VacantTests(LocatorCase):
    """
    Finding a place for a new repository.
    """

    def vacant(self, path: str) -> Place:
        return locator.vacant(self.storage, path)

    def test_free(self):
        """
        A path where nothing is yet is free, directories above it or not.
        """
        os.mkdir(join(self.storage.path, "team"))
        for path in ("new.git", "team/new.git", "x/y/z/new.git", "-x.git"):
            self.assertEqual(self.vacant(path), Place(self.storage, path))

    def test_taken(self):
        """
        Anything at the path takes it: a repository, a directory, a file, a link to nowhere (fault 32).
        """
        os.mkdir(join(self.storage.path, "d"))
        self.link("nowhere", "dangling")
        with open(join(self.storage.path, "f"), "w"):
            pass
        for path in ("r.git", "d", "f", "dangling"):
            self.assertEqual(self.refusal(self.vacant, path), (Code.ALREADY_EXISTS, "repository exists already"), path)

    def test_locked(self):
        """
        Another Gitaly's lock beside the path keeps it; a repository of such a name is no lock.
        """
        with open(join(self.storage.path, "new.git.lock"), "w"):
            pass
        expected = (Code.INTERNAL, "locking repository: file already locked")
        self.assertEqual(self.refusal(self.vacant, "new.git"), expected)
        make_bare(self.storage, "other.git.lock")
        self.assertEqual(self.vacant("other.git"), Place(self.storage, "other.git"))

    def test_nested(self):
        """
        Nothing is made inside of a repository, however deep, nor through a link to its inside (fault 25).
        """
        expected = (Code.INVALID_ARGUMENT, "repository path is inside another repository")
        self.link("r.git/refs", "inside")
        for path in ("r.git/objects/x.git", "r.git/hooks", "r.git/HEAD", "r.git/a/b/c/d.git", "inside/x.git"):
            self.assertEqual(self.refusal(self.vacant, path), expected, path)

    def test_refused(self):
        """
        The storage itself, what is outside, the server's own area, and a way that leads through a file.
        """
        with open(join(self.storage.path, "f"), "w"):
            pass
        self.link(self.outside, "up")
        self.link("+gitaly", "own")
        for path, expected in [
            (".", (Code.INVALID_ARGUMENT, "repository path is the storage itself")),
            ("../x.git", ESCAPES),
            ("up/x.git", ESCAPES),
            ("+gitaly/x.git", (Code.INVALID_ARGUMENT, "repository path is reserved")),
            ("own/x.git", (Code.INVALID_ARGUMENT, "repository path is reserved")),
            ("f/x.git", (Code.FAILED_PRECONDITION, "parent is not a directory")),
            ("f/y/x.git", (Code.FAILED_PRECONDITION, "parent is not a directory")),
        ]:
            self.assertEqual(self.refusal(self.vacant, path), expected, path)


class RemovableTests(LocatorCase):
    """
    Finding what may be removed.
    """

    def removable(self, path: str) -> Place:
        return locator.removable(self.storage, path)

    def test_removable(self):
        """
        A repository may be removed, and so may a directory that holds none; by way of a link to a directory above, too.
        """
        os.mkdir(join(self.storage.path, "d"))
        os.makedirs(join(self.storage.path, "team", "sub"))
        make_bare(self.storage, "team/t.git")
        self.link("team", "crew")
        for path, place in [("r.git", "r.git"), ("d", "d"), ("team/sub", "team/sub"), ("crew/t.git", "team/t.git")]:
            self.assertEqual(self.removable(path), Place(self.storage, place))

    def test_locked(self):
        """
        Another Gitaly's lock beside the path keeps it from being removed.
        """
        with open(join(self.storage.path, "r.git.lock"), "w"):
            pass
        self.assertEqual(self.refusal(self.removable, "r.git"), (Code.FAILED_PRECONDITION, "repository is already locked"))

    def test_missing(self):
        """
        What is not there cannot be removed (fault 32).
        """
        for path in ("x.git", "/does/not/exist", "r.git/HEAD/x"):
            self.assertEqual(self.refusal(self.removable, path), (Code.NOT_FOUND, "repository does not exist"), path)

    def test_refused(self):
        """
        The storage, its own area, parts of a repository, links, files and directories of repositories stay (fault 21).
        """
        make_bare(self.storage, "team/t.git")
        os.mkdir(join(self.storage.path, "+gitaly"))
        self.link("r.git", "alias.git")
        self.link(join(self.outside, "o.git"), "l.git")
        self.link(self.outside, "up")
        self.link("loop", "loop")
        with open(join(self.storage.path, "f"), "w"):
            pass
        for path, expected in [
            (".", (Code.INVALID_ARGUMENT, "repository path is the storage itself")),
            ("r.git/..", (Code.INVALID_ARGUMENT, "repository path is the storage itself")),
            ("../outside", ESCAPES),
            ("l.git", ESCAPES),
            ("up/o.git", ESCAPES),
            ("+gitaly", (Code.INVALID_ARGUMENT, "repository path is reserved")),
            ("r.git/objects", (Code.INVALID_ARGUMENT, "repository path is inside another repository")),
            ("alias.git", (Code.FAILED_PRECONDITION, "repository path is a symbolic link")),
            ("team", (Code.FAILED_PRECONDITION, "directory contains repositories")),
            ("f", (None, "validate git directory: not a directory")),
            ("loop/x", (None, "validate git directory: stat: too many levels of symbolic links")),
        ]:
            self.assertEqual(self.refusal(self.removable, path), expected, path)


class AgainTests(LocatorCase):
    """
    Looking again when a write's turn has come.
    """

    def test_same(self):
        """
        A repository that is still the same passes.
        """
        found = locator.locate(self.storage, "r.git")
        locator.still_there(found.place, found.identity)

    def test_gone_or_replaced(self):
        """
        A repository that was removed, emptied, or replaced by another one is gone (faults L5, L6).
        """
        found = locator.locate(self.storage, "r.git")
        gone = (Code.NOT_FOUND, "repository does not exist")
        moved = join(self.storage.path, "moved")
        os.rename(self.r, moved)
        self.assertEqual(self.refusal(locator.still_there, found.place, found.identity), gone)
        make_bare(self.storage, "r.git")
        self.assertEqual(self.refusal(locator.still_there, found.place, found.identity), gone)
        os.unlink(join(self.r, "HEAD"))
        self.assertEqual(self.refusal(locator.still_there, found.place, found.identity), gone)

    def test_link_swapped_in(self):
        """
        A link that was swapped in for the repository, a directory above or its objects is noticed (fault S21).
        """
        make_bare(self.storage, "team/t.git")
        found = locator.locate(self.storage, "team/t.git")
        team = join(self.storage.path, "team")
        os.rename(team, join(self.outside, "team"))
        os.symlink(join(self.outside, "team"), team)
        self.assertEqual(self.refusal(locator.still_there, found.place, found.identity), ESCAPES)
        found = locator.locate(self.storage, "r.git")
        os.rename(join(self.r, "objects"), join(self.outside, "objects"))
        os.symlink(join(self.outside, "objects"), join(self.r, "objects"))
        self.assertEqual(self.refusal(locator.still_there, found.place, found.identity), ESCAPES)

    def test_link_inside_swapped_in(self):
        """
        A link to another repository of the storage that was swapped in is noticed, too.
        """
        make_bare(self.storage, "other.git")
        found = locator.locate(self.storage, "r.git")
        os.rename(self.r, join(self.storage.path, "moved"))
        self.link("other.git", "r.git")
        self.assertEqual(self.refusal(locator.still_there, found.place, found.identity), ESCAPES)


class HostilePathTests(SynchronousTestCase):
    """
    Any path at all, in a storage with links that lead out.
    """

    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(
            st.sampled_from(["..", ".", "", "a", "r.git", "out", "loop", "in", "objects", "+gitaly", "x" * 300, "\n", "\0", "~"]),
            max_size=7,
        ).map("/".join)
        | st.text(max_size=30)
    )
    def test_never_outside(self, path: str):
        """
        What is found, made or removed is inside of the storage when all links are followed; all else is a GitalyError.
        """
        with tempfile.TemporaryDirectory() as root:
            storage = make_storage(root)
            os.mkdir(join(root, "out"))
            make_bare(storage, "a/r.git")
            make_bare(storage, "r.git")
            make_bare(StorageInfo("out", join(root, "out"), ""), "r.git")
            os.symlink(join(root, "out"), join(storage.path, "out"))
            os.symlink(join(storage.path, "a"), join(storage.path, "in"))
            os.symlink("loop", join(storage.path, "loop"))
            for find in (lambda: locator.locate(storage, path).place, lambda: locator.vacant(storage, path)):
                self.inside(storage, find)
            self.inside(storage, lambda: locator.removable(storage, path))

    def inside(self, storage: StorageInfo, find: Callable[[], Place]) -> None:
        try:
            place = find()
        except GitalyError as error:
            self.assertNotIn(storage.path, error.message)
            return
        real = os.path.realpath(place.absolute)
        self.assertEqual(real, place.absolute)
        self.assertTrue(real.startswith(storage.path + "/"), real)
        self.assertFalse(real.startswith(f"{storage.path}/+gitaly"))
