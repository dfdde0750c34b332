"""
The repository that is measured on.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.load import bigrepo

SMALL = bigrepo.Shape(commits=120, refs=10, noise=1)


class HistoryTests(SynchronousTestCase):
    """
    A small one of the same kind.
    """

    def refs(self, repository: Path) -> str:
        """
        Every ref and what it points at.
        """
        return subprocess.check_output(["git", "for-each-ref"], cwd=repository, text=True, env=bigrepo.environment())

    def test_always_the_same(self) -> None:
        """
        It is the same each time, has as many commits and refs as were asked for, and is made once only.
        """
        one, other = (Path(self.mktemp()).absolute() for _ in range(2))
        first = bigrepo.cached(one, SMALL)
        refs = self.refs(first)
        self.assertEqual(self.refs(bigrepo.cached(other, SMALL)), refs)
        self.assertEqual(len(refs.splitlines()), 12)
        count = subprocess.check_output(["git", "rev-list", "--all", "--count"], cwd=first, env=bigrepo.environment())
        self.assertEqual(int(count), 120)
        self.assertGreater(bigrepo.pack_size(first), bigrepo.MIB)
        made = first.stat().st_ino
        self.assertEqual(bigrepo.cached(one, SMALL).stat().st_ino, made)

    def test_link(self) -> None:
        """
        A second directory has the same repository, and does not change when refs of the first do.
        """
        first = bigrepo.cached(Path(self.mktemp()).absolute(), SMALL)
        second = Path(self.mktemp()).absolute()
        bigrepo.link(first, second)
        refs = self.refs(first)
        subprocess.check_call(["git", "update-ref", "-d", "refs/heads/side"], cwd=first, env=bigrepo.environment())
        self.assertEqual(self.refs(second), refs)
        subprocess.check_call(
            ["git", "fsck", "--connectivity-only"], cwd=second, env=bigrepo.environment(), stderr=subprocess.DEVNULL
        )
