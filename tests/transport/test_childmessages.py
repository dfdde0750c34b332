"""
What git's children say.
"""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.transport.childmessages import Messages, secrets_of
from tests.support.hookcase import Told


class MessagesTests(TestCase):
    """
    ``Messages``.
    """

    def test_secrets(self) -> None:
        """
        All paths that git may name, the longest first.
        """
        plain = GitDirectory("/s/thing.git")
        self.assertEqual(secrets_of(plain), (b"/s/thing.git/objects", b"/s/thing.git"))
        quarantined = plain.quarantined("/s/+gitaly/staging/q/objects")
        self.assertEqual(secrets_of(quarantined)[0], b"/s/+gitaly/staging/q/objects")
        self.assertEqual(len(secrets_of(quarantined)), 3)

    async def test_lines(self) -> None:
        """
        Whole lines are passed on, with progress as it comes, and without the server's paths however they are cut.
        """
        told = Told()
        messages = Messages(told, (b"/s/thing.git/objects", b"/s/thing.git"))
        await messages.write(b"Resolving: 1%\rResol")
        self.assertEqual(told.data, b"Resolving: 1%\r")
        await messages.write(b"ving: 2%\rfatal: /s/thi")
        await messages.write(b"ng.git/objects/pack: no\nrest")
        self.assertEqual(told.data, b"Resolving: 1%\rResolving: 2%\rfatal: .../pack: no\n")
        await messages.finish()
        await messages.finish()
        self.assertTrue(told.data.endswith(b"no\nrest"))
        self.assertEqual(messages.kept, told.data)

    async def test_endless_line(self) -> None:
        """
        A line that does not end is not kept for ever.
        """
        told = Told()
        messages = Messages(told)
        await messages.write(b"x" * 5000)
        self.assertEqual((len(told.data), len(messages.kept)), (5000, 4096))

    async def test_end_of_input(self) -> None:
        """
        A NUL is a sign for us, and not passed on; whoever does not care for it need not.
        """
        told, signs = Told(), []
        messages = Messages(told, (), lambda: signs.append(1))
        await messages.write(b"a\0b\n")
        self.assertEqual((told.data, signs), (b"ab\n", [1]))
        await Messages(told).write(b"\0c\n")
        silent = Messages(None)
        await silent.write(b"d\n")
        self.assertEqual((told.data, silent.kept), (b"ab\nc\n", b"d\n"))
