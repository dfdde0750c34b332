"""
Which custom hooks a repository has.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.hooks.customfiles import HookFile, HookUnusable, find_hooks


class FindTests(SynchronousTestCase):
    """
    ``find_hooks``.
    """

    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        self.repository = os.path.join(self.root, "thing.git")
        self.everywhere = os.path.join(self.root, "hooks")
        os.makedirs(self.repository)

    def write(self, path: str, mode: int = 0o755) -> None:
        whole = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "w"):
            pass
        os.chmod(whole, mode)

    def found(self, name: str = "update") -> list[str]:
        return [hook.label for hook in find_hooks(self.repository, (self.everywhere,), name)]

    def unusable(self) -> tuple[str, str]:
        error = self.assertRaises(HookUnusable, self.found)
        return error.label, error.why

    def test_none(self) -> None:
        """
        Most repositories have none.
        """
        self.assertEqual(self.found(), [])
        self.write("thing.git/custom_hooks")
        self.assertEqual(self.found(), [])

    def test_order(self) -> None:
        """
        The repository's own file, its directory by name, then the directories for all.
        """
        for path in (
            "hooks/update.d/z",
            "hooks/update.d/a",
            "thing.git/custom_hooks/update.d/9",
            "thing.git/custom_hooks/update.d/10",
        ):
            self.write(path)
        self.write("thing.git/custom_hooks/update")
        self.write("thing.git/custom_hooks/pre-receive")
        expected = ["custom_hooks/update", "custom_hooks/update.d/10", "custom_hooks/update.d/9", "update.d/a", "update.d/z"]
        self.assertEqual(self.found(), expected)
        self.assertEqual(
            find_hooks(self.repository, (), "pre-receive"),
            [HookFile(f"{self.repository}/custom_hooks/pre-receive", "custom_hooks/pre-receive")],
        )

    def test_left_out(self) -> None:
        """
        Copies of editors, directories, and what was switched off.
        """
        self.write("hooks/update.d/a~")
        self.write("hooks/update.d/b", 0o644)
        self.write("hooks/update.d/c/d")
        self.write("hooks/update.d/e")
        os.symlink(os.path.join(self.everywhere, "update.d", "e"), os.path.join(self.everywhere, "update.d", "f"))
        self.assertEqual(self.found(), ["update.d/e", "update.d/f"])
        os.makedirs(os.path.join(self.repository, "custom_hooks", "update"))
        self.assertEqual(self.found(), ["update.d/e", "update.d/f"])

    def test_not_executable(self) -> None:
        """
        The single file must be executable (H2).
        """
        self.write("thing.git/custom_hooks/update", 0o644)
        self.assertEqual(self.unusable(), ("custom_hooks/update", "not executable"))

    def test_broken_links(self) -> None:
        """
        A link that leads nowhere was meant to be something.
        """
        os.makedirs(os.path.join(self.repository, "custom_hooks"))
        os.symlink("nowhere", os.path.join(self.repository, "custom_hooks", "update"))
        self.assertEqual(self.unusable(), ("custom_hooks/update", "broken symbolic link"))
        os.remove(os.path.join(self.repository, "custom_hooks", "update"))
        os.makedirs(os.path.join(self.everywhere, "update.d"))
        os.symlink("nowhere", os.path.join(self.everywhere, "update.d", "a"))
        self.assertEqual(self.unusable(), ("update.d/a", "No such file or directory"))

    def test_file_for_directory(self) -> None:
        """
        A file stands where a directory should be.
        """
        self.write("hooks/update.d")
        self.assertEqual(self.unusable(), ("update.d", "not a directory"))

    def test_unreadable(self) -> None:
        """
        What nobody can look at may hold a hook.
        """

        def forbidden(path: str) -> object:
            raise PermissionError(13, "Permission denied", path)

        os.makedirs(os.path.join(self.repository, "custom_hooks", "update.d"))
        for name in ("listdir", "lstat"):
            patched = self.patch(os, name, forbidden)
            self.assertEqual(self.unusable(), ("custom_hooks/update.d", "Permission denied"))
            patched.restore()
        self.patch(os, "stat", forbidden)
        self.assertEqual(self.unusable(), ("custom_hooks/update", "Permission denied"))
