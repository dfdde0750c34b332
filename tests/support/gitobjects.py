"""
Repositories whose objects are read by us and by git.
"""

from __future__ import annotations

import os
import random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.dulwichreader import ObjectReader
from gitaly_tx.git.interfaces import GitObject
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.git.objectstore import ObjectStore
from tests.support.git import git, make_repository
from tests.support.immediate import ImmediatePool, ImmediateReactor


def make_reader(store: ObjectStore | None = None) -> ObjectReader:
    """
    A reader that does everything at once.
    """
    immediate: Any = ImmediateReactor()
    return ObjectReader(immediate, ImmediatePool(), store or ObjectStore())


def varied(directory: GitDirectory, object_format: ObjectFormat) -> None:
    """
    Give a repository objects of many kinds, with long chains of deltas.
    """
    chance = random.Random(7)
    text = [b"line %d %d\n" % (number, chance.getrandbits(64)) for number in range(400)]
    stream = bytearray()
    for number in range(60):
        text[chance.randrange(len(text))] = b"changed %d %d\n" % (number, chance.getrandbits(64))
        content = b"".join(text)
        stream += b"commit refs/heads/main\ncommitter C <c@example.org> %d +0000\ndata 2\nm\n" % (1700000000 + number)
        stream += b"M 100644 inline dir-%d/file\ndata %d\n%s\n" % (number % 3, len(content), content)
        random_bytes = chance.randbytes(chance.choice([0, 1, 4080, 4096, 20_000]))
        stream += b"M 100644 inline other\ndata %d\n%s\n" % (len(random_bytes), random_bytes)
    git("-C", directory.path, "fast-import", "--quiet", stdin=bytes(stream))
    git("-C", directory.path, "tag", "-m", "annotated", "v1", "main")


def by_git(directory: GitDirectory) -> dict[ObjectID, GitObject]:
    """
    All objects of a repository, as git reads them.
    """
    output = git("-C", directory.path, "cat-file", "--batch", "--batch-all-objects", "--buffer")
    found = {}
    position = 0
    while position < len(output):
        end = output.index(b"\n", position)
        oid, type, size = output[position:end].split()
        data = output[end + 1 : end + 1 + int(size)]
        position = end + 1 + int(size) + 1
        found[ObjectID(oid)] = GitObject(ObjectID(oid), type, data)
    return found


class ObjectsCase(SynchronousTestCase):
    """
    A repository with a short history.
    """

    def setUp(self):
        self.directory = make_repository(os.path.abspath(self.mktemp()), 5)
        self.expected = by_git(self.directory)
        self.reader = make_reader()

    def read(self, oid: ObjectID, directory: GitDirectory | None = None, maximum: int | None = None) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(self.reader.read(directory or self.directory, oid, maximum)))

    def failure(self, oid: ObjectID, directory: GitDirectory | None = None) -> Any:
        return self.failureResultOf(Deferred.fromCoroutine(self.reader.read(directory or self.directory, oid))).value

    def packs(self) -> list[str]:
        parent = os.path.join(self.directory.objects, "pack")
        return sorted(os.path.join(parent, name[:-5]) for name in os.listdir(parent) if name.endswith(".pack"))

    def unpack(self, pack: str) -> None:
        with open(pack + ".pack", "rb") as file:
            content = file.read()
        os.unlink(pack + ".idx")
        os.unlink(pack + ".pack")
        git("-C", self.directory.path, "unpack-objects", "-q", stdin=content)
