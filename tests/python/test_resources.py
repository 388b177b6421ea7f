"""Pools and permits, the line before them, and tasks that need them."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import signal
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from aragora_cp import (
    UNLIMITED,
    AlreadyExists,
    Cancelled,
    Conflict,
    ControlPlaneCoordinator,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ObstacleKind,
    Permit,
    PermitPart,
    PoolKind,
    ResourceExhausted,
    Resources,
    TaskDefinition,
    Worker,
    create_control_plane,
    sync,
)


async def until(plane: ControlPlaneCoordinator, pool: str, **wanted: int) -> None:
    """The pool stands as wanted."""
    while True:
        found = (await plane.resources.get_pool(pool)).to_dict()
        if all(found[name] == value for name, value in wanted.items()):
            return
        await asyncio.sleep(0)


# --- pools ---


async def test_a_pool_is_what_was_defined() -> None:
    async with await create_control_plane() as plane:
        resources = Resources(plane)
        count = await resources.define_pool("gpu", capacity=2, weights={"a": 3, "b": 1})
        assert (count.name, count.kind, count.capacity) == ("gpu", PoolKind.COUNT, 2)
        assert (count.available, count.used, count.weights) == (2, 0, {"a": 3, "b": 1})
        ports = await resources.define_pool("ports", PoolKind.NUMBER, first=8000, last=8009)
        assert (ports.first, ports.last, ports.available) == (8000, 8009, 10)
        calls = await resources.define_pool("calls", "window", 60, period=30)
        assert (calls.kind, calls.period) == (PoolKind.WINDOW, 30.0)
        budget = await resources.define_pool("usd", PoolKind.BUDGET, UNLIMITED)
        assert budget.capacity == budget.available == UNLIMITED
        assert [pool.name async for pool in resources.list_pools()] == ["calls", "gpu", "ports", "usd"]
        assert [pool async for pool in resources.list_pools("g")] == [count]
        assert (await resources.define_pool("gpu", capacity=3)).weights == {}
        with pytest.raises(FailedPrecondition, match="gpu"):
            await resources.define_pool("gpu", PoolKind.BUDGET)
        assert await resources.remove_pool("gpu") is True
        assert await resources.remove_pool("gpu") is False
        with pytest.raises(NotFound, match="gpu"):
            await resources.get_pool("gpu")


async def test_what_does_not_fit_is_refused_by_its_name() -> None:
    async with await create_control_plane(limits={"max_pools": 1}) as plane:
        resources = plane.resources
        refused: dict[str, Callable[[], Awaitable[Any]]] = {
            "kind": lambda: resources.define_pool("p", "heap"),
            "capacity": lambda: resources.define_pool("p", capacity=-1),
            "weights": lambda: resources.define_pool("p", weights=["a"]),  # type: ignore[arg-type]
            "needs": lambda: resources.acquire({"p": "1"}, owner="a"),  # type: ignore[dict-item]
            "owner": lambda: resources.acquire("p", owner=""),
            "ttl": lambda: resources.acquire("p", owner="a", ttl=0),
        }
        await resources.define_pool("p")
        for name, call in refused.items():
            with pytest.raises(InvalidArgument, match=name):
                await call()
        with pytest.raises(InvalidArgument, match="needs"):
            await resources.acquire({}, owner="a")
        with pytest.raises(InvalidArgument):
            await resources.acquire({"p": 2}, owner="a")  # more than it ever has
        with pytest.raises(ResourceExhausted, match="max_pools"):
            await resources.define_pool("q")
        with pytest.raises(TypeError, match="Permit"):
            await resources.release("p")  # type: ignore[arg-type]


# --- permits ---


async def test_a_permit_is_all_that_is_needed_or_nothing() -> None:
    async with await create_control_plane() as plane:
        await plane.resources.define_pool("gpu", capacity=2)
        await plane.resources.define_pool("ports", PoolKind.NUMBER, first=1, last=2)
        permit = await plane.resources.acquire({"gpu": 1, "ports": 2}, owner="a", ttl=60)
        assert permit.expires_at == permit.acquired_at + timedelta(seconds=60)
        parts = {part.pool: (part.amount, part.numbers) for part in permit.parts}
        assert (permit.owner, parts) == ("a", {"gpu": (1, []), "ports": (2, [1, 2])})
        with pytest.raises(ResourceExhausted):
            await plane.resources.acquire({"gpu": 1, "ports": 1}, owner="b")
        assert (await plane.resources.get_pool("gpu")).used == 1
        assert [p async for p in plane.resources.list_permits("gpu")] == [permit]
        with pytest.raises(FailedPrecondition):
            await plane.resources.remove_pool("gpu")
        await plane.resources.release(permit)
        assert [p async for p in plane.resources.list_permits("gpu")] == []
        later = await plane.resources.acquire("gpu", owner="b")
        assert later.fence > permit.fence
        stats = (await plane.get_stats())["permits"]
        assert stats == {
            "pools": 2, "permits": 1, "waiting": 0, "granted_total": 2, "expired_total": 0, "refused_total": 1,
        }  # fmt: skip


async def test_a_permit_is_renewed_by_its_owner() -> None:
    async with await create_control_plane() as plane:
        await plane.resources.define_pool("gpu")
        permit = await plane.resources.acquire("gpu", owner="a", ttl=10)
        named = Permit(fence=permit.fence, owner="a")  # as another process does
        assert await plane.resources.renew(named, 60) > permit.expires_at + timedelta(seconds=49)
        with pytest.raises(Conflict):
            await plane.resources.renew(Permit(fence=permit.fence, owner="b"), 60)
        await plane.resources.release(named)
        for end in (plane.resources.release(permit), plane.resources.renew(permit)):
            with pytest.raises(NotFound, match=str(permit.fence)):
                await end


async def test_a_permit_that_is_not_renewed_frees_itself() -> None:
    async with await create_control_plane() as plane:
        await plane.resources.define_pool("gpu")
        await plane.resources.acquire("gpu", owner="a", ttl=0.01)
        await plane.resources.acquire("gpu", owner="b", wait=60)
        assert (await plane.resources.get_pool("gpu")).expired_total == 1


async def test_what_was_used_settles_a_permit() -> None:
    async with await create_control_plane() as plane:
        await plane.resources.define_pool("tokens", PoolKind.BUDGET, 1000)
        permit = await plane.resources.acquire({"tokens": 400}, owner="a")
        await plane.resources.settle(permit, {"tokens": 150})
        assert (await plane.resources.get_pool("tokens")).used == 150
        permit = await plane.resources.acquire({"tokens": 400}, owner="a")
        await plane.resources.settle(permit)
        assert (await plane.resources.get_pool("tokens")).used == 550
        permit = await plane.resources.acquire({"tokens": 400}, owner="a")
        await plane.resources.release(permit)
        assert (await plane.resources.get_pool("tokens")).available == 450
        permit = await plane.resources.acquire({"tokens": 450}, owner="a")
        await plane.resources.settle(permit, {"tokens": 500})
        assert (await plane.resources.get_pool("tokens")).debt == 50


async def test_an_operation_id_answers_the_same_permit() -> None:
    async with await create_control_plane() as plane:
        await plane.resources.define_pool("gpu", capacity=2)
        first = await plane.resources.acquire("gpu", owner="a", operation_id="once")
        assert await plane.resources.acquire("gpu", owner="a", operation_id="once") == first
        with pytest.raises(AlreadyExists):
            await plane.resources.acquire({"gpu": 2}, owner="a", operation_id="once")


# --- the line ---


async def test_who_waits_is_served_by_priority_then_in_order() -> None:
    async with await create_control_plane() as plane:
        await plane.resources.define_pool("gpu")
        held = await plane.resources.acquire("gpu", owner="first")
        served: list[str] = []

        async def wait(owner: str, priority: str) -> None:
            permit = await plane.resources.acquire("gpu", owner=owner, wait=60, priority=priority)
            served.append(owner)
            await plane.resources.release(permit)

        waits = []
        for n, (owner, priority) in enumerate((("low", "low"), ("a", "normal"), ("b", "normal"), ("top", "high"))):
            waits.append(asyncio.ensure_future(wait(owner, priority)))
            await until(plane, "gpu", waiting=n + 1)
        await plane.resources.release(held)
        await asyncio.gather(*waits)
        assert served == ["top", "a", "b", "low"]


async def test_a_wait_ends_with_its_time_or_the_coordinator() -> None:
    plane = await create_control_plane()
    await plane.resources.define_pool("gpu")
    await plane.resources.acquire("gpu", owner="a")
    with pytest.raises(DeadlineExceeded):
        await plane.resources.acquire("gpu", owner="b", wait=0.01)
    waiting = asyncio.ensure_future(plane.resources.acquire("gpu", owner="b", wait=None))
    await until(plane, "gpu", waiting=1)
    await plane.shutdown()
    with pytest.raises(Cancelled):
        await waiting
    with pytest.raises(Cancelled):
        await plane.resources.get_pool("gpu")


@pytest.mark.parametrize("operation_id", [None, "mine"])
async def test_a_cancelled_await_leaves_the_line(operation_id: str | None) -> None:
    async with await create_control_plane() as plane:
        await plane.resources.define_pool("gpu", capacity=2)
        await plane.resources.acquire("gpu", owner="a")
        waiting = asyncio.ensure_future(
            plane.resources.acquire({"gpu": 2}, owner="b", wait=60, operation_id=operation_id)
        )
        await until(plane, "gpu", waiting=1)
        with pytest.raises(ResourceExhausted):  # nobody overtakes who needs more
            await plane.resources.acquire("gpu", owner="c")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await until(plane, "gpu", waiting=0)
        await plane.resources.acquire("gpu", owner="c")


async def test_a_permit_that_is_granted_as_its_await_is_cancelled_goes_back() -> None:
    async with await create_control_plane() as plane:
        await plane.resources.define_pool("gpu")
        for _ in range(50):
            held = await plane.resources.acquire("gpu", owner="a")
            waiting = asyncio.ensure_future(plane.resources.acquire("gpu", owner="b", wait=60))
            await until(plane, "gpu", waiting=1)
            await plane.resources.release(held)
            while (await plane.resources.get_pool("gpu")).waiting:
                pass  # without the loop, which has not seen it
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await until(plane, "gpu", permits=0, waiting=0)


# --- for the time of a block ---


async def test_a_hold_gives_back_what_was_not_used() -> None:
    async with await create_control_plane() as plane:
        await plane.resources.define_pool("calls", PoolKind.WINDOW, 10)
        await plane.resources.define_pool("gpu")
        async with plane.resources.hold({"gpu": 1, "calls": 5}, owner="a") as hold:
            assert sum(part.amount for part in hold.permit.parts) == 6
            assert (await plane.resources.get_pool("gpu")).available == 0
            hold.used["calls"] = 2
        assert (await plane.resources.get_pool("gpu")).available == 1
        assert (await plane.resources.get_pool("calls")).used == 2
        async with plane.resources.hold("calls", owner="a", wait=60):
            pass
        assert (await plane.resources.get_pool("calls")).used == 3  # unsaid, all was used


async def test_a_hold_ends_with_what_went_wrong() -> None:
    async with await create_control_plane() as plane:
        await plane.resources.define_pool("gpu")
        with pytest.raises(ZeroDivisionError):
            async with plane.resources.hold("gpu", owner="a"):
                raise ZeroDivisionError
        assert (await plane.resources.get_pool("gpu")).available == 1
        with pytest.raises(ZeroDivisionError):
            async with plane.resources.hold("gpu", owner="a") as hold:
                await plane.resources.release(hold.permit)
                raise ZeroDivisionError
        with pytest.raises(NotFound):
            async with plane.resources.hold("gpu", owner="a") as hold:
                await plane.resources.release(hold.permit)
        async with plane.resources.hold("gpu", owner="a"):
            with pytest.raises(ResourceExhausted):
                async with plane.resources.hold("gpu", owner="b"):
                    pass


# --- tasks ---


async def test_a_task_is_claimed_with_all_that_it_needs() -> None:
    async with await create_control_plane() as plane:
        await plane.resources.define_pool("ai_calls", capacity=1)
        await plane.resources.define_pool("tokens", PoolKind.BUDGET, 10_000)
        await plane.register_agent("a", max_concurrency=2)
        needs = {"ai_calls": 1, "tokens": 4000}
        first = await plane.submit_task("t", needs=needs)
        second = await plane.schedule(TaskDefinition("t", needs=needs))
        assert (await plane.get_task(second)).needs == needs
        task = await plane.claim_task("a")
        assert task is not None and (task.id, task.needs) == (first, needs)
        assert await plane.claim_task("a") is None
        explained = await plane.explain(second)
        assert (ObstacleKind.POOL_SHORT, "ai_calls") in [(o.kind, o.subject) for o in explained.obstacles]
        assert (await plane.resources.get_pool("tokens")).used == 4000
        await plane.complete_task(task.id, agent_id="a", usage={"tokens": 1200})
        assert (await plane.resources.get_pool("tokens")).used == 1200
        task = await plane.claim_task("a")
        assert task is not None and task.id == second
        await plane.fail_task(task.id, "no", "a", usage={"tokens": 300})
        assert (await plane.resources.get_pool("tokens")).used == 1500
        assert (await plane.get_task(await plane.submit_task("t"))).needs == {}
        with pytest.raises(InvalidArgument, match="needs"):
            await plane.submit_task("t", needs=["tokens"])  # type: ignore[arg-type]
        with pytest.raises((InvalidArgument, NotFound), match="nothing"):
            await plane.submit_task("t", needs={"nothing": 1})


async def test_a_worker_waits_for_what_its_tasks_need() -> None:
    async with await create_control_plane() as plane:
        await plane.resources.define_pool("gpu")
        worker = Worker(plane, agent_id="w", concurrency=4)
        at_once = most = 0

        @worker.task("t")
        async def handle(task: Any) -> None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1

        async with worker:
            ids = [await plane.submit_task("t", needs={"gpu": 1}) for _ in range(10)]
            for task_id in ids:
                assert (await plane.wait_for_result(task_id)).status == "completed"
        assert most == 1


# --- values, handles, threads ---


async def test_pools_and_permits_are_values() -> None:
    async with await create_control_plane() as plane:
        pool = await plane.resources.define_pool("ports", PoolKind.NUMBER, first=1, last=2, weights={"a": 2})
        permit = await plane.resources.acquire("ports", owner="a")
        for value in (pool, permit, permit.parts[0]):
            assert pickle.loads(pickle.dumps(value)) == copy.copy(value) == value
        assert permit.parts == [PermitPart(pool="ports", amount=1, numbers=[1])]
        with pytest.raises(TypeError, match="handle"):
            pickle.dumps(plane.resources)


def test_threads_wait_in_line() -> None:
    with sync.create_control_plane() as plane:
        plane.resources.define_pool("gpu")
        at_once: list[int] = []
        order: list[int] = []

        def work(n: int) -> None:
            with plane.resources.hold("gpu", owner=f"t{n}", wait=60):
                at_once.append(n)
                order.append(len(at_once))
                at_once.remove(n)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert order == [1] * 8
        assert plane.resources.get_pool("gpu").granted_total == 8
        assert [pool.name for pool in plane.resources.list_pools()] == ["gpu"]


def test_a_signal_that_interrupts_a_wait_leaves_the_line() -> None:
    with sync.create_control_plane() as plane:
        plane.resources.define_pool("gpu")
        plane.resources.acquire("gpu", owner="a")
        main = threading.main_thread().ident
        assert main is not None

        def interrupt() -> None:
            while plane.resources.get_pool("gpu").waiting == 0:
                os.sched_yield()
            signal.pthread_kill(main, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            plane.resources.acquire("gpu", owner="b", wait=60)
        thread.join()
        while plane.resources.get_pool("gpu").waiting:
            os.sched_yield()
