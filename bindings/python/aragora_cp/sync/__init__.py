"""The same API without an event loop: every call blocks its thread, and only its thread.

Callbacks come from one background thread. Everything else, values, enums and errors, is ``aragora_cp``'s.
"""

from __future__ import annotations

from ._home import Subscription
from .context import TaskContext
from .coordinator import ControlPlaneCoordinator, create_control_plane
from .distributor import Distributor
from .events import EventStream
from .health import HealthMonitor, Probe, SystemHealth
from .leases import LeaderElection, NamedLease, NamedLeases
from .logs import LogFollower, Logs
from .mailbox import Mailbox
from .registry import AgentRegistry
from .resources import Hold, Resources
from .scheduler import TaskScheduler
from .state import SharedState, StateWatch
from .worker import Worker

__all__ = [
    "AgentRegistry",
    "ControlPlaneCoordinator",
    "Distributor",
    "EventStream",
    "HealthMonitor",
    "Hold",
    "LeaderElection",
    "LogFollower",
    "Logs",
    "Mailbox",
    "NamedLease",
    "NamedLeases",
    "Probe",
    "Resources",
    "SharedState",
    "StateWatch",
    "Subscription",
    "SystemHealth",
    "TaskContext",
    "TaskScheduler",
    "Worker",
    "create_control_plane",
]
