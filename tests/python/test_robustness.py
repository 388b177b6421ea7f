"""What hosts do to a library: fork, exit, cancel, close loops, use several, and do it all again."""

from __future__ import annotations

import asyncio
import copy
import gc
import multiprocessing
import os
import pickle
import resource
import threading
from collections.abc import Callable
from typing import Any

import pytest

import aragora_cp
from aragora_cp import (
    AgentInfo,
    Cancelled,
    ControlPlaneConfig,
    ControlPlaneError,
    FailedPrecondition,
    InvalidArgument,
    Label,
    RateLimited,
    Task,
    TaskDefinition,
    TaskStatus,
    Unavailable,
    Worker,
    create_control_plane,
    sync,
)

Python = Callable[..., str]


# --- values and handles ---


async def test_values_pickle_and_compare() -> None:
    async with await create_control_plane() as plane:
        await plane.register_agent("a", ["x"], metadata={"m": [1]}, labels={"k": "v"})
        parent = await plane.submit_task("p", required_capabilities=["y"])
        task_id = await plane.submit_task(
            "t", {"a": [1.5, None, "é"]}, ["x"], metadata={"m": 1}, labels={"l": "1"}, depends_on=[parent]
        )
        await plane.claim_task("b", ["y"])
        await plane.complete_task(parent, {"r": 1}, "b")
        events = []
        async with plane.events(after=0) as stream:
            for _ in range(5):
                events.append(await stream.__anext__())
        values = [
            await plane.get_agent("a"),
            await plane.get_task(task_id),
            await plane.get_task(parent),
            await plane.claim_task("a"),
            await plane.explain(task_id),
            plane.get_agent_health("a"),
            (await plane.check_health())["agents"],
            *events,
            ControlPlaneConfig(limits={"max_agents": 5}),
            TaskDefinition("t", {"a": 1}),
            Label("k"),
        ]
        for value in values:
            for again in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
                assert again == value and repr(again) == repr(value)
        assert values[0] != values[1]
        assert values[1].to_dict()["payload"] == {"a": [1.5, None, "é"]}


