"""The C++ library. Private: use aragora_cp."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from datetime import datetime
from typing import Any, NoReturn, final

from .enums import (
    AgentStatus,
    BreakerState,
    ChangeKind,
    HealthStatus,
    ObstacleKind,
    PoolKind,
    TaskPriority,
    TaskReason,
    TaskStatus,
)

version: str

_Option = tuple[str, str, str, str]
_Keys = list[tuple[str, bytes, str]] | None

def open(
    given: dict[str, str], origins: dict[str, str], log_inbox: Inbox, log: int, keys: _Keys, beside: Plane | None, /
) -> Plane: ...
def options(given: dict[str, str], origins: dict[str, str], /) -> list[_Option]: ...
def resolve(given: dict[str, str], /) -> tuple[str, list[_Option]]: ...

class _Value:
    """Immutable, compared by its fields, pickled; made by keyword. Times are in UTC."""

    def to_dict(self) -> dict[str, Any]:
        """All fields by name."""
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]:
        """For pickle and copy."""
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class ClaimedTask(_Value):
    """What the holder of a lease gets."""
    def __new__(
        cls,
        *,
        id: str = ...,
        lease: str | None = ...,
        task_type: str = ...,
        payload: Any = ...,
        priority: TaskPriority = ...,
        attempt: int = ...,
        claimed_at: datetime | None = ...,
        deadline: datetime | None = ...,
        lease_until: datetime | None = ...,
        checkpoint: Any = ...,
        metadata: Any = ...,
        labels: Mapping[str, str] = ...,
        depends_on: Iterable[str] = ...,
        idempotency_key: str | None = ...,
        trace: str | None = ...,
        needs: Mapping[str, int] = ...,
        replayed_from: str | None = ...,
    ) -> ClaimedTask: ...
    @property
    def id(self) -> str:
        """Its id."""
    @property
    def lease(self) -> str | None:
        """Proof of this attempt, a str; ends of the attempt name it."""
    @property
    def task_type(self) -> str:
        """What kind of work it is."""
    @property
    def payload(self) -> Any:
        """What was submitted."""
    @property
    def priority(self) -> TaskPriority:
        """A TaskPriority."""
    @property
    def attempt(self) -> int:
        """1 is the first."""
    @property
    def claimed_at(self) -> datetime:
        """When this attempt began."""
    @property
    def deadline(self) -> datetime:
        """When this attempt times out."""
    @property
    def lease_until(self) -> datetime | None:
        """Renew before; None: it holds until the deadline."""
    @property
    def checkpoint(self) -> Any:
        """Last progress data of an earlier attempt, or None."""
    @property
    def metadata(self) -> Any:
        """The submitter's own notes; None if unset."""
    @property
    def labels(self) -> dict[str, str]:
        """Short names and values."""
    @property
    def depends_on(self) -> list[str]:
        """Ids of the tasks it waits for."""
    @property
    def idempotency_key(self) -> str | None:
        """The submitter's key; None if unset."""
    @property
    def trace(self) -> str | None:
        """Correlation id; None if unset."""
    @property
    def needs(self) -> dict[str, int]:
        """Amounts by pool that its attempts need."""
    @property
    def replayed_from(self) -> str | None:
        """The dead letter it repeats; None if none."""

