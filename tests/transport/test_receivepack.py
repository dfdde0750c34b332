"""
Our receive-pack, as its callers and its hooks see it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.hooks.chain import RefsRefused
from gitaly_tx.hooks.interfaces import Push, Refused, Tell
from gitaly_tx.storage.interfaces import IRepository
from gitaly_tx.transport import pushsession
from gitaly_tx.transport.interfaces import PushBroken
from gitaly_tx.transport.pushmeans import PackLimits, PushLimits
from protocols.git import pktline
from tests.support import pushcase
from tests.support.git import git, make_repository
from tests.support.plainrepository import PlainRepository
from tests.support.pushes import CAPABILITIES, EMPTY_PACK, ZERO, RecordedHooks, push, refs_of, request
from tests.support.streams import MemorySink, MemorySource


class StubbornHooks(RecordedHooks):
    """
    Hooks that raise what they are told to.
    """

    def __init__(self) -> None:
        super().__init__()
        self.looking: Callable[[Push], Awaitable[None]] | None = None
        self.on_before: Callable[[Push], Exception | None] = lambda push: None
        self.on_update: Callable[[RefUpdate], Exception | None] = lambda update: None
        self.on_after: Exception | None = None

    async def before(self, push: Push, tell_out: Tell, tell_err: Tell) -> None:
        """
        Says something first.
        """
        await super().before(push, tell_out, tell_err)
        if self.looking is not None:
            await self.looking(push)
        await tell_out(b"out\n")
        await tell_err(b"err\n")
        raised = self.on_before(push)
        if raised is not None:
            raise raised

    async def update(self, push: Push, update: RefUpdate, tell_out: Tell, tell_err: Tell) -> None:
        """
        One ref.
        """
        await super().update(push, update, tell_out, tell_err)
        raised = self.on_update(update)
        if raised is not None:
            raise raised

    async def after(
        self, push: Push, accepted: Sequence[RefUpdate], tell_out: Tell, tell_err: Tell, head: bytes | None = None
    ) -> None:
        """
        Says something.
        """
        await super().after(push, accepted, tell_out, tell_err, head)
        await tell_out(b"thanks\n")
        if self.on_after is not None:
            raise self.on_after


class RequestTests(pushcase.PushCase):
    """
    What is no push, or a push of nothing.
    """

    async def test_nothing(self) -> None:
        """
        A flush is a push of nothing, which is answered with nothing.
        """
        stdout = MemorySink()
        await self.serve(MemorySource([b"0000"]), stdout)
        self.assertEqual(stdout.data, b"")

    async def test_advertised_first(self) -> None:
        """
        In a conversation the refs come before anything is read, and no line for HTTP.
        """
        stdout = MemorySink()
        await self.serve(MemorySource([b"0000"]), stdout, stateless=False)
        self.assertTrue(bytes(stdout.data[4:]).startswith(self.main + b" refs/heads/main\0report-status "), stdout.data)
        self.assertEqual(stdout.data[-4:], pktline.FLUSH)

    async def test_advertise(self) -> None:
        """
        Over HTTP the service is named first.
        """
        stdout = MemorySink()
        await self.engine.advertise(self.repository, request(), stdout)
        self.assertTrue(stdout.data.startswith(b"001f# service=git-receive-pack\n0000"))

    async def broken(self, data: bytes, text: bytes) -> PushBroken:
        """
        This is no push.
        """
        stdout, stderr = MemorySink(), MemorySink()
        error = await self.failure(self.serve(MemorySource([data]), stdout, stderr), PushBroken)
        self.assertEqual(stderr.data, b"fatal: " + text + b"\n")
        self.assertEqual((error.ended.status, error.ended.stderr), (128, bytes(stderr.data)))
        self.assertEqual(stdout.data, b"")
        return error

    async def test_broken_requests(self) -> None:
        """
        Junk is answered in git's words, where there is a place for them.
        """
        hung_up = await self.broken(b"", b"the remote end hung up unexpectedly")
        self.assertEqual((hung_up.code, hung_up.message), (Code.CANCELLED, "user canceled the push"))
        junk = await self.broken(b"000bgarbage", b"protocol error: expected old/new/ref, got 'garbage'")
        self.assertEqual((junk.code, junk.message), (Code.INVALID_ARGUMENT, "invalid push request"))
        await self.broken(b"00", b"the remote end hung up unexpectedly")
        await self.broken(b"zzzz", b"protocol error: bad line length character: zzzz")
        await self.broken(b"fff1", b"protocol error: bad line length 65521")
        await self.broken(push((ZERO, self.main, b"a"))[:-4], b"the remote end hung up unexpectedly")
        await self.broken(
            push((ZERO, self.main, b"a"), capabilities="object-format=sha256"), b"error: unsupported object format 'sha256'"
        )
        await self.broken(pktline.data(b"push-cert\0x"), b"signed pushes are not supported")

    async def test_broken_without_a_place_for_words(self) -> None:
        """
        HTTP has no place, and a client that is gone does not hear.
        """
        await self.failure(self.serve(MemorySource([b"zzzz"]), MemorySink()), PushBroken)
        await self.failure(self.serve(MemorySource([b"zzzz"]), MemorySink(), MemorySink(breaks_after=0)), PushBroken)

    async def test_gone_while_asking(self) -> None:
        """
        A client that goes away in the middle of its request cancels it.
        """
        source = MemorySource([b"00"], ends=False)
        served = self.serve(source, MemorySink())
        source.disconnect()
        error = await self.failure(served, PushBroken)
        self.assertEqual(error.code, Code.CANCELLED)

    async def test_too_much(self) -> None:
        """
        Refs and options are limited (fault 159).
        """
        self.engine = self.make_engine(limits=PushLimits(commands=2, options=1, option_bytes=3))
        wishes = [(ZERO, self.main, b"refs/heads/%d" % number) for number in range(3)]
        await self.broken(push(*wishes), b"too many ref updates in one push")
        with_options = CAPABILITIES + " push-options"
        for options in ([b"a", b"b"], [b"long"]):
            await self.broken(push(wishes[0], capabilities=with_options, options=options), b"too many push options")


class WriteTests(pushcase.PushCase):
    """
    What is written, and who hears of it.
    """

    def setUp(self) -> None:
        super().setUp()
        self.hooks = StubbornHooks()
        self.packed: list[IRepository] = []
        self.engine = self.make_engine(hooks=self.hooks, packed=self.packed.append)

    async def test_hooks_see_everything(self) -> None:
        """
        Hooks get what was asked for, and see the new objects before anybody else does.
        """
        tip, pack = self.new_commit()
        seen: list[Any] = []

        async def look(push: Push) -> None:
            seen.append(push)
            seen.append(await push.repository.object(ObjectID(tip)))

        self.hooks.looking = look
        answer = await self.push(
            push(
                (self.main, tip, b"refs/heads/main"),
                (ZERO, tip, b"refs/keep-around/x"),
                (b"1" * 40, ZERO, b"refs/heads/nope"),
                pack=pack,
                capabilities=CAPABILITIES + " push-options",
                options=[b"a", b"b=c"],
            ),
            gl_username="deploy",
            gl_repository="project-1",
            project_path="team/thing",
            wire="ssh",
            correlation_id="abc",
        )
        pushed, read = seen
        self.assertEqual(read.type, b"commit")
        self.assertEqual(
            [update.name for update in pushed.updates], [b"refs/heads/main", b"refs/keep-around/x", b"refs/heads/nope"]
        )
        self.assertEqual(pushed.options, [b"a", b"b=c"])
        self.assertEqual((pushed.user, pushed.gl_id, pushed.protocol), ("deploy", "user-1", "ssh"))
        self.assertEqual((pushed.gl_repository, pushed.project_path), ("project-1", "team/thing"))
        self.assertEqual(pushed.environment, {"CORRELATION_ID": "abc"})
        self.assertEqual(self.hooks.log, ["before", "update refs/heads/main", "update refs/heads/nope", "after"])
        self.assertEqual(self.hooks.accepted, [RefUpdate(b"refs/heads/main", ObjectID(seen[0].updates[0].old), ObjectID(tip))])
        self.assertEqual(
            answer.report,
            [
                b"unpack ok",
                b"ok refs/heads/main",
                b"ng refs/keep-around/x deny updating a hidden ref",
                b"ok refs/heads/nope",
            ],
        )
        self.assertEqual(answer.told, b"out\nerr\nwarning: deleting a non-existent ref\nthanks\n")
        self.assertEqual(self.main, tip)
        self.assertEqual(self.packed, [self.repository])
        self.assertEqual(self.repository.stagings, [])

    async def test_refused_before(self) -> None:
        """
        A refusal of the push is one of all its refs, and leaves nothing behind.
        """
        self.hooks.on_before = lambda push: Refused("pre-receive hook declined")
        before, (tip, pack) = refs_of(self.directory), self.new_commit()
        answer = await self.push(push((self.main, tip, b"refs/heads/main"), (ZERO, tip, b"refs/heads/new"), pack=pack))
        self.assertEqual(
            answer.report,
            [
                b"unpack ok",
                b"ng refs/heads/main pre-receive hook declined",
                b"ng refs/heads/new pre-receive hook declined",
            ],
        )
        self.assertEqual((refs_of(self.directory), self.repository.stagings, self.hooks.log), (before, [], ["before"]))
        self.assertEqual(git("--git-dir", self.directory.path, "cat-file", "-t", tip.decode(), check=False), b"")

    async def test_some_refused_before(self) -> None:
        """
        Policies may refuse some refs; the rest is asked about again, unless all or none was wanted.
        """

        def refuse(push: Push) -> Exception | None:
            bad = {update.name: "no" for update in push.updates if update.name.endswith(b"bad")}
            return RefsRefused(bad) if bad else None

        self.hooks.on_before = refuse
        wishes = ((ZERO, self.main, b"refs/heads/bad"), (ZERO, self.main, b"refs/heads/good"))
        answer = await self.push(push(*wishes, pack=EMPTY_PACK))
        self.assertEqual(answer.report[1:], [b"ng refs/heads/bad pre-receive hook declined", b"ok refs/heads/good"])
        self.assertEqual(self.hooks.log, ["before", "before", "update refs/heads/good", "after"])
        wishes = ((ZERO, self.main, b"refs/heads/bad"), (ZERO, self.main, b"refs/heads/better"))
        answer = await self.push(push(*wishes, pack=EMPTY_PACK, capabilities=CAPABILITIES + " atomic"))
        self.assertEqual(
            answer.report[1:],
            [b"ng refs/heads/bad pre-receive hook declined", b"ng refs/heads/better atomic push failure"],
        )

    async def test_update_refuses(self) -> None:
        """
        One of three refs is refused (H4): the others are written, or none if all or none was wanted.
        """
        self.hooks.on_update = lambda update: Refused("hook declined", update.name) if update.name.endswith(b"b") else None
        wishes = [(ZERO, self.main, b"refs/heads/" + name) for name in (b"a", b"b", b"c")]
        answer = await self.push(push(*wishes, pack=EMPTY_PACK, capabilities=CAPABILITIES + " atomic"))
        self.assertEqual(
            answer.report[1:],
            [
                b"ng refs/heads/a atomic push failure",
                b"ng refs/heads/b hook declined",
                b"ng refs/heads/c atomic push failure",
            ],
        )
        self.assertNotIn("update refs/heads/c", self.hooks.log)
        self.assertEqual(list(refs_of(self.directory)), [b"refs/heads/main"])
        answer = await self.push(push(*wishes, pack=EMPTY_PACK))
        self.assertEqual(answer.report[1:], [b"ok refs/heads/a", b"ng refs/heads/b hook declined", b"ok refs/heads/c"])
        self.assertIn(b"error: hook declined to update refs/heads/b\n", answer.told)

    async def test_hooks_that_break(self) -> None:
        """
        Hooks that fail let nothing pass; after the write they change nothing.
        """
        self.hooks.on_before = lambda push: RuntimeError("before")
        wish = (ZERO, self.main, b"refs/heads/a")
        answer = await self.push(push(wish, pack=EMPTY_PACK))
        self.assertEqual(answer.report[1:], [b"ng refs/heads/a pre-receive hook declined"])
        self.hooks.on_before = lambda push: None
        self.hooks.on_update = lambda update: RuntimeError("update")
        answer = await self.push(push(wish, pack=EMPTY_PACK))
        self.assertEqual(answer.report[1:], [b"ng refs/heads/a hook declined"])
        self.hooks.on_update = lambda update: None
        self.hooks.on_after = RuntimeError("after")
        answer = await self.push(push(wish, pack=EMPTY_PACK))
        self.assertEqual((answer.report[1:], answer.ended), ([b"ok refs/heads/a"], True))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 3)

    async def test_strictly_atomic(self) -> None:
        """
        An atomic push of which a part is refused before any hook is asked is refused as a whole.
        """
        wishes = ((ZERO, self.main, b"refs/keep-around/1"), (ZERO, self.main, b"refs/heads/new"))
        answer = await self.push(push(*wishes, pack=EMPTY_PACK, capabilities=CAPABILITIES + " atomic"))
        self.assertEqual(
            answer.report[1:],
            [b"ng refs/keep-around/1 deny updating a hidden ref", b"ng refs/heads/new atomic push failure"],
        )
        self.assertEqual(self.repository.commits, 0)

    async def test_same_ref_twice(self) -> None:
        """
        A ref is written once in a push.
        """
        wish = (ZERO, self.main, b"refs/heads/new")
        answer = await self.push(push(wish, wish, pack=EMPTY_PACK))
        self.assertEqual(answer.report[1:], [b"ok refs/heads/new", b"ng refs/heads/new failed to update ref"])
        self.assertIn(b"multiple updates for ref", answer.told)

    async def test_nothing_to_write(self) -> None:
        """
        A push that changes nothing is no write, and nobody hears of it.
        """
        answer = await self.push(push((b"1" * 40, ZERO, b"refs/heads/nope")))
        self.assertEqual(answer.report, [b"unpack ok", b"ok refs/heads/nope"])
        self.assertEqual((self.repository.commits, self.hooks.log), (0, ["before", "update refs/heads/nope"]))

    async def test_write_fails(self) -> None:
        """
        What keeps a write from being made is told; what nobody expected is not told in detail (S7).
        """
        tip, pack = self.new_commit()
        for error, text in (
            (GitalyError("No space left on device", Code.RESOURCE_EXHAUSTED), b"No space left on device"),
            (RuntimeError("secret"), b"internal error"),
        ):

            async def fail(error: Exception = error) -> None:
                raise error

            self.repository.committing = fail
            answer = await self.push(push((self.main, tip, b"refs/heads/main"), pack=pack))
            self.assertEqual(answer.report, [b"unpack ok", b"ng refs/heads/main " + text])
            self.assertEqual(self.repository.stagings, [])
            self.flushLoggedErrors(type(error))
        self.assertNotIn("after", self.hooks.log)
        self.assertEqual(self.packed, [])

    async def test_cannot_prepare(self) -> None:
        """
        A look-up that fails on the way refuses the push and tells no details.
        """

        self.patch(PlainRepository, "head", lambda repository: _failing(OSError("secret")))
        answer = await self.push(push((self.main, ZERO, b"refs/heads/main")))
        self.assertEqual(answer.report, [b"unpack ok", b"ng refs/heads/main internal error"])
        self.flushLoggedErrors(OSError)

    async def test_deleting_something_corrupt(self) -> None:
        """
        A ref whose object is lost can be deleted.
        """
        with open(f"{self.directory.path}/refs/heads/broken", "w") as file:
            file.write("1" * 40 + "\n")
        self.patch(PlainRepository, "ref", lambda repository, name: _found())
        answer = await self.push(push((b"1" * 40, ZERO, b"refs/heads/broken")))
        self.assertEqual(answer.report, [b"unpack ok", b"ok refs/heads/broken"])
        self.assertIn(b"warning: allowing deletion of corrupt ref\n", answer.told)

    async def test_repository_rules(self) -> None:
        """
        What a repository's own configuration forbids is forbidden.
        """
        for key in ("denyDeletes", "denyNonFastForwards"):
            git("--git-dir", self.directory.path, "config", f"receive.{key}", "true")
        git("--git-dir", self.directory.path, "update-ref", "refs/heads/other", "main")
        older = git("--git-dir", self.directory.path, "rev-parse", "main~1").strip()
        tip, pack = self.new_commit()
        answer = await self.push(
            push(
                (self.main, ZERO, b"refs/heads/other"),
                (self.main, older, b"refs/heads/main"),
                (self.main, tip, b"refs/heads/main"),
                pack=pack,
            )
        )
        self.assertEqual(
            answer.report[1:3],
            [b"ng refs/heads/other deletion prohibited", b"ng refs/heads/main non-fast-forward"],
        )
        answer = await self.push(push((self.main, tip, b"refs/heads/main"), pack=pack))
        self.assertEqual(answer.report[1:], [b"ok refs/heads/main"])
        git("--git-dir", self.directory.path, "config", "receive.denyDeleteCurrent", "warn")
        git("--git-dir", self.directory.path, "config", "receive.denyDeletes", "false")
        answer = await self.push(push((self.main, ZERO, b"refs/heads/main")))
        self.assertEqual(answer.report[1:], [b"ok refs/heads/main"])

    async def test_broken_configuration(self) -> None:
        """
        A configuration that nobody can read may forbid anything.
        """
        data = push((ZERO, self.main, b"refs/heads/new"), pack=EMPTY_PACK)
        self.patch(pushsession, "read_config", lambda *given: _failing(GitalyError("invalid repository configuration")))
        answer = await self.push(data)
        self.assertEqual(answer.report, [b"unpack ok", b"ng refs/heads/new invalid repository configuration"])
        self.flushLoggedErrors(GitalyError)

    async def test_no_quarantine(self) -> None:
        """
        Without a place for the objects there is no push (S8, S10).
        """

        self.patch(PlainRepository, "stage", lambda repository: _failing(OSError(28, "No space left on device")))
        tip, pack = self.new_commit()
        answer = await self.push(push((self.main, tip, b"refs/heads/main"), pack=pack))
        self.assertEqual(
            answer.report, [b"unpack unable to create temporary object directory", b"ng refs/heads/main unpacker error"]
        )
        self.flushLoggedErrors(OSError)

    async def test_size(self) -> None:
        """
        A pack that is too large is not taken (fault 158).
        """
        self.engine = self.make_engine(limits=PushLimits(pack=PackLimits(size=100)))
        tip, pack = self.new_commit()
        answer = await self.push(push((self.main, tip, b"refs/heads/main"), pack=pack))
        self.assertEqual(answer.report, [b"unpack unpack-objects abnormal exit", b"ng refs/heads/main unpacker error"])
        self.assertIn(b"fatal: pack exceeds maximum allowed size", answer.told)
        self.assertEqual(self.repository.stagings, [])


class EmptyTests(pushcase.PushCase):
    """
    Repositories without branches, and none at all.
    """

    commits = 0

    async def head_after(self, *names: bytes, **more: Any) -> bytes | None:
        """
        HEAD after these branches were pushed.
        """
        tip, pack = self.new_commit()
        answer = await self.push(push(*((ZERO, tip, name) for name in names), pack=pack), **more)
        self.assertNotIn(b"ng", b"".join(answer.report))
        return await self.repository.head()

    async def test_head_follows(self) -> None:
        """
        HEAD becomes the first branch that is pushed, and stays then.
        """
        self.assertEqual(await self.head_after(b"refs/tags/v1"), b"refs/heads/main")
        self.assertEqual(await self.head_after(b"refs/tags/v2", b"refs/heads/b", b"refs/heads/a"), b"refs/heads/b")
        self.assertEqual(await self.head_after(b"refs/heads/c"), b"refs/heads/b")

    async def test_head_stays(self) -> None:
        """
        HEAD stays if its branch is among those that are pushed.
        """
        self.assertEqual(await self.head_after(b"refs/heads/a", b"refs/heads/main"), b"refs/heads/main")

    async def test_application_decides(self) -> None:
        """
        HEAD stays if an application looks after the repository.
        """
        self.assertEqual(await self.head_after(b"refs/heads/a", gl_repository="project-1"), b"refs/heads/main")

    async def test_made_for_the_push(self) -> None:
        """
        A repository that is not there is made when something is to be created in it.
        """
        tip, pack = self.new_commit()
        made: list[int] = []

        async def create() -> IRepository:
            made.append(1)
            return self.repository

        stdout = MemorySink()
        await self.engine.serve(
            None, request(create=create), MemorySource([push((ZERO, tip, b"refs/heads/main"), pack=pack)]), stdout, None
        )
        self.assertEqual(made, [1])
        self.assertEqual(self.main, tip)

    async def test_not_made(self) -> None:
        """
        Nothing is made for a push of nothing, for a deletion, or for somebody who may not.
        """

        async def create() -> IRepository:
            raise AssertionError("made")

        stdout = MemorySink()
        await self.engine.serve(None, request(create=create, stateless=False), MemorySource([b"0000"]), stdout, None)
        self.assertIn(ZERO + b" capabilities^{}\0report-status ", stdout.data)
        deletion = MemorySource([push((b"1" * 40, ZERO, b"refs/heads/main"))])
        creation = MemorySource([push((ZERO, b"1" * 40, b"refs/heads/main"))])
        for source, wanted in ((deletion, create), (creation, None)):
            with self.assertRaises(GitalyError) as caught:
                await self.engine.serve(None, request(create=wanted), source, MemorySink(), None)
            self.assertEqual(caught.exception.code, Code.NOT_FOUND)


class Sha256Tests(pushcase.PushCase):
    """
    A repository with longer object ids.
    """

    async def test_push(self) -> None:
        """
        It takes pushes like any other.
        """
        directory = make_repository(f"{self.root}/long.git", 1, object_format="sha256")
        self.repository = PlainRepository(directory, self.threads, object_format=ObjectFormat.SHA256)
        self.directory, capabilities = directory, CAPABILITIES.replace("sha1", "sha256")
        before, (tip, pack) = self.main, self.new_commit()
        answer = await self.push(push((before, tip, b"refs/heads/main"), pack=pack, capabilities=capabilities))
        self.assertEqual(answer.report, [b"unpack ok", b"ok refs/heads/main"])
        self.assertEqual(self.main, tip)
        stdout = MemorySink()
        await self.engine.advertise(self.repository, request(), stdout)
        self.assertIn(b" object-format=sha256 agent=test/1.0\n", stdout.data)
        broken = self.serve(MemorySource([push((ZERO, b"1" * 40, b"refs/heads/x"))]), MemorySink())
        await self.failure(broken, PushBroken)


async def _found() -> object:
    return object()


async def _failing(error: Exception) -> Any:
    raise error
