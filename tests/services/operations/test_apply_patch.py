"""
Patches that came by mail.
"""

from __future__ import annotations

import os
from typing import Any

from gitaly_tx.errors import Code
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.shared_pb2 import Repository, User
from tests.support.git import git

from . import case

ADVICE = (
    'When you have resolved this problem, run "git am --continue".\n'
    'If you prefer to skip this patch, run "git am --skip" instead.\n'
    'To restore the original branch and stop patching, run "git am --abort".\n'
)

CREATING = """\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: Some Body <some@example.org>
Date: Tue, 14 Nov 2023 22:13:20 +0100
Subject: [PATCH] {subject}

---
diff --git a/{path} b/{path}
new file mode {mode}
--- /dev/null
+++ b/{path}
@@ -0,0 +1 @@
+{content}
--
2.39.5

"""


def creating(path: str, content: str = "x", mode: str = "100644") -> bytes:
    """
    A patch that makes a file.
    """
    return CREATING.format(subject=f"Create {path}", path=path, content=content, mode=mode).encode()


class PatchCase(case.OperationCase):
    """
    A file of some lines, and another in a directory.
    """

    def fill(self) -> None:
        """
        ``main`` has one commit.
        """
        self.lines = [f"line {number}\n" for number in range(30)]
        self.first = self.commit({"file": "".join(self.lines), "dir/other": "x\n"})

    def apply(self, *patches: bytes, **fields: Any) -> Any:
        """
        Call ``UserApplyPatch``.
        """
        given = {"repository": case.NAME, "user": case.USER, "target_branch": b"main", **fields}
        named = {name: value for name, value in given.items() if value is not None}
        first = pb.UserApplyPatchRequest(header=pb.UserApplyPatchRequest.Header(**named))
        return self.stream("UserApplyPatch", first, *(pb.UserApplyPatchRequest(patches=patch) for patch in patches))

    def changing(self, line: int, text: str, branch: str = "topic") -> bytes:
        """
        A mailed commit that changes one line of what ``main`` had at first.
        """
        lines = [*self.lines[:line], text, *self.lines[line + 1 :]]
        self.run_git("update-ref", f"refs/heads/{branch}", self.first)
        self.commit({"file": "".join(lines)}, branch=branch, message=f"Change line {line}")
        patch = git("-C", self.path, "format-patch", "-1", "--stdout", branch)
        self.run_git("update-ref", "-d", f"refs/heads/{branch}")
        return patch

    def untouched(self) -> None:
        """
        The branch is where it was, and nothing is left beside it.
        """
        self.assertEqual(self.refs(), {"refs/heads/main": self.first})
        self.nothing_staged()


class AppliedTests(PatchCase):
    """
    Patches that apply.
    """

    async def test_applied(self) -> None:
        """
        One commit for each patch, by whom the mail is from, committed by the user; however the mailbox is cut.
        """
        mailbox = self.changing(3, "changed\n") + creating("new/file")
        reply = await self.apply(mailbox[:100], b"", mailbox[100:101], mailbox[101:])
        self.assertEqual(reply.branch_update.commit_id, self.refs()["refs/heads/main"])
        self.assertFalse(reply.branch_update.branch_created or reply.branch_update.repo_created)
        log = self.run_git("log", "--format=%s|%an <%ae> %ad|%cn <%ce> %cd", "--date=raw", "main")
        committer = f"Alpha <alpha@example.org> {case.NOW} +0530"
        self.assertEqual(
            log.split("\n"),
            [
                f"Create new/file|Some Body <some@example.org> 1699996400 +0100|{committer}",
                f"Change line 3|C <c@example.org> 1700000000 +0000|{committer}",
                "change|C <c@example.org> 1700000000 +0000|C <c@example.org> 1700000000 +0000",
            ],
        )
        tree = self.tree("main")
        self.assertEqual(tree["file"][1].split("\n")[3], "changed")
        self.assertEqual((tree["dir/other"][1], tree["new/file"][1]), ("x\n", "x\n"))
        self.assertEqual(self.run_git("symbolic-ref", "HEAD"), "refs/heads/main")
        self.assertFalse(os.path.exists(os.path.join(self.path, "rebase-apply")))
        self.nothing_staged()

    async def test_three_way(self) -> None:
        """
        What does not apply as it is, is merged.
        """
        patch = self.changing(10, "changed\n")
        self.commit({"file": "".join([*self.lines[:12], "moved on\n", *self.lines[13:]])})
        await self.apply(patch)
        lines = self.tree("main")["file"][1].split("\n")
        self.assertEqual((lines[10], lines[12]), ("changed", "moved on"))
        self.nothing_staged()

    async def test_new_branch(self) -> None:
        """
        A new branch begins at the default branch; if HEAD is a name for none, at another one.
        """
        reply = await self.apply(creating("new"), target_branch=b"topic", timestamp=case.at(1))
        self.assertTrue(reply.branch_update.branch_created)
        self.assertEqual(self.run_git("rev-parse", "topic^"), self.first)
        self.assertEqual(self.run_git("log", "-1", "--format=%cd", "--date=raw", "topic"), "1 +0530")
        self.run_git("branch", "-m", "topic", "a")
        self.run_git("symbolic-ref", "HEAD", "refs/heads/nope")
        self.run_git("update-ref", "-d", "refs/heads/main")
        await self.apply(creating("newer"), target_branch=b"b")
        self.assertEqual(self.run_git("rev-parse", "b^"), self.run_git("rev-parse", "a"))

    async def test_attributes(self) -> None:
        """
        How files are merged is what the repository's own attributes say.
        """
        patch = self.changing(10, "theirs\n")
        self.commit({"file": "".join([*self.lines[:10], "ours\n", *self.lines[11:]])})
        os.makedirs(os.path.join(self.path, "info"), exist_ok=True)
        with open(os.path.join(self.path, "info", "attributes"), "w") as file:
            file.write("file merge=union\n")
        await self.apply(patch)
        self.assertEqual(self.tree("main")["file"][1].split("\n")[10:12], ["ours", "theirs"])

    async def test_expected(self) -> None:
        """
        The caller may say where the branch has to be.
        """
        await self.apply(creating("new"), expected_old_oid=self.first)
        self.assertEqual(self.run_git("rev-parse", "main^"), self.first)
        stale = "update reference: reference update: reference does not point to expected object"
        await self.refused(self.apply(creating("newer"), expected_old_oid=self.first), Code.INTERNAL, stale)


