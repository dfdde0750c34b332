"""
Make the Python modules of ``gitaly/`` from the ``.proto`` files of ``proto/``.

Run ``python -m protocols.generate`` after a change of a ``.proto`` file, and commit what it wrote. With ``--check`` it writes
nothing and exits with 1 if the committed modules are not those that the ``.proto`` files give: the drift gate of CI.

The compiler writes absolute imports (``import shared_pb2``), which only work with ``gitaly/`` itself on ``sys.path``; the one
rewrite made here turns them into relative imports. No ``*_pb2_grpc`` modules are made: handlers and clients are built from the
descriptors.
"""

from __future__ import annotations

import argparse
import filecmp
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "proto"
TARGET = HERE / "gitaly"

_PLAIN = re.compile(r"^import (\w+_pb2) as (\w+)$", re.MULTILINE)
_NESTED = re.compile(r"^from (\w+) import (\w+_pb2) as (\w+)$", re.MULTILINE)

_FACE = '"""\n{}\n"""\n'


def relative_imports(text: str, depth: int) -> str:
    """
    Rewrite the imports between generated modules.

    :param text: a generated module or stub.
    :param depth: how many folders below ``gitaly/`` it lies.
    """
    dots = "." * (depth + 1)
    text = _NESTED.sub(
        lambda m: m[0] if m[1] == "google" else f"from {dots}{m[1]} import {m[2]} as {m[3]}",
        text,
    )
    return _PLAIN.sub(rf"from {dots} import \1 as \2", text)


def generate(target: Path) -> None:
    """
    Write all modules and stubs below ``target``.

    :raises RuntimeError: if the compiler refuses a ``.proto`` file (it has said why on standard error).
    """
    import grpc_tools
    from grpc_tools import protoc

    well_known = Path(grpc_tools.__file__).parent / "_proto"
    sources = sorted(str(path.relative_to(SOURCES)) for path in SOURCES.rglob("*.proto"))
    arguments = ["protoc", f"-I{SOURCES}", f"-I{well_known}", f"--python_out={target}", f"--pyi_out={target}"]
    if protoc.main([*arguments, *sources]) != 0:
        raise RuntimeError("protoc failed")
    for path in [*target.rglob("*_pb2.py"), *target.rglob("*_pb2.pyi")]:
        depth = len(path.relative_to(target).parts) - 1
        path.write_text(relative_imports(path.read_text(), depth))
    for folder in {target, *(path.parent for path in target.rglob("*_pb2.py"))}:
        about = "Generated from ``protocols/proto``: never edited by hand."
        (folder / "__init__.py").write_text(_FACE.format(about))


def differences(made: Path, committed: Path) -> list[str]:
    """
    :returns: the relative paths of the generated files that are missing, superfluous or different, sorted.
    """

    def listing(root: Path) -> set[str]:
        return {str(p.relative_to(root)) for p in root.rglob("*.py*") if "__pycache__" not in p.parts}

    ours, theirs = listing(made), listing(committed)
    changed = {name for name in ours & theirs if not filecmp.cmp(made / name, committed / name, shallow=False)}
    return sorted((ours ^ theirs) | changed)


def main(argv: Sequence[str]) -> int:
    """
    :returns: the exit status: 0, or 1 if ``--check`` found a difference.
    """
    parser = argparse.ArgumentParser(prog="python -m protocols.generate", description=(__doc__ or "").strip())
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the modules are out of step")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch)
        generate(made)
        if options.check:
            stale = differences(made, TARGET)
            for name in stale:
                print(f"out of step with protocols/proto: protocols/gitaly/{name}", file=sys.stderr)
            return 1 if stale else 0
        shutil.rmtree(TARGET, ignore_errors=True)
        shutil.copytree(made, TARGET)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
