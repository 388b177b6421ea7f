"""The agents: those that work as they should, and three that do not."""

from __future__ import annotations

import os
import signal
from contextlib import AsyncExitStack

from .. import ControlPlaneCoordinator, TaskContext, Unavailable, Worker
from .checkout import Checkout
from .incidents import Incident
from .tools import KINDS, review

_LANGUAGES = ["c++", "python", "shell"]
_LEASE = 2.0  # seconds; short, so that who is lost is missed soon


def _reviewer(plane: ControlPlaneCoordinator, agent_id: str, kind: str, checkout: Checkout) -> Worker:
    worker = Worker(
        plane, agent_id=agent_id, capabilities=[kind, *_LANGUAGES], concurrency=os.cpu_count() or 1,
        lease_ttl=_LEASE,
    )  # fmt: skip

    @worker.task(kind)
    async def handle(task: TaskContext) -> object:
        return await review(kind, checkout.root, task.payload["path"], task.payload["language"])

    return worker


def _reporter(plane: ControlPlaneCoordinator) -> Worker:
    worker = Worker(plane, agent_id="reporter-1", capabilities=["summarize"], concurrency=4)

    @worker.task("folder")
    async def folder(task: TaskContext) -> object:
        parents = [await plane.get_task(parent) for parent in task.task.depends_on]
        done = [parent.result for parent in parents if parent.result is not None]
        return {
            "folder": task.payload["folder"],
            "reviews": len(parents),
            "lines": sum(result.get("lines", 0) for result in done),
            "findings": sum(result.get("findings", 0) for result in done),
            "broken": sum(result.get("compiles") is False for result in done),
        }

    @worker.task("report")
    async def report(task: TaskContext) -> object:
        return [(await plane.get_task(parent)).result for parent in task.task.depends_on]

    return worker


def _broken(plane: ControlPlaneCoordinator) -> Worker:
    worker = Worker(plane, agent_id="metrics-broken", capabilities=["metrics", *_LANGUAGES], lease_ttl=_LEASE)

    @worker.task("*")
    async def handle(task: TaskContext) -> object:
        raise Unavailable("the tool of this agent was uninstalled")

    return worker


async def start(stack: AsyncExitStack, plane: ControlPlaneCoordinator, checkout: Checkout) -> list[Incident]:
    """Starts them all; answers what has happened to some of them by then."""
    incidents = [
        await stack.enter_async_context(
            Incident.start(plane, agent_id, ["metrics", *_LANGUAGES], checkout, blow, _LEASE)
        )
        for agent_id, blow in (("metrics-killed", signal.SIGKILL), ("metrics-stopped", signal.SIGSTOP))
    ]
    await stack.enter_async_context(_broken(plane))
    for kind in KINDS:
        await stack.enter_async_context(_reviewer(plane, f"{kind}-1", kind, checkout))
    await stack.enter_async_context(_reporter(plane))
    return incidents
