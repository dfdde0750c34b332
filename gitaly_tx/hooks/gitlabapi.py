"""
GitLab's internal API, as any application may offer it: what is sent, and what an answer means.

The texts of errors are those that Gitaly's users know.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlencode

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorTime

from ..streams import StreamBroken
from .gitlabhttp import Answer, GitlabHTTP, Unreachable
from .gojson import fields, first_value

JSON: Final = "application/json"

_NUMBER = re.compile(r"[0-9]+", re.ASCII)


class APIError(Exception):
    """
    The application says no, or cannot be asked, or says what nobody understands.

    :param text: what the user is told.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NotThere(APIError):
    """
    The application has nothing of that name, or does not give it away.
    """


@frozen
class Asked:
    """
    What the application is asked about.

    :param repository_path: the repository's directory, absolute.
    :param relative_path: the same relative to its storage.
    :param object_directory: where new objects are, relative to the repository; empty without a quarantine.
    :param alternates: further object directories, relative to the repository.
    :param gl_repository: the application's name for the repository.
    :param gl_id: who wants it: ``user-1``, ``key-1`` or ``username-alpha``.
    :param protocol: ``http``, ``ssh`` or ``web``.
    :param changes: as ``pre-receive`` hooks read them.
    """

    repository_path: str
    relative_path: str
    object_directory: str
    alternates: Sequence[str]
    gl_repository: str
    gl_id: str
    protocol: str
    changes: bytes


@frozen
class Verdict:
    """
    :param message: what the user is told of a refusal.
    """

    allowed: bool
    message: str


@frozen
class Message:
    """
    What the application wants to tell the user after a push.

    :param kind: ``basic`` or ``alert``.
    """

    text: str
    kind: str


@frozen
class Check:
    """
    What the application says of itself.
    """

    version: str
    revision: str
    api_version: str
    redis: bool


def _unobserved(endpoint: str, seconds: float) -> None:
    """
    For those who measure nothing.
    """


