"""Named pools of permits that bound what a fleet uses at once, per minute or in all."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime

from .._core import Pending, Permit, Pool
from ..definitions import Needs, Priority
from ..enums import PoolKind, TaskPriority
from ..errors import ControlPlaneError, FailedPrecondition
from ._home import Facade, Handle
from ._waiting import finish


class Hold(Handle):
    """A permit for the time of ``async with``; see :meth:`Resources.hold`."""

    def __init__(
        self,
        resources: Resources,
        needs: Needs,
        owner: str,
        ttl: float,
        wait: float | None,
        priority: Priority,
    ) -> None:
        self._resources = resources
        self._request = (needs, owner, ttl, wait, priority)
        self._permit: Permit | None = None
        self.used: dict[str, int] = {}  #: what windows and budgets lose; not named: all

    @property
    def permit(self) -> Permit:
        """What was granted."""
        if self._permit is None:
            raise FailedPrecondition("nothing is held: enter it first")
        return self._permit

    async def __aenter__(self) -> Hold:
        needs, owner, ttl, wait, priority = self._request
        self._permit = await self._resources.acquire(
            needs, owner=owner, ttl=ttl, wait=wait, priority=priority
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self._resources.settle(self.permit, self.used)
            return
        with suppress(ControlPlaneError):  # what went wrong first is what counts
            await self._resources.settle(self.permit, self.used)


class Resources(Facade):
    """Made from a connected coordinator, whose ``resources`` it is. Pools of other tenants are NotFound."""

    # --- pools ---

    async def define_pool(
        self,
        name: str,
        kind: PoolKind | str = PoolKind.COUNT,
        capacity: int = 1,
        *,
        first: int = 0,
        last: int = 0,
        period: float = 60.0,
        weights: Mapping[str, int] | None = None,
    ) -> Pool:
        """Defines the pool, or gives it another capacity, range or weights.

        ``capacity`` may be UNLIMITED. ``first`` to ``last``: of a number pool, which has no capacity.
        ``period``: of a window, in seconds. ``weights``: where several owners wait, the one with the
        least taken for its weight is next; owners not named share a weight of 1; None: first come,
        first served. A lower capacity revokes nothing; who waits for more than there will ever be is
        told. FailedPrecondition: it exists with another kind or period. ResourceExhausted:
        ``max_pools``.
        """
        answer = self._plane.define_pool(name, kind, capacity, first, last, period, weights)
        return await finish(answer) if type(answer) is Pending else answer

    async def remove_pool(self, name: str) -> bool:
        """False: there was none. FailedPrecondition: permits are out, or somebody waits."""
        answer = self._plane.remove_pool(name)
        return await finish(answer) if type(answer) is Pending else answer

    async def get_pool(self, name: str) -> Pool:
        """NotFound: there is none."""
        answer = self._plane.get_pool(name)
        return await finish(answer) if type(answer) is Pending else answer

    async def list_pools(self, prefix: str = "") -> AsyncIterator[Pool]:
        """Those whose names begin with ``prefix``, in the order of their names, a page at a time."""
        cursor = ""
        while True:
            answer = self._plane.list_pools(prefix, cursor, 100)
            pools, cursor = await finish(answer) if type(answer) is Pending else answer
            for pool in pools:
                yield pool
            if not cursor:
                return

    async def list_permits(self, pool: str) -> AsyncIterator[Permit]:
        """Those that are out, oldest first, a page at a time."""
        cursor = ""
        while True:
            answer = self._plane.list_permits(pool, cursor, 100)
            permits, cursor = await finish(answer) if type(answer) is Pending else answer
            for permit in permits:
                yield permit
            if not cursor:
                return

    # --- permits ---

    async def acquire(
        self,
        needs: Needs,
        *,
        owner: str,
        ttl: float = 30.0,
        wait: float | None = 0.0,
        priority: Priority = TaskPriority.NORMAL,
        operation_id: str | None = None,
    ) -> Permit:
        """All that is needed, ``"gpu"`` or ``{"calls": 1, "tokens": 4000}``, or nothing.

        It frees itself ``ttl`` seconds later, unless it is renewed. ``wait``: up to so many seconds;
        None: the limit max_delay, a year. Who waits is served by ``priority``, then (if the pool has
        weights) the owner with the least taken for its weight, then first come; nobody is overtaken by
        who needs less. ``operation_id``: the same id answers the same permit as long as that lives.
        An await that is cancelled leaves the line, and gives back what it was granted meanwhile: repeat
        it with another ``operation_id``. NotFound: no such pool. InvalidArgument: more than the pool
        ever has. ResourceExhausted: not there, and ``wait`` is 0, or a limit. DeadlineExceeded: not
        granted within ``wait``.
        """
        if operation_id is None and wait != 0:  # by which the wait is given up
            operation_id = uuid.uuid4().hex
        wanted = {needs: 1} if isinstance(needs, str) else needs
        answer = self._plane.acquire_permit(wanted, owner, ttl, wait, priority, operation_id)
        return await finish(answer) if type(answer) is Pending else answer

    async def renew(self, permit: Permit, ttl: float = 30.0) -> datetime:
        """Answers the end of the permit: ``ttl`` seconds from now, or later if it was.

        NotFound: it was released or has expired. Conflict: it belongs to another owner. In another
        process ``Permit(fence=…, owner=…)`` names it.
        """
        answer = self._plane.renew_permit(permit, ttl)
        return await finish(answer) if type(answer) is Pending else answer

    async def release(self, permit: Permit) -> None:
        """Nothing was used: all comes back. Errors as those of ``renew``."""
        answer = self._plane.release_permit(permit)
        if type(answer) is Pending:
            await finish(answer)

    async def settle(self, permit: Permit, used: Mapping[str, int] | None = None) -> None:
        """Ends the permit; counts and numbers come back.

        ``used``: what windows and budgets lost, by pool; more than was reserved puts them in debt; of a
        pool that is not named all counts as used. Errors as those of ``renew``.
        """
        answer = self._plane.settle_permit(permit, used or {})
        if type(answer) is Pending:
            await finish(answer)

    def hold(
        self,
        needs: Needs,
        *,
        owner: str,
        ttl: float = 30.0,
        wait: float | None = 0.0,
        priority: Priority = TaskPriority.NORMAL,
    ) -> Hold:
        """``async with coordinator.resources.hold("gpu", owner="a-1", wait=60) as hold: ...``

        Acquires, and settles at the end: counts and numbers come back, and of windows and budgets what
        ``hold.used`` says was not used. It is not renewed: ``ttl`` is for all that is done within. Errors
        are those of ``acquire``; NotFound at the end: it had expired.
        """
        return Hold(self, needs, owner, ttl, wait, priority)
