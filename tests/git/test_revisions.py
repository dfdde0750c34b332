"""
Revisions are resolved as git resolves them, mostly without asking it.
"""

from __future__ import annotations

from gitaly_tx.git.interfaces import IObjects
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.revisions import Parsed, ask_git, find, look_at, parse, resolve
from tests.support.git import git
from tests.support.readcase import ReadCase

HISTORY = """\
commit refs/heads/main
mark :1
committer C <c@example.org> 1700000000 +0000
data 3
one
M 100644 inline dir/sub/file
data 1
1
M 120000 inline dir/link
data 4
file
M 160000 1111111111111111111111111111111111111111 module

commit refs/heads/side
mark :2
committer C <c@example.org> 1700000001 +0000
data 3
two
from :1

commit refs/heads/main
mark :3
committer C <c@example.org> 1700000002 +0000
data 5
three
from :1
merge :2

reset refs/remotes/origin/main
from :1

reset refs/heads/both
from :1

reset refs/tags/both
from :3

reset refs/keep/around
from :2

tag v1
from :1
tagger C <c@example.org> 1700000003 +0000
data 2
v1
"""

RESOLVED_HERE = """
HEAD @ main side heads/main refs/heads/main keep/around origin origin/main tags/v1 v1 both refs/tags/both
nope refs/heads/nope nope/nope heads/nope a..b main..side ma?n main/
HEAD^ HEAD^0 HEAD^1 HEAD^2 HEAD^3 HEAD~ HEAD~0 HEAD~1 HEAD~2 HEAD~50 HEAD^^ HEAD^2~1 HEAD~1^2 main^2^0 @^ @~1
main^{} main^{commit} main^{tree} main^{blob} main^{tag} main^{object} main^{tree}^{commit} nope^{commit}
v1^{} v1^{commit} v1^{tree} v1^{tag} v1^{object} v1~0 v1^0 v1^ v1^{tree}~1
main: main:dir main:dir/ main:dir/sub/file main:dir/sub/file/ main:dir//sub main:/dir main:nope main:./dir main:../dir main:dir/.
main:dir/link main:dir/link/x main:module main:module/x main:dir:x main:dir~1
main~1:dir v1:dir v1^{tree}:dir nope:dir main^{blob}:dir
"""

LEFT_TO_GIT = """
main^{/two} main^@ main^! main^-1 main^{nonsense} :/two main@{0} main@{upstream} @{-1} HEAD@{1} FETCH_HEAD ORIG_HEAD ^main
main~1000 :0:file x\0y --all :
"""


