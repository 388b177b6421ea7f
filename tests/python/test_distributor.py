"""Distributors, and coordinators beside each other."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from aragora_cp import (
    ControlPlaneConfig,
    ControlPlaneCoordinator,
    DeadlineExceeded,
    Distributor,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PoolWorker,
    TaskContext,
    TaskDefinition,
    TaskStatus,
    Worker,
    create_control_plane,
    sync,
)

QUICK = {"heartbeat_interval": 0.1, "heartbeat_timeout": 2.0, "lease_ttl": 1.0}


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.005)


async def cut_off(host: ControlPlaneCoordinator) -> None:
    with suppress(DeadlineExceeded):  # it held tasks
        await host.shutdown()


def reviewer(plane: ControlPlaneCoordinator, name: str, handler: Callable[[TaskContext], Any]) -> Worker:
    worker = Worker(
        plane,
        agent_id=name,
        capabilities=["code_review"],
        concurrency=2,
        labels={"distributor": "distributor-1"},
    )
    worker.task("code_review")(handler)
    return worker


def review(number: int) -> TaskDefinition:
    return TaskDefinition("code_review", {"file": number}, agent_id="distributor-1")


async def test_a_worker_and_a_distributor_die_and_no_task_is_lost() -> None:
    done: list[str] = []

    def handler(name: str) -> Callable[[TaskContext], Any]:
        async def handle(task: TaskContext) -> Any:
            await asyncio.sleep(0.005)
            done.append(name)
            return {"by": name, "file": task.payload["file"]}

        return handle

    async with await create_control_plane(**QUICK) as plane:
        host_a = await create_control_plane(beside=plane, **QUICK)
        host_b = await create_control_plane(beside=plane, **QUICK)
        host_w = await create_control_plane(beside=plane, **QUICK)
        first = Distributor(host_a, "distributor-1", candidate="a", leader_ttl=1.0)
        await first.start()
        await until(lambda: first.leads)
        async with Distributor(host_b, "distributor-1", candidate="b", leader_ttl=1.0) as second:
            async with reviewer(plane, "worker-1", handler("worker-1")):
                dying = reviewer(host_w, "worker-2", handler("worker-2"))
                await dying.start()
                await until(lambda: len(first.workers) == 2)
                answers = await plane.submit_tasks([review(i) for i in range(40)])
                tasks = [task for task in answers if isinstance(task, str)]
                assert len(tasks) == 40
                await until(lambda: len(done) >= 10)
                await cut_off(host_w)
                await until(lambda: len(done) >= 20)
                await cut_off(host_a)
                ends = await asyncio.gather(*(plane.wait_for_result(task, 50) for task in tasks))
                assert [end.result["file"] for end in ends] == list(range(40))
                assert second.leads and not first.leads
        await host_b.shutdown()


async def test_tasks_are_given_to_a_worker_by_name_or_to_the_least_busy() -> None:
    go = asyncio.Event()

    async def wait(task: TaskContext) -> Any:
        await go.wait()

    async with await create_control_plane() as plane:
        distributor = Distributor(plane, "distributor-1", ["code_review"])
        with pytest.raises(FailedPrecondition):
            await distributor.batch_assign_tasks([TaskDefinition("code_review")])
        async with distributor, reviewer(plane, "worker-1", wait), reviewer(plane, "worker-2", wait):
            await until(lambda: len(distributor.workers) == 2)
            tasks = [TaskDefinition("code_review") for _ in range(3)]
            batch = await distributor.batch_assign_tasks(tasks, "worker-1")
            assert all(isinstance(task, str) for task in batch)
            least_busy = min(distributor.workers, key=lambda it: len(it.pending_tasks))
            assert (least_busy.id, least_busy.slots, least_busy.usable) == ("worker-2", 2, True)
            one = await distributor.assign_task_to_worker(tasks[0], least_busy.id)
            other = await distributor.assign_task_to_worker(tasks[0])
            assert {(await plane.get_task(it)).directed_to for it in (one, other)} == {"worker-2"}
            with pytest.raises(NotFound):
                await distributor.assign_task_to_worker(tasks[0], "worker-3")
            go.set()
            for task in (*batch, one, other):
                assert isinstance(task, str)
                assert (await plane.wait_for_result(task, 50)).status == TaskStatus.COMPLETED
        assert not distributor.leads and distributor.workers == []


async def test_a_distributor_refuses_what_breaks_a_rule() -> None:
    async with await create_control_plane() as plane:
        with pytest.raises(InvalidArgument, match="agent_id"):
            await Distributor(plane, "").start()
        with pytest.raises(InvalidArgument, match="concurrency"):
            await Distributor(plane, "d", concurrency=0).start()
        with pytest.raises(TypeError):
            pickle.dumps(Distributor(plane, "d"))
    worker = PoolWorker(id="w", pending_tasks=["a"])
    assert pickle.loads(pickle.dumps(worker)) == worker


async def test_coordinators_beside_each_other_share_a_store() -> None:
    async with await create_control_plane() as plane:
        task = await plane.submit_task("review")
        config = ControlPlaneConfig(tenant_id="other")
        async with await create_control_plane(beside=plane) as same:
            assert (await same.get_task(task)).id == task
        async with await ControlPlaneCoordinator.create(config, beside=plane) as other:
            with pytest.raises(NotFound):
                await other.get_task(task)


def test_the_example_loses_nothing() -> None:
    example = Path(__file__).parents[2] / "examples" / "distributor" / "distributor.py"
    run = subprocess.run([sys.executable, example], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stdout.endswith("the one on host-b leads\n60 of 60 reviews have a result\n")


def test_the_synchronous_twin_distributes() -> None:
    with sync.create_control_plane() as plane, sync.Distributor(plane, "distributor-1") as distributor:
        worker = sync.Worker(plane, agent_id="worker-1", labels={"distributor": "distributor-1"})
        worker.task("code_review")(lambda task: task.payload)
        with worker:
            task = plane.schedule(review(7))
            assert plane.wait_for_result(task, 50).result == {"file": 7}
            assert distributor.leads
