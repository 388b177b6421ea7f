"""Distributors: agents that own a pool of workers and forward their tasks to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .. import _core
from .._core import PoolWorker
from ..definitions import TaskDefinition
from ..errors import ControlPlaneError, FailedPrecondition
from ._home import Facade, Handle
from ._waiting import in_thread


class Distributor(Handle):
    """Claims tasks like any agent, and hands them on to the least loaded worker of its pool.

    ``async with Distributor(coordinator, "distributor-1", ["code_review"]) as distributor: ...``

    Its pool are the agents registered with the label ``distributor`` = its id. The end of what a worker
    did is the end of the task that was claimed. When a worker goes offline, fails or leaves, its tasks go to
    others. Of several distributors with one id one leads, and the others take over when it dies.
    """

    def __init__(
        self,
        coordinator: Facade,
        agent_id: str,
        capabilities: Iterable[str] = (),
        *,
        concurrency: int = 16,
        labels: Mapping[str, str] | None = None,
        candidate: str | None = None,
        leader_ttl: float = 30.0,
        lease_ttl: float | None = None,
        drain_timeout: float = 30.0,
    ) -> None:
        """``capabilities``: of the tasks that it takes. ``concurrency``: tasks forwarded at once.

        ``candidate``: this one among those of its id; None: made. ``leader_ttl``: seconds after which one
        that is silent is replaced. ``lease_ttl``: of its claims, in seconds; None: the config's.
        ``drain_timeout``: of ``async with``, in seconds.
        """
        self._plane = coordinator._connected()
        self._options = (
            agent_id, list(capabilities), concurrency, labels, candidate, leader_ttl, lease_ttl,
        )  # fmt: skip
        self._drain_timeout = drain_timeout
        self._distributor: _core.HeldDistributor | None = None

    async def start(self) -> None:
        """Stands for the lead, and forwards from when it has it. Idempotent."""
        if self._distributor is None:
            self._distributor = await in_thread(self._plane.start_distributor, *self._options)

    async def stop(self, timeout: float | None = None) -> None:
        """Claims no more, waits up to ``timeout`` seconds for what it forwarded, and gives up the lead.

        None: ``drain_timeout``. What has not ended stays with the workers; the successor finds it again.
        Idempotent.
        """
        distributor, self._distributor = self._distributor, None
        if distributor is not None:
            await in_thread(distributor.stop, self._drain_timeout if timeout is None else timeout)

    @property
    def leads(self) -> bool:
        """It is the one of its id that forwards."""
        return self._distributor is not None and self._distributor.leads

    @property
    def workers(self) -> list[PoolWorker]:
        """Of its pool, in the order of their ids, as the last event left them; none unless it leads."""
        return [] if self._distributor is None else self._distributor.workers()

    async def assign_task_to_worker(
        self, task: TaskDefinition, worker_id: str | None = None
    ) -> str:
        """Submits a task directed to a worker of the pool: its id.

        ``worker_id``: None: the least loaded that offers what the task requires. The task goes to another worker
        if that one goes. NotFound: no such worker. FailedPrecondition: this one does not lead, or the
        worker takes no tasks.
        """
        answer = (await self.batch_assign_tasks([task], worker_id))[0]
        if isinstance(answer, ControlPlaneError):
            raise answer
        return answer

    async def batch_assign_tasks(
        self, tasks: Iterable[TaskDefinition], worker_id: str | None = None
    ) -> list[str | ControlPlaneError]:
        """One answer per task, in order: its id, or why it was refused. At most 1,024."""
        if self._distributor is None:
            raise FailedPrecondition(f"distributor {self._options[0]} has not been started")
        positional = [task._positional() for task in tasks]
        return await in_thread(self._distributor.assign, positional, worker_id)

    async def __aenter__(self) -> Distributor:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
