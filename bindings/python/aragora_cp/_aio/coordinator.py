"""The control plane of one tenant: registry, scheduler, health monitor and events in one handle."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from .. import _background, _core
from .._core import AgentInfo, Pending, SnapshotSummary
from ..config import ControlPlaneConfig
from ..definitions import Json
from ..enums import AgentStatus
from ..errors import NotFound
from ._home import Home, NotConnected
from ._waiting import finish, in_thread
from .events import EventReader
from .health import HealthMonitor, Probe
from .leases import NamedLeases
from .logs import Logs
from .mailbox import Mailbox
from .registry import AgentRegistry
from .resources import Resources
from .scheduler import TaskScheduler
from .state import SharedState


class ControlPlaneCoordinator(AgentRegistry, TaskScheduler, HealthMonitor, EventReader):
    """Usable from any thread and any event loop, and as a context manager. Refuses after a fork.

    Errors are :class:`ControlPlaneError`, by code. A coordinator that nobody shut down is closed when
    the interpreter ends.
    """

    def __init__(
        self,
        config: ControlPlaneConfig | None = None,
        *,
        beside: ControlPlaneCoordinator | None = None,
    ) -> None:
        """``config``: None reads the environment. Nothing is opened before ``connect``.

        ``beside``: a connected one, whose store this one shares, instead of the config's ``store_url``: for
        another tenant, or as another host of the same tenant.
        """
        self._home = Home()
        self._plane = self._home.plane
        self._config = config
        self._beside = None if beside is None else beside._connected()

    @classmethod
    async def create(
        cls,
        config: ControlPlaneConfig | None = None,
        *,
        beside: ControlPlaneCoordinator | None = None,
    ) -> ControlPlaneCoordinator:
        """A connected one."""
        coordinator = cls(config, beside=beside)
        await coordinator.connect()
        return coordinator

    async def connect(self) -> None:
        """Opens the store. Idempotent. InvalidArgument names the option."""
        if not isinstance(self._plane, NotConnected):
            return
        config = self.config
        keys = await in_thread(config._keys)
        plane = await in_thread(
            _core.open, config._given(), dict(config.origins), *_background.log_target(), keys, self._beside
        )
        if isinstance(self._plane, NotConnected):
            self._plane = self._home.plane = _background.watch(plane)
        else:  # somebody else was faster
            await in_thread(plane.shutdown, 0.0)

    async def shutdown(self, timeout: float = 0.0) -> None:
        """Refuses new claims and submits, and waits up to ``timeout`` seconds for its workers.

        Then everything that waits ends with Cancelled. DeadlineExceeded says how many attempts were
        left. Idempotent.
        """
        if isinstance(self._plane, NotConnected):
            return
        for subscription in list(self._home.kept):
            subscription.close()
        try:
            await in_thread(self._plane.shutdown, timeout)
        finally:
            for stream in self._home.streams():
                stream._wake()

    async def reload_encryption_keys(self) -> None:
        """Reads the keys again, where they came from.

        What is stored from now on is encrypted with the one that is active then. If it fails they stay
        as they were. FailedPrecondition: there are none.
        """
        keys = await in_thread(self.config._keys)
        await in_thread(self._plane.reload_keys, keys)

    async def __aenter__(self) -> ControlPlaneCoordinator:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shutdown()

    @property
    def config(self) -> ControlPlaneConfig:
        """What it was made with; the environment's, read on the first use, if it was made without."""
        if self._config is None:
            self._config = ControlPlaneConfig.from_environment()
        return self._config

    @property
    def state(self) -> SharedState:
        """JSON documents that all of the tenant read and change."""
        return SharedState(self)

    @property
    def logs(self) -> Logs:
        """Append-only streams of entries that all of the tenant write and read."""
        return Logs(self)

    @property
    def resources(self) -> Resources:
        """Pools of permits that bound what all of the tenant use."""
        return Resources(self)

    @property
    def leases(self) -> NamedLeases:
        """Leases that at most one holds at a time."""
        return NamedLeases(self)

    def mailbox(self, agent_id: str) -> Mailbox:
        """Messages of that agent: to others and from them."""
        return Mailbox(self, agent_id)

    async def reload_signing_keys(self) -> None:
        """Reads the keys that sign messages again, where they came from.

        FailedPrecondition: there are none. InvalidArgument: the new ones are wrong, and the old ones
        stay in use.
        """
        await in_thread(self._plane.reload_signing_keys)

    async def register_agent(
        self,
        agent_id: str,
        capabilities: Iterable[str] = (),
        model: str = "",
        provider: str = "",
        metadata: Json = None,
        health_probe: Probe | None = None,
        *,
        endpoint: str = "",
        labels: Mapping[str, str] | None = None,
        max_concurrency: int = 1,
        status: AgentStatus | str = AgentStatus.READY,
    ) -> AgentInfo:
        """Adds the agent, or replaces what is known of it.

        ``health_probe`` is as for ``register_probe``, and registered as the agent's id.
        ``max_concurrency``: tasks at once; 0: unlimited.
        """
        agent = await self._register(
            agent_id, capabilities, model=model, provider=provider, endpoint=endpoint,
            metadata=metadata, labels=labels, max_concurrency=max_concurrency, status=status,
        )  # fmt: skip
        self._forget_probe(agent_id)
        if health_probe is not None:
            self.register_probe(agent_id, health_probe, agent_id=agent_id)
        return agent

    async def unregister_agent(self, agent_id: str) -> None:
        """Its leases are released; tasks directed to it stay. NotFound if it is not registered."""
        self._forget_probe(agent_id)
        await self.unregister(agent_id)

    def _forget_probe(self, name: str) -> None:
        try:
            self._plane.unregister_probe(name)
        except NotFound:
            pass

    async def get_stats(self) -> dict[str, Any]:
        """Totals, read once.

        "registry", "scheduler", "health", "documents", "logs", "permits", "events", "store", "tenant",
        "now".
        """
        answer = self._plane.get_stats()
        return await finish(answer) if type(answer) is Pending else answer

    async def export_snapshot(self, path: str | os.PathLike[str]) -> SnapshotSummary:
        """Writes all that the tenant holds, as it is now, to a file of JSON lines. Work goes on meanwhile.

        The file appears at ``path`` only when it is whole and on disk, in place of one that was there.
        Cancelling does not stop it. FailedPrecondition: another export is in progress. ResourceExhausted:
        more than ``limits.max_export_aside_bytes`` changed before the export came to it, or there is no space.
        """
        return await in_thread(self._plane.export_snapshot, os.fsencode(path))

    async def import_snapshot(self, path: str | os.PathLike[str]) -> SnapshotSummary:
        """Puts what was exported into this tenant, all at once after all of it was found right.

        FailedPrecondition: the tenant is or was in use, or the file has values that are encrypted for one of
        another name. InvalidArgument: the file is damaged, and in which line.
        """
        return await in_thread(self._plane.import_snapshot, os.fsencode(path))

    async def get_state_snapshot(self, agent_id: str | None = None) -> dict[str, Any]:
        """What is known of an agent, with the state that it set; without ``agent_id`` totals of the tenant.

        Of JSON values only. NotFound: it is not registered and set none.
        """
        return await in_thread(self._plane.state_snapshot, agent_id)

    async def set_state(self, agent_id: str, state: Json) -> int:
        """Keeps a state for the agent, as the document "agent-state/<agent_id>"; its version.

        Of what ``get_state_snapshot`` gave for an agent only the state in it is kept; 0 if it had set none.
        """
        return await in_thread(self._plane.set_state, agent_id, state)

    async def metrics_text(self) -> str:
        """Prometheus text format 0.0.4; empty if the config's ``enable_metrics`` is off."""
        answer = self._plane.metrics_text()
        return await finish(answer) if type(answer) is Pending else answer


async def create_control_plane(
    config: ControlPlaneConfig | None = None,
    *,
    url: str | None = None,
    beside: ControlPlaneCoordinator | None = None,
    **options: Any,
) -> ControlPlaneCoordinator:
    """A connected coordinator; ``beside`` a connected one it shares that one's store.

    ``url`` is ``store_url``, and ``options`` are those of ControlPlaneConfig; they win over the environment,
    which wins over the defaults. A ``config`` is taken as it is.
    """
    if config is None:
        if url is not None:
            options["store_url"] = url
        config = ControlPlaneConfig.from_environment(**options)
    elif url is not None or options:
        raise TypeError("give a config, or url and options, not both")
    return await ControlPlaneCoordinator.create(config, beside=beside)
