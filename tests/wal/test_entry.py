"""
Manifests and entries as bytes.
"""

from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.wal.entry import (
    Malformed,
    decode,
    decode_checkpoint,
    decode_note,
    digest,
    encode,
    encode_checkpoint,
    encode_manifest,
    encode_note,
    tag_of,
    without_contents,
)
from gitaly_tx.wal.interfaces import Creation, Entry, FileChange, Head, Manifest, Partition, StagedFile

_names = st.text(st.characters(codec="utf-8", exclude_characters="/\0."), min_size=1, max_size=8)
_paths = st.lists(_names, min_size=1, max_size=3).map("/".join)
_oids = st.binary(min_size=20, max_size=20).map(lambda raw: ObjectID(raw.hex())) | st.binary(min_size=32, max_size=32).map(
    lambda raw: ObjectID(raw.hex())
)


def _inline(path: str, content: bytes) -> StagedFile:
    return StagedFile("", path, len(content), hashlib.sha256(content).digest(), content)


manifests = st.builds(
    Manifest,
    st.builds(Partition, st.just("default"), _paths),
    st.none() | st.builds(Creation, st.sampled_from(ObjectFormat), st.binary(max_size=9), st.sampled_from(["files", "reftable"])),
    st.lists(st.builds(FileChange, _paths, st.none() | st.binary(max_size=9), st.integers(0, 0o777)), max_size=3).map(tuple),
    st.lists(
        st.builds(_inline, _paths, st.binary(max_size=99))
        | st.builds(StagedFile, _paths, _paths, st.integers(0, 1 << 60), st.binary(min_size=32, max_size=32)),
        max_size=3,
    ).map(tuple),
    st.lists(st.builds(RefUpdate, st.binary(max_size=9), st.none() | _oids, _oids, st.booleans()), max_size=3).map(tuple),
    st.none() | st.binary(max_size=9),
    st.booleans(),
)

OURS = Partition("default", "a/b.git")


class EntryTests(SynchronousTestCase):
    """
    ``encode`` and ``decode``.
    """

    @given(manifests, st.integers(0, 1 << 60), st.integers(0, 1 << 60), st.binary(min_size=32, max_size=32))
    @settings(max_examples=150)
    def test_round_trip(self, manifest: Manifest, epoch: int, lsn: int, previous: bytes) -> None:
        """
        What was encoded is decoded, in its place.
        """
        entry, payload = encode(manifest, Head(epoch, "before", lsn, previous), "here")
        self.assertEqual(decode(payload, "default"), entry)
        self.assertEqual((entry.head.epoch, entry.head.leader, entry.head.lsn), (epoch, "here", lsn + 1))
        self.assertEqual(entry.previous, previous)
        self.assertEqual(entry.head.digest, digest(previous, epoch, lsn + 1, encode_manifest(manifest)))

    def test_digest(self) -> None:
        """
        The chain is made as the interface says.
        """
        expected = hashlib.sha256(b"p" * 32 + bytes(7) + b"\2" + bytes(7) + b"\3" + b"manifest").digest()
        self.assertEqual(digest(b"p" * 32, 2, 3, b"manifest"), expected)

    def test_digest_does_not_depend_on_where_files_lie(self) -> None:
        """
        Whether the log holds a file itself makes no difference to the chain.
        """
        inline = _inline("objects/x", b"content")
        beside = StagedFile("+gitaly/wal/pending/x", "objects/x", inline.size, inline.sha256)
        made = [encode(Manifest(OURS, staged=(file,)), Head(), "")[0].head.digest for file in (inline, beside)]
        self.assertEqual(made[0], made[1])

    def test_paths_lead_downwards(self) -> None:
        """
        No path leads out of the repository or the storage, written or read.
        """
        for bad in ("", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/", "a\0b", "..", "."):
            for manifest in (
                Manifest(Partition("default", bad)),
                Manifest(OURS, files=(FileChange(bad, b""),)),
                Manifest(OURS, staged=(_inline(bad, b""),)),
            ):
                error = self.assertRaises(GitalyError, encode, manifest, Head(), "")
                self.assertEqual(error.code, Code.INVALID_ARGUMENT)

    def test_wrong_digest(self) -> None:
        """
        An entry whose digest is not that of its content is none.
        """
        entry, payload = encode(Manifest(OURS, remove=True), Head(), "")
        self.assertRaises(Malformed, decode, payload.replace(entry.head.digest, bytes(32)), "default")

    def test_junk(self) -> None:
        """
        Junk is no entry, and no note.
        """
        self.assertRaises(Malformed, decode, b"\xff\xff", "default")
        self.assertRaises(Malformed, decode_note, b"\xff\xff")

    def test_note(self) -> None:
        """
        A note names its entry by digest.
        """
        entry, _ = encode(Manifest(OURS), Head(), "")
        self.assertEqual(decode_note(encode_note(entry.head)), entry.head.digest)

    def test_checkpoint(self) -> None:
        """
        A checkpoint keeps path and head.
        """
        head = Head(3, "leader", 9, b"d" * 32)
        self.assertEqual(decode_checkpoint(encode_checkpoint(OURS, head)), ("a/b.git", head))

    def test_tag(self) -> None:
        """
        A tag depends on the path alone, so that a storage can be given another name.
        """
        self.assertEqual(len(tag_of("a")), 16)
        self.assertNotEqual(tag_of("a"), tag_of("b"))

    def test_without_contents(self) -> None:
        """
        What is kept in memory of an entry has no contents, but says what it touched.
        """
        manifest = Manifest(
            OURS, files=(FileChange("a", b"x"), FileChange("b", None)), staged=(_inline("objects/x", b"content"),)
        )
        entry, _ = encode(manifest, Head(), "")
        bare = without_contents(entry)
        self.assertEqual([change.content for change in bare.manifest.files], [b"", None])
        self.assertIsNone(bare.manifest.staged[0].content)
        self.assertEqual(bare.head, entry.head)
        plain = Entry(Head(), bytes(32), Manifest(OURS))
        self.assertIs(without_contents(plain), plain)