def test_values_are_made_by_keyword_and_cannot_be_changed() -> None:
    agent = AgentInfo(agent_id="a", capabilities=["x"], max_concurrency=3)
    assert (agent.agent_id, agent.capabilities, agent.max_concurrency, agent.status) == ("a", ["x"], 3, "ready")
    with pytest.raises(AttributeError):
        agent.agent_id = "b"  # type: ignore[misc]
    with pytest.raises(TypeError, match="no field colour"):
        AgentInfo(colour="red")  # type: ignore[call-arg]
    with pytest.raises(InvalidArgument):
        AgentInfo(agent_id=5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        hash(Task())


def test_errors_pickle_and_are_the_builtin_ones_too() -> None:
    error = pickle.loads(pickle.dumps(Unavailable("the store is away", True)))
    assert (error.code, error.message, error.outcome_unknown) == ("unavailable", "the store is away", True)
    assert str(error) == "unavailable: the store is away"
    assert isinstance(error, ConnectionError) and isinstance(error, ControlPlaneError)
    again = pickle.loads(pickle.dumps(RateLimited("slow", 5)))
    assert (str(again), again.retry_after) == ("slow", 5)
    for code, cls in aragora_cp.errors.BY_CODE.items():
        assert cls.code == code and issubclass(cls, ControlPlaneError)


async def test_handles_refuse_to_pickle() -> None:
    async with await create_control_plane() as plane:
        for handle in (plane, aragora_cp.TaskScheduler(plane), Worker(plane, agent_id="a")):
            with pytest.raises(TypeError, match="handle"):
                pickle.dumps(handle)
            with pytest.raises(TypeError, match="handle"):
                copy.copy(handle)


# --- awaits ---


async def test_a_cancelled_claim_takes_no_task() -> None:
    async with await create_control_plane() as plane:
        waiting = asyncio.create_task(plane.claim_task("a", [], block_ms=60_000))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        task_id = await plane.submit_task("t")
        assert await plane.get_status(task_id) is TaskStatus.PENDING
        assert (await plane.get_stats())["scheduler"]["claimed_total"] == 0


async def test_claims_that_were_given_up_do_not_poison_a_task() -> None:
    """Each of them would take it and give it back, and ten releases in a row are a crash."""
    async with await create_control_plane() as plane:
        waits = [asyncio.create_task(plane.claim_task("a", [], block_ms=60_000)) for _ in range(500)]
        await asyncio.sleep(0)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        task_id = await plane.submit_task("t")
        assert await plane.get_status(task_id) is TaskStatus.PENDING
        stats = (await plane.get_stats())["scheduler"]
        assert (stats["releases_total"], stats["crashes_total"], stats["waiting_claims"]) == (0, 0, 0)
        assert await plane.claim_task("b", []) is not None


async def test_a_claim_that_is_cancelled_as_it_is_answered_gives_its_task_back() -> None:
    """The answer is in the future already, and the coroutine has not gone on."""
    async with await create_control_plane() as plane:
        waiting = asyncio.create_task(plane.claim_tasks("a", [], 5, block_ms=60_000))
        await asyncio.sleep(0)
        task_id = await plane.submit_task("t")
        while await plane.get_status(task_id) is TaskStatus.PENDING:
            pass  # the loop does not run meanwhile
        loop = asyncio.get_running_loop()
        inbox = aragora_cp._aio._waiting.inbox()
        while len(inbox):
            inbox.drain()
        loop.call_soon(waiting.cancel)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        while await plane.get_status(task_id) is not TaskStatus.PENDING:
            await asyncio.sleep(0)


async def test_cancelled_waits_leave_nothing_behind() -> None:
    async with await create_control_plane() as plane:
        task_id = await plane.submit_task("t")
        waits = [asyncio.create_task(plane.wait_for_result(task_id)) for _ in range(1_000)]
        await asyncio.sleep(0)
        for wait in waits[:500]:
            wait.cancel()
        await plane.claim_task("a", [])
        await plane.complete_task(task_id, 1, "a")
        answers = await asyncio.gather(*waits, return_exceptions=True)
        assert sum(isinstance(answer, asyncio.CancelledError) for answer in answers) == 500
        assert sum(isinstance(answer, Task) for answer in answers) == 500
        while len(aragora_cp._aio._waiting.inbox()):
            await asyncio.sleep(0)


# --- loops ---


def test_a_coordinator_outlives_its_event_loop() -> None:
    async def leave_a_wait() -> tuple[Any, str]:
        plane = await create_control_plane()
        task_id = await plane.submit_task("t", required_capabilities=["x"])
        asyncio.ensure_future(plane.wait_for_result(task_id))
        asyncio.ensure_future(plane.claim_task("a", ["y"], block_ms=60_000))
        await asyncio.sleep(0)
        return plane, task_id

    async def go_on(plane: Any, task_id: str) -> None:
        other = await plane.submit_task("t", required_capabilities=["y"])
        await plane.claim_task("b", ["x"])
        await plane.complete_task(task_id, 1, "b")
        assert (await plane.wait_for_result(task_id)).result == 1
        while await plane.get_status(other) is not TaskStatus.PENDING:  # the lost claim gave it back
            await asyncio.sleep(0.001)
        await plane.shutdown()

    plane, task_id = asyncio.run(leave_a_wait())
    asyncio.run(go_on(plane, task_id))


def test_two_event_loops_in_two_threads_share_a_coordinator() -> None:
    plane = asyncio.run(create_control_plane())
    failures: list[BaseException] = []

    async def work(name: str, other: str) -> None:
        for _ in range(200):
            task_id = await plane.submit_task(name, required_capabilities=[other])
            task = await plane.claim_task(name, [name], block_ms=30_000)
            assert task is not None
            await plane.complete_task(task.id, name, name)
            assert (await plane.wait_for_result(task_id, 30)).result == other

    def run(name: str, other: str) -> None:
        try:
            asyncio.run(work(name, other))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=names) for names in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    asyncio.run(plane.shutdown())