@final
class Task(_Value):
    """A snapshot of one task."""
    def __new__(
        cls,
        *,
        id: str = ...,
        task_type: str = ...,
        payload: Any = ...,
        required_capabilities: Iterable[str] = ...,
        priority: TaskPriority = ...,
        status: TaskStatus = ...,
        reason: TaskReason = ...,
        attempt: int = ...,
        failures: int = ...,
        crashes: int = ...,
        max_retries: int = ...,
        agent_id: str | None = ...,
        directed_to: str | None = ...,
        exclude: Iterable[str] = ...,
        submitted_at: datetime | None = ...,
        ready_at: datetime | None = ...,
        claimed_at: datetime | None = ...,
        started_at: datetime | None = ...,
        finished_at: datetime | None = ...,
        cancel_requested: bool = ...,
        progress: float = ...,
        progress_note: str | None = ...,
        checkpoint: Any = ...,
        result: Any = ...,
        error: str = ...,
        usage: Any = ...,
        blocked_by: int = ...,
        concurrency_key: str | None = ...,
        unreadable: str | None = ...,
        metadata: Any = ...,
        labels: Mapping[str, str] = ...,
        depends_on: Iterable[str] = ...,
        idempotency_key: str | None = ...,
        trace: str | None = ...,
        needs: Mapping[str, int] = ...,
        replayed_from: str | None = ...,
    ) -> Task: ...
    @property
    def id(self) -> str:
        """Its id."""
    @property
    def task_type(self) -> str:
        """What kind of work it is."""
    @property
    def payload(self) -> Any:
        """What was submitted."""
    @property
    def required_capabilities(self) -> list[str]:
        """All of them must be offered by its agent."""
    @property
    def priority(self) -> TaskPriority:
        """A TaskPriority."""
    @property
    def status(self) -> TaskStatus:
        """A TaskStatus."""
    @property
    def reason(self) -> TaskReason:
        """A TaskReason: why it is in that status."""
    @property
    def attempt(self) -> int:
        """Attempts begun so far."""
    @property
    def failures(self) -> int:
        """Counted failures."""
    @property
    def crashes(self) -> int:
        """Lost leases."""
    @property
    def max_retries(self) -> int:
        """Failures allowed beyond the first attempt."""
    @property
    def agent_id(self) -> str | None:
        """Who holds it, or held it last; None if nobody."""
    @property
    def directed_to(self) -> str | None:
        """Only this agent may claim it; None: all."""
    @property
    def exclude(self) -> list[str]:
        """Agents that may not claim it."""
    @property
    def submitted_at(self) -> datetime:
        """When it was submitted."""
    @property
    def ready_at(self) -> datetime:
        """When it became ready, or when its delay ends."""
    @property
    def claimed_at(self) -> datetime | None:
        """When its last attempt was claimed."""
    @property
    def started_at(self) -> datetime | None:
        """When its last attempt started running."""
    @property
    def finished_at(self) -> datetime | None:
        """When it ended."""
    @property
    def cancel_requested(self) -> bool:
        """Its holder was asked to stop."""
    @property
    def progress(self) -> float:
        """0 to 1, of the last attempt that reported any."""
    @property
    def progress_note(self) -> str | None:
        """What was said with it, or None."""
    @property
    def checkpoint(self) -> Any:
        """The last progress data, or None."""
    @property
    def result(self) -> Any:
        """What it was completed with, or None."""
    @property
    def error(self) -> str:
        """The text of its last failure, or None."""
    @property
    def usage(self) -> Any:
        """What its last attempt consumed, or None."""
    @property
    def blocked_by(self) -> int:
        """How many parents it still waits for."""
    @property
    def concurrency_key(self) -> str | None:
        """None if unset."""
    @property
    def unreadable(self) -> str | None:
        """In a list: why a value could not be decrypted and is None."""
    @property
    def metadata(self) -> Any:
        """The submitter's own notes; None if unset."""
    @property
    def labels(self) -> dict[str, str]:
        """Short names and values."""
    @property
    def depends_on(self) -> list[str]:
        """Ids of the tasks it waits for."""
    @property
    def idempotency_key(self) -> str | None:
        """The submitter's key; None if unset."""
    @property
    def trace(self) -> str | None:
        """Correlation id; None if unset."""
    @property
    def needs(self) -> dict[str, int]:
        """Amounts by pool that its attempts need."""
    @property
    def replayed_from(self) -> str | None:
        """The dead letter it repeats; None if none."""

@final
class LeaseStatus(_Value):
    """What a renewal answers."""
    def __new__(
        cls,
        *,
        lease_until: datetime | None = ...,
        deadline: datetime | None = ...,
        cancel_requested: bool = ...,
    ) -> LeaseStatus: ...
    @property
    def lease_until(self) -> datetime | None:
        """Renew before; None: it holds until the deadline."""
    @property
    def deadline(self) -> datetime:
        """When this attempt times out."""
    @property
    def cancel_requested(self) -> bool:
        """True: stop, and release the task."""

@final
class TaskFailure(_Value):
    """A failed attempt, or a task that ended without one."""
    def __new__(
        cls,
        *,
        task_id: str = ...,
        attempt: int = ...,
        agent_id: str | None = ...,
        error: str = ...,
        will_retry: bool = ...,
    ) -> TaskFailure: ...
    @property
    def task_id(self) -> str:
        """The task."""
    @property
    def attempt(self) -> int:
        """Which attempt failed; 0: it ended without one."""
    @property
    def agent_id(self) -> str | None:
        """Who held it, or None."""
    @property
    def error(self) -> str:
        """Text for people."""
    @property
    def will_retry(self) -> bool:
        """There will be another attempt."""

