"""
Tests for what is asked around a push: PreReceiveHook, UpdateHook, PostReceiveHook.
"""

from __future__ import annotations

import json
import os
from typing import Any

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.services.hook import streams
from protocols.gitaly.hook_pb2 import PostReceiveHookRequest, PreReceiveHookRequest, UpdateHookRequest
from protocols.gitaly.shared_pb2 import Repository

from . import case
from .case import NAME, ON_SECONDARY, PUSHER, payload

LINE = b"0 1 refs/heads/x\n"

NO_PAYLOAD = "extracting hooks payload: no hooks payload found in environment"

NO_VOTE = "hook: vote failed: get backchannel: no backchannel for peer 7"

WITHOUT_NAME = Repository(storage_name="default", relative_path="thing.git")


class PreReceiveTests(case.HookServiceCase):
    """
    PreReceiveHook.
    """

    async def ask(
        self, *variables: str, changes: bytes = LINE, repository: Repository = NAME, **more: Any
    ) -> tuple[bytes, bytes, int]:
        """
        What a hook with these variables hears.
        """
        environment = list(variables) or [payload()]
        first = PreReceiveHookRequest(repository=repository, environment_variables=environment, **more)
        half = len(changes) // 2
        pieces = [PreReceiveHookRequest(stdin=piece) for piece in (changes[:half], changes[half:])]
        return await self.run_hook("PreReceiveHook", first, *pieces)

    async def test_allowed(self) -> None:
        """
        The application is asked, then custom hooks, then the application is told; the changes go through as they are.
        """
        self.hook("pre-receive", f"cat > {self.root}/in; echo out; echo err >&2")
        self.assertEqual(await self.ask(changes=b"anything"), (b"out\n", b"err\n", 0))
        self.assertEqual(self.read("in"), "anything")
        (allowed,) = self.application.bodies("allowed")
        self.assertEqual(
            {name: allowed[name] for name in ("changes", "project", "relative_path", "gl_repository", "user_id", "protocol")},
            {
                "changes": "anything",
                "project": self.directory.path,
                "relative_path": "thing.git",
                "gl_repository": "project-1",
                "user_id": "1",
                "protocol": "ssh",
            },
        )
        self.assertEqual([asked.uri.rsplit("/", 1)[-1] for asked in self.application.asked], ["allowed", "pre_receive"])

    async def test_environment(self) -> None:
        """
        Custom hooks see of the hook's environment what they may, who pushes what, and no variable of this server.
        """
        self.hook("pre-receive", "env")
        given = ["HOME=/h", "PATH=/bin:/usr/bin", "SECRET=x", "GIT_DIR=/elsewhere", "http_proxy=p"]
        stdout, _, _ = await self.ask(payload(), *given, git_push_options=["a=b", "c"])
        found = dict(line.split("=", 1) for line in stdout.decode().splitlines())
        self.assertEqual(
            {name: found[name] for name in ("HOME", "http_proxy", "GIT_DIR", "CORRELATION_ID")},
            {"HOME": "/h", "http_proxy": "p", "GIT_DIR": self.directory.path, "CORRELATION_ID": "abc"},
        )
        self.assertEqual(found.keys() & {"SECRET", "GITALY_HOOKS_PAYLOAD"}, set())
        self.assertEqual(found["PATH"].split(":")[1:], ["/bin", "/usr/bin"])
        names = ("GL_ID", "GL_USERNAME", "GL_PROTOCOL", "GL_REPOSITORY", "GL_PROJECT_PATH")
        self.assertEqual([found[name] for name in names], ["user-1", "alpha", "ssh", "project-1", "team/thing"])
        options = [found[f"GIT_PUSH_OPTION_{name}"] for name in ("COUNT", "0", "1")]
        self.assertEqual(options, ["2", "a=b", "c"])

    async def test_quarantine(self) -> None:
        """
        The object directories of git's quarantine are told relative to the repository.
        """
        objects = f"{self.directory.path}/objects"
        variables = [f"GIT_OBJECT_DIRECTORY={objects}/tmp_objdir-x", f"GIT_ALTERNATE_OBJECT_DIRECTORIES={objects}:{objects}/../y"]
        await self.ask(payload(), *variables)
        (allowed,) = self.application.bodies("allowed")
        self.assertEqual(
            json.loads(allowed["env"]),
            {
                "GIT_OBJECT_DIRECTORY_RELATIVE": "objects/tmp_objdir-x",
                "GIT_ALTERNATE_OBJECT_DIRECTORIES_RELATIVE": ["objects", "y"],
            },
        )
        seen = self.storage.asked[-1]
        self.assertEqual(seen.git_object_directory, "objects/tmp_objdir-x")
        self.assertEqual(list(seen.git_alternate_object_directories), ["objects", "y"])

    async def test_request_names_quarantine(self) -> None:
        """
        Without git's variables those of the request count.
        """
        message = Repository()
        message.CopyFrom(NAME)
        message.git_object_directory = "a"
        message.git_alternate_object_directories.append("b")
        await self.ask(payload(), "GIT_OBJECT_DIRECTORY=/x", repository=message)
        (allowed,) = self.application.bodies("allowed")
        self.assertEqual(
            json.loads(allowed["env"]), {"GIT_OBJECT_DIRECTORY_RELATIVE": "a", "GIT_ALTERNATE_OBJECT_DIRECTORIES_RELATIVE": ["b"]}
        )

    async def test_quarantine_elsewhere(self) -> None:
        """
        Object directories that the storage refuses are refused.
        """
        real = self.storage.repository

        async def picky(message: Repository | None) -> Any:
            if message is not None and message.git_object_directory:
                raise GitalyError("relative path escapes root directory", Code.INVALID_ARGUMENT)
            return await real(message)

        self.patch(self.storage, "repository", picky)
        variables = ["GIT_OBJECT_DIRECTORY=/etc", "GIT_ALTERNATE_OBJECT_DIRECTORIES=/etc"]
        self.assertEqual(await self.ask(payload(), *variables), (b"", b"relative path escapes root directory", 1))
        variables[0] = "GIT_OBJECT_DIRECTORY=a\0b"
        self.assertEqual((await self.ask(payload(), *variables))[2], 1)

    async def test_denied(self) -> None:
        """
        What the application has against it is told as an exit status; no custom hook runs, and the application is told no more.
        """
        self.hook("pre-receive", f"touch {self.root}/ran")
        self.application.says("allowed", {"status": False, "message": "not you"})
        self.assertEqual(await self.ask(), (b"", b"GitLab: not you", 1))
        self.assertEqual(await self.ask(payload(user_details={**PUSHER, "userid": "x"})),
                         (b"", b'GitLab: setting gl_id: gl_id="x" is invalid', 1))  # fmt: skip
        self.assertEqual(os.path.exists(f"{self.root}/ran"), False)
        self.assertEqual(self.application.bodies("pre_receive"), [])

    async def test_not_noted(self) -> None:
        """
        The application is told after the hooks have let the push pass; if it does not note that, the push fails.
        """
        self.hook("pre-receive", f"touch {self.root}/ran")
        self.application.says("pre_receive", {"reference_counter_increased": False})
        self.assertEqual(await self.ask(), (b"", b"", 1))
        self.assertTrue(os.path.exists(f"{self.root}/ran"))
        self.application.says("pre_receive", {"message": "down"}, 503)
        text = b"calling pre_receive endpoint: http post to gitlab api /pre_receive endpoint: down"
        self.assertEqual(await self.ask(), (b"", text, 1))

    async def test_hook_refuses(self) -> None:
        """
        A custom hook's exit status is passed on, and nothing is said beside its own words.
        """
        self.hook("pre-receive", "echo no >&2; exit 128")
        self.assertEqual(await self.ask(), (b"", b"no\n", 128))
        self.assertEqual(self.application.bodies("pre_receive"), [])
        self.hook("pre-receive", "kill -9 $$")
        self.assertEqual(await self.ask(), (b"", b"", -1))

    async def test_hook_cannot_run(self) -> None:
        """
        A custom hook that comes to no exit status is told of.
        """
        self.write("thing.git/custom_hooks/pre-receive", "#!/nonexistent\n")
        stdout, stderr, status = await self.ask()
        self.assertEqual((stdout, status), (b"", 1))
        self.assertIn(b'executing custom hooks: error executing "custom_hooks/pre-receive": ', stderr)
        self.assertNotIn(self.root.encode(), stderr)

    async def test_incomplete(self) -> None:
        """
        What is missing is said, in this order.
        """
        nobody = {"username": "", "userid": "", "protocol": ""}
        for variables, changes, repository, text in (
            ("A=1", b"", WITHOUT_NAME, NO_PAYLOAD),
            (payload(user_details=None), b"", WITHOUT_NAME, "hook got no reference updates"),
            (payload(user_details=None), LINE, WITHOUT_NAME, "repository not set"),
            (payload(user_details=None), LINE, NAME, "payload has no receive hooks info"),
            (payload(user_details=nobody), LINE, NAME, "user ID not set"),
            (payload(user_details={**nobody, "userid": "user-1"}), LINE, NAME, "protocol not set"),
        ):
            self.assertEqual(await self.ask(variables, changes=changes, repository=repository), (b"", text.encode(), 1))
        self.assertEqual(self.application.asked, [])

    async def test_without_application(self) -> None:
        """
        Without an application custom hooks decide, and nobody needs to be known to it.
        """
        self.use(None)
        self.hook("pre-receive", "echo ran")
        nobody = payload(user_details={"username": "", "userid": "", "protocol": ""})
        self.assertEqual(await self.ask(nobody, repository=WITHOUT_NAME), (b"ran\n", b"", 0))

    async def test_votes(self) -> None:
        """
        Where several servers take part hooks run on the first one only, and then nothing goes on, because nobody leads them.
        """
        self.hook("pre-receive", f"echo x >> {self.root}/ran")
        text = f"synchronizing pre-receive {NO_VOTE}".encode()
        self.assertEqual(await self.ask(payload(transaction=ON_SECONDARY), changes=b""), (b"", text, 1))
        self.assertFalse(os.path.exists(f"{self.root}/ran"))
        self.assertEqual(await self.ask(payload(transaction={**ON_SECONDARY, "primary": True})), (b"", text, 1))
        self.assertEqual(self.read("ran"), "x\n")

    async def test_too_much(self) -> None:
        """
        Input without end is not collected.
        """
        self.patch(streams, "MAXIMUM", 10)
        first = PreReceiveHookRequest(repository=NAME, environment_variables=[payload()])
        found = await self.refusal("PreReceiveHook", first, PreReceiveHookRequest(stdin=b"x" * 11))
        self.assertEqual(found, (Code.RESOURCE_EXHAUSTED, "standard input is too long"))

    async def test_requests(self) -> None:
        """
        There is a first request, and it names a repository.
        """
        self.assertEqual(await self.refusal("PreReceiveHook"), (Code.INTERNAL, "receiving first request: EOF"))
        found = await self.refusal("PreReceiveHook", PreReceiveHookRequest())
        self.assertEqual(found, (Code.INVALID_ARGUMENT, "repository not set"))


