"""How threads wait for what is not here yet. ``aragora_cp._aio`` has a file of the same name."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from .. import _background, _core

_LOGGER = logging.getLogger("aragora.control_plane")
T = TypeVar("T")

Signal = threading.Event


def inbox() -> _core.Inbox:
    """That of the background thread."""
    return _background.inbox()


def finish(pending: _core.Pending) -> Any:
    """The answer, when it comes. Blocks without the GIL; signals interrupt it."""
    return pending.wait()


def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Calls what blocks, here."""
    return function(*args)


def pause(seconds: float) -> None:
    """Lets others go first."""
    time.sleep(seconds)


def call(function: Callable[..., Any], *args: Any) -> Any:
    """What it returns."""
    return function(*args)


def handler_of(function: Callable[..., Any]) -> Callable[..., None]:
    """Calls ``function`` on the background thread. What it raises is logged."""

    def call(*args: Any) -> None:
        try:
            function(*args)
        except BaseException:  # even one that would end a thread: that one is everybody's
            _LOGGER.exception("callback %r raised", function)

    return call


def probe_of(probe: Callable[[], Any]) -> Callable[[_core.ProbeAnswer], None]:
    """A probe may block, so each round has a thread; the library never begins two at once."""

    def run(answer: _core.ProbeAnswer) -> None:
        try:
            answer.set(bool(probe()))
        except Exception:
            _LOGGER.warning("probe %r raised", probe, exc_info=True)
            answer.set(False)

    def start(answer: _core.ProbeAnswer) -> None:
        threading.Thread(target=run, args=(answer,), name="aragora-cp-probe", daemon=True).start()

    return start