@final
class Obstacle(_Value):
    """One reason why a task is not running."""
    def __new__(
        cls,
        *,
        kind: ObstacleKind = ...,
        subject: str = ...,
        since: datetime | None = ...,
        until: datetime | None = ...,
    ) -> Obstacle: ...
    @property
    def kind(self) -> ObstacleKind:
        """An ObstacleKind."""
    @property
    def subject(self) -> str:
        """The agent, capability, task, key or pool it is about."""
    @property
    def since(self) -> datetime | None:
        """None: not known."""
    @property
    def until(self) -> datetime | None:
        """None: not known."""

@final
class Explanation(_Value):
    """Why a task is not running; str() tells it."""
    def __new__(
        cls,
        *,
        id: str = ...,
        status: TaskStatus = ...,
        reason: TaskReason = ...,
        required_capabilities: Iterable[str] = ...,
        agents_offering: int = ...,
        obstacles: list[Obstacle] = ...,
        now: datetime | None = ...,
    ) -> Explanation: ...
    @property
    def id(self) -> str:
        """The task."""
    @property
    def status(self) -> TaskStatus:
        """A TaskStatus."""
    @property
    def reason(self) -> TaskReason:
        """A TaskReason."""
    @property
    def required_capabilities(self) -> list[str]:
        """What it needs."""
    @property
    def agents_offering(self) -> int:
        """Registered agents that offer all of them."""
    @property
    def obstacles(self) -> list[Obstacle]:
        """Why no agent runs it: a list of Obstacle."""
    @property
    def now(self) -> datetime:
        """When it was asked."""

@final
class AgentInfo(_Value):
    """An agent, as it is registered and as it is seen."""
    def __new__(
        cls,
        *,
        agent_id: str = ...,
        capabilities: Iterable[str] = ...,
        model: str = ...,
        provider: str = ...,
        endpoint: str = ...,
        metadata: Any = ...,
        labels: Mapping[str, str] = ...,
        max_concurrency: int = ...,
        status: AgentStatus = ...,
        reported_status: AgentStatus = ...,
        health: HealthStatus = ...,
        breaker: BreakerState = ...,
        available: bool = ...,
        incarnation: int = ...,
        registered_by: str = ...,
        registered_at: datetime | None = ...,
        last_seen: datetime | None = ...,
        last_assigned: datetime | None = ...,
        running: int = ...,
        tasks_completed: int = ...,
        tasks_failed: int = ...,
        tasks_crashed: int = ...,
        avg_latency_ms: float = ...,
        metrics: Any = ...,
    ) -> AgentInfo: ...
    @property
    def agent_id(self) -> str:
        """Its name."""
    @property
    def capabilities(self) -> list[str]:
        """What it offers, sorted."""
    @property
    def model(self) -> str:
        """Free text."""
    @property
    def provider(self) -> str:
        """Free text."""
    @property
    def endpoint(self) -> str:
        """Free text, for example an URL."""
    @property
    def metadata(self) -> Any:
        """The registrar's own notes; None if unset."""
    @property
    def labels(self) -> dict[str, str]:
        """Short names and values."""
    @property
    def max_concurrency(self) -> int:
        """Tasks at once; 0: unlimited."""
    @property
    def status(self) -> AgentStatus:
        """An AgentStatus, as shown to everyone."""
    @property
    def reported_status(self) -> AgentStatus:
        """What the agent itself said last."""
    @property
    def health(self) -> HealthStatus:
        """A HealthStatus."""
    @property
    def breaker(self) -> BreakerState:
        """A BreakerState."""
    @property
    def available(self) -> bool:
        """select_agent would consider it."""
    @property
    def incarnation(self) -> int:
        """Tells two registrations of one name apart."""
    @property
    def registered_by(self) -> str:
        """"host:pid"."""
    @property
    def registered_at(self) -> datetime:
        """When it was registered."""
    @property
    def last_seen(self) -> datetime:
        """Its last call."""
    @property
    def last_assigned(self) -> datetime | None:
        """When it got its last task."""
    @property
    def running(self) -> int:
        """Leases it holds now."""
    @property
    def tasks_completed(self) -> int:
        """Since it was registered."""
    @property
    def tasks_failed(self) -> int:
        """Since it was registered."""
    @property
    def tasks_crashed(self) -> int:
        """Since it was registered."""
    @property
    def avg_latency_ms(self) -> float:
        """Of completed tasks, in milliseconds."""
    @property
    def metrics(self) -> Any:
        """Those of its last heartbeat that carried any, or None."""

