#!/usr/bin/env python3
"""Writes docs/python-names.md: every name of the two guides, and what it is here.

Usage: name_map.py [--check]: with --check nothing is written, and a difference is an error. Each name of
ours is looked up in the module, so one that is gone or renamed is an error, too.
"""

from __future__ import annotations

import inspect
import os
import sys
from dataclasses import fields
from pathlib import Path

import aragora_cp
from aragora_cp import ControlPlaneConfig, TaskDefinition

PAGE = Path(__file__).resolve().parents[3] / "docs" / "python-names.md"

CLASSES = (
    "ControlPlaneCoordinator", "ControlPlaneConfig", "AgentRegistry", "TaskScheduler", "HealthMonitor", "AgentInfo",
    "TaskDefinition", "AgentCapability", "AgentStatus", "TaskPriority", "TaskStatus", "HealthStatus",
)  # fmt: skip

# The guides' name → ours, where it is another; and what there is to say.
OPERATIONS: dict[str, tuple[str, str]] = {
    "create_control_plane": ("create_control_plane", "also `url=` and every option of the config"),
    "connect": ("ControlPlaneCoordinator.connect", "or `async with`"),
    "create": ("ControlPlaneCoordinator.create", ""),
    "shutdown": ("ControlPlaneCoordinator.shutdown", "`timeout=` lets workers finish"),
    "register": ("AgentRegistry.register", ""),
    "list_agents": ("AgentRegistry.list_agents", ""),
    "register_agent": ("ControlPlaneCoordinator.register_agent", "`health_probe` is registered as the agent's id"),
    "unregister_agent": ("ControlPlaneCoordinator.unregister_agent", ""),
    "heartbeat": ("AgentRegistry.heartbeat", "a status, or `healthy`, `degraded`, `unhealthy`, which is health"),
    "send_heartbeat": ("AgentRegistry.send_heartbeat", "the same as `heartbeat`"),
    "select_agent": ("AgentRegistry.select_agent", "`NotFound` if there is none"),
    "schedule": ("TaskScheduler.schedule", "answers the id"),
    "get_status": ("TaskScheduler.get_status", "a `TaskStatus`"),
    "submit_task": ("TaskScheduler.submit_task", "answers the id"),
    "claim_task": ("TaskScheduler.claim_task", "`None` if there is none; `block_ms` is 0 unless given"),
    "complete_task": ("TaskScheduler.complete_task", "the caller's `latency_ms` wins"),
    "fail_task": ("TaskScheduler.fail_task", "`requeue=False` ends the task for good"),
    "wait_for_result": ("TaskScheduler.wait_for_result", "the task, in whatever status it ended"),
    "reassign_agent_tasks": ("TaskScheduler.reassign_agent_tasks", "answers how many"),
    "on_task_failure": ("TaskScheduler.on_task_failure", "`on_attempt_failed` tells more"),
    "register_probe": ("HealthMonitor.register_probe", "not awaited; the probe may be async"),
    "check_health": ("HealthMonitor.check_health", "a dict, as in the guide"),
    "get_agent_health": ("HealthMonitor.get_agent_health", "not awaited; at most 1 s old"),
    "get_system_health": ("HealthMonitor.get_system_health", "not awaited; at most 1 s old"),
    "is_agent_available": ("HealthMonitor.is_agent_available", "not awaited; at most 1 s old"),
    "on_agent_unhealthy": ("HealthMonitor.on_agent_unhealthy", ""),
    "get_stats": ("ControlPlaneCoordinator.get_stats", "`total_agents`, `available_agents`, `pending_tasks`, …"),
}

# Arguments of the guides' calls, by the operation of ours that takes them.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "ControlPlaneCoordinator.register_agent": (
        "agent_id", "capabilities", "model", "provider", "metadata", "health_probe",
    ),
    "AgentRegistry.list_agents": ("capabilities",),
    "AgentRegistry.send_heartbeat": ("agent_id", "status", "metrics"),
    "AgentRegistry.select_agent": ("capabilities", "strategy", "exclude"),
    "TaskScheduler": ("strategy",),
    "TaskScheduler.submit_task": (
        "task_type", "payload", "required_capabilities", "priority", "timeout_seconds", "metadata",
    ),
    "TaskScheduler.claim_task": ("agent_id", "capabilities", "block_ms"),
    "TaskScheduler.complete_task": ("task_id", "result", "agent_id", "latency_ms"),
    "TaskScheduler.fail_task": ("task_id", "error", "agent_id", "requeue"),
    "TaskScheduler.wait_for_result": ("timeout",),
}  # fmt: skip

