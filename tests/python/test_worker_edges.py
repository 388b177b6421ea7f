"""Workers whose hosts and handlers do what they should not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from aragora_cp import (
    ControlPlaneCoordinator,
    FailedPrecondition,
    RateLimited,
    TaskContext,
    TaskStatus,
    Worker,
    create_control_plane,
    sync,
)


async def ended(plane: ControlPlaneCoordinator, task_type: str, payload: object = None, **options: Any) -> Any:
    return await plane.wait_for_result(await plane.submit_task(task_type, payload, **options), timeout=30)  # type: ignore[arg-type]


def test_a_stop_that_is_cancelled_goes_on(python: Callable[..., str]) -> None:
    """Ctrl-C while it waits for a handler that never ends."""
    program = """
import asyncio, threading
from aragora_cp import Worker, _worker, create_control_plane
_worker.LET_GO = 0.1
async def main():
    plane = await create_control_plane()
    worker = Worker(plane, agent_id="w")
    loop, entered = asyncio.get_running_loop(), asyncio.Event()
    @worker.task("t")
    def handle(task):
        loop.call_soon_threadsafe(entered.set)
        threading.Event().wait()
    await worker.start()
    await plane.submit_task("t")
    await entered.wait()
    stopping = asyncio.create_task(worker.stop(0))
    await asyncio.sleep(0)
    stopping.cancel()
asyncio.run(main())  # which waits for the thread
"""
    assert python(program) == ""


async def test_stop_refuses_to_wait_for_its_own_handler() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w")

        @worker.task("t")
        async def handle(task: TaskContext) -> str:
            with pytest.raises(FailedPrecondition, match="would wait for itself"):
                await worker.stop()
            stopping.append(asyncio.create_task(worker.stop()))
            return "done"

        stopping: list[asyncio.Task[None]] = []
        await worker.start()
        assert (await ended(plane, "t")).result == "done"
        await stopping[0]


async def test_starting_twice_leaves_the_worker_as_it_was() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w")
        worker.task("t")(lambda task: threading.current_thread().name)
        async with worker:
            threads = worker._threads
            with pytest.raises(FailedPrecondition, match="started before"):
                await worker.start()
            assert worker._threads is threads
        with pytest.raises(FailedPrecondition, match="not connected"):
            await Worker(ControlPlaneCoordinator(), agent_id="w").start()


@pytest.mark.parametrize("retry_after", ["soon", float("nan")])
async def test_a_nonsensical_retry_after_fails_the_attempt(retry_after: Any) -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w")

        @worker.task("async")
        async def on_loop(task: TaskContext) -> None:
            raise RateLimited("slow down", retry_after)

        @worker.task("plain")
        def in_thread(task: sync.TaskContext) -> None:
            raise RateLimited("slow down", retry_after)

        async with worker:
            for task_type in ("async", "plain"):
                task = await ended(plane, task_type, max_retries=0)
                assert task.status is TaskStatus.FAILED
                assert (task.error or "").startswith("slow down")


async def test_an_object_with_an_async_call_is_an_async_handler() -> None:
    class Handler:
        async def __call__(self, task: TaskContext) -> object:
            await task.progress(0.5)
            return task.payload

    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w")
        worker.task("t")(Handler())
        async with worker:
            assert (await ended(plane, "t", 5)).result == 5
        with pytest.raises(TypeError, match="async handler"):
            sync.Worker(plane, agent_id="w").task("t")(Handler())


def test_a_handler_that_forks_and_returns_ends_the_child(python: Callable[..., str]) -> None:
    program = """
import os, warnings
from aragora_cp import sync
warnings.simplefilter("ignore", DeprecationWarning)  # fork with threads: that is the point
with sync.create_control_plane() as plane, sync.Worker(plane, agent_id="w") as worker:
    @worker.task("t")
    def handle(task):
        child = os.fork()
        return child and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    task = plane.wait_for_result(plane.submit_task("t"), 30)
    assert task.result == 0, task
"""
    assert python(program) == ""
