"""
The configuration as values: one frozen class for each table of the file.

Keys that Gitaly has keep Gitaly's names and meanings, so that its ``config.toml`` can be used as it is; ours stand beside them.
Durations are seconds, sizes are bytes, paths are absolute. ``etc/gitaly.toml.example`` shows every key with its default; a test
compares the two.
"""

# ruff: noqa: RUF009  (what setting() and table() return is an attrs field, not a default)

from __future__ import annotations

from attrs import field, frozen

from . import gitaly
from .address import Address
from .kinds import (
    ADDRESS,
    BOOL,
    COUNT,
    DURATION,
    PATH,
    PROGRAM,
    SECRET,
    SECRETS,
    SIZE,
    SOCKET,
    TEXT,
    TEXTS,
    URL,
    choice,
    setting,
    table,
    tables,
)
from .lines import Lines
from .problems import Problem

VERBS = ("read", "write", "create", "admin")
"""What a rule can allow, weakest first; each includes those before it."""

MIB = 2**20
GIB = 2**30


@frozen
class Tls:
    """
    ``[tls]``: the certificate of ``tls_listen_addr``.
    """

    certificate_path: str = setting(PATH, "", "The certificate chain, PEM.")
    key_path: str = setting(PATH, "", "The private key, PEM.")


@frozen
class Auth:
    """
    ``[auth]``: what gRPC clients must prove.
    """

    token: str = setting(SECRET, "", "The secret shared with gRPC clients; empty asks for none.", secret=True)
    previous_tokens: tuple[str, ...] = setting(
        SECRETS, (), "Secrets that are good too, while clients are given a new one.", secret=True
    )
    transitioning: bool = setting(BOOL, False, "Let gRPC clients in that fail to prove the token, and count them.")


@frozen
class Storage:
    """
    ``[[storage]]``: a directory with repositories.
    """

    name: str = setting(TEXT, "", "What clients call it.")
    path: str = setting(PATH, "", "The directory; it must exist.")


@frozen
class GitConfig:
    """
    ``[[git.config]]``: a setting for every git that the server runs.
    """

    key: str = setting(TEXT, "", "As git spells it: section.name or section.subsection.name.")
    value: str = setting(TEXT, "", "Its value.")


@frozen
class Git:
    """
    ``[git]``: the git program.
    """

    bin_path: str = setting(PROGRAM, "", "The git program; empty finds git in PATH.")
    config: tuple[GitConfig, ...] = tables(GitConfig, "Settings for every git that the server runs.")
    signing_key: str = setting(PATH, "", "The key that signs commits made by the server: OpenSSH's or OpenPGP's.")
    rotated_signing_keys: tuple[str, ...] = setting(TEXTS, (), "Earlier signing keys, by which their commits are still known.")
    committer_name: str = setting(TEXT, "", "The committer of commits that the server signs.")
    committer_email: str = setting(TEXT, "", "The committer's address; both or neither count.")
    use_bundled_binaries: bool = setting(BOOL, False, "Gitaly's own build of git; there is none here.", used=False)
    ignore_gitconfig: bool = setting(BOOL, True, "System and user configuration of git is always ignored.", used=False)
    catfile_cache_size: int = setting(
        COUNT, 0, "Gitaly's cache of cat-file processes; objects are read in process here.", used=False
    )


@frozen
class Hooks:
    """
    ``[hooks]``: programs that have a say in pushes.
    """

    custom_hooks_dir: str = setting(PATH, "", "Hooks for all repositories, in HOOK.d/ below this directory.")


@frozen
class Logging:
    """
    ``[logging]``: what the server writes about itself.
    """

    format: str = setting(choice("text", "json"), "text", "text for people, json for programs.")
    level: str = setting(
        choice("info", "debug", "warn", "error", "warning", "fatal", "panic", "trace"),
        "info",
        "The least that is logged: debug, info, warn or error.",
    )
    file: str = setting(PATH, "", "Where to; empty is standard output.")
    dir: str = setting(PATH, "", "Where Gitaly's own programs log.", used=False)
    sentry_dsn: str = setting(TEXT, "", "Where Gitaly reports errors.", used=False)
    sentry_environment: str = setting(TEXT, "", "What those reports call this server.", used=False)


