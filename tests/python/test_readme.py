"""The README's quick start is run, word for word, and so are the blocks of docs/python.md that need no more than a
coordinator."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aragora_cp import create_control_plane

from .test_guides import run

README = Path(__file__).parents[2] / "README.md"
PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def test_the_quick_start_runs(python: Callable[..., str]) -> None:
    _, _, rest = README.read_text().partition("```python\n")
    program, closed, _ = rest.partition("```")
    assert closed
    assert python(program) == "{'verdict': 'fine'}\n"


@pytest.mark.parametrize("heading", ["Shared state", "Logs", "Resources", "Leases and elections"])
async def test_the_blocks_of_the_page_run(heading: str, capsys: pytest.CaptureFixture[str]) -> None:
    block = re.search(rf"## {heading}\n\n```python\n(.*?)```", PAGE.read_text(), re.S)
    assert block
    async with await create_control_plane() as coordinator:
        names: dict[str, Any] = {"coordinator": coordinator}
        await run(block[1], names)
    if heading == "Logs":
        assert names["entries"] == []
        assert capsys.readouterr().out == "1 deploy\n"
    if heading == "Shared state":
        assert names["hits"] == 1
        assert capsys.readouterr().out == "plans/7 2 ['read', 'write']\nput plans/7 1\n"
