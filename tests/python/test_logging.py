"""The library's records reach logging.getLogger("aragora.control_plane")."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from aragora_cp import sync

NAME = "aragora.control_plane"


class Arrivals(logging.Handler):
    """The records so far, and a wait for one that is still to come."""

    def __init__(self) -> None:
        super().__init__()
        self._records: list[logging.LogRecord] = []
        self._arrived = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self._arrived:
            self._records.append(record)
            self._arrived.notify_all()

    def texts(self, wanted: str) -> list[logging.LogRecord]:
        def found() -> list[logging.LogRecord]:
            return [record for record in self._records if wanted in record.getMessage()]

        with self._arrived:
            assert self._arrived.wait_for(found, 30), f"no record with {wanted!r}"
            return found()


@pytest.fixture
def arrivals() -> Iterator[Arrivals]:
    handler = Arrivals()
    logging.getLogger(NAME).addHandler(handler)
    yield handler
    logging.getLogger(NAME).removeHandler(handler)


def test_records_come_with_their_fields_time_and_level(caplog: pytest.LogCaptureFixture, arrivals: Arrivals) -> None:
    caplog.set_level(logging.DEBUG, NAME)
    with sync.create_control_plane() as plane:
        (opened,) = arrivals.texts("coordinator opened")
        assert (opened.name, opened.levelno) == (NAME, logging.INFO)
        assert opened.fields["store"] == "memory"  # type: ignore[attr-defined]
        assert "store=memory" in opened.getMessage()
        assert abs(opened.created - time.time()) < 60
        task_id = plane.submit_task("t", trace="trace-1")
        (submitted,) = arrivals.texts("task.submitted")
        assert submitted.levelno == logging.DEBUG
        assert submitted.fields["subject"] == task_id  # type: ignore[attr-defined]
        assert submitted.correlation_id == "trace-1"  # type: ignore[attr-defined]


def test_the_level_of_the_logger_is_that_of_the_library(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, NAME)
    with sync.create_control_plane() as plane:
        assert dict((name, value) for name, value, *_ in plane._plane.options())["log_level"] == "warning"
    with sync.create_control_plane(log_level="debug") as plane:
        assert dict((name, value) for name, value, *_ in plane._plane.options())["log_level"] == "debug"


def test_a_callback_that_raises_is_logged_and_the_next_is_called(arrivals: Arrivals) -> None:
    with sync.create_control_plane() as plane:
        seen: list[str] = []
        both = threading.Semaphore(0)

        def fail(task_id: str, error: str) -> None:
            seen.append(error)
            both.release()
            raise ZeroDivisionError("oops")

        plane.on_task_failure(fail)
        for text in ("one", "two"):
            task_id = plane.submit_task("t", max_retries=0)
            plane.claim_task("a", [])
            plane.fail_task(task_id, text, "a")
            assert both.acquire(timeout=30)
        assert seen == ["one", "two"]
        assert arrivals.texts("raised")[0].exc_info[0] is ZeroDivisionError  # type: ignore[index]


def test_a_handler_that_raises_does_not_stop_the_records(caplog: pytest.LogCaptureFixture, arrivals: Arrivals) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("broken handler")

    logger = logging.getLogger(NAME)
    broken = Broken()
    logger.addHandler(broken)
    try:
        with sync.create_control_plane(log_level="debug"):
            pass
    finally:
        logger.removeHandler(broken)
    caplog.set_level(logging.DEBUG, NAME)
    with sync.create_control_plane():
        arrivals.texts("coordinator opened")