class UpdateTests(case.HookServiceCase):
    """
    UpdateHook.
    """

    def request(self, *variables: str, **changes: Any) -> UpdateHookRequest:
        """
        A request.
        """
        usual = {"repository": NAME, "ref": b"refs/heads/x", "old_value": "0" * 40, "new_value": "1" * 40}
        return UpdateHookRequest(environment_variables=list(variables) or [payload()], **{**usual, **changes})

    async def test_runs(self) -> None:
        """
        Custom hooks get the ref and both values, and no push options; the application is not asked.
        """
        self.hook("update", 'echo "$@ [$GIT_PUSH_OPTION_COUNT]"; cat; echo err >&2')
        found = await self.run_hook("UpdateHook", self.request())
        self.assertEqual(found, (b"refs/heads/x %b %b []\n" % (b"0" * 40, b"1" * 40), b"err\n", 0))
        self.assertEqual(self.application.asked, [])

    async def test_refuses(self) -> None:
        """
        A custom hook's exit status is passed on.
        """
        self.hook("update", "exit 3")
        self.assertEqual(await self.run_hook("UpdateHook", self.request()), (b"", b"", 3))

    async def test_sha256(self) -> None:
        """
        Ids are as long as the payload's object format has them.
        """
        values = {"old_value": "0" * 64, "new_value": "1" * 64}
        found = await self.run_hook("UpdateHook", self.request(payload(object_format="sha256"), **values))
        self.assertEqual(found, (b"", b"", 0))

    async def test_incomplete(self) -> None:
        """
        What is missing or wrong fails the call, in this order.
        """
        short = 'invalid object ID: "12", expected length 40, got 2'
        for request, text in (
            (self.request("A=1", ref=b""), NO_PAYLOAD),
            (self.request(payload(object_format="md5"), ref=b""), 'looking up object hash: unknown object format: "md5"'),
            (self.request(ref=b"", old_value="12"), "hook got no reference"),
            (self.request(old_value="12", new_value="12"), f"hook got invalid old value: {short}"),
            (self.request(payload(user_details=None), new_value="12"), f"hook got invalid new value: {short}"),
            (self.request(payload(user_details=None)), "payload has no receive hooks info"),
            (self.request(payload(transaction=ON_SECONDARY), ref=b""), f"synchronizing update {NO_VOTE}"),
        ):
            self.assertEqual(await self.refusal("UpdateHook", request), (Code.INTERNAL, text))
        found = await self.refusal("UpdateHook", self.request(repository=None))
        self.assertEqual(found, (Code.INVALID_ARGUMENT, "repository not set"))


