"""The twin without an event loop: the same operations, blocking their thread and only that."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import aragora_cp
from aragora_cp import (
    AgentInfo,
    Cancelled,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    Label,
    TaskFailure,
    TaskFilter,
    TaskStatus,
    sync,
)

ROOT = Path(__file__).parents[2]


def test_it_is_what_the_generator_writes() -> None:
    script = ROOT / "bindings" / "python" / "scripts" / "make_sync.py"
    subprocess.run([sys.executable, script, "--check"], check=True)


def test_it_offers_what_asyncio_offers() -> None:
    missing = set(sync.__all__) - set(aragora_cp.__all__)
    assert not missing
    for name in sync.__all__:
        ours, theirs = getattr(sync, name), getattr(aragora_cp, name)
        if isinstance(ours, type) and not isinstance(ours, type(dict)):
            theirs_public = {n for n in dir(theirs) if not n.startswith("_")}
            assert {n for n in dir(ours) if not n.startswith("_")} == theirs_public, name


def test_a_task_goes_from_submit_to_its_result() -> None:
    with sync.create_control_plane() as plane:
        plane.register_agent("a", ["code"])
        task_id = plane.submit_task("t", {"n": 1}, ["code"])
        task = plane.claim_task("a")
        assert task is not None and task.payload == {"n": 1}
        plane.complete_task(task.id, [2], "a")
        assert plane.wait_for_result(task_id).result == [2]
        assert [t.id for t in plane.list_tasks()] == [task_id]
        assert [a.agent_id for a in plane.list_agents()] == ["a"]
        assert plane.get_stats()["scheduler"]["completed_total"] == 1


def test_a_blocked_thread_holds_up_no_other() -> None:
    with sync.create_control_plane() as plane:
        results: list[object] = []
        threads = [
            threading.Thread(target=lambda: results.append(plane.claim_task("a", [], block_ms=30_000)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for n in range(8):
            plane.submit_task("t", n)
        for thread in threads:
            thread.join(30)
        assert sorted(task.payload for task in results) == list(range(8))  # type: ignore[attr-defined]


def test_a_wait_ends_with_its_timeout_or_the_coordinator() -> None:
    plane = sync.create_control_plane()
    task_id = plane.submit_task("t")
    with pytest.raises(DeadlineExceeded):
        plane.wait_for_result(task_id, timeout=0.01)
    threading.Timer(0.05, plane.shutdown).start()
    with pytest.raises(Cancelled):
        plane.wait_for_result(task_id)


def test_ctrl_c_interrupts_a_wait() -> None:
    with sync.create_control_plane() as plane:
        task_id = plane.submit_task("t")
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            plane.wait_for_result(task_id, timeout=60)
        assert time.monotonic() - started < 30
        plane.submit_task("t")


def test_a_claim_that_ctrl_c_interrupted_takes_no_task() -> None:
    with sync.create_control_plane() as plane:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            plane.claim_task("a", [], block_ms=60_000)
        assert plane.get_status(plane.submit_task("t")) is TaskStatus.PENDING
        assert plane.get_stats()["scheduler"]["claimed_total"] == 0


def test_events_are_iterated() -> None:
    with sync.create_control_plane() as plane:
        with plane.events(types=["task.submitted"]) as events:
            ids = [plane.submit_task("t") for _ in range(600)]
            assert [next(events).subject for _ in ids] == ids
            ender = threading.Timer(0.05, events.close)
            ender.start()
            assert list(events) == []


def test_callbacks_come_from_the_background_thread() -> None:
    with sync.create_control_plane() as plane:
        failures: list[TaskFailure] = []
        threads: list[str] = []
        done = threading.Event()

        def failed(failure: TaskFailure) -> None:
            failures.append(failure)
            threads.append(threading.current_thread().name)
            done.set()

        with plane.on_attempt_failed(failed):
            task_id = plane.submit_task("t")
            plane.claim_task("a", [])
            plane.fail_task(task_id, "broken", "a")
            assert done.wait(30)
        assert (failures[0].task_id, failures[0].error, failures[0].will_retry) == (task_id, "broken", True)
        assert threads == ["aragora-cp-callbacks"]


def test_probes_run_and_one_that_hangs_fails_alone() -> None:
    with sync.create_control_plane() as plane:
        hang, unhealthy = threading.Event(), threading.Event()
        probed = threading.Semaphore(0)
        plane.on_agent_unhealthy(lambda *_: unhealthy.set())
        plane.register_agent("bad")
        plane.register_agent("good")
        plane.register_probe("good", lambda: probed.release() or True, agent_id="good", interval=0.05)
        plane.register_probe("hangs", hang.wait, agent_id="bad", interval=0.05, timeout=0.05, failure_threshold=1)
        assert unhealthy.wait(30)
        for _ in range(2):  # the first one's outcome is known when the second one is asked for
            assert probed.acquire(timeout=30)
        probes = plane.check_health()["probes"]
        assert (probes["hangs"].status, probes["good"].status) == ("unhealthy", "healthy")
        plane.unregister_probe("hangs")
        hang.set()


def test_a_worker_on_threads() -> None:
    with sync.create_control_plane() as plane:
        worker = sync.Worker(plane, agent_id="w", capabilities=["code"], concurrency=2)

        @worker.task("t")
        def handle(task: sync.TaskContext) -> object:
            task.progress(0.5, "half way")
            return {"got": task.payload}

        async def asynchronous(task: object) -> None: ...

        with pytest.raises(TypeError, match="async handler needs"):
            worker.task("u")(asynchronous)
        with worker:
            done = plane.wait_for_result(plane.submit_task("t", [1], ["code"]), 30)
        assert (done.result, done.progress_note) == ({"got": [1]}, "half way")


def test_a_worker_runs_until_a_signal() -> None:
    with sync.create_control_plane() as plane:
        worker = sync.Worker(plane, agent_id="w")

        @worker.task("t")
        def handle(task: sync.TaskContext) -> str:
            os.kill(os.getpid(), signal.SIGTERM)
            return "finished"

        task_id = plane.submit_task("t")
        worker.run()
        assert plane.get_task(task_id).result == "finished"


def test_a_signal_that_comes_with_the_answer_loses_no_task() -> None:
    class Interrupted(Exception): ...

    def interrupt(*_: object) -> None:
        raise Interrupted

    def answer_and_interrupt() -> None:
        while plane.get_stats()["scheduler"]["waiting_claims"] == 0:
            os.sched_yield()
        sys.setswitchinterval(60)  # the other thread does not get the GIL before both have happened
        task_id = plane.submit_task("t")
        while plane.get_status(task_id) is TaskStatus.PENDING:
            pass
        for _ in range(200_000):  # by then the answer has come, and its thread waits for the GIL
            pass
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before, interval = signal.signal(signal.SIGUSR1, interrupt), sys.getswitchinterval()
    try:
        with sync.create_control_plane() as plane:
            other = threading.Thread(target=answer_and_interrupt)
            other.start()
            with pytest.raises(Interrupted):
                plane.claim_task("a", [], block_ms=60_000)
            other.join()
            sys.setswitchinterval(interval)
            assert plane.claim_task("b", [], block_ms=30_000) is not None
    finally:
        signal.signal(signal.SIGUSR1, before)
        sys.setswitchinterval(interval)


def test_a_callback_that_would_end_its_thread_does_not(caplog: pytest.LogCaptureFixture) -> None:
    with sync.create_control_plane() as plane:
        told: queue.SimpleQueue[str] = queue.SimpleQueue()

        def leave(task_id: str, error: str) -> None:
            told.put(error)
            sys.exit(1)

        plane.on_task_failure(leave)
        for error in ("first", "second"):
            task_id = plane.submit_task("t", max_retries=0)
            plane.claim_task("a", [])
            plane.fail_task(task_id, error, "a")
            assert told.get(timeout=30) == error


def test_a_plain_handler_cannot_wait_for_its_own_end() -> None:
    with sync.create_control_plane() as plane, sync.Worker(plane, agent_id="w") as worker:

        @worker.task("t")
        def handle(task: sync.TaskContext) -> str:
            with pytest.raises(FailedPrecondition, match="would wait for itself"):
                worker.stop()
            return "done"

        assert plane.wait_for_result(plane.submit_task("t"), 30).result == "done"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda plane: list(plane.list_tasks(TaskFilter(label=Label(5)))), "label.key is of type int"),
        (lambda plane: plane.list_agents(label=Label("a", 5)), "label.value is of type int"),
        (lambda plane: plane.events(label=Label("\ud800")), "label.key has a surrogate"),
        (lambda plane: list(plane.list_tasks(TaskFilter(dead_letters="no"))), "dead_letters is of type str"),
        (lambda plane: plane.submit_task("t", retry_backoff="x"), "retry_backoff is of type str"),
        (lambda plane: plane.submit_task("t", allow_failed_parents="x"), "allow_failed_parents is of type"),
        (lambda plane: plane.submit_task("t", timeout_seconds=10**400), "timeout is"),
        (lambda plane: plane.submit_task("t", max_retries=10**10_000), "max_retries is an integer of"),
        (lambda plane: plane.cancel_task("x", force="yes"), "force is of type str"),
        (lambda plane: plane.replay_dead_letter("x", with_dependents=1), "with_dependents is of type int"),
        (lambda plane: plane.register_probe("\ud800", lambda: True), "name has a surrogate"),
        (lambda plane: plane.register_probe("p", lambda: True, failure_threshold=-1), "failure_threshold is -1"),
        (lambda plane: plane.shutdown("soon"), "timeout is of type str"),
        (lambda plane: AgentInfo(max_concurrency="x"), "max_concurrency is of type str"),
        (lambda plane: AgentInfo(max_concurrency=2**40), "it must be from 0 to 4294967295"),
        (lambda plane: AgentInfo(available="x"), "available is of type str"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call: Callable[[Any], object], message: str) -> None:
    with sync.create_control_plane() as plane:
        with pytest.raises(InvalidArgument, match=message):
            call(plane)
