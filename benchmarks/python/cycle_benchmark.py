#!/usr/bin/env python3
"""How dear is a cycle of submit, claim and complete, compared with doing without a library?

The limit is what people write first: a dict, a heap and a lock in pure Python, ids of 36 characters, and nothing
else: no validation, no lease, no event, no JSON. Both are measured in the same run, in turn. The
payload is a dict of 250 bytes of JSON; ours is decoded again by who claimed it.

Usage: cycle_benchmark.py [cycles per round]
"""

from __future__ import annotations

import asyncio
import heapq
import json
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from aragora_cp import create_control_plane, sync

ROUNDS = 5
PAYLOAD = {
    "file": "src/module/main.py",
    "diff": "-" * 75,
    "author": {"name": "somebody", "id": 4711, "tags": ["core", "python"]},
    "lines": 42,
    "ratio": 0.75,
    "urgent": False,
    "parent": None,
}
RESULT = {"verdict": "fine"}


class BareLoop:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: dict[str, dict[str, Any]] = {}
        self._heap: list[tuple[int, int, str]] = []
        self._number = 0

    def submit(self, task_type: str, payload: object, priority: int = 2) -> str:
        task_id = str(uuid.uuid4())
        with self._lock:
            self._number += 1
            self._tasks[task_id] = {"type": task_type, "payload": payload, "status": "pending"}
            heapq.heappush(self._heap, (priority, self._number, task_id))
        return task_id

    def claim(self, agent_id: str) -> tuple[str, dict[str, Any]]:
        with self._lock:
            _, _, task_id = heapq.heappop(self._heap)
            task = self._tasks[task_id]
            task["status"], task["agent"] = "claimed", agent_id
        return task_id, task

    def complete(self, task_id: str, result: object) -> None:
        with self._lock:
            task = self._tasks.pop(task_id)
            task["status"], task["result"] = "completed", result


def per_cycle(cycles: int, work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) / cycles * 1e6


def bare(cycles: int) -> float:
    loop = BareLoop()

    def work() -> None:
        for _ in range(cycles):
            loop.submit("review", PAYLOAD)
            task_id, task = loop.claim("a")
            task["payload"]
            loop.complete(task_id, RESULT)

    return per_cycle(cycles, work)


def blocking(cycles: int, pending: int = 0) -> float:
    with sync.create_control_plane() as plane:
        plane.register_agent("a", ["code"], max_concurrency=0)
        for _ in range(pending):
            plane.submit_task("review", PAYLOAD, ["code"])

        def work() -> None:
            for _ in range(cycles):
                plane.submit_task("review", PAYLOAD, ["code"])
                task = plane.claim_task("a")
                assert task is not None
                task.payload
                plane.complete_task(task.id, RESULT, lease=task.lease)

        return per_cycle(cycles, work)


def on_asyncio(cycles: int, pending: int = 0) -> float:
    async def main() -> float:
        async with await create_control_plane() as plane:
            await plane.register_agent("a", ["code"], max_concurrency=0)
            for _ in range(pending):
                await plane.submit_task("review", PAYLOAD, ["code"])
            started = time.perf_counter()
            for _ in range(cycles):
                await plane.submit_task("review", PAYLOAD, ["code"])
                task = await plane.claim_task("a")
                assert task is not None
                task.payload
                await plane.complete_task(task.id, RESULT, lease=task.lease)
            return (time.perf_counter() - started) / cycles * 1e6

    return asyncio.run(main())


def compare(name: str, limit: Callable[[], float], ours: Callable[[], float], wanted: float) -> None:
    pairs = [(limit(), ours()) for _ in range(ROUNDS)]
    floor = statistics.median(pair[0] for pair in pairs)
    cost = statistics.median(pair[1] for pair in pairs)
    ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
    print(f"{name:36} {cost:7.2f} us   limit {floor:6.2f} us   ratio {ratio:5.2f}   wanted {wanted}")


def main() -> None:
    cycles = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(f"payload of {len(json.dumps(PAYLOAD))} bytes, {cycles} cycles, median of {ROUNDS} rounds")
    compare("asyncio", lambda: bare(cycles), lambda: on_asyncio(cycles), 0.36)
    compare("blocking", lambda: bare(cycles), lambda: blocking(cycles), 0.5)
    compare(
        "asyncio, 100,000 pending, to none", lambda: on_asyncio(cycles),
        lambda: on_asyncio(cycles, 100_000), 0.8,
    )  # fmt: skip


if __name__ == "__main__":
    main()
