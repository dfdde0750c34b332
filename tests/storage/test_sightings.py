"""
Finding again what was found before.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from posixpath import join
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import GitalyError
from gitaly_tx.storage import locator, sightings
from gitaly_tx.storage.sightings import Sightings
from tests.support.disk import make_bare, make_storage

PATH = "group/r.git"


def later() -> int:
    """
    A time that is long after everything that happens here.
    """
    return time.time_ns() + 3600 * 10**9


class SightingsTests(SynchronousTestCase):
    """
    A storage with a repository in a directory, ``group/r.git``, and another one outside.
    """

    def setUp(self) -> None:
        self.root = self.mktemp()
        os.makedirs(self.root)
        self.storage = make_storage(self.root)
        self.repository = make_bare(self.storage, PATH)
        os.utime(self.repository, (1, 1))  # so that no change comes within the same tick of the file system's clock
        make_bare(make_storage(self.root, "outside"), PATH)
        self.sightings = Sightings(later)

    def test_remembered(self) -> None:
        """
        What nobody has touched is found again without a look at what is in it, under each name by itself.
        """
        found = self.sightings.locate(self.storage, PATH)
        self.assertEqual(found, locator.locate(self.storage, PATH))
        with patch.object(locator, "locate", side_effect=AssertionError):
            self.assertIs(self.sightings.locate(self.storage, PATH), found)
        self.assertEqual(self.sightings.locate(self.storage, "/x/../" + PATH), found)

    def test_changed(self) -> None:
        """
        Whatever happens to a repository, or on the way to it, the answer is the one of whoever looks for the first time (S21).
        """

        def remove(name: str) -> Callable[[], object]:
            return lambda: os.rename(join(self.repository, name), join(self.root, "gone"))

        def replace(path: str) -> Callable[[], object]:
            """
            Put a link to the repository outside, or to a part of it, where something was.
            """

            def swap() -> None:
                os.rename(join(self.storage.path, path), join(self.root, "gone"))
                os.symlink(join(self.root, "outside", path), join(self.storage.path, path))

            return swap

        def another(make: Callable[..., object], *arguments: object) -> None:
            shutil.rmtree(self.repository)
            make(*arguments)

        changes = {
            "no HEAD": remove("HEAD"),
            "no objects": remove("objects"),
            "no refs": remove("refs"),
            "objects outside": replace(f"{PATH}/objects"),
            "repository outside": replace(PATH),
            "group outside": replace("group"),
            "removed": lambda: shutil.rmtree(self.repository),
            "storage removed": lambda: shutil.rmtree(self.storage.path),
            "another one": lambda: another(make_bare, self.storage, PATH),
            "a file": lambda: another(os.mknod, self.repository),
        }
        for name, change in changes.items():
            self.sightings.locate(self.storage, PATH)
            change()
            self.assertEqual(self.outcome(self.sightings.locate), self.outcome(locator.locate), name)
            shutil.rmtree(self.root)
            self.setUp()

    def test_links(self) -> None:
        """
        A repository of which a part is a link, or that is reached through one, is looked at each time: what is behind the link
        may change without a trace.
        """
        os.rename(join(self.repository, "objects"), join(self.repository, "kept"))
        os.symlink("kept", join(self.repository, "objects"))
        os.symlink("group", join(self.storage.path, "alias"))
        for path in (PATH, "alias/r.git"):
            found = self.sightings.locate(self.storage, path)
            self.assertIsNot(self.sightings.locate(self.storage, path), found)

    def test_racy(self) -> None:
        """
        What changed a moment ago may change again without a trace, so it is not remembered.
        """
        sightings = Sightings(lambda: os.stat(self.repository).st_ctime_ns + 1)
        self.assertIsNot(sightings.locate(self.storage, PATH), sightings.locate(self.storage, PATH))

    def test_refused(self) -> None:
        """
        Names that lead nowhere are refused in the same words, each time.
        """
        for path in ("../outside/" + PATH, "a\0b", ".", "+gitaly/x", "missing", "group"):
            for _ in range(2):
                self.assertEqual(self.outcome(self.sightings.locate, path), self.outcome(locator.locate, path), path)

    def test_bounded(self) -> None:
        """
        Only so many are remembered.
        """
        make_bare(self.storage, "s.git")
        found = self.sightings.locate(self.storage, PATH)
        with patch.object(sightings, "MOST", 1):
            self.sightings.locate(self.storage, "s.git")
        self.assertIsNot(self.sightings.locate(self.storage, PATH), found)

    def outcome(self, locate: Callable[..., locator.Located], path: str = PATH) -> object:
        """
        What is found, or how it is refused.
        """
        try:
            return locate(self.storage, path)
        except GitalyError as error:
            return type(error), error.message, error.given_code
