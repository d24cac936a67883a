"""Wrapper around the main function of every workflow script: logging, checks and a clear end."""

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

# Params that Snakemake's report shows next to the results. They are `inert` in Snakemake.
SHOWN = ("about", "figure", "table", "verdict")


class ScriptJob(Protocol):
    """The argument of a script: the part of Snakemake's job object that scripts use."""

    input: Any
    output: Any
    params: Any
    wildcards: Any
    config: RunConfig
    threads: int
    log: Any


def expose_library() -> None:
    """Add the library of a clone to ``PYTHONPATH``, for jobs in conda environments and containers.

    A library that was installed from a wheel is in a folder with other packages. That folder must
    not come first, because jobs would then also find these other packages. Snakemake itself adds
    the folder after all others.
    """
    if is_installed():
        return
    here = str(Path(__file__).parents[2])
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, others]))


def run(main: Callable[[ScriptJob], None], job: ScriptJob) -> None:
    """Call ``main(job)``, and write everything that it prints to the job's log.

    File descriptors are redirected, not only Python's streams, so the log also has the output of
    compiled libraries and worker processes. The log ends with the utilization of the GPU, if the
    job used a GPU, and with the description of the job that `read_description` reads.

    Partial outputs of a killed job are removed first. SIGTERM, the signal by which a scheduler ends
    a job, raises SystemExit in the call, so that the call cleans up. Inputs are compared with their
    seals before the call, and outputs are sealed after the call (`fringe.files.seals`).

    BLAS uses one thread. By default it would use all threads of the job, and the last bits of a
    result depend on the number of threads.

    After a `FringeError`, the process ends with exit status 1. The message is in the log and is
    printed where the run was started. Any other error is a bug and keeps its traceback. A file of
    the run that turns out to be corrupt is renamed, so that the next run makes the file again.
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
            # Printed text goes to the log, and the disk may refuse a write to the log at any time.
            found = unwritable(error) if error.filename is None else None
            if found is None:
                raise
            reason, advice = found
            error = FringeError(f"{job.log[0]}: cannot be written ({reason}); {advice}")
        message = str(error)
        if isinstance(error, DamagedFileError) and _is_ours(error.path, job):
            from fringe.running.damage import SUFFIX, rename_corrupt

            if rename_corrupt(Path(run_folder(job.config)), error.path):
                renamed = f"{error.path.name}{SUFFIX}"
                message += f"\n{error.path} was renamed to {renamed}; run again to make it again"
        _report(message, terminal)
        # Skips Python's normal exit, in which HDF5 crashes after a failed write.
        os._exit(1)


def _refuse_other(folder: Path, path: str) -> None:
    """Refuse an input that differs from its seal."""
    if reason := seals.fault(folder, path):
        raise DamagedFileError(f"{path}: {reason}", path)


def _unpacked(job: ScriptJob) -> ScriptJob:
    """Return a job with its `inert` params restored and with a typed config."""
    fields = {name: getattr(job, name) for name in ScriptJob.__annotations__ if hasattr(job, name)}
    params = fields.get("params")  # Snakemake unpacks params on each access
    for name in SHOWN:
        if hasattr(params, name):
            setattr(params, name, restored(getattr(params, name)))
    fields["config"] = RunConfig.model_validate(job.config)
    return SimpleNamespace(**fields)


def _describe(job: ScriptJob) -> str:
    """Return the line of a log that describes a job, with paths relative to the run's folder."""
    folder = Path(run_folder(job.config))

    def paths(files: Iterable[str]) -> list[str]:
        return [os.path.relpath(file, folder) for file in files]

    about = {"threads": job.threads, "inputs": paths(job.input), "outputs": paths(job.output)}
    return f"{DESCRIPTION}{json.dumps(about)}"


def _redirect(log: Path) -> None:
    """Redirect everything that this process prints to ``log``."""
    with written(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)  # perhaps a link to another file
        create_new(log)
        with log.open("w") as file:
            os.dup2(file.fileno(), sys.stdout.fileno())
            os.dup2(file.fileno(), sys.stderr.fileno())


def _is_ours(path: Path, job: ScriptJob) -> bool:
    """Return whether a file is in the run's own folder; other files must not be renamed."""
    folder = Path(run_folder(job.config)).resolve()
    return path.resolve().is_relative_to(folder)


def _report(message: str, terminal: int) -> None:
    """Write an error to the log, if the disk has space, and to the original stderr."""
    with suppress(OSError):
        LOGGER.error("%s", message)
    os.write(terminal, f"error: {message}\n".encode())
