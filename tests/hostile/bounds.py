"""Run a call in a separate process with limits on time and memory, and return the outcome.

    def check() -> None:
        outcome = bounded(read, path, memory=64 << 20)
        assert outcome.kind == "refused"
        assert "bomb.png" in outcome.result

A hostile file may end or hang the process that reads it, so tests do not read such a file
themselves. The first call starts a server, a clean interpreter that has imported the libraries
which read files. The server forks for each call, which takes about 10 ms, and runs until its test
process ends.

The function must be importable (a function of a test module is), and its arguments and its value
must be picklable. To read many small inputs, use one call whose function loops.
"""

import atexit
import gc
import importlib
import os
import pickle
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

__all__ = ["Outcome", "bounded", "described", "unmeasured"]

ROOT = Path(__file__).parents[2]

# What the server imports once, for all of its children.
LIBRARIES = (
    *("torch", "pyarrow.parquet", "h5py", "lmdb", "safetensors.torch", "imagecodecs", "simplejpeg"),
    *(
        "pandas",
        "yaml",
        "pydantic",
        "fringe.checkpoints",
        "fringe.sources",
        "fringe.config.faults",
    ),
)

# Messages of libraries that got no memory and do not raise MemoryError.
_LACKS = re.compile("allocate memory|memory allocation|out of memory", re.IGNORECASE)

_server: list[tuple[subprocess.Popen[bytes], Connection]] = []  # of this process, once started


@dataclass(frozen=True)
class Outcome:
    """The outcome of a call.

    Attributes
    ----------
    kind : str
        One of

        * ``value``: the call returned;
        * ``refused``: the call raised a ``FringeError``;
        * ``raised``: the call raised another exception;
        * ``memory``: the call got no more memory, and raised any exception for this reason;
        * ``time``: the call was still running at the time limit;
        * ``signal``: a signal ended the call, such as SIGBUS, SIGSEGV or SIGABRT.
    result : object
        The value; the message of the ``FringeError``; the type and message of another exception;
        or the name of the signal. None for ``time``.
    peak : int
        The peak memory minus the memory at the start, in bytes.
    seconds : float
        The processor time of the call, which does not depend on other processes.
    """

    kind: str
    result: Any
    peak: int
    seconds: float


def bounded(
    call: Callable[..., Any], *arguments: Any, seconds: float = 30, memory: int = 256 << 20
) -> Outcome:
    """Return the outcome of ``call(*arguments)`` in a separate process.

    Parameters
    ----------
    call : callable
        A function that can be imported by its name.
    arguments : object
        The arguments of the function.
    seconds : float
        The wall-clock time after which the call is ended.
    memory : int
        The memory limit in bytes, in addition to the memory at the start. Files that are mapped
        for reading do not count.
    """
    if sys.platform != "linux":
        pytest.skip("these bounds are those of Linux")
    if not _server:
        _start()
    connection = _server[0][1]
    request = pickle.dumps((call, arguments))
    connection.send((call.__module__, str(Path.cwd()), seconds, memory))
    connection.send_bytes(request)
    return Outcome(*pickle.loads(connection.recv_bytes()))


def unmeasured() -> dict[str, str]:
    """Return the environment without coverage.py, which opens files and takes memory."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}


def _start() -> None:
    own, other = Pipe()
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    server = subprocess.Popen(
        [sys.executable, __file__, str(other.fileno())],
        pass_fds=[other.fileno()],
        stdin=subprocess.DEVNULL,
        env={**unmeasured(), "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    other.close()
    _server.append((server, own))
    atexit.register(_stop, server, own)


def _stop(server: subprocess.Popen[bytes], connection: Connection) -> None:
    connection.close()
    server.wait()


def _serve(connection: Connection) -> None:
    """Answer calls until the other end is closed."""
    tests = ModuleType("tests")  # another installed package may have the same name
    tests.__path__ = [str(ROOT / "tests")]
    sys.modules["tests"] = tests
    for library in LIBRARIES:
        importlib.import_module(library)
    Image.init()
    with suppress(EOFError):
        while True:
            module, folder, seconds, memory = connection.recv()
            request = connection.recv_bytes()
            importlib.import_module(module)
            gc.freeze()  # so that children do not copy pages when they only read objects
            connection.send_bytes(pickle.dumps(_forked(request, folder, seconds, memory)))


def _forked(request: bytes, folder: str, seconds: float, memory: int) -> tuple[Any, ...]:
    """Return the fields of the `Outcome` of a call in a child."""
    with tempfile.TemporaryFile() as answer:
        child = os.fork()
        if child == 0:
            _child(request, folder, seconds, memory, answer.fileno())
        _, status, usage = os.wait4(child, 0)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # the processes that the call started
        answer.seek(0)
        begin = int.from_bytes(answer.read(8), "big")
        written = answer.read()
    peak = max(0, usage.ru_maxrss * 1024 - begin)
    took = usage.ru_utime + usage.ru_stime
    if os.WIFSIGNALED(status):
        ended = signal.Signals(os.WTERMSIG(status))
        if ended == signal.SIGALRM:
            return "time", None, peak, took
        return "signal", ended.name, peak, took
    if not written:
        return "raised", f"SystemExit: {os.WEXITSTATUS(status)}", peak, took
    return *pickle.loads(written), peak, took


def _child(request: bytes, folder: str, seconds: float, memory: int, answer: int) -> None:
    """Run a call, write its outcome to a file, and end."""
    os.setsid()
    os.chdir(folder)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in 1, 2:
        os.dup2(nowhere, stream)
    os.write(answer, (_in_use("VmRSS")).to_bytes(8, "big"))
    most = _in_use("VmData") + memory
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends the process in any state
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        call, arguments = pickle.loads(request)
        written = pickle.dumps(("value", call(*arguments)))
    except BaseException as error:
        written = pickle.dumps(described(error))
    view = memoryview(written)
    while view:
        view = view[os.write(answer, view) :]
    os._exit(0)


def described(error: BaseException) -> tuple[str, str]:
    """Return kind and result of the `Outcome` of a call that raised an exception."""
    from fringe.errors import FringeError

    if any(isinstance(one, MemoryError) or _LACKS.search(str(one)) for one in _chain(error)):
        return "memory", f"{type(error).__name__}: {error}"
    if isinstance(error, FringeError):
        return "refused", str(error)
    return "raised", f"{type(error).__name__}: {error}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, its cause, the cause of the cause, and so on."""
    following: BaseException | None = error
    seen = set()
    while following is not None and id(following) not in seen:
        seen.add(id(following))  # an exception may be its own cause
        yield following
        following = following.__cause__ or following.__context__


def _in_use(field: str) -> int:
    """Return a memory statistic of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])))
