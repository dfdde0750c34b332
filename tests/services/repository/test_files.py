"""
Tests for what is read off the disk: sizes, structure, config, attributes files, hooks, branches.
"""

from __future__ import annotations

import io
import os
import tarfile
import time
from typing import Any
from unittest import mock

from gitaly_tx.errors import Code
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.rpc.chunks import CHUNK
from gitaly_tx.services.repository.objectsinfo import STALE
from gitaly_tx.services.repository.structure import references_info
from protocols.gitaly.repository_pb2 import GetInfoAttributesResponse, RepositoryInfoResponse
from protocols.gitaly.shared_pb2 import Repository
from tests.support.readcase import RELATIVE_PATH

from .case import RepositoryCase


class RepositorySizeTests(RepositoryCase):
    """
    ``RepositorySize`` and ``GetObjectDirectorySize``
    """

    def apparent(self, below: str = "") -> int:
        """
        Bytes of all files.
        """
        return sum(
            os.lstat(os.path.join(parent, name)).st_size
            for parent, _, names in os.walk(os.path.join(self.directory.path, below))
            for name in names
        )

    async def test_repository(self) -> None:
        """
        All files count, in whole KiB; links count as links.
        """
        self.write_file("extra", b"x" * 3000)
        os.symlink("/usr/bin/env", os.path.join(self.directory.path, "link"))
        reply = await self.reply(self.call("RepositorySize"))
        self.assertEqual(reply.size, self.apparent() // 1024)

    async def test_objects(self) -> None:
        """
        The object directory that is named counts.
        """
        self.commit_files({"a": os.urandom(5000)})
        directory = GitDirectory(self.directory.path, self.directory.objects)
        self.storage.repositories[RELATIVE_PATH] = self.reading.repository(directory)
        reply = await self.reply(self.call("GetObjectDirectorySize"))
        self.assertEqual(reply.size, self.apparent("objects") // 1024)
        self.assertGreater(reply.size, 4)

    async def test_unreadable(self) -> None:
        """
        What vanishes meanwhile does not count; a directory that cannot be read ends the call, and no path is told.
        """
        real = os.scandir
        for error, text in (
            (FileNotFoundError(2, "gone"), None),
            (PermissionError(13, "no", "/secret"), "calculating directory size: walking directory: permission denied"),
        ):

            def scandir(path: str, error: OSError = error) -> Any:
                if path.endswith("/refs"):
                    raise error
                return real(path)

            with mock.patch.object(os, "scandir", scandir):
                called = self.call("RepositorySize")
                if text is None:
                    await self.reply(called)
                else:
                    self.assertEqual(await self.refusal(called), (Code.INTERNAL, text))

    async def test_no_object_directory(self) -> None:
        """
        It must be named, and be there.
        """
        refused = await self.refusal(self.call("GetObjectDirectorySize"))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "object directory path is not set"))
        directory = GitDirectory(self.directory.path, os.path.join(self.root, "nowhere"))
        self.storage.repositories[RELATIVE_PATH] = self.reading.repository(directory)
        refused = await self.refusal(self.call("GetObjectDirectorySize"))
        self.assertEqual(refused, (Code.NOT_FOUND, "object directory does not exist"))


