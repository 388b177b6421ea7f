"""The page of the guides' names is complete, and true of the module."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import aragora_cp
import pytest
from aragora_cp import ControlPlaneConfig, sync

from .test_guides import blocks

SCRIPT = Path(__file__).parents[2] / "bindings" / "python" / "scripts" / "name_map.py"
# Names of the guides that are their reader's own, Python's, or arguments that a table has by another call.
THEIRS = {"print", "str", "Exception", "asyncio", "sleep", "logging", "getLogger", "setLevel", "DEBUG", "error", "value"}


def name_map() -> ModuleType:
    spec = importlib.util.spec_from_file_location("name_map", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names_in_the_guides() -> set[str]:
    """What they import, call, give by keyword and read from what they get."""
    found: set[str] = set()
    for guide in ("setup_guide.md", "user_guide.md"):
        for block in blocks(guide).values():
            tree = compile(block, guide, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom):
                    found |= {alias.name for alias in node.names}
                elif isinstance(node, ast.Attribute):
                    found.add(node.attr)
                elif isinstance(node, ast.keyword) and node.arg is not None:
                    found.add(node.arg)
    return found - THEIRS


@pytest.mark.parametrize("script", [SCRIPT, SCRIPT.with_name("api_reference.py")], ids=lambda path: path.stem)
def test_the_page_is_what_the_script_writes(script: Path) -> None:
    subprocess.run([sys.executable, script, "--check"], check=True)


def test_every_name_of_the_guides_is_on_the_page() -> None:
    page = (SCRIPT.parents[3] / "docs" / "python-names.md").read_text()
    names = names_in_the_guides()
    assert len(names) > 60
    words = set(page.replace("`", " ").replace(",", " ").replace(".", " ").replace(":", " ").split())
    assert names <= words, names - words


def test_variables_set_the_options_that_the_page_says() -> None:
    for variable, option in name_map().VARIABLES.items():
        if option == "store_url":
            continue  # this build has no other store
        value = {"key_prefix": "mine:", "heartbeat_timeout": "77"}.get(option, "7")
        os.environ[variable] = value
        try:
            config = ControlPlaneConfig.from_environment()
            assert str(getattr(config, option)).removesuffix(".0") == value
            assert config.origins[option] == variable
        finally:
            del os.environ[variable]


def test_metrics_are_there() -> None:
    with sync.create_control_plane() as plane:
        text = plane.metrics_text()
    for name in name_map().METRICS:
        assert name in text, name
    assert aragora_cp.__all__
