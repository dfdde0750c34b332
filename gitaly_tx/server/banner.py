"""
What a person who starts the server reads first.
"""

from __future__ import annotations

from .. import __version__
from ..config.model import Config


def banner(config: Config, git_version: str, fingerprint: str = "") -> str:
    """
    :param git_version: of the git in use.
    :param fingerprint: of the SSH host key; empty if it is not known yet.
    :returns: lines that say where the data is, how to get at it, and who may.
    """
    lines = [f"gitaly_tx {__version__} (git {git_version})"]
    for storage in config.storages:
        name = "data" if len(config.storages) == 1 else f"storage {storage.name}"
        lines.append(f"  {name + ':':12} {storage.path}")
    http, ssh = _http(config), _ssh(config)
    if http:
        lines.append(f"  {'HTTP:':12} git clone {http}REPOSITORY")
    if ssh:
        lines.append(f"  {'SSH:':12} git clone {ssh}REPOSITORY" + (f"   (host key {fingerprint})" if fingerprint else ""))
    for address in (config.listen_addr, config.tls_listen_addr):
        if address is not None:
            lines.append(f"  {'gRPC:':12} {'tls' if address is config.tls_listen_addr else 'tcp'}://{address}")
    if config.socket_path:
        lines.append(f"  {'gRPC:':12} unix:{config.socket_path}")
    if config.prometheus_listen_addr is not None:
        lines.append(f"  {'monitoring:':12} http://{config.prometheus_listen_addr.authority}/metrics")
    lines += _who(config)
    return "\n".join(lines) + "\n"


def _who(config: Config) -> list[str]:
    if config.http is None and config.ssh is None:
        return []
    if not config.open_access:
        return [f"  Who may do what: {len(config.users)} users, {len(config.rules)} rules."]
    addresses = [one.listen_addr for one in (config.http, config.ssh) if one is not None and one.listen_addr is not None]
    where = "on this machine" if all(address.loopback for address in addresses) else "who can reach this machine"
    first = _http(config) or _ssh(config)
    return [
        f"  Anyone {where} may read and write everything here; pushing to a repository that is not there makes it:",
        f"    git push {first}me/thing HEAD:main",
    ]


def _http(config: Config) -> str:
    """
    What clone URLs over HTTP begin with; empty without HTTP.
    """
    if config.http is None or config.http.listen_addr is None:
        return ""
    if config.http.external_url:
        return config.http.external_url.rstrip("/") + "/"
    return f"http{'s' if config.http.certificate_path else ''}://{config.http.listen_addr.authority}/"


def _ssh(config: Config) -> str:
    """
    What clone URLs over SSH begin with; empty without SSH.
    """
    if config.ssh is None or config.ssh.listen_addr is None:
        return ""
    if config.ssh.external_url:
        return config.ssh.external_url.rstrip("/") + "/"
    return f"ssh://{config.ssh.listen_addr.authority}/"
