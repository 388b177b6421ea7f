"""Named leases, at most one holder at a time, and the election of a leader on top of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .. import _core
from .._callables import weakly
from .._core import LeaseHolder, Pending
from ..definitions import Priority
from ..enums import TaskPriority
from ..errors import Cancelled, ControlPlaneError, FailedPrecondition
from ._home import Facade, Handle
from ._waiting import Signal, finish, handler_of, in_thread, inbox


class NamedLease(Handle):
    """Held until it is released, forgotten, or lost. Usable with ``async with``.

    Do not trust it alone: a process may sleep longer than the time to live, and the next one hold the lease
    when it wakes up. What is written to should refuse a ``fence`` below the highest one seen.
    """

    def __init__(self, name: str, lease: _core.HeldLease, relay: _core.Relay | None) -> None:
        self._name = name
        self._lease = lease
        self._relay = relay

    @property
    def name(self) -> str:
        """What is held."""
        return self._name

    @property
    def held(self) -> bool:
        """By this process's clock, before anybody else could hold it; False once it was lost."""
        return self._lease.held

    @property
    def fence(self) -> int:
        """Higher than that of every earlier holder."""
        return self._lease.fence

    async def renew(self) -> None:
        """For leases that do not renew themselves. NotFound: it was lost."""
        await in_thread(self._lease.renew)

    async def release(self) -> None:
        """``on_lost`` is not called any more. Idempotent. NotFound: it had been lost."""
        if self._relay is not None:
            self._relay.close()
        await in_thread(self._lease.release)

    async def __aenter__(self) -> NamedLease:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self.release()
            return
        with suppress(ControlPlaneError):  # what went wrong first is what counts
            await self.release()


class NamedLeases(Facade):
    """Made from a connected coordinator, whose ``leases`` it is."""

    async def acquire(
        self,
        name: str,
        *,
        owner: str,
        ttl: float = 30.0,
        wait: float | None = 0.0,
        priority: Priority = TaskPriority.NORMAL,
        auto_renew: bool = True,
        max_hold: float | None = None,
        on_lost: Callable[[ControlPlaneError], Any] | None = None,
    ) -> NamedLease:
        """``async with await coordinator.leases.acquire("main", owner="a-1") as lease: ...``

        It is renewed by a native thread at a third of ``ttl``, in seconds, unless ``auto_renew`` is off,
        or it was held for ``max_hold`` seconds. ``wait``: up to so many seconds; None: the limit
        max_delay, a year. ``on_lost(why)`` is called at most once: somebody else may hold it now, or
        could as soon as its time is over. An await that is cancelled keeps its place in the line for
        ``wait``, and passes on what it gets. ResourceExhausted: held by another, and ``wait`` is 0.
        DeadlineExceeded: not within it.
        """
        relay = None if on_lost is None else _core.Relay(inbox(), handler_of(on_lost))
        answer = self._plane.acquire_lease(
            name, owner, ttl, wait, priority, auto_renew, max_hold, relay
        )
        lease = await finish(answer) if type(answer) is Pending else answer
        return NamedLease(name, lease, relay)

    async def holder(self, name: str) -> LeaseHolder:
        """NotFound: nobody holds it."""
        answer = self._plane.lease_holder(name)
        return await finish(answer) if type(answer) is Pending else answer


class LeaderElection(Handle):
    """Stands for election until it is stopped; who loses the lease stands again.

    ``async with LeaderElection(coordinator, "scheduler", "host-1") as election: ...``
    """

    def __init__(
        self,
        coordinator: Facade,
        name: str,
        candidate: str,
        *,
        ttl: float = 30.0,
        on_elected: Callable[[int], Any] | None = None,
        on_lost: Callable[[ControlPlaneError], Any] | None = None,
    ) -> None:
        """``ttl``: seconds after which a leader that is silent is replaced.

        ``on_elected(epoch)`` and ``on_lost(why)`` are called in order; not when it is stopped.
        """
        self._plane = coordinator._connected()
        self._home = coordinator._home
        self._options = (name, candidate, ttl)
        self._on_elected = None if on_elected is None else handler_of(on_elected)
        self._on_lost = None if on_lost is None else handler_of(on_lost)
        self._election: _core.Election | None = None
        self._last_epoch = 0  # set before the signal, and cleared after it
        self._ended = False

    async def start(self) -> None:
        """Begins to stand. Idempotent."""
        if self._election is not None:
            return
        self._signal = Signal()
        self._ended = False
        self._last_epoch = 0
        elected = _core.Relay(inbox(), weakly(self._elected))
        lost = _core.Relay(inbox(), weakly(self._lost))
        self._election = self._plane.stand_for_election(*self._options, elected, lost)
        self._home.add_stream(self)

    @property
    def is_leader(self) -> bool:
        """By this process's clock, before anybody else could be."""
        return self.epoch != 0

    @property
    def epoch(self) -> int:
        """Of its leadership: higher than that of every earlier leader, a fence. 0: it is not the leader."""
        return 0 if self._election is None else self._election.epoch

    async def wait_elected(self) -> int:
        """Returns when it is elected: the epoch. Cancelled: it was stopped, or the coordinator closed."""
        if self._election is None:
            raise FailedPrecondition(f"the election of {self._options[0]} has not begun here")
        while not self._ended:
            epoch = self._last_epoch
            if epoch:
                return epoch
            await self._signal.wait()
        raise Cancelled(f"{self._options[1]} does not stand for {self._options[0]} any more")

    async def stop(self) -> None:
        """Resigns, so that the next one is elected at once. No callback is called any more. Idempotent."""
        election, self._election = self._election, None
        if election is not None:
            election.stop()
            self._wake()

    def _elected(self, epoch: int) -> None:
        self._last_epoch = epoch
        self._signal.set()
        if self._on_elected is not None:
            self._on_elected(epoch)

    def _lost(self, why: ControlPlaneError) -> None:
        self._signal.clear()
        self._last_epoch = 0
        if self._on_lost is not None:
            self._on_lost(why)

    def _wake(self) -> None:
        self._ended = True
        self._signal.set()

    async def __aenter__(self) -> LeaderElection:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
