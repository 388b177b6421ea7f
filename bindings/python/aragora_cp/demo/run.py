"""One review of a checkout, from the first task to the report."""

from __future__ import annotations

import os
import time
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .. import ControlPlaneCoordinator, ControlPlaneError, Task, TaskDefinition, create_control_plane
from .checkout import Checkout, Source
from .fleet import start
from .incidents import Incident
from .tools import CPU_BOUND, KINDS, possible

_MOST_PER_KIND = {"lint": 24, "compile": 24}  # the dear ones
_BATCH = 1_000


async def run(path: Path, store: str | None, console: Console) -> bool:
    """False: something was lost."""
    checkout = Checkout(path)
    if not checkout.sources:
        console.print(f"{checkout.root}: no source files")
        return True
    began = time.monotonic()
    async with await create_control_plane(url=store) as plane, AsyncExitStack() as agents:
        report_id, submitted = await _submit(plane, checkout)
        console.print(f"{submitted} tasks for {len(checkout.sources)} files of {checkout.root}")
        incidents = await start(agents, plane, checkout)
        report = await plane.wait_for_result(report_id, timeout=600)
        _show(console, report)
        await _tell(console, plane, incidents)
        stats = (await plane.get_stats())["scheduler"]
        ended = stats["completed_total"] + stats["dead_letters"]
        console.print(
            f"{ended} of {submitted} ended, {stats['retries_total']} retries, {stats['crashes_total']} crashes, "
            f"{stats['dead_letters']} gave up; {time.monotonic() - began:.1f} s"
        )
        return bool(ended == submitted)


def _tasks(checkout: Checkout) -> list[tuple[Source, TaskDefinition]]:
    found = []
    for kind in KINDS:
        fit = [s for s in checkout.sources if possible(kind, s.language, checkout.in_git)]
        for source in fit[: _MOST_PER_KIND.get(kind, len(fit))]:
            found.append((source, _task(kind, source)))
    return found


def _task(kind: str, source: Source) -> TaskDefinition:
    dear = kind in CPU_BOUND
    return TaskDefinition(
        kind,
        {"path": source.path, "language": source.language},
        [kind, source.language],
        "normal" if dear else "high",
        timeout=30,
        max_retries=5,
        retry_delay=0.2,
        max_retry_delay=2,
        concurrency_key="cpu" if dear else None,
        concurrency_limit=(os.cpu_count() or 1) if dear else None,
    )


async def _submit(plane: ControlPlaneCoordinator, checkout: Checkout) -> tuple[str, int]:
    """Everything at once: each folder waits for its files, and the report for the folders."""
    tasks = _tasks(checkout)
    ids: list[str] = []
    for first in range(0, len(tasks), _BATCH):
        ids += await _accepted(plane, [task for _, task in tasks[first : first + _BATCH]])
    parents: dict[str, list[str]] = {}
    for (source, _), task_id in zip(tasks, ids, strict=True):
        parents.setdefault(source.folder, []).append(task_id)
    folders = [_summary("folder", {"folder": name}, of) for name, of in parents.items()]
    report = _summary("report", None, await _accepted(plane, folders))
    return await plane.schedule(report), len(ids) + len(folders) + 1


def _summary(kind: str, payload: dict[str, str] | None, parents: list[str]) -> TaskDefinition:
    return TaskDefinition(
        kind, payload, ["summarize"], depends_on=parents[:1_000], allow_failed_parents=True
    )  # fmt: skip


async def _accepted(plane: ControlPlaneCoordinator, tasks: list[TaskDefinition]) -> list[str]:
    ids = []
    for answer in await plane.submit_tasks(tasks):
        if isinstance(answer, ControlPlaneError):
            raise answer
        ids.append(answer)
    return ids


def _show(console: Console, report: Task) -> None:
    table = Table("folder", "reviews", "lines", "findings", "do not compile", box=None)
    for folder in report.result:
        table.add_row(*(str(folder[name]) for name in ("folder", "reviews", "lines", "findings", "broken")))
    console.print(table)


async def _tell(console: Console, plane: ControlPlaneCoordinator, incidents: list[Incident]) -> None:
    for incident in incidents:
        console.print(await incident.story())
        if incident.task_id is not None:
            task = await plane.get_task(incident.task_id)
            console.print(
                f"  {task.payload['path']}: {task.status.value} by {task.agent_id} in attempt {task.attempt}"
            )
    broken = await plane.get_agent("metrics-broken")
    console.print(
        f"{broken.agent_id}: {broken.tasks_failed} failures, its circuit is {broken.breaker}"
    )