class RepositoryInfoTests(RepositoryCase):
    """
    ``RepositoryInfo``
    """

    async def info(self, **fields: Any) -> RepositoryInfoResponse:
        reply: RepositoryInfoResponse = await self.reply(self.call("RepositoryInfo", **fields))
        return reply

    async def test_empty(self) -> None:
        """
        An empty repository has empty messages, and no times.
        """
        info = await self.info()
        self.assertEqual(info.objects, RepositoryInfoResponse.ObjectsInfo())
        self.assertEqual(info.references, references_info(self.directory.path))
        self.assertEqual(info.references.loose_count, 0)
        self.assertFalse(info.is_object_pool)
        self.assertFalse(info.HasField("last_full_repack"))
        self.assertFalse(info.alternates.HasField("last_modified"))
        self.assertGreater(info.size, 0)

    async def test_loose(self) -> None:
        """
        Loose objects are counted by age; other names are garbage.
        """
        self.write_file("objects/ab/" + "1" * 38, b"x" * 10)
        old = self.write_file("objects/ab/" + "2" * 38, b"x" * 100)
        past = time.time() - STALE - 60
        os.utime(old, (past, past))
        self.write_file("objects/ab/tmp_obj_x", b"x" * 1000)
        objects = (await self.info()).objects
        self.assertEqual((objects.size, objects.recent_size, objects.stale_size), (110, 10, 100))
        self.assertEqual((objects.loose_objects_count, objects.stale_loose_objects_count), (2, 1))
        self.assertEqual(objects.loose_objects_garbage_count, 1)

    async def test_packs(self) -> None:
        """
        Kept packs are recent, cruft packs are stale, and one that is both is kept.
        """
        for name, size, others in (
            ("pack-a", 1, ("rev",)),
            ("pack-b", 20, ("keep",)),
            ("pack-c", 300, ("mtimes",)),
            ("pack-d", 4000, ("keep", "mtimes")),
        ):
            self.write_file(f"objects/pack/{name}.pack", b"x" * size)
            for suffix in ("idx", *others):
                self.write_file(f"objects/pack/{name}.{suffix}")
        objects = (await self.info()).objects
        self.assertEqual((objects.size, objects.recent_size, objects.stale_size, objects.keep_size), (4321, 4021, 300, 4020))
        self.assertEqual((objects.packfile_count, objects.keep_count, objects.cruft_count), (4, 2, 1))
        self.assertEqual(objects.reverse_index_count, 1)

    async def test_structures(self) -> None:
        """
        What git writes to be fast is told as git wrote it.
        """
        self.commit_files({"a": "a"})
        self.commit_files({"a": "b"})
        self.run_git("repack", "-adq", "--write-midx", "--write-bitmap-index")
        self.run_git("commit-graph", "write", "--reachable", "--changed-paths", "--split")
        self.run_git("pack-refs", "--all")
        self.write_file(".gitaly-full-repack-timestamp")
        self.write_file("objects/info/alternates", b"../../pool/objects\n# comment\n\n/absolute\n")
        info = await self.info()
        graph = info.commit_graph
        self.assertEqual((graph.commit_graph_chain_length, graph.has_bloom_filters, graph.has_generation_data), (1, True, True))
        self.assertEqual((info.multi_pack_index.packfile_count, info.multi_pack_index.version), (1, 1))
        self.assertEqual((info.multi_pack_index_bitmap.version, info.multi_pack_index_bitmap.has_hash_cache), (1, True))
        self.assertEqual(info.references.loose_count, 0)
        self.assertEqual(info.references.packed_size, os.stat(os.path.join(self.directory.path, "packed-refs")).st_size)
        self.assertEqual(list(info.alternates.object_directories), ["../../pool/objects", "/absolute"])
        self.assertLess(abs(info.alternates.last_modified.seconds - time.time()), 60)
        self.assertLess(abs(info.last_full_repack.seconds - time.time()), 60)

    async def test_monolithic(self) -> None:
        """
        A single commit-graph has no chain, and a pack's bitmap is told where there is no multi-pack index.
        """
        self.commit_files({"a": "a"})
        self.run_git("repack", "-adq", "--write-bitmap-index")
        self.run_git("commit-graph", "write", "--reachable")
        info = await self.info()
        self.assertEqual((info.commit_graph.commit_graph_chain_length, info.commit_graph.has_generation_data), (0, True))
        self.assertFalse(info.commit_graph.has_bloom_filters)
        self.assertEqual(info.bitmap.version, 1)
        self.assertEqual(info.multi_pack_index.version, 0)

    async def test_garbage(self) -> None:
        """
        Files that are not what they are called are passed over.
        """
        self.write_file("objects/info/commit-graph", b"garbage")
        self.write_file("objects/pack/multi-pack-index", b"")
        self.write_file("objects/pack/pack-x.bitmap", b"garbage!")
        info = await self.info()
        self.assertFalse(info.commit_graph.has_generation_data)
        self.assertEqual((info.multi_pack_index.version, info.bitmap.version), (0, 0))

    async def test_backends(self) -> None:
        """
        The ref storage is the one that the config names.
        """
        self.run_git("config", "core.repositoryformatversion", "1")
        for name, expected in (("files", 1), ("reftable", 2), ("other", 0)):
            self.write_file("config", f"[core]\nrepositoryformatversion = 1\n[extensions]\nrefStorage = {name}\n".encode())
            self.assertEqual(references_info(self.directory.path).reference_backend, expected)


class ConfigTests(RepositoryCase):
    """
    ``GetConfig`` and ``GetInfoAttributes``
    """

    async def test_config(self) -> None:
        """
        The config is streamed as it is; an empty one is no reply.
        """
        content = b"# " + b"x" * (CHUNK + 5) + b"\n"
        self.write_file("config", content)
        self.assertEqual(await self.data(self.call("GetConfig")), content)
        self.write_file("config")
        self.assertEqual(await self.replies(self.call("GetConfig")), [])

    async def test_no_config(self) -> None:
        """
        A missing config is not found; one that is no file cannot be opened.
        """
        path = os.path.join(self.directory.path, "config")
        os.unlink(path)
        refused = await self.refusal(self.call("GetConfig"))
        self.assertEqual(refused, (Code.NOT_FOUND, f"opening gitconfig: open {path}: no such file or directory"))
        os.mkdir(path)
        refused = await self.refusal(self.call("GetConfig"))
        self.assertEqual(refused, (Code.INTERNAL, f"opening gitconfig: open {path}: is a directory"))

    async def test_attributes(self) -> None:
        """
        The attributes file is streamed; where there is none, there is one empty reply.
        """
        path = os.path.join(self.directory.path, "info", "attributes")
        if os.path.exists(path):
            os.unlink(path)
        self.assertEqual(await self.replies(self.call("GetInfoAttributes")), [GetInfoAttributesResponse()])
        self.write_file("info/attributes", b"* text\n")
        (reply,) = await self.replies(self.call("GetInfoAttributes"))
        self.assertEqual(reply.attributes, b"* text\n")
        os.unlink(path)
        os.mkdir(path)
        refused = await self.refusal(self.call("GetInfoAttributes"))
        self.assertEqual(refused, (Code.INTERNAL, "failure to read info attributes: is a directory"))


