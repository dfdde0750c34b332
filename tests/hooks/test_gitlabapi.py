"""
GitLab's internal API, endpoint by endpoint.
"""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve
from twisted.internet import reactor as installed
from twisted.trial.unittest import TestCase

from gitaly_tx.hooks.gitlabapi import APIError, Asked, Check, GitlabAPI, Message, Verdict
from gitaly_tx.hooks.gitlabhttp import GitlabHTTP, agent_for, base_url
from tests.support.application import SECRET, Application

reactor: Any = installed

ASKED = Asked(
    repository_path="/srv/it's/a.git",
    relative_path="a.git",
    object_directory="../+gitaly/staging/q/objects",
    alternates=("objects",),
    gl_repository="project-1",
    gl_id="key-12",
    protocol="ssh",
    changes=b"0 1 refs/heads/\xff\n",
)

MALFORMED = (
    (b"", "EOF"),
    (b" \n", "EOF"),
    (b"<html>", "invalid character '<' looking for beginning of value"),
    (b'{"status": tru', "invalid character 't' looking for beginning of value"),
    (b'{"status"', "unexpected EOF"),
    (b'{"status" 1}', "invalid character '1' in JSON"),
    (b"[" * 100_000, "exceeded max depth"),
    (b"[]", "json: cannot unmarshal array into Go value of type gitlab.allowedResponse"),
    (b'{"status": "yes"}', "json: cannot unmarshal string into Go struct field allowedResponse.status of type bool"),
    (b'{"message": 1}', "json: cannot unmarshal number into Go struct field allowedResponse.message of type string"),
)
"""What is no answer of ``/allowed``, and what Gitaly says of it."""


