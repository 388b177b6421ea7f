"""Signed messages from agent to agent."""

from __future__ import annotations

from datetime import datetime

from .._core import Message, Pending
from ..definitions import Json
from ..errors import Cancelled, ControlPlaneError
from ._home import Facade
from ._waiting import finish

_DAY = 86_400.0


class Mailbox(Facade):
    """Of one agent, which sends and receives by it: ``coordinator.mailbox("alice")``.

    ``async for message in mailbox`` hands out verified messages, one at a time, until the coordinator
    closes. Each is delivered again 30 s later, unless it was acknowledged, answered, rejected or
    extended. What nobody acknowledges in the end is a dead letter. The agent needs no registration.
    """

    def __init__(self, coordinator: Facade, agent_id: str) -> None:
        super().__init__(coordinator)
        self._agent_id = agent_id

    @property
    def agent_id(self) -> str:
        """Whose it is."""
        return self._agent_id

    # --- to others ---

    async def send(
        self,
        to: str,
        type: str,
        body: Json = None,
        *,
        ttl: float = _DAY,
        correlation_id: str | None = None,
        operation_id: str | None = None,
        max_deliveries: int = 0,
    ) -> str:
        """Answers the message's id.

        ``ttl``: not acknowledged within so many seconds it is a dead letter; 0: unlimited.
        ``correlation_id``: what it belongs to. ``operation_id``: the same id, receiver and content is
        the same message; with other content AlreadyExists. ``max_deliveries``: that may end in a
        ``reject``; 0: ``max_task_retries`` + 1. ResourceExhausted: the receiver has
        ``max_mailbox_messages`` that are not acknowledged.
        """
        answer = self._plane.mailbox_send(
            self._agent_id, to, type, body, ttl, correlation_id, operation_id, max_deliveries
        )
        return await finish(answer) if isinstance(answer, Pending) else answer

    async def request(
        self,
        to: str,
        type: str,
        body: Json = None,
        *,
        timeout: float = 30.0,
        correlation_id: str | None = None,
        operation_id: str | None = None,
        max_deliveries: int = 0,
    ) -> Message:
        """Sends, and answers the reply; ``timeout`` is the message's ``ttl``, too.

        DeadlineExceeded: no reply came in time. FailedPrecondition: it was rejected for good, or
        acknowledged without a reply. Unauthenticated: the reply is not the receiver's. With the same
        ``operation_id`` the same reply is answered again.
        """
        answer = self._plane.mailbox_request(
            self._agent_id, to, type, body, timeout, correlation_id, operation_id, max_deliveries
        )
        return await finish(answer) if isinstance(answer, Pending) else answer

    async def broadcast(
        self,
        capability: str,
        type: str,
        body: Json = None,
        *,
        ttl: float = _DAY,
        correlation_id: str | None = None,
        operation_id: str | None = None,
        max_deliveries: int = 0,
    ) -> dict[str, str | ControlPlaneError]:
        """To every other registered agent that offers ``capability``: their messages' ids, or errors.

        ResourceExhausted: they are more than ``max_broadcast``; then none is sent.
        """
        answer = self._plane.mailbox_broadcast(
            self._agent_id, capability, type, body, ttl, correlation_id, operation_id, max_deliveries
        )
        return await finish(answer) if isinstance(answer, Pending) else answer

    # --- from others ---

    async def receive(
        self, max_messages: int = 1, wait: float | None = 0.0, *, visibility: float = 30.0
    ) -> list[Message]:
        """Verified messages; waits up to ``wait`` seconds while there is none at all.

        None: the limit max_delay, a year. ``visibility``: delivered again after so many seconds, unless
        acknowledged or extended. What is not genuine becomes a dead letter that says why.
        """
        answer = self._plane.mailbox_receive(self._agent_id, max_messages, wait, visibility)
        return await finish(answer) if type(answer) is Pending else answer

    async def acknowledge(self, message: Message) -> None:
        """Done with it. Idempotent. Conflict: it was delivered again meanwhile, or ended otherwise."""
        answer = self._plane.mailbox_acknowledge(message)
        if type(answer) is Pending:
            await finish(answer)

    async def reply(self, message: Message, body: Json = None) -> None:
        """Acknowledges it, with an answer for the one that waits in ``request``."""
        answer = self._plane.mailbox_reply(message, body)
        if type(answer) is Pending:
            await finish(answer)

    async def reject(
        self, message: Message, error: str = "", *, redeliver: bool = True, retry_after: float = 0.0
    ) -> None:
        """Not done: delivered again, or (``redeliver`` False) a dead letter at once.

        ``retry_after``: not before so many seconds; 0: after 1 s, doubled each time.
        """
        answer = self._plane.mailbox_reject(message, error, redeliver, retry_after)
        if type(answer) is Pending:
            await finish(answer)

    async def release(self, message: Message) -> None:
        """Given back untouched: delivered again at once, and not counted against it."""
        answer = self._plane.mailbox_release(message)
        if type(answer) is Pending:
            await finish(answer)

    async def extend(self, message: Message) -> datetime:
        """Needs more time: not delivered again before the answer, one ``visibility`` from now."""
        answer = self._plane.mailbox_extend(message)
        return await finish(answer) if type(answer) is Pending else answer

    def __aiter__(self) -> Mailbox:
        return self

    async def __anext__(self) -> Message:
        while True:
            try:
                messages = await self.receive(wait=None)
            except Cancelled:
                raise StopAsyncIteration from None
            if messages:
                return messages[0]