class CustomHooksTests(RepositoryCase):
    """
    ``GetCustomHooks`` and ``BackupCustomHooks``
    """

    async def test_none(self) -> None:
        """
        Without custom hooks there is no reply.
        """
        for method in ("GetCustomHooks", "BackupCustomHooks"):
            self.assertEqual(await self.replies(self.call(method)), [])

    async def test_hooks(self) -> None:
        """
        All of the directory is in the archive, with modes, times and links.
        """
        hook = self.write_file("custom_hooks/pre-receive.d/a", b"#!/bin/sh\n")
        os.chmod(hook, 0o755)
        os.utime(hook, (1700000000, 1700000000))
        self.write_file("custom_hooks/" + "n" * 120, b"x" * (CHUNK * 2))
        os.symlink("pre-receive.d/a", os.path.join(self.directory.path, "custom_hooks", "update"))
        for method in ("GetCustomHooks", "BackupCustomHooks"):
            content = await self.data(self.call(method))
            with tarfile.open(fileobj=io.BytesIO(content)) as opened:
                self.assertEqual(
                    opened.getnames(),
                    [
                        "custom_hooks",
                        "custom_hooks/" + "n" * 120,
                        "custom_hooks/pre-receive.d",
                        "custom_hooks/pre-receive.d/a",
                        "custom_hooks/update",
                    ],
                )
                member = opened.getmember("custom_hooks/pre-receive.d/a")
                self.assertEqual((member.mode, member.mtime, member.size), (0o755, 1700000000, 10))
                self.assertEqual(opened.getmember("custom_hooks/update").linkname, "pre-receive.d/a")

    async def test_failure(self) -> None:
        """
        What vanishes while it is read is told in Gitaly's words.
        """
        path = self.write_file("custom_hooks/a", b"x" * (CHUNK * 4))
        called = self.call("GetCustomHooks")
        await anext(called)
        os.truncate(path, CHUNK)
        refused = await self.refusal(called)
        text = "reading custom hooks: archiving hooks: waiting for tar command completion: exit status 2"
        self.assertEqual(refused, (Code.INTERNAL, text))


class HasLocalBranchesTests(RepositoryCase):
    """
    ``HasLocalBranches``
    """

    async def test_branches(self) -> None:
        """
        There are branches if there is any, HEAD's or not; tags are none.
        """
        self.assertFalse((await self.reply(self.call("HasLocalBranches"))).value)
        self.commit_files({"a": "a"}, "other")
        self.assertTrue((await self.reply(self.call("HasLocalBranches"))).value)
        self.run_git("tag", "v1", "other")
        self.run_git("update-ref", "-d", "refs/heads/other")
        self.assertFalse((await self.reply(self.call("HasLocalBranches"))).value)
        self.commit_files({"a": "a"})
        self.assertTrue((await self.reply(self.call("HasLocalBranches"))).value)


class CommonTests(RepositoryCase):
    """
    What all reading methods have in common.
    """

    async def test_repository(self) -> None:
        """
        A repository must be named and be there; no git is started otherwise.
        """
        self.started.clear()
        nowhere = Repository(storage_name="default", relative_path="nowhere.git")
        for method in (
            "RepositorySize",
            "RepositoryInfo",
            "GetArchive",
            "HasLocalBranches",
            "Fsck",
            "FindMergeBase",
            "CreateBundle",
            "GetConfig",
            "GetInfoAttributes",
            "CalculateChecksum",
            "GetSnapshot",
            "GetRawChanges",
            "SearchFilesByContent",
            "SearchFilesByName",
            "BackupCustomHooks",
            "GetCustomHooks",
            "GetObjectDirectorySize",
            "GetFileAttributes",
            "FastExport",
        ):
            refused = await self.refusal(self.call(method, repository=None))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, "repository not set"), method)
            refused = await self.refusal(self.call(method, repository=nowhere))
            self.assertEqual(refused, (Code.NOT_FOUND, "repository not found"), method)
        for method in ("ObjectsSize", "CreateBundleFromRefList"):
            refused = await self.refusal(self.stream(method, {"repository": nowhere}))
            self.assertEqual(refused, (Code.NOT_FOUND, "repository not found"), method)
        self.assertEqual(self.started, [])
