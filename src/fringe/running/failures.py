"""Messages to the user about a failed job."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from fringe.costs.logs import read_text_of

__all__ = ["describe_failure"]

LINES = 12  # number of lines shown from the end of a log


def describe_failure(event: Mapping[str, Any], known: Set[str], raised: str = "") -> list[str]:
    """Return the lines to print for Snakemake's event ``job_error`` or ``group_error``.

    The lines are Snakemake's message and the end of each log of the job. Usually the job has
    already printed the error at the end of its log; the exceptions are bugs and killed jobs. So
    the content of a log is not shown if one of its last lines is among ``known``, the lines printed
    so far. ``raised`` is the error that Snakemake raised for the job. It names a signal or an exit
    status, which is not in a log.
    """
    message = event.get("rule_msg") or event.get("message") or ""
    if rule := event.get("rule_name"):
        message = f"a job of rule {rule} failed"
        message += f" ({event['rule_msg']})" if event.get("rule_msg") else ""
    lines = [f"error: {message}{_ending(raised)}"]
    lines += [f"  {name}: {value}" for name, value in (event.get("aux") or {}).items()]
    for path in [*(event.get("log") or []), *(event.get("aux_logs") or [])]:
        if not Path(path).is_file():
            continue
        end = read_text_of(Path(path)).rstrip().splitlines()[-LINES:]
        if end and known.isdisjoint(end):
            lines += [f"  end of the log {path}:", *(f"    {line}" for line in end)]
        else:
            lines.append(f"  log: {path}")
    return lines


def _ending(raised: str) -> str:
    """Return the signal or unusual exit status that ended a job, as part of a message."""
    if found := re.search(r"died with <Signals\.(\w+)", raised):
        hint = " (the system kills jobs when memory is full)" if found[1] == "SIGKILL" else ""
        return f": ended by signal {found[1]}{hint}"
    found = re.search(r"non-zero exit status (\d+)", raised)
    return f": exit status {found[1]}" if found and found[1] != "1" else ""
