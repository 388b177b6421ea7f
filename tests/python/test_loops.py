"""Event loops: closed, several, in several threads."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import aragora_cp
from aragora_cp import (
    ControlPlaneCoordinator,
    FailedPrecondition,
    TaskStatus,
    Worker,
    _background,
    create_control_plane,
    sync,
)
from aragora_cp._aio import _waiting

NewLoop = Callable[[], asyncio.AbstractEventLoop]


def uvloop_or_skip() -> asyncio.AbstractEventLoop:
    uvloop: Any = pytest.importorskip("uvloop")
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


@pytest.fixture(params=[asyncio.new_event_loop, uvloop_or_skip], ids=["asyncio", "uvloop"])
def new_loop(request: pytest.FixtureRequest) -> NewLoop:
    made: NewLoop = request.param
    return made


def end(loop: asyncio.AbstractEventLoop) -> None:
    """As hosts do that do not use asyncio.run: nothing is cancelled, and nobody looks back."""
    loop.set_exception_handler(lambda *_: None)  # "Task was destroyed but it is pending"
    loop.close()
    gc.collect()


def test_a_claim_of_a_closed_loop_takes_no_task(new_loop: NewLoop) -> None:
    plane = asyncio.run(create_control_plane())
    loop = new_loop()

    async def park() -> None:
        asyncio.ensure_future(plane.claim_task("gone", [], block_ms=60_000))
        await asyncio.sleep(0)

    loop.run_until_complete(park())
    end(loop)
    tasks = sync.TaskScheduler(plane)  # type: ignore[arg-type]
    task_id = tasks.submit_task("t")
    claimed = tasks.claim_task("here", [], block_ms=30_000)
    assert claimed is not None and claimed.id == task_id
    asyncio.run(plane.shutdown())


def test_a_worker_of_a_closed_loop_ends_with_its_next_task(new_loop: NewLoop) -> None:
    plane = asyncio.run(create_control_plane())
    loop = new_loop()

    async def start() -> Worker:
        worker = Worker(plane, agent_id="left")
        worker.task("*")(lambda task: "never")
        await worker.start()
        return worker

    left = loop.run_until_complete(start())
    end(loop)
    tasks = sync.TaskScheduler(plane)  # type: ignore[arg-type]
    task_id = tasks.submit_task("t")
    while left.running:
        pass
    claimed = tasks.claim_task("here", [], block_ms=30_000)
    assert claimed is not None and claimed.id == task_id
    assert (tasks.get_task(task_id).crashes, tasks.get_task(task_id).failures) == (0, 0)
    assert isinstance(left.stopped_because, FailedPrecondition)
    asyncio.run(left.stop())
    asyncio.run(plane.shutdown(30))


async def test_a_claim_whose_coroutine_is_closed_takes_no_task() -> None:
    async with await create_control_plane() as plane:
        claim = plane.claim_task("a", [], block_ms=60_000)
        claim.send(None)
        claim.close()
        task_id = await plane.submit_task("t")
        assert await plane.get_status(task_id) is TaskStatus.PENDING
        assert (await plane.get_stats())["scheduler"]["waiting_claims"] == 0


async def test_an_await_goes_on_under_a_debugger() -> None:
    """CPython then asks for a plain iterator."""
    async with await create_control_plane() as plane:
        task_id = await plane.submit_task("t")
        before = sys.gettrace()
        sys.settrace(lambda *_: None)
        try:
            waiting = asyncio.create_task(plane.wait_for_result(task_id))
            await asyncio.sleep(0)
            await plane.claim_task("a", [])
            await plane.complete_task(task_id, (1, 2), "a")
            assert (await waiting).result == [1, 2]
        finally:
            sys.settrace(before)


def test_a_stream_ends_when_another_loop_closes_the_coordinator() -> None:
    plane = asyncio.run(create_control_plane())
    seen = threading.Event()

    async def read() -> None:
        async for _ in plane.events(after=0):
            seen.set()  # and then it waits for the next one

    thread = threading.Thread(target=lambda: asyncio.run(read()))
    thread.start()
    asyncio.run(plane.submit_task("t"))
    seen.wait()
    asyncio.run(plane.shutdown())
    thread.join(30)
    assert not thread.is_alive()


async def test_a_stream_that_is_forgotten_ends_by_itself() -> None:
    async with await create_control_plane() as plane:
        await plane.submit_task("t")
        before = len(_waiting.inbox())
        for _ in range(10):
            async for _ in plane.events(after=0):
                break
        gc.collect()
        assert len(_waiting.inbox()) == before


def test_many_threads_make_and_close_loops() -> None:
    failures: list[BaseException] = []

    async def use() -> None:
        _waiting.inbox()

    def run() -> None:
        try:
            for _ in range(200):
                asyncio.run(use())
        except BaseException as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failures


async def test_connecting_twice_at_once_opens_one_coordinator() -> None:
    plane = ControlPlaneCoordinator()

    async def connected() -> object:
        await plane.connect()
        return plane._plane

    first, second = await asyncio.gather(connected(), connected())
    assert first is second
    await plane.shutdown()


def test_coordinators_leave_nothing_in_the_background() -> None:
    with sync.create_control_plane():
        before = len(_background.inbox())
    for _ in range(10):
        with sync.create_control_plane():
            pass
    assert len(_background.inbox()) == before


def test_an_inbox_may_change_while_it_is_emptied() -> None:
    with sync.create_control_plane() as plane:
        inbox = aragora_cp._core.Inbox()
        late: list[Any] = []

        class Handler:
            def __call__(self, *_: object) -> None: ...

            def __del__(self) -> None:
                late.extend(plane._plane.on_task_failure(inbox, print) for _ in range(50))

        relays = [plane._plane.on_task_failure(inbox, Handler()) for _ in range(3)]
        inbox.close()
        assert len(inbox) == len(late) == 150
        relays[0].close()
        for relay in late:
            relay.close()
        assert len(inbox) == 0
