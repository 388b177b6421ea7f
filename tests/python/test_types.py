"""The package is typed, and its stub tells the truth."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import aragora_cp

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = Path(aragora_cp.__file__).parent


def check(*command: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, cwd=ROOT, timeout=300
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_is_strict_with_the_package_and_with_hosts(tmp_path: Path) -> None:
    samples = [*(HERE / "samples").glob("*.py"), *(ROOT / "examples").glob("*/*.py")]
    assert len(samples) >= 2
    check("mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", tmp_path, "-p", "aragora_cp")
    check("mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", tmp_path, *samples)


def test_the_stub_is_the_modules() -> None:
    check(
        "mypy.stubtest", "aragora_cp._core", "--ignore-unused-allowlist",
        "--allowlist", HERE / "stubtest_allowlist.txt",
    )  # fmt: skip


def test_it_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists() and (PACKAGE / "_core.pyi").exists()


def test_everything_public_has_a_docstring() -> None:
    for name in aragora_cp.__all__:
        thing = getattr(aragora_cp, name)
        if not isinstance(thing, type) or not thing.__module__.startswith("aragora_cp._aio"):
            continue
        for method, member in vars(thing).items():
            if callable(member) and not method.startswith("_"):
                assert member.__doc__, f"{name}.{method}"
