"""Local jobs start as forks of one process that has imported the libraries.

An interpreter and its imports take seconds, which is most of what a small job takes. Snakemake
starts each Python script as a shell command. This replaces the function that starts it inside
Snakemake, for commands that are nothing but this Python and a script: with a conda environment, a
container, environment modules or another shell the command is another one and starts as before. So
does all where the platform cannot fork safely, and where the environment variable `SWITCH` is
``no``.

The forks are those of `fringe.running.fork_server`, which starts with the first job. If that
process is killed, the jobs that it has forked are killed and fail, and later ones start as before.
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
# Variables that Snakemake sets for each job; a fork can still heed them.
OF_JOBS = frozenset((*THREADS, "TMPDIR", "TMP", "TEMPDIR", "TEMP"))
STRICT = ["set", "-euo", "pipefail;"]  # what Snakemake puts before each command for bash

logger = logging.getLogger(__name__)


class Forked:
    """A job in a fork: what Snakemake needs of a `subprocess.Popen`.

    The script begins when it is waited for, so that nothing of it is missed by who measures it.
    """

    def __init__(self, answer: socket.socket, call: tuple[str, str, dict[str, str]]) -> None:
        self._answer, self._call = answer, call
        self.pid = _number(answer)
        self._descriptor = os.pidfd_open(self.pid)

    def wait(self) -> int:
        """Run the script to its end; return its exit status, negative if a signal ended it."""
        try:
            self._answer.sendall(pickle.dumps(self._call))
            return _number(self._answer)
        except OSError:
            logger.warning("the process that starts jobs was killed, and so is its job")
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
            select.select([self._descriptor], [], [])
            return -signal.SIGKILL
        finally:
            self._answer.close()
            os.close(self._descriptor)


def _number(answer: socket.socket) -> int:
    """Return a number that the server tells, or raise if the server is gone."""
    received = answer.recv(8, socket.MSG_WAITALL)
    if len(received) < 8:
        raise ConnectionError("the server of forks is gone")
    return int(struct.unpack("q", received)[0])


class Server:
    """The process that forks, started in an environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = _of_run(environment)
        self._requests, theirs = socket.socketpair()
        with theirs:
            # A fork of a process with threads is not safe; a fork has its own number of threads.
            single = environment | dict.fromkeys(THREADS, "1")
            self.process = subprocess.Popen(
                [sys.executable, str(SERVER)], stdin=theirs.fileno(), env=single
            )
        atexit.register(self.stop)

    def fork(self, script: str, environment: dict[str, str], printed: int = 1) -> Forked:
        """Return a fork for a script, in the current folder, that prints to a descriptor."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._requests, [b"f"], [theirs.fileno(), 0, printed, 2])
        return Forked(ours, (script, os.getcwd(), environment))  # noqa: PTH109

    def fits(self, environment: dict[str, str]) -> bool:
        """Tell whether a job's environment differs only in what a fork can follow."""
        return _of_run(environment) == self.environment

    def stop(self) -> None:
        """End the process; forks go on."""
        atexit.unregister(self.stop)
        self._requests.close()
        self.process.kill()
        self.process.wait()


def _of_run(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in OF_JOBS}


def patch(shell: ModuleType | None = None) -> None:
    """Let Snakemake's ``shell`` start scripts as forks.

    Parameters
    ----------
    shell : module, optional
        By default the one that Snakemake has loaded. Nothing is done where Snakemake has loaded
        none or calls `subprocess` by another name, where it is patched already, and where jobs are
        not to be forked.
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
    """Return the script that a shell command runs in this Python, if it does nothing else."""
    if not options.get("shell") or options.get("stdout") == subprocess.PIPE:
        return None
    try:
        *strict, python, script = shlex.split(command)
    except ValueError:
        return None
    fits = strict in ([], STRICT) and python == sys.executable and script.endswith(".py")
    return script if fits else None


def _is_possible() -> bool:
    """Tell whether forks are wanted, and safe and known to the system: on Linux."""
    if os.environ.get(SWITCH) == "no" or sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True
