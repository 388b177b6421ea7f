"""One attempt, as its handler sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core import ClaimedTask, Pending
from ..definitions import Json
from ._waiting import Signal, finish


class TaskContext:
    """Valid while the handler runs."""

    def __init__(self, plane: Any, task: ClaimedTask) -> None:
        self._plane = plane
        self._cancel = Signal()
        self._when_cancelled: Callable[[], object] | None = None
        self.task = task  #: all of it, labels and metadata included

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task.id

    @property
    def task_type(self) -> str:
        """What kind of work it is."""
        return self.task.task_type

    @property
    def payload(self) -> Any:
        """What was submitted."""
        return self.task.payload

    @property
    def attempt(self) -> int:
        """1 is the first."""
        return self.task.attempt

    @property
    def checkpoint(self) -> Any:
        """The last progress data of an earlier attempt, or None."""
        return self.task.checkpoint

    @property
    def cancelled(self) -> bool:
        """A cancel was requested, the lease was lost, or the worker stops without waiting."""
        return self._cancel.is_set()

    async def wait_cancelled(self) -> None:
        """Returns when ``cancelled`` is true."""
        await self._cancel.wait()

    async def progress(self, fraction: float, note: str = "", data: Json = None) -> None:
        """Stored, and seen by everyone. ``fraction`` is 0 to 1.

        ``data``, at most 64 KiB, is a checkpoint for the next attempt, if this one does not end well.
        Conflict: the lease is lost.
        """
        task = self.task
        answer = self._plane.report_progress(task.id, None, task.lease, fraction, note, data)
        status = await finish(answer) if type(answer) is Pending else answer
        if status.cancel_requested:
            self._set_cancelled()

    def _set_cancelled(self) -> None:
        self._cancel.set()
        if self._when_cancelled is not None:
            self._when_cancelled()
