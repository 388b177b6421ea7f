"""The README's quick start is run, word for word."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_quick_start_runs(python: Callable[..., str]) -> None:
    _, _, rest = README.read_text().partition("```python\n")
    program, closed, _ = rest.partition("```")
    assert closed
    assert python(program) == "{'verdict': 'fine'}\n"


def test_the_demo_loses_nothing(python: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("x = 1\n")
    (tmp_path / "bad.py").write_text("x = \n")
    (tmp_path / "more.py").write_text("y = 2\n" * 10)
    text = python(f"import sys; sys.argv = ['aragora-cp', 'demo', {str(tmp_path)!r}, '--store', 'memory://']\n"
                  "from aragora_cp.__main__ import main; main()", env={**os.environ, "COLUMNS": "200"})  # fmt: skip
    assert "its agent was lost" in text
    last = text.strip().splitlines()[-1]
    ended, _, submitted = last.split(" ended")[0].partition(" of ")
    assert ended == submitted and "2 crashes" in last
