"""The kinds of review and the real programs behind them. Nothing here blocks the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from pathlib import Path
from typing import Any

from ..errors import FatalError, Unavailable

KINDS = ("history", "metrics", "lint", "compile")
CPU_BOUND = ("lint", "compile")
_PATIENCE = 20.0  # seconds


def possible(kind: str, language: str, in_git: bool) -> bool:
    if kind == "history":
        return in_git
    if kind == "lint":
        return language == "c++" and shutil.which("cppcheck") is not None
    if kind == "compile":
        return language == "python" or (language == "shell" and shutil.which("bash") is not None)
    return True


async def review(kind: str, root: Path, path: str, language: str) -> dict[str, Any]:
    if kind == "history":
        log = await _output(root, "git", "log", "--format=%an", "--", path)
        return {"commits": len(log.splitlines()), "authors": sorted(set(log.splitlines()))}
    if kind == "metrics":
        text = (root / path).read_bytes()
        return {"lines": text.count(b"\n"), "bytes": len(text)}
    if kind == "lint":
        found = await _output(root, "cppcheck", "--quiet", "--template={file}:{line}: {message}", path)
        return {"findings": sum(line.startswith(f"{path}:") for line in found.splitlines())}
    checker = (sys.executable, "-m", "py_compile") if language == "python" else ("bash", "-n")
    process = await _start(root, *checker, path)
    return {"compiles": await _status(process, checker[0]) == 0}


async def _output(root: Path, *words: str) -> str:
    process = await _start(root, *words)
    with _ended(process):
        text, _ = await asyncio.wait_for(process.communicate(), _PATIENCE)
    if process.returncode is None or process.returncode < 0:
        raise Unavailable(f"{words[0]} crashed")
    return text.decode(errors="replace")


async def _status(process: asyncio.subprocess.Process, name: str) -> int:
    with _ended(process):
        await asyncio.wait_for(process.communicate(), _PATIENCE)
    if process.returncode is None or process.returncode < 0:
        raise Unavailable(f"{name} crashed")
    return process.returncode


async def _start(root: Path, *words: str) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *words, cwd=root, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except FileNotFoundError:
        raise Unavailable(f"{words[0]} is not there") from None


class _ended(contextlib.AbstractContextManager[None]):  # noqa: N801: reads as a verb
    """No program outlives the attempt that began it; one that takes too long would again."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        if kind is not None and issubclass(kind, (TimeoutError, asyncio.TimeoutError)):
            raise FatalError(f"a program did not end within {_PATIENCE:.0f} s")
