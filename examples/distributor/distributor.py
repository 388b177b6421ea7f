"""Coordinator → distributor → workers: the story of main.cpp, in Python.

60 reviews go to a distributor, which hands them to the workers of its pool. In the middle of it a worker dies,
and then the distributor: another one, which stood by, takes its place. Ends with 1 if a task was lost.

Each host has a coordinator of its own beside the first one; a host dies when that is cut off: nothing is
released, and nobody is told. Over a shared store each would be a process.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from aragora_cp import (
    ControlPlaneConfig,
    ControlPlaneCoordinator,
    DeadlineExceeded,
    Distributor,
    TaskContext,
    TaskDefinition,
    TaskStatus,
    Worker,
    create_control_plane,
)

TASKS = 60
HOST = ControlPlaneConfig(heartbeat_interval=0.2, heartbeat_timeout=2.0, lease_ttl=1.0)


def reviewer(plane: ControlPlaneCoordinator, name: str, done: Counter[str]) -> Worker:
    worker = Worker(
        plane,
        agent_id=name,
        capabilities=["code_review"],
        concurrency=2,
        labels={"distributor": "distributor-1"},
    )

    @worker.task("code_review")
    async def review(task: TaskContext) -> str:
        await asyncio.sleep(0.02)
        done[name] += 1
        return f"{task.payload} looks fine to {name}"

    return worker


async def cut_off(host: ControlPlaneCoordinator) -> None:
    with suppress(DeadlineExceeded):  # it held tasks
        await host.shutdown()


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.005)


async def main() -> int:
    done: Counter[str] = Counter()
    async with await create_control_plane(HOST) as plane:
        host_a, host_b, host_w = [
            await create_control_plane(HOST, beside=plane) for _ in range(3)
        ]
        first = Distributor(host_a, "distributor-1", ["code_review"], leader_ttl=1.0)
        await first.start()
        await until(lambda: first.leads)
        second = Distributor(host_b, "distributor-1", ["code_review"], leader_ttl=1.0)
        await second.start()
        workers = [reviewer(plane, f"worker-{n}", done) for n in (1, 2)]
        dying = reviewer(host_w, "worker-3", done)
        for worker in (*workers, dying):
            await worker.start()

        tasks = []
        for i in range(TASKS):
            task = TaskDefinition("code_review", f"file-{i}.py", agent_id="distributor-1")
            tasks.append(await plane.schedule(task))
        await until(lambda: done.total() >= 10)
        await cut_off(host_w)
        print("worker-3 died after 10 reviews")
        await until(lambda: done.total() >= 25)
        await cut_off(host_a)
        print("the distributor on host-a died after 25")

        ends = await asyncio.gather(*(plane.wait_for_result(task, 120) for task in tasks))
        completed = sum(end.status == TaskStatus.COMPLETED for end in ends)
        print("the one on host-b", "leads" if second.leads else "does not lead")
        print(f"{completed} of {TASKS} reviews have a result")
        await second.stop()
        for worker in workers:
            await worker.stop()
        await host_b.shutdown()
    return 0 if completed == TASKS else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
