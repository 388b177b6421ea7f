"""Async tests run on a loop of their own, and nothing may take longer than a minute."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

PATIENCE = 60.0
# In development mode asyncio tells of callbacks that took long; here that says only that the machine is busy.
BUSY = "import logging; logging.getLogger('asyncio').addFilter(lambda it: not str(it.msg).startswith('Executing '))\n"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), PATIENCE))
    return True


@pytest.fixture
def python() -> Callable[..., str]:
    """Runs a program in an interpreter of its own; answers what it printed."""

    def run(program: str, *args: str, **options: Any) -> str:
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", BUSY + program, *args],
            capture_output=True, text=True, timeout=PATIENCE, **options,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    return run
