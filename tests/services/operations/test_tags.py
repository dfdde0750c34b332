"""
Tags that users create and delete.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.errors_pb2 import AccessCheckError, CustomHookError, ReferenceExistsError, ReferenceUpdateError
from protocols.gitaly.shared_pb2 import Repository, User

from . import case


class TagCase(case.OperationCase):
    """
    A repository with a commit and a tag.
    """

    def fill(self) -> None:
        """
        ``v1`` is a tag object.
        """
        self.first = self.commit({"a": "1", "dir/b": "2"})
        self.run_git("tag", "-a", "-m", "tag", "v1", self.first)
        self.tag = self.run_git("rev-parse", "v1")
        self.blob = self.run_git("rev-parse", "main:a")

    def create(self, name: bytes = b"new", target: bytes = b"main", message: bytes = b"", **more: Any) -> Any:
        """
        Call ``UserCreateTag``.
        """
        return self.call("UserCreateTag", tag_name=name, target_revision=target, message=message, **more)


class CreateTests(TagCase):
    """
    ``UserCreateTag``.
    """

    async def test_lightweight(self) -> None:
        """
        Without a word of a message it is a ref to what is no tag.
        """
        tree = self.run_git("rev-parse", "main^{tree}")
        for target, oid in ((b"main", self.first), (b"v1", self.first), (b"main:a", self.blob), (b"main:", tree)):
            with self.subTest(target=target):
                name = b"new-" + oid[:4].encode() + target[:1]
                tag = (await self.create(name, target, b" \t\n")).tag
                self.assertEqual((tag.name, tag.id, tag.message, tag.message_size), (name, oid, b"", 0))
                self.assertEqual(tag.target_commit.id, self.first if oid == self.first else "")
                self.assertEqual(self.refs()[f"refs/tags/{name.decode()}"], oid)
        self.nothing_staged()

    async def test_annotated(self) -> None:
        """
        With a message it is an object that names what was asked for, be it a tag; Unicode's spaces are words.
        """
        for target, kind, named in (
            (b"main", "commit", self.first),
            (b"v1", "tag", self.tag),
            (b"main:a", "blob", self.blob),
        ):
            with self.subTest(target=target):
                name = b"new-" + kind.encode()
                tag = (await self.create(name, target, "\u2003\n".encode(), timestamp=case.at(1600000000))).tag
                content = (
                    f"object {named}\ntype {kind}\ntag {name.decode()}\n"
                    "tagger Alpha <alpha@example.org> 1600000000 +0530\n\n\u2003\n"
                )
                self.assertEqual(self.run_git("cat-file", "tag", tag.id) + "\n", content)
                self.assertEqual((tag.message, tag.message_size), ("\u2003\n".encode(), 4))
                self.assertEqual(tag.target_commit.id, "" if kind == "blob" else self.first)
                self.assertEqual(self.refs()[f"refs/tags/{name.decode()}"], tag.id)
        self.nothing_staged()

    async def test_long_message(self) -> None:
        """
        A long message is written whole and told in part; without a timestamp the time is now.
        """
        tag = (await self.create(message=b"m" * 20000)).tag
        self.assertEqual((len(tag.message), tag.message_size), (10240, 20000))
        content = self.run_git("cat-file", "tag", tag.id)
        self.assertTrue(content.endswith("m" * 20000))
        self.assertIn(f"> {case.NOW} +0530\n", content)

    async def test_invalid(self) -> None:
        """
        What makes no sense is told in Gitaly's order; the repository comes late.
        """
        revision = "invalid tag name: revision can't"
        for change, text in (
            ({"tag_name": b"", "user": None}, "empty tag name"),
            ({"tag_name": b"-a", "user": None}, f"{revision} start with '-'"),
            ({"tag_name": b"a\0"}, f"{revision} contain NUL"),
            ({"tag_name": b"a b"}, f"{revision} contain whitespace"),
            ({"tag_name": b"a\ntagger x"}, f"{revision} contain whitespace"),
            ({"tag_name": b"a:b"}, f"{revision} contain ':'"),
            ({"tag_name": b"a\\b"}, f"{revision} contain '\\'"),
            ({"user": None, "target_revision": b""}, "empty user"),
            ({"target_revision": b"", "message": b"\0"}, "empty target revision"),
            ({"message": b"a\0b", "repository": Repository()}, "tag message contains NUL byte"),
            ({"repository": Repository(), "user": User(timezone="Mars")}, "repository not set"),
            ({"user": User(timezone="Mars"), "target_revision": b"nope"}, "unknown time zone Mars"),
        ):
            with self.subTest(text=text):
                called = self.call("UserCreateTag", **{"tag_name": b"new", "target_revision": b"main", **change})
                await self.refused(called, Code.INVALID_ARGUMENT, text)

    async def test_not_made(self) -> None:
        """
        A target that is not there, a name that git would not take, a tag that is there already.
        """
        for target in (b"nope", b"0" * 40, b"main:nope", b"a\nb"):
            text = f"revspec '{target.decode()}' not found"
            await self.refused(self.create(target=target), Code.FAILED_PRECONDITION, text)
        text = "Gitlab::Git::CommitError: Could not update refs/tags/a.lock. Please refresh and try again."
        await self.refused(self.create(b"a.lock", message=b"m"), Code.NOT_FOUND, text)
        name = b"refs/tags/a.lock"
        update = ReferenceUpdateError(reference_name=name, old_oid=str(self.zero), new_oid=self.first)
        await self.refused(
            self.create(b"a.lock"),
            Code.FAILED_PRECONDITION,
            "reference update failed: reference update: invalid reference format",
            pb.UserCreateTagError(reference_update=update),
        )
        exists = ReferenceExistsError(reference_name=b"refs/tags/v1", oid=self.tag)
        for message in (b"", b"m"):
            await self.refused(
                self.create(b"v1", message=message),
                Code.ALREADY_EXISTS,
                "tag reference exists already",
                pb.UserCreateTagError(reference_exists=exists),
            )
        self.nothing_staged()

    async def test_denied(self) -> None:
        """
        Hooks see the new object; who refuses is told with details.
        """
        self.hook("pre-receive", 'read old new ref; git cat-file tag "$new" >/dev/null && echo "not $ref" >&2; exit 1')
        hook = CustomHookError(stderr=b"not refs/tags/new\n", hook_type=CustomHookError.HOOK_TYPE_PRERECEIVE)
        await self.refused(
            self.create(message=b"m"),
            Code.PERMISSION_DENIED,
            "reference update denied by custom hooks",
            pb.UserCreateTagError(custom_hook=hook),
        )
        self.application.denies = "no"
        changes = f"{self.zero} {self.first} refs/tags/new\n".encode()
        access = AccessCheckError(error_message="no", protocol="web", user_id="user-1", changes=changes)
        await self.refused(
            self.create(),
            Code.PERMISSION_DENIED,
            "reference update denied by access checks: running pre-receive hooks: GitLab: no",
            pb.UserCreateTagError(access_check=access),
        )
        self.hook("pre-receive", "exit 0")
        self.application.denies, self.application.complains = None, "late"
        await self.refused(self.create(), Code.INTERNAL, "updating reference: running post-receive hooks: late")
        self.nothing_staged()


class DeleteTests(TagCase):
    """
    ``UserDeleteTag``.
    """

    async def test_delete(self) -> None:
        """
        A tag is deleted if its ref is what the caller believes.
        """
        called = self.call("UserDeleteTag", tag_name=b"v1", expected_old_oid=self.first)
        text = "reference update: reference does not point to expected object"
        await self.refused(called, Code.FAILED_PRECONDITION, text)
        await self.call("UserDeleteTag", tag_name=b"v1", expected_old_oid=self.tag)
        self.assertEqual(list(self.refs()), ["refs/heads/main"])

    async def test_invalid(self) -> None:
        """
        What is missing is told in Gitaly's order.
        """
        for change, code, text in (
            ({"repository": Repository(), "tag_name": b""}, Code.INVALID_ARGUMENT, "repository not set"),
            ({"tag_name": b"", "user": None}, Code.INVALID_ARGUMENT, "empty tag name"),
            ({"user": None}, Code.INVALID_ARGUMENT, "empty user"),
            ({"tag_name": b"a\nb"}, Code.FAILED_PRECONDITION, "tag not found: a\nb"),
        ):
            with self.subTest(text=text):
                await self.refused(self.call("UserDeleteTag", **{"tag_name": b"v1", **change}), code, text)

    async def test_denied(self) -> None:
        """
        A hook's words are no error; the application's are.
        """
        path = self.hook("pre-receive", "exit 2")
        response = await self.call("UserDeleteTag", tag_name=b"v1")
        text = f'executing custom hooks: error executing "{path}": exit status 2'
        self.assertEqual(response.pre_receive_error, text)
        self.application.denies = "no"
        called = self.call("UserDeleteTag", tag_name=b"v1")
        await self.refused(called, Code.INTERNAL, "running pre-receive hooks: GitLab: no")
        self.assertIn("refs/tags/v1", self.refs())
