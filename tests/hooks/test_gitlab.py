"""
The application and pushes.
"""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve
from twisted.internet import reactor as installed
from zope.interface.verify import verifyObject

from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.hooks.gitlab import Gitlab
from gitaly_tx.hooks.gitlabapi import GitlabAPI
from gitaly_tx.hooks.gitlabhttp import GitlabHTTP, agent_for, base_url
from gitaly_tx.hooks.interfaces import AccessDenied, AfterFailed, IApplication, Push, Unanswered
from tests.support import hookcase
from tests.support.application import SECRET, Application
from tests.support.hookcase import ONE, ZERO

reactor: Any = installed

LINE = f"{ZERO.decode()} {ONE.decode()} refs/heads/new\n"


class GitlabTests(hookcase.HookCase):
    """
    ``Gitlab``.
    """

    def setUp(self) -> None:
        super().setUp()
        self.application = Application()
        self.addCleanup(self.application.stop)
        url = self.application.listen()
        http = GitlabHTTP(agent_for(reactor, url, []), reactor, base_url(url, ""), SECRET, lambda: 1.0, "gitaly/1")
        self.gitlab = Gitlab(GitlabAPI(http, reactor))

    async def denied(self, push: Push) -> str:
        """
        The words of a refusal.
        """
        with self.assertRaises(AccessDenied) as caught:
            await self.gitlab.allowed(push)
        return caught.exception.words

    async def test_allowed(self) -> None:
        """
        The application hears where the repository is, what is to be changed, and where the new objects are.
        """
        verifyObject(IApplication, self.gitlab)
        quarantine = f"{self.root}/+gitaly/q/objects"
        self.repository.directory = self.directory.quarantined(quarantine)
        await self.gitlab.allowed(self.push())
        (body,) = self.application.bodies("allowed")
        self.assertEqual((body["project"], body["changes"], body["user_id"]), (self.directory.path, LINE, "1"))
        self.assertEqual((body["gl_repository"], body["protocol"]), ("project-1", "ssh"))
        self.assertEqual(body["relative_path"], self.repository.partition.path)
        self.assertEqual(
            json.loads(body["env"]),
            {
                "GIT_OBJECT_DIRECTORY_RELATIVE": "../+gitaly/q/objects",
                "GIT_ALTERNATE_OBJECT_DIRECTORIES_RELATIVE": ["objects"],
            },
        )

    async def test_no_quarantine(self) -> None:
        """
        A push that brings no objects has no object directories.
        """
        await self.gitlab.allowed(self.push())
        (body,) = self.application.bodies("allowed")
        self.assertEqual(
            json.loads(body["env"]),
            {"GIT_OBJECT_DIRECTORY_RELATIVE": "", "GIT_ALTERNATE_OBJECT_DIRECTORIES_RELATIVE": None},
        )

    async def test_denied(self) -> None:
        """
        A no, an error and an answer that makes no sense are all a no.
        """
        self.application.says("allowed", {"status": False, "message": "not you"})
        self.assertEqual(await self.denied(self.push()), "GitLab: not you")
        self.application.says("allowed", {"message": "gone"}, 404)
        self.assertEqual(await self.denied(self.push()), "GitLab: gone")
        self.application.answers["allowed"] = (200, "text/html", b"")
        self.assertIn("unsupported content type", await self.denied(self.push()))
        self.assertEqual(await self.denied(self.push(gl_id="x")), 'GitLab: setting gl_id: gl_id="x" is invalid')

    async def test_incomplete(self) -> None:
        """
        An application's push that does not say what it must be asked with is refused, and nobody is asked.
        """
        for missing, text in (
            ({"gl_repository": "", "gl_id": "", "protocol": ""}, "repository not set"),
            ({"gl_id": "", "protocol": ""}, "user ID not set"),
            ({"protocol": ""}, "protocol not set"),
        ):
            with self.assertRaises(Unanswered) as caught:
                await self.gitlab.allowed(self.push(**missing))
            self.assertEqual(caught.exception.text, text)
        self.assertEqual(self.application.asked, [])

    async def test_own_users(self) -> None:
        """
        A push by a user of this server's own needs no name for the repository: its path says it, in all three questions.
        """
        push = self.push(gl_repository="", gl_id="username-alpha", own=True)
        await self.gitlab.allowed(push)
        await self.gitlab.accepting(push)
        await self.gitlab.accepted(push, push.updates, self.out)
        path = self.repository.partition.path
        self.assertEqual([asked.body["relative_path"] for asked in self.application.asked], [path] * 3)
        self.assertEqual(self.application.asked[0].body["username"], "alpha")
        self.assertNotIn("gl_repository", self.application.asked[0].body)

    async def test_accepting(self) -> None:
        """
        The application must have noted a write before it is made.
        """
        await self.gitlab.accepting(self.push())
        self.assertEqual(self.application.bodies("pre_receive"), [{"gl_repository": "project-1"}])
        self.application.says("pre_receive", {"reference_counter_increased": False})
        with self.assertRaises(Unanswered) as caught:
            await self.gitlab.accepting(self.push())
        self.assertEqual(caught.exception.text, "")
        self.application.says("pre_receive", {"message": "oops"}, 500)
        with self.assertRaises(Unanswered) as caught:
            await self.gitlab.accepting(self.push())
        self.assertEqual(
            caught.exception.text, "calling pre_receive endpoint: http post to gitlab api /pre_receive endpoint: oops"
        )

    async def test_accepted(self) -> None:
        """
        What was written is told, and the user hears what the application has to say of it.
        """
        self.application.says(
            "post_receive", {"reference_counter_decreased": True, "messages": [{"message": "hello", "type": "basic"}]}
        )
        written = RefUpdate(b"refs/heads/one", None, ONE)
        await self.gitlab.accepted(evolve(self.push(), options=[b"a"]), [written], self.out)
        self.assertEqual(self.out.data, b"\nhello\n\n")
        (body,) = self.application.bodies("post_receive")
        self.assertEqual(
            body,
            {
                "gl_repository": "project-1",
                "identifier": "user-1",
                "changes": LINE.replace("new", "one"),
                "push_options": ["a"],
            },
        )

    async def test_not_noted(self) -> None:
        """
        An application that did not note a write, cannot be reached, or says what nobody understands, was not content.
        """
        for answer, text in (
            ({"reference_counter_decreased": False}, ""),
            (
                {"reference_counter_decreased": True, "messages": [{"message": "x", "type": "loud"}]},
                "error writing messages to stream: invalid message type: loud",
            ),
        ):
            self.application.says("post_receive", answer)
            with self.assertRaises(AfterFailed) as caught:
                await self.gitlab.accepted(self.push(), self.push().updates, self.out)
            self.assertEqual(caught.exception.text, text)
        self.application.says("post_receive", {}, 500)
        with self.assertRaises(AfterFailed) as caught:
            await self.gitlab.accepted(self.push(), self.push().updates, self.out)
        self.assertEqual(caught.exception.text, "GitLab: http post to gitlab api /post_receive endpoint: ")
