"""Every Python block of the two guides runs as written, in order, sharing its names.

Where a block needs a Redis, its URL is left out; where it leaves something out ("{...}"), that is filled in.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
import re
from pathlib import Path
from typing import Any

import pytest

import aragora_cp
from aragora_cp import ControlPlaneConfig, ControlPlaneCoordinator, TaskStatus

GUIDES = Path(__file__).parent / "guides"
Names = dict[str, Any]


def blocks(guide: str) -> dict[str, str]:
    """By heading; several under one heading are numbered."""
    found: dict[str, str] = {}
    for heading, body in re.findall(r"## (.+?)\n\n```python\n(.*?)```", (GUIDES / guide).read_text(), re.S):
        name = heading if heading not in found else f"{heading} {len(found)}"
        found[name] = re.sub(r'^ *redis_url="[^"]*",\n', "", body, flags=re.M).replace("{...}", '{"text": "..."}')
    return found


async def run(block: str, names: Names) -> None:
    code = compile(block, "guide", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)
    if inspect.isawaitable(result):
        await result


async def serve(plane: ControlPlaneCoordinator, agent_id: str) -> None:
    """An agent that answers whatever comes."""
    while True:
        task = await plane.claim_task(agent_id, block_ms=60_000)
        if task:
            await plane.complete_task(task.id, {"answer": 42}, agent_id)


async def test_the_setup_guide() -> None:
    todo = blocks("setup_guide.md")
    names: Names = {"check_my_service": lambda: True, "logger": logging.getLogger("guide")}

    async def block(name: str) -> None:
        await run(todo.pop(name), names)

    await block("Basic Setup")
    plane: ControlPlaneCoordinator = names["coordinator"]
    assert isinstance(plane, ControlPlaneCoordinator)
    assert names["config"] == ControlPlaneConfig()

    await block("Registering Agents")
    assert [agent.agent_id for agent in names["agents"]] == ["claude-agent-001"]
    assert names["agents"][0].metadata == {"model": "claude-3-opus"}

    await block("Scheduling Tasks")
    assert names["status"] is TaskStatus.PENDING
    assert (await plane.get_task("task-001")).payload == {"topic": "API design patterns"}

    await block("Health Probes")
    while names["health"]["probes"]["my-service"].status != "healthy":
        await asyncio.sleep(0)
        names["health"] = await names["monitor"].check_health()
    assert set(names["health"]) >= {"status", "probes", "agents"}
    assert names["health"]["status"] == "healthy"

    await block("Agent Health")
    agent = await plane.get_agent("claude-agent-001")
    assert agent.metrics == {"tasks_processed": 42, "avg_latency_ms": 150}
    assert agent.health == "healthy"

    await block("Distribution Strategies")
    await block("Task Priorities")
    assert names["task"].priority == 2
    await block("Task Failures")
    assert (names["task"].max_retries, names["task"].retry_delay, names["task"].retry_backoff) == (5, 10.0, 2.0)
    await block("Agent Failures")
    await watched_failures(plane, names)

    first = plane
    await block("Multi-Tenant Setup")
    await names["coordinator"].connect()
    assert (await names["coordinator"].get_stats())["tenant"] == "org-123"
    await names["coordinator"].shutdown()

    level = logging.getLogger("aragora.control_plane").level
    await block("Logging")
    logging.getLogger("aragora.control_plane").setLevel(level)
    await block("High Availability")
    assert names["config"].redis_cluster
    await first.shutdown()
    assert not todo


async def watched_failures(plane: ControlPlaneCoordinator, names: Names) -> None:
    """The guide's two callbacks do what the guide says."""
    failed = asyncio.Event()
    names["logger"] = type("Logger", (), {"error": lambda self, text: (seen.append(text), failed.set())})()
    seen: list[str] = []
    held = await plane.claim_task("claude-agent-001")
    assert held is not None and held.id == "task-001"
    await plane.fail_task("task-001", "out of tokens", "claude-agent-001", requeue=False)
    await failed.wait()
    assert seen == ["Task task-001 failed: out of tokens"]

    task_id = await plane.submit_task("t", required_capabilities=["reasoning"])
    assert await plane.claim_task("claude-agent-001") is not None
    async with plane.events(types=["task.released"]) as released:
        await plane.send_heartbeat("claude-agent-001", "unhealthy")
        assert (await released.__anext__()).subject == task_id
    assert await plane.get_status(task_id) is TaskStatus.PENDING


