"""An agent that is a process: ``python -m aragora_cp.demo.agent <root>``, started by its host.

It knows nothing of the control plane; the host claims and completes for it. A line of JSON at a time
it says "ready", is told a task, says "begun", is told to go on, and says the result. It ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from .tools import review


def main(root: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host, which ends the input
    _say({"ready": True})
    for line in sys.stdin:
        task = json.loads(line)
        _say({"begun": task["path"]})
        if not sys.stdin.readline():
            return
        _say({"result": asyncio.run(review(task["kind"], root, task["path"], task["language"]))})


def _say(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
