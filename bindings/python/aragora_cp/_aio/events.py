"""The history of a tenant, as it happens."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from .._callables import weakly
from .._core import Event, Pending
from ..definitions import Label
from ..errors import Cancelled, InvalidArgument
from ._home import Facade, Home
from ._waiting import Signal, finish, inbox

_PAGE = 256


class EventStream:
    """Events in order, until the coordinator closes or this is closed.

    It reads the history at its own pace, so nothing piles up here. Who falls behind further than
    the history reaches gets DataLoss, never silence.
    """

    def __init__(self, home: Home, after: int | None, filters: tuple[object, ...]) -> None:
        self._plane = home.plane
        self._after = after or 0  # all up to there was looked at
        # As of now, to begin with.
        self._range: Any = None if after else self._plane.get_stats()
        self._from_now = after is None
        self._last = 0
        self._filters = filters
        self._signal = Signal()
        self._told = 0
        self._closed = False
        self._events: deque[Event] = deque()
        self._relay = self._plane.on_events(inbox(), weakly(self._wake), 0, *filters)
        home.add_stream(self)

    @property
    def last_seq(self) -> int:
        """The number of the last event that was handed out; resume after it. 0: none yet."""
        return self._last

    def _wake(self, last_seq: int = 0) -> None:
        self._told = max(self._told, last_seq)
        self._signal.set()

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._closed or not await self._fetch():
                raise StopAsyncIteration
        event = self._events.popleft()
        self._last = event.seq
        return event

    async def _begin(self) -> None:
        stats = await finish(self._range) if type(self._range) is Pending else self._range
        events = stats["events"]
        self._after = events["last_seq"] if self._from_now else max(events["first_seq"] - 1, 0)
        self._range = None

    async def _fetch(self) -> bool:
        """More events, waiting for them if there are none. False: there will be no more."""
        self._signal.clear()
        told = self._told
        try:
            if self._range is not None:
                await self._begin()
            answer = self._plane.read_events(self._after, _PAGE, *self._filters)
            events = await finish(answer) if type(answer) is Pending else answer
        except Cancelled:
            return False
        if events:
            self._events.extend(events)
            self._after = events[-1].seq
        else:
            self._after = max(self._after, told)
            await self._signal.wait()
        return True

    async def close(self) -> None:
        """Ends the iteration. Idempotent."""
        self._closed = True
        self._relay.close()
        self._signal.set()

    async def __aenter__(self) -> EventStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class EventReader(Facade):
    """The part of a coordinator that tells what happened."""

    def events(
        self,
        *,
        types: Sequence[str] = (),
        exclude_types: Sequence[str] = (),
        subject: str | None = None,
        label: Label | None = None,
        after: int | None = None,
    ) -> EventStream:
        """``async for event in coordinator.events(types=["task.*"])``

        ``after``: resume after that number, 0: from the first that is still there; None: from now
        on. ``types`` are exact, or a prefix that ends in ".*".
        """
        if after is not None and not 0 <= after < 2**64:
            raise InvalidArgument(f"after is {after}; it must be the number of an event, or 0")
        pair = None if label is None else (label.key, label.value)
        filters = (list(types), list(exclude_types), subject, pair)
        return EventStream(self._home, after, filters)
