"""One exception class per canonical code, under :class:`ControlPlaneError`.

And two that a worker's handler may raise to say how its attempt failed.
"""

from __future__ import annotations

from typing import Any, ClassVar


class ControlPlaneError(Exception):
    """What an operation answers when it could not be done.

    ``str(error)`` is the code and the message, which names the object and the rule.
    """

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.message = message
        #: The operation may have been applied; repeating it is safe. ``Unavailable`` only.
        self.outcome_unknown = outcome_unknown

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.outcome_unknown)


class InvalidArgument(ControlPlaneError, ValueError):
    """The input breaks a rule, whatever the state is."""

    code = "invalid_argument"


class NotFound(ControlPlaneError, LookupError):
    """There is no such task, agent, document, pool or permit in this tenant."""

    code = "not_found"


class AlreadyExists(ControlPlaneError):
    """The same key or id, with other content."""

    code = "already_exists"


class Conflict(ControlPlaneError):
    """A race was lost: the lease is stale, the task has ended, the document has another version."""

    code = "conflict"


class FailedPrecondition(ControlPlaneError):
    """The state forbids it; repeating does not help until the state changes."""

    code = "failed_precondition"


class ResourceExhausted(ControlPlaneError):
    """A named limit was met; nothing was done."""

    code = "resource_exhausted"


class Unauthenticated(ControlPlaneError):
    """Who calls could not be told; not over the memory store."""

    code = "unauthenticated"


class PermissionDenied(ControlPlaneError):
    """A policy forbids it; not over the memory store."""

    code = "permission_denied"


class Unavailable(ControlPlaneError, ConnectionError):
    """The store could not be reached; see ``outcome_unknown``."""

    code = "unavailable"


class DeadlineExceeded(ControlPlaneError, TimeoutError):
    """The caller's wait ended first."""

    code = "deadline_exceeded"


class Cancelled(ControlPlaneError):
    """The coordinator closed. Not ``asyncio.CancelledError``."""

    code = "cancelled"


class DataLoss(ControlPlaneError):
    """History that was asked for has been trimmed; the message names what is still there."""

    code = "data_loss"


class Internal(ControlPlaneError):
    """A defect of the library."""

    code = "internal"


BY_CODE: dict[str, type[ControlPlaneError]] = {
    cls.code: cls
    for cls in (
        InvalidArgument,
        NotFound,
        AlreadyExists,
        Conflict,
        FailedPrecondition,
        ResourceExhausted,
        Unauthenticated,
        PermissionDenied,
        Unavailable,
        DeadlineExceeded,
        Cancelled,
        DataLoss,
        Internal,
    )
}


class FatalError(Exception):
    """Raised by a handler: the task fails and is not tried again."""


class RateLimited(Exception):
    """Raised by a handler: try again later, which counts as no failure.

    ``retry_after`` is in seconds, at most 24 hours; 0: as the task's retry policy says.
    """

    def __init__(self, message: str = "rate limited", retry_after: float = 0.0) -> None:
        super().__init__(message, retry_after)
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message
