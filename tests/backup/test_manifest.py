"""
Tests for :mod:`gitaly_tx.backup.manifest`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.backup.manifest import Backup, BadManifest, Step, decode, encode
from gitaly_tx.git.objectid import ObjectFormat

FIRST = Step("t/a/001.refs", "t/a/001.bundle", "t/a/001.custom_hooks.tar", "", "1" * 64, "2" * 64)
SECOND = Step("t/a/002.refs", "t/a/002.bundle", "t/a/002.custom_hooks.tar", "t/a/001.refs", "3" * 64)
BACKUP = Backup("b", ObjectFormat.SHA256, b"refs/heads/main", (FIRST, SECOND))

GITALYS = b"""object_format = 'sha1'
head_reference = 'refs/heads/x'

[[steps]]
bundle_path = 'p/001.bundle'
ref_path = 'p/001.refs'
custom_hooks_path = 'p/001.custom_hooks.tar'

[[steps]]
bundle_path = 'p/002.bundle'
ref_path = 'p/002.refs'
previous_ref_path = 'p/001.refs'
custom_hooks_path = 'p/002.custom_hooks.tar'
"""


class ManifestTests(SynchronousTestCase):
    """
    ``encode`` and ``decode``
    """

    def refused(self, data: bytes) -> str:
        with self.assertRaises(BadManifest) as caught:
            decode(data, "b")
        return caught.exception.message

    def test_there_and_back(self) -> None:
        """
        What is written is read, whatever the names are.
        """
        odd = "o'd \"d\\/\u00e4\n\x7f\U0001f600/001"
        step = Step(f"{odd}.refs", f"{odd}.bundle", f"{odd}.tar")
        for backup in (BACKUP, evolve(BACKUP, steps=(step,)), evolve(BACKUP, object_format=None, head=b"")):
            self.assertEqual(decode(encode(backup), "b"), backup)

    def test_head_that_is_no_text(self) -> None:
        """
        A HEAD that TOML has no words for is left out.
        """
        self.assertEqual(decode(encode(evolve(BACKUP, head=b"refs/heads/\xff")), "b").head, b"")

    def test_gitalys_keys(self) -> None:
        """
        Gitaly finds its keys in ours, with the values that it would write, and theirs can be read.
        """
        table = tomllib.loads(encode(BACKUP).decode())
        self.assertEqual((table["object_format"], table["head_reference"]), ("sha256", "refs/heads/main"))
        self.assertEqual(table["steps"][1]["previous_ref_path"], "t/a/001.refs")
        self.assertNotIn("previous_ref_path", table["steps"][0])
        steps = (
            Step("p/001.refs", "p/001.bundle", "p/001.custom_hooks.tar"),
            Step("p/002.refs", "p/002.bundle", "p/002.custom_hooks.tar", "p/001.refs"),
        )
        self.assertEqual(decode(GITALYS, "x"), Backup("x", ObjectFormat.SHA1, b"refs/heads/x", steps))

    def test_damaged(self) -> None:
        """
        However much is cut off, and whichever byte of ours is another one, it is found out, or nothing is different.
        """
        data = encode(BACKUP)
        for length in range(len(data)):
            self.refused(data[:length])
        for at in range(0, len(data), 3):
            bad = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            try:
                found = decode(bad, "b")
            except BadManifest:
                continue
            self.assertEqual(found, BACKUP, bad)

    def test_refused(self) -> None:
        """
        What is no manifest is refused, and so are steps that do not follow one another.
        """
        swap: Callable[[bytes, bytes], bytes] = GITALYS.replace
        for bad, words in (
            (b"", "no steps"),
            (b"x = ", "invalid TOML"),
            (b"\xff", "invalid TOML"),
            (b"steps = []\n", "no steps"),
            (b"steps = 'x'\n", "no steps"),
            (b"steps = [1]\n", "no steps"),
            (swap(b"'sha1'", b"'md5'"), "unknown object format"),
            (swap(b"'sha1'", b"1"), "object_format is no string"),
            (swap(b"'refs/heads/x'", b"'x'"), "invalid head reference"),
            (swap(b"ref_path = 'p/001.refs'\ncus", b"cus"), "steps do not follow one another"),
            (swap(b"previous_ref_path = 'p/001.refs'\n", b""), "steps do not follow one another"),
            (swap(b"previous_ref_path = 'p/001.refs'", b"previous_ref_path = 'p/000.refs'"), "steps do not follow one another"),
            (swap(b"'p/001.bundle'", b"7"), "bundle_path is no string"),
        ):
            self.assertEqual(self.refused(bad), f"manifest: {words}")