class RefusedTests(PatchCase):
    """
    Patches that do not apply, and requests that make no sense.
    """

    async def test_conflict(self) -> None:
        """
        git says which patch it was; nothing of those before it stays.
        """
        patch = self.changing(10, "changed\n")
        self.first = self.commit({"file": "".join([*self.lines[:10], "moved on\n", *self.lines[11:]])})
        called = self.apply(creating("new") + patch)
        await self.refused(called, Code.FAILED_PRECONDITION, f"Patch failed at 0002 Change line 10\n{ADVICE}")
        self.untouched()

    async def test_escapes(self) -> None:
        """
        A patch writes no file outside of its work tree, nor through a symbolic link, nor into ``.git``.
        """
        outside = os.path.abspath(self.mktemp())
        os.mkdir(outside)
        link = creating("link", outside, "120000").replace(b"\n--\n", b"\n\\ No newline at end of file\n--\n")
        for mailbox in (
            creating("../../escaped"),
            creating("a/../../escaped"),
            creating(f"{outside}/escaped"),
            creating(".git/hooks/post-commit"),
            creating(".GIT/config"),
            link + creating("link/escaped"),
        ):
            with self.subTest(mailbox=mailbox[:200]):
                error = await self.error(self.apply(mailbox))
                self.assertIn(error.code, (Code.FAILED_PRECONDITION, Code.INTERNAL))
                self.assertNotIn(self.path, error.message)
                self.untouched()
        self.assertEqual(os.listdir(outside), [])

    async def test_no_patch(self) -> None:
        """
        What has no patch in it is told; an empty mailbox is one.
        """
        error = await self.error(self.apply(b"nonsense"))
        # Newer gits say on standard error what older ones say on standard output.
        self.assertEqual(error.code, Code.INTERNAL)
        self.assertTrue(error.message.startswith('apply patch: exit status 128, stderr: "'), error.message)
        self.assertEqual((await self.apply()).branch_update.commit_id, self.first)
        self.untouched()

    async def test_invalid(self) -> None:
        """
        What the header lacks is told in Gitaly's order.
        """
        for change, code, text in (
            ({"repository": Repository(), "user": None}, Code.INVALID_ARGUMENT, "repository not set"),
            ({"user": None, "target_branch": b""}, Code.INVALID_ARGUMENT, "missing User"),
            ({"target_branch": b""}, Code.INVALID_ARGUMENT, "missing Branch"),
            ({"user": User(name=b"a\0", email=b"a")}, Code.INVALID_ARGUMENT, "identity contains NUL byte"),
            ({"user": User(name=b"a", timezone="Mars")}, Code.INVALID_ARGUMENT, "unknown time zone Mars"),
            (
                {"expected_old_oid": "foo"},
                Code.INTERNAL,
                'expected old object id not expected SHA format: invalid object ID: "foo", expected length 40, got 3',
            ),
            ({"expected_old_oid": "1" * 40}, Code.INTERNAL, "expected old object cannot be resolved: reference not found"),
        ):
            with self.subTest(text=text):
                await self.refused(self.apply(creating("new"), **change), code, text)
        await self.refused(self.stream("UserApplyPatch"), Code.INTERNAL, "EOF")
        first = pb.UserApplyPatchRequest(patches=b"x")
        await self.refused(self.stream("UserApplyPatch", first), Code.INVALID_ARGUMENT, "empty UserApplyPatch_Header")
        self.untouched()

    async def test_empty_repository(self) -> None:
        """
        There has to be something to apply to.
        """
        self.run_git("update-ref", "-d", "refs/heads/main")
        await self.refused(self.apply(creating("new")), Code.INTERNAL, "no default branch")

    async def test_denied(self) -> None:
        """
        Who is against it is told with what was being done.
        """
        self.hook("pre-receive", 'read old new ref; git cat-file -e "$new" && echo no; exit 1')
        await self.refused(self.apply(creating("new")), Code.INTERNAL, "update reference: running pre-receive hooks: no\n")
        self.application.denies = "no"
        await self.refused(self.apply(creating("new")), Code.INTERNAL, "update reference: running pre-receive hooks: GitLab: no")
        self.untouched()
        self.hook("pre-receive", "exit 0")
        self.application.denies, self.application.complains = None, "late"
        await self.refused(self.apply(creating("new")), Code.INTERNAL, "update reference: running post-receive hooks: late")


class Sha256Tests(PatchCase):
    """
    In a repository of the other format.
    """

    object_format = "sha256"

    async def test_applied(self) -> None:
        """
        A patch applies like any other.
        """
        await self.apply(creating("new"))
        self.assertEqual(self.tree("main")["new"][1], "x\n")