@final
class AgentHealth(_Value):
    """The health of one agent."""
    def __new__(
        cls,
        *,
        agent_id: str = ...,
        status: HealthStatus = ...,
        agent_status: AgentStatus = ...,
        reported: HealthStatus = ...,
        probe: HealthStatus = ...,
        breaker: BreakerState = ...,
        breaker_until: datetime | None = ...,
        last_check: datetime | None = ...,
        last_seen: datetime | None = ...,
        consecutive_failures: int = ...,
        probe_error: str | None = ...,
        available: bool = ...,
        age: float = ...,
    ) -> AgentHealth: ...
    @property
    def agent_id(self) -> str:
        """Whose health it is."""
    @property
    def status(self) -> HealthStatus:
        """A HealthStatus: the worst of all that is known."""
    @property
    def agent_status(self) -> AgentStatus:
        """An AgentStatus."""
    @property
    def reported(self) -> HealthStatus:
        """What the agent itself said."""
    @property
    def probe(self) -> HealthStatus:
        """What its probes say; UNKNOWN: it has none."""
    @property
    def breaker(self) -> BreakerState:
        """A BreakerState."""
    @property
    def breaker_until(self) -> datetime | None:
        """End of its cooldown, when it is open."""
    @property
    def last_check(self) -> datetime | None:
        """The last probe, or the last call if it has none."""
    @property
    def last_seen(self) -> datetime:
        """Its last call."""
    @property
    def consecutive_failures(self) -> int:
        """Of the probe or of tasks."""
    @property
    def probe_error(self) -> str | None:
        """Of the last failed probe, or None."""
    @property
    def available(self) -> bool:
        """select_agent would consider it."""
    @property
    def age(self) -> float:
        """How old this copy is, in seconds; at most 1."""

@final
class ProbeHealth(_Value):
    """What one probe of this coordinator says."""
    def __new__(
        cls,
        *,
        name: str = ...,
        agent_id: str | None = ...,
        status: HealthStatus = ...,
        consecutive_failures: int = ...,
        consecutive_successes: int = ...,
        last_check: datetime | None = ...,
        error: str | None = ...,
    ) -> ProbeHealth: ...
    @property
    def name(self) -> str:
        """Its name."""
    @property
    def agent_id(self) -> str | None:
        """Whose health it tells; None: the system's."""
    @property
    def status(self) -> HealthStatus:
        """A HealthStatus; UNKNOWN: it has not run yet."""
    @property
    def consecutive_failures(self) -> int:
        """In a row."""
    @property
    def consecutive_successes(self) -> int:
        """In a row."""
    @property
    def last_check(self) -> datetime | None:
        """When it ran last."""
    @property
    def error(self) -> str | None:
        """Of the last failure, or None."""

@final
class Event(_Value):
    """One change, as the history keeps it."""
    def __new__(
        cls,
        *,
        seq: int = ...,
        time: datetime | None = ...,
        tenant: str = ...,
        type: str = ...,
        subject: str = ...,
        labels: Mapping[str, str] = ...,
        data: Any = ...,
        trace: str | None = ...,
    ) -> Event: ...
    @property
    def seq(self) -> int:
        """Its number: without gaps per tenant, from 1."""
    @property
    def time(self) -> datetime:
        """When it happened."""
    @property
    def tenant(self) -> str:
        """Whose it is."""
    @property
    def type(self) -> str:
        """Dotted: "task.submitted"."""
    @property
    def subject(self) -> str:
        """The task's or the agent's id."""
    @property
    def labels(self) -> dict[str, str]:
        """The subject's."""
    @property
    def data(self) -> Any:
        """A dict; what is in it depends on the type."""
    @property
    def trace(self) -> str | None:
        """The task's correlation id, or None."""

