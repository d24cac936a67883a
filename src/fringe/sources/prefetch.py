"""Decode images ahead of the network, in threads of this process or in other processes.

Decoders of image files let other threads run at the same time. Threads of this process therefore
decode as fast as processes would, start at no cost, and need not copy images between processes.
Processes only pay off if Python itself is the bottleneck: for sources that compute their images,
and if a busy interpreter feeds a GPU.

Worker processes are plain child interpreters that exchange pickles through their own pipes. They
are not forked, because the parent has PyTorch's threads and perhaps a GPU. They do not import the
script of the parent, as ``multiprocessing`` would. They end when the parent's end of the pipe
closes, even if the parent was killed.
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

# The code of a worker process, which its command line contains.
WORKER = "from fringe.sources.prefetch import serve; serve()"

THREADS = 8  # at most: each holds batches; more would use more memory but decode no faster
AHEAD = 2  # batches requested in advance, per thread or worker

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
    """Yield (first, last, images) for each of ``bounds``, and show the progress as ``title``.

    Images are `decoded` in ``workers`` processes. If ``workers`` is 0, they are decoded in as many
    threads as PyTorch uses. Close the generator if it may end early (``contextlib.closing``).

    Parameters
    ----------
    source : ImageSource
    bounds : sequence of (first, last)
    title : str
    batch_size : int
        Number of images by which a batch advances the progress.
    workers : int
    total : int, optional
        Total of the progress, in images; by default, the number of images in ``bounds``.

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

    Reading runs ahead of the caller: in ``threads`` threads of this process if ``workers`` is 0,
    otherwise in ``workers`` processes. At most ``AHEAD + 1`` batches per thread or worker exist at
    a time. The images do not depend on these numbers. Neither do the warnings of decoders, which
    are handed on with each batch (`fringe.sources.decoder_warnings`).

    Raises
    ------
    FringeError
        If the source raises one, or a worker process dies.
    """
    if workers == 0:
        yield from read_ahead(along(source, bounds).read, bounds, threads)
    else:
        yield from _in_processes(source, bounds, min(workers, len(bounds)))


def filled_up(images: np.ndarray, batch_size: int) -> np.ndarray:
    """Return ``images`` (k, H, W, 3) as a full batch; repeat the last image if k is too small.

    The last bits of a network's output may depend on the size of the batch.
    """
    missing = batch_size - len(images)
    if missing:
        images = np.concatenate([images, np.repeat(images[-1:], missing, axis=0)])
    # Copy only if necessary: PyTorch needs writable memory.
    return np.require(images, requirements=["C", "W"])


def read_ahead(
    read: Callable[[np.ndarray], Result], bounds: Sequence[tuple[int, int]], threads: int = 1
) -> Generator[Result, None, None]:
    """Yield ``read(indices)`` for each of ``bounds``, in their order, read ahead in threads."""

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
    """A child interpreter that reads from a copy of the source, in the order of the requests."""

    def __init__(self, source: ImageSource | Ahead) -> None:
        paths = os.pathsep.join(str(Path(path).absolute()) for path in sys.path)
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # One thread each: the network of the parent needs the other cores.
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
        # The pixels follow as raw bytes: a pickle would copy them twice more.
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
    """Answer requests on standard input until it closes; this is the child's side of ``_Child``."""
    # The parent handles Ctrl-C; this process ends when its pipes close.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = sys.stdin.buffer
    # A new descriptor for the pipe to the parent, so that printed text cannot mix with it.
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
                os._exit(1)  # the parent has ended, so nobody would read a traceback
