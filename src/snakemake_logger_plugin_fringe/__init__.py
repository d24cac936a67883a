"""Snakemake's logger `fringe`: it sends events to the process that started Snakemake.

`fringe run` starts Snakemake with ``--logger fringe`` and reads the other end of a pipe. Each line
is one event in JSON. The logger shows nothing, and Snakemake's own log file stays as it is.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from logging import LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase

__all__ = ["LogHandler"]

DESCRIPTOR = "FRINGE_EVENTS"  # as in fringe.running.following, which is not imported here

# The fields of an event that are sent, if the event has them.
FIELDS = (
    *("stats", "jobid", "job_id", "rule_name", "output", "benchmark", "indent"),
    *("log", "rule_msg", "aux", "aux_logs", "exception"),
)


class LogHandler(LogHandlerBase):
    """Writes each event to the file descriptor that the environment names."""

    def __post_init__(self) -> None:
        """Open the descriptor, and keep it from jobs."""
        number = os.environ.pop(DESCRIPTOR, "")
        if not number.isdigit():
            raise ValueError("the logger fringe is only for `fringe run`, which reads the events")
        os.set_inheritable(int(number), False)
        self._events = os.fdopen(int(number), "w", encoding="utf-8", errors="backslashreplace")

    def emit(self, record: LogRecord) -> None:
        """Write one event. It has no reader if the process that started Snakemake was killed."""
        fields = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        event = getattr(record, "event", None)
        about = {"event": None if event is None else str(event), "level": record.levelname}
        text = json.dumps({**about, "message": record.getMessage(), **fields}, default=str)
        with suppress(OSError):
            print(text, file=self._events, flush=True)

    def close(self) -> None:
        """Close the pipe."""
        with suppress(OSError):
            self._events.close()
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        """The logger replaces Snakemake's own log on the terminal."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """The logger does not write Snakemake's log file."""
        return False

    @property
    def has_filter(self) -> bool:
        """The logger gets every event, also with `--quiet`."""
        return True

    @property
    def has_formatter(self) -> bool:
        """The logger needs no formatted text."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """The logger does not draw the rules."""
        return False