class ApiTests(TestCase):
    """
    ``GitlabAPI``.
    """

    timeout = 20

    def setUp(self) -> None:
        self.application = Application()
        self.addCleanup(self.application.stop)
        url = self.application.listen()
        self.seconds: list[tuple[str, float]] = []
        self.api = self.at(url)

    def at(self, url: str) -> GitlabAPI:
        """
        The API of an application.
        """
        http = GitlabHTTP(agent_for(reactor, url, []), reactor, base_url(url, ""), SECRET, lambda: 1.0, "gitaly/1")
        return GitlabAPI(http, reactor, lambda endpoint, seconds: self.seconds.append((endpoint, seconds)))

    async def refused(self, name: str) -> str:
        """
        What is wrong with what an endpoint answered.
        """
        ask = {
            "allowed": lambda: self.api.allowed(ASKED),
            "pre_receive": lambda: self.api.pre_receive("project-1"),
            "post_receive": lambda: self.api.post_receive("project-1", "user-1", b"", []),
            "check": lambda: self.api.check(),
        }
        with self.assertRaises(APIError) as caught:
            await ask[name]()
        self.assertEqual(str(caught.exception), caught.exception.text)
        return caught.exception.text

    async def test_allowed(self) -> None:
        """
        All that is known of a push is said; the answer is the application's, with whatever stands behind it.
        """
        self.assertEqual(await self.api.allowed(ASKED), Verdict(True, ""))
        (body,) = self.application.bodies("allowed")
        environment = json.loads(body.pop("env"))
        self.assertEqual(
            body,
            {
                "action": "git-receive-pack",
                "gl_repository": "project-1",
                "project": "/srv/its/a.git",
                "changes": "0 1 refs/heads/\ufffd\n",
                "protocol": "ssh",
                "relative_path": "a.git",
                "key_id": "12",
            },
        )
        self.assertEqual(
            environment,
            {
                "GIT_ALTERNATE_OBJECT_DIRECTORIES_RELATIVE": ["objects"],
                "GIT_OBJECT_DIRECTORY_RELATIVE": "../+gitaly/staging/q/objects",
            },
        )
        self.assertEqual(self.seconds[0][0], "allowed")
        self.assertGreaterEqual(self.seconds[0][1], 0)
        self.application.answers["allowed"] = (300, "Application/JSON ;x=y", b'{"status": false, "message": "no", "x": 1} more')
        self.assertEqual(await self.api.allowed(ASKED), Verdict(False, "no"))
        self.application.says("allowed", None)
        self.assertEqual(await self.api.allowed(ASKED), Verdict(False, ""))

    async def test_without_quarantine(self) -> None:
        """
        What there is not is empty in the environment, and left out elsewhere.
        """
        await self.api.allowed(evolve(ASKED, object_directory="", alternates=(), gl_repository="", gl_id="username-"))
        (body,) = self.application.bodies("allowed")
        self.assertEqual(body["env"], '{"GIT_ALTERNATE_OBJECT_DIRECTORIES_RELATIVE":null,"GIT_OBJECT_DIRECTORY_RELATIVE":""}')
        self.assertEqual(body.keys() & {"gl_repository", "username", "user_id", "key_id"}, set())

    async def test_identities(self) -> None:
        """
        Users and keys have numbers, user names are anything; nobody else is asked about.
        """
        for gl_id, expected in (
            ("user-1", ("user_id", "1")),
            ("key-007", ("key_id", "007")),
            ("username-a-b c", ("username", "a-b c")),
        ):
            await self.api.allowed(evolve(ASKED, gl_id=gl_id))
            body = self.application.bodies("allowed")[-1]
            self.assertEqual([(name, body[name]) for name in ("username", "key_id", "user_id") if name in body], [expected])
        asked = len(self.application.asked)
        for gl_id in ("", "user-", "user-x", "key-1\n", "key-٣", "deploy-1", "user"):
            with self.assertRaises(APIError) as caught:
                await self.api.allowed(evolve(ASKED, gl_id=gl_id))
            self.assertEqual(caught.exception.text, f'setting gl_id: gl_id="{gl_id}" is invalid')
        self.assertEqual(len(self.application.asked), asked)

    async def test_malformed(self) -> None:
        """
        What cannot be understood is no yes.
        """
        for body, text in MALFORMED:
            self.application.answers["allowed"] = (200, "application/json", body)
            self.assertEqual(await self.refused("allowed"), f"decoding response from /allowed endpoint: {text}")

    async def test_statuses(self) -> None:
        """
        An error of the application's is told in its own words, if it has any.
        """
        for status, body, text in (
            (401, b'{"message": "who?"}', "who?"),
            (403, b"{}", ""),
            (404, b"<html>", "Internal API error (404)"),
            (500, b"", "Internal API error (500)"),
            (500, b"[]", "Internal API error (500)"),
            (502, b'{"message": ["x"]}', "Internal API error (502)"),
        ):
            self.application.answers["allowed"] = (status, "text/html", body)
            self.assertEqual(await self.refused("allowed"), text)
        for status in (201, 204, 302):
            self.application.answers["allowed"] = (status, "application/json", b'{"status": true}' if status != 204 else b"")
            self.assertEqual(await self.refused("allowed"), f"gitlab api is not accessible: {status}")

    async def test_media_types(self) -> None:
        """
        An answer must say that it is JSON.
        """
        for name in ("allowed", "pre_receive", "post_receive"):
            self.application.answers[name] = (200, "text/plain", b"{}")
            text = f"/{name} endpoint respond with unsupported content type"
            self.assertEqual(await self.refused(name), f"{text}: text/plain")
            self.application.answers[name] = (200, None, b"{}")
            self.assertEqual(await self.refused(name), f"{text}: mime: no media type")

    async def test_unreachable(self) -> None:
        """
        An application that is not there is told of as what could not be done.
        """
        self.api = self.at("http://127.0.0.1:1")
        for name, text in (
            ("allowed", "Internal API unreachable"),
            ("pre_receive", "http post to gitlab api /pre_receive endpoint: Internal API unreachable"),
            ("post_receive", "http post to gitlab api /post_receive endpoint: Internal API unreachable"),
            ("check", "HTTP GET to GitLab endpoint /check failed: Internal API unreachable"),
        ):
            self.assertEqual(await self.refused(name), text)
        with self.assertRaises(APIError) as caught:
            async for _ in self.api.lfs("project-1", "ab"):
                self.fail("there is nobody")
        self.assertEqual(caught.exception.text, "Internal API unreachable")

    async def test_pre_receive(self) -> None:
        """
        The repository is named as the application names it, or else by its path.
        """
        self.assertTrue(await self.api.pre_receive("project-1", "a.git"))
        self.application.says("pre_receive", {"reference_counter_increased": False})
        self.assertFalse(await self.api.pre_receive("", "a.git"))
        self.assertEqual(
            self.application.bodies("pre_receive"),
            [{"gl_repository": "project-1"}, {"gl_repository": "", "relative_path": "a.git"}],
        )
        self.application.says("pre_receive", {}, 201)
        self.assertEqual(await self.refused("pre_receive"), "pre-receive call failed with status: 201")
        self.application.says("pre_receive", {"message": "no"}, 404)
        self.assertEqual(await self.refused("pre_receive"), "http post to gitlab api /pre_receive endpoint: no")
        self.application.says("pre_receive", {"reference_counter_increased": 1})
        self.assertIn("decoding response from /pre_receive endpoint: json:", await self.refused("pre_receive"))

    async def test_post_receive(self) -> None:
        """
        What was written is told with the push options; messages come back.
        """
        self.application.says(
            "post_receive",
            {"reference_counter_decreased": True, "messages": [{"message": "hi", "type": "basic"}, {"type": "alert"}, None]},
        )
        noted, messages = await self.api.post_receive("project-1", "user-1", b"0 1 x\n", [b"a=b", b"c"], "a.git")
        self.assertEqual((noted, messages), (True, [Message("hi", "basic"), Message("", "alert"), Message("", "")]))
        self.application.says("post_receive", {"messages": None})
        self.assertEqual(await self.api.post_receive("", "user-1", b"", [], "a.git"), (False, []))
        self.assertEqual(
            self.application.bodies("post_receive"),
            [
                {"gl_repository": "project-1", "identifier": "user-1", "changes": "0 1 x\n", "push_options": ["a=b", "c"]},
                {"gl_repository": "", "relative_path": "a.git", "identifier": "user-1", "changes": "", "push_options": None},
            ],
        )
        self.application.says("post_receive", {}, 202)
        self.assertEqual(await self.refused("post_receive"), "post-receive call failed with status: 202")
        self.application.says("post_receive", {"messages": [1]})
        text = "json: cannot unmarshal number into Go value of type gitlab.postReceiveResponse"
        self.assertEqual(await self.refused("post_receive"), f"decoding response from /post_receive endpoint: {text}")

    async def test_check(self) -> None:
        """
        The application says which it is.
        """
        self.assertEqual(await self.api.check(), Check("1.2", "abc", "v4", True))
        (asked,) = self.application.asked
        self.assertEqual((asked.method, asked.body), ("GET", None))
        self.application.says("check", {}, 201)
        self.assertEqual(await self.refused("check"), "Check HTTP request failed with status: 201")
        self.application.answers["check"] = (200, None, b"")
        self.assertEqual(await self.refused("check"), "failed to decode response from /check endpoint: EOF")

    async def test_lfs(self) -> None:
        """
        A file that the application keeps comes piece by piece.
        """
        self.application.answers["lfs"] = (200, "application/octet-stream", b"content" * 100_000)
        found = b"".join([piece async for piece in self.api.lfs("project-1", "ab" * 32)])
        self.assertEqual(found, b"content" * 100_000)
        self.assertEqual(self.application.asked[0].uri, f"/api/v4/internal/lfs?oid={'ab' * 32}&gl_repository=project-1")

    async def test_no_lfs(self) -> None:
        """
        One that it does not keep, or that breaks off, is an error.
        """
        self.application.says("lfs", {"message": "not here"}, 404)
        with self.assertRaises(APIError) as caught:
            async for _ in self.api.lfs("project-1", "ab"):
                self.fail("there is nothing")
        self.assertEqual(caught.exception.text, "not here")
        self.application.cut = True
        self.application.answers["lfs"] = (200, None, b"content")
        with self.assertRaises(APIError) as caught:
            async for piece in self.api.lfs("project-1", "ab"):
                self.assertEqual(piece, b"content")
        self.assertEqual(caught.exception.text, "LFS object broke off")
