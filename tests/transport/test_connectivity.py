"""
Whether everything is there.
"""

from __future__ import annotations

import os

from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.transport.connectivity import Connectivity
from tests.support import pushcase
from tests.support.git import git
from tests.support.hookcase import Told


class ConnectivityTests(pushcase.PushCase):
    """
    ``Connectivity``.
    """

    async def test_nothing(self) -> None:
        """
        Nothing is always connected.
        """
        self.assertEqual(await Connectivity(self.git, self.directory).broken([], None, False), {})

    async def test_halves(self) -> None:
        """
        The broken ones among many are found, each once, with what git says of them.
        """
        tips = [ObjectID(self.main)]
        for number in range(20):
            words = ("commit-tree", "-m", str(number), "main^{tree}")
            tips.append(ObjectID(git("--git-dir", self.directory.path, *words).strip()))
        bad = [ObjectID(b"%040x" % number) for number in (1, 2)]
        told = Told()
        connectivity = Connectivity(self.git, self.directory)
        self.assertEqual(await connectivity.broken(tips, told, True), {})
        found = await connectivity.broken([*tips[:7], bad[0], *tips[7:], bad[1], bad[0]], told, False)
        self.assertEqual(set(found), set(bad))
        self.assertEqual(found[bad[1]], b"fatal: bad object %b\n" % bad[1])
        self.assertEqual(told.data, b"fatal: bad object %b\n" % bad[0])

    async def test_unreadable_ref(self) -> None:
        """
        A ref that cannot be read, as one that is deleted while git looks, makes no tip broken that is whole, and none whole that
        is broken.
        """
        with open(os.path.join(self.directory.path, "refs", "heads", "going"), "wb"):
            pass
        tip, bad = ObjectID(self.main), ObjectID(b"%040x" % 1)
        found = await Connectivity(self.git, self.directory).broken([tip, bad], None, False)
        self.assertEqual(found, {bad: b"fatal: bad object %b\n" % bad})

    async def test_more_tips_than_git_reads(self) -> None:
        """
        A git that gives up before it has read all tips has said enough.
        """
        tips = [ObjectID(b"%040x" % number) for number in range(1, 40_000)]
        connectivity = Connectivity(self.git, self.directory)
        found, said = await connectivity._walk(tips, None)
        self.assertEqual((found, said), (False, b"fatal: bad object %b\n" % tips[0]))

    async def test_shallow(self) -> None:
        """
        History may end where a file says.
        """
        tip, _ = self.new_commit()
        path = os.path.join(self.root, "shallow")
        with open(path, "wb") as file:
            file.write(tip + b"\n")
        whole = os.path.join(self.root, "partial.git")
        git("clone", "--quiet", "--bare", "--depth=1", f"file://{self.directory.path}", whole)
        directory = type(self.directory)(whole)
        shallow = os.path.join(whole, "shallow")
        with open(shallow, "rb") as file:
            boundary = ObjectID(file.read().strip())
        os.rename(shallow, path)
        git("--git-dir", whole, "update-ref", "-d", "refs/heads/main")
        connectivity = Connectivity(self.git, directory)
        self.assertEqual(list(await connectivity.broken([boundary], None, False)), [boundary])
        self.assertTrue(await connectivity.connected(boundary, path))
