"""What a host writes, for mypy --strict: every type is known where it is used."""

from __future__ import annotations

import asyncio
from datetime import datetime

from aragora_cp import (
    AgentCapability,
    ControlPlaneConfig,
    ControlPlaneError,
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
        return len(ids) + (status is TaskStatus.COMPLETED) + (finished is not None)


def blocking() -> float:
    with sync.create_control_plane(url="memory://") as plane:
        plane.register_agent("a", ["code"])
        return plane.get_agent("a").avg_latency_ms


if __name__ == "__main__":
    assert asyncio.run(main()) == 3
    assert blocking() == 0
