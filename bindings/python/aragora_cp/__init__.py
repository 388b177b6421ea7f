"""A control plane for fleets of AI agents, in your process.

Agents register with what they can do, work is routed to them by capability, priority and policy, and
what fails is found and repaired. asyncio is here; ``aragora_cp.sync`` is the same without an event loop.
"""

from __future__ import annotations

from . import _core, sync
from ._aio._home import Subscription
from ._aio.context import TaskContext
from ._aio.coordinator import ControlPlaneCoordinator, create_control_plane
from ._aio.distributor import Distributor
from ._aio.events import EventStream
from ._aio.health import HealthMonitor, Probe, SystemHealth
from ._aio.leases import LeaderElection, NamedLease, NamedLeases
from ._aio.logs import LogFollower, Logs
from ._aio.mailbox import Mailbox
from ._aio.registry import AgentRegistry
from ._aio.resources import Hold, Resources
from ._aio.scheduler import TaskScheduler
from ._aio.state import SharedState, StateWatch
from ._aio.worker import Worker
from ._core import (
    AgentHealth,
    AgentInfo,
    ClaimedTask,
    Document,
    DocumentChange,
    Event,
    Explanation,
    LeaseHolder,
    LeaseStatus,
    LogEntry,
    LogInfo,
    Message,
    Obstacle,
    Permit,
    PermitPart,
    Pool,
    PoolWorker,
    ProbeHealth,
    SnapshotSummary,
    Task,
    TaskFailure,
)
from .config import ControlPlaneConfig
from .definitions import (
    UNLIMITED,
    Json,
    Label,
    Needs,
    Priority,
    SecretKey,
    TaskDefinition,
    TaskFilter,
)
from .enums import (
    AgentCapability,
    AgentStatus,
    BreakerState,
    ChangeKind,
    HealthStatus,
    ObstacleKind,
    PoolKind,
    SelectionStrategy,
    TaskPriority,
    TaskReason,
    TaskStatus,
)
from .errors import (
    AlreadyExists,
    Cancelled,
    Conflict,
    ControlPlaneError,
    DataLoss,
    DeadlineExceeded,
    FailedPrecondition,
    FatalError,
    Internal,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    RateLimited,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)

__version__ = _core.version

__all__ = [
    "AgentCapability",
    "AgentHealth",
    "AgentInfo",
    "AgentRegistry",
    "AgentStatus",
    "AlreadyExists",
    "BreakerState",
    "Cancelled",
    "ChangeKind",
    "ClaimedTask",
    "Conflict",
    "ControlPlaneConfig",
    "ControlPlaneCoordinator",
    "ControlPlaneError",
    "DataLoss",
    "DeadlineExceeded",
    "Distributor",
    "Document",
    "DocumentChange",
    "Event",
    "EventStream",
    "Explanation",
    "FailedPrecondition",
    "FatalError",
    "HealthMonitor",
    "HealthStatus",
    "Hold",
    "Internal",
    "InvalidArgument",
    "Json",
    "Label",
    "LeaderElection",
    "LeaseHolder",
    "LeaseStatus",
    "LogEntry",
    "LogFollower",
    "LogInfo",
    "Logs",
    "Mailbox",
    "Message",
    "NamedLease",
    "NamedLeases",
    "Needs",
    "NotFound",
    "Obstacle",
    "ObstacleKind",
    "PermissionDenied",
    "Permit",
    "PermitPart",
    "Pool",
    "PoolKind",
    "PoolWorker",
    "Priority",
    "Probe",
    "ProbeHealth",
    "RateLimited",
    "ResourceExhausted",
    "Resources",
    "SecretKey",
    "SelectionStrategy",
    "SharedState",
    "SnapshotSummary",
    "StateWatch",
    "Subscription",
    "SystemHealth",
    "Task",
    "TaskContext",
    "TaskDefinition",
    "TaskFailure",
    "TaskFilter",
    "TaskPriority",
    "TaskReason",
    "TaskScheduler",
    "TaskStatus",
    "UNLIMITED",
    "Unauthenticated",
    "Unavailable",
    "Worker",
    "create_control_plane",
    "sync",
]