@final
class PoolWorker(_Value):
    """A worker of a distributor's pool."""
    def __new__(
        cls,
        *,
        id: str = ...,
        capabilities: Iterable[str] = ...,
        slots: int = ...,
        usable: bool = ...,
        pending_tasks: Iterable[str] = ...,
    ) -> PoolWorker: ...
    @property
    def id(self) -> str:
        """The agent's."""
    @property
    def capabilities(self) -> list[str]:
        """What it offers."""
    @property
    def slots(self) -> int:
        """Tasks at once; 0: unlimited."""
    @property
    def usable(self) -> bool:
        """It is ready or busy, and not unhealthy."""
    @property
    def pending_tasks(self) -> list[str]:
        """The ids of the tasks that it was given and that have not ended."""

@final
class Document(_Value):
    """A versioned JSON value under a key."""
    def __new__(
        cls,
        *,
        key: str = ...,
        value: Any = ...,
        version: int = ...,
        created_at: datetime | None = ...,
        updated_at: datetime | None = ...,
        expires_at: datetime | None = ...,
        unreadable: str | None = ...,
    ) -> Document: ...
    @property
    def key(self) -> str:
        """Its name."""
    @property
    def value(self) -> Any:
        """What was put."""
    @property
    def version(self) -> int:
        """Grows with every change of the key, and is never used twice for it."""
    @property
    def created_at(self) -> datetime:
        """When it was put first."""
    @property
    def updated_at(self) -> datetime:
        """When it was put last."""
    @property
    def expires_at(self) -> datetime | None:
        """When it removes itself; None: never."""
    @property
    def unreadable(self) -> str | None:
        """In a list: why the value could not be decrypted and is None."""

@final
class DocumentChange(_Value):
    """One change of one document."""
    def __new__(
        cls,
        *,
        kind: ChangeKind = ...,
        key: str = ...,
        version: int = ...,
        time: datetime | None = ...,
        seq: int = ...,
    ) -> DocumentChange: ...
    @property
    def kind(self) -> ChangeKind:
        """A ChangeKind."""
    @property
    def key(self) -> str:
        """The document's."""
    @property
    def version(self) -> int:
        """The new one; of a document that is gone its last."""
    @property
    def time(self) -> datetime:
        """When it happened."""
    @property
    def seq(self) -> int:
        """Of its event; resume a watch after it."""

@final
class LogEntry(_Value):
    """One entry of a log."""
    def __new__(
        cls,
        *,
        seq: int = ...,
        time: datetime | None = ...,
        value: Any = ...,
    ) -> LogEntry: ...
    @property
    def seq(self) -> int:
        """Its number: gapless in its log, and never used twice for that name."""
    @property
    def time(self) -> datetime:
        """When it was appended."""
    @property
    def value(self) -> Any:
        """What was appended."""

@final
class LogInfo(_Value):
    """A log, and how it stands."""
    def __new__(
        cls,
        *,
        name: str = ...,
        max_entries: int = ...,
        max_bytes: int = ...,
        max_age: float = ...,
        first_seq: int = ...,
        last_seq: int = ...,
        entries: int = ...,
        bytes: int = ...,
        created_at: datetime | None = ...,
    ) -> LogInfo: ...
    @property
    def name(self) -> str:
        """Its name."""
    @property
    def max_entries(self) -> int:
        """The oldest go when there are more."""
    @property
    def max_bytes(self) -> int:
        """The oldest go when they come to more."""
    @property
    def max_age(self) -> float:
        """What is older goes, in seconds; 0: never for its age."""
    @property
    def first_seq(self) -> int:
        """Of the entries there are; last_seq + 1: there is none."""
    @property
    def last_seq(self) -> int:
        """The last number that was given out."""
    @property
    def entries(self) -> int:
        """So many, now."""
    @property
    def bytes(self) -> int:
        """Of the entries, now."""
    @property
    def created_at(self) -> datetime:
        """When it was defined, or appended to, first."""

