"""Starts Snakemake in forks of a process that has imported the libraries which Snakemake needs.

Half of the time that a dry run takes is spent on imports. The first call starts the server, a clean
interpreter. The server forks for each run and outlives all runs of its test process. It imports
neither Snakemake, which notes where it was started, nor Fringe, of which each run has its own copy.
A fork does what ``python -m snakemake`` does and ends as an interpreter ends.
"""

from __future__ import annotations

import atexit
import importlib
import os
import pickle
import runpy
import subprocess
import sys
import tempfile
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

__all__ = ["run_snakemake"]

LIBRARIES = (
    *("docutils.core", "h5py", "imagecodecs", "jinja2", "nbformat", "numpy", "pandas", "PIL.Image"),
    *("psutil", "pulp", "pyarrow", "pydantic", "pygments", "requests", "scipy.linalg", "sqlmodel"),
    *("tenacity", "yaml"),
)

_server: list[tuple[subprocess.Popen[bytes], Connection]] = []  # that of this process, once started


def run_snakemake(
    arguments: list[str], folder: Path, environment: dict[str, str]
) -> tuple[int, str]:
    """Run Snakemake in a folder; return its exit status and all that it printed."""
    if not _server:
        _start()
    connection = _server[0][1]
    with tempfile.TemporaryFile() as printed:
        place = f"/proc/{os.getpid()}/fd/{printed.fileno()}"
        connection.send_bytes(pickle.dumps((arguments, str(folder), environment, place)))
        status: int = connection.recv()
        printed.seek(0)
        return status, printed.read().decode()


def _start() -> None:
    own, other = Pipe()
    server = subprocess.Popen(
        [sys.executable, __file__, str(other.fileno())],
        pass_fds=[other.fileno()],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    other.close()
    _server.append((server, own))
    atexit.register(_stop, server, own)


def _stop(server: subprocess.Popen[bytes], connection: Connection) -> None:
    connection.close()
    server.wait()


def _serve(connection: Connection) -> tuple[list[str], str, dict[str, str], str] | None:
    """Answer calls until the other end is closed; in a fork, return what it is to run."""
    for library in LIBRARIES:
        importlib.import_module(library)
    assert not {"fringe", "snakemake"} & sys.modules.keys()
    with suppress(EOFError):
        while True:
            request = pickle.loads(connection.recv_bytes())
            child = os.fork()
            if child == 0:
                connection.close()
                return request  # type: ignore[no-any-return]
            _, status = os.waitpid(child, 0)
            connection.send(os.waitstatus_to_exitcode(status))
    return None


if __name__ == "__main__":
    call = _serve(Connection(int(sys.argv[1])))
    if call is not None:
        arguments, folder, environment, place = call
        output = os.open(place, os.O_WRONLY | os.O_APPEND)
        for stream in 1, 2:
            os.dup2(output, stream)
        os.close(output)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        # As `python -m` makes the path, in place of the folder of this file.
        sys.path[:1] = [folder, *environment.get("PYTHONPATH", "").split(os.pathsep)]
        sys.argv = ["snakemake", *arguments]
        runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
