"""
Tests for :mod:`gitaly_tx.transport.fetchconfig`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.options import ConfigPair
from gitaly_tx.transport.fetchconfig import protocol_variable, settings


class SettingsTests(SynchronousTestCase):
    """
    What a caller may set.
    """

    def test_harmless(self):
        """
        What changes only how or what is served is taken, in any spelling; the value may hold anything.
        """
        for option in (
            "uploadpack.hideRefs=refs/heads",
            "transfer.hideRefs=!refs",
            "TRANSFER.BUNDLEURI=true",
            "uploadpack.allowAnySHA1InWant=true",
            "uploadpackfilter.tree.maxTreeDepth=3",
            "bundle.one.uri=https://example.org/?a=b",
            "receive.maxInputSize=100",
            "pack.windowMemory=1m",
            "http.uploadpack=true",
        ):
            key, _, value = option.partition("=")
            self.assertEqual(settings([option]), (ConfigPair(key, value),))
        self.assertEqual(settings([]), ())

    def test_dangerous(self):
        """
        What makes git run, read or write something else is refused (fault 122), and so is what nobody has thought about.
        """
        for key in (
            "core.sshCommand",
            "core.hooksPath",
            "CORE.HOOKSPATH",
            "core.alternateRefsCommand",
            "core.fsmonitor",
            "core.askPass",
            "core.gitProxy",
            "core.pager",
            "uploadpack.packObjectsHook",
            "receive.procReceiveRefs",
            "receive.certNonceSeed",
            "receive.fsck.skipList",
            "transfer.credentialsInUrl",
            "include.path",
            "includeIf.gitdir:/.path",
            "alias.x",
            "filter.x.clean",
            "gpg.program",
            "remote.x.uploadpack",
            "safe.directory",
            "pack.packSizeLimit.x",
            "uploadpack.hideRefs.x",
            "",
        ):
            refused = self.assertRaises(GitalyError, settings, [f"{key}=id"])
            self.assertEqual((refused.message, refused.given_code), (f'config key not allowed: "{key}"', Code.INVALID_ARGUMENT))

    def test_malformed(self):
        """
        A key that git would not take for one is refused.
        """
        for option in ("uploadpackfilter.a\nb.allow=1", "bundle.=x", "bundle.a\0b.uri=x", "uploadpack.hideRefs=a\0b"):
            self.assertIs(self.assertRaises(GitalyError, settings, [option]).given_code, Code.INVALID_ARGUMENT)

    def test_without_value(self):
        """
        An option without ``=`` is none; its code is the service's to choose.
        """
        refused = self.assertRaises(GitalyError, settings, ["uploadpack.hideRefs=x", "no-equals"])
        self.assertEqual((refused.message, refused.given_code), ('cannot convert invalid config key: "no-equals"', None))

    def test_protocol(self):
        """
        Only the versions that exist reach git (faults 124, 150).
        """
        self.assertEqual(protocol_variable("version=2"), {"GIT_PROTOCOL": "version=2"})
        self.assertEqual(protocol_variable("version=1"), {"GIT_PROTOCOL": "version=1"})
        for protocol in ("", "version=0", "version=2:LD_PRELOAD=/x", "version=2\0X=1", "version=3"):
            self.assertEqual(protocol_variable(protocol), {})
