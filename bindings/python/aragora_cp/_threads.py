"""Threads for handlers. Not concurrent.futures: the interpreter would wait for a handler that waits for the
interpreter's end to cancel it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

_Call = tuple[Callable[..., None], tuple[Any, ...]]


class Threads:
    """At most ``most`` daemon threads, started as they are needed. Calls must not raise."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._free = 0  # threads that wait, less calls that wait
        self._here = threading.local()
        self._process = os.getpid()

    def submit(self, function: Callable[..., None], *args: Any) -> None:
        with self._lock:
            self._free -= 1
            start = self._free < 0 and self._threads < self._most
            if start:
                self._threads += 1
                self._free += 1
        self._calls.put((function, args))
        if start:
            threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def is_one_of_them(self) -> bool:
        """Of the calling thread."""
        return getattr(self._here, "is_one", False)

    def close(self) -> None:
        """They end when they are free."""
        with self._lock:
            for _ in range(self._threads):
                self._calls.put(None)

    def _run(self) -> None:
        self._here.is_one = True
        # A call that forked returns in the child, too, where nobody has another one for it.
        while os.getpid() == self._process and (call := self._calls.get()) is not None:
            function, args = call
            function(*args)
            with self._lock:
                self._free += 1
