"""Decoding ahead in threads and processes gives the same images in the same order."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fringe.errors import FringeError
from fringe.sources import ImageSource, open_source, prefetch, source_from_spec
from fringe.sources.prefetch import AHEAD, WORKER, batches, decoded

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="no /proc on this system"
)
BOUNDS = [(first, first + 3) for first in range(0, 30, 3)] + [(30, 31)]


class CountedSource:
    """A source that counts how far reading has run ahead."""

    name = "counted"
    resolution = (2, 2)
    fingerprint = "0" * 64
    simulated = False

    def __init__(self) -> None:
        self.batches = 0

    def __len__(self) -> int:
        return 31

    def read(self, indices: np.ndarray) -> np.ndarray:
        self.batches += 1
        return np.zeros((len(indices), 2, 2, 3), dtype=np.uint8)


class DyingSource(CountedSource):
    """A source that kills its process, like the kernel when memory runs out."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (9,)


@pytest.fixture(scope="module")
def photos() -> ImageSource:
    spec = {"kind": "photos", "count": 31, "resolution": 32, "seed": 4}
    return source_from_spec(spec)


@pytest.mark.parametrize(("workers", "threads"), [(0, 1), (0, 4), (1, 1), (3, 1)])
def test_all_images_in_order(photos: ImageSource, workers: int, threads: int) -> None:
    found = list(decoded(photos, BOUNDS, workers, threads))
    assert [len(batch) for batch in found] == [3] * 10 + [1]
    assert np.array_equal(np.concatenate(found), photos.read(range(31)))


@pytest.mark.parametrize("total", [None, 40])
def test_batches_come_with_their_bounds_and_are_counted(
    photos: ImageSource, monkeypatch: pytest.MonkeyPatch, total: int | None
) -> None:
    shown: dict[str, object] = {}

    def progress(items: Iterable[object], title: str, **about: object) -> Iterable[object]:
        shown.update(about, title=title)
        return items

    monkeypatch.setattr(prefetch, "progress", progress)
    found = list(batches(photos, BOUNDS, "a title", batch_size=3, total=total))
    assert [(first, last) for first, last, _ in found] == BOUNDS
    assert np.array_equal(np.concatenate([images for *_, images in found]), photos.read(range(31)))
    assert shown == {"title": "a title", "total": total or 31, "unit": "images", "step": 3}


@needs_proc
def test_workers_end_when_batches_are_closed(photos: ImageSource) -> None:
    reading = batches(photos, BOUNDS, "a title", batch_size=3, workers=2)
    next(reading)
    assert len(children(os.getpid())) == 2
    reading.close()
    assert not children(os.getpid())


def test_more_workers_than_batches(photos: ImageSource) -> None:
    (batch,) = decoded(photos, [(5, 7)], workers=4)
    assert np.array_equal(batch, photos.read([5, 6]))


def test_reading_runs_ahead_by_a_limited_number_of_batches() -> None:
    source = CountedSource()
    found = decoded(source, BOUNDS)
    next(found)
    assert source.batches <= 4
    found.close()
    assert source.batches <= 4


def test_threads_end_with_their_caller() -> None:
    source = CountedSource()
    found = decoded(source, BOUNDS, threads=2)
    next(found)
    found.close()
    assert source.batches <= 2 * AHEAD + 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


@pytest.mark.parametrize("workers", [0, 2])
def test_the_message_for_an_unreadable_image_names_it(tmp_path: Path, workers: int) -> None:
    for index in range(8):
        Image.fromarray(np.full((8, 8, 3), index, dtype=np.uint8)).save(tmp_path / f"{index}.png")
    source = open_source(tmp_path)
    broken = tmp_path / "6.png"
    broken.write_bytes(broken.read_bytes()[:50])
    with pytest.raises(FringeError, match=r"6\.png"):
        list(decoded(source, [(0, 4), (4, 8)], workers))


def test_a_worker_that_dies_is_reported() -> None:
    with pytest.raises(FringeError, match="process that decodes images died"):
        list(decoded(DyingSource(), BOUNDS, workers=1))


def children(parent: int) -> set[int]:
    """Return the decoding processes of ``parent``."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            status = (folder / "status").read_text()
            if WORKER.encode() in command and f"\nPPid:\t{parent}\n" in status:
                found.add(int(folder.name))
    return found


@needs_proc
def test_workers_end_with_their_caller(photos: ImageSource) -> None:
    found = decoded(photos, BOUNDS, workers=2)
    next(found)
    assert len(children(os.getpid())) == 2
    found.close()
    assert not children(os.getpid())


@needs_proc
def test_workers_end_when_their_caller_is_killed() -> None:
    code = (
        "from fringe.sources.prefetch import AHEAD, decoded\n"
        "from fringe.sources import source_from_spec\n"
        "spec = dict(kind='photos', count=64, resolution=256, seed=0)\n"
        "found = decoded(source_from_spec(spec), [(0, 32), (32, 64)] * 9, workers=2)\n"
        "next(found)\n"
        "print('started', flush=True)\n"
        "input()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        workers = children(parent.pid)
        parent.kill()
    assert len(workers) == 2
    deadline = time.monotonic() + 20
    while any(running(worker) for worker in workers):
        assert time.monotonic() < deadline, "decoding processes outlive their parent"
        time.sleep(0.05)


def running(process: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    with suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    return False
