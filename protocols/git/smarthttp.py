"""
The paths, headers and content types of git's smart HTTP (https://git-scm.com/docs/gitprotocol-http).
"""

from __future__ import annotations

import re
from typing import NoReturn, TypeAlias
from urllib.parse import unquote_to_bytes

from attrs import frozen

from .errors import HTTPRefused
from .service import Service

__all__ = [
    "NO_CACHE",
    "Exchange",
    "HTTPRefused",
    "HTTPRoute",
    "InfoRefs",
    "KeptBundle",
    "Service",
    "advertisement_type",
    "bundle_uri",
    "content_type_matches",
    "git_protocol",
    "request_type",
    "result_type",
    "route",
]

NO_CACHE: tuple[tuple[bytes, bytes], ...] = (
    (b"Expires", b"Fri, 01 Jan 1980 00:00:00 GMT"),
    (b"Pragma", b"no-cache"),
    (b"Cache-Control", b"no-cache, max-age=0, must-revalidate"),
)
"""The headers that git-http-backend sends so that nobody keeps an answer."""

MAX_PATH = 4096
"""The longest path of a repository that is looked at, in bytes."""

_SERVED = {service.value: service for service in (Service.UPLOAD_PACK, Service.RECEIVE_PACK)}
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_KNOWN = re.compile(
    rb"(?P<path>.*)/(?:"
    rb"(?P<info>info/refs)"
    rb"|(?P<rpc>git-upload-pack|git-receive-pack|git-upload-archive)"
    rb"|bundles/(?P<bundle>[0-9a-f]{32})\.bundle"
    rb"|HEAD"
    rb"|objects/info/(?:alternates|http-alternates|packs)"
    rb"|objects/[0-9a-f]{2}/(?:[0-9a-f]{38}|[0-9a-f]{62})"
    rb"|objects/pack/pack-(?:[0-9a-f]{40}|[0-9a-f]{64})\.(?:pack|idx)"
    rb")\Z",
    re.DOTALL,
)
_PRINTABLE = re.compile(rb"[\x20-\x7e]{1,256}\Z")


@frozen
class InfoRefs:
    """
    The client wants an advertisement.

    :param service: of which service; ``None`` if none was named, as old clients without smart HTTP do.
    :param path: of the repository, decoded, without slashes before it.
    """

    service: Service | None
    path: bytes


@frozen
class Exchange:
    """
    The client sends a request of a service and wants the result.

    :param path: of the repository, decoded, without slashes before it.
    """

    service: Service
    path: bytes


@frozen
class KeptBundle:
    """
    The client wants a bundle that it was told of.

    :param path: of the repository, decoded, without slashes before it.
    :param name: of the bundle.
    """

    path: bytes
    name: str


HTTPRoute: TypeAlias = InfoRefs | Exchange | KeptBundle


def route(method: bytes, path: bytes, query: bytes) -> HTTPRoute:
    """
    What a request asks for.

    :param path: as it stands in the request line, still percent-encoded, without the query.
    :param query: what follows the question mark.
    :raises HTTPRefused: 400 for a path that is not one, 404 for one that names nothing, 405 for a wrong method, 403 for a service
        that is not offered and for the files of the dumb protocol.
    """
    found = _KNOWN.match(_decoded(path))
    if found is None:
        raise HTTPRefused(404, "not found")
    repository = _repository(found["path"])
    if found["rpc"]:
        _allow(method, b"POST")
        service = _SERVED.get(found["rpc"])
        return Exchange(service, repository) if service else _unoffered()
    if found["bundle"]:
        _allow(method, b"GET")
        return KeptBundle(repository, found["bundle"].decode())
    _allow(method, b"GET", b"HEAD")
    if not found["info"]:
        raise HTTPRefused(403, "only smart HTTP is served here: use git 1.6.6 or newer")
    named = _parameter(query, b"service")
    if named is None:
        return InfoRefs(None, repository)
    service = _SERVED.get(named)
    return InfoRefs(service, repository) if service else _unoffered()


def _unoffered() -> NoReturn:
    raise HTTPRefused(403, "this service is not offered here")


def _allow(method: bytes, *allowed: bytes) -> None:
    if method not in allowed:
        raise HTTPRefused(405, "method not allowed", ((b"Allow", b", ".join(allowed)),))


def _decoded(path: bytes) -> bytes:
    if not path.startswith(b"/") or _BAD_PERCENT.search(path):
        raise HTTPRefused(400, "bad path")
    decoded = unquote_to_bytes(path)
    try:
        decoded.decode("utf-8")
    except UnicodeDecodeError:
        raise HTTPRefused(400, "the path is not UTF-8") from None
    if _CONTROL.search(decoded):
        raise HTTPRefused(400, "the path holds a control character")
    return decoded


def _repository(path: bytes) -> bytes:
    path = path.lstrip(b"/")
    if len(path) > MAX_PATH or any(part in (b"", b".", b"..") for part in path.split(b"/")):
        raise HTTPRefused(404, "not found")
    return path


def _parameter(query: bytes, name: bytes) -> bytes | None:
    """
    The one value of a parameter; ``None`` without it. Given more than once it is nobody's name, so that no two readers of the
    same query can take it differently.
    """
    pairs = (part.partition(b"=") for part in query.split(b"&"))
    values = [unquote_to_bytes(value) for key, _, value in pairs if key == name]
    if len(values) > 1:
        return b""
    return values[0] if values else None


def bundle_uri(name: str) -> bytes:
    """
    Where a bundle is, relative to the URL of its repository.

    :param name: 32 hexadecimal digits.
    """
    return b"bundles/%b.bundle" % name.encode()


def advertisement_type(service: Service) -> bytes:
    """
    The content type of an advertisement.
    """
    return b"application/x-%b-advertisement" % service.value


def request_type(service: Service) -> bytes:
    """
    The content type of a request.
    """
    return b"application/x-%b-request" % service.value


def result_type(service: Service) -> bytes:
    """
    The content type of a result.
    """
    return b"application/x-%b-result" % service.value


def content_type_matches(service: Service, header: bytes | None) -> bool:
    """
    Whether a request's ``Content-Type`` is that of the service; parameters and case do not count. If it is not, the status is
    415.
    """
    return header is not None and header.partition(b";")[0].strip().lower() == request_type(service)


def git_protocol(header: bytes | None) -> str:
    """
    The protocol version that a client asks for, in the form that ``GIT_PROTOCOL`` has.

    :param header: the ``Git-Protocol`` header, or the variable that an SSH client sent: a list with colons between.
    :returns: ``version=1`` or ``version=2``, the higher if both are there; empty for anything else, so that nothing of the
        client's own making gets into an environment.
    """
    if header is None or not _PRINTABLE.match(header):
        return ""
    asked = header.split(b":")
    return next((version.decode() for version in (b"version=2", b"version=1") if version in asked), "")
