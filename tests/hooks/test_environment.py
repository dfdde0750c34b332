"""
What hooks find in their environment.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.hooks.environment import described, inherited, push_options
from tests.support.hookcase import make_push
from tests.support.plainrepository import PlainRepository


class EnvironmentTests(SynchronousTestCase):
    """
    Three parts: the server's, the push's, its options.
    """

    def test_inherited(self) -> None:
        """
        A few variables of the server, git's directory before all others.
        """
        environ = {
            "HOME": "/h",
            "PATH": "/p:/q",
            "SECRET": "x",
            "https_proxy": "a",
            "NO_PROXY": "b",
            "GIT_DIR": "/x",
            "TZ": "UTC",
        }
        self.assertEqual(
            inherited(environ, "/opt/git/bin/git"),
            {"HOME": "/h", "PATH": "/opt/git/bin:/p:/q", "https_proxy": "a", "NO_PROXY": "b", "TZ": "UTC"},
        )
        self.assertTrue(inherited({}, "/opt/bin/git")["PATH"].startswith("/opt/bin:"))

    def test_described(self) -> None:
        """
        Who pushes what, and where the new objects are.
        """
        nothing = cast(Any, None)
        repository = PlainRepository(GitDirectory("/s/thing.git"), nothing)
        push = make_push(repository, nothing, environment={"CORRELATION_ID": "abc"})
        plain = {
            "CORRELATION_ID": "abc",
            "GIT_DIR": "/s/thing.git",
            "GL_ID": "user-1",
            "GL_USERNAME": "alpha",
            "GL_REPOSITORY": "project-1",
            "GL_PROJECT_PATH": "team/thing",
            "GL_PROTOCOL": "ssh",
        }
        self.assertEqual(described(push), plain)
        repository.directory = repository.directory.quarantined("/s/q/objects")
        anonymous = make_push(repository, nothing, user=None)
        self.assertEqual(
            described(anonymous),
            {
                **{key: value for key, value in plain.items() if key != "CORRELATION_ID"},
                "GL_USERNAME": "",
                "GIT_OBJECT_DIRECTORY": "/s/q/objects",
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/s/thing.git/objects",
                "GIT_QUARANTINE_PATH": "/s/q/objects",
            },
        )

    def test_push_options(self) -> None:
        """
        Numbered, whatever bytes they are; nothing without any.
        """
        self.assertEqual(push_options([]), {})
        self.assertEqual(
            push_options([b"a=b", b"\xff"]),
            {"GIT_PUSH_OPTION_COUNT": "2", "GIT_PUSH_OPTION_0": "a=b", "GIT_PUSH_OPTION_1": "\udcff"},
        )
