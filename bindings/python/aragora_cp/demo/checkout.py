"""What there is to review: the source files of a directory, and what may be asked of each."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import NotFound

_LANGUAGES = {
    ".c": "c++", ".h": "c++", ".cc": "c++", ".cpp": "c++", ".hpp": "c++", ".py": "python", ".sh": "shell",
}  # fmt: skip
_MOST_FILES = 2_000


@dataclass(frozen=True)
class Source:
    path: str  # from the root
    language: str

    @property
    def folder(self) -> str:
        return "/".join(self.path.split("/")[:-1][:2]) or "."


class Checkout:
    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise NotFound(f"{root} is not a directory")
        self.root = root.resolve()
        self.in_git = shutil.which("git") is not None and _run_git(self.root, "rev-parse").ok
        self.sources = list(self._find())[:_MOST_FILES]

    def _paths(self) -> list[str]:
        if self.in_git:
            return _run_git(self.root, "ls-files").output.splitlines()
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))

    def _find(self) -> Iterator[Source]:
        for path in self._paths():
            language = _LANGUAGES.get(Path(path).suffix)
            if language is not None and (self.root / path).is_file():
                yield Source(path, language)


@dataclass(frozen=True)
class _Git:
    ok: bool
    output: str


def _run_git(root: Path, *words: str) -> _Git:
    done = subprocess.run(["git", "-C", root, *words], capture_output=True, text=True, check=False)
    return _Git(done.returncode == 0, done.stdout)
