"""
Other people's policies and sinks.
"""

from __future__ import annotations

import os
import sys
import textwrap

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from gitaly_tx import hooks
from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.hooks.interfaces import IEventSink, IPushPolicy, Push, RefsUpdated, Refused
from gitaly_tx.hooks.plugins import PluginUnusable, found_policies, found_sinks, load_named
from tests.support import hookcase
from tests.support.hookcase import ONE, ZERO
from twisted import plugins


@implementer(IPushPolicy)
class Ready:
    """
    A policy that is made without arguments.
    """

    name = "ready"

    async def check(self, push: Push) -> None:
        """
        Lets everything pass.
        """


@implementer(IEventSink)
class Listening:
    """
    A sink.
    """

    name = "listening"

    async def refs_updated(self, event: RefsUpdated) -> None:
        """
        Does not care.
        """


ready = Ready()


def impossible() -> object:
    """
    Cannot be made.
    """
    raise RuntimeError("no")


class NamedTests(SynchronousTestCase):
    """
    ``load_named``.
    """

    def test_found(self) -> None:
        """
        An object is taken as it is; what makes one is called.
        """
        self.assertIs(load_named(f"{__name__}:ready", IPushPolicy), ready)
        self.assertIsInstance(load_named(f"{__name__}:Ready", IPushPolicy), Ready)

    def test_unusable(self) -> None:
        """
        A name that leads nowhere, or to something else, says so.
        """
        for name, why in (
            ("nothing", "expected MODULE:ATTRIBUTE"),
            (":x", "expected MODULE:ATTRIBUTE"),
            ("nowhere.at_all:x", "cannot be imported: No module named 'nowhere'"),
            (f"{__name__}:absent", "module has no attribute 'absent'"),
            (f"{__name__}:impossible", "cannot be made: no"),
            (f"{__name__}:Listening", "does not provide IPushPolicy"),
            ("os:sep", "does not provide IPushPolicy"),
        ):
            error = self.assertRaises(PluginUnusable, load_named, name, IPushPolicy)
            self.assertEqual(error.message, f"plugin {name}: {why}")


class FoundTests(hookcase.HookCase):
    """
    Twisted's plugins.
    """

    def plugin(self, name: str, content: str) -> None:
        """
        A module in ``twisted/plugins`` on the Python path.
        """
        folder = os.path.join(self.root, "twisted", "plugins")
        os.makedirs(folder)
        with open(os.path.join(folder, f"{name}.py"), "w") as file:
            file.write(content)
        self.patch(plugins, "__path__", [folder])
        self.addCleanup(sys.modules.pop, f"twisted.plugins.{name}", None)

    async def test_example(self) -> None:
        """
        The example in the documentation works as it is written there.
        """
        assert hooks.__doc__ is not None
        example = textwrap.dedent(hooks.__doc__.partition("::\n\n")[2])
        self.assertLess(len(example.splitlines()), 16)
        self.plugin("no_wip", example)
        (policy,) = found_policies()
        self.assertEqual(policy.name, "no-wip")
        await policy.check(self.push(RefUpdate(b"refs/heads/main", ZERO, ONE)))
        with self.assertRaises(Refused):
            await policy.check(self.push(RefUpdate(b"refs/heads/wip/x", ZERO, ONE)))

    def test_sinks(self) -> None:
        """
        Sinks are found by their interface; what provides another one is not a sink.
        """
        self.plugin(
            "mine",
            "from twisted.plugin import IPlugin\n"
            "from zope.interface import implementer\n"
            f"from {__name__} import Listening, Ready\n"
            "@implementer(IPlugin)\n"
            "class Mine(Listening): name = 'mine'\n"
            "@implementer(IPlugin)\n"
            "class Policy(Ready): pass\n"
            "mine, policy = Mine(), Policy()\n",
        )
        self.assertEqual([sink.name for sink in found_sinks()], ["mine"])
