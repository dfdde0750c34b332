"""
Tests for :mod:`gitaly_tx.transport.snapshots`.
"""

from __future__ import annotations

import io
import os
import tarfile
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.transport.snapshots import BadSnapshot, unpack_snapshot

OID = b"1" * 40
LOOSE = "objects/11/" + "1" * 38
PACK = "objects/pack/pack-" + "1" * 40


def archive(*members: tuple[str, bytes | None], **more: Any) -> bytes:
    """
    A tar file.

    :param members: names and contents; no content for a directory.
    :param more: fields of the last one's header.
    """
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for number, (name, content) in enumerate(members):
            info = tarfile.TarInfo(name)
            info.size = len(content or b"")
            info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            if number == len(members) - 1:
                for key, value in more.items():
                    setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content or b""))
    return file.getvalue()


HEAD = ("HEAD", b"ref: refs/heads/main\n")


class SnapshotTests(SynchronousTestCase):
    """
    What becomes of snapshots.
    """

    def unpack(self, data: bytes) -> dict[str, bytes]:
        """
        :returns: the files that there are then.
        """
        folder = os.path.abspath(self.mktemp())
        os.mkdir(folder)
        path = os.path.join(folder, "a.tar")
        with open(path, "wb") as file:
            file.write(data)
        root = os.path.join(folder, "made")
        try:
            made = unpack_snapshot(path, root)
        finally:
            self.assertEqual(sorted(os.listdir(folder)), ["a.tar", "made"])
        self.assertEqual(made.path, root)
        found = {}
        for directory, _, names in os.walk(root):
            for name in names:
                with open(os.path.join(directory, name), "rb") as file:
                    found[os.path.relpath(os.path.join(directory, name), root)] = file.read()
        return found

    def test_unpacked(self) -> None:
        """
        Objects, refs, HEAD and the ends of a shallow history are taken, and a config is added; nothing else is taken.
        """
        kept = {
            "HEAD": b"ref: refs/heads/x\n",
            "packed-refs": OID + b" refs/heads/y\n",
            "refs/heads/x": OID + b"\n",
            "shallow": OID + b"\n",
            LOOSE: b"loose",
            f"{PACK}.pack": b"pack",
            f"{PACK}.idx": b"idx",
        }
        others = [("refs/", None), ("branches/old", b"x"), ("config", b"[core]\n\thooksPath = /x\n"), ("hooks/update", b"#!")]
        others += [("objects/info/alternates", b"/etc\n"), (f"{PACK}.keep", b""), ("objects/zz/1", b"")]
        found = self.unpack(archive(*kept.items(), *others))
        config = found.pop("config")
        self.assertEqual(found, kept)
        self.assertNotIn(b"hooksPath", config)
        self.assertNotIn(b"sha256", config)

    def test_long_ids(self) -> None:
        """
        How objects are named is seen by their names, and by refs.
        """
        long = b"1" * 64
        for members in (
            [HEAD, ("packed-refs", b"# pack-refs with: peeled\n" + long + b" refs/heads/y\n")],
            [HEAD, ("refs/heads/x", long + b"\n")],
            [("HEAD", long + b"\n")],
            [HEAD, ("objects/11/" + "1" * 62, b"")],
            [HEAD, ("objects/pack/pack-" + "1" * 64 + ".pack", b"")],
        ):
            self.assertIn(b"objectformat = sha256", self.unpack(archive(*members))["config"])

    def test_again(self) -> None:
        """
        Of what is there twice the later one counts: it changed while the snapshot was made.
        """
        found = self.unpack(archive(HEAD, ("packed-refs", b"old"), ("packed-refs", b"new"), (LOOSE, b"a"), (LOOSE, b"b")))
        self.assertEqual((found["packed-refs"], found[LOOSE]), (b"new", b"b"))

    def test_refused(self) -> None:
        """
        What leads elsewhere, is a link or a device, or is cut off, is refused.
        """
        good = archive(HEAD, (LOOSE, b"x" * 2000))
        for name, data in {
            "nothing": b"",
            "no archive": b"no tar at all" * 100,
            "cut": good[:1800],
            "no HEAD": archive((LOOSE, b"")),
            "upwards": archive(HEAD, ("../evil", b"")),
            "upwards in the middle": archive(HEAD, ("refs/heads/../../../evil", b"")),
            "absolute": archive(HEAD, ("/etc/evil", b"")),
            "bad ref": archive(HEAD, ("refs/heads/a.lock", OID)),
            "link": archive(HEAD, ("refs/heads/x", b""), type=tarfile.SYMTYPE, linkname="/etc/passwd"),
            "hard link": archive(HEAD, ("refs/heads/x", b""), type=tarfile.LNKTYPE, linkname="HEAD"),
            "device": archive(HEAD, (LOOSE, b""), type=tarfile.CHRTYPE),
            "linked directory": archive(HEAD, ("objects", b""), type=tarfile.SYMTYPE, linkname="/tmp"),
            "file and directory": archive(HEAD, ("refs/heads/x", OID), ("refs/heads/x/y", OID)),
            "directory and file": archive(HEAD, ("refs/heads/x/y", OID), ("refs/heads/x", OID)),
            "sparse": archive(HEAD, (LOOSE, b""), type=tarfile.GNUTYPE_SPARSE),
        }.items():
            with self.assertRaises(BadSnapshot, msg=name) as caught:
                self.unpack(data)
            self.assertEqual(caught.exception.message, "exit status 2")
