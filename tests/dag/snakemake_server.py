"""Start Fringe, Snakemake and its jobs in forks of a process that has imported libraries.

A small job or a dry run spends most of its time on imports. The first call starts the server, a
clean interpreter, which runs until its test process ends. The server does not import Snakemake,
which records the folder in which it was started, or Fringe, because each run has its own copy. A
fork does the same as ``python -m fringe``, ``python -m snakemake`` or ``python script.py``. It ends
like an interpreter, except that it does not clear the modules, which takes a third of a second.

Fringe and Snakemake start the client instead of Python. The client sends a script, or Snakemake, to
the server, with its own standard streams and the descriptor of its events. For other commands, the
client replaces itself by Python.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import pickle
import runpy
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

__all__ = ["run_fringe", "run_snakemake"]

LIBRARIES = (
    *("docutils.core", "h5py", "imagecodecs", "jinja2", "matplotlib.backends.backend_agg"),
    *("matplotlib.backends.backend_pdf", "nbformat", "numpy", "pandas", "PIL.Image", "psutil"),
    *("pulp", "pyarrow", "pydantic", "pygments", "requests", "scipy.linalg", "scipy.optimize"),
    *("simplejpeg", "sqlmodel", "tenacity", "torch", "torchvision", "tqdm", "yaml"),
)
SOCKET, CLIENT = "socket", "python"  # names in the server's folder
DESCRIPTOR = "FRINGE_EVENTS"  # same name as in fringe.running.following, which is not imported here

# The client imports only modules that load quickly.
CLIENT_TEXT = """\
#!{python} -SE
import os, pickle, signal, socket, struct, sys
script = len(sys.argv) == 2 and sys.argv[1].endswith(".py")
if not script and sys.argv[1:3] != ["-m", "snakemake"]:
    os.execv("{python}", ["{python}", *sys.argv[1:]])
server = socket.socket(socket.AF_UNIX)
server.connect("{folder}/{socket}")
call = pickle.dumps((sys.argv[1:], os.getcwd(), dict(os.environ)))
events = [int(os.environ["{events}"])] if "{events}" in os.environ else []
socket.send_fds(server, [struct.pack("q", len(call))], [0, 1, 2, *events])
server.sendall(call)
status = struct.unpack("q", server.recv(8))[0]
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""

Call = tuple[list[str], str, dict[str, str]]  # arguments of Python, folder, environment

_folders: list[Path] = []  # of this process's server, once started


def run_snakemake(
    arguments: list[str], folder: Path, environment: dict[str, str]
) -> tuple[int, str]:
    """Run Snakemake in a folder; return its exit status and its output."""
    with tempfile.TemporaryFile() as printed:
        call: Call = (["-m", "snakemake", *arguments], str(folder), environment)
        status = _send(call, printed, printed)
        return status, _text(printed)


def run_fringe(
    arguments: list[str], folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the command ``fringe`` in a folder."""
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as errors:
        call: Call = (["-m", "fringe", *arguments], str(folder), environment)
        status = _send(call, printed, errors)
        return subprocess.CompletedProcess(arguments, status, _text(printed), _text(errors))


def _send(call: Call, printed: IO[bytes], errors: IO[bytes]) -> int:
    """Send a call to the server; return the exit status of the call."""
    if not _folders:
        _start()
    sent = pickle.dumps(call)
    with (
        open(os.devnull) as nothing,  # noqa: PTH123
        socket.socket(socket.AF_UNIX) as server,
    ):
        server.connect(str(_folders[0] / SOCKET))
        streams = [nothing.fileno(), printed.fileno(), errors.fileno()]
        socket.send_fds(server, [struct.pack("q", len(sent))], streams)
        server.sendall(sent)
        (status,) = struct.unpack("q", server.recv(8))
        return int(status)


def _text(printed: IO[bytes]) -> str:
    printed.seek(0)
    return printed.read().decode()


def _start() -> None:
    """Start the server, which ends with this process."""
    folder = Path(tempfile.mkdtemp(prefix="fringe-"))
    client = folder / CLIENT
    places = {"folder": folder, "socket": SOCKET, "events": DESCRIPTOR}
    client.write_text(CLIENT_TEXT.format(python=sys.executable, **places))
    client.chmod(0o755)
    server = subprocess.Popen(
        [sys.executable, __file__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert server.stdin is not None
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n", "the server of Snakemake did not start"
    _folders.append(folder)
    atexit.register(_stop, server, folder)


def _stop(server: subprocess.Popen[bytes], folder: Path) -> None:
    server.communicate()
    shutil.rmtree(folder)


def _serve(folder: Path) -> Call | None:
    """Answer calls until standard input is closed; in a fork, return the call to run."""
    for library in LIBRARIES:
        importlib.import_module(library)
    assert not {"fringe", "snakemake"} & sys.modules.keys()
    signal.signal(signal.SIGCHLD, _reap)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / SOCKET))
        listening.listen(64)
        gc.collect()
        gc.freeze()
        os.write(1, b"ready\n")
        while sys.stdin not in (ready := select.select([sys.stdin, listening], [], [])[0]):
            assert ready == [listening]
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                return _answer(connection)
            connection.close()
    return None


def _reap(*_: object) -> None:
    """Wait for the forks that have ended, so that their processor time is counted."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _answer(connection: socket.socket) -> Call:
    """Fork once more; return the call in the child, and send its exit status in the parent."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, streams, *_ = socket.recv_fds(connection, 8, 4)
    (length,) = struct.unpack("q", head)
    call = b""
    while len(call) < length:
        call += connection.recv(length - len(call))
    child = os.fork()
    if child == 0:
        connection.close()
        found: Call = pickle.loads(call)
        numbers = [0, 1, 2, *([int(found[2][DESCRIPTOR])] if len(streams) > 3 else [])]
        for number, stream in zip(numbers, streams, strict=True):
            if stream != number:
                os.dup2(stream, number)
                os.close(stream)
        return found
    # When a client is killed, its processes end too.
    ended = os.pidfd_open(child)
    if ended not in select.select([ended, connection], [], [])[0]:
        os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    with suppress(BrokenPipeError):
        connection.sendall(struct.pack("q", os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _run(arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """Do the same as ``python`` with these arguments, in this process."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # The same path as Python's, instead of the folder of this file.
    found = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    options: dict[str, Any] = {"run_name": "__main__"}
    if arguments[0] == "-m":
        sys.executable = str(Path(sys.argv[1]) / CLIENT)
        sys.path[:1] = [folder, *found]
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], **options, alter_sys=True)
    else:
        sys.path[:1] = [str(Path(arguments[0]).resolve().parent), *found]
        sys.argv = arguments
        runpy.run_path(arguments[0], **options)


def _end(call: Call) -> None:
    """Run a call, and end this process with the exit status of ``python``."""
    status = 0
    try:
        _run(*call)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
    except BaseException:
        status = 1
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


if __name__ == "__main__":
    received = _serve(Path(sys.argv[1]))
    if received is not None:
        _end(received)
