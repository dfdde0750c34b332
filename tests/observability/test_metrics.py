"""
Tests for :mod:`gitaly_tx.observability.metrics` and the alerts on them, ``etc/prometheus-rules.yml``.
"""

from __future__ import annotations

import os
import re

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics import MetricWrapperBase
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.observability.metrics import Metrics
from gitaly_tx.observability.tallies import Spreads, Tally

RULES = os.path.join(os.path.dirname(__file__), "..", "..", "etc", "prometheus-rules.yml")

PROMQL = {"sum", "by", "rate", "increase", "histogram_quantile", "or", "and", "le", "instance"}
"""Words of the query language, and labels that Prometheus itself adds."""


def exported(metrics: Metrics) -> tuple[set[str], set[str]]:
    """
    The names of all series, and of all labels.
    """
    names, labels = set(), set()
    for family in metrics.registry.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        names |= {family.name + suffix for suffix in suffixes}
    for wrapper in vars(metrics).values():
        if isinstance(wrapper, MetricWrapperBase):
            labels |= set(wrapper._labelnames)
        elif isinstance(wrapper, Tally | Spreads):
            labels |= set(wrapper.labelnames)
    return names, labels


class MetricsTests(SynchronousTestCase):
    """
    The families are what dashboards expect.
    """

    def test_two_servers(self) -> None:
        """
        Two servers in one process each have their own numbers.
        """
        one, other = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
        one.git_children.inc()
        self.assertIn(b"gitaly_tx_git_children 1.0", generate_latest(one.registry))
        self.assertIn(b"gitaly_tx_git_children 0.0", generate_latest(other.registry))

    def test_gitalys_names(self) -> None:
        """
        Calls are counted under the names and labels that Gitaly's dashboards use.
        """
        metrics = Metrics(CollectorRegistry(), process=False)
        metrics.calls_handled.labels("unary", "gitaly.RefService", "RefExists", "OK").inc()
        labels = 'grpc_code="OK",grpc_method="RefExists",grpc_service="gitaly.RefService",grpc_type="unary"'
        self.assertIn(f"grpc_server_handled_total{{{labels}}} 1.0", generate_latest(metrics.registry).decode())

    def test_process(self) -> None:
        """
        The process's own figures are exported, unless they are not wanted.
        """
        self.assertIn(b"process_open_fds", generate_latest(Metrics(CollectorRegistry()).registry))
        self.assertNotIn(b"process_open_fds", generate_latest(Metrics(CollectorRegistry(), process=False).registry))

    def test_documented(self) -> None:
        """
        Every family says in a sentence what it counts.
        """
        for family in Metrics(CollectorRegistry(), process=False).registry.collect():
            self.assertRegex(family.documentation, r"\S.*\.$", family.name)


class RulesTests(SynchronousTestCase):
    """
    Alerts ask for what there is.
    """

    def expressions(self) -> list[str]:
        with open(RULES, encoding="utf-8") as file:
            text = file.read()
        found = re.findall(r"^ +expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)", text, re.MULTILINE)
        return [block or line for block, line in found]

    def test_names_exist(self) -> None:
        """
        Every metric and every label of every alert is exported.
        """
        names, labels = exported(Metrics(CollectorRegistry()))
        expressions = self.expressions()
        self.assertGreater(len(expressions), 8)
        for expression in expressions:
            words = set(re.findall(r"\b[a-z][a-z_]+\b", re.sub(r'"[^"]*"|\[\w+\]', "", expression)))
            used = words & names
            self.assertTrue(used, expression)
            self.assertEqual(words - names - labels - PROMQL, set(), expression)

    def test_every_alert_is_whole(self) -> None:
        """
        Every alert has an expression, a severity, a summary and a description.
        """
        with open(RULES, encoding="utf-8") as file:
            alerts = file.read().split("- alert: ")[1:]
        self.assertEqual(len(alerts), len(self.expressions()))
        for alert in alerts:
            for part in ("expr:", "severity:", "summary:", "description:"):
                self.assertEqual(alert.count(part), 1, (alert, part))
