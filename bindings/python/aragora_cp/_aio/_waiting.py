"""How asyncio waits for what is not here yet. ``aragora_cp.sync`` has a file of the same name.

Each event loop has one inbox; its descriptor is readable while something is in it. An answer that
is here when the operation returns never comes by: it is returned at once.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import threading
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from .. import _core
from .._callables import is_async

_LOGGER = logging.getLogger("aragora.control_plane")
_inboxes: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _core.Inbox]
_inboxes = weakref.WeakKeyDictionary()
_lock = threading.RLock()  # of the inboxes: every thread may have a loop
_running: set[asyncio.Future[Any]] = set()
T = TypeVar("T")


class Signal(asyncio.Event):
    """Of the loop that made it; set by any thread."""

    def __init__(self) -> None:
        super().__init__()
        self._home = asyncio.get_running_loop()

    def set(self) -> None:
        if asyncio._get_running_loop() is self._home:
            super().set()
            return
        with suppress(RuntimeError):  # that loop is closed
            self._home.call_soon_threadsafe(super().set)


def inbox() -> _core.Inbox:
    """That of the running loop."""
    loop = asyncio.get_running_loop()
    found = _inboxes.get(loop)
    return _new_inbox(loop) if found is None else found


def _new_inbox(loop: asyncio.AbstractEventLoop) -> _core.Inbox:
    closed = []
    with _lock:
        for other in [known for known in _inboxes if known.is_closed()]:
            closed.append(_inboxes.pop(other))
        made = _inboxes[loop] = _core.Inbox()
    for old in closed:  # of a kind of loop that keeps its readers when it is closed
        old.close()
    loop.add_reader(made.fileno(), _Reader(made))
    return made


class _Reader:
    """Reads an inbox for its loop, which alone holds this: it goes when the loop is closed.

    So must the inbox. What waits in it refers to the loop, so that neither would go by itself, and
    claims and workers would go on to take tasks that nobody hears of.
    """

    def __init__(self, read: _core.Inbox) -> None:
        self._read = read

    def __call__(self) -> None:
        self._read.drain()

    def __del__(self) -> None:
        self._read.close()


def _after_fork() -> None:
    """A thread that is not here may have held it."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork)


def finish(pending: _core.Pending) -> Awaitable[Any]:
    """The answer, when it comes. Who is cancelled takes nothing: it is discarded when it comes."""
    return pending.on(inbox(), asyncio.get_running_loop().create_future())


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Calls what blocks."""
    return await asyncio.to_thread(function, *args)


async def pause(seconds: float) -> None:
    """Lets others go first."""
    await asyncio.sleep(seconds)


async def call(function: Callable[..., Any], *args: Any) -> Any:
    """What it returns, or what that comes to if it is awaitable."""
    answer = function(*args)
    return await answer if inspect.isawaitable(answer) else answer


def handler_of(function: Callable[..., Any]) -> Callable[..., None]:
    """Calls ``function`` on the loop; of an async one it makes a task. What it raises is logged."""

    def call(*args: Any) -> None:
        try:
            answer = function(*args)
        except Exception:
            _LOGGER.exception("callback %r raised", function)
            return
        if inspect.isawaitable(answer):
            _watch(asyncio.ensure_future(answer), function)

    return call


def _watch(task: asyncio.Future[Any], function: Callable[..., Any]) -> None:
    def done(_: asyncio.Future[Any]) -> None:
        _running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _LOGGER.error("callback %r raised", function, exc_info=task.exception())

    _running.add(task)
    task.add_done_callback(done)


def probe_of(probe: Callable[[], Any]) -> Callable[[_core.ProbeAnswer], None]:
    """An async probe runs on the loop, a plain one, which may block, in a thread."""

    async def run(answer: _core.ProbeAnswer) -> None:
        try:
            if is_async(probe):
                good = await probe()
            else:
                good = await asyncio.to_thread(probe)
            if inspect.isawaitable(good):
                good = await good
            answer.set(bool(good))
        except Exception:
            _LOGGER.warning("probe %r raised", probe, exc_info=True)
            answer.set(False)

    def start(answer: _core.ProbeAnswer) -> None:
        _watch(asyncio.ensure_future(run(answer)), probe)

    return start
