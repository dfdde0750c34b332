"""
Tests for :mod:`gitaly_tx.auth.rules`.
"""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.auth.interfaces import Decision, IAccess, Verb
from gitaly_tx.auth.rules import RuleAccess, normalised, rules_of
from gitaly_tx.auth.users import users_of
from gitaly_tx.config.load import parse

USERS = "".join(
    f'[[user]]\nname = "{name}"\ntokens = ["sha256:{number:064x}"]\nadmin = {str(name == "root").lower()}\n'
    for number, name in enumerate(("alpha", "beta", "root"))
)


def rule(repositories: str, users: str, allow: str) -> str:
    """
    A ``[[rule]]`` table.
    """
    quoted = ", ".join(f'"{name}"' for name in users.split())
    return f'[[rule]]\nrepositories = ["{repositories}"]\nusers = [{quoted}]\nallow = "{allow}"\n'


def access(text: str) -> RuleAccess:
    """
    Access as a configuration says.
    """
    config = parse(text, None)
    return RuleAccess(rules_of(config), users_of(config), config.open_access)


class RuleAccessTests(SynchronousTestCase):
    """
    What no rule allows is refused.
    """

    def highest(self, policy: RuleAccess, user: str | None, path: str) -> Verb | None:
        allowed = [verb for verb in Verb if policy.explain(user, verb, path).allowed]
        self.assertEqual(allowed, list(Verb)[: len(allowed)], "a verb includes those before it")
        return allowed[-1] if allowed else None

    def test_interface(self) -> None:
        """
        ``RuleAccess`` keeps its promise's form, and decides as it explains.
        """
        policy = access(USERS + rule("team/*", "alpha", "write"))
        verifyObject(IAccess, policy)
        decided = Deferred.fromCoroutine(policy.decide("alpha", Verb.WRITE, "default", "team/thing"))
        self.assertEqual(self.successResultOf(decided), Decision(True, "rule 1: team/* write"))

    def test_denied_by_default(self) -> None:
        """
        As soon as a user or a rule is configured, everything is refused that is not allowed, to everybody.
        """
        for text in (USERS, rule("other", "@anyone", "read"), USERS + rule("other/**", "alpha @users", "admin")):
            policy = access(text)
            self.assertFalse(policy.open_access)
            for user, verb in itertools.product(("alpha", "beta", "gamma", None), Verb):
                self.assertFalse(policy.explain(user, verb, "team/thing").allowed, (text, user, verb))

    def test_matrix(self) -> None:
        """
        Every group of users gets what the rules give it, and no more.
        """
        policy = access(
            USERS
            + rule("public/**", "@anyone", "read")
            + rule("team/*", "@users", "write")
            + rule("team/alpha-*", "alpha", "admin")
            + rule("sandbox/**", "beta", "create")
            + rule("public/wiki", "@anyone", "write")
        )
        read, write, create, admin = Verb
        table: dict[str, dict[str | None, Verb | None]] = {
            "public/thing": {None: read, "alpha": read, "beta": read, "gamma": read, "root": admin},
            "public/wiki": {None: write, "alpha": write, "beta": write, "gamma": write, "root": admin},
            "team/thing": {None: None, "alpha": write, "beta": write, "gamma": None, "root": admin},
            "team/alpha-x": {None: None, "alpha": admin, "beta": write, "gamma": None, "root": admin},
            "team/a/b": {None: None, "alpha": None, "beta": None, "gamma": None, "root": admin},
            "sandbox/x/y": {None: None, "alpha": None, "beta": create, "gamma": None, "root": admin},
            "elsewhere": {None: None, "alpha": None, "beta": None, "gamma": None, "root": admin},
        }
        for path, row in table.items():
            for user, verb in row.items():
                self.assertEqual(self.highest(policy, user, path), verb, (path, user))

    def test_order_does_not_matter(self) -> None:
        """
        The rule that allows most counts, wherever it stands, and is the one that is named.
        """
        rules = [rule("**", "alpha", "read"), rule("team/*", "alpha", "create"), rule("team/thing", "@users", "write")]
        for ordered in itertools.permutations(rules):
            policy = access(USERS + "".join(ordered))
            number = ordered.index(rules[1]) + 1
            decision = policy.explain("alpha", Verb.READ, "team/thing")
            self.assertEqual(decision, Decision(True, f"rule {number}: team/* create"))

    def test_open(self) -> None:
        """
        Without users and rules everybody may read, write and create, and nobody more than that.
        """
        policy = access("")
        self.assertTrue(policy.open_access and policy.anyone_may)
        self.assertEqual(self.highest(policy, None, "a/b"), Verb.CREATE)
        self.assertEqual(self.highest(policy, "whoever", "a/b"), Verb.CREATE)
        self.assertIsNone(self.highest(policy, None, "a/../b"))

    def test_anonymous_read(self) -> None:
        """
        ``anonymous_read`` lets everybody read everything, and closes the rest.
        """
        policy = access("anonymous_read = true\n")
        self.assertFalse(policy.open_access)
        self.assertTrue(policy.anyone_may)
        self.assertEqual(self.highest(policy, None, "a/b"), Verb.READ)
        self.assertEqual(policy.explain(None, Verb.READ, "a").reason, "anonymous_read: ** read")
        self.assertFalse(access(USERS).anyone_may)

    def test_spellings(self) -> None:
        """
        However a repository is written, the same is decided of it.
        """
        policy = access(USERS + rule("team/thing", "alpha", "read"))
        for path in (
            "team/thing",
            "/team/thing",
            "team/thing.git",
            "team/thing/",
            "team/thing.git/",
            "team/thing/.git",
            "team/thing.git.git",
        ):
            self.assertTrue(policy.explain("alpha", Verb.READ, path).allowed, path)

    def test_odd_paths(self) -> None:
        """
        Paths that can name no repository are refused to everybody, admins and open servers included.
        """
        for policy in (access(USERS + rule("**", "@anyone", "admin")), access("")):
            for path in ("", "/", ".git", ".", "..", "a/..", "../a", "a/./b", "a//b", "a\0b", "x" * 5000, "a/../.git"):
                for user in ("alpha", "root", None):
                    decision = policy.explain(user, Verb.READ, path)
                    self.assertFalse(decision.allowed, path)
                    self.assertEqual(decision.reason, "the path is not a repository's")

    @settings(max_examples=150, deadline=None)
    @given(st.text(alphabet="ab./\0", max_size=12))
    def test_normalised(self, path: str) -> None:
        """
        A normal path is its own normal form and has no component that leads elsewhere.
        """
        found = normalised(path)
        if found is not None:
            self.assertEqual(normalised(found), found)
            self.assertFalse({"", ".", ".."} & set(found.split("/")))
            self.assertFalse(found.endswith(".git"))

    def test_messages(self) -> None:
        """
        Who may not read learns nothing about whether there is a repository; who may read learns what they may not.
        """
        policy = access(USERS + rule("team/*", "alpha", "read"))
        self.assertEqual(policy.explain("alpha", Verb.WRITE, "team/x").message, "team/x: you may read it, but not write to it")
        self.assertEqual(
            policy.explain("alpha", Verb.WRITE, "team/x").reason, "no rule allows write; rule 1: team/* read is all there is"
        )
        refused = policy.explain("beta", Verb.WRITE, "team/x")
        self.assertEqual(refused.message, "team/x: there is no such repository, or you may not write to it")
        self.assertEqual(refused.reason, "no rule allows write")
        self.assertTrue(policy.explain(None, Verb.READ, "team/x").message.endswith("(you have not said who you are)"))
        self.assertEqual(policy.explain("beta", Verb.READ, "a\x1b[2J").message.split(":")[0], "a?[2J")

    def test_reach(self) -> None:
        """
        Somebody's reach is the rules that name them, in their order; an admin's is everything.
        """
        policy = access(
            USERS + rule("public/**", "@anyone", "read") + rule("team/*", "alpha", "write") + rule("x", "@users", "create")
        )

        def reach(user: str | None) -> list[tuple[str, Verb]]:
            return self.successResultOf(Deferred.fromCoroutine(policy.reach(user)))

        self.assertEqual(reach("alpha"), [("public/**", Verb.READ), ("team/*", Verb.WRITE), ("x", Verb.CREATE)])
        self.assertEqual(reach("beta"), [("public/**", Verb.READ), ("x", Verb.CREATE)])
        self.assertEqual(reach(None), [("public/**", Verb.READ)])
        self.assertEqual(reach("gone"), [("public/**", Verb.READ)])
        self.assertEqual(reach("root"), [("**", Verb.ADMIN)])
        opened = access("")
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(opened.reach(None))), [("**", Verb.CREATE)])
