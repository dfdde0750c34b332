"""
Finding other people's policies and event sinks.

Two ways: any module in ``twisted/plugins/`` whose attributes provide the interface, or a name in the configuration. A plugin
module that cannot be imported is logged and passed over by Twisted, so a policy that must never be missing belongs into the
configuration, where a name that leads nowhere keeps the server from starting.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from twisted.plugin import getPlugins

from ..errors import Code, GitalyError
from .interfaces import IEventSink, IPushPolicy


class PluginUnusable(GitalyError):
    """
    What the configuration names cannot be used.
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"plugin {name}: {why}", Code.FAILED_PRECONDITION, {"plugin": name})


def load_named(name: str, interface: Any) -> Any:
    """
    What the configuration calls ``package.module:attribute``.

    :param name: the attribute is either what is wanted or, if it does not provide the interface itself, something that makes it
        when called without arguments: a class, a function.
    :param interface: what it must provide.
    :raises PluginUnusable: if there is nothing of that name, or it is something else.
    """
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise PluginUnusable(name, "expected MODULE:ATTRIBUTE")
    try:
        found = getattr(import_module(module_name), attribute)
    except ImportError as error:
        raise PluginUnusable(name, f"cannot be imported: {error}") from error
    except AttributeError as error:
        raise PluginUnusable(name, f"module has no attribute {attribute!r}") from error
    if not interface.providedBy(found) and callable(found):
        try:
            found = found()
        except Exception as error:
            raise PluginUnusable(name, f"cannot be made: {error}") from error
    if not interface.providedBy(found):
        raise PluginUnusable(name, f"does not provide {interface.getName()}")
    return found


def found_policies() -> list[IPushPolicy]:
    """
    The policies among Twisted's plugins, by name.
    """
    return _found(IPushPolicy)


def found_sinks() -> list[IEventSink]:
    """
    The event sinks among Twisted's plugins, by name.
    """
    return _found(IEventSink)


def _found(interface: Any) -> list[Any]:
    return sorted(getPlugins(interface), key=lambda plugin: str(plugin.name))