@final
class SnapshotSummary(_Value):
    """What a snapshot has."""
    def __new__(
        cls,
        *,
        taken_at: datetime | None = ...,
        agents: int = ...,
        tasks: int = ...,
        documents: int = ...,
        logs: int = ...,
        entries: int = ...,
        pools: int = ...,
        permits: int = ...,
        events: int = ...,
        waiters: int = ...,
        keys: int = ...,
        lines: int = ...,
        bytes: int = ...,
        sha256: str = ...,
    ) -> SnapshotSummary: ...
    @property
    def taken_at(self) -> datetime:
        """What is in it is as it was then."""
    @property
    def agents(self) -> int:
        """Registered ones."""
    @property
    def tasks(self) -> int:
        """In whatever state."""
    @property
    def documents(self) -> int:
        """Of shared state."""
    @property
    def logs(self) -> int:
        """Named ones."""
    @property
    def entries(self) -> int:
        """Of all logs."""
    @property
    def pools(self) -> int:
        """Of permits."""
    @property
    def permits(self) -> int:
        """That were out."""
    @property
    def events(self) -> int:
        """Of the history."""
    @property
    def waiters(self) -> int:
        """Who waited for permits."""
    @property
    def keys(self) -> int:
        """Of submits whose tasks are gone."""
    @property
    def lines(self) -> int:
        """Of the file."""
    @property
    def bytes(self) -> int:
        """Of the file."""
    @property
    def sha256(self) -> str:
        """Of all lines but the last one, in hexadecimal."""

@final
class Pool(_Value):
    """A pool of permits, and how it stands."""
    def __new__(
        cls,
        *,
        name: str = ...,
        kind: PoolKind = ...,
        capacity: int = ...,
        first: int = ...,
        last: int = ...,
        period: float = ...,
        weights: Mapping[str, int] = ...,
        used: int = ...,
        available: int = ...,
        debt: int = ...,
        permits: int = ...,
        waiting: int = ...,
        granted_total: int = ...,
        expired_total: int = ...,
    ) -> Pool: ...
    @property
    def name(self) -> str:
        """Its name."""
    @property
    def kind(self) -> PoolKind:
        """A PoolKind."""
    @property
    def capacity(self) -> int:
        """Of what there is; UNLIMITED. Not of number pools."""
    @property
    def first(self) -> int:
        """Of a number pool: its first number."""
    @property
    def last(self) -> int:
        """Of a number pool: its last number."""
    @property
    def period(self) -> float:
        """Of a window, in seconds."""
    @property
    def weights(self) -> dict[str, int]:
        """Owners and their weights; empty: first come."""
    @property
    def used(self) -> int:
        """Held now; of a window: in the last period; of a budget: in all."""
    @property
    def available(self) -> int:
        """May be granted now; UNLIMITED."""
    @property
    def debt(self) -> int:
        """Used beyond the capacity."""
    @property
    def permits(self) -> int:
        """That are out."""
    @property
    def waiting(self) -> int:
        """Who waits for a permit."""
    @property
    def granted_total(self) -> int:
        """Permits, since it was defined."""
    @property
    def expired_total(self) -> int:
        """Permits, since it was defined."""

@final
class PermitPart(_Value):
    """What a permit holds of one pool."""
    def __new__(
        cls,
        *,
        pool: str = ...,
        amount: int = ...,
        numbers: Iterable[int] = ...,
    ) -> PermitPart: ...
    @property
    def pool(self) -> str:
        """Its name."""
    @property
    def amount(self) -> int:
        """So much of it."""
    @property
    def numbers(self) -> list[int]:
        """Of a number pool: which."""

@final
class Permit(_Value):
    """A leased share of one or more pools. `fence` and `owner` name it."""
    def __new__(
        cls,
        *,
        fence: int = ...,
        owner: str = ...,
        parts: Iterable[PermitPart] = ...,
        acquired_at: datetime | None = ...,
        expires_at: datetime | None = ...,
    ) -> Permit: ...
    @property
    def fence(self) -> int:
        """Its number: higher than that of every earlier permit of the tenant."""
    @property
    def owner(self) -> str:
        """Whose it is."""
    @property
    def parts(self) -> list[PermitPart]:
        """What it holds of each pool: a list of PermitPart."""
    @property
    def acquired_at(self) -> datetime:
        """When it was granted."""
    @property
    def expires_at(self) -> datetime:
        """When it frees itself, unless it is renewed."""

@final
class LeaseHolder(_Value):
    """Who holds a named lease."""
    def __new__(
        cls,
        *,
        owner: str = ...,
        fence: int = ...,
        expires_at: datetime | None = ...,
    ) -> LeaseHolder: ...
    @property
    def owner(self) -> str:
        """Who holds it."""
    @property
    def fence(self) -> int:
        """Higher than that of every earlier holder."""
    @property
    def expires_at(self) -> datetime:
        """When it is over, unless it is renewed."""

