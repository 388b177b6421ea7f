"""A process that works, as its host holds it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any


class AgentProcess:
    """Talks to aragora_cp.demo.agent, a line of JSON at a time."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    @contextlib.asynccontextmanager
    async def start(cls, root: Path) -> AsyncIterator[AgentProcess]:
        """It does not outlive the ``async with``, not even if it is stopped."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"{__package__}.agent", str(root), stdin=PIPE, stdout=PIPE
        )
        agent = cls(process)
        try:
            yield agent
        finally:
            agent.strike(signal.SIGKILL)
            await process.wait()
            assert process.stdin is not None
            process.stdin.close()
            # Before 3.11 asyncio complains of a broken pipe that nobody asked after.
            with contextlib.suppress(ConnectionError):
                await process.stdin.wait_closed()

    @property
    def pid(self) -> int:
        return self._process.pid

    def strike(self, blow: signal.Signals) -> None:
        """Not by ``Process.send_signal``: that reaps who is dead already, and how it ended is lost."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, blow)

    async def tell(self, message: dict[str, Any]) -> None:
        """If it has ended that is heard, not told."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            await self._process.stdin.drain()

    async def hear(self) -> dict[str, Any] | None:
        """None: it has ended."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        return json.loads(line) if line else None

    async def ending(self) -> str:
        status = await self._process.wait()
        return f"ended with {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"
