"""Server that runs scripts in forks of a process that has already imported the libraries.

`fringe.running.forks` starts this file as a separate process, once per run, and requests a fork for
each job. Requests arrive through the socket at standard input. A request consists of one byte, a
socket for the answer, and the standard streams of the job. The fork itself then reads the call from
the answering socket. The process ends when the socket at standard input is closed, which happens
however the run ends. Running forks continue, as jobs with a separate interpreter do.

To a script, a fork looks like a new interpreter: arguments, paths, environment, folder, signals,
threads, random numbers, `__main__` and the end. No library that is imported here initializes CUDA,
because CUDA would then not work in forks.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import importlib
import os
import pickle
import runpy
import selectors
import signal
import socket
import struct
import sys
import tempfile
import threading
import types
import warnings
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from fringe.running.workflow import workflow_folder

__all__ = ["Call"]

# Modules that scripts import inside functions. Snakemake is not imported: it would change sys.path.
LIBRARIES = (
    *("fringe.generators", "fringe.networks", "fringe.resampling", "fringe.running.script"),
    *("imagecodecs", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf"),
    *("PIL.Image", "scipy.linalg", "scipy.optimize", "scipy.special", "threadpoolctl", "torch"),
)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STREAMS = (0, 1, 2)


class Call(NamedTuple):
    """A script to run as ``python script`` would, in a folder and an environment."""

    script: str
    folder: str
    environment: dict[str, str]


def preload(scripts: Path) -> None:
    """Import all modules that the scripts of a folder import.

    Errors are ignored here, because the same import fails again in the job.
    """
    for library in LIBRARIES:
        with suppress(Exception):
            importlib.import_module(library)
    for script in sorted(scripts.glob("*.py")):
        with suppress(Exception):
            runpy.run_path(str(script), run_name="preloaded")
    gc.collect()
    # Without this, the next garbage collection in each fork would copy all memory pages.
    gc.freeze()


def serve(requests: socket.socket) -> socket.socket | None:
    """Fork at each request. Return the answering socket in a fork, and None at the end."""
    answers: dict[int, tuple[int, socket.socket]] = {}  # by the descriptor of a fork
    with selectors.PollSelector() as selector:  # unlike epoll, not shared with forks
        selector.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not requests:
                    selector.unregister(key.fileobj)
                    _report(key.fd, *answers.pop(key.fd))
                    continue
                request, handles, *_ = socket.recv_fds(requests, 1, 1 + len(STREAMS))
                if not request:
                    return None  # the run has ended
                answer = socket.socket(fileno=handles[0])
                with warnings.catch_warnings():
                    # Python 3.12 warns about the only other thread, that of pyarrow's allocator
                    # (jemalloc). The allocator restarts this thread in forks.
                    warnings.simplefilter("ignore", DeprecationWarning)
                    number = os.fork()
                if number == 0:
                    for descriptor, (_, other) in answers.items():
                        os.close(descriptor)
                        other.close()
                    requests.close()
                    _take(handles[1:])
                    return answer
                for handle in handles[1:]:
                    os.close(handle)
                ended = os.pidfd_open(number)
                answers[ended] = number, answer
                selector.register(ended, selectors.EVENT_READ)
                with suppress(OSError):
                    answer.sendall(struct.pack("q", number))


def _report(ended: int, number: int, answer: socket.socket) -> None:
    """Send the exit code of a fork that has ended."""
    _, status = os.waitpid(number, 0)
    os.close(ended)
    with suppress(OSError), answer:
        answer.sendall(struct.pack("q", os.waitstatus_to_exitcode(status)))


def _take(streams: list[int]) -> None:
    """Make file descriptors the standard streams of this process."""
    for number, stream in zip(STREAMS, streams, strict=True):
        os.dup2(stream, number)
        os.close(stream)


def prepare(call: Call) -> None:
    """Bring this fork into the state of a new interpreter at the start of a script."""
    os.chdir(call.folder)
    os.environ.clear()
    os.environ.update(call.environment)
    sys.argv = [call.script]
    if not sys.flags.safe_path:
        sys.path.insert(0, str(Path(call.script).parent))
    tempfile.tempdir = None  # TMPDIR may have changed
    if numbers := sys.modules.get("numpy.random"):
        numbers.seed()
    threads = int(call.environment.get("OMP_NUM_THREADS", 1))
    if threadpools := sys.modules.get("threadpoolctl"):
        threadpools.threadpool_limits(threads)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)
        torch.default_generator.seed()


def run(script: str) -> None:
    """Run a script as `__main__`."""
    main = types.ModuleType("__main__")
    vars(main).update(__file__=script, __builtins__=builtins)
    sys.modules["__main__"] = main
    exec(compile(Path(script).read_bytes(), script, "exec"), vars(main))


def end(error: BaseException | None) -> None:
    """End this process as an interpreter ends, but without clearing its modules."""
    status, interrupted = 0, isinstance(error, KeyboardInterrupt)
    if isinstance(error, SystemExit):
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        if error.code is not None and not isinstance(error.code, int):
            print(error.code, file=sys.stderr)
    elif error is not None:
        status = 1
        sys.excepthook(type(error), error, error.__traceback__)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    if interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(status & 0xFF)


def begin(answer: socket.socket) -> BaseException | None:
    """Run the requested script, and return the exception that ended it, or None."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        with answer, answer.makefile("rb") as sent:
            call = Call(*pickle.load(sent))
        prepare(call)
        run(call.script)
    except BaseException as error:
        inner = error.__traceback__
        # The traceback of a new interpreter would not contain lines of this file.
        while inner is not None and inner.tb_frame.f_code.co_filename == __file__:
            inner = inner.tb_next
        return error.with_traceback(inner)
    return None


def main() -> None:
    """Serve requests; in a fork, run a script."""
    # Ctrl-C and signals to all processes of a run are meant for Snakemake and the jobs. A signal
    # that arrives while a fork starts is delivered once the fork is ready.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    requests = socket.socket(fileno=os.dup(0))
    if not sys.flags.safe_path:
        del sys.path[0]  # the folder of this file
    preload(workflow_folder() / "workflow" / "scripts")
    answer = serve(requests)
    if answer is not None:
        end(begin(answer))
    os._exit(0)


if __name__ == "__main__":
    main()
