"""
Commits made of what is to be done to files.
"""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from typing import Any

from attrs import evolve
from twisted.internet import reactor

from gitaly_tx.client.servers import KEY, Server, encode_servers
from gitaly_tx.errors import Code
from gitaly_tx.hooks.chain import Hooks
from gitaly_tx.hooks.custom import CustomHooks
from gitaly_tx.hooks.events import Announcer
from gitaly_tx.hooks.updateref import RefUpdater
from gitaly_tx.services.operations import contents
from gitaly_tx.services.operations.service import OperationService
from gitaly_tx.storage.staging import FilesystemStaging
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.errors_pb2 import CustomHookError
from protocols.gitaly.errors_pb2 import IndexError as Index
from protocols.gitaly.operations_pb2 import UserCommitFilesActionHeader as Header
from protocols.gitaly.shared_pb2 import Repository, User
from tests.support.hearing import make_unasked
from tests.support.history import History
from tests.support.stack import Stack

from . import case

FORK = Repository(storage_name="default", relative_path="team/fork.git")

REGULAR, EXECUTABLE, LINK = "100644", "100755", "120000"

LARGE = contents._WAITING + 10


def header(**fields: Any) -> pb.UserCommitFilesRequest:
    """
    The first request.
    """
    given = {"repository": case.NAME, "user": case.USER, "branch_name": b"main", "commit_message": b"message", **fields}
    named = {name: value for name, value in given.items() if value is not None}
    return pb.UserCommitFilesRequest(header=pb.UserCommitFilesRequestHeader(**named))


def action(kind: Any, path: str | bytes, content: bytes | list[bytes] | None = None, **more: Any) -> list[Any]:
    """
    The requests of one action.
    """
    raw = path.encode() if isinstance(path, str) else path
    asked = Header(action=kind, file_path=raw, **more)
    pieces = content if isinstance(content, list) else [] if content is None else [content]
    requests = [pb.UserCommitFilesAction(header=asked)]
    requests += [pb.UserCommitFilesAction(content=piece) for piece in pieces]
    return [pb.UserCommitFilesRequest(action=request) for request in requests]


def refusal(kind: Any, path: bytes) -> pb.UserCommitFilesError:
    """
    The details of an action that cannot be done.
    """
    return pb.UserCommitFilesError(index_update=Index(path=path, error_type=kind))


def unwatched(stack: Stack) -> RefUpdater:
    """
    Moves refs without anybody who has a say in it.
    """
    running: Any = reactor
    return RefUpdater(
        Hooks((), CustomHooks(stack.git, running, stack.threads), Announcer(())), stack.git, make_unasked(stack.git)
    )


class CommitFilesCase(case.OperationCase):
    """
    ``main`` has some files.
    """

    def fill(self) -> None:
        """
        Of every kind.
        """
        self.first = self.commit(
            {
                "README": "read\n",
                "dir/file": "1",
                "dir/sub/deep": "2",
                "100755 run": "#!",
                "120000 link": "README",
                "160000 module": "1" * 40,
            }
        )

    def commit_files(self, *actions: list[Any], **fields: Any) -> Any:
        """
        Call ``UserCommitFiles``.
        """
        return self.stream("UserCommitFiles", header(**fields), *(request for requests in actions for request in requests))

    async def changed(self, *actions: list[Any], **fields: Any) -> dict[str, tuple[str, str] | None]:
        """
        Commit.

        :returns: the paths that are not as they were, with what is there now.
        """
        branch = fields.get("branch_name", b"main").decode()
        before = self.tree(self.first)
        reply = await self.commit_files(*actions, **fields)
        self.assertEqual(self.refs()[f"refs/heads/{branch}"], reply.branch_update.commit_id)
        self.nothing_staged()
        after = self.tree(reply.branch_update.commit_id)
        return {path: after.get(path) for path in {*before, *after} if before.get(path) != after.get(path)}


