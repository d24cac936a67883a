"""What lies in the place of a file: pipes, devices, sockets, folders, holes, links of others."""

from __future__ import annotations

import fcntl
import os
import re
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.hostile.bounds import bounded

from fringe.configfile import read_config
from fringe.damage import damaged_files
from fringe.errors import FringeError
from fringe.evaluation import read_scores
from fringe.exchange import read_statistics
from fringe.files import atomic_path, create_h5, create_new, is_made_from, open_h5, remove_partial
from fringe.plan import digest
from fringe.regular import open_regular, read_regular
from fringe.sensitivity.region import open_region
from fringe.sources import open_source
from fringe.stand_ins import stand_in_at

HOLE = 64 << 30  # bytes


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link_to_pipe(path: Path) -> None:
    os.mkfifo(path.parent / "elsewhere")
    path.symlink_to(path.parent / "elsewhere")


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def terminal(path: Path) -> None:
    path.symlink_to("/dev/ptmx")


def listener(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(path.name)
    finally:
        os.chdir(here)


def folder(path: Path) -> None:
    path.mkdir()


def hole(path: Path) -> None:
    path.touch()
    os.truncate(path, HOLE)


IRREGULAR = {
    pipe: r"a named pipe \(FIFO\)",
    link_to_pipe: r"a named pipe \(FIFO\) behind a symbolic link",
    device: "a device behind a symbolic link",
    terminal: "a device behind a symbolic link",
    listener: "a socket",
}


def read_images(path: Path) -> Any:
    """Open a data set, take its fingerprint and read of it."""
    source = open_source(path, follow_links=True)
    return source.fingerprint, source.read([len(source) - 1]).shape


def read_entry(path: Path) -> Any:
    """Read a folder of images, ``path`` among them."""
    return read_images(path.parent)


def read_generator(path: Path) -> Any:
    from fringe.generators import load_generator

    return load_generator(path)


def read_weights(path: Path) -> Any:
    from fringe.checkpoints import read_state

    return read_state(path)


def read_inception(path: Path) -> Any:
    from fringe.networks import load_network

    return load_network("inception", path)


def hash_file(path: Path) -> Any:
    return digest(str(path), {"results": "results", "run": "run"})


def read_mask(path: Path) -> Any:
    return open_region(path, (8, 8))


def read_rows(path: Path) -> Any:
    return read_scores([path])


def read_own(path: Path) -> Any:
    with open_h5(path) as file:
        return list(file)


READERS: dict[str, Callable[[Path], Any]] = {
    "a.zip": read_images,
    "a.npz": read_images,
    "a.h5": read_images,
    "a.mdb": read_images,
    "a.tar": read_images,
    "a.parquet": read_images,
    "a.png": read_entry,
    "net.pkl": read_generator,
    "net.pth": read_weights,
    "pt_inception.pth": read_inception,
    "weights.pth": hash_file,
    "statistics.npz": read_statistics,
    "mask.png": read_mask,
    "config.yaml": read_config,
    "scores.csv": read_rows,
    "features.h5": read_own,
}


@pytest.mark.parametrize("name", READERS)
def test_only_regular_files_are_opened(tmp_path: Path, name: str) -> None:
    for number, (make, words) in enumerate(IRREGULAR.items()):
        path = tmp_path / str(number) / name
        path.parent.mkdir()
        make(path)
        outcome = bounded(READERS[name], path, seconds=20)
        assert outcome.kind == "refused", (make, outcome)
        assert re.search(f"{name}: .*is {words}, where a", outcome.result), outcome.result


@pytest.mark.parametrize("name", READERS)
def test_a_hole_of_64_gib_is_refused_in_no_time(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    hole(path)
    outcome = bounded(READERS[name], path, seconds=20)
    assert outcome.kind == "refused", outcome
    assert name in outcome.result
    assert outcome.seconds < 3


@pytest.mark.parametrize("name", [one for one in READERS if READERS[one] is not read_entry])
def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    outcome = bounded(READERS[name], tmp_path / name, seconds=20)
    assert outcome.kind == "refused", outcome
    assert name in outcome.result


def test_looking_for_a_stand_in_does_not_wait(tmp_path: Path) -> None:
    pipe(tmp_path / "a")
    outcome = bounded(stand_in_at, tmp_path / "a", seconds=20)
    assert (outcome.kind, outcome.result) == ("value", None)


def test_results_that_are_no_files_are_damaged(tmp_path: Path) -> None:
    """While the DAG is built."""
    for number, make in enumerate(IRREGULAR):
        place = tmp_path / f"features/source{number}"
        place.mkdir(parents=True)
        make(place / "net.h5")
    found = bounded(damaged_files, tmp_path, seconds=20)
    assert found.kind == "value"
    assert sorted(found.result) == sorted(tmp_path.glob("features/*/net.h5"))
    assert all("where a file must be" in reason for reason in found.result.values())
    assert not bounded(is_made_from, tmp_path / "features/source0/net.h5", {}).result


def test_small_and_large_files_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"", b"a", os.urandom(3 << 20)):
        path.write_bytes(content)
        assert read_regular(path, 3 << 20) == content
        with open_regular(path) as file:
            assert file.read() == content
            assert file.name == str(path)
    with pytest.raises(FringeError, match=r"file: has 3,145,728 bytes, and no file of its kind"):
        read_regular(path, (3 << 20) - 1)


def test_a_file_whose_size_is_not_told_is_read_whole() -> None:
    """As those of the kernel's own file systems are."""
    path = "/proc/self/mountinfo"
    assert read_regular(path, 1 << 20) == Path(path).read_bytes()
    with pytest.raises(FringeError, match=r"no file of its kind has more than 100"):
        read_regular(path, 100)


def test_a_lease_that_another_process_holds_is_waited_for(tmp_path: Path) -> None:
    """File servers take leases; who does not wait is told that the file is busy."""
    path = tmp_path / "file"
    path.write_text("content")
    with path.open("r+") as held:
        try:
            fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as error:
            pytest.skip(f"the file system has no leases ({error})")
        fcntl.fcntl(held, fcntl.F_SETSIG, 0)

        def give_back() -> None:
            time.sleep(0.2)
            fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)

        import signal

        before = signal.signal(signal.SIGIO, signal.SIG_IGN)
        thread = threading.Thread(target=give_back)
        thread.start()
        try:
            assert read_regular(path, 100) == b"content"
        finally:
            thread.join()
            signal.signal(signal.SIGIO, before)


