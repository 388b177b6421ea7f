"""The library's records reach logging.getLogger("aragora.control_plane")."""

from __future__ import annotations

import logging
import time

import pytest

from aragora_cp import sync

NAME = "aragora.control_plane"


def texts(caplog: pytest.LogCaptureFixture, wanted: str) -> list[logging.LogRecord]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = [record for record in caplog.records if wanted in record.getMessage()]
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"no record with {wanted!r}: {caplog.text}")


def test_records_come_with_their_fields_time_and_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, NAME)
    with sync.create_control_plane() as plane:
        (opened,) = texts(caplog, "coordinator opened")
        assert (opened.name, opened.levelno) == (NAME, logging.INFO)
        assert opened.fields["store"] == "memory"  # type: ignore[attr-defined]
        assert "store=memory" in opened.getMessage()
        assert abs(opened.created - time.time()) < 60
        task_id = plane.submit_task("t", trace="trace-1")
        (submitted,) = texts(caplog, "task.submitted")
        assert submitted.levelno == logging.DEBUG
        assert submitted.fields["subject"] == task_id  # type: ignore[attr-defined]
        assert submitted.correlation_id == "trace-1"  # type: ignore[attr-defined]


def test_the_level_of_the_logger_is_that_of_the_library(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, NAME)
    with sync.create_control_plane() as plane:
        assert dict((name, value) for name, value, *_ in plane._plane.options())["log_level"] == "warning"
    with sync.create_control_plane(log_level="debug") as plane:
        assert dict((name, value) for name, value, *_ in plane._plane.options())["log_level"] == "debug"


def test_a_callback_that_raises_is_logged_and_the_next_is_called(caplog: pytest.LogCaptureFixture) -> None:
    with sync.create_control_plane() as plane:
        seen: list[str] = []

        def fail(task_id: str, error: str) -> None:
            seen.append(error)
            raise ZeroDivisionError("oops")

        plane.on_task_failure(fail)
        for text in ("one", "two"):
            task_id = plane.submit_task("t", max_retries=0)
            plane.claim_task("a", [])
            plane.fail_task(task_id, text, "a")
        while seen != ["one", "two"]:
            time.sleep(0.01)
        assert texts(caplog, "raised")[0].exc_info[0] is ZeroDivisionError  # type: ignore[index]


def test_a_handler_that_raises_does_not_stop_the_records(caplog: pytest.LogCaptureFixture) -> None:
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
        texts(caplog, "coordinator opened")
