"""
Where a repository lies on disk.
"""

from __future__ import annotations

from attrs import frozen


@frozen
class GitDirectory:
    """
    A bare repository's directory, or the ``.git`` of one with a work tree. Only :mod:`gitaly_tx.storage.locator` makes these
    from what a caller sent, so a path in here is known to be inside a storage.

    :param path: absolute.
    :param object_directory: absolute; where new objects go and are looked for first, if not in ``objects`` (a quarantine).
    :param alternates: absolute object directories that are looked at besides.
    """

    path: str
    object_directory: str | None = None
    alternates: tuple[str, ...] = ()

    @property
    def objects(self) -> str:
        """
        The repository's own object directory, whatever the quarantine.
        """
        return f"{self.path}/objects"

    def environment(self) -> dict[str, str]:
        """
        What git's children need in their environment to see the quarantine.
        """
        found: dict[str, str] = {}
        if self.object_directory is not None:
            found["GIT_OBJECT_DIRECTORY"] = self.object_directory
        if self.alternates:
            found["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = ":".join(_quoted(path) for path in self.alternates)
        return found

    def quarantined(self, object_directory: str) -> GitDirectory:
        """
        The same repository, with new objects going to ``object_directory``.
        """
        first = self.object_directory or self.objects
        return GitDirectory(self.path, object_directory, (first, *self.alternates))

    def with_alternate(self, object_directory: str) -> GitDirectory:
        """
        The same repository, with the objects of another directory besides.
        """
        return GitDirectory(self.path, self.object_directory, (*self.alternates, object_directory))


def _quoted(path: str) -> str:
    """
    git splits the list at colons, unless a path is in double quotes (git's ``environment-variables`` documentation).
    """
    if not any(character in path for character in ':"\n'):
        return path
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
