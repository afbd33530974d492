"""Logs: one line of JSON per event, and no flood.

Our own lines say what happened in words that never vary, `log.info("key parked", extra={…})`;
everything that varies is a field chosen by the caller, so nothing personal slips in. Of an
exception class and place are told; its text only if it speaks of connections or constraints,
since all others like to quote what they choke on.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

import asyncpg
from aiokafka.errors import KafkaError

from oms_chassis.settings import Settings

LINES_MAX = 10
INTERVAL_SECONDS = 10.0
TEXT_MAX_CHARS = 500
FRAMES_MAX = 20
_OURS = "oms_"
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A record as one line: time, level, service, logger, event, and the fields given as extra."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "event": _brief(record.getMessage()),
        }
        if record.name.startswith(_OURS):
            given = record.__dict__.items()
            line |= {name: _brief(value) for name, value in given if name not in _STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            line |= _error(record.exc_info[1])
        return json.dumps(line, default=str)


def _brief(value: Any) -> Any:
    """The first line of a text: a database quotes the row it refuses in the lines after it."""
    return value.partition("\n")[0][:TEXT_MAX_CHARS] if isinstance(value, str) else value


def _error(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    told = {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    telling = isinstance(error, OSError | KafkaError | asyncpg.PostgresError)
    if telling and not isinstance(error, asyncpg.DataError):
        told["text"] = _brief(str(error))
    return told


class FloodFilter(logging.Filter):
    """Lets the same line of the same logger through so many times an interval, then counts.

    Lines are the same if their templates are, whatever was put into them. When the interval is
    over, `tell` gets one record that says how many were left out.
    """

    def __init__(
        self,
        tell: Callable[[logging.LogRecord], object],
        lines_max: int = LINES_MAX,
        interval_seconds: float = INTERVAL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._tell, self._clock = tell, clock
        self._lines_max, self._interval_seconds = lines_max, interval_seconds
        self._seen: Counter[tuple[str, int, str]] = Counter()
        self._ends_at = clock() + interval_seconds

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record is still one of the first."""
        if record.name == __name__:
            return True
        if self._clock() >= self._ends_at:
            self._end_interval()
        same = record.name, record.levelno, str(record.msg)
        self._seen[same] += 1
        return self._seen[same] <= self._lines_max

    def _end_interval(self) -> None:
        seen, self._seen = self._seen, Counter()
        self._ends_at = self._clock() + self._interval_seconds
        for (name, level, template), count in seen.items():
            if count > self._lines_max:
                told = logging.LogRecord(__name__, level, "", 0, "lines left out", (), None)
                told.__dict__ |= {"count": count - self._lines_max, "of": f"{name}: {template}"}
                self._tell(told)


def configure_logging(settings: Settings, stream: TextIO = sys.stderr) -> None:
    """Make this process log as described above, replacing whatever was set up before."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(settings.service))
    handler.addFilter(FloodFilter(handler.handle))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.getLogger("uvicorn.access").disabled = True
