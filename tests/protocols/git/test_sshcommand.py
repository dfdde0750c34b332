"""
Command lines over SSH.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.git.errors import SSHCommandRefused
from protocols.git.service import Service
from protocols.git.sshcommand import GitCommand, parse

from . import cuts


def quoted(path: bytes) -> bytes:
    """
    ``path`` as git's ``sq_quote`` writes it.
    """
    return b"'" + path.replace(b"'", b"'\\''").replace(b"!", b"'\\!'") + b"'"


class ParseTests(SynchronousTestCase):
    """
    :func:`parse` takes three commands with one path each, and nothing else.
    """

    def test_spellings(self) -> None:
        """
        Each command may be spelled with a dash or with a space.
        """
        for service in Service:
            for command in (service.value, service.value.replace(b"git-", b"git ", 1)):
                self.assertEqual(parse(command + b" 'team/thing.git'"), GitCommand(service, b"team/thing.git"))

    def test_paths(self) -> None:
        """
        Quotes and the slashes of ``ssh://`` URLs are taken off; simple paths need no quotes.
        """
        for argument, path in (
            (b"'/team/thing.git'", b"team/thing.git"),
            (b"  '//thing.git' ", b"thing.git"),
            (b"team/thing.git", b"team/thing.git"),
            (b"/team/thing-1_2.git", b"team/thing-1_2.git"),
            (b"'it'\\''s here'\\!'.git'", b"it's here!.git"),
            (b"''\\'''", b"'"),
            (b"'a b;c$(id)`d`'", b"a b;c$(id)`d`"),
            ("'größe.git'".encode(), "größe.git".encode()),
            ("größe.git".encode(), "größe.git".encode()),
        ):
            self.assertEqual(parse(b"git-upload-pack " + argument), GitCommand(Service.UPLOAD_PACK, path))

    def test_left_to_the_locator(self) -> None:
        """
        Paths that lead nowhere (fault 129) are paths: whoever looks for the repository refuses them.
        """
        self.assertEqual(parse(b"git-upload-pack '/../../etc'").path, b"../../etc")
        self.assertEqual(parse(b"git-upload-pack '~root/x'").path, b"~root/x")

    def test_injections(self) -> None:
        """
        What a shell would run (fault 127) is refused.
        """
        for command in (
            b"git-upload-pack '/x'; id",
            b"git-upload-pack '/x';id",
            b"git-upload-pack '/x' '/y'",
            b"git-upload-pack /x /y",
            b"git-upload-pack '/x'id",
            b"git-upload-pack $(id)",
            b"git-upload-pack `id`",
            b"git-upload-pack x|id",
            b"git-upload-pack x&id",
            b"git-upload-pack x>y",
            b'git-upload-pack "x"',
            b"git-upload-pack 'x'\nid",
            b"git-upload-pack 'x\ny'",
            b"git-upload-pack 'x\0y'",
            b"git-upload-pack 'x'\\n''",
            b"git-upload-pack '" + b"x" * (1 << 20) + b"'",
        ):
            self.assertRaises(SSHCommandRefused, parse, command)

    def test_unbalanced(self) -> None:
        """
        Quotes that do not close (fault 129) are refused.
        """
        for argument in (b"'", b"'x", b"x'", b"'x''", b"\\'", b"'x'\\'", b"'x'\\''", b"'a''b'"):
            self.assertRaises(SSHCommandRefused, parse, b"git-upload-pack " + argument)

    def test_others(self) -> None:
        """
        Other commands and options (fault 128) are refused.
        """
        for command in (
            b"",
            b" ",
            b"git",
            b"git-upload-pack",
            b"git upload-pack",
            b"git-upload-pack ''",
            b"git-upload-pack '/'",
            b"git-upload-pack --upload-pack=id",
            b"git-upload-pack '--upload-pack=id'",
            b"git-upload-pack --strict 'x'",
            b"git-receive-pack -h",
            b"git-upload-pack-x 'x'",
            b"git-upload-pack'x'",
            b"git  upload-pack 'x'",
            b"GIT-UPLOAD-PACK 'x'",
            b"/usr/bin/git-upload-pack 'x'",
            b"git-shell",
            b"git gc 'x'",
            b"scp -t /",
            b"rsync --server . x",
            b"bash",
        ):
            self.assertRaises(SSHCommandRefused, parse, command)

    def test_texts(self) -> None:
        """
        The refusal says what is wrong.
        """
        for command, words in (
            (b"bash -i", "only git may be used here"),
            (b"git-upload-pack", "path is missing"),
            (b"git-upload-pack -x", "dash"),
            (b"git-upload-pack 'x'; id", "one repository path"),
            (b"git-upload-pack '\x1b'", "control character"),
            (b"x" * 10000, "too long"),
        ):
            error = self.assertRaises(SSHCommandRefused, parse, command)
            self.assertIn(words, str(error))

    @cuts.many
    @given(st.binary(min_size=1, max_size=60).filter(lambda p: not any(byte < 32 or byte == 127 for byte in p)))
    def test_quoting(self, path: bytes) -> None:
        """
        Every path that git can quote comes back as it was.
        """
        wanted = path.lstrip(b"/")
        if not wanted or path.startswith(b"-"):
            self.assertRaises(SSHCommandRefused, parse, b"git-upload-pack " + quoted(path))
        else:
            self.assertEqual(parse(b"git-upload-pack " + quoted(path)).path, wanted)

    @cuts.many
    @given(st.one_of(st.binary(max_size=60), st.text("gituploadck-' \\!/ab;", max_size=40).map(str.encode)))
    def test_junk(self, command: bytes) -> None:
        """
        Junk is refused, with or without the right beginning.
        """
        for whole in (command, b"git-upload-pack " + command, b"git receive-pack '" + command + b"'"):
            try:
                path = parse(whole).path
            except SSHCommandRefused:
                continue
            self.assertTrue(path and not path.startswith(b"/") and b"\0" not in path)