def test_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> object:
        async with await create_control_plane() as plane:
            worker = Worker(plane, agent_id="w")

            @worker.task("t")
            async def handle(task: aragora_cp.TaskContext) -> object:
                await task.progress(0.5)
                return task.payload

            async with worker, plane.events(types=["task.completed"]) as events:
                task_id = await plane.submit_task("t", 7)
                assert (await events.__anext__()).subject == task_id
                return (await plane.wait_for_result(task_id)).result

    loop = uvloop.new_event_loop()
    try:
        assert loop.run_until_complete(main()) == 7
    finally:
        loop.close()


def resident_kib() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 1024


def test_a_thousand_runs_leave_neither_memory_nor_descriptors() -> None:
    async def main() -> None:
        async with await create_control_plane() as plane:
            waiting = asyncio.create_task(plane.claim_task("a", [], block_ms=60_000))
            await asyncio.sleep(0)
            task_id = await plane.submit_task("t", {"a": "x" * 1_000})
            await waiting
            await plane.complete_task(task_id, None, "a")

    def run(times: int) -> tuple[int, int]:
        for _ in range(times):
            asyncio.run(main())
        gc.collect()
        return len(os.listdir("/proc/self/fd")), resident_kib()

    descriptors, memory = run(200)
    later_descriptors, later_memory = run(800)
    assert later_descriptors <= descriptors + 2
    assert later_memory - memory < 8_000  # KiB: 10 a run would be a leak of the smallest kind


# --- processes ---


def test_after_a_fork_a_handle_refuses_and_a_new_one_works(python: Python) -> None:
    program = """
import asyncio, os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # fork with threads: that is the point
from aragora_cp import FailedPrecondition, Worker, create_control_plane, sync

plane = sync.create_control_plane()
task_id = plane.submit_task("t", None, ["x"])
worker = sync.Worker(plane, agent_id="w")
worker.start()
subscription = plane.on_task_failure(print)
child = os.fork()
if child == 0:
    for call in (plane.get_stats, lambda: plane.submit_task("t"), lambda: plane.wait_for_result(task_id)):
        try:
            call()
        except FailedPrecondition as error:
            assert "fork" in str(error)
        else:
            os._exit(3)
    with sync.create_control_plane() as other:
        with sync.Worker(other, agent_id="w") as mine:
            mine.task("t")(lambda task: task.payload)
            if other.wait_for_result(other.submit_task("t", 5)).result != 5:
                os._exit(4)
    async def main():
        async with await create_control_plane() as third:
            await third.submit_task("t")
    asyncio.run(main())
    del worker, subscription, plane
    import gc; gc.collect()
    sys.exit(7)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 7, status
worker.stop()
plane.shutdown()
print("parent goes on")
"""
    assert python(program) == "parent goes on\n"


def in_child(queue: Any) -> None:
    with sync.create_control_plane() as plane:
        queue.put(plane.submit_task("t", None, task_id="mine"))


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_of_multiprocessing(method: str) -> None:
    context = multiprocessing.get_context(method)
    queue = context.SimpleQueue()
    process = context.Process(target=in_child, args=(queue,))
    process.start()
    assert queue.get() == "mine"
    process.join(30)
    assert process.exitcode == 0


