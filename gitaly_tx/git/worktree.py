"""
A git directory with a work tree, for commands that cannot do without: beside the repository, whose objects it borrows. What they
do to HEAD and to refs is theirs alone.
"""

from __future__ import annotations

import os
from posixpath import join

from attrs import evolve, frozen

from .directory import GitDirectory
from .objectid import ObjectFormat, ObjectID

_CONFIG = "[core]\n\trepositoryformatversion = {version}\n\tbare = false\n{extensions}"
_SHA256 = "[extensions]\n\tobjectformat = sha256\n"


@frozen
class WorkTree:
    """
    :param directory: the git directory; new objects go where those of the quarantine go that it was made with.
    :param path: where files are. There are none until a command makes some.
    """

    directory: GitDirectory
    path: str

    @classmethod
    def make(cls, scratch: str, quarantine: GitDirectory, head: ObjectID) -> WorkTree:
        """
        Make one, with a commit at HEAD, and an empty index. It blocks.

        :param scratch: an empty directory, absolute.
        :param quarantine: the repository with a quarantine.
        """
        directory, path = join(scratch, "git"), join(scratch, "tree")
        for made in (join(directory, "refs"), join(directory, "objects"), join(directory, "info"), path):
            os.makedirs(made)
        sha256 = head.format is ObjectFormat.SHA256
        with open(join(directory, "config"), "w") as file:
            file.write(_CONFIG.format(version=int(sha256), extensions=_SHA256 if sha256 else ""))
        with open(join(directory, "HEAD"), "wb") as head_file:
            head_file.write(head + b"\n")
        try:
            with open(join(quarantine.path, "info", "attributes"), "rb") as source:
                attributes = source.read()
        except (FileNotFoundError, NotADirectoryError):
            attributes = b""
        with open(join(directory, "info", "attributes"), "wb") as target:
            target.write(attributes)
        return cls(evolve(quarantine, path=directory), path)

    def head(self) -> ObjectID:
        """
        The commit at HEAD. It blocks.

        :raises ValueError: if that is none.
        """
        with open(join(self.directory.path, "HEAD"), "rb") as file:
            return ObjectID(file.read(128).rstrip(b"\n"))

    def environment(self) -> dict[str, str]:
        """
        What git's children need in their environment besides the git directory.
        """
        return {"GIT_WORK_TREE": self.path}
