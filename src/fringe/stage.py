"""What every workflow script does around its one call: log, and end clearly."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from fringe.errors import FringeError

__all__ = ["Job", "expose_library", "run"]


class Job(Protocol):
    """What a script is given: the part of Snakemake's job object that scripts use."""

    input: Any
    output: Any
    params: Any
    wildcards: Any
    config: Any
    threads: int
    log: Any


def expose_library() -> None:
    """Let jobs find this very library, in whatever environment they run (conda, container)."""
    here = str(Path(__file__).parents[1])
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, others]))


def run(main: Callable[[Job], None], job: Job) -> None:
    """Call ``main(job)`` with everything it prints in the job's log.

    File descriptors are redirected, not only Python's streams, so what compiled libraries and
    worker processes print is there too. A `FringeError` ends the process with its message and
    exit status 1; any other error is a bug and keeps its traceback.
    """
    log = Path(job.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    start = time.monotonic()
    try:
        main(job)
    except FringeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"done in {time.monotonic() - start:.1f} s", file=sys.stderr)