class PostReceiveTests(case.HookServiceCase):
    """
    PostReceiveHook.
    """

    async def ask(
        self, *variables: str, changes: bytes = LINE, repository: Repository = NAME, **more: Any
    ) -> tuple[bytes, bytes, int]:
        """
        What a hook with these variables hears.
        """
        environment = list(variables) or [payload()]
        first = PostReceiveHookRequest(repository=repository, environment_variables=environment, **more)
        return await self.run_hook("PostReceiveHook", first, PostReceiveHookRequest(stdin=changes))

    async def test_told(self) -> None:
        """
        The application hears of the push, the user of its messages, and then custom hooks run.
        """
        self.hook("post-receive", 'cat; echo "$GIT_PUSH_OPTION_0"')
        self.application.says(
            "post_receive", {"reference_counter_decreased": True, "messages": [{"message": "hello", "type": "basic"}]}
        )
        self.assertEqual(await self.ask(git_push_options=["a"]), (b"\nhello\n\n" + LINE + b"a\n", b"", 0))
        self.assertEqual(
            self.application.bodies("post_receive"),
            [{"gl_repository": "project-1", "identifier": "user-1", "changes": LINE.decode(), "push_options": ["a"]}],
        )

    async def test_not_noted(self) -> None:
        """
        If the application has not noted the push no custom hook runs.
        """
        self.hook("post-receive", f"touch {self.root}/ran")
        messages = [{"message": "hello", "type": "basic"}]
        self.application.says("post_receive", {"reference_counter_decreased": False, "messages": messages})
        self.assertEqual(await self.ask(), (b"\nhello\n\n", b"", 1))
        self.application.says("post_receive", {"message": "down"}, 500)
        text = b"GitLab: http post to gitlab api /post_receive endpoint: down"
        self.assertEqual(await self.ask(), (b"", text, 1))
        self.application.says("post_receive", {"messages": [{"type": "loud"}]})
        self.assertEqual(await self.ask(), (b"\n", b"error writing messages to stream: invalid message type: loud", 1))
        self.assertFalse(os.path.exists(f"{self.root}/ran"))

    async def test_hook_fails(self) -> None:
        """
        A custom hook's exit status is passed on.
        """
        self.hook("post-receive", "exit 5")
        self.assertEqual(await self.ask(), (b"", b"", 5))

    async def test_incomplete(self) -> None:
        """
        What is missing is said, in this order.
        """
        for variables, changes, repository, text in (
            ("A=1", b"", WITHOUT_NAME, NO_PAYLOAD),
            (payload(user_details=None), b"", WITHOUT_NAME, "hook got no reference updates"),
            (payload(user_details=None), LINE, WITHOUT_NAME, "payload has no receive hooks info"),
            (payload(user_details={}), LINE, WITHOUT_NAME, "user ID not set"),
            (payload(), LINE, WITHOUT_NAME, "repository not set"),
            (payload(transaction=ON_SECONDARY), b"", NAME, f"synchronizing post-receive {NO_VOTE}"),
        ):
            self.assertEqual(await self.ask(variables, changes=changes, repository=repository), (b"", text.encode(), 1))
        self.assertEqual(self.application.asked, [])

    async def test_without_application(self) -> None:
        """
        Without an application there are custom hooks.
        """
        self.use(None)
        self.hook("post-receive", "echo ran")
        self.assertEqual(await self.ask(payload(user_details={}), repository=WITHOUT_NAME), (b"ran\n", b"", 0))
