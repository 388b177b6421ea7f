"""The words of the control plane. Members of the string enums equal their values.

The order of members is that of the C++ enumerators, by which they are converted.
"""

from __future__ import annotations

from enum import Enum, IntEnum


class _Word(str, Enum):
    def __str__(self) -> str:
        return str(self.value)


class TaskPriority(IntEnum):
    """Lower numbers are served first. Names and numbers are accepted wherever a priority is."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


class TaskStatus(_Word):
    """Where a task stands. CLAIMED: handed to an agent; RUNNING: the agent has begun; FAILED and TIMEOUT are
    dead letters."""

    PENDING = "pending"
    CLAIMED = "claimed"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"

    @property
    def is_terminal(self) -> bool:
        """Nothing will change it any more."""
        return self in _TERMINAL


_TERMINAL = frozenset(
    (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.TIMEOUT)
)


class TaskReason(_Word):
    """Why a task is in its status; NONE where that says it all."""

    NONE = ""
    READY = "ready"
    DELAYED = "delayed"
    BACKOFF = "backoff"
    BLOCKED = "blocked"
    FATAL = "fatal"
    EXHAUSTED = "exhausted"
    POISON = "poison"
    QUEUE = "queue"
    EXEC = "exec"
    TOTAL = "total"


class AgentStatus(_Word):
    """What an agent says of itself (STARTING, READY, BUSY, DRAINING), or what is found out: OFFLINE is silent for
    too long, FAILED by its probe."""

    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    DRAINING = "draining"
    OFFLINE = "offline"
    FAILED = "failed"


class HealthStatus(_Word):
    """The worst of heartbeats, what the agent reports, its probes and its breaker; UNKNOWN: nothing is known."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


class BreakerState(_Word):
    """Of an agent's circuit breaker: OPEN, it gets no task; HALF_OPEN, it gets one."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class SelectionStrategy(_Word):
    """Which of those that could is chosen. LEAST_LOADED: fewest tasks per slot; ROUND_ROBIN: longest without one;
    CAPABILITY_MATCH: fewest other capabilities, then the least loaded."""

    LEAST_LOADED = "least_loaded"
    ROUND_ROBIN = "round_robin"
    RANDOM = "random"
    CAPABILITY_MATCH = "capability_match"


class ObstacleKind(_Word):
    """Why an agent does not run a task; see ``ControlPlaneCoordinator.explain``."""

    NO_AGENT_OFFERS = "no_agent_offers"
    AGENT_OFFLINE = "agent_offline"
    AGENT_DRAINING = "agent_draining"
    AGENT_FAILED = "agent_failed"
    AGENT_BREAKER_OPEN = "agent_breaker_open"
    AGENT_FULL = "agent_full"
    AGENT_EXCLUDED = "agent_excluded"
    AGENT_NOT_REGISTERED = "agent_not_registered"
    BLOCKED_BY = "blocked_by"
    DELAYED = "delayed"
    BACKING_OFF = "backing_off"
    CONCURRENCY_KEY_FULL = "concurrency_key_full"
    HELD = "held"
    ENDED = "ended"
    WAITING_FOR_CLAIM = "waiting_for_claim"
    POOL_SHORT = "pool_short"


class PoolKind(_Word):
    """What a pool bounds. COUNT: so many at once; NUMBER: the numbers of a range, each to one at a time;
    WINDOW: so much in any period; BUDGET: so much in all."""

    COUNT = "count"
    NUMBER = "number"
    WINDOW = "window"
    BUDGET = "budget"


class ChangeKind(_Word):
    """What happened to a document; EXPIRED: its time to live was over."""

    PUT = "put"
    DELETED = "deleted"
    EXPIRED = "expired"


class AgentCapability(_Word):
    """The standard capabilities; any other name is a capability, too."""

    DEBATE = "debate"
    CODE = "code"
    ANALYSIS = "analysis"
    CRITIQUE = "critique"
    JUDGE = "judge"
    IMPLEMENT = "implement"
    DESIGN = "design"
    RESEARCH = "research"
    AUDIT = "audit"
    SUMMARIZE = "summarize"
