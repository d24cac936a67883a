"""Checks of the records in which Snakemake stores what each output was made from."""

import json
import logging
import os
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path

from fringe.errors import FringeError
from fringe.files import seals
from fringe.files.regular import read_text

__all__ = ["refuse_unrecorded", "remove_damaged_records"]

LOGGER = logging.getLogger(__name__)

WRITING = 0.5  # seconds; writing a record takes much less time


def refuse_unrecorded(run: Path, folder: Path) -> None:
    """Raise if a run has files, but none of them has a record in ``folder``.

    Such files were made by a call in another folder, or with another spelling of the run's path.
    Snakemake would assume that they are up to date, even if their data or parameters have changed.

    Parameters
    ----------
    run : Path
        The folder of the run, ``results/<run>``, as Snakemake will spell it.
    folder : Path
        The folder of the records, ``.snakemake/metadata``.

    Raises
    ------
    FringeError
        If the run has files without any record.
    """
    made = {str(path) for path in seals.sealed(run) if path.exists()}
    if made and made.isdisjoint(map(_output, _records(folder))):
        raise FringeError(
            f"{run}: was made by a call in another folder, or with another spelling of --results, "
            "so the data and parameters of its files are unknown; call from that folder, or give "
            "another --name"
        )


def _records(folder: Path) -> Iterator[Path]:
    """Yield the path of each record below ``folder``."""
    for place, _, names in os.walk(folder):
        for name in names:
            yield Path(place, name).relative_to(folder)


def remove_damaged_records(folder: Path, *, dry: bool = False) -> list[str]:
    """Remove the records in ``folder`` (``.snakemake/metadata``) that cannot be read.

    Snakemake ignores a truncated record, and then cannot decide whether the output is stale. A
    record that is not text ends Snakemake at every start. A named pipe makes Snakemake wait
    forever. A warning reports each record. With ``dry``, no record is removed.

    Returns
    -------
    list of str
        The outputs of these records. These outputs must be made again, because it is unknown what
        they were made from.
    """
    damaged = [folder / record for record in _records(folder) if not _is_whole(folder / record)]
    if damaged:
        time.sleep(WRITING)  # another run may be writing the record
    outputs = []
    for path in damaged:
        if _is_whole(path):
            continue
        output = _output(path.relative_to(folder))
        LOGGER.warning(
            "%s: Snakemake's record of %s is damaged\n  %s; the output will be made again",
            *(path, output or "an output", "a run would remove it" if dry else "removed"),
        )
        if not dry:
            path.unlink(missing_ok=True)
        if output is not None:
            outputs.append(output)
    return sorted(outputs)


def _is_whole(path: Path) -> bool:
    try:
        return isinstance(json.loads(read_text(path)), dict)
    except (FringeError, OSError, ValueError, RecursionError):
        return False


def _output(record: Path) -> str | None:
    """Return the output of a record, whose path is the output's path in base 64, split if long."""
    *folders, last = record.parts
    try:
        return urlsafe_b64decode("".join([*(one[1:] for one in folders), last])).decode()
    except ValueError:
        return None
