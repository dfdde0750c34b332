"""
Tests for :mod:`gitaly_tx.observability.logs`.
"""

from __future__ import annotations

import enum
import json
import os
import re
import stat
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import ILogObserver, Logger, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.observability.context import bind
from gitaly_tx.observability.logs import LONGEST, LineObserver, LogFile


class Colour(enum.Enum):
    RED = 1


class Broken:
    def __str__(self) -> str:
        raise ZeroDivisionError


class ObserverCase(SynchronousTestCase):
    """
    An observer that writes into a list, and a logger that it observes.
    """

    def observe(self, json: bool = True, level: str = "info", namespace: str = "gitaly_tx.test", **more: Any) -> Logger:
        self.lines: list[str] = []
        self.observer = LineObserver(self.lines.append, json=json, level=level, **more)
        verifyObject(ILogObserver, self.observer)
        return Logger(namespace, observer=self.observer)

    def last(self) -> dict[str, Any]:
        self.assertTrue(self.lines[-1].endswith("\n"))
        self.assertEqual(self.lines[-1].count("\n"), 1)
        found = json.loads(self.lines[-1])
        assert isinstance(found, dict)
        return found


class JSONTests(ObserverCase):
    """
    A line is one JSON object.
    """

    def test_line(self) -> None:
        """
        A line has Gitaly's fields, the event's facts, and where it comes from.
        """
        self.observe(constant={"pid": 7})
        self.observer(
            {
                "log_level": LogLevel.info,
                "log_format": "finished {what}",
                "log_namespace": "gitaly_tx.test",
                "log_time": 1700000000.1234,
                "what": "call",
                "grpc.code": "OK",
                "grpc.time_ms": 1.5,
            }
        )
        self.assertEqual(
            self.last(),
            {
                "level": "info",
                "msg": "finished call",
                "time": "2023-11-14T22:13:20.123Z",
                "pid": 7,
                "component": "gitaly_tx.test",
                "what": "call",
                "grpc.code": "OK",
                "grpc.time_ms": 1.5,
            },
        )

    def test_context(self) -> None:
        """
        The id and the fields of the call that is going on are on the line; the event's own come first.
        """
        log = self.observe()
        with bind("abc", {"user": "alpha", "n": 1}):
            log.info("x", n=2)
        found = self.last()
        self.assertEqual((found["correlation_id"], found["user"], found["n"]), ("abc", "alpha", 2))
        log.info("x")
        self.assertNotIn("correlation_id", self.last())

    def test_values(self) -> None:
        """
        Values stay what they are as far as JSON can have them; everything else becomes text, also what cannot be shown.
        """
        log = self.observe()
        log.info(
            "x",
            none=None,
            yes=True,
            number=1,
            raw=b"a\xff",
            colour=Colour.RED,
            code=Code.NOT_FOUND,
            many=[1, "a", b"b", (2,)],
            table={"a": {"b": {"c": {"d": 1}}}, 1: 2},
            broken=Broken(),
        )
        found = self.last()
        wanted = {
            "none": None,
            "yes": True,
            "number": 1,
            "raw": "a\\xff",
            "colour": "RED",
            "code": "NOT_FOUND",
            "many": [1, "a", "b", [2]],
            "table": {"a": {"b": {"c": "{'d': 1}"}}, "1": 2},
            "broken": "<Broken that raises ZeroDivisionError when shown>",
        }
        self.assertEqual({name: found[name] for name in wanted}, wanted)

    def test_long_values(self) -> None:
        """
        A long value is cut, and says by how much; a long list shows its beginning.
        """
        log = self.observe()
        log.info("x", long="a" * (LONGEST + 5), raw=b"b" * 10**6, many=list(range(1000)))
        found = self.last()
        self.assertEqual(found["long"], "a" * LONGEST + "… (5 more)")
        self.assertLess(len(found["raw"]), LONGEST + 30)
        self.assertEqual(len(found["many"]), 100)

    def test_secrets(self) -> None:
        """
        Secrets are blanked out by their field's name, by their looks, and if they are known.
        """
        log = self.observe(secrets=["knownsecret"])
        log.info("see https://u:p@h with {token}", token="abc", table={"password": "abc"}, other="xknownsecretx")
        line = self.lines[-1]
        for secret in ("u:p", "knownsecret", '"abc"'):
            self.assertNotIn(secret, line)
        self.assertEqual(self.last()["token"], "[redacted]")
        self.assertEqual(self.last()["table"], {"password": "[redacted]"})

    def test_hide(self) -> None:
        """
        Secrets that are learned later are blanked out beside those that were known before.
        """
        log = self.observe(secrets=["knownsecret"])
        self.observer.hide(["latersecret"])
        log.info("knownsecret latersecret")
        self.assertEqual(self.last()["msg"], "[redacted] [redacted]")

    def test_failure(self) -> None:
        """
        A failure is on its line with type, words and traceback; an error of ours with its code and facts.
        """
        log = self.observe()
        try:
            raise GitalyError("read thing", Code.NOT_FOUND, {"path": "/x", "token": "t"})
        except GitalyError:
            log.failure("it failed")
        found = self.last()
        self.assertEqual(
            (found["level"], found["msg"], found["error"], found["error_code"]), ("fatal", "it failed", "read thing", "NOT_FOUND")
        )
        self.assertEqual(found["error_metadata"], {"path": "/x", "token": "[redacted]"})
        self.assertIn("test_failure", found["stack"])
        log.failure("it failed", Failure(ValueError("no")), LogLevel.error)
        self.assertEqual((self.last()["level"], self.last()["error"]), ("error", "ValueError: no"))

    def test_long_failure(self) -> None:
        """
        A traceback without end shows its beginning and its end.
        """

        def deep(count: int) -> None:
            if not count:
                raise ValueError("the bottom")
            deep(count - 1)

        log = self.observe()
        try:
            deep(300)
        except ValueError:
            log.failure("x")
        stack = self.last()["stack"]
        self.assertLessEqual(len(stack), LONGEST)
        self.assertIn("left out", stack)
        self.assertTrue(stack.rstrip().endswith("the bottom"))

    def test_levels(self) -> None:
        """
        What is not grave enough is left out, under all of Gitaly's names for levels.
        """
        written = {}
        for level in ("trace", "debug", "info", "warn", "warning", "error", "fatal", "panic"):
            log = self.observe(level=level)
            for name in ("debug", "info", "warn", "error", "critical"):
                getattr(log, name)(name)
            written[level] = len(self.lines)
        counts = {"trace": 5, "debug": 5, "info": 4, "warn": 3, "warning": 3, "error": 2, "fatal": 1, "panic": 1}
        self.assertEqual(written, counts)
        self.observe(level="warn").warn("x")
        self.assertEqual(self.last()["level"], "warning")

    def test_twisted(self) -> None:
        """
        What Twisted says of itself is for debugging, but not its warnings.
        """
        log = self.observe(namespace="twisted.internet.protocol")
        log.info("Starting factory")
        self.assertEqual(self.lines, [])
        log.warn("odd")
        self.assertEqual(self.last()["msg"], "odd")

    def test_legacy(self) -> None:
        """
        Events of Twisted's older log have their text and level.
        """
        self.observe()
        self.observer(
            {"log_format": "{log_legacy}", "message": ("a",), "isError": 0, "log_legacy": "old text", "system": "-", "time": 1}
        )
        self.assertEqual((self.last()["msg"], self.last()["level"]), ("old text", "info"))
        self.assertNotIn("system", self.last())
        self.observer({"isError": 1, "why": "because", "message": ()})
        self.assertEqual((self.last()["msg"], self.last()["level"]), ("because", "fatal"))

    def test_broken_disk(self) -> None:
        """
        Lines that cannot be written are lost and counted, and whoever logs does not notice.
        """
        lines: list[str] = []
        full = [True]

        def write(line: str) -> None:
            if full[0]:
                raise OSError("disk full")
            lines.append(line)

        log = Logger("x", observer=LineObserver(write, json=True))
        log.info("a")
        log.info("b")
        full[0] = False
        log.info("c")
        log.info("d")
        self.assertEqual([json.loads(line).get("lost_lines") for line in lines], [2, None])

    @settings(max_examples=100, deadline=None)
    @given(st.text(max_size=30), st.text(max_size=30), st.booleans())
    def test_any_text(self, text: str, name: str, as_json: bool) -> None:
        """
        Whatever is logged is one line without control characters, and a JSON line gives back what was logged.
        """
        log = self.observe(json=as_json)
        log.info("{value}", value=text, **{f"x{name}": text})
        line = self.lines[-1]
        self.assertNotRegex(line[:-1], "[\x00-\x1f\x7f-\x9f\u2028\u202e]")
        if as_json and not re.search("[a-z]://|bearer|basic", text, re.IGNORECASE):
            self.assertEqual(self.last()["value"], text)


