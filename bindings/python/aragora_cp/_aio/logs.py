"""Append-only streams of entries that many agents write and read, each at its own pace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from .._core import LogEntry, LogInfo, Pending
from ..definitions import Json
from ..errors import Cancelled, DataLoss
from ._home import Facade
from ._waiting import finish

_PAGE = 100
_WAIT = 60.0  # seconds; then it asks again, so that nothing waits for long that nobody waits for


class LogFollower:
    """Entries in order, each once, until the coordinator closes.

    It reads at its own pace, so nothing piles up here. Who falls behind further than the log reaches
    gets DataLoss, never silence, also if the log was removed and made again; while there is none it is
    NotFound. One from now on begins when its first step is answered: if that is cancelled, with the next.
    """

    def __init__(self, logs: Logs, name: str, after: int | None) -> None:
        self._logs = logs
        self._name = name
        self._after = after or 0
        self._from_now = after is None
        self._begun = bool(after)
        # As of now, to begin with. Who does not hear it asks again: an answer is for one who waits.
        self._log: Any = None if after else logs._plane.log_get(name)
        self._entries: list[LogEntry] = []  # those still to be handed out, the next one last

    @property
    def last_seq(self) -> int:
        """The number of the last entry that was handed out; follow after it to go on there."""
        return self._entries[-1].seq - 1 if self._entries else self._after

    def __aiter__(self) -> LogFollower:
        return self

    async def __anext__(self) -> LogEntry:
        while not self._entries:
            try:
                await self._fetch()
            except Cancelled:
                raise StopAsyncIteration from None
        return self._entries.pop()

    async def _begin(self) -> None:
        answer, self._log = self._log, None
        if answer is None:
            answer = self._logs._plane.log_get(self._name)
        log = await finish(answer) if type(answer) is Pending else answer
        self._after = log.last_seq if self._from_now else log.first_seq - 1
        self._begun = True

    async def _fetch(self) -> None:
        if not self._begun:
            await self._begin()
        entries = await self._logs.read(self._name, self._after, max_items=_PAGE, wait=_WAIT)
        if entries:
            if entries[0].seq != self._after + 1:
                raise DataLoss(
                    f"log {self._name} was removed and made again: entries after {self._after} are gone, "
                    f"the first still there is {entries[0].seq}"
                )
            self._after = entries[-1].seq
            self._entries.extend(reversed(entries))


class Logs(Facade):
    """Made from a connected coordinator, whose ``logs`` it is.

    Entries are what payloads are made of, at most ``max_log_entry_bytes``. Logs of other tenants are
    NotFound.
    """

    async def append(self, name: str, entry: Json, *, operation_id: str | None = None) -> int:
        """Answers the number of the entry: numbers have no gaps, and none is used twice for a name.

        The first append makes the log. ``operation_id``: the same id with the same entry is the same
        append, as long as that entry is there; with another one AlreadyExists. InvalidArgument: the
        entry is larger than the log's ``max_bytes``. ResourceExhausted: ``max_logs``,
        ``max_log_entries``, ``max_logs_bytes``.
        """
        answer = self._plane.log_append(name, entry, operation_id)
        return await finish(answer) if type(answer) is Pending else answer

    async def read(
        self, name: str, after: int = 0, *, max_items: int = 100, wait: float | None = 0.0
    ) -> Sequence[LogEntry]:
        """Entries after number ``after``, 0: from the first there ever was; fewer than ``max_items`` if
        they come to ``max_log_read_bytes``.

        If there is none, waits so many seconds for one (None: as long as anybody may), and then
        answers none. DataLoss: entries after ``after`` are gone, or were never there; the message
        names the first, or the last, that is. NotFound: there is no such log, or it was removed
        meanwhile.
        """
        answer = self._plane.log_read(name, after, max_items, wait)
        return await finish(answer) if type(answer) is Pending else answer

    def follow(self, name: str, *, after: int | None = None) -> LogFollower:
        """``async for entry in coordinator.logs.follow("audit", after=seq)``

        ``after``: go on after that number, 0: from the first that is still there; None: from now on.
        """
        return LogFollower(self, name, after)

    async def define(
        self,
        name: str,
        *,
        max_entries: int = 100_000,
        max_bytes: int = 67_108_864,
        max_age: float = 0.0,
    ) -> LogInfo:
        """Makes a log, or gives the one there is other bounds, and trims it to them.

        The oldest entries go when there are more. ``max_bytes`` is of the entries. What is older than
        ``max_age`` seconds goes at the next full second; 0: never for its age.
        """
        answer = self._plane.log_define(name, max_entries, max_bytes, max_age)
        return await finish(answer) if type(answer) is Pending else answer

    async def trim(
        self,
        name: str,
        *,
        before: int | None = None,
        max_entries: int | None = None,
        max_bytes: int | None = None,
        max_age: float | None = None,
    ) -> int:
        """Answers how many entries went: those beyond any of what is given.

        ``before``: numbered below it. ``max_entries``: older than the newest so many, 0: all.
        ``max_bytes``: as many of the oldest as are too much. ``max_age``: that many seconds old.
        """
        answer = self._plane.log_trim(name, before, max_entries, max_bytes, max_age)
        return await finish(answer) if type(answer) is Pending else answer

    async def remove(self, name: str) -> bool:
        """False: there was none. A log of that name that comes later goes on above its numbers."""
        answer = self._plane.log_remove(name)
        return await finish(answer) if type(answer) is Pending else answer

    async def get(self, name: str) -> LogInfo:
        """NotFound: there is no such log."""
        answer = self._plane.log_get(name)
        return await finish(answer) if type(answer) is Pending else answer

    async def list(self, prefix: str = "") -> AsyncIterator[LogInfo]:
        """Those whose names begin with ``prefix``, in the order of their names, a page at a time."""
        cursor = ""
        while True:
            answer = self._plane.log_list(prefix, cursor, _PAGE)
            logs, cursor = await finish(answer) if type(answer) is Pending else answer
            for log in logs:
                yield log
            if not cursor:
                return
