"""How asyncio waits for what is not here yet. ``aragora_cp.sync`` has a file of the same name.

Each event loop has one inbox; its descriptor is readable while something is in it. An answer that
is here when the operation returns never comes by: it is returned at once.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from .. import _core

_LOGGER = logging.getLogger("aragora.control_plane")
_inboxes: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _core.Inbox]
_inboxes = weakref.WeakKeyDictionary()
_running: set[asyncio.Future[Any]] = set()
T = TypeVar("T")

Signal = asyncio.Event


def inbox() -> _core.Inbox:
    """That of the running loop."""
    loop = asyncio.get_running_loop()
    found = _inboxes.get(loop)
    if found is None:
        _close_those_of_closed_loops()
        found = _inboxes[loop] = _core.Inbox()
        loop.add_reader(found.fileno(), found.drain)
    return found


def _close_those_of_closed_loops() -> None:
    """What still waits in them refers to its loop, so that they would never go by themselves."""
    for loop, old in list(_inboxes.items()):
        if loop.is_closed():
            del _inboxes[loop]
            old.close()


async def finish(pending: _core.Pending) -> Any:
    """The answer, when it comes. If this is cancelled, the answer is dropped when it comes."""
    future = asyncio.get_running_loop().create_future()
    reader = inbox()
    if not pending.attach(reader, future):
        return pending.take()
    try:
        return await future
    except asyncio.CancelledError:
        pending.abandon(reader)
        raise


async def finish_claim(pending: _core.Pending, give_back: Callable[[Any], object]) -> Any:
    """As finish; what was claimed for somebody who was cancelled in that very moment goes back."""
    future = asyncio.get_running_loop().create_future()
    reader = inbox()
    if not pending.attach(reader, future):
        return pending.take()
    try:
        return await future
    except asyncio.CancelledError:
        pending.abandon(reader)
        if future.done() and not future.cancelled() and future.exception() is None:
            give_back(future.result())
        raise


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Calls what blocks."""
    return await asyncio.to_thread(function, *args)


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
            if inspect.iscoroutinefunction(probe):
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
