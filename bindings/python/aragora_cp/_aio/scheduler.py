"""Hands queued tasks to agents that offer the required capabilities."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .._core import ClaimedTask, Explanation, LeaseStatus, Pending, Task, TaskFailure
from ..definitions import Json, Priority, TaskDefinition, TaskFilter
from ..enums import SelectionStrategy, TaskPriority, TaskStatus
from ..errors import ControlPlaneError
from ._home import Facade, Subscription
from ._waiting import finish, handler_of, inbox

if TYPE_CHECKING:
    from typing import TypedDict

    from typing_extensions import Unpack

    class TaskOptions(TypedDict, total=False):
        """The rarely used fields of :class:`TaskDefinition`, by the same names."""

        task_id: str | None
        max_retries: int | None
        retry_delay: float | None
        retry_backoff: float | None
        max_retry_delay: float | None
        queue_timeout: float | None
        total_timeout: float | None
        delay: float | None
        idempotency_key: str | None
        agent_id: str | None
        exclude: Iterable[str] | None
        depends_on: Iterable[str] | None
        allow_failed_parents: bool | None
        concurrency_key: str | None
        concurrency_limit: int | None
        needs: Mapping[str, int] | None
        labels: Mapping[str, str] | None
        trace: str | None


class TaskScheduler(Facade):
    """Made from a connected coordinator, which offers all of it, too.

    Who names an attempt gives its ``lease``, which is exact, or its ``agent_id``, which cannot tell two
    attempts of one agent apart.
    """

    def __init__(
        self, coordinator: Facade, strategy: SelectionStrategy | str | None = None
    ) -> None:
        """``strategy``: the order of all claims that wait in this coordinator; None: as it is."""
        super().__init__(coordinator)
        if strategy is not None:
            self._plane.set_strategy(strategy)

    # --- in ---

    async def submit_task(
        self,
        task_type: str,
        payload: Json = None,
        required_capabilities: Iterable[str] = (),
        priority: Priority = TaskPriority.NORMAL,
        timeout_seconds: float | None = None,
        metadata: Json = None,
        **options: Unpack[TaskOptions],
    ) -> str:
        """Answers the task's id once the store holds it.

        ``timeout_seconds``: of one attempt; None: the config's. ``options``: see TaskDefinition.
        The same idempotency key (or own task id) with the same content is the same task; with
        other content AlreadyExists. What nobody can do is accepted; ``explain`` says so.
        """
        if metadata is not None:
            options["metadata"] = metadata  # type: ignore[typeddict-unknown-key]
        answer = self._plane.submit_task(
            task_type, payload, required_capabilities, priority, timeout_seconds, options or None
        )
        return await finish(answer) if type(answer) is Pending else answer

    async def schedule(self, task: TaskDefinition) -> str:
        """As ``submit_task``, of a task that is written down."""
        answer = self._plane.submit_task(*task._positional())
        return await finish(answer) if type(answer) is Pending else answer

    async def submit_tasks(self, tasks: Iterable[TaskDefinition]) -> list[str | ControlPlaneError]:
        """One answer per task, in order: its id, or why it was refused. At most 1,024."""
        answer = self._plane.submit_tasks([task._positional() for task in tasks])
        return await finish(answer) if type(answer) is Pending else answer

    # --- out ---

    async def claim_task(
        self,
        agent_id: str,
        capabilities: Iterable[str] | None = None,
        block_ms: float = 0,
        *,
        lease_ttl: float | None = None,
        claim_id: str | None = None,
    ) -> ClaimedTask | None:
        """Takes the best task that the agent may have, waiting up to ``block_ms`` milliseconds.

        ``capabilities``: what it offers; None: what it is registered with. ``lease_ttl``: seconds within
        which it must be renewed, or it is a crash; None: it holds until the task's timeout.
        ``claim_id``: the same id answers the same task. FailedPrecondition: the agent is draining,
        failed or offline, or was registered again elsewhere.
        """
        answer = self._plane.claim_task(
            agent_id, capabilities, block_ms / 1000, lease_ttl, claim_id
        )
        return await finish(answer) if type(answer) is Pending else answer

    async def claim_tasks(
        self,
        agent_id: str,
        capabilities: Iterable[str] | None = None,
        max_tasks: int = 1,
        block_ms: float = 0,
        *,
        lease_ttl: float | None = None,
        claim_id: str | None = None,
    ) -> list[ClaimedTask]:
        """Up to ``max_tasks``; waits only while there is none at all. Else as ``claim_task``."""
        answer = self._plane.claim_tasks(
            agent_id, capabilities, max_tasks, block_ms / 1000, lease_ttl, claim_id
        )
        return await finish(answer) if type(answer) is Pending else answer

    # --- while it is held ---

    async def start_task(
        self, task_id: str, agent_id: str | None = None, lease: str | None = None
    ) -> LeaseStatus:
        """CLAIMED becomes RUNNING."""
        answer = self._plane.start_task(task_id, agent_id, lease)
        return await finish(answer) if type(answer) is Pending else answer

    async def renew(
        self, task_id: str, agent_id: str | None = None, lease: str | None = None
    ) -> LeaseStatus:
        """Its lease holds for another ``lease_ttl``. Conflict: it is lost."""
        answer = self._plane.renew(task_id, agent_id, lease)
        return await finish(answer) if type(answer) is Pending else answer

    async def report_progress(
        self,
        task_id: str,
        fraction: float,
        note: str = "",
        data: Json = None,
        agent_id: str | None = None,
        lease: str | None = None,
    ) -> LeaseStatus:
        """Stored, seen by everyone, and renews.

        ``fraction`` is 0 to 1. ``data``, at most 64 KiB, is a checkpoint: the next attempt gets it if
        this one does not end well; None keeps the last.
        """
        answer = self._plane.report_progress(task_id, agent_id, lease, fraction, note, data)
        return await finish(answer) if type(answer) is Pending else answer

    async def complete_task(
        self,
        task_id: str,
        result: Json = None,
        agent_id: str | None = None,
        latency_ms: float | None = None,
        *,
        lease: str | None = None,
        usage: Json = None,
    ) -> None:
        """Ends the attempt well. Exactly one end is accepted; repeating that one is fine.

        ``latency_ms``: for the agent's average; None: from claim to now. ``usage``: what the attempt
        consumed; a whole number under the name of a pool that the task needs settles its permit.
        Conflict: it is lost, or has ended otherwise.
        """
        answer = self._plane.complete_task(task_id, result, agent_id, latency_ms, lease, usage)
        if type(answer) is Pending:
            await finish(answer)

    async def complete_tasks(
        self, tasks: Iterable[tuple[ClaimedTask, Json]]
    ) -> list[ControlPlaneError | None]:
        """Ends many, each with its result; one answer per task, in order. At most 1,024."""
        answer = self._plane.complete_tasks(list(tasks))
        return await finish(answer) if type(answer) is Pending else answer

    async def fail_task(
        self,
        task_id: str,
        error: str,
        agent_id: str | None = None,
        requeue: bool = True,
        *,
        kind: str | None = None,
        retry_after: float | None = None,
        lease: str | None = None,
        usage: Json = None,
    ) -> None:
        """Ends the attempt badly. ``requeue=False``: and the task with it.

        ``kind``: "retryable", "fatal" or "rate_limited" (tried again, counts as no failure); None: as
        ``requeue`` says. ``retry_after``: at least so many seconds, at most 24 hours.
        """
        answer = self._plane.fail_task(
            task_id, error, agent_id, lease, kind or ("retryable" if requeue else "fatal"),
            retry_after, usage,
        )  # fmt: skip
        if type(answer) is Pending:
            await finish(answer)

    async def release_task(
        self, task_id: str, agent_id: str | None = None, lease: str | None = None
    ) -> None:
        """Back to PENDING; nothing is counted, unless it happens more than ten times in a row."""
        answer = self._plane.release_task(task_id, agent_id, lease)
        if type(answer) is Pending:
            await finish(answer)

    # --- from outside ---

    async def cancel_task(self, task_id: str, force: bool = False) -> TaskStatus:
        """A pending task is cancelled; the holder of another one is asked to stop.

        It then has the config's ``cancel_grace``; ``force``: none. Answers the status after that.
        """
        answer = self._plane.cancel_task(task_id, force)
        return await finish(answer) if type(answer) is Pending else answer

    async def assign_task(self, task_id: str, agent_id: str | None) -> None:
        """Directs a pending task to one agent; None: to all again."""
        answer = self._plane.assign_task(task_id, agent_id or "")
        if type(answer) is Pending:
            await finish(answer)

    async def reassign_agent_tasks(self, agent_id: str) -> int:
        """Releases all that the agent holds; answers how many."""
        answer = self._plane.reassign_agent_tasks(agent_id)
        return await finish(answer) if type(answer) is Pending else answer

    async def get_task(self, task_id: str) -> Task:
        """NotFound for an id of another tenant, too."""
        answer = self._plane.get_task(task_id)
        return await finish(answer) if type(answer) is Pending else answer

    async def get_status(self, task_id: str) -> TaskStatus:
        """Cheaper than ``get_task``. NotFound for an unknown id."""
        answer = self._plane.get_status(task_id)
        return await finish(answer) if type(answer) is Pending else answer

    async def wait_for_result(self, task_id: str, timeout: float | None = None) -> Task:
        """The task, in whatever status it ended.

        DeadlineExceeded after ``timeout`` seconds; None: the limit max_delay, a year.
        """
        answer = self._plane.wait_for_result(task_id, timeout)
        return await finish(answer) if type(answer) is Pending else answer

    async def explain(self, task_id: str) -> Explanation:
        """Why it is not running: ``print(await coordinator.explain(task_id))``."""
        answer = self._plane.explain(task_id)
        return await finish(answer) if type(answer) is Pending else answer

    async def list_tasks(self, where: TaskFilter | None = None) -> AsyncIterator[Task]:
        """In the order of submission, a page at a time."""
        wanted = {} if where is None else dict(vars(where))
        if wanted.get("label") is not None:
            wanted["label"] = (wanted["label"].key, wanted["label"].value)
        cursor = ""
        while True:
            answer = self._plane.list_tasks(wanted, cursor, 100)
            tasks, cursor = await finish(answer) if type(answer) is Pending else answer
            for task in tasks:
                yield task
            if not cursor:
                return

    async def replay_dead_letter(
        self, task_id: str, *, with_dependents: bool = False, operation_id: str | None = None
    ) -> str:
        """A new task with the same content; answers its id. FailedPrecondition unless it is one.

        ``operation_id``: the same id answers the same new task.
        """
        answer = self._plane.replay_dead_letter(task_id, with_dependents, operation_id)
        return await finish(answer) if type(answer) is Pending else answer

    # --- callbacks ---

    def on_task_failure(self, handler: Callable[[str, str], Any]) -> Subscription:
        """Calls ``handler(task_id, error)`` after every failed attempt."""

        def call(failure: TaskFailure) -> None:
            listener(failure.task_id, failure.error)

        listener = handler_of(handler)
        return Subscription(self._home, self._plane.on_task_failure(inbox(), call))

    def on_attempt_failed(self, handler: Callable[[TaskFailure], Any]) -> Subscription:
        """As ``on_task_failure``, with all that is known: who failed, and whether it is retried."""
        relay = self._plane.on_task_failure(inbox(), handler_of(handler))
        return Subscription(self._home, relay)
