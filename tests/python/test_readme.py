"""The README's quick start is run, word for word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_quick_start_runs(python: Callable[..., str]) -> None:
    _, _, rest = README.read_text().partition("```python\n")
    program, closed, _ = rest.partition("```")
    assert closed
    assert python(program) == "{'verdict': 'fine'}\n"