@final
class Message(_Value):
    """What an agent sent to another one."""
    def __new__(
        cls,
        *,
        id: str = ...,
        from_: str = ...,
        to: str = ...,
        type: str = ...,
        body: Any = ...,
        correlation_id: str | None = ...,
        key_id: str | None = ...,
        sent_at: datetime | None = ...,
        delivery: int = ...,
        visible_at: datetime | None = ...,
        lease: str | None = ...,
    ) -> Message: ...
    @property
    def id(self) -> str:
        """That of its task; a reply has that of its request."""
    @property
    def from_(self) -> str:
        """The agent that sent it."""
    @property
    def to(self) -> str:
        """The agent that it is for."""
    @property
    def type(self) -> str:
        """As its sender named it."""
    @property
    def body(self) -> Any:
        """What was sent."""
    @property
    def correlation_id(self) -> str | None:
        """As its sender gave it, or None."""
    @property
    def key_id(self) -> str | None:
        """The key that signed it; None: it is unsigned."""
    @property
    def sent_at(self) -> datetime:
        """When it was sent."""
    @property
    def delivery(self) -> int:
        """1: the first; 0: a reply."""
    @property
    def visible_at(self) -> datetime | None:
        """Delivered again from then on, unless acknowledged or extended."""
    @property
    def lease(self) -> str:
        """Proof of this delivery."""

@final
class Inbox:
    def __init__(self) -> None: ...
    def add(self, receiver: Callable[..., object], /) -> int: ...
    def fileno(self) -> int: ...
    def drain(self) -> None: ...
    def close(self) -> None: ...
    def __len__(self) -> int: ...

@final
class Pending(Awaitable[Any]):
    def on(self, inbox: Inbox, future: object, /) -> Pending: ...
    def throw(self, *error: object) -> NoReturn: ...
    def close(self) -> None: ...
    def wait(self) -> Any: ...
    def __await__(self) -> Generator[Any, Any, Any]: ...
    def __iter__(self) -> Pending: ...
    def __next__(self) -> Any: ...

@final
class Relay:
    def __init__(self, inbox: Inbox, handler: Callable[..., object], /) -> None: ...
    def close(self) -> None: ...

@final
class ProbeAnswer:
    def set(self, good: bool, /) -> None: ...

@final
class HeldLease:
    @property
    def fence(self) -> int: ...
    @property
    def held(self) -> bool: ...
    def renew(self) -> None: ...
    def release(self) -> None: ...

@final
class HeldDistributor:
    @property
    def leads(self) -> bool: ...
    def workers(self) -> list[PoolWorker]: ...
    def assign(self, tasks: list[tuple[Any, ...]], worker_id: str | None, /) -> list[Any]: ...
    def stop(self, timeout: float, /) -> None: ...

@final
class Election:
    @property
    def epoch(self) -> int: ...
    def stop(self) -> None: ...

@final
class Job:
    @property
    def task(self) -> ClaimedTask: ...
    def complete(self, result: Any, /) -> None: ...
    def fail(self, message: str, fatal: bool, /) -> None: ...
    def rate_limited(self, message: str, retry_after: float, /) -> None: ...
    def release(self) -> None: ...

@final
class NativeWorker:
    def __init__(
        self,
        plane: Plane,
        inbox: Inbox,
        handler: Callable[[int, Job | None], None],
        agent_id: str,
        capabilities: Iterable[str],
        concurrency: int,
        more: dict[str, Any],
        /,
    ) -> None: ...
    def start(self) -> None: ...
    def stop(self, seconds: float, /) -> None: ...
    def let_go(self) -> None: ...
    @property
    def running(self) -> bool: ...
    def why_stopped(self) -> Any: ...

