"""
A server that is killed between any two steps of a write (W1 to W7), while it recovers (W8), and a machine that loses power.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.observability import failpoints
from gitaly_tx.wal.interfaces import Creation, FileChange, Manifest
from tests.support.git import git
from tests.support.wal import (
    ALPHA,
    MAIN,
    NEXT_BOOT,
    ZERO,
    Site,
    creation,
    litter,
    make_history,
    make_site,
    moving,
    outcome_of,
    snapshots,
)

TOPIC, TAG = b"refs/heads/topic", b"refs/tags/v1"

LARGE = 64
"""A limit that no pack keeps to: all of them are large."""

SMALL = 1 << 20

Write = Callable[[], Manifest]


class CrashCase(SynchronousTestCase):
    """
    Writes to a repository with some history.
    """

    def setUp(self) -> None:
        self.history = make_history(self.mktemp())
        self.first, self.second, self.third = self.history.commits
        self.root = os.path.realpath(self.mktemp())
        os.mkdir(self.root)

    def begin(self, inline: int = SMALL) -> Site:
        """
        A repository in which ``main`` is at the first commit and ``topic`` at the second.
        """
        site = make_site(self.root, inline=inline).start()
        site.commit(creation())
        for file in self.history.stage(self.root, self.second):
            os.makedirs(os.path.join(self.root, ALPHA.path, os.path.dirname(file.path)), exist_ok=True)
            shutil.move(os.path.join(self.root, file.source), os.path.join(self.root, ALPHA.path, file.path))
        site.commit(moving((MAIN, ZERO, self.first), (TOPIC, ZERO, self.second)))
        return site

    def writes(self) -> dict[str, Write]:
        """
        One of each kind.
        """
        config = b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n[gitaly]\n\tx = 1\n"
        return {
            "update": lambda: moving((MAIN, self.first, self.second)),
            "whatever it was": lambda: moving((MAIN, None, self.second)),
            "delete": lambda: moving((TOPIC, self.second, ZERO)),
            "atomic": lambda: moving((MAIN, self.first, self.second), (TOPIC, self.second, ZERO), (TAG, ZERO, self.first)),
            "push": self.push,
            "remove": lambda: Manifest(ALPHA, remove=True),
            "files": lambda: Manifest(
                ALPHA, files=(FileChange("config", config), FileChange("hooks/x", b"#!", 0o755)), head=TOPIC
            ),
        }

    def push(self) -> Manifest:
        """
        A new commit in a pack.
        """
        return moving((MAIN, self.first, self.third), staged=self.history.stage(self.root, self.third))

    def furnished(self) -> Manifest:
        """
        A repository with content.
        """
        config = FileChange("config", b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n[x]\n\ty = z\n")
        return Manifest(
            ALPHA,
            Creation(ObjectFormat.SHA1, TOPIC),
            (config, FileChange("custom_hooks/update", b"#!", 0o755)),
            self.history.stage(self.root, self.third),
            tuple(RefUpdate(name, ZERO, self.third) for name in (TAG, MAIN)),
        )

    def assert_furnished(self, root: str) -> None:
        path = os.path.join(root, ALPHA.path)
        self.assertEqual(git("config", "x.y", cwd=path), b"z\n")
        self.assertEqual(os.stat(os.path.join(path, "custom_hooks/update")).st_mode & 0o777, 0o755)
        git("fsck", "--strict", cwd=path)

    def recover(self, root: str, boot: bytes | None = None, inline: int = SMALL) -> Site:
        """
        Start on what a crash left.
        """
        return (make_site(root, inline=inline) if boot is None else make_site(root, boot, inline=inline)).start()

    def assert_recovers(self, root: str, expected: Iterable[object], what: str, boot: bytes | None = None) -> None:
        """
        Recovery gives one of the expected states, leaves nothing behind, and changes nothing the second time.
        """
        site = self.recover(root, boot)
        state = site.state()
        self.assertIn(state, list(expected), what)
        head = outcome_of(Deferred.fromCoroutine(site.store.log.head(ALPHA)))
        path = os.path.join(root, ALPHA.path)
        if os.path.isdir(path):
            git("rev-list", "--objects", "--quiet", "--all", cwd=path)
        site.stop()
        self.assertEqual(litter(root), [], what)
        again = self.recover(root, boot)
        self.assertEqual(again.state(), state, what)
        self.assertEqual(outcome_of(Deferred.fromCoroutine(again.store.log.head(ALPHA))), head, what)
        again.stop()

    def observe(self, site: Site, manifest: Manifest) -> tuple[object, object, list[tuple[str, str]], int]:
        """
        Commit.

        :returns: the states before and after, the copies made at each step, and which was the first with the entry in the log.
        """
        before = site.state()
        with snapshots(self.root, self.mktemp()) as taken:
            site.commit(manifest)
        after = site.state()
        self.assertNotEqual(before, after)
        site.stop()
        names = [name for name, _ in taken]
        return before, after, taken, names.index("wal.append.after_write")


class KillTests(CrashCase):
    """
    The process dies; what it gave to the kernel stays.
    """

    def killed_everywhere(self, kind: str, inline: int = SMALL) -> None:
        site = self.begin(inline)
        before, after, taken, logged = self.observe(site, self.writes()[kind]())
        self.assertGreaterEqual(len(taken), 12)
        for at, (name, copy) in enumerate(taken):
            self.assert_recovers(copy, [before if at < logged else after], f"{kind}: {name}")
            shutil.rmtree(copy)

    def test_update(self) -> None:
        """
        An update of a ref was made or was not.
        """
        self.killed_everywhere("update")

    def test_whatever_it_was(self) -> None:
        """
        So was one that did not care for the old value.
        """
        self.killed_everywhere("whatever it was")

    def test_delete(self) -> None:
        """
        A ref was deleted or was not.
        """
        self.killed_everywhere("delete")

    def test_symbolic(self) -> None:
        """
        A symbolic ref was deleted or was not, and the ref that it is a name for stays.
        """
        site = self.begin()
        git("symbolic-ref", "refs/heads/alias", "refs/heads/main", cwd=os.path.join(self.root, ALPHA.path))
        deletion = Manifest(ALPHA, refs=(RefUpdate(b"refs/heads/alias", None, ZERO, follow=False),))
        before, after, taken, logged = self.observe(site, deletion)
        for at, (name, copy) in enumerate(taken):
            self.assert_recovers(copy, [before if at < logged else after], name)
            shutil.rmtree(copy)

    def test_atomic(self) -> None:
        """
        Three updates were made or none was.
        """
        self.killed_everywhere("atomic")

    def test_push(self) -> None:
        """
        A push with a small pack is there with its objects, or not at all.
        """
        self.killed_everywhere("push")

    def test_large_push(self) -> None:
        """
        So is one with a pack too large for the log.
        """
        self.killed_everywhere("push", LARGE)

    def test_remove(self) -> None:
        """
        A repository is there or is gone.
        """
        self.killed_everywhere("remove")

    def test_files(self) -> None:
        """
        Config, hooks and HEAD are changed together.
        """
        self.killed_everywhere("files")

    def test_hooks(self) -> None:
        """
        A directory of hooks is the old one or the new one, also if it is made once more.
        """
        site = self.begin()
        hooks = os.path.join(self.root, ALPHA.path, "custom_hooks")
        os.makedirs(hooks)
        with open(os.path.join(hooks, "old"), "xb"):
            pass
        new = (FileChange("custom_hooks", b"", 0o40755), FileChange("custom_hooks/update.d/a", b"#!", 0o755))
        with snapshots(self.root, self.mktemp()) as taken:
            site.commit(Manifest(ALPHA, files=new))
        site.stop()
        logged = [name for name, _ in taken].index("wal.append.after_write")
        for at, (name, copy) in enumerate(taken):
            self.recover(copy).stop()
            found = os.listdir(os.path.join(copy, ALPHA.path, "custom_hooks"))
            self.assertEqual(found, ["old"] if at < logged else ["update.d"], name)
            self.assertEqual(litter(copy), [], name)
            shutil.rmtree(copy)

    def test_create(self) -> None:
        """
        A repository exists as a whole or not at all, also the first one of a new storage.
        """
        site = make_site(self.root).start()
        _, _, taken, logged = self.observe(site, creation())
        for at, (name, copy) in enumerate(taken):
            self.assert_recovers(copy, [None if at < logged else (MAIN, ())], name)

    def test_create_with_content(self) -> None:
        """
        So does one that is made with objects, refs, config and hooks, large and small: at no step there is a part of it.
        """
        for inline in (SMALL, LARGE):
            shutil.rmtree(self.root)
            os.mkdir(self.root)
            site = make_site(self.root, inline=inline).start()
            _, after, taken, logged = self.observe(site, self.furnished())
            self.assertEqual(after, (TOPIC, ((MAIN, bytes(self.third)), (TAG, bytes(self.third)))))
            names = [name for name, _ in taken]
            self.assertIn("apply.after_each_staged", names)
            visible = names.index("apply.after_create")
            for at, (name, copy) in enumerate(taken):
                self.assertEqual(os.path.exists(os.path.join(copy, ALPHA.path)), at >= visible, name)
                if at >= visible:
                    git("rev-list", "--objects", "--quiet", "--all", cwd=os.path.join(copy, ALPHA.path))
                self.assert_recovers(copy, [None if at < logged else after], name)
                if at >= logged:
                    self.assert_furnished(copy)

    def test_creation_is_tried_again(self) -> None:
        """
        A disk that refuses any step of a creation with content refuses it for a while: then it is there as a whole, once.
        """
        points = ("apply.after_files", "apply.after_each_staged", "apply.before_refs", "apply.after_refs", "apply.after_create")
        for point in points:
            shutil.rmtree(self.root)
            os.mkdir(self.root)
            site = make_site(self.root, inline=LARGE).start()
            refusals = [OSError(errno.EIO, "no")]

            def refuse(refusals: list[OSError] = refusals) -> None:
                if refusals:
                    raise refusals.pop()

            with failpoints.active({point: refuse}):
                writing = site.begin(self.furnished())
                self.assertNoResult(writing)
                site.clock.advance(1)
                self.successResultOf(writing)
            self.assertEqual((refusals, len(self.flushLoggedErrors(OSError))), ([], 1))
            self.assert_furnished(self.root)
            self.assertEqual(os.listdir(os.path.join(self.root, "+gitaly/wal/pending")), [])
            site.stop()

    def test_killed_while_it_recovers(self) -> None:
        """
        However often recovery is cut short, the next one ends in the same state.
        """
        site = self.begin(LARGE)
        _, after, taken, logged = self.observe(site, self.push())
        copy = next(copy for name, copy in taken[logged:] if name == "wal.append.after_fsync")
        for depth in range(3):
            with snapshots(copy, self.mktemp()) as during:
                self.recover(copy).die()
            self.assertIn("apply.after_each_staged" if depth == 0 else "start.after_log", [name for name, _ in during])
            for point, left in during:
                self.assert_recovers(shutil.copytree(left, self.mktemp(), symlinks=True), [after], f"{depth}: {point}")
            copy = during[len(during) // 2][1]

    def test_killed_in_a_checkpoint(self) -> None:
        """
        A checkpoint that is cut short loses nothing.
        """
        site = self.begin()
        site.commit(self.push())
        state = site.state()
        with snapshots(self.root, self.mktemp()) as taken:
            outcome_of(Deferred.fromCoroutine(site.store.log.checkpoint()))
        site.stop()
        self.assertEqual(sum(name.startswith("checkpoint.") for name, _ in taken), 4)
        for name, copy in taken:
            for boot in (None, NEXT_BOOT):
                self.assert_recovers(shutil.copytree(copy, self.mktemp(), symlinks=True), [state], name, boot)


class PowerTests(CrashCase):
    """
    The machine loses power: of the repository only what was synced by a checkpoint need be left, of the log all that was synced.
    """

    def powerless_everywhere(self, kind: str, inline: int = SMALL) -> None:
        site = self.begin(inline)
        outcome_of(Deferred.fromCoroutine(site.store.log.checkpoint()))
        base = shutil.copytree(os.path.join(self.root, ALPHA.path), self.mktemp(), symlinks=True)
        _, after, taken, _ = self.observe(site, self.writes()[kind]())
        synced = next(at for at, (name, _) in enumerate(taken) if name == "wal.append.after_fsync")
        log = taken[synced][1]
        for name, copy in taken[synced:]:
            # The repository as it was long before, and as it is at this moment; the log as it was synced.
            for repository in (base, os.path.join(copy, ALPHA.path)):
                mixed = shutil.copytree(log, self.mktemp(), symlinks=True)
                shutil.rmtree(os.path.join(mixed, ALPHA.path))
                if os.path.isdir(repository):
                    shutil.copytree(repository, os.path.join(mixed, ALPHA.path), symlinks=True)
                self.assert_recovers(mixed, [after], f"{kind}: {name}", NEXT_BOOT)
                shutil.rmtree(mixed)

    def test_update(self) -> None:
        """
        An acknowledged update is made again.
        """
        self.powerless_everywhere("update")

    def test_atomic(self) -> None:
        """
        So are three of them.
        """
        self.powerless_everywhere("atomic")

    def test_push(self) -> None:
        """
        The objects of a push are in the log.
        """
        self.powerless_everywhere("push")

    def test_large_push(self) -> None:
        """
        Large objects are beside the log, until they are in the repository.
        """
        self.powerless_everywhere("push", LARGE)

    def test_remove(self) -> None:
        """
        What was removed does not come back.
        """
        self.powerless_everywhere("remove")

    def test_create_with_content(self) -> None:
        """
        Of a repository that was made with content everything is in the log or beside it, whatever is left of it in its place.
        """
        for inline in (SMALL, LARGE):
            shutil.rmtree(self.root)
            os.mkdir(self.root)
            site = make_site(self.root, inline=inline).start()
            _, after, taken, _ = self.observe(site, self.furnished())
            names = [name for name, _ in taken]
            log = taken[names.index("wal.append.after_fsync")][1]
            done = taken[-1][1]
            for left in ("nothing", "names", "refs missing", "all"):
                mixed = shutil.copytree(log, self.mktemp(), symlinks=True)
                if left != "nothing":
                    target = shutil.copytree(os.path.join(done, ALPHA.path), os.path.join(mixed, ALPHA.path), symlinks=True)
                if left == "names":
                    shutil.rmtree(os.path.join(target, "objects"))
                    shutil.rmtree(os.path.join(target, "custom_hooks"))
                    for name in ("config", "HEAD"):
                        open(os.path.join(target, name), "w").close()
                if left in ("names", "refs missing"):
                    os.unlink(os.path.join(target, "packed-refs"))
                self.assert_recovers(mixed, [after], left, NEXT_BOOT)
                self.assert_furnished(mixed)

    def test_create_is_mended(self) -> None:
        """
        A new repository of which only the names of files were left gets their contents.
        """
        site = make_site(self.root).start()
        site.commit(creation())
        copy = shutil.copytree(self.root, self.mktemp(), symlinks=True)
        site.stop()
        path = os.path.join(copy, ALPHA.path)
        open(os.path.join(path, "HEAD"), "w").close()
        with open(os.path.join(path, "config"), "wb") as file:
            file.write(bytes(60))
        shutil.rmtree(os.path.join(path, "refs"))
        self.assert_recovers(copy, [(MAIN, ())], "mended", NEXT_BOOT)
        self.assertEqual(git("rev-parse", "--is-bare-repository", cwd=path), b"true\n")

    def test_torn_ref_is_mended(self) -> None:
        """
        A ref of which only an empty file is left gets its acknowledged value.
        """
        site = self.begin()
        copy = shutil.copytree(self.root, self.mktemp(), symlinks=True)
        expected = site.state()
        site.stop()
        open(os.path.join(copy, ALPHA.path, "refs/heads/topic"), "w").close()
        self.assert_recovers(copy, [expected], "torn", NEXT_BOOT)

    def test_replaced_repository(self) -> None:
        """
        What was written to a removed repository is never replayed into the one that came after it at the same path.
        """
        site = self.begin()
        site.commit(Manifest(ALPHA, remove=True))
        site.commit(creation())
        copies: list[tuple[str, str, Any]] = [("created", shutil.copytree(self.root, self.mktemp(), symlinks=True), (MAIN, ()))]
        site.commit(moving((TAG, ZERO, self.third), staged=self.history.stage(self.root, self.third)))
        expected = (MAIN, ((TAG, bytes(self.third)),))
        copies.append(("pushed", shutil.copytree(self.root, self.mktemp(), symlinks=True), expected))
        site.stop()
        for name, copy, state in copies:
            self.assert_recovers(copy, [state], name, NEXT_BOOT)

    def test_replaced_behind_our_back(self) -> None:
        """
        The same if somebody else removed it.
        """
        site = self.begin()
        shutil.rmtree(os.path.join(self.root, ALPHA.path))
        site.commit(creation())
        copy = shutil.copytree(self.root, self.mktemp(), symlinks=True)
        site.stop()
        self.assert_recovers(copy, [(MAIN, ())], "replaced", NEXT_BOOT)


class OtherWriterTests(CrashCase):
    """
    Other programs write the same repositories with a git of their own.
    """

    def left(self) -> tuple[str, str]:
        """
        What a server leaves that was killed after ``main`` had gone from the first commit to the second and the third.
        """
        site = self.begin()
        site.commit(moving((MAIN, self.first, self.second)))
        site.commit(moving((MAIN, self.second, self.third), staged=self.history.stage(self.root, self.third)))
        copy = shutil.copytree(self.root, self.mktemp(), symlinks=True)
        site.stop()
        return copy, os.path.join(copy, ALPHA.path)

    def main_after(self, copy: str) -> ObjectID | None:
        site = self.recover(copy, NEXT_BOOT)
        state = site.state()
        site.stop()
        assert isinstance(state, tuple)
        return dict(state[1]).get(MAIN)

    def test_value_behind_us(self) -> None:
        """
        A ref that has any value of its chain gets the last.
        """
        for behind in (self.first, self.second, self.third):
            copy, path = self.left()
            git("update-ref", MAIN.decode(), str(behind), cwd=path)
            self.assertEqual(self.main_after(copy), self.third)
            shutil.rmtree(self.root)
            os.mkdir(self.root)

    def test_value_ahead_of_us(self) -> None:
        """
        A ref that somebody moved to a value the log does not know stays where they put it, in packed-refs too.
        """
        for pack in (False, True):
            copy, path = self.left()
            tree = git("rev-parse", f"{self.third}^{{tree}}", cwd=path).decode().strip()
            other = git("commit-tree", tree, "-m", "other", cwd=path).decode().strip()
            git("update-ref", MAIN.decode(), other, cwd=path)
            if pack:
                git("pack-refs", "--all", cwd=path)
            self.assertEqual(self.main_after(copy), other.encode())
            shutil.rmtree(self.root)
            os.mkdir(self.root)

    def test_deleted_by_somebody_else(self) -> None:
        """
        A ref that had existed before, and that somebody else deleted, stays deleted.
        """
        site = self.begin()
        outcome_of(Deferred.fromCoroutine(site.store.log.checkpoint()))
        site.commit(moving((MAIN, self.first, self.second)))
        copy = shutil.copytree(self.root, self.mktemp(), symlinks=True)
        site.stop()
        git("update-ref", "-d", MAIN.decode(), cwd=os.path.join(copy, ALPHA.path))
        self.assertIsNone(self.main_after(copy))

    def test_nothing_is_replayed_under_the_same_kernel(self) -> None:
        """
        What is known to be applied is not touched again, even if somebody took it back to an old value.
        """
        site = self.begin()
        site.commit(moving((MAIN, self.first, self.second)))
        site.clock.advance(1)
        copy = shutil.copytree(self.root, self.mktemp(), symlinks=True)
        site.stop()
        git("update-ref", MAIN.decode(), str(self.first), cwd=os.path.join(copy, ALPHA.path))
        recovered = self.recover(copy)
        state = recovered.state()
        recovered.stop()
        assert isinstance(state, tuple)
        self.assertEqual(dict(state[1])[MAIN], self.first)

    def test_removed_repository(self) -> None:
        """
        A repository that somebody else removed is not made again by what was pushed to it.
        """
        site = self.begin()
        outcome_of(Deferred.fromCoroutine(site.store.log.checkpoint()))
        site.commit(moving((MAIN, self.first, self.second)))
        copy = shutil.copytree(self.root, self.mktemp(), symlinks=True)
        site.stop()
        shutil.rmtree(os.path.join(copy, ALPHA.path))
        self.assert_recovers(copy, [None], "removed", NEXT_BOOT)
