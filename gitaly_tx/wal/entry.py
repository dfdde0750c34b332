"""
Manifests and entries as bytes. Pure: no file is touched here.
"""

from __future__ import annotations

import hashlib
import os
import struct
from posixpath import normpath

from attrs import evolve
from google.protobuf.message import DecodeError

from protocols.gitaly.wal import manifest_pb2

from ..errors import Code, GitalyError
from ..git.interfaces import RefUpdate
from ..git.objectid import ObjectFormat, ObjectID
from .interfaces import Creation, Entry, FileChange, Head, Manifest, Partition, StagedFile

_PLACE = struct.Struct(">QQ")


class Malformed(Exception):
    """
    Bytes that are no entry, although their checksums are right.
    """


def digest(previous: bytes, epoch: int, lsn: int, manifest: bytes) -> bytes:
    """
    The next link of a partition's chain.

    :param previous: the digest of the entry before; 32 zero bytes for the first.
    :param manifest: as encoded by :func:`encode_manifest`.
    """
    return hashlib.sha256(previous + _PLACE.pack(epoch, lsn) + manifest).digest()


def tag_of(path: str) -> bytes:
    """
    The sixteen bytes that stand for a partition in the framing of its records.

    :param path: relative to the storage.
    """
    return hashlib.sha256(os.fsencode(path)).digest()[:16]


def checked_path(path: str) -> str:
    """
    :returns: ``path``, if it leads downwards from where it is relative to.
    :raises GitalyError: INVALID_ARGUMENT otherwise.
    """
    if not path or path.startswith("/") or "\0" in path or path != normpath(path) or path.split("/")[0] in ("..", "."):
        raise GitalyError("path in a write is not a plain relative path", Code.INVALID_ARGUMENT, {"path": path})
    return path


def encode_manifest(manifest: Manifest) -> bytes:
    """
    The bytes that the digest chain is made over.

    :param manifest: its staged files have sizes and checksums.
    :raises GitalyError: INVALID_ARGUMENT for a path that leads out of the repository.
    """
    message = manifest_pb2.Manifest(path=os.fsencode(checked_path(manifest.partition.path)), remove=manifest.remove)
    if manifest.create is not None:
        create = manifest.create
        message.create.object_format, message.create.head = create.object_format.value, create.head
        message.create.backend = create.backend
    for change in manifest.files:
        message.files.add(path=os.fsencode(checked_path(change.path)), content=change.content, mode=change.mode)
    for file in manifest.staged:
        message.staged.add(path=os.fsencode(checked_path(file.path)), size=file.size, sha256=file.sha256)
    for update in manifest.refs:
        old = b"" if update.old is None else bytes(update.old)
        message.refs.add(name=update.name, old=old, new=bytes(update.new), itself=not update.follow)
    if manifest.head is not None:
        message.head = manifest.head
    return message.SerializeToString(deterministic=True)


def encode(manifest: Manifest, expected: Head, leader: str) -> tuple[Entry, bytes]:
    """
    Make the entry that follows ``expected``.

    :param manifest: its staged files are in the log's keeping: each has a content, or a source of the log's own.
    :returns: the entry, and the payload of its record.
    """
    encoded = encode_manifest(manifest)
    lsn = expected.lsn + 1
    head = Head(expected.epoch, leader, lsn, digest(expected.digest, expected.epoch, lsn, encoded))
    message = manifest_pb2.Entry(
        epoch=head.epoch, leader=leader, lsn=lsn, digest=head.digest, previous=expected.digest, manifest=encoded
    )
    for file in manifest.staged:
        if file.content is not None:
            message.places.add(content=file.content)
        else:
            message.places.add(source=os.fsencode(file.source))
    return Entry(head, expected.digest, manifest), message.SerializeToString(deterministic=True)


def decode(payload: bytes, storage: str) -> Entry:
    """
    The inverse of :func:`encode`.

    :param storage: the name of the storage whose log it is.
    :raises Malformed: if it is no entry, or its digest is not that of its content.
    """
    try:
        message = manifest_pb2.Entry.FromString(payload)
        manifest = _decode_manifest(message, storage)
    except (DecodeError, ValueError, GitalyError) as error:
        raise Malformed(str(error)) from error
    if digest(message.previous, message.epoch, message.lsn, message.manifest) != message.digest:
        raise Malformed("digest is not that of the content")
    return Entry(Head(message.epoch, message.leader, message.lsn, message.digest), message.previous, manifest)


def _decode_manifest(entry: manifest_pb2.Entry, storage: str) -> Manifest:
    message = manifest_pb2.Manifest.FromString(entry.manifest)
    if len(message.staged) != len(entry.places):
        raise ValueError("staged files without a place")
    create = None
    if message.HasField("create"):
        made = message.create
        create = Creation(ObjectFormat(made.object_format), made.head, made.backend)
    return Manifest(
        Partition(storage, checked_path(os.fsdecode(message.path))),
        create,
        tuple(
            FileChange(checked_path(os.fsdecode(c.path)), c.content if c.HasField("content") else None, c.mode)
            for c in message.files
        ),
        tuple(
            StagedFile(
                "" if place.HasField("content") else checked_path(os.fsdecode(place.source)),
                checked_path(os.fsdecode(file.path)),
                file.size,
                file.sha256,
                place.content if place.HasField("content") else None,
            )
            for file, place in zip(message.staged, entry.places, strict=True)
        ),
        tuple(
            RefUpdate(ref.name, ObjectID(ref.old) if ref.old else None, ObjectID(ref.new), not ref.itself) for ref in message.refs
        ),
        message.head if message.HasField("head") else None,
        message.remove,
    )


def without_contents(entry: Entry) -> Entry:
    """
    The same entry with what it takes to find its files, and not what is in them.
    """
    if all(file.content is None for file in entry.manifest.staged) and not entry.manifest.files:
        return entry
    staged = tuple([StagedFile(file.source, file.path, file.size, file.sha256) for file in entry.manifest.staged])
    files = tuple(evolve(change, content=None if change.content is None else b"") for change in entry.manifest.files)
    return evolve(entry, manifest=evolve(entry.manifest, staged=staged, files=files))


def encode_note(head: Head) -> bytes:
    """
    The payload of a record that says something of the entry that is there.
    """
    return manifest_pb2.Note(digest=head.digest).SerializeToString()


def decode_note(payload: bytes) -> bytes:
    """
    :returns: the digest of the entry that the note is about.
    :raises Malformed: if it is no note.
    """
    try:
        return manifest_pb2.Note.FromString(payload).digest
    except DecodeError as error:
        raise Malformed(str(error)) from error


def encode_checkpoint(partition: Partition, head: Head) -> bytes:
    """
    What is kept of a partition when its entries are gone from the log.
    """
    message = manifest_pb2.Checkpoint(
        path=os.fsencode(partition.path), epoch=head.epoch, leader=head.leader, lsn=head.lsn, digest=head.digest
    )
    return message.SerializeToString(deterministic=True)


def decode_checkpoint(value: bytes) -> tuple[str, Head]:
    """
    The inverse of :func:`encode_checkpoint`: the partition's path and its head.
    """
    message = manifest_pb2.Checkpoint.FromString(value)
    return os.fsdecode(message.path), Head(message.epoch, message.leader, message.lsn, message.digest)
