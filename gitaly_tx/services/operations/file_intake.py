"""
The actions of ``UserCommitFiles`` as they come in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

from attrs import frozen

from protocols.gitaly.operations_pb2 import UserCommitFilesActionHeader as Header
from protocols.gitaly.operations_pb2 import UserCommitFilesRequest

from ...errors import Code, GitalyError
from ...git.interfaces import IObjects
from ...git.objectid import ObjectID
from ...wal.threads import InThread
from .contents import Content, Contents, Waiting
from .file_actions import Action, ChangeMode, Create, CreateDirectory, Delete, Move, Update, check_allowed, cleaned

_WRITING: Final[Mapping[int, str]] = {Header.CREATE: "write created blob", Header.UPDATE: "write updated blob", Header.MOVE: ""}
"""What is being done to the contents of which actions; the others have none that count."""


@frozen
class Planned:
    """
    An action whose content may not be written yet.
    """

    header: Header
    path: bytes
    previous: bytes
    content: Waiting | ObjectID | None


class Intake:
    """
    Takes in all actions. What is wrong with one of them is told at the end, when nothing is wrong with the conversation itself.
    """

    def __init__(self, in_thread: InThread, contents: Contents) -> None:
        self._in_thread = in_thread
        self._contents = contents
        self._planned: list[Planned] = []
        self._wrong: GitalyError | None = None
        self._header: Header | None = None
        self._content: Content | None = None

    async def read(self, requests: AsyncIterator[UserCommitFilesRequest]) -> list[Planned]:
        """
        Read to the end.

        :raises GitalyError: INTERNAL ``content sent before action``, ``unhandled action payload type: <nil>``; what is wrong with
            the first action that cannot be done whatever the tree holds.
        """
        try:
            async for request in requests:
                kind = request.action.WhichOneof("user_commit_files_action_payload")
                if kind == "header":
                    await self._end()
                    self._begin(request.action.header)
                elif kind == "content":
                    await self._append(request.action.content)
                else:
                    raise GitalyError("unhandled action payload type: <nil>", Code.INTERNAL)
            await self._end()
        finally:
            await self._forget()
        if self._wrong is not None:
            raise self._wrong
        return self._planned

    def _begin(self, header: Header) -> None:
        self._header = header
        if self._wrong is None and header.action in _WRITING and not _infers(header):
            self._content = Content(self._in_thread, header.base64_content)

    async def _append(self, data: bytes) -> None:
        if self._header is None:
            raise GitalyError("content sent before action", Code.INTERNAL)
        if self._content is None or self._wrong is not None:
            return
        try:
            await self._content.append(data)
        except GitalyError as error:
            self._wrong = _while_writing(self._header, error)

    async def _end(self) -> None:
        """
        The action that was begun is complete.
        """
        if self._header is not None and self._wrong is None:
            try:
                self._planned.append(await self._plan(self._header))
            except GitalyError as error:
                self._wrong = error
        await self._forget()

    async def _plan(self, header: Header) -> Planned:
        if header.action not in Header.ActionType.values():
            raise GitalyError(f"NoMethodError: undefined method `downcase' for {header.action}:Integer", Code.INVALID_ARGUMENT)
        path = cleaned(header.file_path)
        previous = cleaned(header.previous_path) if header.action == Header.MOVE else b""
        if self._content is None:
            return Planned(header, path, previous, None)
        try:
            self._content.end()
        except GitalyError as error:
            raise _while_writing(header, error) from error
        return Planned(header, path, previous, await self._contents.take(path, self._content))

    async def _forget(self) -> None:
        content, self._content = self._content, None
        if content is not None:
            await content.spool.close()


class Writing:
    """
    Writes the contents that wait, and says what each action does. It blocks.

    :param head: as :meth:`Contents.attributes` says.
    """

    def __init__(self, objects: IObjects, contents: Contents, head: ObjectID | None) -> None:
        self._objects = objects
        self._contents = contents
        self._head = head

    def action(self, planned: Planned) -> Action:
        """
        :raises GitalyError: INTERNAL ``invalid path: '.git/x'``.
        """
        header, path = planned.header, planned.path
        for named in (planned.previous, path) if planned.previous else (path,):
            check_allowed(named)
        match header.action:
            case Header.CREATE:
                return Create(path, self._blob(planned), header.execute_filemode)
            case Header.CREATE_DIR:
                return CreateDirectory(path, self._contents.write(self._objects, None, Waiting(b"", b"")))
            case Header.UPDATE:
                return Update(path, self._blob(planned))
            case Header.MOVE:
                return Move(path, planned.previous, None if planned.content is None else self._blob(planned))
            case Header.DELETE:
                return Delete(path)
        return ChangeMode(path, header.execute_filemode)

    def _blob(self, planned: Planned) -> ObjectID:
        content = planned.content or Waiting(planned.path, b"")
        return content if isinstance(content, ObjectID) else self._contents.write(self._objects, self._head, content)


def _infers(header: Header) -> bool:
    return header.action == Header.MOVE and header.infer_content


def _while_writing(header: Header, error: GitalyError) -> GitalyError:
    prefix = _WRITING.get(header.action)
    return error.wrapped(prefix) if prefix else error
