"""Start of local jobs as forks of one process that has already imported the libraries.

Starting an interpreter and importing the libraries takes seconds, most of the time of a small job.
Snakemake starts each Python script as a shell command. This module replaces the function that
starts the command inside Snakemake, but only for commands that consist of this Python and a script.
With a conda environment, a container, environment modules or another shell, the command differs and
starts as usual. All commands start as usual if the platform cannot fork safely, or if the
environment variable `SWITCH` is ``no``.

`fringe.running.fork_server` makes the forks. Its process starts with the first job. If that process
is killed, the jobs that it has forked are killed and fail. Later jobs start as usual.
"""

from __future__ import annotations

import atexit
import logging
import os
import pickle
import select
import shlex
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

__all__ = ["SWITCH", "Forked", "Server", "patch"]

SWITCH = "FRINGE_FORKS"
SERVER = Path(__file__).with_name("fork_server.py")
THREADS = (
    *("OMP_NUM_THREADS", "GOTO_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)
# Variables that Snakemake sets for each job. A fork can still apply them.
OF_JOBS = frozenset((*THREADS, "TMPDIR", "TMP", "TEMPDIR", "TEMP"))
STRICT = ["set", "-euo", "pipefail;"]  # what Snakemake puts before each command for bash

logger = logging.getLogger(__name__)


class Forked:
    """A job in a fork, with the part of `subprocess.Popen` that Snakemake uses.

    The script starts when `wait` is called, so that Snakemake's benchmark measures all of it.
    """

    def __init__(self, answer: socket.socket, call: tuple[str, str, dict[str, str]]) -> None:
        self._answer, self._call = answer, call
        self.pid = _number(answer)
        self._descriptor = os.pidfd_open(self.pid)

    def wait(self) -> int:
        """Run the script to its end, and return its exit status, negative if a signal ended it."""
        try:
            self._answer.sendall(pickle.dumps(self._call))
            return _number(self._answer)
        except OSError:
            logger.warning("the process that starts jobs was killed; its jobs are killed too")
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
            select.select([self._descriptor], [], [])
            return -signal.SIGKILL
        finally:
            self._answer.close()
            os.close(self._descriptor)


def _number(answer: socket.socket) -> int:
    """Return a number that the server sends, or raise if the server has ended."""
    received = answer.recv(8, socket.MSG_WAITALL)
    if len(received) < 8:
        raise ConnectionError("the fork server has ended")
    return int(struct.unpack("q", received)[0])


class Server:
    """The process that makes forks, started in an environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = _of_run(environment)
        self._requests, theirs = socket.socketpair()
        with theirs:
            # Forking a process with threads is not safe. Each fork sets its own number of threads.
            single = environment | dict.fromkeys(THREADS, "1")
            self.process = subprocess.Popen(
                [sys.executable, str(SERVER)], stdin=theirs.fileno(), env=single
            )
        atexit.register(self.stop)

    def fork(self, script: str, environment: dict[str, str], printed: int = 1) -> Forked:
        """Return a fork for a script, in the current folder, that prints to file ``printed``."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._requests, [b"f"], [theirs.fileno(), 0, printed, 2])
        return Forked(ours, (script, os.getcwd(), environment))  # noqa: PTH109

    def fits(self, environment: dict[str, str]) -> bool:
        """Return whether a job's environment differs only in variables that a fork can apply."""
        return _of_run(environment) == self.environment

    def stop(self) -> None:
        """End the process. Its forks continue."""
        atexit.unregister(self.stop)
        self._requests.close()
        self.process.kill()
        self.process.wait()


def _of_run(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in OF_JOBS}


def patch(shell: ModuleType | None = None) -> None:
    """Make Snakemake's ``shell`` start scripts as forks.

    Parameters
    ----------
    shell : module, optional
        By default, the module `snakemake.shell` if it is loaded. Nothing is changed if that module
        is not loaded, does not use the name ``sp`` for `subprocess`, or is already patched, or if
        forks are not wanted or not safe.
    """
    shell = shell or sys.modules.get("snakemake.shell")
    if getattr(shell, "sp", None) is not subprocess or not _is_possible():
        return
    lock = threading.Lock()
    server: Server | None = None
    failed = False

    def forked(command: Any, options: dict[str, Any]) -> Forked | None:
        nonlocal server, failed
        script, environment = _script(command, options), options.get("env")
        if script is None or environment is None or failed:
            return None
        printed = options.get("stdout")
        try:
            with lock:
                server = server or Server(environment)
                if not server.fits(environment):
                    return None
                return server.fork(script, environment, printed.fileno() if printed else 1)
        except OSError:
            failed = True
            return None

    def start(command: Any, **options: Any) -> Any:
        return forked(command, options) or subprocess.Popen(command, **options)

    shell.sp = SimpleNamespace(**{**vars(subprocess), "Popen": start})  # type: ignore[union-attr]


def _script(command: Any, options: dict[str, Any]) -> str | None:
    """Return the script that a shell command runs in this Python, if it runs nothing else."""
    if not options.get("shell") or options.get("stdout") == subprocess.PIPE:
        return None
    try:
        *strict, python, script = shlex.split(command)
    except ValueError:
        return None
    fits = strict in ([], STRICT) and python == sys.executable and script.endswith(".py")
    return script if fits else None


def _is_possible() -> bool:
    """Return whether forks are wanted, safe and supported by the system (Linux only)."""
    if os.environ.get(SWITCH) == "no" or sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True
