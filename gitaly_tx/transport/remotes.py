"""
Repositories elsewhere: whether one may ask them, and how git is told to.
"""

from __future__ import annotations

import os
import shlex
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from posixpath import join, normpath

from attrs import frozen

from protocols.gitaly.shared_pb2 import Repository

from ..errors import Code, GitalyError
from ..git.remotehosts import Address, RemoteHost, RemoteRefused, basic, is_public, remote_host
from ..git.remoteurl import Setting, authorization, config_environment, resolved_address
from ..storage.interfaces import IRepository, IStorageProvider
from ..storage.naming import is_inside
from ..wal.threads import InThread

_SCHEME_OF_FILES = "file://"

NAME = "inmemory"
"""What git calls the remote; only the environment of one command ever knows it."""


@frozen
class RemotePolicy:
    """
    :param private: whether servers may be asked that are not on the public internet.
    :param own: whether a path on this machine may name a repository in one of this server's storages.
    """

    private: bool = False
    own: bool = True


@frozen
class RemoteAddress:
    """
    A repository elsewhere, as a caller names it.

    :param resolved: the address of the host, which is not looked up then.
    :param header: the value of an ``Authorization`` header; credentials in the URL win.
    :param ssh_key: a private key.
    :param known_hosts: which host keys are right; without it ssh decides.
    """

    url: str
    resolved: str = ""
    header: str = ""
    ssh_key: str = ""
    known_hosts: str = ""

    def __repr__(self) -> str:
        """
        Nothing of it belongs in a log: URLs have credentials in them.
        """
        return "<RemoteAddress>"


@frozen(repr=False)
class Connection:
    """
    How git reaches a repository elsewhere.

    :param url: without credentials.
    :param environment: variables for the git that does it. Settings and credentials are in there, and never on a command line.
    """

    url: str
    environment: Mapping[str, str]

    def with_settings(self, settings: Sequence[Setting]) -> Connection:
        """
        The same with more of git's settings.
        """
        count = int(self.environment.get("GIT_CONFIG_COUNT", "0"))
        more = config_environment([("", "")] * count + list(settings))
        return Connection(self.url, {**more, **self.environment, "GIT_CONFIG_COUNT": more["GIT_CONFIG_COUNT"]})


class RemoteFailed(GitalyError):
    """
    git could not do what it should with a repository elsewhere.

    :param stderr: what it said.
    :param ended: how it ended, in Gitaly's words.
    """

    def __init__(self, stderr: bytes, ended: str = "exit status 128") -> None:
        super().__init__(ended, Code.INTERNAL, {"stderr": stderr.decode("utf-8", "replace")})
        self.stderr = stderr
        self.ended = ended


def not_a_repository(url: str) -> RemoteFailed:
    """
    What git says of a path where there is no repository.
    """
    words = (
        f"fatal: '{url}' does not appear to be a git repository\nfatal: Could not read from remote repository.\n\n"
        "Please make sure you have the correct access rights\nand the repository exists.\n"
    )
    return RemoteFailed(words.encode("utf-8", "replace"))


Resolve = Callable[[str, int], Sequence[str]]
"""Looks a host up; called in a thread. Raises OSError if there is none."""


