"""An agent on threads."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

from .. import _core
from .._callables import is_async
from .._threads import Threads
from .._worker import WorkerBase, complete, fail
from ..definitions import Json
from ._waiting import inbox
from .context import TaskContext
from .coordinator import ControlPlaneCoordinator


class Worker(WorkerBase[TaskContext]):
    """Claims tasks and runs a handler per task type: ``with worker: ...`` or ``run()``.

    Handlers run in threads; when they are to stop, ``task.cancelled`` turns true.
    """

    _coordinator: ControlPlaneCoordinator

    def _check(self, handler: Callable[..., Any]) -> None:
        super()._check(handler)
        if is_async(handler):
            raise TypeError("an async handler needs aragora_cp.Worker")

    def start(self) -> None:
        """Registers the agent and begins to claim."""
        native = self._make_native(inbox())
        self._threads = Threads(self.concurrency, f"aragora-cp-{self.agent_id}")
        native.start()
        self._native = native

    def stop(self, timeout: float | None = None) -> None:
        """Claims no more, waits for its handlers, and unregisters.

        After ``timeout`` seconds (None: ``drain_timeout``) their leases are released and they are told; one
        that goes on nevertheless is let go a little later. Idempotent. FailedPrecondition in one of
        its handlers.
        """
        native = self._native
        if native is None:
            return
        self._refuse_own_handler(self._threads.is_one_of_them())
        self._stop_native(native, self.drain_timeout if timeout is None else timeout)

    def get_state_snapshot(self) -> dict[str, Any]:
        """What is known of the agent, with the state that it set."""
        return self._coordinator.get_state_snapshot(self.agent_id)

    def set_state(self, state: Json) -> int:
        """Keeps a state for the agent; of what ``get_state_snapshot`` gave only the state in it."""
        return self._coordinator.set_state(self.agent_id, state)

    def run(self) -> None:
        """Works until SIGTERM or SIGINT, or until it stops by itself; then drains.

        Raises why it stopped by itself. Only in the main thread, which gets the signals.
        """
        ended = threading.Event()
        before = {
            number: signal.signal(number, lambda *_: ended.set())
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            self.start()
            while self.running and not ended.wait(self._look_again()):
                pass
            self.stop()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self.stopped_because is not None:
            raise self.stopped_because

    def _look_again(self) -> float:
        """Nothing tells that it stopped by itself, but then it is late for a heartbeat."""
        return self._heartbeat_interval or self._coordinator.config.heartbeat_interval

    def __enter__(self) -> Worker:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop(None if kind is None else 0)

    def _start(self, number: int, job: _core.Job, handler: Callable[..., Any]) -> None:
        context = self._contexts[number] = TaskContext(self._coordinator._plane, job.task)
        self._threads.submit(self._handle, number, job, handler, context)

    def _handle(
        self, number: int, job: _core.Job, handler: Callable[..., Any], context: TaskContext
    ) -> None:
        try:
            complete(job, handler(context))
        except BaseException as error:
            fail(job, error)
        finally:
            self._contexts.pop(number, None)

    def _cancel(self, number: int) -> None:
        context = self._contexts.get(number)
        if context is not None:
            context._set_cancelled()
