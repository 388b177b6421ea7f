"""The one thread of the package: it reads what is for no event loop, and ends with the interpreter.

Log records and the callbacks of ``aragora_cp.sync`` are handed over here. C++ threads only put
them into an inbox.
"""

from __future__ import annotations

import atexit
import logging
import os
import select
import threading
import weakref

from . import _core

_LOGGER = logging.getLogger("aragora.control_plane")
_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
_LAST_WORDS = 5.0  # seconds that a callback in progress may take when the interpreter ends


class _Reader:
    def __init__(self) -> None:
        self.inbox = _core.Inbox()
        self.log = self.inbox.add(log)
        self._end = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="aragora-cp-callbacks", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self.inbox.fileno(), select.POLLIN)
        poll.register(self._end, select.POLLIN)
        while self._end not in dict(poll.poll()):
            self.drain()

    def drain(self) -> None:
        try:
            self.inbox.drain()
        except BaseException:  # even one that would end a thread: this one is everybody's
            _LOGGER.exception("a callback raised")

    def stop(self) -> None:
        os.eventfd_write(self._end, 1)
        self._thread.join(_LAST_WORDS)
        if not self._thread.is_alive():
            self.drain()


_reader: _Reader | None = None
_lock = threading.Lock()
_planes: weakref.WeakSet[_core.Plane] = weakref.WeakSet()


def inbox() -> _core.Inbox:
    """That of the background thread, which is started if need be."""
    return _started().inbox


def log_target() -> tuple[_core.Inbox, int]:
    """Where coordinators send their log records."""
    reader = _started()
    return reader.inbox, reader.log


def _started() -> _Reader:
    global _reader
    with _lock:
        if _reader is None:
            _reader = _Reader()
        return _reader


def watch(plane: _core.Plane) -> _core.Plane:
    """It will be closed before the interpreter ends, if nobody does so earlier."""
    with _lock:
        _planes.add(plane)
    return plane


def log(record_of_the_library: tuple[int, str, dict[str, str], str, float]) -> None:
    """To ``logging.getLogger("aragora.control_plane")``."""
    level, message, fields, correlation_id, time = record_of_the_library
    number = _LEVELS[level]
    if not _LOGGER.isEnabledFor(number):
        return
    shown = "".join(f" {name}={value}" for name, value in fields.items())
    record = _LOGGER.makeRecord(
        _LOGGER.name, number, "aragora_cp", 0, "%s%s", (message, shown), None, None,
        {"fields": fields, "correlation_id": correlation_id},
    )
    record.created = time
    record.msecs = time % 1 * 1000
    _LOGGER.handle(record)


@atexit.register
def _at_exit() -> None:
    global _reader
    with _lock:
        planes = list(_planes)
    for plane in planes:
        plane.close_now()
    if _reader is not None:
        _reader.stop()
        _reader = None


def _after_fork() -> None:
    """The thread is not here, and its locks may be held for ever: nothing of it is touched again."""
    global _reader, _lock, _planes
    if _reader is not None:
        _abandoned.append(_reader)
    _reader, _lock, _planes = None, threading.Lock(), weakref.WeakSet()


_abandoned: list[_Reader] = []
os.register_at_fork(after_in_child=_after_fork)
