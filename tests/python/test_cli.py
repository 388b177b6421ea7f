"""The command aragora-cp."""

from __future__ import annotations

import os
import subprocess
import sys

import aragora_cp


def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if "REDIS" not in name}
    return subprocess.run(
        [sys.executable, "-m", "aragora_cp", *args], capture_output=True, text=True, timeout=60,
        env={**clean, "COLUMNS": "120", "TERM": "dumb", **environment},
    )  # fmt: skip


def test_version() -> None:
    done = run("version")
    assert done.returncode == 0
    assert done.stdout.startswith(f"aragora-cp {aragora_cp.__version__} (Python 3.")


def test_config_tells_values_and_where_they_came_from() -> None:
    done = run("config", HEARTBEAT_TIMEOUT="60", ARAGORA_CP_KEY_PREFIX="mine:")
    assert done.returncode == 0
    lines = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.strip()}
    assert lines["heartbeat_timeout"] == ["heartbeat_timeout", "60", "30", "HEARTBEAT_TIMEOUT"]
    assert lines["key_prefix"] == ["key_prefix", "mine:", "aragora:cp:", "ARAGORA_CP_KEY_PREFIX"]
    assert lines["task_timeout"] == ["task_timeout", "300", "code", "or", "default"]
    assert "limits.max_agents" not in lines
    assert "limits.max_agents" in run("config", "--all").stdout


def test_config_tells_what_is_wrong() -> None:
    done = run("config", HEARTBEAT_TIMEOUT="soon")
    assert done.returncode == 2
    assert 'HEARTBEAT_TIMEOUT is "soon"; it must be a number of seconds' in done.stderr


def test_no_command_is_help() -> None:
    assert "Usage" in run().stdout
