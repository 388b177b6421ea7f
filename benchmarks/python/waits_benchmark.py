#!/usr/bin/env python3
"""How fast do 10,000 coroutines hear of their results?

The limit: as many coroutines that wait for futures, which a thread completes in batches of 100 by
call_soon_threadsafe. Ours wait for the results of tasks that are completed in batches of 100 by the same
loop, so the work of completing them is part of what is measured; the answers come from a C++ thread.
"""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Awaitable, Callable

from aragora_cp import create_control_plane

WAITS = 10_000
BATCH = 100
ROUNDS = 5


async def timed(waits: list[Awaitable[object]], complete: Callable[[], Awaitable[None]]) -> float:
    """Completions per second, from the first one to the last coroutine that went on."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.sleep(0)
    threads = threading.active_count()
    started = time.perf_counter()
    await complete()
    await asyncio.gather(*tasks)
    seconds = time.perf_counter() - started
    assert threading.active_count() <= threads + 1  # no thread per wait
    return WAITS / seconds


async def bare() -> float:
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(WAITS)]

    async def wait(future: asyncio.Future[object]) -> object:
        return await future

    def set_all(batch: list[asyncio.Future[object]]) -> None:
        for future in batch:
            future.set_result(None)

    def complete() -> None:
        for first in range(0, WAITS, BATCH):
            loop.call_soon_threadsafe(set_all, futures[first : first + BATCH])

    async def start() -> None:
        threading.Thread(target=complete).start()

    return await timed([wait(future) for future in futures], start)


async def ours() -> float:
    async with await create_control_plane() as plane:
        ids = [await plane.submit_task("t", None) for _ in range(WAITS)]
        held = [await plane.claim_tasks("a", [], max_tasks=BATCH) for _ in range(WAITS // BATCH)]

        async def complete() -> None:
            for tasks in held:
                await plane.complete_tasks([(task, None) for task in tasks])
                await asyncio.sleep(0)

        return await timed([plane.wait_for_result(task_id) for task_id in ids], complete)


def main() -> None:
    pairs = [(asyncio.run(bare()), asyncio.run(ours())) for _ in range(ROUNDS)]
    limit, rate = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    ratio = statistics.median(pair[1] / pair[0] for pair in pairs)
    print(f"{WAITS} waits   {rate:10,.0f} /s   limit {limit:10,.0f} /s   ratio {ratio:5.2f}   wanted 0.5")


if __name__ == "__main__":
    main()