def test_a_temporary_file_is_new_and_nobody_knows_its_name(tmp_path: Path) -> None:
    path, seen = tmp_path / "table.csv", set()
    for _ in range(3):
        with atomic_path(path) as partial:
            assert partial.stat().st_size == 0
            seen.add(partial.name)
            partial.write_text("whole")
    assert len(seen) == 3


def test_a_planted_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    monkeypatch.setattr("fringe.files.token_hex", lambda _: "known")
    with atomic_path(tmp_path / "file.h5") as partial:
        partial.write_text("first")
    partial.symlink_to(victim)
    with (
        pytest.raises(FringeError, match=r"file\.h5: cannot be written \(File exists\)"),
        create_h5(tmp_path / "file.h5", {}),
    ):
        pass
    with pytest.raises(FileExistsError):
        create_new(partial)
    assert victim.read_text() == "precious"


def test_a_link_that_takes_the_place_of_a_temporary_file_is_noticed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    words = "somebody put something else in its place"
    with pytest.raises(FringeError, match=words), atomic_path(tmp_path / "file") as partial:  # noqa: PT012
        partial.write_text("whole")
        partial.unlink()
        partial.symlink_to(victim)
    assert victim.read_text() == "precious"
    assert sorted(tmp_path.iterdir()) == [victim]


def test_a_link_in_the_place_of_a_result_is_replaced(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "file").symlink_to(victim)
    with atomic_path(tmp_path / "file") as partial:
        partial.write_text("whole")
    assert victim.read_text() == "precious"
    assert not (tmp_path / "file").is_symlink()


def test_long_names_have_temporary_files_that_are_found_again(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 120 + ".csv")
    with atomic_path(path) as partial:
        partial.write_text("whole")
        os.link(partial, partial.with_name(partial.name.replace(".part", "0.part")))
    assert len([*tmp_path.iterdir()]) == 2
    remove_partial(path)
    assert [*tmp_path.iterdir()] == [path]


def test_a_name_that_is_too_long_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 300 + ".h5")
    with (
        pytest.raises(FringeError, match=r"cannot be written \(File name too long\); choose short"),
        atomic_path(path),
    ):
        pytest.fail("the block ran")
    path = tmp_path / "file.h5"
    path.mkdir()
    with (
        pytest.raises(FringeError, match=r"file\.h5: cannot be written .*a folder is in its place"),
        atomic_path(path),
    ):
        pytest.fail("the block ran")


def test_images_of_a_folder_are_read_as_before(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("a.png")
    assert (open_source(tmp_path).read([0, 1]) == pixels).all()
