"""Snakemake's logger `fringe`: it tells the process that started Snakemake what happens.

`fringe run` starts Snakemake with ``--logger fringe`` and reads the other end of a pipe. Each line
there is one event, in JSON. Nothing is shown here, and what Snakemake writes to its own log file
stays as it is.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from logging import LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase

__all__ = ["LogHandler"]

DESCRIPTOR = "FRINGE_EVENTS"  # as in fringe.running.following, which is not imported here

# What is handed on of an event, where the event has it.
FIELDS = (
    *("stats", "jobid", "job_id", "rule_name", "output", "benchmark", "indent"),
    *("log", "rule_msg", "aux", "aux_logs", "exception"),
)


class LogHandler(LogHandlerBase):
    """Writes each event to the file descriptor that the environment names."""

    def __post_init__(self) -> None:
        """Take the descriptor, and keep it from jobs."""
        number = os.environ.pop(DESCRIPTOR, "")
        if not number.isdigit():
            raise ValueError("the logger fringe is for `fringe run`, which reads what it writes")
        os.set_inheritable(int(number), False)
        self._events = os.fdopen(int(number), "w", encoding="utf-8", errors="backslashreplace")

    def emit(self, record: LogRecord) -> None:
        """Write one event; nobody reads it where the process that started Snakemake was killed."""
        told = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        event = getattr(record, "event", None)
        about = {"event": None if event is None else str(event), "level": record.levelname}
        text = json.dumps({**about, "message": record.getMessage(), **told}, default=str)
        with suppress(OSError):
            print(text, file=self._events, flush=True)

    def close(self) -> None:
        """Close the pipe."""
        with suppress(OSError):
            self._events.close()
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        """It stands in for Snakemake's own log on the terminal."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """It leaves Snakemake's log file to Snakemake."""
        return False

    @property
    def has_filter(self) -> bool:
        """It gets every event, whatever Snakemake is told to be quiet about."""
        return True

    @property
    def has_formatter(self) -> bool:
        """It needs no text."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """It does not draw the rules."""
        return False
