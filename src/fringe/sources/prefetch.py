"""Images decoded ahead of the network, in this process or in others.

Decoders of image files let other threads run meanwhile, so threads of this process decode as fast
as processes would, and cost nothing to start and nothing to hand images over. Processes are worth
it where Python itself is the bottleneck: sources that compute their images, and a GPU that is fed
by a busy interpreter.

Worker processes are plain child interpreters that speak pickle over their own pipes. They are
neither forked (the parent holds PyTorch's threads and perhaps a GPU) nor do they import the
parent's script again, as ``multiprocessing`` would, and they end when the parent's end of the pipe
closes, even if it was killed.
"""

from __future__ import annotations

import io
import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from fringe.errors import FringeError
from fringe.progress import progress
from fringe.sources.ahead import Ahead, along
from fringe.sources.decoder_warnings import Warned, collected_warnings, hand_on

if TYPE_CHECKING:
    from fringe.sources import ImageSource

__all__ = ["WORKER", "batches", "decoded", "filled_up", "read_ahead"]

# What a process that decodes runs; its command line contains this.
WORKER = "from fringe.sources.prefetch import serve; serve()"

THREADS = 8  # that decode: each holds batches; more would fill the memory and decode no faster
AHEAD = 2  # batches asked for beyond the one in use, per thread or worker

Result = TypeVar("Result")


def batches(
    source: ImageSource,
    bounds: Sequence[tuple[int, int]],
    title: str,
    *,
    batch_size: int,
    workers: int = 0,
    total: int | None = None,
) -> Generator[tuple[int, int, np.ndarray], None, None]:
    """Yield each (first, last) of ``bounds`` with its images, and show the progress as ``title``.

    Images are `decoded` in ``workers`` processes; if 0, in as many threads as PyTorch computes
    with. Close the generator where it may be left before its end (``contextlib.closing``).

    Parameters
    ----------
    source : ImageSource
    bounds : sequence of (first, last)
    title : str
    batch_size : int
        Images that a batch counts for in the progress.
    workers : int
    total : int, optional
        Images that the progress counts up to; those within ``bounds`` by default.

    Raises
    ------
    FringeError
        As `decoded`.
    """
    import torch

    if total is None:
        total = sum(last - first for first, last in bounds)
    threads = min(torch.get_num_threads(), THREADS)
    with closing(decoded(source, bounds, workers, threads)) as reading:
        pairs = zip(bounds, reading, strict=True)
        for (first, last), images in progress(
            pairs, title, total=total, unit="images", step=batch_size
        ):
            yield first, last, images


def decoded(
    source: ImageSource, bounds: Sequence[tuple[int, int]], workers: int = 0, threads: int = 1
) -> Generator[np.ndarray, None, None]:
    """Yield ``source.read(range(first, last))`` for each of ``bounds``, in their order.

    Reading runs ahead of the caller: in ``threads`` of this process when ``workers`` is 0, else in
    that many processes. At most ``AHEAD + 1`` batches per thread or worker exist at a time. The
    images do not depend on either number, nor do the warnings of decoders, which are handed on with
    each batch (`fringe.sources.decoder_warnings`).

    Raises
    ------
    FringeError
        What the source raises, and when a worker process dies.
    """
    if workers == 0:
        yield from read_ahead(along(source, bounds).read, bounds, threads)
    else:
        yield from _in_processes(source, bounds, min(workers, len(bounds)))


def filled_up(images: np.ndarray, batch_size: int) -> np.ndarray:
    """Return ``images`` (k, H, W, 3) as a full batch: its last image repeated where too few.

    The last bits of what a network makes of an image may depend on the size of its batch.
    """
    missing = batch_size - len(images)
    if missing:
        images = np.concatenate([images, np.repeat(images[-1:], missing, axis=0)])
    # Copied only where it must be: PyTorch wants memory that it may write to.
    return np.require(images, requirements=["C", "W"])


def read_ahead(
    read: Callable[[np.ndarray], Result], bounds: Sequence[tuple[int, int]], threads: int = 1
) -> Generator[Result, None, None]:
    """Yield ``read(indices)`` for each of ``bounds``, in their order, read ahead in ``threads``."""

    def read_and_collect(indices: np.ndarray) -> tuple[Result, list[Warned]]:
        with collected_warnings() as warned:
            return read(indices), warned

    def arrived(future: Future[tuple[Result, list[Warned]]]) -> Result:
        result, warned = future.result()
        hand_on(warned)
        return result

    pending: deque[Future[tuple[Result, list[Warned]]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        try:
            for first, last in bounds:
                pending.append(pool.submit(read_and_collect, np.arange(first, last)))
                if len(pending) > AHEAD * threads:
                    yield arrived(pending.popleft())
            while pending:
                yield arrived(pending.popleft())
        finally:
            for future in pending:
                future.cancel()


def _in_processes(
    source: ImageSource, bounds: Sequence[tuple[int, int]], workers: int
) -> Generator[np.ndarray, None, None]:
    children = [_Child(along(source, bounds[number::workers])) for number in range(workers)]
    try:
        ahead = AHEAD * workers
        for index, batch in enumerate(bounds[:ahead]):
            children[index % workers].ask(*batch)
        for index in range(len(bounds)):
            if index + ahead < len(bounds):
                children[(index + ahead) % workers].ask(*bounds[index + ahead])
            yield children[index % workers].answer()
    finally:
        for child in children:
            child.stop()


class _Child:
    """A child interpreter that reads from a copy of the source, in the order it is asked."""

    def __init__(self, source: ImageSource | Ahead) -> None:
        paths = os.pathsep.join(str(Path(path).absolute()) for path in sys.path)
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # One thread each: the parent's network wants the other cores.
            env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        )
        self._send(source)

    def ask(self, first: int, last: int) -> None:
        self._send((first, last))

    def answer(self) -> np.ndarray:
        assert isinstance(self.process.stdout, io.BufferedReader)
        try:
            result = pickle.load(self.process.stdout)
        except (EOFError, pickle.UnpicklingError) as error:
            raise self._dead() from error
        if isinstance(result, BaseException):
            raise result
        shape, warned = result
        hand_on(warned)
        # The pixels follow as they are: pickled, they would be copied twice more.
        images = np.empty(shape, np.uint8)
        if self.process.stdout.readinto(images.data.cast("B")) != images.nbytes:
            raise self._dead()
        return images

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _send(self, message: object) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(pickle.dumps(message))
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise self._dead() from error

    def _dead(self) -> FringeError:
        status = self.process.wait()
        return FringeError(
            f"a process that decodes images died (exit status {status}; -9 often means that "
            "memory ran out); run again with fewer workers"
        )


def serve() -> None:
    """Answer requests on standard input until it closes; the other half of ``_Child``."""
    # The parent answers for Ctrl-C; this process ends when its pipes do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = sys.stdin.buffer
    # The pipe to the parent gets a number of its own, so that nothing printed can mix with it.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        source: ImageSource = pickle.load(requests)
        while True:
            try:
                first, last = pickle.load(requests)
            except EOFError:
                return
            images: np.ndarray | None = None
            try:
                with collected_warnings() as warned:
                    images = np.ascontiguousarray(source.read(np.arange(first, last)))
                head: object = images.shape, warned
            except Exception as error:
                head = error
            try:
                answers.write(pickle.dumps(head))
                if images is not None:
                    answers.write(images.data)
                answers.flush()
            except BrokenPipeError:
                os._exit(1)  # the parent is gone, and so is whoever would read a traceback
