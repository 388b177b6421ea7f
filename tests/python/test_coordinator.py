"""Tasks and agents from end to end, on asyncio."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta, timezone

import pytest

from aragora_cp import (
    AgentCapability,
    AgentInfo,
    AgentRegistry,
    AgentStatus,
    AlreadyExists,
    Cancelled,
    Conflict,
    ControlPlaneConfig,
    ControlPlaneCoordinator,
    DeadlineExceeded,
    FailedPrecondition,
    HealthStatus,
    InvalidArgument,
    Label,
    NotFound,
    TaskDefinition,
    TaskFilter,
    TaskPriority,
    TaskReason,
    TaskScheduler,
    TaskStatus,
    create_control_plane,
)


async def test_a_task_goes_from_submit_to_its_result() -> None:
    async with await create_control_plane() as plane:
        task_id = await plane.submit_task(
            "review", {"file": "main.py"}, ["code"], TaskPriority.HIGH, timeout_seconds=120,
            metadata={"pr": 1}, labels={"team": "a"}, trace="trace-1",
        )  # fmt: skip
        assert await plane.get_status(task_id) is TaskStatus.PENDING
        held = await plane.claim_task("a", ["code", "critique"])
        assert held is not None
        assert (held.id, held.payload, held.attempt) == (task_id, {"file": "main.py"}, 1)
        assert (held.metadata, held.labels, held.trace) == ({"pr": 1}, {"team": "a"}, "trace-1")
        assert held.deadline - held.claimed_at == timedelta(seconds=120)
        await plane.start_task(task_id, "a")
        await plane.report_progress(task_id, 0.5, "half way", {"at": 7}, lease=held.lease)
        await plane.complete_task(task_id, {"ok": True}, lease=held.lease, usage={"tokens": 5})
        await plane.complete_task(task_id, {"ok": True}, lease=held.lease, usage={"tokens": 5})
        with pytest.raises(Conflict, match="already completed"):
            await plane.complete_task(task_id, {"ok": False}, lease=held.lease)
        done = await plane.get_task(task_id)
        assert done.status is TaskStatus.COMPLETED and done.status.is_terminal
        assert (done.result, done.usage, done.agent_id) == ({"ok": True}, {"tokens": 5}, "a")
        assert (done.progress, done.progress_note, done.checkpoint) == (0.5, "half way", {"at": 7})
        assert done.submitted_at is not None
        assert abs(datetime.now(timezone.utc) - done.submitted_at) < timedelta(minutes=1)


async def test_nothing_to_claim_is_none() -> None:
    async with await create_control_plane() as plane:
        assert await plane.claim_task("a", ["code"]) is None
        assert await plane.claim_tasks("a", ["code"], max_tasks=5, block_ms=10) == []


async def test_a_blocked_claim_gets_the_task_that_comes() -> None:
    async with await create_control_plane() as plane:
        waiting = asyncio.create_task(plane.claim_task("a", ["code"], block_ms=30_000))
        await asyncio.sleep(0)
        task_id = await plane.submit_task("t", None, ["code"])
        held = await waiting
        assert held is not None and held.id == task_id


async def test_ten_thousand_coroutines_wait_for_results() -> None:
    async with await create_control_plane() as plane:
        ids = [await plane.submit_task("t", n) for n in range(10_000)]
        waits = [asyncio.create_task(plane.wait_for_result(task_id)) for task_id in ids]
        await asyncio.sleep(0)
        held = 0
        while held < len(ids):
            tasks = await plane.claim_tasks("a", [], max_tasks=1_024)
            held += len(tasks)
            assert await plane.complete_tasks([(task, task.payload) for task in tasks]) == [None] * len(tasks)
        assert [task.result for task in await asyncio.gather(*waits)] == list(range(10_000))


async def test_a_wait_ends_with_its_timeout() -> None:
    async with await create_control_plane() as plane:
        task_id = await plane.submit_task("t")
        with pytest.raises(DeadlineExceeded):
            await plane.wait_for_result(task_id, timeout=0.01)
        with pytest.raises(TimeoutError):
            await plane.wait_for_result(task_id, timeout=0)
        with pytest.raises(NotFound):
            await plane.wait_for_result("no-such-task", timeout=1)


async def test_requeue_false_is_fatal_and_else_it_is_tried_again() -> None:
    async with await create_control_plane() as plane:
        for requeue, status, reason in (
            (True, TaskStatus.PENDING, TaskReason.BACKOFF),
            (False, TaskStatus.FAILED, TaskReason.FATAL),
        ):
            task_id = await plane.submit_task("t", required_capabilities=["x"])
            await plane.claim_task("a", ["x"])
            await plane.fail_task(task_id, "broken", "a", requeue=requeue)
            task = await plane.get_task(task_id)
            assert (task.status, task.reason, task.error) == (status, reason, "broken")


async def test_fail_kinds_and_retry_after() -> None:
    async with await create_control_plane() as plane:
        task_id = await plane.submit_task("t")
        await plane.claim_task("a", [])
        await plane.fail_task(task_id, "429", "a", kind="rate_limited", retry_after=3_600)
        task = await plane.get_task(task_id)
        assert (task.status, task.failures) == (TaskStatus.PENDING, 0)
        assert task.ready_at - datetime.now(timezone.utc) > timedelta(minutes=50)
        with pytest.raises(InvalidArgument, match="retryable, fatal or rate_limited"):
            await plane.fail_task(task_id, "x", "a", kind="odd")


async def test_the_callers_latency_wins() -> None:
    async with await create_control_plane() as plane:
        await plane.register_agent("a", ["x"])
        task_id = await plane.submit_task("t", required_capabilities=["x"])
        await plane.claim_task("a")
        await plane.complete_task(task_id, None, "a", latency_ms=1500.5)
        assert (await plane.get_agent("a")).avg_latency_ms == 1500.5
        with pytest.raises(InvalidArgument, match="latency"):
            await plane.complete_task(task_id, None, "a", latency_ms=-1)
        with pytest.raises(InvalidArgument, match="latency"):
            await plane.complete_task(task_id, None, "a", latency_ms=float("nan"))


async def test_agents_are_registered_seen_and_selected() -> None:
    async with await create_control_plane() as plane:
        registry = AgentRegistry(plane)
        agent = await registry.register(
            AgentInfo(agent_id="a", capabilities=[AgentCapability.CODE, "x"], endpoint="http://a", metadata={"m": 1})
        )
        assert agent.capabilities == ["code", "x"]
        assert (agent.endpoint, agent.metadata) == ("http://a", {"m": 1})
        assert agent.status is AgentStatus.READY and agent.status == "ready"
        await plane.register_agent("b", ["code"], labels={"zone": "1"})
        assert [a.agent_id for a in await registry.list_agents(capabilities=["x"])] == ["a"]
        assert [a.agent_id for a in await plane.list_agents(label=Label("zone"))] == ["b"]
        assert [a.agent_id for a in await plane.list_agents()] == ["a", "b"]
        picked = await plane.select_agent(["code"], strategy="random", exclude=["a"])
        assert picked.agent_id == "b"
        with pytest.raises(NotFound):
            await plane.select_agent(["nothing"])
        await plane.heartbeat("a", AgentStatus.DRAINING)
        assert (await plane.get_agent("a")).status is AgentStatus.DRAINING
        assert [a.agent_id for a in await plane.list_agents(available_only=True)] == ["b"]
        await plane.unregister_agent("a")
        with pytest.raises(NotFound):
            await plane.get_agent("a")


async def test_more_agents_than_a_page_are_listed() -> None:
    async with await create_control_plane() as plane:
        for n in range(250):
            await plane.register_agent(f"a{n}")
        assert len(await plane.list_agents()) == 250


async def test_a_heartbeat_tells_a_status_or_health_and_metrics() -> None:
    async with await create_control_plane() as plane:
        await plane.register_agent("a")
        await plane.send_heartbeat(agent_id="a", status="healthy", metrics={"tasks_processed": 42})
        assert (await plane.get_agent("a")).metrics == {"tasks_processed": 42}
        await plane.heartbeat("a", HealthStatus.UNHEALTHY)
        assert (await plane.get_agent("a")).health is HealthStatus.UNHEALTHY
        await plane.heartbeat("a", status=AgentStatus.BUSY)
        assert (await plane.get_agent("a")).status is AgentStatus.BUSY
        await plane.heartbeat("a", "idle")
        with pytest.raises(InvalidArgument, match="sleepy"):
            await plane.heartbeat("a", "sleepy")


async def test_priorities_are_names_numbers_or_members() -> None:
    async with await create_control_plane() as plane:
        for priority in ("low", 2, TaskPriority.HIGH, "critical"):
            await plane.submit_task("t", str(priority), priority=priority)
        order = [(await plane.claim_task("a", [])).priority for _ in range(4)]
        assert order == sorted(TaskPriority)
        for wrong in (4, -1, 2**70, "urgent", True, 1.0):
            with pytest.raises(InvalidArgument, match="priority"):
                await plane.submit_task("t", priority=wrong)  # type: ignore[arg-type]


async def test_tasks_are_submitted_in_batches_with_an_answer_each() -> None:
    async with await create_control_plane() as plane:
        answers = await plane.submit_tasks(
            [TaskDefinition("t", {"n": 1}), TaskDefinition("bad type"), TaskDefinition("t", task_id="mine")]
        )
        assert isinstance(answers[0], str) and answers[2] == "mine"
        assert isinstance(answers[1], InvalidArgument)
        with pytest.raises(AlreadyExists):
            await plane.schedule(TaskDefinition("other", task_id="mine"))
        assert await plane.schedule(TaskDefinition("t", task_id="mine")) == "mine"


async def test_every_option_of_a_definition_arrives() -> None:
    async with await create_control_plane() as plane:
        parent = await plane.submit_task("parent")
        task_id = await plane.schedule(
            TaskDefinition(
                "t", {"a": 1}, ["x"], "high", "my-task", 7.0, {"m": 1}, max_retries=5, retry_delay=1.5,
                retry_backoff=3.0, max_retry_delay=60, queue_timeout=100, total_timeout=1000, delay=0,
                idempotency_key="key", agent_id="a", exclude=["b"], depends_on=[parent],
                allow_failed_parents=True, concurrency_key="k", concurrency_limit=2, labels={"l": "1"}, trace="tr",
            )
        )  # fmt: skip
        task = await plane.get_task(task_id)
        assert (task.id, task.max_retries, task.directed_to) == ("my-task", 5, "a")
        assert task.exclude == ["b"]
        assert (task.metadata, task.labels, task.trace) == ({"m": 1}, {"l": "1"}, "tr")
        assert (task.depends_on, task.blocked_by, task.reason) == ([parent], 1, TaskReason.BLOCKED)
        assert (task.idempotency_key, task.concurrency_key) == ("key", "k")
        with pytest.raises(TypeError, match="no option colour"):
            await plane.submit_task("t", colour="red")  # type: ignore[call-arg]


async def test_tasks_are_listed_by_filter() -> None:
    async with await create_control_plane() as plane:
        for n in range(150):
            await plane.submit_task("odd" if n % 2 else "even", n, labels={"n": str(n)})
        all_tasks = [task.payload async for task in plane.list_tasks()]
        assert all_tasks == list(range(150))
        odd = [task async for task in plane.list_tasks(TaskFilter(task_type="odd", status="pending"))]
        assert len(odd) == 75
        seventh = [task.payload async for task in plane.list_tasks(TaskFilter(label=Label("n", "7")))]
        assert seventh == [7]
        middle = odd[10].submitted_at
        before = [t async for t in plane.list_tasks(TaskFilter(submitted_before=middle))]
        after = [t async for t in plane.list_tasks(TaskFilter(submitted_after=middle))]
        assert 0 < len(before) < 150 and 0 < len(after) < 150
        with pytest.raises(InvalidArgument, match="timezone"):
            [t async for t in plane.list_tasks(TaskFilter(submitted_after=datetime(2026, 1, 1)))]


async def test_dead_letters_are_listed_and_replayed() -> None:
    async with await create_control_plane() as plane:
        task_id = await plane.submit_task("t", {"a": 1})
        await plane.claim_task("a", [])
        await plane.fail_task(task_id, "no", "a", requeue=False)
        assert [t.id async for t in plane.list_tasks(TaskFilter(dead_letters=True))] == [task_id]
        again = await plane.replay_dead_letter(task_id)
        task = await plane.get_task(again)
        assert (task.payload, task.replayed_from) == ({"a": 1}, task_id)


async def test_cancel_assign_reassign_and_explain() -> None:
    async with await create_control_plane() as plane:
        task_id = await plane.submit_task("t", required_capabilities=["gpu"])
        why = await plane.explain(task_id)
        assert "needs {gpu}" in str(why) and why.obstacles[0].kind == "no_agent_offers"
        await plane.assign_task(task_id, "a")
        assert (await plane.get_task(task_id)).directed_to == "a"
        await plane.assign_task(task_id, None)
        await plane.claim_task("b", ["gpu"])
        assert await plane.reassign_agent_tasks("b") == 1
        assert await plane.cancel_task(task_id) is TaskStatus.CANCELLED
        assert await plane.cancel_task(task_id) is TaskStatus.CANCELLED


async def test_names_that_are_not_lists_of_names_are_refused() -> None:
    async with await create_control_plane() as plane:
        with pytest.raises(InvalidArgument, match="required_capabilities is of type str; it must be a list"):
            await plane.submit_task("t", None, "code")
        with pytest.raises(InvalidArgument, match="required_capabilities is of type int"):
            await plane.submit_task("t", None, [1])  # type: ignore[list-item]
        with pytest.raises(InvalidArgument, match="task_type is of type NoneType"):
            await plane.submit_task(None)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument, match="surrogate"):
            await plane.submit_task("\ud800")
        with pytest.raises(InvalidArgument, match="timeout_seconds"):
            await plane.submit_task("t", timeout_seconds="soon")  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument):
            await plane.submit_task("t", timeout_seconds=float("nan"))
        with pytest.raises(InvalidArgument):
            await plane.submit_task("t", timeout_seconds=float("inf"))
        with pytest.raises(InvalidArgument, match="max_payload_bytes"):
            await plane.submit_task("t", "x" * 2_000_000)


async def test_tenants_of_one_process_share_nothing() -> None:
    config = ControlPlaneConfig(tenant_isolation=True, tenant_id="org-123")
    async with await create_control_plane() as one, ControlPlaneCoordinator(config) as other:
        task_id = await one.submit_task("t")
        with pytest.raises(NotFound):
            await other.get_task(task_id)
        assert (await other.get_stats())["tenant"] == "org-123"


async def test_a_coordinator_that_is_not_connected_says_so() -> None:
    plane = ControlPlaneCoordinator(ControlPlaneConfig())
    with pytest.raises(FailedPrecondition, match="connect"):
        await plane.submit_task("t")
    with pytest.raises(FailedPrecondition, match="connect"):
        TaskScheduler(plane)
    await plane.shutdown()
    await plane.connect()
    await plane.connect()
    await plane.submit_task("t")
    await plane.shutdown()
    await plane.shutdown()
    with pytest.raises(Cancelled):
        await plane.submit_task("t")


async def test_shutdown_ends_what_waits() -> None:
    plane = await create_control_plane()
    waits = [
        asyncio.create_task(plane.claim_task("a", ["x"], block_ms=60_000)),
        asyncio.create_task(plane.wait_for_result(await plane.submit_task("t", None, ["y"]), timeout=60)),
    ]
    await asyncio.sleep(0)
    started = time.monotonic()
    await plane.shutdown()
    for answer in await asyncio.gather(*waits, return_exceptions=True):
        assert isinstance(answer, Cancelled)
    assert time.monotonic() - started < 30


async def test_stats_and_metrics() -> None:
    async with await create_control_plane() as plane:
        await plane.register_agent("a", ["x"])
        await plane.submit_task("t", required_capabilities=["x"])
        stats = await plane.get_stats()
        assert stats["registry"]["total_agents"] == 1
        assert stats["registry"]["available_agents"] == 1
        assert stats["scheduler"]["pending_tasks"] == 1
        assert stats["scheduler"]["running_tasks"] == 0
        assert stats["health"]["healthy_count"] == 1
        assert "aragora_cp_agents_total 1" in await plane.metrics_text()
    async with await create_control_plane(enable_metrics=False) as plane:
        assert await plane.metrics_text() == ""


async def test_a_strategy_is_checked() -> None:
    async with await create_control_plane() as plane:
        for name in ("round_robin", "capability_match", "least_loaded", "random"):
            TaskScheduler(plane, strategy=name)
        with pytest.raises(InvalidArgument, match="fastest"):
            TaskScheduler(plane, strategy="fastest")


async def test_a_config_and_options_exclude_each_other() -> None:
    with pytest.raises(TypeError):
        await create_control_plane(ControlPlaneConfig(), task_timeout=1.0)
