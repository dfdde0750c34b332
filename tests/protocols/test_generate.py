"""
The generator and its drift gate.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from protocols import generate

SHARED = """\
syntax = "proto3";
package example;
import "google/protobuf/timestamp.proto";
message Thing { google.protobuf.Timestamp made = 1; }
"""
USER = """\
syntax = "proto3";
package example;
import "shared.proto";
import "inner/deep.proto";
message User { Thing thing = 1; inner.Deep deep = 2; }
"""
DEEP = """\
syntax = "proto3";
package example.inner;
import "shared.proto";
message Deep { example.Thing thing = 1; }
"""


def run(*argv: str) -> tuple[int, str]:
    """
    :returns: the exit status and what was printed on standard error.
    """
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed):
        status = generate.main(argv)
    return status, printed.getvalue()


class RelativeImportTests(SynchronousTestCase):
    """
    Imports between generated modules are made relative.
    """

    def test_depths(self) -> None:
        """
        As many dots as the module lies deep, and one.
        """
        text = "import shared_pb2 as shared__pb2\nfrom raftpb import raft_pb2 as raftpb_dot_raft__pb2\n"
        self.assertEqual(
            generate.relative_imports(text, 0),
            "from . import shared_pb2 as shared__pb2\nfrom .raftpb import raft_pb2 as raftpb_dot_raft__pb2\n",
        )
        self.assertEqual(
            generate.relative_imports(text, 1),
            "from .. import shared_pb2 as shared__pb2\nfrom ..raftpb import raft_pb2 as raftpb_dot_raft__pb2\n",
        )

    def test_others_stay(self) -> None:
        """
        Imports of the protobuf library stay as they are.
        """
        text = (
            "from google.protobuf import timestamp_pb2 as google_dot_protobuf_dot_timestamp__pb2\n"
            "from google import odd_pb2 as odd__pb2\n"
            "import datetime\n"
        )
        self.assertEqual(generate.relative_imports(text, 0), text)


class GenerateTests(SynchronousTestCase):
    """
    ``python -m protocols.generate`` writes the modules, and with ``--check`` says whether they are up to date.
    """

    def setUp(self) -> None:
        root = Path(self.mktemp())
        self.sources, self.target = root / "proto", root / "gitaly"
        (self.sources / "inner").mkdir(parents=True)
        (self.sources / "shared.proto").write_text(SHARED)
        (self.sources / "user.proto").write_text(USER)
        (self.sources / "inner" / "deep.proto").write_text(DEEP)
        self.patch(generate, "SOURCES", self.sources.resolve())
        self.patch(generate, "TARGET", self.target)

    def test_written(self) -> None:
        """
        Each ``.proto`` file gives a module and a stub, each folder says that it is generated, and what lay there before is gone.
        """
        self.target.mkdir()
        (self.target / "old_pb2.py").write_text("")
        self.assertEqual(run(), (0, ""))
        found = {path.relative_to(self.target).as_posix() for path in self.target.rglob("*") if path.is_file()}
        modules = {"shared_pb2", "user_pb2", "inner/deep_pb2"}
        stubs = {f"{module}{suffix}" for module in modules for suffix in (".py", ".pyi")}
        self.assertEqual(found, stubs | {"__init__.py", "inner/__init__.py"})
        self.assertIn("from . import shared_pb2", (self.target / "user_pb2.py").read_text())
        self.assertIn("from .inner import deep_pb2", (self.target / "user_pb2.py").read_text())
        self.assertIn("from .. import shared_pb2", (self.target / "inner" / "deep_pb2.py").read_text())
        self.assertIn("from google.protobuf import timestamp_pb2", (self.target / "shared_pb2.py").read_text())

    def test_check_passes(self) -> None:
        """
        Just after generation nothing is out of step; compiled modules do not count.
        """
        run()
        (self.target / "__pycache__").mkdir()
        (self.target / "__pycache__" / "user_pb2.cpython-311.pyc").write_bytes(b"")
        (self.target / "__pycache__" / "stray.py").write_bytes(b"")
        self.assertEqual(run("--check"), (0, ""))

    def test_check_sees_drift(self) -> None:
        """
        A changed ``.proto`` file whose module was not made again is named, and nothing is written.
        """
        run()
        (self.sources / "user.proto").write_text(USER.replace("thing = 1", "thing = 3"))
        before = (self.target / "user_pb2.py").read_bytes()
        status, printed = run("--check")
        self.assertEqual(status, 1)
        self.assertEqual(printed, "out of step with protocols/proto: protocols/gitaly/user_pb2.py\n")
        self.assertEqual((self.target / "user_pb2.py").read_bytes(), before)

    def test_check_sees_edits(self) -> None:
        """
        A module edited by hand is named.
        """
        run()
        with (self.target / "inner" / "deep_pb2.py").open("a") as module:
            module.write("# a thought\n")
        status, printed = run("--check")
        self.assertEqual(status, 1)
        self.assertIn("protocols/gitaly/inner/deep_pb2.py", printed)

    def test_check_sees_superfluous_and_missing(self) -> None:
        """
        A module without a ``.proto`` file and a ``.proto`` file without its module are named.
        """
        run()
        (self.target / "gone_pb2.py").write_text("")
        (self.target / "shared_pb2.pyi").unlink()
        status, printed = run("--check")
        self.assertEqual(status, 1)
        self.assertEqual([line.rpartition("/")[2] for line in printed.splitlines()], ["gone_pb2.py", "shared_pb2.pyi"])

    def test_check_without_modules(self) -> None:
        """
        Where nothing was generated yet, everything is out of step.
        """
        status, printed = run("--check")
        self.assertEqual((status, len(printed.splitlines())), (1, 8))

    def test_refused(self) -> None:
        """
        What the compiler refuses is an error, and the modules stay as they were.
        """
        run()
        before = (self.target / "user_pb2.py").read_bytes()
        (self.sources / "user.proto").write_text("syntax = nonsense")
        self.assertRaises(RuntimeError, generate.main, ())
        self.assertEqual((self.target / "user_pb2.py").read_bytes(), before)


class CommittedModulesTests(SynchronousTestCase):
    """
    The committed modules are those that the ``.proto`` files give.
    """

    def test_in_step(self) -> None:
        """
        ``--check`` finds nothing.
        """
        self.assertEqual(run("--check"), (0, ""))

    def test_a_copy_with_a_change(self) -> None:
        """
        One field renumbered in one ``.proto`` file is seen.
        """
        sources = Path(self.mktemp()).resolve()
        shutil.copytree(generate.SOURCES, sources)
        changed = sources / "packfile.proto"
        changed.write_text(changed.read_text().replace("payload_size = 1;", "payload_size = 9;"))
        self.patch(generate, "SOURCES", sources)
        status, printed = run("--check")
        self.assertEqual((status, printed), (1, "out of step with protocols/proto: protocols/gitaly/packfile_pb2.py\n"))