class ActionTests(CommitFilesCase):
    """
    What each action does.
    """

    async def test_create(self) -> None:
        """
        A file of any content, in any directory; a directory or a submodule of its name is replaced.
        """
        changed = await self.changed(
            action(Header.CREATE, "new", b"content"),
            action(Header.CREATE, "x/y/z", [b"a", b"", b"b"], execute_filemode=True),
            action(Header.CREATE, "empty"),
            action(Header.CREATE, "dir", b"file now"),
            action(Header.CREATE, "module", b"file now"),
            action(Header.CREATE, b"\xff\n", base64.b64encode(b"\0\xff"), base64_content=True),
        )
        self.assertEqual(
            changed,
            {
                "new": (REGULAR, "content"),
                "x/y/z": (EXECUTABLE, "ab"),
                "empty": (REGULAR, ""),
                "dir": (REGULAR, "file now"),
                "dir/file": None,
                "dir/sub/deep": None,
                "module": (REGULAR, "file now"),
                "\udcff\n": (REGULAR, "\0\xff"),
            },
        )

    async def test_create_directory(self) -> None:
        """
        A directory is an empty ``.gitkeep``; what else is said does not count.
        """
        changed = await self.changed(action(Header.CREATE_DIR, "a/b", b"x", execute_filemode=True, base64_content=True))
        self.assertEqual(changed, {"a/b/.gitkeep": (REGULAR, "")})

    async def test_update(self) -> None:
        """
        The mode stays.
        """
        changed = await self.changed(
            action(Header.UPDATE, "README", b"new"),
            action(Header.UPDATE, "run", base64.b64encode(b"new"), base64_content=True, execute_filemode=False),
            action(Header.UPDATE, "link", b"run"),
            action(Header.UPDATE, "dir/file"),
        )
        self.assertEqual(
            changed,
            {"README": (REGULAR, "new"), "run": (EXECUTABLE, "new"), "link": (LINK, "run"), "dir/file": (REGULAR, "")},
        )

    async def test_move(self) -> None:
        """
        The mode stays, and the content if that is asked for; a directory that is there is replaced, one that becomes empty goes.
        """
        changed = await self.changed(
            action(Header.MOVE, "a/run", b"not read", previous_path=b"run", infer_content=True),
            action(Header.MOVE, "moved", [b"n", b"ew"], previous_path=b"README", execute_filemode=True),
            action(Header.MOVE, "emptied", previous_path=b"dir/file"),
            action(Header.MOVE, "dir", previous_path=b"dir/sub/deep", infer_content=True),
        )
        self.assertEqual(
            changed,
            {
                "run": None,
                "a/run": (EXECUTABLE, "#!"),
                "README": None,
                "moved": (REGULAR, "new"),
                "dir/file": None,
                "emptied": (REGULAR, ""),
                "dir/sub/deep": None,
                "dir": (REGULAR, "2"),
            },
        )

    async def test_delete(self) -> None:
        """
        A file, a directory, all there is.
        """
        names = ("dir", "README", "run", "link", "module")
        self.assertEqual(
            await self.changed(*(action(Header.DELETE, name) for name in names)),
            {**dict.fromkeys(names[1:]), "dir/file": None, "dir/sub/deep": None},
        )
        self.assertEqual(self.run_git("ls-tree", "main"), "")

    async def test_mode(self) -> None:
        """
        Only files change their modes, and only executable ones stop being so.
        """
        changed = await self.changed(
            action(Header.CHMOD, "README", execute_filemode=True),
            action(Header.CHMOD, "run"),
            action(Header.CHMOD, "link"),
            action(Header.CHMOD, "dir/file"),
            action(Header.CREATE, "new", b"x"),
            action(Header.CHMOD, "new", b"not read", execute_filemode=True),
        )
        self.assertEqual(changed, {"README": (EXECUTABLE, "read\n"), "run": (REGULAR, "#!"), "new": (EXECUTABLE, "x")})

    async def test_paths(self) -> None:
        """
        Paths are cleaned up first.
        """
        changed = await self.changed(
            action(Header.CREATE, "/a"),
            action(Header.CREATE, "b/../c/./d/"),
            action(Header.CREATE, "...", b"x"),
            action(Header.CREATE, "-x"),
        )
        self.assertEqual(set(changed), {"a", "c/d", "...", "-x"})

    async def test_nothing(self) -> None:
        """
        A commit that changes nothing is one.
        """
        self.assertEqual(await self.changed(), {})
        self.assertEqual(self.run_git("rev-parse", "main^"), self.first)

    async def test_refused(self) -> None:
        """
        What cannot be done is told with the path that is to blame, and nothing is written.
        """
        exists, missing = Code.ALREADY_EXISTS, Code.NOT_FOUND
        texts = {
            Index.ERROR_TYPE_FILE_EXISTS: (exists, "A file with this name already exists"),
            Index.ERROR_TYPE_DIRECTORY_EXISTS: (exists, "A directory with this name already exists"),
            Index.ERROR_TYPE_FILE_NOT_FOUND: (missing, "A file with this name doesn't exist"),
            Index.ERROR_TYPE_EMPTY_PATH: (Code.INVALID_ARGUMENT, "You must provide a file path"),
            Index.ERROR_TYPE_DIRECTORY_TRAVERSAL: (Code.INVALID_ARGUMENT, "Path cannot include directory traversal"),
        }
        for kind, path, requests in (
            (Index.ERROR_TYPE_FILE_EXISTS, "README", action(Header.CREATE, "/README")),
            (Index.ERROR_TYPE_FILE_EXISTS, "README", action(Header.CREATE, "README/x/y")),
            (Index.ERROR_TYPE_FILE_EXISTS, "link", action(Header.CREATE, "link")),
            (Index.ERROR_TYPE_DIRECTORY_EXISTS, "dir", action(Header.CREATE_DIR, "dir/")),
            (Index.ERROR_TYPE_DIRECTORY_EXISTS, "module", action(Header.CREATE_DIR, "module")),
            (Index.ERROR_TYPE_FILE_EXISTS, "run", action(Header.CREATE_DIR, "run")),
            (Index.ERROR_TYPE_FILE_NOT_FOUND, "no", action(Header.UPDATE, "no")),
            (Index.ERROR_TYPE_FILE_NOT_FOUND, "dir", action(Header.UPDATE, "dir", b"x")),
            (Index.ERROR_TYPE_FILE_NOT_FOUND, "module", action(Header.UPDATE, "module", b"x")),
            (Index.ERROR_TYPE_FILE_NOT_FOUND, "no", action(Header.MOVE, "x", previous_path=b"no")),
            (Index.ERROR_TYPE_FILE_NOT_FOUND, "dir", action(Header.MOVE, "x", previous_path=b"dir")),
            (Index.ERROR_TYPE_FILE_EXISTS, "run", action(Header.MOVE, "run", previous_path=b"README")),
            (Index.ERROR_TYPE_FILE_NOT_FOUND, "dir/no", action(Header.DELETE, "dir/no")),
            (Index.ERROR_TYPE_FILE_NOT_FOUND, "no", action(Header.CHMOD, "no")),
            (Index.ERROR_TYPE_FILE_NOT_FOUND, "dir", action(Header.CHMOD, "dir", execute_filemode=True)),
            (Index.ERROR_TYPE_EMPTY_PATH, "", action(Header.CREATE, "")),
            (Index.ERROR_TYPE_EMPTY_PATH, "", action(Header.MOVE, "x")),
            (Index.ERROR_TYPE_DIRECTORY_TRAVERSAL, "../x", action(Header.CREATE, "../x")),
            (Index.ERROR_TYPE_DIRECTORY_TRAVERSAL, "a/../../x", action(Header.DELETE, "a/../../x")),
            (Index.ERROR_TYPE_DIRECTORY_TRAVERSAL, "..", action(Header.MOVE, "x", previous_path=b"..")),
        ):
            with self.subTest(kind=kind, path=path, requests=requests):
                code, text = texts[kind]
                called = self.commit_files(action(Header.CREATE, "new"), requests)
                await self.refused(called, code, text, refusal(kind, path.encode()))
        for raw, text in ((b"a//b", 'invalid path: "a//b"'), (b"a\0b", 'invalid path: "a\\x00b"')):
            called = self.commit_files(action(Header.CREATE, raw))
            await self.refused(called, Code.INVALID_ARGUMENT, text, refusal(Index.ERROR_TYPE_INVALID_PATH, raw))
        self.assertEqual(self.refs()["refs/heads/main"], self.first)
        self.nothing_staged()

    async def test_dangerous(self) -> None:
        """
        No tree ever holds what some file system takes for ``.git``; neither is the root a file.
        """
        for given, shown in (
            (".git/hooks/pre-commit", ".git/hooks/pre-commit"),
            ("a/.git/config", "a/.git/config"),
            (".GIT/x", ".GIT/x"),
            ("GIT~1/config", "GIT~1/config"),
            (".g\u200cit/x", ".g\u200cit/x"),
            ("a/..", "."),
            ("/", "."),
        ):
            for requests in (
                action(Header.CREATE, given, b"x"),
                action(Header.DELETE, given),
                action(Header.MOVE, "x", previous_path=given.encode(), infer_content=True),
            ):
                with self.subTest(given=given):
                    await self.refused(self.commit_files(requests), Code.INTERNAL, f"invalid path: '{shown}'")
        self.assertEqual(self.refs()["refs/heads/main"], self.first)

    async def test_unknown(self) -> None:
        """
        An action of the future is refused in words of the past.
        """
        called = self.commit_files(action(99, ""))
        await self.refused(called, Code.INVALID_ARGUMENT, "NoMethodError: undefined method `downcase' for 99:Integer")