@define(eq=False)
class GitlabAPI:
    """
    One method for each endpoint.

    :param clock: measures how long answers take.
    :param observe: told of it, with the endpoint's name.
    """

    _http: GitlabHTTP
    _clock: IReactorTime
    _observe: Callable[[str, float], None] = field(default=_unobserved)

    async def allowed(self, asked: Asked) -> Verdict:
        """
        ``/allowed``: may this push happen?

        :raises APIError: if that cannot be found out, which means no.
        """
        request = {
            "action": "git-receive-pack",
            "gl_repository": asked.gl_repository,
            "project": asked.repository_path.replace("'", ""),
            "changes": asked.changes.decode("utf-8", "replace"),
            "protocol": asked.protocol,
            "env": _environment(asked),
            "relative_path": asked.relative_path,
            **_who(asked.gl_id),
        }
        answer, body = await self._ask("allowed", "POST", "/allowed", {key: value for key, value in request.items() if value})
        if answer.status not in (200, 300):
            raise APIError(f"gitlab api is not accessible: {answer.status}")
        _check_type("/allowed", answer)
        with _decoding("decoding response from /allowed endpoint"):
            found = fields("gitlab.allowedResponse", first_value(body), {"status": (bool, ""), "message": (str, "")})
        return Verdict(found["status"], found["message"])

    async def pre_receive(self, gl_repository: str, relative_path: str = "") -> bool:
        """
        ``/pre_receive``: a push is about to be written.

        :param relative_path: for a repository for which the application has no name.
        :returns: whether the application has noted it.
        :raises APIError: if that cannot be found out.
        """
        request = {"gl_repository": gl_repository, **_unnamed(gl_repository, relative_path)}
        answer, body = await self._ask("pre-receive", "POST", "/pre_receive", request, "/pre_receive")
        if answer.status != 200:
            raise APIError(f"pre-receive call failed with status: {answer.status}")
        _check_type("/pre_receive", answer)
        with _decoding("decoding response from /pre_receive endpoint"):
            found = fields("gitlab.preReceiveResponse", first_value(body), {"reference_counter_increased": (bool, "")})
        return bool(found["reference_counter_increased"])

    async def post_receive(
        self, gl_repository: str, gl_id: str, changes: bytes, options: Sequence[bytes], relative_path: str = ""
    ) -> tuple[bool, list[Message]]:
        """
        ``/post_receive``: a push was written.

        :param relative_path: for a repository for which the application has no name.
        :returns: whether the application has noted it, and what it wants to tell the user.
        :raises APIError: if that cannot be found out.
        """
        request = {
            "gl_repository": gl_repository,
            "identifier": gl_id,
            "changes": changes.decode("utf-8", "replace"),
            "push_options": [option.decode("utf-8", "replace") for option in options] or None,
            **_unnamed(gl_repository, relative_path),
        }
        answer, body = await self._ask("post-receive", "POST", "/post_receive", request, "/post_receive")
        if answer.status != 200:
            raise APIError(f"post-receive call failed with status: {answer.status}")
        _check_type("/post_receive", answer)
        struct, list_of = "gitlab.postReceiveResponse", "[]gitlab.PostReceiveMessage"
        with _decoding("decoding response from /post_receive endpoint"):
            found = fields(struct, first_value(body), {"reference_counter_decreased": (bool, ""), "messages": (list, list_of)})
            messages = [fields(struct, each, {"message": (str, ""), "type": (str, "")}) for each in found["messages"]]
        told = [Message(each["message"], each["type"]) for each in messages]
        return bool(found["reference_counter_decreased"]), told

    async def check(self) -> Check:
        """
        ``/check``: is the application there, and does it know the secret?

        :raises APIError: if not.
        """
        try:
            answer, body = await self._ask("check", "GET", "/check")
        except APIError as error:
            raise APIError(f"HTTP GET to GitLab endpoint /check failed: {error.text}") from error
        if answer.status != 200:
            raise APIError(f"Check HTTP request failed with status: {answer.status}")
        kinds = dict.fromkeys(("gitlab_version", "gitlab_rev", "api_version"), (str, ""))
        with _decoding("failed to decode response from /check endpoint"):
            found = fields("gitlab.CheckInfo", first_value(body), {**kinds, "redis": (bool, "")})
        return Check(found["gitlab_version"], found["gitlab_rev"], found["api_version"], found["redis"])

    async def lfs(self, gl_repository: str, oid: str) -> AsyncIterator[bytes]:
        """
        ``/lfs``: the content of a file that the application keeps.

        :param oid: what its pointer says: 64 hexadecimal digits.
        :returns: the content, piece by piece; closing the iterator ends the transfer.
        :raises NotThere: if the application does not give it.
        :raises APIError: if it cannot be asked, or breaks off.
        """
        path = "/lfs?" + urlencode({"oid": oid, "gl_repository": gl_repository})
        try:
            answer = await self._http.send("GET", path)
        except Unreachable as error:
            raise APIError(str(error)) from error
        try:
            if answer.status != 200:
                raise NotThere(_words(answer.status, await answer.whole()))
            while piece := await answer.body.content.read():
                yield piece
        except (StreamBroken, Unreachable) as error:
            raise APIError("LFS object broke off") from error
        finally:
            answer.body.abandon()

    async def _ask(
        self, endpoint: str, method: str, path: str, request: Mapping[str, Any] | None = None, posted: str = ""
    ) -> tuple[Answer, bytes]:
        """
        :param posted: what Gitaly says was done, in front of the text of an error.
        """
        began = self._clock.seconds()
        prefix = f"http post to gitlab api {posted} endpoint: " if posted else ""
        try:
            answer, body = await self._http.read(method, path, request)
        except Unreachable as error:
            raise APIError(f"{prefix}{error}") from error
        finally:
            self._observe(endpoint, self._clock.seconds() - began)
        if not 200 <= answer.status < 400:
            raise APIError(prefix + _words(answer.status, body))
        return answer, body


def _who(gl_id: str) -> dict[str, str]:
    """
    Who somebody is, in the application's fields.

    :raises APIError: for what names nobody.
    """
    for kind, name in (("username-", "username"), ("key-", "key_id"), ("user-", "user_id")):
        if gl_id.startswith(kind):
            rest = gl_id.removeprefix(kind)
            if kind == "username-" or _NUMBER.fullmatch(rest):
                return {name: rest}
            break
    raise APIError(f'setting gl_id: gl_id="{gl_id}" is invalid')


def _unnamed(gl_repository: str, relative_path: str) -> dict[str, str]:
    return {} if gl_repository or not relative_path else {"relative_path": relative_path}


def _environment(asked: Asked) -> str:
    """
    What the application has to say when it wants to see the new objects.
    """
    directories = {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES_RELATIVE": list(asked.alternates) or None,
        "GIT_OBJECT_DIRECTORY_RELATIVE": asked.object_directory,
    }
    return json.dumps(directories, separators=(",", ":"))


def _words(status: int, body: bytes) -> str:
    """
    What the application says of an error.
    """
    try:
        found = first_value(body)
    except ValueError:
        found = None
    message = found.get("message", "") if isinstance(found, dict) else None
    return message if isinstance(message, str) else f"Internal API error ({status})"


def _check_type(endpoint: str, answer: Answer) -> None:
    if answer.media_type != JSON:
        given = answer.media_type or "mime: no media type"
        raise APIError(f"{endpoint} endpoint respond with unsupported content type: {given}")


@contextmanager
def _decoding(doing: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise APIError(f"{doing}: {error}") from error
