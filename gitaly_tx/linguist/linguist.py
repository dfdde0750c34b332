"""
The linguist's other end: asks the process that :mod:`~gitaly_tx.linguist.worker` is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, Final

from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..git.interfaces import IChild, IGit, Limits
from ..streams import StreamBroken
from .frames import as_text, framed, unframed
from .interfaces import ILinguist, Language, License, Nature, Place
from .worker import NOT_INSTALLED

PATIENCE: Final = 60.0
"""Seconds for one answer."""

MEMORY: Final = 4 << 30
"""Bytes of address space, of which most is only reserved."""


class _Gone(Exception):
    """
    The process has ended.
    """


@implementer(ILinguist)
class Linguist:
    """
    Starts the process when it is first asked something, and again when it has ended. One question is asked at a time.

    :param git: starts programs.
    :param patience: seconds for one answer; a process that needs longer is killed.
    :param program: what to start.
    """

    def __init__(self, git: IGit, clock: IReactorTime, patience: float = PATIENCE, program: Sequence[str] | None = None) -> None:
        self._git = git
        self._clock = clock
        self._patience = patience
        self._program = [sys.executable, "-m", "gitaly_tx.linguist.worker"] if program is None else list(program)
        self._turns = DeferredLock()
        self._child: IChild | None = None
        self._buffer = bytearray()

    async def places(self, paths: Sequence[bytes]) -> list[Place]:
        """
        As :func:`ILinguist.places`.
        """
        answers = await self._ask("places", list(map(as_text, paths)))
        return [Place(*answer) for answer in answers]

    async def natures(self, files: Sequence[tuple[bytes, bytes]]) -> list[Nature]:
        """
        As :func:`ILinguist.natures`.
        """
        answers = await self._ask("natures", [(as_text(path), as_text(content)) for path, content in files])
        return [Nature(*answer) for answer in answers]

    async def languages(self, names: Sequence[str]) -> list[Language]:
        """
        As :func:`ILinguist.languages`.
        """
        answers = await self._ask("languages", list(names))
        return [Language(name, *answer) for name, answer in zip(names, answers, strict=True)]

    async def licenses(self, text: bytes, ending: str) -> list[License]:
        """
        As :func:`ILinguist.licenses`.
        """
        answers = await self._ask("licenses", as_text(text), ending)
        return [License(*answer) for answer in answers]

    async def _ask(self, *question: Any) -> Any:
        await self._turns.acquire()
        try:
            answer = await self._answer(framed(question))
        finally:
            self._turns.release()
        if answer == NOT_INSTALLED:
            raise GitalyError("languages cannot be told on this machine", Code.UNIMPLEMENTED)
        return answer

    async def _answer(self, question: bytes) -> Any:
        if self._child is not None:
            try:
                return await self._talk(self._child, question)
            except _Gone:
                pass  # It has had nothing to do for long.
        try:
            return await self._talk(self._begin(), question)
        except _Gone:
            raise GitalyError("linguist has failed", Code.INTERNAL) from None

    def _begin(self) -> IChild:
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        try:
            child = self._git.spawn_program(self._program, cwd="/", environment=environment, limits=Limits(memory=MEMORY))
        except OSError as error:
            raise GitalyError("linguist cannot be started", Code.INTERNAL, {"error": str(error)}) from error
        self._child = child
        self._buffer.clear()
        return child

    async def _talk(self, child: IChild, question: bytes) -> Any:
        """
        :raises _Gone: if the process ends before its answer.
        """
        late = self._clock.callLater(self._patience, child.kill)
        answered = False
        try:
            await child.stdin.write(question)
            while (answer := unframed(self._buffer)) is None:
                data = await child.stdout.read()
                if not data:
                    raise _Gone
                self._buffer += data
            answered = True
            return answer[0]
        except StreamBroken:
            raise _Gone from None
        finally:
            if late.active():
                late.cancel()
            if not answered:
                self._child = None
                child.kill()
