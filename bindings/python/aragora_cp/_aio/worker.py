"""An agent on an event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .. import _core
from .._callables import is_async
from .._threads import Threads
from .._worker import WorkerBase, complete, fail
from ..definitions import Json
from ..sync.context import TaskContext as ThreadContext
from ._waiting import in_thread, inbox
from .context import TaskContext
from .coordinator import ControlPlaneCoordinator


class Worker(WorkerBase[Any]):
    """Claims tasks and runs a handler per task type: ``async with worker: ...`` or ``await run()``.

    Async handlers run on the loop; when they are to stop, they are cancelled. Plain ones run in
    threads, with a context of ``aragora_cp.sync``; they look at ``task.cancelled``. A handler that blocks the
    loop loses no lease: renewals and heartbeats come from a native thread.
    """

    _coordinator: ControlPlaneCoordinator

    async def start(self) -> None:
        """Registers the agent and begins to claim."""
        native = self._make_native(inbox())
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._threads = Threads(self.concurrency, f"aragora-cp-{self.agent_id}")
        await in_thread(native.start)
        self._native = native

    async def stop(self, timeout: float | None = None) -> None:
        """Claims no more, waits for its handlers, and unregisters.

        After ``timeout`` seconds (None: ``drain_timeout``) their leases are released and they are cancelled;
        one that goes on nevertheless is let go a little later. Idempotent. FailedPrecondition in
        one of its handlers.
        """
        native = self._native
        if native is None:
            return
        self._refuse_own_handler(asyncio.current_task() in self._tasks.values())
        seconds = self.drain_timeout if timeout is None else timeout
        await in_thread(self._stop_native, native, seconds)

    async def get_state_snapshot(self) -> dict[str, Any]:
        """What is known of the agent, with the state that it set."""
        return await self._coordinator.get_state_snapshot(self.agent_id)

    async def set_state(self, state: Json) -> int:
        """Keeps a state for the agent; of what ``get_state_snapshot`` gave only the state in it."""
        return await self._coordinator.set_state(self.agent_id, state)

    async def run(self) -> None:
        """Works until SIGTERM or SIGINT, or until it stops by itself; then drains.

        Raises why it stopped by itself. Signals need the main thread's loop; in another one cancel
        this.
        """
        ended = asyncio.Event()
        with _Signals(asyncio.get_running_loop(), ended.set):
            await self.start()
            try:
                while self.running and not ended.is_set():
                    with suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(ended.wait(), self._look_again())
            finally:
                await self.stop()
        if self.stopped_because is not None:
            raise self.stopped_because

    def _look_again(self) -> float:
        """Nothing tells that it stopped by itself, but then it is late for a heartbeat."""
        return self._heartbeat_interval or self._coordinator.config.heartbeat_interval

    async def __aenter__(self) -> Worker:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.stop(None if kind is None else 0)

    def _start(self, number: int, job: _core.Job, handler: Callable[..., Any]) -> None:
        if is_async(handler):
            context = self._contexts[number] = TaskContext(self._coordinator._plane, job.task)
            task = self._loop.create_task(self._handle(number, job, handler, context))
            context._when_cancelled = task.cancel
            self._tasks[number] = task
        else:
            threaded = self._contexts[number] = ThreadContext(self._coordinator._plane, job.task)
            self._threads.submit(self._handle_in_thread, number, job, handler, threaded)

    async def _handle(
        self, number: int, job: _core.Job, handler: Callable[..., Any], context: TaskContext
    ) -> None:
        try:
            complete(job, await handler(context))
        except asyncio.CancelledError:
            job.release()
        except Exception as error:
            fail(job, error)
        except BaseException as error:
            fail(job, error)
            raise
        finally:
            self._contexts.pop(number, None)
            self._tasks.pop(number, None)

    def _handle_in_thread(
        self, number: int, job: _core.Job, handler: Callable[..., Any], context: ThreadContext
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


class _Signals:
    """SIGTERM and SIGINT call ``stop`` meanwhile, where that is possible."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
        self._loop = loop
        self._stop = stop
        self._set: list[signal.Signals] = []

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(NotImplementedError, RuntimeError, ValueError):
                self._loop.add_signal_handler(number, self._stop)
                self._set.append(number)

    def __exit__(self, *_: object) -> None:
        for number in self._set:
            self._loop.remove_signal_handler(number)