# --------------------------------------------------------------------------------------------------------------- ours


@frozen
class Grpc:
    """
    ``[grpc]``: gRPC beside the listeners that all of Gitaly's clients use.
    """

    direct_listen_addr: Address | None = setting(
        ADDRESS,
        None,
        "Where to listen for plain gRPC only: a little cheaper for each call, but not for Workhorse and GitLab Shell.",
    )


@frozen
class Http:
    """
    ``[http]``: git over HTTP.
    """

    listen_addr: Address | None = setting(ADDRESS, Address("127.0.0.1", 8080), "Where to listen; empty listens nowhere.")
    certificate_path: str = setting(PATH, "", "The certificate chain, PEM; with it, the listener speaks HTTPS only.")
    key_path: str = setting(PATH, "", "The private key of the certificate, PEM.")
    external_url: str = setting(URL, "", "What users write before a repository's path, if it is not the listener's address.")
    header_timeout: float = setting(DURATION, 30.0, "How long a client may take to send a request's headers.")
    idle_timeout: float = setting(DURATION, 60.0, "How long a connection may rest between two requests.")
    minimum_rate: int = setting(SIZE, 64, "Bytes a second that a request's body must keep up while it comes in; 0 for none.")


@frozen
class Ssh:
    """
    ``[ssh]``: git over SSH.
    """

    listen_addr: Address | None = setting(ADDRESS, Address("127.0.0.1", 2222), "Where to listen; empty listens nowhere.")
    host_key_path: str = setting(
        PATH, "", "The server's private key; made when missing. Empty is ssh_host_ed25519_key in data_dir."
    )
    external_url: str = setting(
        TEXT, "", "What users write before a repository's path (ssh://git@HOST), if it is not the listener's address."
    )
    login_grace_time: float = setting(DURATION, 60.0, "How long a client may take to log in.")
    max_auth_tries: int = setting(COUNT, 6, "How many keys a client may offer on one connection.")


@frozen
class User:
    """
    ``[[user]]``: somebody whom the server knows.

    :param keys: public keys in OpenSSH's form; where the file names a path, the keys that stand there.
    """

    name: str = setting(TEXT, "", "What rules and logs call them.")
    keys: tuple[str, ...] = setting(TEXTS, (), "SSH public keys, each as text or as the path of a .pub file.")
    tokens: tuple[str, ...] = setting(
        TEXTS, (), "HTTP tokens, each hashed as gitaly-tx token prints it: sha256:HEX.", secret=True
    )
    admin: bool = setting(BOOL, False, "They may do everything to every repository.")


@frozen
class Rule:
    """
    ``[[rule]]``: who may do what to which repositories. What no rule allows is refused.
    """

    repositories: tuple[str, ...] = setting(
        TEXTS, (), "Patterns: * is any part of one path component, ** any number of components."
    )
    users: tuple[str, ...] = setting(TEXTS, (), "Names, @users for everybody known, @anyone for everybody.")
    allow: str = setting(choice("", *VERBS), "", "read, write, create or admin; each includes those before it.")


@frozen
class Push:
    """
    ``[push]``: what one push may cost, and who else has a say in it.
    """

    max_pack_size: int = setting(SIZE, 0, "The largest pack that is taken; 0 for any.")
    max_file_size: int = setting(SIZE, 0, "The largest file in a commit that is taken; 0 for any.")
    memory: int = setting(SIZE, 2 * GIB, "Memory of the git that checks a pack; 0 for any.")
    timeout: float = setting(DURATION, 3600.0, "How long checking a pack may take; 0s for ever.")
    policies: tuple[str, ...] = setting(TEXTS, (), "Further push policies, each as module:attribute.")
    hook_timeout: float = setting(
        DURATION,
        60.0,
        "How long a custom hook or a policy may take; then the push is refused. An event sink is no longer waited for.",
    )


