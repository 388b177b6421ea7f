"""Agents that are processes, and are struck by a signal in the midst of a task.

Their host claims for them and completes what they answer. Nothing else tells that they are lost than that
their leases are not renewed.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator

from .. import ClaimedTask, ControlPlaneCoordinator, ControlPlaneError, Internal
from .agent_process import AgentProcess
from .checkout import Checkout


class Incident:
    """One task of one agent."""

    def __init__(self, plane: ControlPlaneCoordinator, agent_id: str, process: AgentProcess) -> None:
        self._plane = plane
        self._process = process
        self._who = f"{agent_id} (pid {process.pid})"
        self._answer: asyncio.Task[str] | None = None
        self.task_id: str | None = None  #: None: it got none

    @classmethod
    @contextlib.asynccontextmanager
    async def start(
        cls, plane: ControlPlaneCoordinator, agent_id: str, capabilities: list[str],
        checkout: Checkout, blow: signal.Signals, lease_ttl: float,
    ) -> AsyncIterator[Incident]:  # fmt: skip
        """Inside, it has happened."""
        await plane.register_agent(agent_id, capabilities)
        async with AgentProcess.start(checkout.root) as process:
            incident = cls(plane, agent_id, process)
            await incident._expect({"ready": True})
            task = await plane.claim_task(agent_id, lease_ttl=lease_ttl)
            if task is not None:
                await incident._happen(task, blow)
            yield incident

    async def _happen(self, task: ClaimedTask, blow: signal.Signals) -> None:
        self.task_id = task.id
        await self._process.tell({"kind": task.task_type, **task.payload})
        await self._expect({"begun": task.payload["path"]})
        self._process.strike(blow)
        self._answer = asyncio.create_task(self._go_on(task))

    async def _expect(self, message: dict[str, object]) -> None:
        heard = await self._process.hear()
        if heard != message:
            raise Internal(f"{self._who} said {heard}, not {message}")

    async def _go_on(self, task: ClaimedTask) -> str:
        """A host does not know that its agent was struck; it goes on, and answers what it hears."""
        await self._process.tell({"go": "on"})
        answer = await self._process.hear()
        if answer is None:
            return await self._process.ending()
        try:
            await self._plane.complete_task(task.id, answer["result"], lease=task.lease)
        except ControlPlaneError as error:
            return f"was stopped, and its late result refused ({error})"
        return "was stopped, and its late result accepted"

    async def story(self) -> str:
        """An agent that was stopped goes on now, too late."""
        if self._answer is None:
            return f"{self._who} got no task"
        if not self._answer.done():
            self._process.strike(signal.SIGCONT)
        return f"{self._who} {await self._answer}"