class ContentTests(CommitFilesCase):
    """
    How contents get into the repository.
    """

    async def test_line_ends(self) -> None:
        """
        Text is stored with newlines, unless attributes at HEAD or of the repository say otherwise.
        """
        await self.commit_files(
            action(Header.CREATE, ".gitattributes", b"*.raw -text\n*.id ident\n"),
            action(Header.CREATE, "sub/.gitattributes", b"*.raw text\n"),
        )
        info = os.path.join(self.path, "info")
        os.makedirs(info, exist_ok=True)
        with open(os.path.join(info, "attributes"), "w") as file:
            file.write("kept -text\n")
        await self.commit_files(
            action(Header.CREATE, "text", [b"a\r", b"\nb\r\n"]),
            action(Header.CREATE, "binary", b"a\r\n\0"),
            action(Header.CREATE, "kept", b"a\r\n"),
            action(Header.CREATE, "x.raw", b"a\r\n"),
            action(Header.CREATE, "sub/x.raw", b"a\r\n\0"),
            action(Header.CREATE, "x.id", [b"$I", b"d: 1 $"]),
            action(Header.UPDATE, "README", b"a\r\n"),
            action(Header.MOVE, "moved", b"a\r\n", previous_path=b"run"),
        )
        tree = self.tree("main")
        self.assertEqual(
            {name: tree[name][1] for name in ("text", "binary", "kept", "x.raw", "sub/x.raw", "x.id", "README", "moved")},
            {
                "text": "a\nb\n",
                "binary": "a\r\n\0",
                "kept": "a\r\n",
                "x.raw": "a\r\n",
                "sub/x.raw": "a\n\0",
                "x.id": "$Id$",
                "README": "a\n",
                "moved": "a\n",
            },
        )

    async def test_large(self) -> None:
        """
        Large contents are written as they come, converted like small ones.
        """
        await self.commit_files(action(Header.CREATE, ".gitattributes", b"raw -text\nid ident\n"))
        piece = b"0123456789\r\n" * 5000
        count = LARGE // len(piece) + 1
        encoded = base64.b64encode(piece * count)
        await self.commit_files(
            action(Header.CREATE, "text", [piece] * count),
            action(Header.CREATE, "raw", [piece] * count),
            action(Header.CREATE, "plain", [b"x" * 100_000] * (LARGE // 100_000 + 1)),
            action(Header.CREATE, "id", [piece] * count + [b"$Id: x$"]),
            action(Header.CREATE, "coded", [encoded[:7], encoded[7:-5], encoded[-5:]], base64_content=True),
        )
        tree = self.tree("main")
        whole = (piece * count).decode()
        self.assertEqual(tree["text"][1], whole.replace("\r", ""))
        self.assertEqual(tree["raw"][1], whole)
        self.assertEqual(tree["plain"][1], "x" * 100_000 * (LARGE // 100_000 + 1))
        self.assertEqual(tree["id"][1], whole.replace("\r", "") + "$Id$")
        self.assertEqual(tree["coded"], tree["text"])
        self.nothing_staged()

    async def test_many(self) -> None:
        """
        What waits in memory is bounded over all files.
        """
        half = b"x" * (contents._WAITING // 2 + 1)
        changed = await self.changed(*(action(Header.CREATE, f"file-{number}", half) for number in range(4)))
        self.assertEqual(changed, {f"file-{number}": (REGULAR, half.decode()) for number in range(4)})

    async def test_base64(self) -> None:
        """
        Base64 may be cut and wrapped anywhere; what is none is refused, with no code of its own, whatever comes after it.
        """
        encoded = b"\r\n".join((b"aGVs", b"", b"bG8sIHdv", b"cmxkIQ", b"==\n"))
        pieces = [encoded[at : at + 1] for at in range(len(encoded))]
        self.assertEqual(
            await self.changed(action(Header.CREATE, "new", pieces, base64_content=True)), {"new": (REGULAR, "hello, world!")}
        )
        for bad in ([b"a"], [b"YQ=="] * 2, [b"YQ=", b"=", b"YQ"], [b"*&^%"], [b"YQ-_"], [b"=YQ="], [b"*&^%", b"YQ=="]):
            for kind, prefix in (
                (Header.CREATE, "write created blob: "),
                (Header.UPDATE, "write updated blob: "),
                (Header.MOVE, ""),
            ):
                with self.subTest(bad=bad, kind=kind):
                    requests = action(kind, "README", bad, base64_content=True, previous_path=b"run")
                    called = self.commit_files(requests, action(Header.CREATE, "", b"x"))
                    await self.refused(called, Code.INTERNAL, f"{prefix}illegal base64 data")


class ConversationTests(CommitFilesCase):
    """
    What is sent in which order.
    """

    async def test_header(self) -> None:
        """
        What the header lacks is told in Gitaly's order.
        """
        for change, text in (
            ({"repository": Repository(), "user": None}, "repository not set"),
            ({"user": None, "commit_message": b""}, "empty User"),
            ({"commit_message": b"", "branch_name": b""}, "empty CommitMessage"),
            ({"branch_name": b"", "start_sha": "x"}, "empty BranchName"),
            ({"start_sha": "foobar"}, 'invalid object ID: "foobar", expected length 40, got 6'),
        ):
            with self.subTest(text=text):
                await self.refused(self.commit_files(**change), Code.INVALID_ARGUMENT, text)
        await self.refused(self.stream("UserCommitFiles"), Code.INTERNAL, "EOF")
        for first in (pb.UserCommitFilesRequest(), action(Header.DELETE, "README")[0]):
            called = self.stream("UserCommitFiles", first)
            await self.refused(called, Code.INVALID_ARGUMENT, "empty UserCommitFilesRequestHeader")

    async def test_order(self) -> None:
        """
        A content needs an action, and there is one header; that is told before what is wrong with the actions.
        """
        content = pb.UserCommitFilesRequest(action=pb.UserCommitFilesAction(content=b"x"))
        await self.refused(self.commit_files([content]), Code.INTERNAL, "content sent before action")
        for second in (header(), pb.UserCommitFilesRequest(), pb.UserCommitFilesRequest(action=pb.UserCommitFilesAction())):
            called = self.commit_files(action(Header.CREATE, "../x", b"x"), [second])
            await self.refused(called, Code.INTERNAL, "unhandled action payload type: <nil>")
        self.nothing_staged()

    async def test_broken_off(self) -> None:
        """
        A caller that goes away in the middle leaves nothing.
        """

        async def requests() -> AsyncIterator[pb.UserCommitFilesRequest]:
            yield header()
            for request in action(Header.CREATE, "x", b"x" * LARGE):
                yield request
            raise RuntimeError("gone")

        with self.assertRaises(RuntimeError):
            await self.service.UserCommitFiles(self.make_call("UserCommitFiles"), requests())
        self.nothing_staged()


class BaseTests(CommitFilesCase):
    """
    What a commit is made on, and what the branch has to be.
    """

    metadata: dict[str, tuple[str, ...]] = {}

    async def update(self, **fields: Any) -> tuple[pb.OperationBranchUpdate, list[str]]:
        """
        Commit a new file.

        :returns: what became of the branch, and the commit's parents.
        """
        reply = await self.commit_files(action(Header.CREATE, "new", b"x"), **fields)
        update = reply.branch_update
        self.nothing_staged()
        return update, self.run_git("rev-list", "--parents", "-1", update.commit_id).split()[1:]

    async def test_branches(self) -> None:
        """
        A new branch begins where it is told to, or with a history of its own.
        """
        second = self.commit({"other": "x"}, branch="other")
        for fields, created, parents in (
            ({"branch_name": b"n1", "start_sha": self.first}, True, [self.first]),
            ({"branch_name": b"n2", "start_branch_name": b"other"}, True, [second]),
            ({"branch_name": b"n3", "start_branch_name": b"main", "start_repository": case.NAME}, True, [self.first]),
            ({"branch_name": b"n4"}, True, []),
            ({"branch_name": b"other"}, False, [second]),
        ):
            with self.subTest(fields=fields):
                update, found = await self.update(**fields)
                self.assertEqual((update.branch_created, update.repo_created, found), (created, False, parents))

    async def test_empty_repository(self) -> None:
        """
        The first branch makes the repository, whatever it should have started from.
        """
        name = Repository(storage_name="default", relative_path="empty.git", gl_repository="project-2")
        await self.stack.provider.create(name)
        reply = await self.commit_files(repository=name, start_branch_name=b"nope")
        self.assertEqual((reply.branch_update.branch_created, reply.branch_update.repo_created), (True, True))
        reply = await self.commit_files(repository=name)
        self.assertEqual((reply.branch_update.branch_created, reply.branch_update.repo_created), (False, False))

    async def test_other_repository(self) -> None:
        """
        The start may be in another repository; what is not here comes from there. One without branches is where the first branch
        is being made.
        """
        fork = await self.stack.provider.create(FORK)
        history = History(fork.directory)
        self.metadata = {KEY: (encode_servers({"default": Server("unix:/there")}),)}
        fields: dict[str, Any] = {"start_repository": FORK, "branch_name": b"n1"}
        self.assertEqual((await self.update(**fields))[1], [])
        start = history.ref("refs/heads/n1", history.commit({"there": "x"}))
        other = history.ref("refs/heads/x", history.commit({"other": "x"}))
        for fields, parent in (
            ({"branch_name": b"n1", "force": True}, start),
            ({"branch_name": b"n2", "start_branch_name": b"x"}, other),
            ({"branch_name": b"n3", "start_sha": str(history.commit({"more": "x"}, start))}, None),
        ):
            update, found = await self.update(start_repository=FORK, **fields)
            self.assertEqual(found, [fields.get("start_sha", str(parent))])
        self.assertEqual(sorted(self.tree(update.commit_id)), ["more", "new"])

    async def test_not_elsewhere(self) -> None:
        """
        What is not there either is told; where nothing has to be asked there, nothing is.
        """
        missing = "1" * 40
        there: dict[str, Any] = {"start_repository": FORK, "branch_name": b"new"}
        text = "remote repository: empty gitaly-servers metadata"
        await self.refused(self.commit_files(**there), Code.INTERNAL, f"resolve parent commit: {text}")
        await self.refused(self.commit_files(**there, start_sha=missing), Code.INTERNAL, f"fetch missing commit: {text}")
        await self.update(**there, start_sha=self.first)
        self.metadata = {KEY: (encode_servers({"default": Server("unix:/there")}),)}
        there["branch_name"] = b"newer"
        text = "resolve parent commit: rpc error: code = NotFound desc = repository not found"
        await self.refused(self.commit_files(**there), Code.NOT_FOUND, text)
        fork = await self.stack.provider.create(FORK)
        History(fork.directory).ref("refs/heads/x", History(fork.directory).commit({}))
        text = 'resolve parent commit: resolving refish "refs/heads/newer^{commit}" in *remoterepo.Repo: reference not found'
        await self.refused(self.commit_files(**there), Code.INTERNAL, text)
        text = "fetch missing commit: fetch: fetch: the server refused"
        await self.refused(self.commit_files(**there, start_sha=missing), Code.INTERNAL, text)

    async def test_no_parent(self) -> None:
        """
        A start that is not there is told.
        """
        blob = self.run_git("rev-parse", "main:README")
        missing = "fetch missing commit: lookup parent commit: reference not found"
        for fields, text in (
            ({"start_sha": "1" * 40}, missing),
            ({"start_sha": blob}, missing),
            (
                {"start_branch_name": b'no"pe'},
                'resolve parent commit: resolving refish "refs/heads/no\\"pe^{commit}" in *localrepo.Repo: reference not found',
            ),
        ):
            with self.subTest(text=text):
                await self.refused(self.commit_files(branch_name=b"new", **fields), Code.INTERNAL, text)

    async def test_moved(self) -> None:
        """
        The branch has to be where the commit was made, or what the caller expects, unless it is to be overwritten.
        """
        second = self.commit({"other": "x"})
        stale = "reference update: reference does not point to expected object"
        for fields in ({"start_sha": self.first}, {"expected_old_oid": self.first}):
            await self.refused(self.commit_files(**fields), Code.FAILED_PRECONDITION, stale)
        update, parents = await self.update(start_sha=self.first, force=True)
        self.assertEqual((update.branch_created, parents), (False, [self.first]))
        update, parents = await self.update(start_sha=self.first, expected_old_oid=update.commit_id)
        self.assertEqual((update.branch_created, parents), (False, [self.first]))
        for oid, text in (
            ("abc", 'invalid expected old object ID: invalid object ID: "abc", expected length 40, got 3'),
            ("0" * 40, "cannot resolve expected old object ID: reference not found"),
        ):
            await self.refused(self.commit_files(expected_old_oid=oid), Code.INVALID_ARGUMENT, text)
        self.assertNotIn(second, self.refs().values())

    async def test_names(self) -> None:
        """
        Names that no branch may have are refused, also those that git takes only by mistake.
        """
        for name in (b"a b", b"a..b", b"x.lock", b"@{x", b"-evil", b"HEAD"):
            with self.subTest(name=name):
                called = self.commit_files(branch_name=name)
                await self.refused(called, Code.FAILED_PRECONDITION, "reference update: invalid reference format")


class CommitTests(CommitFilesCase):
    """
    The commit itself, and who has a say in it.
    """

    async def test_people(self) -> None:
        """
        The user commits; the author is whom the request names, or the user. Names are cleaned up.
        """
        now = f"{case.NOW} +0530"
        for fields, author, committer in (
            ({}, f"Alpha <alpha@example.org> {now}", f"Alpha <alpha@example.org> {now}"),
            (
                {"commit_author_name": b" Be\nta. ", "commit_author_email": b"<b>"},
                f"Beta <b> {now}",
                f"Alpha <alpha@example.org> {now}",
            ),
            ({"commit_author_name": b" \n"}, f"Alpha <alpha@example.org> {now}", f"Alpha <alpha@example.org> {now}"),
            (
                {"timestamp": case.at(5), "user": User(gl_id="user-1", name=b"G", email=b"g")},
                "G <g> 5 +0000",
                "G <g> 5 +0000",
            ),
        ):
            with self.subTest(fields=fields):
                reply = await self.commit_files(**fields)
                lines = self.run_git("cat-file", "commit", reply.branch_update.commit_id).split("\n")
                self.assertEqual(lines[2:], [f"author {author}", f"committer {committer}", "", "message"])

    async def test_no_signature(self) -> None:
        """
        Who has no name or no address commits nothing.
        """
        text = "commit: failed to parse signature - Signature cannot have an empty name or email"
        for user in (User(), User(name=b" ", email=b" "), User(name=b"a"), User(email=b"a"), User(name=b".;", email=b"a")):
            with self.subTest(user=user):
                await self.refused(self.commit_files(user=user), Code.INVALID_ARGUMENT, text)
        author = {"commit_author_name": b"a", "commit_author_email": b"b"}
        await self.refused(self.commit_files(user=User(), **author), Code.INTERNAL, "missing committer name")
        user = User(name=b"a", email=b"a", timezone="Mars")
        await self.refused(self.commit_files(user=user), Code.INVALID_ARGUMENT, "getting date from proto: unknown time zone Mars")

    async def test_nobody_looks(self) -> None:
        """
        What nobody looks at before it is written is not put on the disk twice.
        """
        self.service = OperationService(evolve(self.ports, updater=unwatched(self.stack)))
        made: list[Any] = []
        self.patch(FilesystemStaging, "_show", lambda staging: made.append(staging))
        reply = await self.commit_files(action(Header.CREATE, "new", b"x"))
        self.assertEqual(made, [])
        self.assertEqual(self.tree(reply.branch_update.commit_id)["new"], (REGULAR, "x"))
        self.nothing_staged()

    async def test_denied(self) -> None:
        """
        Hooks see the commit, and refuse with details; the application without.
        """
        self.hook("update", 'git show "$3:new"; exit 1')
        hook = CustomHookError(stdout=b"x", hook_type=CustomHookError.HOOK_TYPE_UPDATE)
        await self.refused(
            self.commit_files(action(Header.CREATE, "new", b"x")),
            Code.PERMISSION_DENIED,
            "denied by custom hooks",
            pb.UserCommitFilesError(custom_hook=hook),
        )
        self.application.denies = "no"
        text = "update reference: running pre-receive hooks: GitLab: no"
        await self.refused(self.commit_files(), Code.INTERNAL, text)
        self.hook("update", "exit 0")
        self.application.denies, self.application.complains = None, "late"
        text = "update reference: running post-receive hooks: late"
        await self.refused(self.commit_files(), Code.INTERNAL, text)
        self.nothing_staged()


class Sha256Tests(CommitFilesCase):
    """
    In a repository of the other format.
    """

    object_format = "sha256"

    def fill(self) -> None:
        """
        One file: git fast-import writes no submodules of the wrong length.
        """
        self.first = self.commit({"README": "read\n"})

    async def test_create(self) -> None:
        """
        A commit is made like any other.
        """
        self.assertEqual(
            await self.changed(action(Header.CREATE, "a/b", b"x\r\n"), action(Header.DELETE, "README")),
            {"a/b": (REGULAR, "x\n"), "README": None},
        )
