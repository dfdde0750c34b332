"""
Tests for :mod:`gitaly_tx.services.repository.fileattributes`.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code

from .case import RepositoryCase


class GetFileAttributesTests(RepositoryCase):
    """
    ``GetFileAttributes``
    """

    def fill(self) -> None:
        self.commit_files({".gitattributes": b"*.go diff=go text\n*.jpg -text\nd/x a=\xff\n", "a.go": ""})

    def ask(self, **fields: Any) -> Any:
        fields.setdefault("revision", b"main")
        fields.setdefault("attributes", ["diff", "text"])
        fields.setdefault("paths", ["a.go"])
        return self.call("GetFileAttributes", **fields)

    async def test_found(self) -> None:
        """
        Attributes come in the order asked for, path by path, without unspecified ones; no path need exist, and no git runs.
        """
        self.started.clear()
        reply = await self.reply(self.ask(paths=["x.jpg", "./d//../a.go", "other"], attributes=["text", "diff", "text"]))
        self.assertEqual(
            [(info.path, info.attribute, info.value) for info in reply.attribute_infos],
            [
                ("x.jpg", "text", "unset"),
                ("x.jpg", "text", "unset"),
                ("./d//../a.go", "text", "set"),
                ("./d//../a.go", "diff", "go"),
                ("./d//../a.go", "text", "set"),
            ],
        )
        self.assertEqual(self.started, [])

    async def test_odd(self) -> None:
        """
        A value that is no text is shown as far as it is; the root itself has no attributes.
        """
        reply = await self.reply(self.ask(paths=["d/x", ".", ""], attributes=["a"]))
        self.assertEqual([info.value for info in reply.attribute_infos], ["\ufffd"])

    async def test_bad_requests(self) -> None:
        """
        What is missing is said in Gitaly's order; what git would end at ends the call.
        """
        end = "check attr: read line: EOF"
        for fields, code, text in (
            ({"revision": b"", "paths": []}, Code.INVALID_ARGUMENT, "revision is required"),
            ({"paths": [], "attributes": []}, Code.INVALID_ARGUMENT, "file paths are required"),
            ({"attributes": []}, Code.INVALID_ARGUMENT, "attributes are required"),
            ({"paths": ["a"] * 2000, "attributes": ["b"] * 2000}, Code.INVALID_ARGUMENT, "too many file paths and attributes"),
            ({"revision": b"nope"}, Code.INTERNAL, end),
            ({"revision": b"--all"}, Code.INTERNAL, end),
            ({"attributes": ["-a"]}, Code.INTERNAL, end),
            ({"paths": ["../x"]}, Code.INTERNAL, end),
            ({"paths": ["/x"]}, Code.INTERNAL, end),
            ({"paths": ["a\0b"]}, Code.INTERNAL, "check attr: path with NUL byte not allowed"),
        ):
            self.assertEqual(await self.refusal(self.ask(**fields)), (code, text), str(fields)[:80])
