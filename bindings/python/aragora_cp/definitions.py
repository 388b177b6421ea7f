"""What is put in: tasks as their submitters write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Union

from .enums import TaskPriority

#: None, bool, int within 64 bits, finite float, str, list, and dict with str keys.
Json = Union[None, bool, int, float, str, "list[Any]", "tuple[Any, ...]", "dict[str, Any]"]

Priority = Union[TaskPriority, int, str]

#: A pool, of which one is needed, or how much of which.
Needs = Union[str, "Mapping[str, int]"]

UNLIMITED = 2**64 - 1  #: a capacity without a bound


@dataclass(frozen=True)
class SecretKey:
    """A key of :attr:`ControlPlaneConfig.encryption_keys`; exactly one of all is active."""

    id: str  #: a name of at most 64 characters, stored with what was encrypted
    secret: bytes = field(default=b"", repr=False)  #: 32 to 1,024 bytes; none if retired
    state: str = "active"  #: or ``previous``, which still decrypts, or ``retired``, which is refused


@dataclass
class TaskDefinition:
    """A task to be submitted. Durations are seconds. Checked when it is submitted."""

    task_type: str  #: what kind of work it is; a name
    payload: Json = None
    required_capabilities: Iterable[str] = ()  #: all of them must be offered; none: anybody
    priority: Priority = TaskPriority.NORMAL
    task_id: str | None = None  #: your own id, also its idempotency key; None: made
    timeout: float | None = None  #: of one attempt, from its claim; None: the config's task_timeout
    metadata: Json = None
    max_retries: int | None = None  #: beyond the first attempt; None: the config's
    retry_delay: float | None = None  #: before the first retry; None: 10
    retry_backoff: float | None = None  #: multiplier per failure, at least 1; None: 2
    max_retry_delay: float | None = None  #: of any delay; None: 300
    queue_timeout: float | None = None  #: ready to claimed, anew each time; None: unlimited
    total_timeout: float | None = None  #: from submit, whatever the status; None: unlimited
    delay: float | None = None  #: not ready before
    idempotency_key: str | None = None  #: the same key with the same content is the same task
    agent_id: str | None = None  #: only this agent may claim it
    exclude: Iterable[str] | None = None  #: agents that must not claim it
    depends_on: Iterable[str] | None = None  #: ids of tasks that must be completed first
    allow_failed_parents: bool | None = None  #: True: they may also fail
    concurrency_key: str | None = None
    concurrency_limit: int | None = None  #: tasks of the key at once
    needs: Mapping[str, int] | None = None  #: amounts by pool; an attempt has all of them, or waits
    labels: Mapping[str, str] | None = None  #: at most 16 short pairs
    trace: str | None = None  #: correlation id, carried into events and logs

    def _positional(self) -> tuple[Any, ...]:
        more = {name: getattr(self, name) for name in _MORE if getattr(self, name) is not None}
        return (
            self.task_type,
            self.payload,
            self.required_capabilities,
            self.priority,
            self.timeout,
            more or None,
        )


_FIRST = ("task_type", "payload", "required_capabilities", "priority", "timeout")
_MORE = tuple(f.name for f in fields(TaskDefinition) if f.name not in _FIRST)


@dataclass(frozen=True)
class Label:
    """A filter: subjects with this label; ``value`` "" is any value."""

    key: str
    value: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskFilter:
    """Which tasks to list. None is any."""

    status: str | None = None
    reason: str | None = None
    task_type: str | None = None
    agent_id: str | None = None  #: the holder, now or last
    capability: str | None = None  #: that the task requires
    label: Label | None = None
    submitted_before: datetime | None = None
    submitted_after: datetime | None = None
    dead_letters: bool = False  #: failed and timed out ones only