def by_system(host: str, port: int) -> Sequence[str]:
    """
    As the operating system does it.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@frozen
class Remotes:
    """
    The way out to other servers.

    A host's name is looked up once, and what was found is what git connects to: nobody can make it lead elsewhere between the
    check and the use.

    :param in_thread: where names are looked up and keys are written.
    """

    _storage: IStorageProvider
    _in_thread: InThread
    _policy: RemotePolicy = RemotePolicy()
    _resolve: Resolve = by_system

    def check(self, address: RemoteAddress) -> None:
        """
        See that an address can be used at all, before anything is done.

        :raises GitalyError: INVALID_ARGUMENT ``couldn't get curloptResolve config: …`` for a resolved address that is none, or
            does not fit the URL.
        """
        resolved_address(address.url, address.resolved)

    async def own(self, url: str) -> IRepository | None:
        """
        The repository of this server that a path on this machine names.

        :returns: ``None`` for the URL of another server.
        :raises RemoteFailed: for any other path, whatever is there: nobody learns what this machine has.
        """
        path = url.removeprefix(_SCHEME_OF_FILES)
        if not path.startswith("/"):
            return None
        if self._policy.own and "\0" not in path:
            normal = normpath(path)
            for name, info in self._storage.storages.items():
                if is_inside(normal, normpath(info.path)):
                    relative = normal[len(normpath(info.path)) + 1 :]
                    try:
                        return await self._storage.repository(Repository(storage_name=name, relative_path=relative))
                    except GitalyError as error:
                        raise not_a_repository(url) from error
        raise not_a_repository(url)

    @asynccontextmanager
    async def connected(self, address: RemoteAddress) -> AsyncIterator[Connection]:
        """
        What git needs to reach a repository, for as long as the block lasts.

        :raises RemoteRefused: if one may not go there.
        :raises RemoteFailed: if it cannot be there.
        """
        self.check(address)
        local = await self.own(address.url)
        if local is not None:
            yield Connection(local.directory.path, {"GIT_ALLOW_PROTOCOL": "file", "GIT_CONFIG_COUNT": "0"})
            return
        host = remote_host(address.url)
        if host.scheme == "ssh" or host.scheme.endswith("+ssh") or host.scheme.startswith("ssh+"):
            async with self._over_ssh(address, host) as connection:
                yield connection
            return
        pinned = await self.addresses(address, host)
        if host.scheme == "git":
            yield Connection(host.at(pinned[0]) if pinned else host.url, {"GIT_CONFIG_COUNT": "0"})
            return
        settings: list[Setting] = []
        if pinned and host.literal is None:
            addresses = ",".join(f"[{one}]" if one.version == 6 else str(one) for one in pinned)
            settings.append(("http.curloptResolve", f"{host.host}:{host.port}:{addresses}"))
        header = address.header if host.credentials is None else basic(host.credentials)
        settings.extend(authorization(host.url, header))
        yield Connection(host.url, config_environment(settings))

    async def addresses(self, address: RemoteAddress, host: RemoteHost) -> list[Address]:
        """
        Where to connect to; empty for "wherever the name leads".

        :raises RemoteRefused: if one may not go there.
        :raises RemoteFailed: if nobody knows the name.
        """
        resolved = resolved_address(address.url, address.resolved)
        if resolved is not None:
            found = [resolved]
        elif host.literal is not None:
            found = [host.literal]
        elif self._policy.private:
            return []
        else:
            try:
                named = await self._in_thread(self._resolve, host.host, host.port)
            except OSError:
                words = f"fatal: unable to access '{host.url}/': Could not resolve host: {host.host}\n"
                raise RemoteFailed(words.encode("utf-8", "replace")) from None
            found = [ip_address(one.partition("%")[0]) for one in named]
        if not self._policy.private and not all(map(is_public, found)):
            # With the code that a git which gets nowhere has.
            raise RemoteRefused("remote address not allowed", Code.INTERNAL)
        return found

    @asynccontextmanager
    async def _over_ssh(self, address: RemoteAddress, host: RemoteHost) -> AsyncIterator[Connection]:
        pinned = await self.addresses(address, host)
        words = ["ssh"]
        directory: str | None = None
        try:
            if address.ssh_key or address.known_hosts:
                directory = await self._in_thread(_write_keys, address.ssh_key, address.known_hosts)
            if address.ssh_key:
                words += ["-oIdentitiesOnly=yes", f"-oIdentityFile={join(directory or '', 'key')}"]
            if address.known_hosts:
                words += ["-oStrictHostKeyChecking=yes", "-oCheckHostIP=no"]
                words.append(f"-oUserKnownHostsFile={join(directory or '', 'known_hosts')}")
            if pinned and host.literal is None:
                # The key is the one of the name, whatever is connected to.
                words.append(f"-oHostKeyAlias={host.host if host.port == 22 else f'[{host.host}]:{host.port}'}")
            environment = {"GIT_SSH_COMMAND": shlex.join([*words, "-oBatchMode=yes"]), "GIT_CONFIG_COUNT": "0"}
            yield Connection(host.at(pinned[0]) if pinned else host.url, environment)
        finally:
            if directory is not None:
                await self._in_thread(_remove_keys, directory)


def _write_keys(key: str, known_hosts: str) -> str:
    directory = tempfile.mkdtemp(prefix="gitaly-tx-keys-")
    for name, content in (("key", key), ("known_hosts", known_hosts)):
        if content:
            descriptor = os.open(join(directory, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
            with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(content)
    return directory


def _remove_keys(directory: str) -> None:
    for name in os.listdir(directory):
        os.unlink(join(directory, name))
    os.rmdir(directory)