ENDS = {
    "with nothing shut down": "plane = sync.create_control_plane(); plane.submit_task('t')",
    "with a thread that waits": """
plane = sync.create_control_plane()
def wait():
    try:
        plane.claim_task("a", [], block_ms=60_000)
    except BaseException as error:
        assert type(error).__name__ == "Cancelled", error
threading.Thread(target=wait, daemon=True).start()
while plane.get_stats()["scheduler"]["waiting_claims"] == 0:
    os.sched_yield()
""",
    "with a worker that works": """
plane = sync.create_control_plane()
worker = sync.Worker(plane, agent_id="w", concurrency=2)
entered = threading.Event()
@worker.task("t")
def handle(task):
    entered.set()
    task.wait_cancelled()
worker.start()
plane.submit_task("t")
entered.wait()
""",
    "with callbacks and probes": """
plane = sync.create_control_plane()
plane.on_task_failure(print)
probed = threading.Semaphore(0)
plane.register_probe("p", lambda: probed.release() or True, interval=0.01)
probed.acquire()
probed.acquire()
""",
    "with threads that come back too late": """
plane = sync.create_control_plane()
worker = sync.Worker(plane, agent_id="w", concurrency=1)
entered = threading.Event()
@worker.task("t")
def handle(task):
    entered.set()
    task.wait_cancelled()
worker.start()
plane.submit_task("t")
entered.wait()
def come_and_go():
    while True:
        sync.create_control_plane()
def wait(function):
    try:
        function(60)
    except BaseException as error:
        assert type(error).__name__ == "DeadlineExceeded", error
for target, args in ((wait, (worker.stop,)), (wait, (plane.shutdown,)), (come_and_go, ()), (come_and_go, ())):
    threading.Thread(target=target, args=args, daemon=True).start()
while worker.running:
    os.sched_yield()
""",
    "with a loop that was left": """
async def main():
    global plane
    plane = await create_control_plane()
    asyncio.ensure_future(plane.wait_for_result(await plane.submit_task("t")))
    worker = Worker(plane, agent_id="w")
    worker.task("*")(lambda task: 1)
    await worker.start()
    await asyncio.sleep(0.05)
asyncio.run(main())
""",
    "with an exception": """
async def main():
    async with await create_control_plane() as plane, Worker(plane, agent_id="w"):
        raise SystemExit(0)
asyncio.run(main())
""",
    "in a loop that runs": """
async def main():
    plane = await create_control_plane()
    asyncio.ensure_future(plane.claim_task("a", [], block_ms=60_000))
    await asyncio.sleep(0)
    sys.exit(0)
asyncio.run(main())
""",
}


@pytest.mark.parametrize("how", ENDS)
def test_the_interpreter_ends(python: Python, how: str) -> None:
    start = "import asyncio, os, sys, threading\nfrom aragora_cp import Worker, create_control_plane, sync\n"
    assert python(start + ENDS[how]) == ""


# --- misuse ---


async def test_private_parts_do_not_crash_when_misused() -> None:
    core = aragora_cp._core
    for make in (core.Pending, core.Plane, core.Relay, core.Job, core.ProbeAnswer):
        with pytest.raises(TypeError):
            make()
    inbox = core.Inbox()
    inbox.close()
    inbox.close()
    inbox.drain()
    async with await create_control_plane() as plane:
        pending = plane._plane.wait_for_result(await plane.submit_task("t"), None)
        with pytest.raises(RuntimeError, match="not here"):
            next(pending)
        with pytest.raises(TypeError):
            pending.on(inbox)
        with pytest.raises(ZeroDivisionError):
            pending.throw(ZeroDivisionError)
        pending.close()
        with pytest.raises(RuntimeError, match="taken"):
            pending.wait()
        with pytest.raises(TypeError):
            plane._plane.submit_task()
        with pytest.raises(TypeError):
            plane._plane.submit_task(1, 2, 3, 4, 5, 6, 7)


def test_a_closed_coordinator_answers_cancelled_everywhere() -> None:
    plane = sync.create_control_plane()
    task_id = plane.submit_task("t")
    plane.shutdown()
    calls: list[Callable[[], Any]] = [
        lambda: plane.submit_task("t"),
        lambda: plane.claim_task("a", []),
        lambda: plane.get_task(task_id),
        lambda: plane.register_agent("a"),
        lambda: plane.get_stats(),
        lambda: plane.events(),
        lambda: plane.on_task_failure(print),
        lambda: plane.register_probe("p", lambda: True),
        lambda: plane.get_agent_health("a"),
        lambda: sync.Worker(plane, agent_id="w").start(),
    ]
    for call in calls:
        with pytest.raises((Cancelled, FailedPrecondition)):
            call()
