#!/usr/bin/env python3
"""Writes docs/python-api.md: what the package offers, from its sources and their docstrings.

Usage: api_reference.py [--check]: with --check nothing is written, and a difference is an error. So is a public
name without a docstring. Only the sources are read, so that the page is the same with every interpreter.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "python-api.md"
PACKAGE = ROOT / "bindings" / "python" / "aragora_cp"
Function = ast.FunctionDef | ast.AsyncFunctionDef

# In the order of the page; every name of __all__ is in one of them.
CHAPTERS: dict[str, tuple[str, ...]] = {
    "Coordinator": ("create_control_plane", "ControlPlaneCoordinator", "ControlPlaneConfig", "SecretKey"),
    "Agents": ("AgentRegistry", "AgentInfo", "AgentCapability", "AgentStatus", "SelectionStrategy"),
    "Tasks": (
        "TaskScheduler", "TaskDefinition", "Task", "ClaimedTask", "LeaseStatus", "TaskFilter", "TaskFailure", "TaskStatus",
        "TaskReason", "TaskPriority", "Priority", "Explanation", "Obstacle", "ObstacleKind", "Json", "Label",
    ),
    "Workers": ("Worker", "TaskContext", "Distributor", "PoolWorker"),
    "Health": ("HealthMonitor", "HealthStatus", "AgentHealth", "ProbeHealth", "SystemHealth", "BreakerState", "Probe"),
    "Events": ("EventStream", "Event", "Subscription"),
    "Shared state": ("SharedState", "Document", "StateWatch", "DocumentChange", "ChangeKind"),
    "Logs": ("Logs", "LogEntry", "LogInfo", "LogFollower"),
    "Messages": ("Mailbox", "Message"),
    "Snapshots": ("SnapshotSummary",),
    "Resources": ("Resources", "Hold", "Pool", "PoolKind", "UNLIMITED", "Needs", "Permit", "PermitPart"),
    "Leases": ("NamedLeases", "NamedLease", "LeaseHolder", "LeaderElection"),
    "Errors": (
        "ControlPlaneError", "InvalidArgument", "NotFound", "AlreadyExists", "Conflict", "FailedPrecondition",
        "ResourceExhausted", "Unauthenticated", "PermissionDenied", "Unavailable", "DeadlineExceeded", "Cancelled", "DataLoss",
        "Internal", "FatalError", "RateLimited",
    ),
}  # fmt: skip


MEANINGS: dict[ast.AnnAssign, str] = {}


def sources() -> list[Path]:
    """Without the generated twin, whose page would be the same."""
    return [*sorted(PACKAGE.glob("*.py")), *sorted((PACKAGE / "_aio").glob("*.py")), PACKAGE / "_core.pyi"]


def definitions() -> dict[str, ast.stmt]:
    """By name; `#: …` behind a field of a dataclass becomes its comment in `meaning`."""
    found: dict[str, ast.stmt] = {}
    for path in sources():
        lines = path.read_text().splitlines()
        for node in ast.parse("\n".join(lines)).body:
            for field in ast.walk(node):
                if isinstance(field, ast.AnnAssign):
                    MEANINGS[field] = lines[(field.end_lineno or 1) - 1].partition("#: ")[2]
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                found.setdefault(node.name, node)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found.setdefault(node.targets[0].id, node)
    return found


def public_names() -> set[str]:
    for node in ast.parse((PACKAGE / "__init__.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    raise SystemExit("__init__.py has no __all__")


def doc_of(node: ast.ClassDef | Function, what: str) -> str:
    doc = ast.get_docstring(node)
    if not doc:
        raise SystemExit(f"{what} has no docstring")
    return plain(doc)


def plain(text: str) -> str:
    """reStructuredText's quotes as Markdown's."""
    return re.sub(r":\w+:`([^`]+)`", r"`\1`", text).replace("``", "`")


def parameters(node: Function, of_class: bool) -> str:
    text = ast.unparse(node.args)
    if not of_class or any(ast.unparse(d) == "staticmethod" for d in node.decorator_list):
        return text
    return text.partition(", ")[2].removeprefix("/, ")  # without self or cls


def call(node: Function, of_class: bool) -> str:
    prefix = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    answer = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    return f"{prefix}{node.name}({parameters(node, of_class)}){answer}"


def is_property(node: Function) -> bool:
    return any(ast.unparse(d) in ("property", "cached_property") for d in node.decorator_list)


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def fields_of(node: ast.ClassDef) -> Iterator[str]:
    """Rows for properties and for the fields of dataclasses."""
    for member in node.body:
        if isinstance(member, ast.FunctionDef) and is_property(member) and not member.name.startswith("_"):
            kind = ast.unparse(member.returns) if member.returns is not None else ""
            yield row(f"`{member.name}`", f"`{kind}`", doc_of(member, f"{node.name}.{member.name}"))
        elif isinstance(member, ast.AnnAssign) and not ast.unparse(member.target).startswith("_"):
            kind = ast.unparse(member.annotation) + default_of(member.value)
            yield row(f"`{ast.unparse(member.target)}`", f"`{kind}`", plain(MEANINGS[member]))


def default_of(value: ast.expr | None) -> str:
    """Of a field; what a factory makes is empty."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        value = next((k.value for k in value.keywords if k.arg == "default"), ast.Dict([], []))
    return f" = {ast.unparse(value)}" if value is not None else ""


def members_of(node: ast.ClassDef) -> Iterator[str]:
    for member in node.body:
        if isinstance(member, ast.Assign) and isinstance(member.targets[0], ast.Name):
            if not member.targets[0].id.startswith("_"):
                yield f"- `{member.targets[0].id}` = `{ast.unparse(member.value)}`"


def class_lines(node: ast.ClassDef) -> Iterator[str]:
    bases = [ast.unparse(base) for base in node.bases]
    shown = [base for base in bases if not base.startswith("_") and base != "Facade"]
    yield f"### `{node.name}`" + (f" ({', '.join(f'`{base}`' for base in shown)})" if shown else "")
    yield ""
    yield doc_of(node, node.name)
    yield ""
    if any("Enum" in base or base == "_Word" for base in bases):
        yield from (*members_of(node), "")
        return
    if rows := list(fields_of(node)):
        yield from ("| field | type | meaning |", "|---|---|---|", *rows, "")
    for member in node.body:
        if not isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)) or is_property(member):
            continue
        if member.name.startswith("_") and member.name != "__init__":
            continue
        if member.name == "__init__":
            yield from (f"`{node.name}({parameters(member, True)})`", "")
            continue
        yield from (f"#### `{call(member, True)}`", "", doc_of(member, f"{node.name}.{member.name}"), "")


def lines() -> list[str]:
    found = definitions()
    named = {name for names in CHAPTERS.values() for name in names}
    if missing := (public_names() - {"sync"}) ^ named:
        raise SystemExit(f"the chapters and __all__ differ: {sorted(missing)}")
    text = [
        "# Python reference",
        "",
        "Written by `bindings/python/scripts/api_reference.py` from the docstrings. `aragora_cp.sync` offers the same without "
        "`async`. [python.md](python.md) tells how the parts are used.",
        "",
    ]
    for chapter, names in CHAPTERS.items():
        text += [f"## {chapter}", ""]
        for name in names:
            node = found[name]
            if isinstance(node, ast.ClassDef):
                text += class_lines(node)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                text += [f"### `{call(node, False)}`", "", doc_of(node, name), ""]
            else:
                assert isinstance(node, ast.Assign)
                text += [f"### `{name} = {ast.unparse(node.value)}`", ""]
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
