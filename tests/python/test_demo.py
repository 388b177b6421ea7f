"""The demo: agents are killed and stopped, and nothing is lost."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from aragora_cp.demo.agent_process import AgentProcess


Demo = Callable[[Path], str]


@pytest.fixture
def demo(python: Callable[..., str]) -> Demo:
    program = "import sys; from aragora_cp.__main__ import main; sys.argv[:1] = ['aragora-cp', 'demo']; main()"
    environment = {**os.environ, "COLUMNS": "240", "TERM": "dumb"}
    return lambda path: python(program, str(path), "--store", "memory://", env=environment)


def test_agents_that_are_killed_and_stopped_lose_nothing(demo: Demo, tmp_path: Path) -> None:
    for name, text in (("a.py", "x = 1\n"), ("b.py", "x = \n"), ("c.py", "y = 2\n" * 10)):
        (tmp_path / name).write_text(text)
    told = demo(tmp_path)
    killed = re.search(r"metrics-killed \(pid (\d+)\) was ended by SIGKILL\n  (.*)\n", told)
    stopped = re.search(
        r"metrics-stopped \(pid (\d+)\) was stopped, and its late result refused \(conflict: .*\)\n  (.*)\n", told
    )
    assert killed and stopped, told
    for pid, task in (killed.groups(), stopped.groups()):
        assert re.fullmatch(r"[abc]\.py: completed by metrics-1 in attempt \d", task)
        assert not os.path.exists(f"/proc/{pid}")
    ended = re.search(r"(\d+) of (\d+) ended, \d+ retries, 2 crashes, 0 gave up", told)
    assert ended is not None and ended[1] == ended[2]


def test_an_agent_that_gets_no_task_is_not_struck(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "a.h").write_text("int a;\n")
    told = demo(tmp_path)
    assert re.search(r"metrics-killed \(pid \d+\) was ended by SIGKILL\n  a.h: completed by metrics-1", told)
    assert re.search(r"metrics-stopped \(pid \d+\) got no task\n", told)


async def test_an_agent_works_a_line_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "a.h").write_text("int a;\n")
    async with AgentProcess.start(tmp_path) as agent:
        assert await agent.hear() == {"ready": True}
        for _ in range(2):
            await agent.tell({"kind": "metrics", "path": "a.h", "language": "c++"})
            assert await agent.hear() == {"begun": "a.h"}
            await agent.tell({"go": "on"})
            assert await agent.hear() == {"result": {"lines": 1, "bytes": 7}}


@pytest.mark.parametrize("blow", [signal.SIGSTOP, signal.SIGKILL])
async def test_an_agent_does_not_outlive_its_host(tmp_path: Path, blow: signal.Signals) -> None:
    async with AgentProcess.start(tmp_path) as agent:
        await agent.hear()
        agent.strike(blow)
    assert await agent.hear() is None
    await agent.tell({"go": "on"})
    assert await agent.ending() == "was ended by SIGKILL"
    assert not os.path.exists(f"/proc/{agent.pid}")
