"""What a coordinator and the registry, scheduler and monitor made from it share."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from .. import _core
from ..errors import FailedPrecondition


class NotConnected:
    """Stands in for the plane of a coordinator that has not been connected."""

    def __getattr__(self, name: str) -> Any:
        raise FailedPrecondition("the coordinator is not connected: call connect() first")


class Home:
    def __init__(self) -> None:
        self.plane: Any = NotConnected()
        self.kept: set[Subscription] = set()  # callbacks that nobody else need hold
        self._streams: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()  # of the streams: they may be of several loops

    def add_stream(self, stream: Any) -> None:
        """It is woken when the coordinator closes."""
        with self._lock:
            self._streams.add(stream)

    def streams(self) -> list[Any]:
        with self._lock:
            return list(self._streams)


class Subscription:
    """Calls its handler until it is closed, or its coordinator is. Usable with ``with``."""

    def __init__(self, home: Home, relay: _core.Relay) -> None:
        self._home = home
        self._relay = relay
        home.kept.add(self)

    def close(self) -> None:
        """No further call begins. Idempotent."""
        self._home.kept.discard(self)
        self._relay.close()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Handle:
    """Not a value."""

    def __reduce__(self) -> Any:
        raise TypeError(f"{type(self).__name__} is a handle, not a value: it cannot be pickled")


class Facade(Handle):
    """Made from a coordinator, and good as long as that is."""

    _home: Home
    _plane: Any

    def __init__(self, coordinator: Facade) -> None:
        self._plane = coordinator._connected()
        self._home = coordinator._home

    def _connected(self) -> Any:
        if isinstance(self._plane, NotConnected):
            raise FailedPrecondition("the coordinator is not connected: call connect() first")
        return self._plane
