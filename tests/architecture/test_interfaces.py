"""
Every implementation has what its interfaces ask for.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import Attribute, implementedBy
from zope.interface.exceptions import Invalid
from zope.interface.interface import InterfaceClass
from zope.interface.verify import verifyClass

import gitaly_tx


def modules() -> Iterator[ModuleType]:
    """
    Every module of the package. ``tap`` is left out: importing it installs a reactor.
    """
    for info in pkgutil.walk_packages(gitaly_tx.__path__, "gitaly_tx."):
        if info.name != "gitaly_tx.tap" and not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)


def implementations() -> Iterator[tuple[type, InterfaceClass]]:
    """
    Every class of ours with each of our interfaces that it says it implements.
    """
    for module in modules():
        for _, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__ != module.__name__ or isinstance(found, InterfaceClass):
                continue
            for interface in implementedBy(found):
                if interface.__module__.startswith("gitaly_tx."):
                    yield found, interface


class InterfaceTests(SynchronousTestCase):
    """
    ``verifyClass`` over everything.
    """

    def test_implementations(self):
        """
        Methods are there with the right signatures. Attributes are looked for on objects, in the tests of each class.
        """
        found = set(implementations())
        self.assertGreater(len(found), 20)
        wrong = []
        for implementation, interface in sorted(found, key=lambda each: (each[0].__module__, each[0].__qualname__)):
            try:
                verifyClass(methods_of(interface), implementation)
            except Invalid as error:
                wrong.append(str(error))
        self.assertEqual(wrong, [])


def methods_of(interface: InterfaceClass) -> Any:
    """
    An interface without its plain attributes, which instances have and classes need not.
    """
    described = {
        name: description
        for name, description in interface.namesAndDescriptions(all=True)
        if type(description) is not Attribute and name != "__call__"
    }
    bare = InterfaceClass(interface.__name__, (), described, __module__=interface.__module__)
    return _Pretend(bare)


class _Pretend:
    """
    The bare interface, of which ``verifyClass`` is told that everybody implements it.
    """

    def __init__(self, interface):
        self._interface = interface

    def implementedBy(self, implementation):
        return True

    def __getattr__(self, name):
        return getattr(self._interface, name)
