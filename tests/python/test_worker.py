"""Workers on an event loop."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest

from aragora_cp import (
    ControlPlaneCoordinator,
    FailedPrecondition,
    FatalError,
    InvalidArgument,
    NotFound,
    RateLimited,
    ResourceExhausted,
    TaskContext,
    TaskReason,
    TaskStatus,
    Worker,
    create_control_plane,
    sync,
)


async def ended(plane: ControlPlaneCoordinator, task_type: str, **options: object) -> object:
    return await plane.wait_for_result(await plane.submit_task(task_type, **options), timeout=30)  # type: ignore[arg-type]


async def test_async_and_plain_handlers_answer_by_type() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w", capabilities=["code"], concurrency=4, metadata={"m": 1})

        @worker.task("async")
        async def on_loop(task: TaskContext) -> object:
            await task.progress(0.5, "half way", {"at": 1})
            return {"thread": threading.get_ident(), "payload": task.payload, "type": task.task_type}

        @worker.task("*")
        def in_thread(task: sync.TaskContext) -> object:
            task.progress(0.25, "a quarter")
            return {"thread": threading.get_ident(), "attempt": task.attempt}

        async with worker:
            assert worker.running
            assert (await plane.get_agent("w")).metadata == {"m": 1}
            first = await ended(plane, "async", payload=[1])
            assert first.result == {"thread": threading.get_ident(), "payload": [1], "type": "async"}
            assert (first.progress, first.progress_note, first.checkpoint) == (0.5, "half way", {"at": 1})
            second = await ended(plane, "plain")
            assert second.result["attempt"] == 1 and second.result["thread"] != threading.get_ident()
        assert not worker.running
        with pytest.raises(NotFound):
            await plane.get_agent("w")


async def test_no_more_handlers_run_at_once_than_concurrency() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w", concurrency=3)
        at_once, most = 0, 0

        @worker.task("t")
        async def handle(task: TaskContext) -> None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.02)
            at_once -= 1

        async with worker:
            await asyncio.gather(*(ended(plane, "t") for _ in range(12)))
        assert most == 3


class Hostile(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text for you")


@pytest.mark.parametrize(
    ("raised", "status", "reason", "text"),
    [
        (ValueError("odd \ud800"), "pending", "backoff", "ValueError: odd ?"),
        (KeyError(), "pending", "backoff", "KeyError"),
        (FatalError("bad input"), "failed", "fatal", "bad input"),
        (InvalidArgument("no"), "failed", "fatal", "invalid_argument: no"),
        (NotFound("no file"), "failed", "fatal", "not_found: no file"),
        (Hostile(), "pending", "backoff", "Hostile: (its text cannot be shown)"),
        (RateLimited("slow down", 3_600), "pending", "backoff", "slow down"),
        (ResourceExhausted("quota"), "pending", "backoff", "resource_exhausted: quota"),
        (SystemExit(3), "pending", "backoff", "SystemExit: 3"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
async def test_exceptions_map_to_fail_kinds(raised: BaseException, status: str, reason: str, text: str) -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w", concurrency=1)

        @worker.task("t")
        def handle(task: sync.TaskContext) -> None:
            raise raised

        async with worker, plane.events(types=["task.*"]) as events:
            task_id = await plane.submit_task("t", max_retries=9, retry_delay=3_600, max_retry_delay=3_600)
            while (task := await plane.get_task(task_id)).status in ("claimed", "running") or task.attempt == 0:
                await events.__anext__()
            assert (task.status, task.reason, task.error) == (status, reason, text)
            counted = status == "pending" and not isinstance(raised, (RateLimited, ResourceExhausted))
            assert task.failures == int(counted)
            if isinstance(raised, RateLimited):
                assert task.ready_at - datetime.now(timezone.utc) > timedelta(minutes=50)


async def test_a_result_that_is_no_json_fails_for_good() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w")

        @worker.task("t")
        async def handle(task: TaskContext) -> object:
            return {"a": [object()]}

        async with worker:
            task = await ended(plane, "t")
        assert (task.status, task.reason) == (TaskStatus.FAILED, TaskReason.FATAL)
        assert task.error.startswith("result.a[0]: a value of type object is not JSON")


async def test_a_task_without_a_handler_fails_for_good() -> None:
    async with await create_control_plane() as plane:
        async with Worker(plane, agent_id="w"):
            task = await ended(plane, "unknown")
        assert (task.status, task.error) == ("failed", "no handler for task_type unknown")


async def test_a_handler_that_blocks_the_loop_keeps_its_lease() -> None:
    async with await create_control_plane(heartbeat_timeout=0.6, heartbeat_interval=0.2) as plane:
        worker = Worker(plane, agent_id="w", lease_ttl=0.3)

        @worker.task("t")
        async def handle(task: TaskContext) -> int:
            time.sleep(1.5)  # noqa: ASYNC251: that is the point
            return task.attempt

        async with worker:
            task = await ended(plane, "t")
            assert (await plane.get_agent("w")).tasks_crashed == 0
        assert (task.result, task.attempt, task.crashes) == (1, 1, 0)


async def test_a_cancel_request_cancels_the_handler() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w", concurrency=2, lease_ttl=0.15)
        entered: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        told: list[str] = []

        @worker.task("async")
        async def on_loop(task: TaskContext) -> None:
            entered.put_nowait(task.id)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                told.append(f"async {task.cancelled}")
                raise

        @worker.task("plain")
        def in_thread(task: sync.TaskContext) -> str:
            loop.call_soon_threadsafe(entered.put_nowait, task.id)
            task.wait_cancelled()
            told.append(f"plain {task.cancelled}")
            raise sync_cancelled

        from aragora_cp import Cancelled

        sync_cancelled = Cancelled("told to stop")
        async with worker:
            for task_type in ("async", "plain"):
                task_id = await plane.submit_task(task_type)
                assert await entered.get() == task_id
                await plane.cancel_task(task_id)
                assert (await plane.wait_for_result(task_id, 30)).status is TaskStatus.CANCELLED
        assert told == ["async True", "plain True"]


async def test_progress_tells_of_a_cancel_at_once() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w", lease_ttl=60)
        entered, cancelled = asyncio.Event(), asyncio.Event()

        @worker.task("t")
        async def handle(task: TaskContext) -> None:
            entered.set()
            await cancelled.wait()
            await task.progress(0.5)
            await asyncio.sleep(60)

        async with worker:
            task_id = await plane.submit_task("t")
            await entered.wait()
            await plane.cancel_task(task_id)
            cancelled.set()
            assert (await plane.wait_for_result(task_id, 30)).status is TaskStatus.CANCELLED


async def test_completing_still_wins_after_a_cancel_request() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w", lease_ttl=0.15)
        entered = asyncio.Event()

        @worker.task("t")
        async def handle(task: TaskContext) -> str:
            entered.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass
            return "done nevertheless"

        async with worker:
            task_id = await plane.submit_task("t")
            await entered.wait()
            await plane.cancel_task(task_id)
            assert (await plane.wait_for_result(task_id, 30)).result == "done nevertheless"


async def test_stop_drains_and_then_releases_what_is_left() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w", concurrency=2)
        entered: asyncio.Queue[str] = asyncio.Queue()
        finish = asyncio.Event()

        @worker.task("quick")
        async def quick(task: TaskContext) -> str:
            entered.put_nowait(task.id)
            await finish.wait()
            return "finished"

        @worker.task("slow")
        async def slow(task: TaskContext) -> None:
            entered.put_nowait(task.id)
            await asyncio.sleep(60)

        await worker.start()
        quick_id, slow_id = await plane.submit_task("quick"), await plane.submit_task("slow")
        assert {await entered.get(), await entered.get()} == {quick_id, slow_id}
        finish.set()
        await plane.wait_for_result(quick_id, 30)
        await worker.stop(0.2)
        await worker.stop()
        assert (await plane.get_task(quick_id)).result == "finished"
        left = await plane.get_task(slow_id)
        assert (left.status, left.crashes, left.failures) == (TaskStatus.PENDING, 0, 0)


async def test_leaving_by_an_exception_does_not_wait() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w")
        entered = asyncio.Event()

        @worker.task("t")
        async def handle(task: TaskContext) -> None:
            entered.set()
            await asyncio.sleep(60)

        started = time.monotonic()
        with pytest.raises(ZeroDivisionError):
            async with worker:
                task_id = await plane.submit_task("t")
                await entered.wait()
                raise ZeroDivisionError
        assert time.monotonic() - started < 20
        assert await plane.get_status(task_id) is TaskStatus.PENDING


async def test_a_handler_that_never_ends_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aragora_cp._worker.LET_GO", 0.1)
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w")
        entered, forever = threading.Event(), threading.Event()

        @worker.task("t")
        def handle(task: sync.TaskContext) -> str:
            entered.set()
            forever.wait()
            return "too late"

        await worker.start()
        task_id = await plane.submit_task("t")
        await asyncio.to_thread(entered.wait)
        await worker.stop(0)
        assert await plane.get_status(task_id) is TaskStatus.PENDING
        forever.set()


async def test_a_worker_that_was_registered_again_elsewhere_stops() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w", heartbeat_interval=0.05)
        await worker.start()
        with pytest.raises(FailedPrecondition, match="started before"):
            await worker.start()
        await plane.unregister_agent("w")
        while worker.running:
            await asyncio.sleep(0.01)
        assert worker.stopped_because is not None
        await worker.stop()


async def test_run_raises_why_it_stopped_by_itself() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w", heartbeat_interval=0.05)
        running = asyncio.create_task(worker.run())
        async with plane.events(types=["agent.registered"], after=0) as events:
            await events.__anext__()
        await plane.unregister_agent("w")
        with pytest.raises((NotFound, FailedPrecondition)):
            await running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_run_drains_on_a_signal(number: signal.Signals) -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w")
        entered = asyncio.Event()

        @worker.task("t")
        async def handle(task: TaskContext) -> str:
            entered.set()
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.1)
            return "finished"

        running = asyncio.create_task(worker.run())
        task_id = await plane.submit_task("t")
        await running
        assert (await plane.get_task(task_id)).result == "finished"
        with pytest.raises(NotFound):
            await plane.get_agent("w")


async def test_options_are_checked_when_it_starts() -> None:
    async with await create_control_plane() as plane:
        for options in ({"concurrency": 0}, {"concurrency": 5_000}, {"lease_ttl": -1.0}, {"heartbeat_interval": 99}):
            with pytest.raises((InvalidArgument, ValueError)):
                await Worker(plane, agent_id="w", **options).start()  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument, match="agent_id"):
            await Worker(plane, agent_id="").start()
        with pytest.raises(TypeError, match="callable"):
            Worker(plane, agent_id="w").task("t")("no function")  # type: ignore[type-var]
        with pytest.raises(TypeError, match="pickled"):
            pickle.dumps(Worker(plane, agent_id="w"))


async def test_a_worker_that_is_forgotten_ends_by_itself() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="w")
        await worker.start()
        del worker
        async with plane.events(types=["agent.unregistered"], after=0) as events:
            assert (await events.__anext__()).subject == "w"


async def test_a_closing_coordinator_cancels_handlers() -> None:
    plane = await create_control_plane()
    worker = Worker(plane, agent_id="w")
    entered, cancelled = asyncio.Event(), asyncio.Event()

    @worker.task("t")
    async def handle(task: TaskContext) -> None:
        entered.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    await worker.start()
    await plane.submit_task("t")
    await entered.wait()
    from aragora_cp import DeadlineExceeded

    with pytest.raises(DeadlineExceeded, match="1"):
        await plane.shutdown(0.05)
    await cancelled.wait()
    await worker.stop()
