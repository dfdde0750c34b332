"""
Refs moved for a user.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import CancelledError, Deferred
from zope.interface import implementer

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.hooks.chain import Hooks
from gitaly_tx.hooks.events import Announcer
from gitaly_tx.hooks.interfaces import (
    AccessDenied,
    AfterFailed,
    IApplication,
    IEventSink,
    Push,
    RefsUpdated,
    Tell,
    Unanswered,
)
from gitaly_tx.hooks.policies import BranchNames
from gitaly_tx.hooks.unasked import Unasked
from gitaly_tx.hooks.updateref import AccessError, HookError, RefUpdater, Stage, UpdateError, Writer
from gitaly_tx.storage.interfaces import IRepository
from protocols.gitaly.shared_pb2 import Repository, User
from tests.support import hookcase
from tests.support.git import git
from tests.support.pushes import resolve

ZERO = ObjectFormat.SHA1.zero

reactor: Any = installed


@implementer(IApplication)
class Application:
    """
    Says no where it was told to.
    """

    def __init__(self, **errors: Exception) -> None:
        self.errors = errors
        self.asked: list[str] = []

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.errors:
            raise self.errors[what]

    async def allowed(self, push: Push) -> None:
        """
        Asked first.
        """
        self._ask("allowed")

    async def accepting(self, push: Push) -> None:
        """
        Asked second.
        """
        self._ask("accepting")

    async def accepted(self, push: Push, updates: Sequence[RefUpdate], tell_out: Tell) -> None:
        """
        Told.
        """
        await tell_out(b"hello\n")
        self._ask("accepted")


@implementer(IEventSink)
class Sink:
    """
    Remembers what it heard.
    """

    name = "test"

    def __init__(self) -> None:
        self.heard: list[RefsUpdated] = []

    async def refs_updated(self, event: RefsUpdated) -> None:
        """
        Hears.
        """
        self.heard.append(event)


class UpdateTests(hookcase.HookCase):
    """
    ``RefUpdater``.
    """

    def setUp(self) -> None:
        super().setUp()
        tree = git("--git-dir", self.directory.path, "mktree").strip().decode()
        tip = git("--git-dir", self.directory.path, "commit-tree", "-m", "first", tree).strip().decode()
        git("--git-dir", self.directory.path, "update-ref", "refs/heads/main", tip)
        self.tip = ObjectID(resolve(self.directory, "main"))
        self.sink = Sink()
        self.packed: list[IRepository] = []
        self.writer = Writer.of(
            User(gl_id="user-1", gl_username="alpha"), Repository(gl_repository="project-1", gl_project_path="a/b"), "abc", [b"x"]
        )
        self.create = RefUpdate(b"refs/heads/new", ZERO, self.tip)

    def updater(self, application: Application | None = None, *policies: BranchNames) -> RefUpdater:
        """
        What is tested.
        """
        hooks = Hooks(policies, self.make_hooks(), Announcer([self.sink]), application)
        return RefUpdater(hooks, self.git, Unasked(Announcer([self.sink]), self.git), self.packed.append)

    async def refused(self, kind: type[Exception], updater: RefUpdater, *updates: RefUpdate) -> Exception:
        """
        How an update fails; nothing is written then, and nobody hears of it.
        """
        before = git("--git-dir", self.directory.path, "for-each-ref")
        with self.assertRaises(kind) as caught:
            await updater.update(self.repository, self.writer, updates or [self.create])
        self.assertEqual(git("--git-dir", self.directory.path, "for-each-ref"), before)
        self.assertEqual(self.sink.heard, [])
        return caught.exception

    async def test_written(self) -> None:
        """
        Hooks run in their order and know who writes; the ref is moved, and sinks hear of it once.
        """
        known = "$GL_ID $GL_USERNAME $GL_REPOSITORY $GL_PROJECT_PATH $GL_PROTOCOL $CORRELATION_ID $GIT_PUSH_OPTION_0"
        for name in ("pre-receive", "update", "post-receive"):
            self.hook(name, f'echo "${{0##*/}} {known}" >> {self.root}/log')
        application = Application()
        await self.updater(application).update(self.repository, self.writer, [self.create])
        self.assertEqual(resolve(self.directory, "new"), self.tip)
        with open(f"{self.root}/log") as file:
            lines = file.read().splitlines()
        said = "user-1 alpha project-1 a/b web abc"
        self.assertEqual([line.rstrip() for line in lines], [f"pre-receive {said} x", f"update {said}", f"post-receive {said} x"])
        self.assertEqual(application.asked, ["allowed", "accepting", "accepted"])
        self.assertEqual([list(event.updates) for event in self.sink.heard], [[self.create]])
        self.assertEqual(self.packed, [])

    async def test_quarantine(self) -> None:
        """
        Hooks see new objects before anybody else; then they belong to the repository, and somebody is told that it grew.
        """
        self.hook("pre-receive", 'read old new name; git cat-file -e "$new" && touch "$GIT_DIR/seen"')
        staging = await self.repository.stage()
        new = await staging.write_object(b"blob", b"new")
        await self.updater().update(self.repository, self.writer, [RefUpdate(b"refs/tags/new", ZERO, new)], staging)
        self.assertEqual(git("--git-dir", self.directory.path, "cat-file", "blob", str(new)), b"new")
        git("--git-dir", self.directory.path, "hash-object", f"{self.directory.path}/seen")
        self.assertEqual(self.packed, [self.repository])

    async def test_kept(self) -> None:
        """
        New objects stay if a ref is refused after the pre-receive hook has let them pass, and go if it has not.
        """
        stale = RefUpdate(b"refs/tags/new", ObjectID(b"1" * 40), self.tip)
        for hook, kind, kept in (("pre-receive", HookError, False), ("update", HookError, True), ("", UpdateError, True)):
            if hook:
                self.hook(hook, "exit 1")
            staging = await self.repository.stage()
            new = await staging.write_object(b"blob", hook.encode())
            with self.assertRaises(kind):
                await self.updater().update(self.repository, self.writer, [stale], staging)
            await staging.discard()
            found = git("--git-dir", self.directory.path, "cat-file", "--batch-check", stdin=new)
            self.assertEqual(found.split()[1:2], [b"blob" if kept else b"missing"], hook)
            if hook:
                self.hook(hook, "exit 0")
        self.assertEqual(self.packed, [self.repository] * 2)
        self.assertEqual(self.sink.heard, [])

    async def test_write(self) -> None:
        """
        What nobody has a say in is written without a hook; objects alone, too. Sinks hear of refs, as of a write for nobody.
        """
        self.hook("pre-receive", "exit 1")
        staging = await self.repository.stage()
        new = await staging.write_object(b"blob", b"new")
        await self.updater().write(self.repository, [], staging)
        self.assertEqual(git("--git-dir", self.directory.path, "cat-file", "blob", str(new)), b"new")
        await self.updater().write(self.repository, [self.create])
        self.assertEqual(resolve(self.directory, "new"), self.tip)
        with self.assertRaises(UpdateError):
            await self.updater().write(self.repository, [self.create])
        (event,) = self.sink.heard
        self.assertEqual((event.updates, event.push.updates), ([self.create], [self.create]))
        self.assertEqual((event.push.repository, event.push.git), (self.repository, self.git))
        self.assertEqual((event.push.user, event.push.gl_id, event.push.protocol), (None, "", ""))
        self.assertEqual(self.packed, [self.repository])

    async def test_hooks_refuse(self) -> None:
        """
        What a hook says on stderr is the reason, or what it says on stdout, or how it ended.
        """
        self.hook("pre-receive", "echo out; echo no >&2; exit 1")
        error = await self.refused(HookError, self.updater())
        assert isinstance(error, HookError)
        self.assertEqual((error.stage, error.stdout, error.stderr), (Stage.PRE_RECEIVE, b"out\n", b"no\n"))
        self.assertEqual((error.text, error.chain), ("no\n", "running pre-receive hooks: no\n"))
        self.hook("pre-receive", "echo out; echo ' ' >&2; exit 1")
        error = await self.refused(HookError, self.updater())
        self.assertEqual(str(error), "out\n")
        self.hook("pre-receive", "exit 3")
        error = await self.refused(HookError, self.updater())
        path = f"{self.directory.path}/custom_hooks/pre-receive"
        self.assertEqual(str(error), f'executing custom hooks: error executing "{path}": exit status 3')
        self.hook("pre-receive", "exit 0")
        self.hook("update", 'echo "not $1" >&2; exit 1')
        error = await self.refused(HookError, self.updater())
        assert isinstance(error, HookError)
        self.assertEqual((error.stage, error.chain), (Stage.UPDATE, "running update hooks: not refs/heads/new\n"))

    async def test_policy_refuses(self) -> None:
        """
        A policy's words are told like a hook's.
        """
        error = await self.refused(HookError, self.updater(None, BranchNames(["feature/*"])))
        assert isinstance(error, HookError)
        self.assertEqual(
            (error.stage, error.stderr), (Stage.PRE_RECEIVE, b"branch name 'new' is not allowed here\nallowed are: feature/*\n")
        )

    async def test_application_refuses(self) -> None:
        """
        The application is asked before hooks, and once more after them.
        """
        self.hook("pre-receive", f"touch {self.root}/ran")
        error = await self.refused(AccessError, self.updater(Application(allowed=AccessDenied("no"))))
        assert isinstance(error, AccessError)
        self.assertEqual((error.text, error.chain), ("GitLab: no", "running pre-receive hooks: GitLab: no"))
        self.assertEqual((error.protocol, error.user_id), ("web", "user-1"))
        self.assertEqual(error.changes, b"%b %b refs/heads/new\n" % (ZERO, self.tip))
        with self.assertRaises(FileNotFoundError):
            open(f"{self.root}/ran").close()
        await self.refused(AccessError, self.updater(Application(accepting=AccessDenied(""))))
        open(f"{self.root}/ran").close()

    async def test_application_does_not_answer(self) -> None:
        """
        An application that cannot be asked, or does not note what it is told, is nobody's fault; nothing is written all the same.
        """
        for at, text in (("allowed", "repository not set"), ("accepting", "")):
            error = await self.refused(GitalyError, self.updater(Application(**{at: Unanswered(text)})))
            assert isinstance(error, GitalyError)
            self.assertEqual((error.code, error.message), (Code.INTERNAL, f"running pre-receive hooks: {text}"))

    async def test_ref_refuses(self) -> None:
        """
        All refs or none; the first that cannot be moved is named.
        """
        stale = RefUpdate(b"refs/heads/main", ObjectID(b"1" * 40), self.tip)
        error = await self.refused(UpdateError, self.updater(), self.create, stale)
        assert isinstance(error, UpdateError)
        self.assertEqual(error.update, stale)
        self.assertEqual(error.text, "reference update: reference does not point to expected object")
        missing = RefUpdate(b"refs/tags/new", ZERO, ObjectID(b"1" * 40))
        error = await self.refused(UpdateError, self.updater(), self.create, missing)
        self.assertEqual(str(error), "reference update: target object missing")
        tree = ObjectID(git("--git-dir", self.directory.path, "rev-parse", "main^{tree}").strip())
        error = await self.refused(UpdateError, self.updater(), RefUpdate(b"refs/heads/new", ZERO, tree))
        self.assertEqual(str(error), "reference update: target object not a commit")
        exists = RefUpdate(b"refs/heads/main", ZERO, self.tip)
        error = await self.refused(UpdateError, self.updater(), exists)
        self.assertEqual(str(error), "reference update: reference already exists")

    async def test_application_is_not_content(self) -> None:
        """
        What the application says after the write is told; the write stays, and sinks hear of it.
        """
        with self.assertRaises(GitalyError) as caught:
            await self.updater(Application(accepted=AfterFailed("GitLab: late"))).update(
                self.repository, self.writer, [self.create]
            )
        self.assertEqual(
            (caught.exception.code, caught.exception.message), (Code.INTERNAL, "running post-receive hooks: GitLab: late")
        )
        self.assertEqual(resolve(self.directory, "new"), self.tip)
        self.assertEqual(len(self.sink.heard), 1)

    async def test_caller_goes(self) -> None:
        """
        A write that has begun is carried through without its caller, and settling waits for it.
        """
        gate: Deferred[None] = Deferred()
        begun: Deferred[None] = Deferred()

        async def hold() -> None:
            reactor.callLater(0, begun.callback, None)
            await gate

        self.repository.committing = hold
        updater = self.updater()
        updating = Deferred.fromCoroutine(updater.update(self.repository, self.writer, [self.create]))
        await begun
        updating.cancel()
        self.failureResultOf(updating, CancelledError)
        settled = updater.settle()
        self.assertNoResult(settled)
        gate.callback(None)
        await settled
        self.assertEqual(resolve(self.directory, "new"), self.tip)
        self.assertEqual(len(self.sink.heard), 1)
