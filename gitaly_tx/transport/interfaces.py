"""
What the services of SmartHTTPService and SSHService ask for. They differ in framing only; the work is done here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from attrs import frozen
from zope.interface import Interface

from ..errors import Code, GitalyError
from ..git.interfaces import Ended
from ..storage.interfaces import IRepository
from ..streams import IByteSink, IByteSource


@frozen
class FetchRequest:
    """
    :param protocol: the value of ``GIT_PROTOCOL``: empty, ``version=1`` or ``version=2``; anything else counts as empty.
    :param config: ``key=value`` settings that the caller asks for; only harmless keys are taken.
    :param stateless: a single request and its answer (HTTP), not a conversation (SSH).
    :param address: the client's, without its port; empty if it is not known.
    :param bundles: where it fetches from there are bundles, too.
    """

    protocol: str = ""
    config: Sequence[str] = ()
    stateless: bool = False
    address: str = ""
    bundles: bool = False


@frozen
class PushRequest:
    """
    :param gl_id: who pushes, in GitLab's form.
    :param user: who pushes, as this server knows them.
    :param stateless: the advertisement is not sent: the client has it already (HTTP).
    :param own: it came in over a door of this server's own, not from an application.
    :param create: makes the repository when the first ref is about to be written; ``repository`` is then ``None``.
    :param retract: takes it back, if the push is refused after that and nobody else has seen it; says whether it did.
    """

    gl_id: str
    user: str | None
    gl_username: str = ""
    gl_repository: str = ""
    project_path: str = ""
    wire: str = "http"
    protocol: str = ""
    config: Sequence[str] = ()
    stateless: bool = False
    correlation_id: str = ""
    create: Callable[[], Awaitable[IRepository]] | None = None
    retract: Callable[[IRepository], Awaitable[bool]] | None = None
    own: bool = False


class PushBroken(GitalyError):
    """
    What the client sent is not git's protocol, or it ended too early, so that there is nobody to answer in that protocol.

    :param text: what git's receive-pack would have died of, without its ``fatal: ``; it may hold what the client sent.
    """

    HUNG_UP = b"the remote end hung up unexpectedly"

    def __init__(self, text: bytes) -> None:
        hung_up = text == self.HUNG_UP
        message = "user canceled the push" if hung_up else "invalid push request"
        super().__init__(
            message, Code.CANCELLED if hung_up else Code.INVALID_ARGUMENT, {"stderr": text.decode("utf-8", "replace")}
        )
        self.ended = Ended(128, b"fatal: " + text + b"\n")
        """How git would have ended. Its last words are on ``stderr`` already, where there is one."""


@frozen
class PackRequest:
    """
    What git wants to be packed, but for the objects.

    :param flags: options of pack-objects, in their order; checked.
    :param shallow: the repository's own ``shallow`` file does not count (``--shallow-file ""``).
    :param protocol: the value of ``GIT_PROTOCOL``.
    """

    flags: tuple[str, ...]
    shallow: bool = False
    protocol: str = ""


class ITransport(Interface):
    """
    git's four services.
    """

    def advertise_upload(repository: IRepository, request: FetchRequest, stdout: IByteSink) -> Awaitable[None]:
        """
        The answer to ``GET info/refs?service=git-upload-pack``, service line included.
        """

    def advertise_receive(repository: IRepository | None, request: PushRequest, stdout: IByteSink) -> Awaitable[None]:
        """
        The answer to ``GET info/refs?service=git-receive-pack``, service line included. ``None`` for a repository that the push
        will create: an empty one is advertised.
        """

    def upload_pack(
        repository: IRepository, request: FetchRequest, source: IByteSource, stdout: IByteSink, stderr: IByteSink | None
    ) -> Awaitable[Ended]:
        """
        Serve a fetch. The child is gone within two seconds once the client is.

        :returns: how git ended; the caller decides what a failure means on its wire.
        """

    def send_bundle(repository: IRepository, name: str, stdout: IByteSink) -> Awaitable[None]:
        """
        Send a bundle that a client was told of.

        :raises GitalyError: NOT_FOUND ``bundle not found``.
        """

    def upload_archive(
        repository: IRepository, source: IByteSource, stdout: IByteSink, stderr: IByteSink | None
    ) -> Awaitable[Ended]:
        """
        Serve ``git archive --remote``.
        """

    def receive_pack(
        repository: IRepository | None, request: PushRequest, source: IByteSource, stdout: IByteSink, stderr: IByteSink | None
    ) -> Awaitable[None]:
        """
        Serve a push. A refusal is told in git's protocol and is no error here; what the client sent that is not git's protocol
        is one.

        :raises PushBroken: for a request that cannot be understood.
        :raises GitalyError: if the repository cannot be made, or is not there and nothing is to be created.
        """


class IPackObjects(Interface):
    """
    Makes packs.
    """

    def serve(
        repository: IRepository, request: PackRequest, source: IByteSource, sink: IByteSink, address: str = ""
    ) -> Awaitable[None]:
        """
        Make a pack, or find it made.

        :param source: the objects that are wanted and not wanted, as ``pack-objects --revs`` reads them.
        :param sink: takes packets of the side-band: the pack, and what git tells the user.
        :param address: the client's, without its port: there is a limit to how many packs are made for one at once. Empty for
            this machine.
        :raises LimitReached: if there are too many.
        :raises StreamBroken: if whoever wants it has gone; the child has gone then, too.
        :raises GitalyError: INTERNAL ``git-pack-objects: stderr: "…" err: exit status N``.
        """
