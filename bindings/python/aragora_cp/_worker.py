"""What the workers of asyncio and of threads have in common.

The native worker registers, claims, renews and sends heartbeats from threads of its own, which know
nothing of Python. A claimed task comes by the inbox as a job; whoever handles it ends the job.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from . import _core
from ._callables import weakly
from ._threads import Threads
from .definitions import Json
from .errors import (
    Cancelled,
    ControlPlaneError,
    FailedPrecondition,
    FatalError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    RateLimited,
    ResourceExhausted,
    Unauthenticated,
)

Handler = TypeVar("Handler", bound=Callable[..., Any])
Context = TypeVar("Context")

LET_GO = 5.0
"""Seconds that a handler has, once it was told that the worker stops, before nobody waits for it."""

_FATAL = (
    FatalError,
    InvalidArgument,
    FailedPrecondition,
    PermissionDenied,
    Unauthenticated,
    NotFound,
)


class WorkerBase(Generic[Context]):
    _contexts: dict[int, Context]
    _native: _core.NativeWorker | None
    _threads: Threads

    def __init__(
        self,
        coordinator: Any,
        *,
        agent_id: str,
        capabilities: Iterable[str] = (),
        concurrency: int = 1,
        model: str = "",
        provider: str = "",
        endpoint: str = "",
        metadata: Json = None,
        labels: Mapping[str, str] | None = None,
        lease_ttl: float | None = None,
        heartbeat_interval: float | None = None,
        drain_timeout: float = 30.0,
    ) -> None:
        """``concurrency``: handlers at once, at most 1,024; each has a native thread that waits for it.

        Durations are seconds. ``lease_ttl``: leases are renewed at a third of it; None: the config's.
        ``heartbeat_interval``: None: the config's. ``drain_timeout``: how long ``stop`` waits for
        handlers before it tells them to cancel.
        """
        self._coordinator = coordinator
        self.agent_id = agent_id
        self.capabilities = tuple(capabilities)
        self.concurrency = concurrency
        self.drain_timeout = drain_timeout
        self._heartbeat_interval = heartbeat_interval
        self._more = {
            "model": model,
            "provider": provider,
            "endpoint": endpoint,
            "metadata": metadata,
            "labels": labels,
            "lease_ttl": lease_ttl,
            "heartbeat_interval": heartbeat_interval,
        }
        self._handlers: dict[str, Callable[..., Any]] = {}
        self._contexts = {}
        self._native = None

    def task(self, task_type: str) -> Callable[[Handler], Handler]:
        """Decorates the handler of a type; "*": of every type that has none of its own.

        It is called with a TaskContext, and what it returns is the task's result. What it raises
        fails the attempt: FatalError, and what says that the input is wrong (InvalidArgument, NotFound,
        ...), for good; RateLimited without counting; anything else is tried again.
        """

        def keep(handler: Handler) -> Handler:
            self._check(handler)
            self._handlers[task_type] = handler
            return handler

        return keep

    def _check(self, handler: Callable[..., Any]) -> None:
        if not callable(handler):
            raise TypeError(f"a handler must be callable, not {handler!r}")

    @property
    def running(self) -> bool:
        """It claims tasks. False after another process registered the same agent, too."""
        return self._native is not None and self._native.running

    @property
    def stopped_because(self) -> ControlPlaneError | None:
        """Why it stopped by itself; None if it did not."""
        return None if self._native is None else self._native.why_stopped()

    def _make_native(self, inbox: _core.Inbox) -> _core.NativeWorker:
        if self._native is not None:
            raise FailedPrecondition(f"worker {self.agent_id} was started before")
        return _core.NativeWorker(
            self._coordinator._connected(), inbox, weakly(self._on_job), self.agent_id,
            self.capabilities, self.concurrency, self._more,
        )  # fmt: skip

    def _refuse_own_handler(self, in_handler: bool) -> None:
        if in_handler:
            raise FailedPrecondition(
                f"worker {self.agent_id}: stop() in one of its handlers would wait for itself"
            )

    def _stop_native(self, native: _core.NativeWorker, seconds: float) -> None:
        """Blocks. Goes on to its end, even if nobody awaits it any more."""
        end = threading.Timer(min(max(0.0, seconds), 1e6) + LET_GO, native.let_go)
        end.daemon = True
        end.start()
        try:
            native.stop(seconds)
        finally:
            end.cancel()
            self._threads.close()

    def _on_job(self, number: int, job: _core.Job | None) -> None:
        if job is None:
            self._cancel(number)
            return
        task_type = job.task.task_type
        handler = self._handlers.get(task_type) or self._handlers.get("*")
        if handler is None:
            job.fail(f"no handler for task_type {task_type}", True)
        else:
            self._start(number, job, handler)

    def _cancel(self, number: int) -> None:
        raise NotImplementedError

    def _start(self, number: int, job: _core.Job, handler: Callable[..., Any]) -> None:
        raise NotImplementedError

    def __reduce__(self) -> Any:
        raise TypeError(f"{type(self).__name__} is a handle, not a value: it cannot be pickled")


def complete(job: _core.Job, result: Any) -> None:
    try:
        job.complete(result)
    except InvalidArgument as error:
        job.fail(error.message, True)


def fail(job: _core.Job, error: BaseException) -> None:
    if isinstance(error, RateLimited):
        rate_limited(job, error)
    elif isinstance(error, ResourceExhausted):
        job.rate_limited(_words(error), 0.0)
    elif isinstance(error, Cancelled):
        job.release()
    else:
        job.fail(_words(error), isinstance(error, _FATAL))


def rate_limited(job: _core.Job, error: RateLimited) -> None:
    try:
        job.rate_limited(_words(error), error.retry_after)
    except InvalidArgument as wrong:
        job.fail(f"{_words(error)} ({wrong.message})", False)


def _words(error: BaseException) -> str:
    """For people; whatever the exception is like."""
    try:
        text = str(error)
    except Exception:
        text = "(its text cannot be shown)"
    own = isinstance(error, (ControlPlaneError, FatalError, RateLimited))
    shown = text if own and text else f"{type(error).__name__}: {text}".removesuffix(": ")
    return shown.encode("utf-8", "replace").decode()