@frozen
class Remotes:
    """
    ``[remotes]``: where repositories may be fetched from and pushed to.
    """

    private_addresses: bool = setting(
        BOOL,
        False,
        "Whether URLs may lead to this machine, private networks and other special addresses.",
    )
    own_storages: bool = setting(
        BOOL, True, "Whether a path may name a repository in one of this server's storages to fetch from or push to."
    )


@frozen
class Limits:
    """
    ``[limits]``: how much is done at once.
    """

    calls_per_repository: int = setting(
        COUNT, 64, "Fetches of one repository at once, over each protocol, and as many pushes; others wait. 0 for any number."
    )
    calls: int = setting(COUNT, 256, "Fetches and pushes of all repositories at once; others wait. 0 for any number.")
    anonymous_calls: int = setting(
        COUNT, 64, "The same for those who did not say who they are, where others do: they take nobody else's place."
    )
    queue: int = setting(COUNT, 1000, "How many may wait in each of these lines; further ones are turned away. 0 for any number.")
    queue_wait: float = setting(DURATION, 600.0, "How long somebody may wait there; 0s for as long as it takes.")
    write_queue: int = setting(COUNT, 1000, "Writes that may wait for one repository; further ones are refused.")
    git_memory: int = setting(
        SIZE, 0, "Address space of one git process, which maps whole packs: more than the largest repository has. 0 for any."
    )


@frozen
class Wal:
    """
    ``[wal]``: the write-ahead log.
    """

    segment_size: int = setting(SIZE, 16 * MIB, "The log goes on in a new file, and is tidied up, when one is larger.")
    checkpoint_interval: float = setting(
        DURATION, 30.0, "How often what was written is made durable in the repositories, so that the log can be cut."
    )


# ---------------------------------------------------------------------------------------------------------- the file


