"""What a host writes, for mypy --strict: every type is known where it is used."""

from __future__ import annotations

import asyncio
from datetime import datetime

from aragora_cp import (
    UNLIMITED,
    AgentCapability,
    ChangeKind,
    ControlPlaneConfig,
    ControlPlaneCoordinator,
    ControlPlaneError,
    Document,
    LeaderElection,
    Permit,
    Pool,
    PoolKind,
    TaskContext,
    TaskDefinition,
    TaskPriority,
    TaskStatus,
    Worker,
    create_control_plane,
    sync,
)


async def main() -> int:
    config = ControlPlaneConfig(task_timeout=60.0, limits={"max_agents": 10})
    async with await create_control_plane(config) as plane:
        worker = Worker(plane, agent_id="w", capabilities=[AgentCapability.CODE], concurrency=8)

        @worker.task("review")
        async def review(task: TaskContext) -> dict[str, str]:
            await task.progress(0.5, "half way", {"page": 3})
            return {"verdict": "fine"}

        async with worker:
            task_id: str = await plane.submit_task(
                "review", {"file": "main.py"}, ["code"], TaskPriority.HIGH, max_retries=2, labels={"team": "a"}
            )
            done = await plane.wait_for_result(task_id, timeout=60)
            status: TaskStatus = done.status
            finished: datetime | None = done.finished_at
            answers = await plane.submit_tasks([TaskDefinition("review", agent_id="w")])
            ids: list[str] = [answer for answer in answers if not isinstance(answer, ControlPlaneError)]
            held = await plane.claim_task("other")
            if held is not None:
                await plane.complete_task(held.id, None, lease=held.lease)
            async for event in plane.events(types=["task.*"], after=0):
                print(event.seq, event.type, event.data)
                break
        assert await together(plane) == 4
        return len(ids) + (status is TaskStatus.COMPLETED) + (finished is not None)


async def together(plane: ControlPlaneCoordinator) -> int:
    version: int = await plane.state.put("plan", {"steps": [1]}, ttl=60)
    plan: Document = await plane.state.get("plan")
    keys: list[str] = [document.key async for document in plane.state.list("pl")]
    async with plane.state.watch("plan", after=0) as changes:
        async for change in changes:
            assert change.kind is ChangeKind.PUT
            break
    pool: Pool = await plane.resources.define_pool("tokens", PoolKind.BUDGET, UNLIMITED)
    async with plane.resources.hold({pool.name: 10}, owner="a", wait=1.0) as hold:
        permit: Permit = hold.permit
        hold.used[pool.name] = 5
    async with await plane.leases.acquire("main", owner="a", on_lost=print) as lease:
        newer: bool = lease.fence > permit.fence
    async with LeaderElection(plane, "leader", "a") as election:
        epoch: int = await election.wait_elected()
    await plane.submit_task("t", needs={"tokens": 10})
    return (plan.version == version) + len(keys) + newer + (epoch > 0)


def blocking() -> float:
    with sync.create_control_plane(url="memory://") as plane:
        plane.register_agent("a", ["code"])
        return plane.get_agent("a").avg_latency_ms


if __name__ == "__main__":
    assert asyncio.run(main()) == 3
    assert blocking() == 0
