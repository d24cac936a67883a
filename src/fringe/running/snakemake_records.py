"""Snakemake's records of what each output was made from, and those that a crash damaged."""

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

WRITING = 0.5  # seconds: a record is written in far less


def refuse_unrecorded(run: Path, folder: Path) -> None:
    """Raise if files of a run are there, and none of them has a record in ``folder``.

    They were made by a call in another folder, or with another spelling of the run's path.
    Snakemake would take them for up to date, whatever they were made from.

    Parameters
    ----------
    run : Path
        The folder of the run, ``results/<run>``, as Snakemake is to spell it.
    folder : Path
        That of the records, ``.snakemake/metadata``.

    Raises
    ------
    FringeError
        If so.
    """
    made = {str(path) for path in seals.sealed(run) if path.exists()}
    if made and made.isdisjoint(map(_output, _records(folder))):
        raise FringeError(
            f"{run}: was made by a call in another folder, or with another spelling of --results, "
            "so this call cannot tell what its files were made from; call from that folder, or "
            "give another --name"
        )


def _records(folder: Path) -> Iterator[Path]:
    """Yield the path of each record below ``folder``."""
    for place, _, names in os.walk(folder):
        for name in names:
            yield Path(place, name).relative_to(folder)


def remove_damaged_records(folder: Path, *, dry: bool = False) -> list[str]:
    """Remove the records in ``folder`` (``.snakemake/metadata``) that cannot be read.

    Snakemake passes over a record that is cut short, and then does not know any more whether its
    output is stale. It ends at one that is not text, at every start, and waits for ever for a named
    pipe. A warning reports each; with ``dry`` that is all.

    Returns
    -------
    list of str
        The outputs of these records. Nobody knows what they were made from, so they are to be made
        again.
    """
    damaged = [folder / record for record in _records(folder) if not _is_whole(folder / record)]
    if damaged:
        time.sleep(WRITING)  # another run may be writing one
    outputs = []
    for path in damaged:
        if _is_whole(path):
            continue
        output = _output(path.relative_to(folder))
        LOGGER.warning(
            "%s: Snakemake's record of %s is damaged\n  %s; the output is made again",
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
    """Return the output that a record is about: its path in base 64, in pieces if it is long."""
    *folders, last = record.parts
    try:
        return urlsafe_b64decode("".join([*(one[1:] for one in folders), last])).decode()
    except ValueError:
        return None
