"""
The composition root: a configuration becomes a server.

``build``
    what ``twistd`` gets: a service that knows its configuration and has opened nothing.
``composition``
    all objects, each with its collaborators: the one place that knows every layer.
``assembly``
    those of them that are started, reloaded and stopped.
``lifecycle``
    start, readiness, reload, stop, in their order.
``banner``, ``logging``
    what people read.
"""

from .lifecycle import GitalyServer, build
from .surroundings import Surroundings

__all__ = ["GitalyServer", "Surroundings", "build"]