VALUES: dict[str, tuple[str, ...]] = {
    "AgentInfo": ("agent_id", "capabilities", "endpoint", "metadata", "model", "provider", "status",
                  "tasks_completed", "avg_latency_ms"),
    "ClaimedTask": ("id", "payload"),
    "Task": ("result",),
    "AgentHealth": ("status", "last_check", "consecutive_failures"),
}  # fmt: skip

CONFIG = ("redis_url", "redis_cluster", "key_prefix", "heartbeat_timeout", "task_timeout", "max_task_retries",
          "cleanup_interval", "enable_metrics", "tenant_isolation", "tenant_id")  # fmt: skip
TASK = ("task_id", "task_type", "payload", "required_capabilities", "priority", "max_retries", "retry_delay",
        "retry_backoff")  # fmt: skip

VARIABLES = {
    "ARAGORA_REDIS_URL": "store_url", "REDIS_URL": "store_url", "ARAGORA_REDIS_PASSWORD": "store_url",
    "CONTROL_PLANE_PREFIX": "key_prefix", "HEARTBEAT_INTERVAL": "heartbeat_interval",
    "ARAGORA_CP_HEARTBEAT_TIMEOUT": "heartbeat_timeout", "HEARTBEAT_TIMEOUT": "heartbeat_timeout",
    "PROBE_INTERVAL": "probe_interval", "PROBE_TIMEOUT": "probe_timeout",
    "ARAGORA_CP_TASK_TIMEOUT": "task_timeout", "TASK_TIMEOUT": "task_timeout",
    "ARAGORA_CP_MAX_RETRIES": "max_task_retries", "MAX_TASK_RETRIES": "max_task_retries",
    "CLEANUP_INTERVAL": "cleanup_interval",
}  # fmt: skip

METRICS = ("aragora_cp_tasks_total", "aragora_cp_tasks_active", "aragora_cp_agents_total", "aragora_cp_agents_healthy",
           "aragora_cp_task_duration_seconds")  # fmt: skip


def find(path: str) -> object:
    thing: object = aragora_cp
    for part in path.split("."):
        thing = getattr(thing, part)
    return thing


def signature_has(path: str, argument: str) -> bool:
    return argument in inspect.signature(find(path)).parameters  # type: ignore[arg-type]


def lines() -> list[str]:
    text = [
        "# The guides' names",
        "",
        "Every Python name of the setup guide and the user guide, and what it is here. Written by "
        "`bindings/python/scripts/name_map.py`, which looks each of them up.",
        "",
        "The import is `aragora_cp` where the guides write `aragora.control_plane`. A registry, scheduler or monitor is made "
        "from a connected coordinator, which offers all of their operations itself.",
        "",
        "## Classes",
        "",
    ]
    for name in CLASSES:
        doc = inspect.getdoc(find(name)) or ""
        members = getattr(find(name), "__members__", None)
        text.append(f"- `{name}`" + (f": {', '.join(members)}" if members else f": {doc.splitlines()[0]}"))
    text += ["", "## Operations", "", "| guide | here | remark |", "|---|---|---|"]
    for name, (path, remark) in OPERATIONS.items():
        assert callable(find(path)), path
        text.append(f"| `{name}` | `{path}` | {remark} |")
    text += ["", "## Arguments", "", "| of | guide, and here the same |", "|---|---|"]
    for path, names in ARGUMENTS.items():
        for name in names:
            assert signature_has(path, name), (path, name)
        text.append(f"| `{path}` | {', '.join(f'`{name}`' for name in names)} |")
    known = {field.name for field in fields(ControlPlaneConfig)}
    assert known.issuperset(CONFIG) and known.issuperset(VARIABLES.values())
    text.append(f"| `ControlPlaneConfig` | {', '.join(f'`{name}`' for name in CONFIG)} |")
    assert {field.name for field in fields(TaskDefinition)}.issuperset(TASK)
    text.append(f"| `TaskDefinition` | {', '.join(f'`{name}`' for name in TASK)} |")
    text += ["", "`redis_url` is another name of `store_url`.", "", "## Fields", "", "| of | field |", "|---|---|"]
    for path, names in VALUES.items():
        for name in names:
            find(f"{path}.{name}")
        text.append(f"| `{path}` | {', '.join(f'`{name}`' for name in names)} |")
    text += ["", "## Environment variables", "", "| variable | option |", "|---|---|"]
    text += [f"| `{name}` | `{option}` |" for name, option in VARIABLES.items()]
    text += ["", "## Metrics", "", *(f"- `{name}`" for name in METRICS), ""]
    return text


def main() -> int:
    wanted = "\n".join(lines())
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(wanted)
    elif PAGE.read_text() != wanted:
        print(f"{PAGE} is not what {os.path.basename(__file__)} writes", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
