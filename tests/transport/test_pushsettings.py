"""
What a caller's settings do to a push: our receive-pack and git's own, with the same settings.
"""

from __future__ import annotations

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.transport.pushsettings import PushSettings, push_settings
from gitaly_tx.transport.receivepack import ReceivePack
from tests.support import differential
from tests.support.git import git, make_git
from tests.support.pushes import (
    EMPTY_PACK,
    ZERO,
    RecordedHooks,
    make_means,
    make_pack,
    push,
    real_advertisement,
    request,
)
from tests.support.streams import MemorySink


class SettingsTests(differential.DifferentialCase):
    """
    ``git_config_options`` of pushes.
    """

    async def test_rules(self) -> None:
        """
        A caller can forbid what the repository allows, and allow what it forbids.
        """
        deletion = push((self.main, ZERO, b"refs/heads/other"))
        await self.compare(deletion, "receive.denyDeletes=false")
        rewinding = push((self.main, self.older, b"refs/heads/other"), pack=EMPTY_PACK)
        ours = await self.compare(
            push((ZERO, self.main, b"refs/heads/other"), pack=EMPTY_PACK), "receive.denyDeletes=true", "receive.denyDeletes=false"
        )
        self.assertEqual(ours.report[0], b"unpack ok")
        ours = await self.compare(rewinding, "receive.denyNonFastForwards=true")
        self.assertEqual(ours.report, [b"unpack ok", b"ng refs/heads/other non-fast-forward"])
        ours = await self.compare(deletion, "receive.denyDeletes=true")
        self.assertEqual(ours.report, [b"unpack ok", b"ng refs/heads/other deletion prohibited"])
        git("--git-dir", self.directory.path, "config", "receive.denyDeletes", "true")
        ours = await self.compare(deletion, "Receive.DenyDeletes=off")
        self.assertEqual(ours.report, [b"unpack ok", b"ok refs/heads/other"])

    async def test_size(self) -> None:
        """
        A pack that is larger than the caller lets it be is refused; 0 is no limit.
        """
        self.assertEqual(await self.create("1000k"), [b"unpack ok", b"ok refs/heads/a1000k"])
        self.assertEqual(await self.create("0"), [b"unpack ok", b"ok refs/heads/a0"])
        report = await self.create("20")
        self.assertEqual(report, [b"unpack unpack-objects abnormal exit", b"ng refs/heads/a20 unpacker error"])

    async def create(self, size: str) -> list[bytes]:
        """
        What is reported of a push of everything.
        """
        data = push((ZERO, self.main, b"refs/heads/a" + size.encode()), pack=make_pack(self.directory.path, "main"))
        return (await self.compare(data, f"receive.maxInputSize={size}")).report

    async def test_hidden(self) -> None:
        """
        A caller can hide refs, and show what is hidden otherwise: the last pattern that fits counts.
        """
        new = push((ZERO, self.main, b"refs/secret/x"), (ZERO, self.main, b"refs/secretx/y"), pack=EMPTY_PACK)
        ours = await self.compare(new, "receive.hideRefs=refs/secret/")
        expected = [b"unpack ok", b"ng refs/secret/x deny updating a hidden ref", b"ok refs/secretx/y"]
        self.assertEqual(ours.report, expected)
        await self.compare(
            push((ZERO, self.main, b"refs/secret/x"), (ZERO, self.main, b"refs/environments/1"), pack=EMPTY_PACK),
            "transfer.hideRefs=refs/secret",
            "receive.hideRefs=!refs/secret/x",
            "receive.hideRefs=!refs/environments",
        )

    async def test_told(self) -> None:
        """
        What is hidden or not wanted is not offered either.
        """
        for name in ("refs/secret/x", "refs/environments/1", "refs/keep-around/1"):
            git("--git-dir", self.directory.path, "update-ref", name, "main")
        receive_pack = ReceivePack(make_means(make_git(), RecordedHooks(), self.threads, None))
        for settings in (
            ["receive.hideRefs=refs/secret"],
            ["receive.hideRefs=!refs/environments/", "transfer.hideRefs=^refs/heads/other"],
            ["receive.advertiseAtomic=false", "receive.advertisePushOptions=no"],
            ["receive.advertiseAtomic=no", "receive.advertiseAtomic=yes", "pack.threads=1"],
        ):
            stdout = MemorySink()
            await receive_pack.advertise(self.repository, request(config=settings), stdout)
            told = bytes(stdout.data).removeprefix(b"001f# service=git-receive-pack\n0000")
            self.assertEqual(told, real_advertisement(self.directory.path, "", b"test/1.0", settings), settings)
        with self.assertRaises(GitalyError) as caught:
            await receive_pack.advertise(self.repository, request(config=["x"]), MemorySink())
        self.assertEqual(
            (caught.exception.code, caught.exception.message), (Code.INTERNAL, 'cannot convert invalid config key: "x"')
        )

    def test_smaller(self) -> None:
        """
        Of two limits the smaller one counts.
        """
        for asked, own, expected in ((None, None, None), (5, None, 5), (None, 5, 5), (5, 6, 5), (6, 5, 5)):
            self.assertEqual(PushSettings(size=asked).smaller(own), expected)

    def test_refused(self) -> None:
        """
        What git would not take is refused.
        """
        for option, text in (
            ("receive.maxInputSize=lots", 'bad value of config key: "receive.maxInputSize"'),
            ("receive.maxInputSize=-1", 'bad value of config key: "receive.maxInputSize"'),
            ("receive.denyDeletes=perhaps", 'bad value of config key: "receive.denyDeletes"'),
            ("core.hooksPath=/tmp", 'config key not allowed: "core.hooksPath"'),
        ):
            with self.assertRaises(GitalyError) as caught:
                push_settings([option])
            self.assertEqual((caught.exception.code, caught.exception.message), (Code.INVALID_ARGUMENT, text))
