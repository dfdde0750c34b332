"""
``LastCommitForPath`` and ``ListLastCommitsForTree``
"""

from __future__ import annotations

from typing import Any

from protocols.gitaly.shared_pb2 import GlobalOptions

from .case import CommitCase

LITERAL = GlobalOptions(literal_pathspecs=True)


class LastCommitForPathTests(CommitCase):
    """
    ``LastCommitForPath``
    """

    async def test_found(self):
        """
        The newest commit that touched a path or a pattern, also one that is gone by now.
        """
        for path, fields, expected in (
            (b"README", {}, "three"),
            (b"side", {}, "two"),
            (b"bin/run", {}, "three"),
            (b"bin", {}, "three"),
            (b"deep/", {}, "one"),
            (b"si*", {}, "two"),
            (b"", {}, "merge"),
            (b"/", {}, "merge"),
            (b"si*", {"literal_pathspec": True}, None),
            (b"si*", {"global_options": LITERAL}, None),
            (b"nope", {}, None),
        ):
            expected_id = self.last(path) if expected == "merge" else self.ids.get(expected or "")
            reply = await self.asked("LastCommitForPath", revision=b"main", path=path, **fields)
            self.assertEqual(reply.commit.id if reply.HasField("commit") else None, expected_id, path)

    def last(self, path: bytes) -> str:
        """
        What git log finds.
        """
        return self.run_git("log", "-1", "--format=%H", "main", "--", path.decode().strip("/") or ".")

    async def test_refused(self):
        """
        A path inside the repository and a revision that stands for something are needed.
        """
        for revision, path, expected in (
            (b"main", b"/README", "INVALID_ARGUMENT path is an absolute path"),
            (b"main", b"../README", "INVALID_ARGUMENT path escapes repository"),
            (b"main", b"bin/../..", "INVALID_ARGUMENT path escapes repository"),
            (b"nope", b"README", "INTERNAL logging last commit for path: exit status 128"),
        ):
            self.assertEqual(await self.refused("LastCommitForPath", revision=revision, path=path), expected)


class ListLastCommitsForTreeTests(CommitCase):
    """
    ``ListLastCommitsForTree``
    """

    async def found(self, **fields: Any) -> list[tuple[str, str]]:
        """
        Paths with the first words of their commits.
        """
        fields.setdefault("limit", 99)
        fields.setdefault("revision", "main")
        replies = await self.replies(self.call("ListLastCommitsForTree", **fields))
        return [
            (each.path_bytes.decode(), each.commit.subject.decode().split()[0]) for reply in replies for each in reply.commits
        ]

    async def test_listed(self):
        """
        Directories, files and submodules of a directory, each with its commit.
        """
        everything = [("bin", "three"), ("deep", "one"), ("README", "three"), ("side", "two"), ("module", "one")]
        for fields, expected in (
            ({}, everything),
            ({"path": b"/"}, everything),
            ({"path": b"."}, everything),
            ({"limit": 2, "offset": 1}, everything[1:3]),
            ({"limit": 0}, []),
            ({"offset": 5}, []),
            ({"path": b"bin/"}, [("bin/link", "one"), ("bin/ran", "three")]),
            ({"path": b"bin"}, [("bin", "three")]),
            ({"path": b"./bin/"}, [("bin/link", "one"), ("bin/ran", "three")]),
            ({"path": b"README"}, [("README", "three")]),
            ({"path": b"README/"}, []),
            ({"path": b"module/"}, []),
            ({"path": b"nope"}, []),
            ({"path": b"bin/nope/"}, []),
        ):
            self.assertEqual(await self.found(**fields), expected, fields)

    async def test_literal(self):
        """
        Names that look like patterns are names if the caller says so.
        """
        self.import_stream(
            "commit refs/heads/odd\ncommitter C <c@x> 1 +0000\ndata 3\nodd\nM 100644 inline *\ndata 0\n\n"
            "commit refs/heads/odd\ncommitter C <c@x> 2 +0000\ndata 5\nother\nM 100644 inline a\ndata 0\n\n"
        )
        self.assertEqual(await self.found(revision="odd"), [("*", "other"), ("a", "other")])
        self.assertEqual(await self.found(revision="odd", global_options=LITERAL), [("*", "odd"), ("a", "other")])

    async def test_not_literal(self):
        """
        A name that as a pattern matches nothing is not found.
        """
        self.import_stream("commit refs/heads/odd\ncommitter C <c@x> 1 +0000\ndata 3\nodd\nM 100644 inline :^*\ndata 0\n\n")
        self.assertEqual(await self.refused("ListLastCommitsForTree", revision="odd", limit=9), "INTERNAL object not found")

    async def test_ten(self):
        """
        A message has ten entries, the last one the rest.
        """
        files = "".join(f"M 100644 inline f{number}\ndata 0\n\n" for number in range(12))
        self.import_stream(f"commit refs/heads/many\ncommitter C <c@x> 1 +0000\ndata 1\nx\n{files}")
        replies = await self.replies(self.call("ListLastCommitsForTree", revision="many", limit=99))
        self.assertEqual([len(reply.commits) for reply in replies], [10, 2])

    async def test_refused(self):
        """
        Numbers must not be negative, the revision must stand for a tree, and the path must not lead out of it.
        """
        for fields, expected in (
            ({"offset": -1}, "INVALID_ARGUMENT offset negative"),
            ({"limit": -1}, "INVALID_ARGUMENT limit negative"),
            ({"revision": "nope"}, "INTERNAL exit status 128"),
            ({"path": b".."}, "INTERNAL exit status 128"),
            ({"path": b"bin/../../x"}, "INTERNAL exit status 128"),
            ({"path": b"/bin"}, "INTERNAL exit status 128"),
        ):
            refused = await self.refused("ListLastCommitsForTree", **{"revision": "main", **fields})
            self.assertEqual(refused, expected)
