"""JSON documents that many agents read and change, by compare and set."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from typing import Any

from .._core import Document, DocumentChange, Event, Pending
from ..definitions import Json
from ..enums import ChangeKind
from ..errors import Conflict, InvalidArgument, NotFound
from ._home import Facade
from ._waiting import call, finish, pause
from .events import EventReader, EventStream

_FIRST_PAUSE, _LONGEST_PAUSE = 20e-6, 10e-3  # seconds, as in C++


class StateWatch:
    """Changes in order, until the coordinator closes or this is closed.

    It reads the history at its own pace, as an EventStream does: who falls behind further than the
    history reaches gets DataLoss, and reads the documents anew.
    """

    def __init__(self, events: EventStream) -> None:
        self._events = events

    @property
    def last_seq(self) -> int:
        """That of the last change that was handed out; resume after it. 0: none yet."""
        return self._events.last_seq

    def __aiter__(self) -> StateWatch:
        return self

    async def __anext__(self) -> DocumentChange:
        return _change_of(await self._events.__anext__())

    async def close(self) -> None:
        """Ends the iteration. Idempotent."""
        await self._events.close()

    async def __aenter__(self) -> StateWatch:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _change_of(event: Event) -> DocumentChange:
    return DocumentChange(
        kind=ChangeKind(event.type.removeprefix("document.")),
        key=event.subject,
        version=event.data["version"],
        time=event.time,
        seq=event.seq,
    )


class SharedState(Facade):
    """Made from a connected coordinator, whose ``state`` it is.

    Keys are names, values what payloads are made of, at most ``max_document_bytes``. Documents of
    other tenants are NotFound.
    """

    async def get(self, key: str) -> Document:
        """NotFound: there is none, or it has expired."""
        answer = self._plane.state_get(key)
        return await finish(answer) if type(answer) is Pending else answer

    async def put(
        self,
        key: str,
        value: Json,
        *,
        expected_version: int | None = None,
        ttl: float | None = None,
        operation_id: str | None = None,
    ) -> int:
        """Answers the new version.

        ``expected_version``: put only if it is the current one, 0: only if there is none; None: whatever
        it is. ``ttl``: it expires after so many seconds, 0: never; None: as before (a new one: never).
        ``operation_id``: the same id with the same value is the same put; with another one
        AlreadyExists. Conflict: it has another version. ResourceExhausted: ``max_documents``,
        ``max_documents_bytes``.
        """
        answer = self._plane.state_put(key, value, expected_version, ttl, operation_id)
        return await finish(answer) if type(answer) is Pending else answer

    async def remove(self, key: str, *, expected_version: int | None = None) -> bool:
        """False: there was none. Conflict: it has another version than expected."""
        answer = self._plane.state_remove(key, expected_version)
        return await finish(answer) if type(answer) is Pending else answer

    async def list(self, prefix: str = "") -> AsyncIterator[Document]:
        """Those whose keys begin with ``prefix``, in the order of their keys, a page at a time."""
        cursor = ""
        while True:
            answer = self._plane.state_list(prefix, cursor, 100)
            documents, cursor = await finish(answer) if type(answer) is Pending else answer
            for document in documents:
                yield document
            if not cursor:
                return

    async def update(
        self,
        key: str,
        change: Callable[[Any], Any],
        *,
        max_tries: int = 100,
        ttl: float | None = None,
    ) -> Any:
        """Puts what ``change`` makes of the value, until nobody came between; answers what is stored then.

        ``change(value)`` gets None where there is no document, and may return None to leave all as it
        is; on asyncio it may be async. It is called once or more, each time with a value of its own,
        which it may change. What it raises is raised, and nothing was put. Between tries are pauses, random and
        growing up to 10 ms. ``ttl`` as for ``put``. Conflict: still contended after ``max_tries``.
        """
        if max_tries < 1:
            raise InvalidArgument(f"max_tries is {max_tries}; it must be at least 1")
        bound = _FIRST_PAUSE
        for tries in range(max_tries):
            if tries > 0:
                bound = min(bound * 2, _LONGEST_PAUSE)
                await pause(random.random() * bound)
            value, version = await self._current(key)
            new = await call(change, value)
            if new is None:
                return value
            try:
                await self.put(key, new, expected_version=version, ttl=ttl)
            except Conflict:
                continue
            return new
        raise Conflict(
            f"document {key} was changed by others during each of max_tries ({max_tries}) tries"
        )

    async def _current(self, key: str) -> tuple[Any, int]:
        try:
            document = await self.get(key)
        except NotFound:
            return None, 0
        return document.value, document.version

    def watch(self, prefix: str = "", *, after: int | None = None) -> StateWatch:
        """``async for change in coordinator.state.watch("plans/")``

        Changes of documents whose keys begin with ``prefix``. ``after``: resume after that ``seq``, 0:
        from the first that is still there; None: from now on.
        """
        return StateWatch(EventReader(self).events(types=["document.*"], subject=prefix + "*", after=after))