async def test_the_user_guide(capsys: pytest.CaptureFixture[str]) -> None:
    todo = blocks("user_guide.md")
    names: Names = {"process_task": lambda payload: "looks good", "check_model_connection": lambda: True}

    async def block(name: str) -> None:
        await run(todo.pop(name), names)

    await quick_start(todo.pop("Python API"), names)
    assert "{'answer': 42}" in capsys.readouterr().out

    await block("Programmatic Configuration")
    plane: ControlPlaneCoordinator = names["coordinator"]
    assert plane.config.key_prefix == "myapp:cp:"
    assert plane.config.heartbeat_timeout == 60.0

    await block("Registration Example")
    assert capsys.readouterr().out == "Registered: my-agent\nStatus: ready\n"
    assert names["agent"].capabilities == ["code", "custom-capability", "debate"]
    await block("Heartbeats")
    assert (await plane.get_agent("my-agent")).status == "busy"

    await block("Task Lifecycle")
    done = await plane.get_task(names["task_id"])
    assert (done.result, done.metadata) == ({"review": "looks good"}, {"pr_id": "123"})
    assert (await plane.get_agent("my-agent")).avg_latency_ms == 1500.0

    await block("Health Probes")
    await block("Querying Health")
    assert capsys.readouterr().out.startswith("Status: healthy\nLast check: 2")
    names["coordinator"] = plane
    for strategy in ("Least Loaded (Default)", "Round Robin", "Random", "Excluding Agents"):
        await block(strategy)
        assert names["agent"].agent_id == "my-agent"
    await block("Task Retries")
    assert (await plane.get_task(names["task_id"])).max_retries == 3
    await block("Monitoring")
    assert capsys.readouterr().out == (
        "Total agents: 1\nAvailable: 1\nPending tasks: 1\nRunning tasks: 0\nHealthy agents: 1\n"
    )
    await agent_loop(todo.pop("Agent Implementation"), names, plane)
    await plane.shutdown()
    assert not todo


async def quick_start(block: str, names: Names) -> None:
    """The block waits for its own task's result, so an agent works beside it."""
    served: list[asyncio.Task[None]] = []

    async def create_and_serve() -> ControlPlaneCoordinator:
        plane = await aragora_cp.ControlPlaneCoordinator.create()
        served.append(asyncio.create_task(serve(plane, "claude-3")))
        return plane

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aragora_cp, "create_control_plane", create_and_serve)
        await run(block, names)
    with pytest.raises(aragora_cp.Cancelled):
        await served[0]


async def agent_loop(block: str, names: Names, plane: ControlPlaneCoordinator) -> None:
    """Runs until ``running`` turns false; its pause of 5 s is cut short."""
    task_id = await plane.submit_task("t", {"n": 1}, ["debate"])

    async def process_task(task: aragora_cp.ClaimedTask) -> object:
        names["running"] = False
        return task.payload

    async def no_pause(_: float) -> None:
        await asyncio.sleep(0)

    names.update(running=True, process_task=process_task)
    await run(block, names)
    names["asyncio"] = type("Asyncio", (), {"sleep": staticmethod(no_pause)})
    await names["agent_loop"](plane, "debater")
    assert (await plane.get_task(task_id)).result == {"n": 1}
    with pytest.raises(aragora_cp.NotFound):
        await plane.get_agent("debater")
