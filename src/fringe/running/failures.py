"""What a user reads of a job that failed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from fringe.costs.logs import read_text_of

__all__ = ["describe_failure"]

LINES = 12  # of a log that are shown, from its end


def describe_failure(event: Mapping[str, Any], known: Set[str], raised: str = "") -> list[str]:
    """Return what to print of an event ``job_error`` or ``group_error`` of Snakemake's.

    That is what Snakemake says of it, and the end of each log of the job. A log ends with the error
    that the job has printed already, unless that is a bug or the job was killed. So nothing is
    shown of a log that has one of the ``known`` lines, which were printed, at its end. The error
    that Snakemake ``raised`` for the job names a signal or an exit status, which no log has.
    """
    told = event.get("rule_msg") or event.get("message") or ""
    if rule := event.get("rule_name"):
        told = f"a job of rule {rule} failed"
        told += f" ({event['rule_msg']})" if event.get("rule_msg") else ""
    lines = [f"error: {told}{_way(raised)}"]
    lines += [f"  {name}: {value}" for name, value in (event.get("aux") or {}).items()]
    for path in [*(event.get("log") or []), *(event.get("aux_logs") or [])]:
        if not Path(path).is_file():
            continue
        end = read_text_of(Path(path)).rstrip().splitlines()[-LINES:]
        if end and known.isdisjoint(end):
            lines += [f"  the end of its log {path}:", *(f"    {line}" for line in end)]
        else:
            lines.append(f"  its log: {path}")
    return lines


def _way(raised: str) -> str:
    """Return how a job ended, where that is not the way in which an error ends Python."""
    if found := re.search(r"died with <Signals\.(\w+)", raised):
        hint = ", as the system does when memory is full" if found[1] == "SIGKILL" else ""
        return f": {found[1]} ended it{hint}"
    found = re.search(r"non-zero exit status (\d+)", raised)
    return f": its exit status is {found[1]}" if found and found[1] != "1" else ""
