"""
The application that decides about pushes and hears of them, over GitLab's internal API.

Nothing here is GitLab's own: whatever answers the same requests can be the application (``etc/push-api-example.py`` is one).
"""

from __future__ import annotations

from collections.abc import Sequence
from os.path import relpath

from attrs import define
from zope.interface import implementer

from ..git.directory import GitDirectory
from ..git.interfaces import RefUpdate
from .chain import update_lines
from .gitlabapi import APIError, Asked, GitlabAPI
from .gitlabmessages import UnknownKind, pieces
from .interfaces import AccessDenied, AfterFailed, IApplication, Push, Tell, Unanswered


@implementer(IApplication)
@define(eq=False)
class Gitlab:
    """
    - Every push is asked about, whichever door it came in by. One that an application makes over gRPC must say who wants it, and
      what the application calls the repository.
    - A push by a user of this server's own, over HTTP or SSH, names its repository by ``relative_path`` and its user by
      ``username``; GitLab itself knows neither and refuses it, other applications may do as they like.
    - What cannot be asked is refused.
    - Nobody is asked about reading: an application reads over gRPC for users whom it has asked itself, and this server's own
      users have rules.
    """

    api: GitlabAPI

    async def allowed(self, push: Push) -> None:
        """
        As :func:`gitaly_tx.hooks.interfaces.IApplication.allowed`.
        """
        _check(push)
        directory = push.repository.directory
        await self.ask(
            Asked(
                repository_path=directory.path,
                relative_path=push.repository.partition.path,
                object_directory=_relative(directory, directory.object_directory),
                alternates=[_relative(directory, path) for path in directory.alternates],
                gl_repository=push.gl_repository,
                gl_id=push.gl_id,
                protocol=push.protocol,
                changes=await update_lines(push),
            )
        )

    async def accepting(self, push: Push) -> None:
        """
        As :func:`gitaly_tx.hooks.interfaces.IApplication.accepting`.
        """
        await self.announce(push.gl_repository, push.repository.partition.path)

    async def accepted(self, push: Push, updates: Sequence[RefUpdate], tell_out: Tell) -> None:
        """
        As :func:`gitaly_tx.hooks.interfaces.IApplication.accepted`.
        """
        changes = await update_lines(push, updates)
        path = push.repository.partition.path
        await self.report(push.gl_repository, push.gl_id, changes, push.options, tell_out, path)

    async def ask(self, asked: Asked) -> None:
        """
        :raises AccessDenied: if the application says no, or cannot say yes.
        """
        try:
            verdict = await self.api.allowed(asked)
        except APIError as error:
            raise AccessDenied(error.text) from error
        if not verdict.allowed:
            raise AccessDenied(verdict.message)

    async def announce(self, gl_repository: str, relative_path: str = "") -> None:
        """
        Say that a push is about to be written.

        :raises Unanswered: if the application has not noted it.
        """
        try:
            noted = await self.api.pre_receive(gl_repository, relative_path)
        except APIError as error:
            raise Unanswered(f"calling pre_receive endpoint: {error.text}") from error
        if not noted:
            raise Unanswered("")

    async def report(
        self,
        gl_repository: str,
        gl_id: str,
        changes: bytes,
        options: Sequence[bytes],
        tell_out: Tell,
        relative_path: str = "",
    ) -> None:
        """
        Say that a push was written, and tell the user what the application has to say.

        :raises AfterFailed: if the application has not noted it.
        """
        try:
            noted, messages = await self.api.post_receive(gl_repository, gl_id, changes, options, relative_path)
        except APIError as error:
            raise AfterFailed(f"GitLab: {error.text}") from error
        try:
            for piece in pieces(messages):
                await tell_out(piece)
        except UnknownKind as error:
            raise AfterFailed(f"error writing messages to stream: {error}") from error
        if not noted:
            raise AfterFailed("")


def _check(push: Push) -> None:
    """
    :raises Unanswered: if what the application must be asked with is missing.
    """
    if not push.gl_repository and not push.own:
        raise Unanswered("repository not set")
    if not push.gl_id:
        raise Unanswered("user ID not set")
    if not push.protocol:
        raise Unanswered("protocol not set")


def _relative(directory: GitDirectory, path: str | None) -> str:
    """
    An object directory as the application has to name it in a request.
    """
    return "" if path is None else relpath(path, directory.path)
