"""What is done with functions that users give."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any


def weakly(method: Callable[..., object]) -> Callable[..., None]:
    """Calls the method as long as somebody else holds its object."""
    reference = weakref.WeakMethod(method)

    def call(*args: Any) -> None:
        found = reference()
        if found is not None:
            found(*args)

    return call


def is_async(function: Callable[..., Any]) -> bool:
    """Also of an object that is called."""
    call = getattr(function, "__call__", None)  # noqa: B004: which one it is matters
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
