"""What every workflow script does around its one call: log, and end clearly."""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

from threadpoolctl import threadpool_limits

from fringe.config.model import RunConfig
from fringe.costs.logs import DESCRIPTION
from fringe.devices import utilization
from fringe.errors import DamagedFileError, FringeError
from fringe.files import seals
from fringe.files.atomic import create_new, remove_partial, written
from fringe.files.reasons import unwritable
from fringe.messages import show_messages
from fringe.plan.layout import run_folder
from fringe.running.workflow import is_installed
from fringe.texts import restored

__all__ = ["ScriptJob", "expose_library", "run"]

LOGGER = logging.getLogger(__name__)

# The params of jobs whose results Snakemake's report shows, beside these params: `inert` when they
# reach Snakemake.
SHOWN = ("about", "figure", "table", "verdict")


class ScriptJob(Protocol):
    """What a script is given: the part of Snakemake's job object that scripts use."""

    input: Any
    output: Any
    params: Any
    wildcards: Any
    config: RunConfig
    threads: int
    log: Any


def expose_library() -> None:
    """Let jobs find the library of a clone, in whatever environment they run (conda, container).

    A library that was installed from a wheel lies among other packages. Snakemake lets jobs look
    there after all other places; jobs that looked there first would find those packages, too.
    """
    if is_installed():
        return
    here = str(Path(__file__).parents[2])
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, others]))


def run(main: Callable[[ScriptJob], None], job: ScriptJob) -> None:
    """Call ``main(job)`` with everything it prints in the job's log.

    File descriptors are redirected, not only Python's streams, so what compiled libraries and
    worker processes print is there too. At its end stand how busy the GPU was, if the job computed
    on one, and what `read_description` reads.

    What a killed job left of the outputs is removed first. A scheduler's signal to end (SIGTERM)
    unwinds the call, so that it cleans up. Inputs are compared with their seals before the call,
    and outputs are sealed after it (`fringe.files.seals`).

    BLAS has one thread: Snakemake would let it use all threads of the job, and the last bits of a
    result depend on their number.

    A `FringeError` ends the process with its message, in the log and where the run was started, and
    exit status 1; any other error is a bug and keeps its traceback. A file of the run itself that
    turns out to be corrupt is set aside, so that the next run makes it again.
    """
    terminal = os.dup(sys.stderr.fileno())
    show_messages()
    try:
        _redirect(Path(job.log[0]))
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
        job = _unpacked(job)
        folder = Path(run_folder(job.config))
        for path in job.output:
            remove_partial(path)
            seals.begin(folder, path)
        for path in job.input:
            _refuse_other(folder, path)
        start = time.monotonic()
        with utilization.reported(), threadpool_limits(1, "blas"):
            main(job)
        for path in job.output:
            seals.seal(folder, path)
        LOGGER.info("%s", _describe(job))
        LOGGER.info("done in %.1f s", time.monotonic() - start)
    except (FringeError, OSError) as error:
        if not isinstance(error, FringeError):
            # What is printed goes to the log, which the disk may refuse at any time.
            told = unwritable(error) if error.filename is None else None
            if told is None:
                raise
            error = FringeError(f"{job.log[0]}: cannot be written ({told[0]}); {told[1]}")
        message = str(error)
        if isinstance(error, DamagedFileError) and _is_ours(error.path, job):
            from fringe.running.damage import set_corrupt_aside

            if set_corrupt_aside(Path(run_folder(job.config)), error.path):
                message += f"\n{error.path} was set aside: run again, which makes it"
        _tell(message, terminal)
        # Without Python's own end: HDF5 crashes in it after it could not write.
        os._exit(1)


def _refuse_other(folder: Path, path: str) -> None:
    """Refuse an input that is not what the job that made it sealed."""
    if reason := seals.fault(folder, path):
        raise DamagedFileError(f"{path}: {reason}", path)


def _unpacked(job: ScriptJob) -> ScriptJob:
    """Return a job with params as they were before they were `inert`, and with a typed config."""
    fields = {name: getattr(job, name) for name in ScriptJob.__annotations__ if hasattr(job, name)}
    params = fields.get("params")  # Snakemake unpacks them again each time
    for name in SHOWN:
        if hasattr(params, name):
            setattr(params, name, restored(getattr(params, name)))
    fields["config"] = RunConfig.model_validate(job.config)
    return SimpleNamespace(**fields)


def _describe(job: ScriptJob) -> str:
    """Return the line of a log that tells what a job was, paths relative to the run's folder."""
    folder = Path(run_folder(job.config))

    def paths(files: Iterable[str]) -> list[str]:
        return [os.path.relpath(file, folder) for file in files]

    told = {"threads": job.threads, "inputs": paths(job.input), "outputs": paths(job.output)}
    return f"{DESCRIPTION}{json.dumps(told)}"


def _redirect(log: Path) -> None:
    """Let everything that this process prints go to ``log``."""
    with written(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)  # perhaps a link to another file
        create_new(log)
        with log.open("w") as file:
            os.dup2(file.fileno(), sys.stdout.fileno())
            os.dup2(file.fileno(), sys.stderr.fileno())


def _is_ours(path: Path, job: ScriptJob) -> bool:
    """Tell whether a file lies in the run's own folder; anything else is not ours to rename."""
    folder = Path(run_folder(job.config)).resolve()
    return path.resolve().is_relative_to(folder)


def _tell(message: str, terminal: int) -> None:
    """Write an error to the log, if the disk has room for it, and to what was stderr before."""
    with suppress(OSError):
        LOGGER.error("%s", message)
    os.write(terminal, f"error: {message}\n".encode())