@frozen
class Config:
    """
    The whole configuration, complete: what the file leaves out is filled in.

    A listener that is ``None`` (or an empty ``socket_path``) does not listen.

    :param path: the file; ``None`` without one.
    :param insecure: the operator takes the risk of open listeners.
    :param warnings: what is wrong and does no harm.
    :param unused: keys that were given, are Gitaly's, and do not act here.
    :param lines: where the keys are, for problems that are found later.
    """

    socket_path: str = setting(SOCKET, "", "The Unix socket for gRPC.")
    listen_addr: Address | None = setting(ADDRESS, Address("127.0.0.1", 8075), "Where to listen for gRPC; empty listens nowhere.")
    tls_listen_addr: Address | None = setting(ADDRESS, None, "Where to listen for gRPC over TLS; needs [tls].")
    prometheus_listen_addr: Address | None = setting(
        ADDRESS, Address("127.0.0.1", 9236), "Where to serve /metrics, /healthz and /readyz; empty listens nowhere."
    )
    data_dir: str = setting(
        PATH, "gitaly-data", "The server's own files, and repositories/ where no [[storage]] is given; with one, +gitaly in it."
    )
    runtime_dir: str = setting(PATH, "", "Where sockets for hooks are made; empty makes a directory for the run.")
    bin_dir: str = setting(PATH, "", "Where Gitaly's programs are.", used=False)
    graceful_restart_timeout: float = setting(DURATION, 60.0, "How long clients may finish after SIGTERM.")
    anonymous_read: bool = setting(BOOL, False, "Anybody may read every repository: short for a rule with @anyone and **.")

    tls: Tls = table(Tls, "The certificate of tls_listen_addr.")
    auth: Auth = table(Auth, "What gRPC clients must prove.")
    storages: tuple[Storage, ...] = tables(Storage, "Directories with repositories.", name="storage")
    git: Git = table(Git, "The git program.")
    hooks: Hooks = table(Hooks, "Programs that have a say in pushes.")
    logging: Logging = table(Logging, "What the server writes about itself.")

    grpc: Grpc = table(Grpc, "gRPC beside the listeners that all of Gitaly's clients use.")
    http: Http | None = table(Http, "git over HTTP.")
    ssh: Ssh | None = table(Ssh, "git over SSH.")
    users: tuple[User, ...] = tables(User, "Who is known.", name="user")
    rules: tuple[Rule, ...] = tables(Rule, "Who may do what.", name="rule")
    push: Push = table(Push, "What one push may cost.")
    remotes: Remotes = table(Remotes, "Where repositories may be fetched from and pushed to.")
    limits: Limits = table(Limits, "How much is done at once.")
    wal: Wal = table(Wal, "The write-ahead log.")

    gitlab: gitaly.Gitlab = table(gitaly.Gitlab, "GitLab's internal API, or another application's.")
    gitlab_shell: gitaly.GitlabShell = table(gitaly.GitlabShell, "GitLab Shell.", used=False, name="gitlab-shell")
    prometheus: gitaly.Prometheus = table(gitaly.Prometheus, "What is measured.", used=False)
    concurrency: tuple[gitaly.Concurrency, ...] = tables(gitaly.Concurrency, "How many calls of a method run at once.")
    rate_limiting: tuple[gitaly.RateLimiting, ...] = tables(
        gitaly.RateLimiting, "How many calls of a method are taken in a time."
    )
    adaptive_limiting: gitaly.AdaptiveLimiting = table(gitaly.AdaptiveLimiting, "When adaptive limits shrink.")
    pack_objects_cache: gitaly.PackObjectsCache = table(gitaly.PackObjectsCache, "Packs kept for identical fetches.")
    pack_objects_limiting: gitaly.PackObjectsLimiting = table(gitaly.PackObjectsLimiting, "How many packs are made at once.")
    backup: gitaly.Backup = table(gitaly.Backup, "Server-side backups.")
    bundle_uri: gitaly.BundleUri = table(gitaly.BundleUri, "Bundles that clones over HTTP begin with.")
    cgroups: gitaly.Cgroups = table(gitaly.Cgroups, "Linux control groups for children.")
    daily_maintenance: gitaly.DailyMaintenance = table(
        gitaly.DailyMaintenance, "When repositories are looked after; at noon for ten minutes if nothing is said."
    )
    timeout: gitaly.Timeout = table(gitaly.Timeout, "How long negotiations take.")
    transactions: gitaly.Transactions = table(gitaly.Transactions, "Gitaly's write-ahead log; ours is always on.", used=False)
    raft: gitaly.Raft = table(gitaly.Raft, "Gitaly's replication.", used=False)
    offloading: gitaly.Offloading = table(gitaly.Offloading, "Objects kept elsewhere.", used=False)

    path: str | None = None
    insecure: bool = False
    warnings: tuple[Problem, ...] = ()
    unused: tuple[str, ...] = ()
    lines: Lines = field(factory=lambda: Lines(""), eq=False, repr=False)

    @property
    def open_access(self) -> bool:
        """
        Nobody is known and no rule is given: whoever can connect over HTTP and SSH may read, write and create.
        """
        return not (self.users or self.rules or self.anonymous_read)

    @property
    def source(self) -> str:
        """
        What problems call the file; an empty string without one.
        """
        return self.path or ""


__all__ = [
    "VERBS",
    "Auth",
    "Config",
    "Git",
    "GitConfig",
    "Grpc",
    "Hooks",
    "Http",
    "Limits",
    "Logging",
    "Push",
    "Remotes",
    "Rule",
    "Ssh",
    "Storage",
    "Tls",
    "User",
    "Wal",
]
