"""Liveness of agents and of the system: heartbeats, reports, probes, circuit breakers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypedDict, Union

from .._core import AgentHealth, Pending, ProbeHealth
from ..enums import HealthStatus
from ._home import Facade, Subscription
from ._waiting import finish, handler_of, inbox, probe_of

#: A function that answers whether all is well, "http://host:port/path" or "tcp://host:port".
Probe = Union[Callable[[], Union[bool, Awaitable[bool]]], str]


class SystemHealth(TypedDict):
    """The worst of it all, and what it is made of, at most 1 s old."""

    status: HealthStatus
    probes: dict[str, ProbeHealth]  #: of this coordinator, by name
    agents: dict[str, AgentHealth]
    healthy_count: int
    degraded_count: int
    unhealthy_count: int


class HealthMonitor(Facade):
    """Made from a connected coordinator, which offers all of it, too."""

    def register_probe(
        self,
        name: str,
        probe: Probe,
        *,
        agent_id: str | None = None,
        interval: float | None = None,
        timeout: float | None = None,
        failure_threshold: int = 3,
        success_threshold: int = 2,
    ) -> None:
        """Probes at once, and then every ``interval`` seconds; None: as the config says.

        ``agent_id``: whose health it tells; None: the system's. ``failure_threshold`` failures in a
        row are unhealthy, ``success_threshold`` successes are well again. A round that takes longer
        than ``timeout`` seconds failed. AlreadyExists if the name is in use.
        """
        if not isinstance(probe, str) and not callable(probe):
            raise TypeError(f"a probe is a function or an address, not {probe!r}")
        reader = None if isinstance(probe, str) else inbox()
        target = probe if isinstance(probe, str) else probe_of(probe)
        self._plane.register_probe(
            name, agent_id, reader, target, interval, timeout, failure_threshold, success_threshold
        )

    def unregister_probe(self, name: str) -> None:
        """NotFound for an unknown name."""
        self._plane.unregister_probe(name)

    async def check_health(self) -> SystemHealth:
        """A fresh look at everything."""
        answer = self._plane.check_health()
        return await finish(answer) if type(answer) is Pending else answer

    def get_agent_health(self, agent_id: str) -> AgentHealth:
        """From a copy at most 1 s old, whose ``age`` is a field. Never blocks. NotFound."""
        return self._plane.get_agent_health(agent_id)

    def get_system_health(self) -> HealthStatus:
        """From a copy at most 1 s old. Never blocks."""
        return self._plane.get_system_health()

    def is_agent_available(self, agent_id: str) -> bool:
        """Whether ``select_agent`` would consider it; from a copy at most 1 s old."""
        return self._plane.is_agent_available(agent_id)

    def on_agent_unhealthy(self, handler: Callable[[str], Any]) -> Subscription:
        """Calls ``handler(agent_id)`` whenever an agent becomes unhealthy or offline."""
        relay = self._plane.on_agent_unhealthy(inbox(), handler_of(handler))
        return Subscription(self._home, relay)