class RevisionsTests(ReadCase):
    """
    ``gitaly_tx.git.revisions``, with SHA-1
    """

    def fill(self) -> None:
        """
        Two branches that were merged, tags, and names that stand for several things.
        """
        stream = HISTORY.replace("1" * 40, "1" * (40 if self.object_format == "sha1" else 64))
        self.import_stream(stream)
        self.run_git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
        self.run_git("symbolic-ref", "refs/heads/unborn", "refs/heads/nowhere")
        for name, revision in (("blob", "main:dir/sub/file"), ("tree", "main^{tree}")):
            self.run_git("tag", name, revision)
        self.run_git("tag", "-a", "-m", "a tag of a tag", "v2", "v1")
        self.run_git("tag", "-a", "-m", "a tag of a tree", "vtree", "main^{tree}")

    def expected(self, revision: str) -> bytes | None:
        """
        What git makes of a revision.
        """
        if "\0" in revision:
            return None
        words = ["-C", self.directory.path, "rev-parse", "--verify", "--quiet", "--end-of-options", revision]
        try:
            output = git(*words).split()
        except AssertionError:
            return None
        return output[-1] if len(output) <= 2 and not output[-1].startswith((b"^", b"--")) else None

    async def check(self, revisions: list[str]) -> None:
        """
        That revisions are resolved as git does it.
        """
        for revision in revisions:
            found = await resolve(self.git_port, self.repository, revision.encode())
            self.assertEqual(found, self.expected(revision), revision)

    async def test_here(self):
        """
        Names, ids, steps and paths are resolved as git does, without a child.
        """
        self.run_git("update-ref", "refs/heads/" + "f" * 41, "main")
        full = [self.run_git("rev-parse", name) for name in ("main", "v1", "main^{tree}", "main:dir/sub/file")]
        also = [
            "v2",
            "v2^{tag}",
            "v2^{commit}",
            "v2~1",
            "blob",
            "blob^{blob}",
            "blob^{tree}",
            "tree:dir",
            "tree^{tree}",
            "vtree:dir",
        ]
        upper = [full[0].upper()]
        missing = ["12" * (len(full[0]) // 2)]
        await self.check(
            [*RESOLVED_HERE.split(), *full, *also, *upper, *missing, missing[0] + "^{commit}", full[0] + "~1", "unborn"]
        )
        self.assertEqual(self.started, [])

    async def test_by_git(self):
        """
        What only git knows is asked of it, and nothing that is no revision is taken for one.
        """
        oid = self.run_git("rev-parse", "main")
        described = f"v1-2-g{oid[:10]}"
        await self.check([*LEFT_TO_GIT.split(), oid[:7], oid[:12] + "^{tree}", oid[:12] + ":dir", described, "abcdef0"])
        self.assertGreater(len(self.started), 10)

    async def test_packed(self):
        """
        It makes no difference whether refs and objects are packed.
        """
        self.run_git("pack-refs", "--all")
        self.run_git("repack", "-adq")
        await self.check(RESOLVED_HERE.split())

    async def test_ask_git(self):
        """
        git is never given what it could take for an option.
        """
        for revision in (b"--all", b"-x", b"a\0b"):
            self.assertIsNone(await ask_git(self.git_port, self.repository, revision))
        self.assertEqual(self.started, [])

    async def test_find(self):
        """
        An object of the wanted type is found behind tags and commits, and none of another type.
        """
        for revision, type, expected in (
            ("v2", b"commit", "main~1"),
            ("v2", b"tree", "main~1^{tree}"),
            ("v2", b"tag", "v2"),
            ("main", b"tag", None),
            ("tree", b"commit", None),
            ("blob", b"tree", None),
            ("nope", b"commit", None),
            ("12" * 20, b"commit", None),
        ):
            found = await find(self.git_port, self.repository, revision.encode(), type)
            self.assertEqual(None if found is None else str(found.oid), expected and self.run_git("rev-parse", expected))

    async def test_look_at(self):
        """
        A job gets the id that a revision stands for, and is not called for one that stands for nothing.
        """

        def job(objects: IObjects, oid: ObjectID) -> tuple[bytes, bool]:
            return oid, objects.info(oid) is not None

        main = self.run_git("rev-parse", "main").encode()
        self.assertEqual(await look_at(self.git_port, self.repository, b"main", job), (main, True))
        self.assertEqual(await look_at(self.git_port, self.repository, b"main~0", job), (main, True))
        missing = b"12" * (len(main) // 2)
        self.assertEqual(await look_at(self.git_port, self.repository, missing, job), (missing, False))
        for revision in (b"nope", b"main~9", b"main^{/nonsense}"):
            self.assertIsNone(await look_at(self.git_port, self.repository, revision, job))

    async def test_empty_tree(self):
        """
        The empty tree is there whether it was written or not.
        """
        empty = self.run_git("hash-object", "-t", "tree", "/dev/null")
        await self.check([empty + "^{tree}", empty + "^{object}", empty + ":", empty + ":x", empty + "^{commit}"])


class Sha256Tests(RevisionsTests):
    """
    ``gitaly_tx.git.revisions``, with SHA-256
    """

    object_format = "sha256"


class ParseTests(ReadCase):
    """
    ``parse``
    """

    def test_parsed(self):
        """
        A revision is a base, steps and a path.
        """
        for revision, expected in (
            (b"main", Parsed(b"main")),
            (b"@", Parsed(b"HEAD")),
            (b"a~2^{commit}^^0:x:y", Parsed(b"a", ((b"~", 2), (b"{commit}", 0), (b"^", 1), (b"^", 0)), b"x:y")),
            (b"a:", Parsed(b"a", (), b"")),
            (b"a:~1", Parsed(b"a", (), b"~1")),
        ):
            self.assertEqual(parse(revision), expected)

    def test_left_to_git(self):
        """
        Everything else is left to git: what is rare, and what takes long.
        """
        for revision in (b"", b":a", b"a@{1}", b"a^{/x}", b"a^!", b"a^@", b"a^-", b"a~65", b"a" + b"^" * 65, b"a~40~40", b"a\0"):
            self.assertIsNone(parse(revision))