@final
class Plane:
    """Operations answer a value, or a Pending for it."""

    def shutdown(self, seconds: float, /) -> None: ...
    def close_now(self) -> None: ...
    def reload_keys(self, keys: _Keys, /) -> None: ...
    def options(self) -> list[_Option]: ...
    def reload_signing_keys(self) -> None: ...
    def acquire_lease(self, *args: Any) -> Any: ...
    def acquire_permit(self, *args: Any) -> Any: ...
    def assign_task(self, *args: Any) -> Any: ...
    def cancel_task(self, *args: Any) -> Any: ...
    def check_health(self, *args: Any) -> Any: ...
    def claim_task(self, *args: Any) -> Any: ...
    def claim_tasks(self, *args: Any) -> Any: ...
    def complete_task(self, *args: Any) -> Any: ...
    def complete_tasks(self, *args: Any) -> Any: ...
    def define_pool(self, *args: Any) -> Any: ...
    def explain(self, *args: Any) -> Any: ...
    def export_snapshot(self, *args: Any) -> Any: ...
    def fail_task(self, *args: Any) -> Any: ...
    def get_agent(self, *args: Any) -> Any: ...
    def get_agent_health(self, *args: Any) -> Any: ...
    def get_pool(self, *args: Any) -> Any: ...
    def get_stats(self, *args: Any) -> Any: ...
    def get_status(self, *args: Any) -> Any: ...
    def get_system_health(self, *args: Any) -> Any: ...
    def get_task(self, *args: Any) -> Any: ...
    def heartbeat(self, *args: Any) -> Any: ...
    def import_snapshot(self, *args: Any) -> Any: ...
    def is_agent_available(self, *args: Any) -> Any: ...
    def lease_holder(self, *args: Any) -> Any: ...
    def list_agents(self, *args: Any) -> Any: ...
    def list_permits(self, *args: Any) -> Any: ...
    def list_pools(self, *args: Any) -> Any: ...
    def list_tasks(self, *args: Any) -> Any: ...
    def log_append(self, *args: Any) -> Any: ...
    def log_define(self, *args: Any) -> Any: ...
    def log_get(self, *args: Any) -> Any: ...
    def log_list(self, *args: Any) -> Any: ...
    def log_read(self, *args: Any) -> Any: ...
    def log_remove(self, *args: Any) -> Any: ...
    def log_trim(self, *args: Any) -> Any: ...
    def mailbox_acknowledge(self, *args: Any) -> Any: ...
    def mailbox_broadcast(self, *args: Any) -> Any: ...
    def mailbox_extend(self, *args: Any) -> Any: ...
    def mailbox_receive(self, *args: Any) -> Any: ...
    def mailbox_reject(self, *args: Any) -> Any: ...
    def mailbox_release(self, *args: Any) -> Any: ...
    def mailbox_reply(self, *args: Any) -> Any: ...
    def mailbox_request(self, *args: Any) -> Any: ...
    def mailbox_send(self, *args: Any) -> Any: ...
    def metrics_text(self, *args: Any) -> Any: ...
    def on_agent_unhealthy(self, *args: Any) -> Any: ...
    def on_events(self, *args: Any) -> Any: ...
    def on_task_failure(self, *args: Any) -> Any: ...
    def read_events(self, *args: Any) -> Any: ...
    def reassign_agent_tasks(self, *args: Any) -> Any: ...
    def register_agent(self, *args: Any) -> Any: ...
    def register_probe(self, *args: Any) -> Any: ...
    def release_permit(self, *args: Any) -> Any: ...
    def release_task(self, *args: Any) -> Any: ...
    def remove_pool(self, *args: Any) -> Any: ...
    def renew(self, *args: Any) -> Any: ...
    def renew_permit(self, *args: Any) -> Any: ...
    def replay_dead_letter(self, *args: Any) -> Any: ...
    def report_progress(self, *args: Any) -> Any: ...
    def select_agent(self, *args: Any) -> Any: ...
    def set_state(self, *args: Any) -> Any: ...
    def set_strategy(self, *args: Any) -> Any: ...
    def settle_permit(self, *args: Any) -> Any: ...
    def stand_for_election(self, *args: Any) -> Any: ...
    def start_distributor(self, *args: Any) -> Any: ...
    def start_task(self, *args: Any) -> Any: ...
    def state_get(self, *args: Any) -> Any: ...
    def state_list(self, *args: Any) -> Any: ...
    def state_put(self, *args: Any) -> Any: ...
    def state_remove(self, *args: Any) -> Any: ...
    def state_snapshot(self, *args: Any) -> Any: ...
    def submit_task(self, *args: Any) -> Any: ...
    def submit_tasks(self, *args: Any) -> Any: ...
    def unregister_agent(self, *args: Any) -> Any: ...
    def unregister_probe(self, *args: Any) -> Any: ...
    def wait_for_result(self, *args: Any) -> Any: ...
