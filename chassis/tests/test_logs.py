"""Logs: one line, nothing personal, no flood."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from oms_chassis.logs import FloodFilter, configure_logging
from oms_chassis.settings import Settings

SECRET = "ada@example.org"


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """Where a process with our logging writes; everything is put back afterwards."""
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    root.handlers[:] = []
    configure_logging(Settings(service="billing", kafka_bootstrap="-", database_dsn="-"), stream)
    yield stream
    root.handlers[:], root.level = before
    logging.captureWarnings(False)
    logging.getLogger("uvicorn.access").disabled = False


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_is_one_line_with_its_fields(out: io.StringIO) -> None:
    logging.getLogger("oms_billing.x").info("key parked", extra={"order_id": "7", "trace_id": "ab"})
    [line] = lines(out)
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "INFO", "service": "billing", "logger": "oms_billing.x",
        "event": "key parked", "order_id": "7", "trace_id": "ab",
    }  # fmt: skip


def test_a_field_is_cut_at_its_first_line_break(out: io.StringIO) -> None:
    error = f"UniqueViolationError: duplicate key\nDETAIL: ({SECRET}) exists"
    logging.getLogger("oms_x").warning("refused", extra={"error": error, "count": 3})
    assert lines(out)[0]["error"] == "UniqueViolationError: duplicate key"
    assert lines(out)[0]["count"] == 3


def test_no_text_can_forge_a_line(out: io.StringIO) -> None:
    logging.getLogger("oms_x").warning("refused", extra={"reason": 'x\r{"level":"INFO"}\u2028'})
    assert len(out.getvalue().splitlines()) == 1


def test_extras_and_later_lines_of_other_peoples_logs_are_left_out(out: io.StringIO) -> None:
    logging.getLogger("library").error("failed: %s", f"1\n{SECRET}", extra={"body": SECRET})
    assert SECRET not in out.getvalue() and lines(out)[0]["event"] == "failed: 1"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError(f"cannot read {SECRET}"), None),
        (KeyError(SECRET), None),
        (ConnectionRefusedError("no answer from 127.0.0.1"), "no answer from 127.0.0.1"),
        (asyncpg.UniqueViolationError(f"duplicate key\nDETAIL: {SECRET}"), "duplicate key"),
        (asyncpg.InvalidTextRepresentationError(f"invalid input: {SECRET}"), None),
    ],
)
def test_of_an_exception_class_and_place_are_told_and_no_content(
    out: io.StringIO, error: Exception, text: str | None
) -> None:
    try:
        raise error
    except Exception:
        logging.getLogger("oms_x").exception("input failed")
    [line] = lines(out)
    assert type(error).__name__ in line["error"] and "test_logs.py" in line["stack"][-1]
    assert line.get("text") == text and SECRET not in out.getvalue()


def test_access_lines_are_off_and_warnings_are_kept(out: io.StringIO) -> None:
    logging.getLogger("uvicorn.access").info("GET /orders/7")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
    assert [line["logger"] for line in lines(out)] == ["py.warnings"]


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_flood_ends_after_some_lines_and_is_counted() -> None:
    clock, told = Clock(), []
    logger, handler = logging.Logger("aiokafka.conn"), logging.Handler()
    handler.emit = told.append  # type: ignore[method-assign]
    handler.addFilter(FloodFilter(handler.handle, 2, 10.0, clock))
    logger.addHandler(handler)
    for node in range(50):
        logger.error("no connection to node %s", node)
    logger.error("another thing")
    assert [r.getMessage() for r in told] == [
        "no connection to node 0", "no connection to node 1", "another thing",
    ]  # fmt: skip
    clock.now = 10.0
    logger.error("no connection to node %s", 50)
    summary, first = told[3:]
    assert (summary.getMessage(), summary.levelno, summary.count) == ("lines left out", 40, 48)
    assert summary.of == "aiokafka.conn: no connection to node %s"
    assert first.getMessage() == "no connection to node 50"
    clock.now = 20.0
    logger.error("quiet again")
    assert len(told) == 6


def test_many_floods_are_all_counted() -> None:
    clock, told = Clock(), []
    handler = logging.Handler()
    handler.emit = told.append  # type: ignore[method-assign]
    handler.addFilter(FloodFilter(handler.handle, 1, 10.0, clock))
    loggers = [logging.Logger(f"library.{n}") for n in range(5)]
    for logger in loggers * 3:
        logger.addHandler(handler)
        logger.error("again")
    clock.now = 10.0
    loggers[0].error("over")
    assert [r.count for r in told if r.getMessage() == "lines left out"] == [2] * 5


def test_a_process_counts_its_floods_too(out: io.StringIO, tmp_path: Path) -> None:
    for _ in range(1_000):
        logging.getLogger("aiokafka").error("no connection")
    assert len(lines(out)) < 50
