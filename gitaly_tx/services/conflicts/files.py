"""
A merged tree, file by file as somebody decided.
"""

from __future__ import annotations

from functools import partial

from attrs import frozen

from ...errors import Code, GitalyError
from ...git.conversions import conversion_of
from ...git.errors import ObjectNotFound, ObjectTooLarge
from ...git.interfaces import IObjects
from ...git.merge import Merged
from ...git.objectid import ObjectID
from ...git.peeling import below, peeled_id
from ...git.quoting import quoted
from ...git.textconversion import convert
from ...git.treeedit import TreeEditor
from ...storage.interfaces import IRepository, IStaging
from .contents import Labels
from .resolutions import Resolution
from .sections import LIMIT, NotParsed, NotResolved, parse, resolved


class NotAccepted(Exception):
    """
    The resolutions do not fit the conflicts. The text is for the caller.
    """


@frozen
class Resolver:
    """
    :param seen: the repository with what is staged.
    :param head: the commit whose attributes count when files are written.
    """

    seen: IRepository
    staging: IStaging
    ours: ObjectID
    theirs: ObjectID
    head: ObjectID | None

    async def resolve(self, merged: Merged, resolutions: list[Resolution]) -> ObjectID:
        """
        :returns: the tree without conflicts.
        :raises NotAccepted: if a file or a section is missing, or nothing was decided.
        :raises GitalyError: INTERNAL for a file that does not conflict, or cannot be taken apart.
        """
        open = dict.fromkeys(merged.paths)
        if not open:
            raise GitalyError("merge: there are conflicting files", Code.FAILED_PRECONDITION)
        conflicting = set(open)
        changed: dict[bytes, tuple[int, ObjectID]] = {}
        for resolution in resolutions:
            if resolution.old_path not in conflicting:
                raise _internal("NoMethodError: undefined method `resolve_lines' for nil:NilClass")
            changed[resolution.old_path] = await self.seen.look(partial(self._file, merged.tree, resolution))
            open.pop(resolution.old_path, None)
        if open:
            raise NotAccepted(f"Missing resolutions for the following files: {_shown(next(iter(open)))}")
        return await self.seen.look(partial(self._tree, merged.tree, changed))

    def _file(self, tree: ObjectID, resolution: Resolution, objects: IObjects) -> tuple[int, ObjectID]:
        """
        Make one file.

        :returns: its mode and its id.
        """
        path = resolution.old_path
        entry = below(objects, tree, path)
        if entry is None or entry.type != b"blob":
            raise _internal("object not found")
        content = self._content(entry.oid, resolution, objects)
        how = conversion_of(path, objects, self.seen.directory, self.seen.object_format, self.head)
        return entry.mode, self._write(b"blob", convert(content, how))

    def _tree(self, root: ObjectID, changed: dict[bytes, tuple[int, ObjectID]], objects: IObjects) -> ObjectID:
        editor = TreeEditor(objects, root)
        for path, (mode, oid) in changed.items():
            editor.put(path, mode, oid)
        return editor.write(self._write)

    def _write(self, type: bytes, data: bytes) -> ObjectID:
        return self.staging.write_blocking(type, len(data), [data])

    def _content(self, oid: ObjectID, resolution: Resolution, objects: IObjects) -> bytes:
        """
        :param oid: of the file with its conflicts marked.
        """
        path = resolution.old_path
        conflicted = self._read(objects, oid, path)
        if resolution.content and resolution.content == self._labelled(conflicted, resolution):
            raise NotAccepted(f"Resolved content has no changes for file {_shown(path)}")
        root = peeled_id(objects, self.ours, b"tree")
        our = None if root is None else below(objects, root, path)
        if our is None or our.type != b"blob":
            raise _internal("object not found")
        try:
            lines = parse(conflicted, self.ours, self.theirs)
            if not resolution.sections:
                return resolution.content
            content = resolved(lines, path, resolution.sections)
        except NotResolved as error:
            raise NotAccepted(str(error)) from error
        except NotParsed as error:
            raise _unparsed(path, str(error)) from error
        return content + b"\n" if self._read(objects, our.oid, path).endswith(b"\n") else content

    def _read(self, objects: IObjects, oid: ObjectID, path: bytes) -> bytes:
        try:
            return objects.read(oid, LIMIT).data
        except ObjectTooLarge as error:
            raise _unparsed(path, "merging is not supported for file") from error
        except ObjectNotFound as error:
            raise _internal("object not found") from error

    def _labelled(self, conflicted: bytes, resolution: Resolution) -> bytes:
        labels = Labels({self.ours: resolution.old_path, self.theirs: resolution.new_path})
        return labels.feed(conflicted) + labels.end()


def _unparsed(path: bytes, why: str) -> GitalyError:
    return _internal(f"resolve: parse conflict for {quoted(path)}: {why}")


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "replace")


def _internal(text: str) -> GitalyError:
    return GitalyError(text, Code.INTERNAL)


__all__ = ["NotAccepted", "Resolver"]
