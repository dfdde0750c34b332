"""
Tests for :mod:`gitaly_tx.services.repository.license` and :mod:`gitaly_tx.linguist.licensefiles`.
"""

from __future__ import annotations

from gitaly_tx.errors import Code
from gitaly_tx.linguist import licensefiles
from tests.linguist.test_texts import text_of

from .case import RepositoryCase


class FindLicenseTests(RepositoryCase):
    """
    ``FindLicense``
    """

    async def found(self, **files: str) -> tuple[str, str]:
        """
        Short name and path, after a commit with these files alone.
        """
        self.commit_files({name.replace("__", "."): content for name, content in files.items()}, base=False)
        reply = await self.reply(self.call("FindLicense"))
        return reply.license_short_name, reply.license_path

    async def test_details(self) -> None:
        """
        All that is known of a licence is answered, and remembered.
        """
        self.commit_files({"LICENSE": text_of("GPL-2.0"), "a": ""})
        reply = await self.reply(self.call("FindLicense"))
        self.assertEqual(
            (reply.license_short_name, reply.license_name, reply.license_url, reply.license_path, reply.license_nickname),
            (
                "gpl-2.0",
                "GNU General Public License v2.0 only",
                "https://www.gnu.org/licenses/old-licenses/gpl-2.0-standalone.html",
                "LICENSE",
                "GNU GPLv2",
            ),
        )
        self.started.clear()
        self.assertEqual(await self.reply(self.call("FindLicense")), reply)
        self.assertEqual(self.started, [])

    async def test_other(self) -> None:
        """
        A text that nobody knows is some licence.
        """
        self.commit_files({"COPYING.md": "who knows", "LICENSE": "me not"})
        reply = await self.reply(self.call("FindLicense"))
        self.assertEqual(
            (reply.license_short_name, reply.license_name, reply.license_path, reply.license_nickname, reply.license_url),
            ("other", "Other", "COPYING.md", "LICENSE", ""),
        )

    async def test_none(self) -> None:
        """
        Without a file that looks like a licence at the root there is none; nor in a repository without commits.
        """
        self.assertFalse((await self.reply(self.call("FindLicense"))).ListFields())
        self.commit_files({"legal/LICENSE": text_of("MIT"), "README": text_of("MIT"), "mitigate": text_of("MIT")})
        self.assertFalse((await self.reply(self.call("FindLicense"))).ListFields())

    async def test_best(self) -> None:
        """
        The file counts of which more is a licence, whatever its name.
        """
        changed = text_of("MIT").replace("without restriction", "in any way")
        self.assertEqual(
            await self.found(LICENSE=changed, apache=text_of("Apache-2.0"), COPYING="x" * 200), ("apache-2.0", "apache")
        )

    async def test_pointer(self) -> None:
        """
        A small file may name the one that is meant.
        """
        self.assertEqual(await self.found(LICENSE="mit.txt\n", mit__txt=text_of("MIT")), ("mit", "mit.txt"))
        self.assertEqual(await self.found(LICENSE="nothing.txt\n"), ("other", "LICENSE"))

    async def test_names(self) -> None:
        """
        What looks like a licence.
        """
        for name in (
            "license",
            "LICENCE.txt",
            "MIT-LICENSE",
            "my license.md",
            "Copyleft",
            "UNLICENSE",
            "gpl-3.0",
            "LGPL_v2",
            "legal",
        ):
            self.assertEqual((await self.found(**{name: text_of("MIT")}))[0], "mit", name)
        for name in ("licensed", "sublicense", "permit", "READMEmit"):
            self.assertEqual(await self.found(**{name: text_of("MIT")}), ("", ""), name)

    async def test_bounds(self) -> None:
        """
        A file that is too large is passed over, and so are files after the first ones.
        """
        self.patch(licensefiles, "LONGEST_TEXT", 10)
        self.assertEqual(await self.found(LICENSE="x" * 50), ("", ""))
        self.patch(licensefiles, "LONGEST_TEXT", 1000000)
        self.patch(licensefiles, "_MOST", 1)
        self.assertEqual(await self.found(COPYING="x", LICENSE=text_of("MIT")), ("other", "COPYING"))

    async def test_forgotten(self) -> None:
        """
        No more commits are remembered than there is room for.
        """
        licenses = licensefiles.LicenseFiles(self.make_linguist(), maximum=1)
        commits = [self.commit_files({"LICENSE": content}) for content in ("a", "b")]
        for commit in commits:
            await licenses.of(self.repository, self.object_id(commit))
        self.assertEqual(list(licenses._known), [commits[1].encode()])

    async def test_refused(self) -> None:
        """
        A repository is needed.
        """
        self.assertEqual(
            await self.refusal(self.call("FindLicense", repository=None)), (Code.INVALID_ARGUMENT, "repository not set")
        )
