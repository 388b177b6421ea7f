"""Which agents there are, and which of them could take work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING

from .._core import AgentInfo, Pending
from ..definitions import Json, Label
from ..enums import AgentStatus, HealthStatus, SelectionStrategy
from ._home import Facade
from ._waiting import finish

if TYPE_CHECKING:
    from typing import Any


class AgentRegistry(Facade):
    """Service discovery for agents. Made from a connected coordinator, which offers all of it, too."""

    async def register(self, agent: AgentInfo) -> AgentInfo:
        """Adds the agent, or replaces what is known of it."""
        return await self._register(
            agent.agent_id,
            agent.capabilities,
            model=agent.model,
            provider=agent.provider,
            endpoint=agent.endpoint,
            metadata=agent.metadata,
            labels=agent.labels,
            max_concurrency=agent.max_concurrency,
            status=agent.reported_status,
        )

    async def _register(
        self,
        agent_id: str,
        capabilities: Iterable[str],
        *,
        model: str = "",
        provider: str = "",
        endpoint: str = "",
        metadata: Json = None,
        labels: Mapping[str, str] | None = None,
        max_concurrency: int = 1,
        status: AgentStatus | str = AgentStatus.READY,
    ) -> AgentInfo:
        answer = self._plane.register_agent(
            agent_id, list(capabilities), model, provider, endpoint, metadata, labels,
            max_concurrency, status,
        )  # fmt: skip
        return await finish(answer) if type(answer) is Pending else answer

    async def unregister(self, agent_id: str) -> None:
        """Its leases are released; tasks directed to it stay. NotFound if it is not registered."""
        answer = self._plane.unregister_agent(agent_id)
        if type(answer) is Pending:
            await finish(answer)

    async def heartbeat(
        self,
        agent_id: str,
        status: AgentStatus | HealthStatus | str | None = None,
        metrics: Mapping[str, Any] | None = None,
    ) -> None:
        """A sign of life. Any other call of an agent is one, too.

        ``status`` is an AgentStatus (STARTING, READY, BUSY or DRAINING), or "healthy", "degraded" or
        "unhealthy", which is reported health. ``metrics``, at most 4 KiB of JSON, are kept with
        the agent.
        """
        answer = self._plane.heartbeat(agent_id, status, metrics)
        if type(answer) is Pending:
            await finish(answer)

    async def send_heartbeat(
        self,
        agent_id: str,
        status: AgentStatus | HealthStatus | str | None = None,
        metrics: Mapping[str, Any] | None = None,
    ) -> None:
        """The guide's other name for ``heartbeat``."""
        await self.heartbeat(agent_id, status, metrics)

    async def get_agent(self, agent_id: str) -> AgentInfo:
        """NotFound if it is not registered."""
        answer = self._plane.get_agent(agent_id)
        return await finish(answer) if type(answer) is Pending else answer

    async def list_agents(
        self,
        capabilities: Iterable[str] = (),
        *,
        status: AgentStatus | str | None = None,
        label: Label | None = None,
        available_only: bool = False,
    ) -> list[AgentInfo]:
        """All that offer all of ``capabilities``, in the order of their first registration."""
        return [
            agent
            async for agent in self.iter_agents(
                capabilities, status=status, label=label, available_only=available_only
            )
        ]

    async def iter_agents(
        self,
        capabilities: Iterable[str] = (),
        *,
        status: AgentStatus | str | None = None,
        label: Label | None = None,
        available_only: bool = False,
    ) -> AsyncIterator[AgentInfo]:
        """As ``list_agents``, a page at a time."""
        wanted, cursor = list(capabilities), ""
        pair = None if label is None else (label.key, label.value)
        while True:
            answer = self._plane.list_agents(wanted, status, pair, available_only, cursor, 100)
            agents, cursor = await finish(answer) if type(answer) is Pending else answer
            for agent in agents:
                yield agent
            if not cursor:
                return

    async def select_agent(
        self,
        capabilities: Iterable[str] = (),
        strategy: SelectionStrategy | str = SelectionStrategy.LEAST_LOADED,
        exclude: Iterable[str] = (),
    ) -> AgentInfo:
        """Picks among healthy, available agents that offer all of ``capabilities``.

        The choice counts as an assignment for the next one. NotFound if there is none.
        """
        answer = self._plane.select_agent(list(capabilities), strategy, list(exclude))
        return await finish(answer) if type(answer) is Pending else answer