class TextTests(ObserverCase):
    """
    A line is ``key=value`` pairs.
    """

    def test_line(self) -> None:
        """
        Time, level and message come first; values are quoted where they have to be.
        """
        log = self.observe(json=False)
        log.info("finished call", path="team/thing", words="a b", empty="", quote='a"b', number=1, none=None, many=[1, "a"])
        wanted = (
            ' level=info msg="finished call" path=team/thing words="a b" '
            'empty="" quote="a\\"b" number=1 none=null many="[1,\\"a\\"]"\n'
        )
        time, rest = self.lines[0][:29], self.lines[0][29:]
        self.assertRegex(time, r"\Atime=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
        self.assertEqual(rest, wanted)

    def test_brief(self) -> None:
        """
        A person is spared what the sentence says already, unless something is wrong or everything was asked for; which method it
        was, they are told.
        """
        fields = {"grpc.method": "RefExists", "command.count": 1}
        for json_lines, level, said, shown in (
            (False, "info", "info", False),
            (False, "info", "warn", True),
            (False, "debug", "info", True),
            (True, "info", "info", True),
        ):
            getattr(self.observe(json=json_lines, level=level), said)("x", **fields)
            self.assertEqual("command.count" in self.lines[0], shown)
            self.assertIn("grpc.method", self.lines[0])

    def test_one_line(self) -> None:
        """
        A value with line breaks cannot look like a second line.
        """
        self.observe(json=False).info("x", name="a\nlevel=fatal msg=fake\x1b[2J")
        self.assertIn('name="a\\nlevel=fatal msg=fake\\u001b[2J"', self.lines[0])
        self.assertEqual(self.lines[0].count("\n"), 1)


class LogFileTests(SynchronousTestCase):
    """
    A log is appended to, and follows its name.
    """

    def test_appended_and_reopened(self) -> None:
        """
        What was there stays; after a rotation the new file is written; others cannot read it.
        """
        path = self.mktemp()
        with open(path, "w") as before:
            before.write("old\n")
        log = LogFile(path)
        log.write("one\n")
        os.rename(path, path + ".1")
        log.write("two \udcff\n")
        log.reopen()
        log.write("three\n")
        log.close()
        with open(path + ".1") as rotated, open(path) as current:
            self.assertEqual((rotated.read(), current.read()), ("old\none\ntwo \\udcff\n", "three\n"))
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode) & 0o037, 0)

    def test_kept_if_it_cannot_be_reopened(self) -> None:
        """
        If the new file cannot be opened the old one is written on.
        """
        directory = self.mktemp()
        os.mkdir(directory)
        path = os.path.join(directory, "log")
        log = LogFile(path)
        os.rename(directory, directory + ".gone")
        self.assertRaises(OSError, log.reopen)
        log.write("still\n")
        log.close()
        with open(os.path.join(directory + ".gone", "log")) as kept:
            self.assertEqual(kept.read(), "still\n")

    def test_closed(self) -> None:
        """
        A line after the file was closed is lost without harm.
        """
        log = LogFile(self.mktemp())
        log.close()
        Logger("x", observer=LineObserver(log.write, json=True)).info("x")
