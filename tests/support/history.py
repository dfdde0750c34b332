"""
Histories that a test makes up: trees and commits written at once, without git.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from gitaly_tx.git.commits import Ident, NewCommit
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.git.quarantine import write_loose_object

from .git import git

Files = Mapping[str, str | bytes | tuple[int, str]]
"""Contents of files by path; or a mode, and a content or the id of a submodule's commit."""

AUTHOR = Ident(b"A", b"a@example.org", 1600000000, b"+0200")
COMMITTER = Ident(b"C", b"c@example.org", 1600000001)

SUBMODULE = 0o160000


@frozen
class History:
    """
    :param directory: the repository.
    """

    directory: GitDirectory
    object_format: ObjectFormat = ObjectFormat.SHA1

    def write(self, type: bytes, content: bytes) -> ObjectID:
        """
        An object.
        """
        return write_loose_object(self.directory.objects, self.object_format, type, content)

    def tree(self, files: Files) -> ObjectID:
        """
        A tree with some files.
        """
        below: dict[str, dict[str, Any]] = {}
        entries: list[tuple[bytes, bytes]] = []
        for path, file in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = file
                continue
            mode, content = file if isinstance(file, tuple) else (0o100644, file)
            text = content if isinstance(content, bytes) else content.encode()
            oid = ObjectID(text) if mode == SUBMODULE else self.write(b"blob", text)
            entries.append((name.encode(), b"%o %b\0%b" % (mode, name.encode(), bytes.fromhex(str(oid)))))
        for name, inner in below.items():
            raw = bytes.fromhex(str(self.tree(inner)))
            entries.append((name.encode() + b"/", b"40000 %b\0%b" % (name.encode(), raw)))
        return self.write(b"tree", b"".join(entry for _, entry in sorted(entries)))

    def commit(
        self, files: Files | ObjectID, *parents: ObjectID, message: bytes = b"change\n", author: Ident = AUTHOR
    ) -> ObjectID:
        """
        A commit with some files, or a tree.
        """
        tree = files if isinstance(files, ObjectID) else self.tree(files)
        return self.write(b"commit", NewCommit(tree, parents, author, COMMITTER, message).content())

    def ref(self, name: str, oid: ObjectID) -> ObjectID:
        """
        Set a ref.

        :param name: in full.
        """
        path = os.path.join(self.directory.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(oid + b"\n")
        return oid

    def read(self, revision: str | bytes, directory: GitDirectory | None = None) -> bytes:
        """
        An object as git shows it.

        :param directory: the repository with a quarantine.
        """
        name = revision.decode() if isinstance(revision, bytes) else revision
        environment: dict[str, Any] = {} if directory is None else directory.environment()
        return git("-C", self.directory.path, "cat-file", "-p", name, **environment)

    def files(self, revision: str | bytes, directory: GitDirectory | None = None) -> dict[str, str]:
        """
        The files of a tree or a commit.

        :param directory: the repository with a quarantine.
        """
        name = revision.decode() if isinstance(revision, bytes) else revision
        environment: dict[str, Any] = {} if directory is None else directory.environment()
        found: dict[str, str] = {}
        for line in git("-C", self.directory.path, "ls-tree", "-rz", name, **environment).decode().split("\0")[:-1]:
            words, _, path = line.partition("\t")
            _, type, oid = words.split(" ")
            found[path] = oid if type == "commit" else self.read(oid, directory).decode()
        return found
