"""
Tests for :mod:`gitaly_tx.cache.generations`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.cache.generations import Generations


class GenerationsTests(SynchronousTestCase):
    """
    ``Generations``.
    """

    def test_written(self) -> None:
        """
        Each write makes a repository's number one that it never had, and leaves those of others alone.
        """
        generations = Generations()
        seen = [generations.of("a")]
        other = generations.of("b")
        for _ in range(3):
            generations.written("a")
            seen.append(generations.of("a"))
            self.assertEqual(generations.of("a"), seen[-1])
        self.assertEqual((len(set(seen)), generations.of("b")), (4, other))

    def test_forgotten(self) -> None:
        """
        A repository that is forgotten never gets a number again that it had before a write.
        """
        generations = Generations(2)
        generations.written("a")
        before = generations.of("a")
        generations.written("a")
        had = {0, before, generations.of("a")}
        for name in "bcd":
            generations.written(name)
        self.assertNotIn(generations.of("a"), had - {max(had)})
        generations.written("a")
        self.assertNotIn(generations.of("a"), had)
