"""
Tests for SetCustomHooks and RestoreCustomHooks.
"""

from __future__ import annotations

import io
import os
import tarfile
from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.hooks import hookarchive
from gitaly_tx.services.repository import sethooks
from gitaly_tx.services.repository.service import RepositoryService
from protocols.gitaly import repository_pb2 as pb
from protocols.gitaly.shared_pb2 import Repository
from tests.support.writecase import NAME, WriteCase, each

UNUSED: Any = None

REFUSED = (Code.INTERNAL, "setting custom hooks: extracting hooks: waiting for tar command completion: exit status 2")


def member(name: str, content: bytes = b"", **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    """
    Something in an archive.
    """
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o755
    for key, value in more.items():
        setattr(info, key, value)
    return info, content


def archive(*members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.GNU_FORMAT) -> bytes:
    """
    A tar file.
    """
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


DIRECTORY = member("custom_hooks", type=tarfile.DIRTYPE)


class SetCustomHooksTests(WriteCase):
    """
    ``SetCustomHooks``
    """

    def fill(self) -> None:
        self.service = RepositoryService(
            self.provider, self.stack.git, self.stack.threads, self.unasked, UNUSED, UNUSED, UNUSED, UNUSED
        )

    def call(self, *pieces: bytes, repository: Repository | None = NAME) -> Any:
        requests = [pb.SetCustomHooksRequest(data=piece) for piece in pieces]
        if requests and repository is not None:
            requests[0].repository.CopyFrom(repository)
        return self.service.SetCustomHooks(None, each(requests))  # type: ignore[arg-type]

    def hooks(self) -> dict[str, tuple[int, bytes | None]]:
        """
        Mode and content of everything below ``custom_hooks``; directories have no content.
        """
        found: dict[str, tuple[int, bytes | None]] = {}
        for directory, names, files in os.walk(os.path.join(self.directory.path, "custom_hooks")):
            for name in (*names, *files):
                path = os.path.join(directory, name)
                content = None
                if name in files:
                    with open(path, "rb") as file:
                        content = file.read()
                key = os.path.relpath(path, os.path.join(self.directory.path, "custom_hooks"))
                found[key] = (os.lstat(path).st_mode & 0o7777, content)
        return found

    async def test_replaced(self) -> None:
        """
        What the archive has takes the place of what there was, with its modes but for set-user-id; other members do not matter.
        """
        await self.call(archive(DIRECTORY, member("custom_hooks/old", b"old"), member("custom_hooks/deep/er/update", b"1")))
        first = archive(
            member("elsewhere/pre-receive", b"no"),
            member("custom_hooks/update.d", type=tarfile.DIRTYPE, mode=0o700),
            member("custom_hooks/update.d/b", b"two", mode=0o644),
            member("custom_hooks/pre-receive", b"one", mode=0o6711),
            member("custom_hooks/deep", b"a file now"),
        )
        await self.call(first[:700], first[700:])
        self.assertEqual(
            self.hooks(),
            {
                "update.d": (0o700, None),
                "update.d/b": (0o644, b"two"),
                "pre-receive": (0o711, b"one"),
                "deep": (0o755, b"a file now"),
            },
        )
        self.assertEqual(self.left(), [])

    async def test_names(self) -> None:
        """
        Names may be long, and of any bytes but NUL.
        """
        name = "custom_hooks/" + "d" * 90 + "/" + "ü\udcff" + "e" * 90
        for format in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            await self.call(archive(member(name, b"x"), format=format))
            self.assertIn(name.removeprefix("custom_hooks/"), self.hooks())

    async def test_empty(self) -> None:
        """
        Nothing, an archive of nothing, and one of other things make an empty directory.
        """
        for data in (b"", archive(), archive(DIRECTORY), archive(member("hooks/update"))):
            await self.call(archive(member("custom_hooks/update", b"x")))
            self.assertEqual(len(self.hooks()), 1)
            await self.call(data)
            self.assertEqual(os.listdir(os.path.join(self.directory.path, "custom_hooks")), [])

    async def test_restored(self) -> None:
        """
        ``RestoreCustomHooks`` does the same.
        """
        request = pb.RestoreCustomHooksRequest(repository=NAME, data=archive(member("custom_hooks/update", b"x")))
        await self.service.RestoreCustomHooks(None, each([request]))  # type: ignore[arg-type]
        self.assertEqual(self.hooks(), {"update": (0o755, b"x")})

    async def test_round_trip(self) -> None:
        """
        What ``GetCustomHooks`` gives can be set again.
        """
        await self.call(archive(DIRECTORY, member("custom_hooks/a/b", b"x" * 3000), member("custom_hooks/c", b"y", mode=0o600)))
        before = self.hooks()
        replies = self.service.GetCustomHooks(None, pb.GetCustomHooksRequest(repository=NAME))  # type: ignore[arg-type]
        data = b"".join([reply.data async for reply in replies])
        await self.call(b"")
        await self.call(data)
        self.assertEqual(self.hooks(), before)

    async def test_refused(self) -> None:
        """
        What leads elsewhere, is a link or a device, or is no archive, is refused, and the hooks stay.
        """
        await self.call(archive(member("custom_hooks/update", b"x")))
        good = archive(member("custom_hooks/a", b"y" * 600))
        block = tarfile.BLOCKSIZE
        inside = "custom_hooks/a"
        for name, data in {
            "text": b"This is no tar file",
            "long text": b"no tar at all" * 500,
            "cut in a header": good[:300],
            "cut in a content": good[: 2 * block],
            "rubbish behind a member": good[: 3 * block] + b"rubbish" * 100,
            "upwards": archive(member("custom_hooks/../../evil", b"x")),
            "upwards and back": archive(member("custom_hooks/x/../../custom_hooks/y", b"x")),
            "doubled slash": archive(member("custom_hooks//x", b"x")),
            "symbolic link": archive(member(inside, type=tarfile.SYMTYPE, linkname="/etc/passwd")),
            "symbolic link to a directory": archive(
                member("custom_hooks/d", type=tarfile.SYMTYPE, linkname="/tmp"), member("custom_hooks/d/x", b"x")
            ),
            "the directory is a link": archive(member("custom_hooks", type=tarfile.SYMTYPE, linkname="/tmp")),
            "hard link": archive(member("custom_hooks/b"), member(inside, type=tarfile.LNKTYPE, linkname="custom_hooks/b")),
            "device": archive(member(inside, type=tarfile.CHRTYPE, devmajor=1, devminor=3)),
            "block device": archive(member(inside, type=tarfile.BLKTYPE)),
            "pipe": archive(member(inside, type=tarfile.FIFOTYPE)),
            "the directory is a file": archive(member("custom_hooks", b"x")),
            "file and directory": archive(member(inside, b"x"), member(f"{inside}/b", b"x")),
            "huge sparse file": archive(member(inside, type=tarfile.GNUTYPE_SPARSE, size=0)),
        }.items():
            self.assertEqual(await self.refusal(self.call(data)), REFUSED, name)
            self.assertEqual(self.hooks(), {"update": (0o755, b"x")}, name)
        self.assertEqual(sorted(os.listdir(self.root)), ["+gitaly", "thing.git"])

    async def test_too_large(self) -> None:
        """
        There is an end to bytes and to members.
        """
        too_large = (Code.RESOURCE_EXHAUSTED, "custom hooks are too large")
        self.patch(sethooks, "MAXIMUM", 20_000)
        self.assertEqual(await self.refusal(self.call(b"x" * 16_000, b"x" * 6_000)), too_large)
        self.patch(hookarchive, "MEMBERS", 2)
        code, text = await self.refusal(self.call(archive(*(member(f"custom_hooks/{number}") for number in range(3)))))
        self.assertEqual((code, text), (too_large[0], f"setting custom hooks: extracting hooks: {too_large[1]}"))
        self.assertEqual(self.hooks(), {})

    async def test_bad_requests(self) -> None:
        """
        The first request names a repository, and nobody else may be changing its hooks.
        """
        self.assertEqual(await self.refusal(self.call()), (Code.INTERNAL, "getting first request: EOF"))
        self.assertEqual(await self.refusal(self.call(b"", repository=None)), (Code.INVALID_ARGUMENT, "repository not set"))
        none = Repository(storage_name="default", relative_path="none.git")
        self.assertEqual(await self.refusal(self.call(b"", repository=none)), (Code.NOT_FOUND, "repository not found"))
        with open(os.path.join(self.directory.path, "custom_hooks.lock"), "xb"):
            pass
        locked = (Code.INTERNAL, "setting custom hooks: locking hooks: file already locked")
        self.assertEqual(await self.refusal(self.call(b"")), locked)

    async def test_something_in_the_way(self) -> None:
        """
        A link in the place of the directory is never followed or replaced.
        """
        os.symlink("/tmp", os.path.join(self.directory.path, "custom_hooks"))
        text = "setting custom hooks: something else is in the way of a file"
        self.assertEqual(await self.refusal(self.call(b"")), (Code.FAILED_PRECONDITION, text))
        self.assertTrue(os.path.islink(os.path.join(self.directory.path, "custom_hooks")))
