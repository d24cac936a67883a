"""Pipes, devices, sockets, folders, holes and links of other users instead of a file."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.hostile.bounds import bounded

from fringe.config.faults import _results_faults
from fringe.config.file import read_config
from fringe.devices.claims import claim
from fringe.errors import FringeError
from fringe.exchange import read_statistics, write_features
from fringe.files.atomic import atomic_path, create_new, remove_partial
from fringe.files.hdf5 import create_h5, is_made_from, open_h5
from fringe.files.regular import fault_at, open_regular, read_regular
from fringe.files.sharing import open_to_all
from fringe.files.stand_ins import stand_in_at
from fringe.plan.digests import digest
from fringe.running.damage import damaged_files
from fringe.running.locks import clear_stale_locks
from fringe.running.staging import fetch_for_run
from fringe.scores.rows import read_scores, write_scores
from fringe.sensitivity.region import open_region
from fringe.sources import open_source
from fringe.sources.base import readable
from fringe.sources.generated import GeneratedSource
from fringe.sources.memory import Memory

from ..run_configs import changed, run_config

ROOT = Path(__file__).parents[2]

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
    """Open a data set, compute its fingerprint and read images."""
    source = open_source(path, follow_links=True)
    return source.fingerprint, source.read([len(source) - 1]).shape


def read_entry(path: Path) -> Any:
    """Read a folder of images that contains ``path``."""
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
    return digest(str(path), run_config({}))


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
        assert re.search(f"{name}: .*is {words}, not a file", outcome.result), outcome.result


# Weights of inception are read like those of other networks, after the network is built.
@pytest.mark.parametrize("name", [one for one in READERS if READERS[one] is not read_inception])
def test_a_hole_of_64_gib_is_refused_within_seconds(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    hole(path)
    outcome = bounded(READERS[name], path, seconds=20)
    assert outcome.kind == "refused", outcome
    assert name in outcome.result
    assert outcome.seconds < 3


@pytest.mark.parametrize("name", [one for one in READERS if READERS[one] is not read_entry])
def test_a_folder_instead_of_a_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    outcome = bounded(READERS[name], tmp_path / name, seconds=20)
    assert outcome.kind == "refused", outcome
    assert name in outcome.result


def test_the_check_for_placeholder_files_does_not_wait(tmp_path: Path) -> None:
    pipe(tmp_path / "a")
    outcome = bounded(stand_in_at, tmp_path / "a", seconds=20)
    assert (outcome.kind, outcome.result) == ("value", None)


def test_results_that_are_not_files_are_damaged(tmp_path: Path) -> None:
    """The check runs while the DAG is built."""
    for number, make in enumerate(IRREGULAR):
        place = tmp_path / f"features/source{number}"
        place.mkdir(parents=True)
        make(place / "net.h5")
    found = bounded(damaged_files, tmp_path, seconds=20)
    assert found.kind == "value"
    assert sorted(found.result) == sorted(tmp_path.glob("features/*/net.h5"))
    assert all(", not a file;" in reason for reason in found.result.values())
    assert not bounded(is_made_from, tmp_path / "features/source0/net.h5", {}).result


def test_small_and_large_files_are_read_completely(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"", b"a", os.urandom(3 << 20)):
        path.write_bytes(content)
        assert read_regular(path, 3 << 20) == content
        with open_regular(path) as file:
            assert file.read() == content
            assert file.name == str(path)
    with pytest.raises(FringeError, match=r"file: has 3,145,728 bytes, and a file of its kind"):
        read_regular(path, (3 << 20) - 1)


def test_a_file_without_a_size_is_read_completely() -> None:
    """Files of the kernel's own file systems have no size."""
    path = "/proc/self/mountinfo"
    assert read_regular(path, 1 << 20) == Path(path).read_bytes()
    with pytest.raises(FringeError, match=r"a file of its kind has at most 100"):
        read_regular(path, 100)


def test_a_lease_that_another_process_holds_is_waited_for(tmp_path: Path) -> None:
    """File servers take leases; a process that does not wait is refused as busy."""
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


def test_a_temporary_file_is_new_and_has_a_random_name(tmp_path: Path) -> None:
    path, seen = tmp_path / "table.csv", set()
    for _ in range(3):
        with atomic_path(path) as partial:
            assert partial.stat().st_size == 0
            seen.add(partial.name)
            partial.write_text("whole")
    assert len(seen) == 3
    other = tmp_path / "other.csv"
    other.write_text("as any program writes a file")
    assert path.stat().st_mode == other.stat().st_mode


def test_a_planted_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    monkeypatch.setattr("fringe.files.atomic.token_hex", lambda _: "known")
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


def test_a_link_that_replaces_a_temporary_file_is_noticed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    words = "somebody replaced it with something else"
    with pytest.raises(FringeError, match=words), atomic_path(tmp_path / "file") as partial:  # noqa: PT012
        partial.write_text("whole")
        partial.unlink()
        partial.symlink_to(victim)
    assert victim.read_text() == "precious"
    assert sorted(tmp_path.iterdir()) == [victim]


def test_a_link_instead_of_a_result_is_replaced(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "file").symlink_to(victim)
    with atomic_path(tmp_path / "file") as partial:
        partial.write_text("whole")
    assert victim.read_text() == "precious"
    assert not (tmp_path / "file").is_symlink()


def test_temporary_files_of_long_names_are_found_again(tmp_path: Path) -> None:
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
        pytest.raises(FringeError, match=r"file\.h5: cannot be written .*a folder has its name"),
        atomic_path(path),
    ):
        pytest.fail("the block ran")


def test_images_of_a_folder_are_still_read(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("a.png")
    assert (open_source(tmp_path).read([0, 1]) == pixels).all()


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_text("precious")
    return path


PLANTED = (Path.symlink_to, Path.hardlink_to)


@pytest.mark.parametrize("plant", PLANTED)
def test_a_link_instead_of_a_lock_is_refused(
    tmp_path: Path, victim: Path, plant: Callable[[Path, Path], None]
) -> None:
    for claim_lock, name in ((clear_stale_locks, "fringe.lock"), (claim_gpu, "GPU-0.lock")):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir(mode=0o700)
        plant(folder / name, victim)
        outcome = bounded(claim_lock, folder)
        assert outcome.kind == "refused", outcome
        assert f"{name}: is not a lock file, but a link to another file" in outcome.result
        (folder / name).unlink()
        os.mkfifo(folder / name)
        assert "or not a file; remove it" in bounded(claim_lock, folder).result
        (folder / name).unlink()
        assert bounded(claim_lock, folder).kind == "value"
    assert victim.read_text() == "precious"


def claim_gpu(folder: Path) -> int | None:
    return claim(["GPU-0"], folder)


def test_a_folder_of_locks_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "fringe-gpus-0"
    assert bounded(claim_gpu, folder).result == 0
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    assert "everyone may write there" in bounded(claim_gpu, folder).result
    (tmp_path / "link").symlink_to(folder)
    assert "is a link" in bounded(claim_gpu, tmp_path / "link").result
    if os.geteuid() == 0:
        folder.chmod(0o700)
        os.chown(folder, 12345, 12345)
        assert "belongs to another user" in bounded(claim_gpu, folder).result


@pytest.mark.parametrize("plant", PLANTED)
def test_a_link_instead_of_a_log_is_replaced(
    tmp_path: Path, victim: Path, plant: Callable[[Path, Path], None]
) -> None:
    log = tmp_path / "logs/rule/job.log"
    log.parent.mkdir(parents=True)
    plant(log, victim)
    assert run_job(log, "print('a line')") == (0, "")
    assert log.read_text().startswith("a line")
    assert victim.read_text() == "precious"


def run_job(log: Path, body: str) -> tuple[int, str]:
    """Run a script as the workflow does; return its exit status and its messages to the user."""
    code = f"""
from types import SimpleNamespace
from fringe.running.script import run
def main(job):
    {body}
run(main, SimpleNamespace(
    log=[{str(log)!r}], output=[], input=[], threads=1, params={{}}, wildcards={{}},
    config={run_config({}).plain()!r},
))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=log.anchor
    )
    return done.returncode, done.stderr


def test_a_log_that_cannot_be_written_is_reported_in_one_line(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    body = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (999, 999)); "
    status, printed = run_job(log, body + "[print('a' * 99, flush=True) for _ in range(99)]")
    assert status == 1
    assert printed == (
        f"error: {log}: cannot be written (File too large); the file would be larger than "
        "the limit: raise the limit (`ulimit -f unlimited`), or choose a folder on another file "
        "system\n"
    )
    status, printed = run_job(tmp_path / ("a" * 300 + ".log"), "pass")
    assert status == 1
    assert "cannot be written (File name too long); choose shorter names" in printed
    (tmp_path / "b.log").mkdir()
    status, printed = run_job(tmp_path / "b.log", "pass")
    assert "b.log: cannot be written (Is a directory); a folder has its name" in printed


def write_under_a_limit(path: Path, how: str) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    if how == "hdf5":
        with create_h5(path, {}) as file:
            file["a"] = np.zeros(100_000)
    elif how == "hdf5 as it is closed":
        with create_h5(path, {}) as file:
            for number in range(200):
                file[f"a{number}"] = number
    elif how == "table":
        write_scores(path, [{"value": number} for number in range(5000)], {}, 0)
    elif how == "archive":
        write_features(path, np.zeros((100, 100)))
    else:
        Memory(path).add("group", {str(number): "x" * 100 for number in range(1000)})


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.h5", "hdf5"),
        ("a.h5", "hdf5 as it is closed"),
        ("a.csv", "table"),
        ("a.npz", "archive"),
        ("memory", "memory"),
    ],
)
def test_a_limit_on_the_size_of_files_is_reported(tmp_path: Path, name: str, how: str) -> None:
    outcome = bounded(write_under_a_limit, tmp_path / name, how)
    assert outcome.kind == "refused", outcome
    assert re.search(rf"/{name}.*: cannot be written \(File too large\); .*ulimit", outcome.result)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("number", [errno.EDQUOT, errno.ESTALE, errno.EIO, errno.ELOOP])
def test_errors_of_a_disk_have_a_fix(tmp_path: Path, number: int) -> None:
    words = rf"file: cannot be written \({os.strerror(number)}\); .{{20}}.*run again: finished"
    with pytest.raises(FringeError, match=words), atomic_path(tmp_path / "file"):
        raise OSError(number, os.strerror(number))
    with pytest.raises(FringeError, match=r"images\.zip: .{20}"), readable("images.zip"):
        raise OSError(number, os.strerror(number))


def test_a_read_error_is_not_reported_as_a_write_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output") as caught, atomic_path(tmp_path / "file"):
        raise OSError(errno.EIO, os.strerror(errno.EIO), "/data/images.zip")
    assert not isinstance(caught.value, FringeError)


def test_a_circle_of_links_is_named(tmp_path: Path) -> None:
    for name in ("a.zip", "a.h5", "a.yaml"):
        (tmp_path / name).symlink_to(tmp_path / name)
    for call in (open_source, fault):
        with pytest.raises(FringeError, match=r"a\.zip: .*form a loop"):
            call(tmp_path / "a.zip")
    with pytest.raises(FringeError, match=r"a\.yaml: .*form a loop"):
        read_config(tmp_path / "a.yaml")


def fault(path: Path) -> None:
    raise FringeError(fault_at(path) or "")


def test_folders_of_a_group_are_trusted_and_world_writable_folders_are_not(
    tmp_path: Path,
) -> None:
    if os.geteuid():
        pytest.skip("only root can give folders away")
    folder = tmp_path / "results"
    folder.mkdir()
    own, other = os.getegid(), 12345
    for user, group, mode, is_trusted in (
        (0, own, 0o777, True),  # of root, or of the user
        (12345, own, 0o2770, True),  # a project's folder
        (12345, own, 0o2777, True),
        (12345, other, 0o755, True),  # not writable for the user; other checks report this
        (12345, other, 0o1777, True),  # users cannot remove files of other users
        (12345, other, 0o777, False),
        (12345, own, 0o707, False),
    ):
        os.chown(folder, user, group)
        folder.chmod(mode)
        assert (open_to_all(folder) is None) is is_trusted, (user, group, oct(mode))
    assert "results belongs to another user (12345), and everyone may" in str(open_to_all(folder))


def test_a_run_in_a_world_writable_folder_is_refused_unless_allowed(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give folders away")
    config = run_config({"results": str(tmp_path / "results")})
    (tmp_path / "results").mkdir()
    os.chown(tmp_path / "results", 12345, 12345)
    (tmp_path / "results").chmod(0o777)
    (found,) = _results_faults(config)
    assert "or set `shared_results: true`" in found
    assert [*_results_faults(changed(config, {"shared_results": True}))] == []
    (found,) = _results_faults(changed(config, {"results": str(tmp_path / ("a" * 300))}))
    assert "cannot be written to (File name too long); choose shorter names" in found


def test_remembered_hashes_replace_no_files_of_other_users(tmp_path: Path) -> None:
    """A group's folder may be a link to another folder, or contain files of other users."""
    memory = Memory(tmp_path / ".fingerprints")
    memory.add("group", {"a": "1"})
    (place,) = (tmp_path / ".fingerprints").iterdir()
    (place / "notes.json").write_text("{}")
    os.mkfifo(place / "1-01234567.json")
    memory.add("group", {"b": "2"})
    assert (place / "notes.json").read_text() == "{}"
    assert Memory(memory.folder).read("group") == {"a": "1", "b": "2"}
    place.rename(tmp_path / "home")
    place.symlink_to(tmp_path / "home")
    with pytest.raises(FringeError, match=f"{place.name}: is a symbolic link to another folder"):
        memory.add("group", {"c": "3"})
    assert Memory(memory.folder).read("group") == {}
    assert (tmp_path / "home/notes.json").exists()


ODD = {
    "a name that is too long": ("a" * 300, "longer than this system can open"),
    "a path that is too long": ("/".join(["b" * 100] * 60), "longer than this system can open"),
    "a file in the place of a folder": ("file", "one of its folders is a file"),
    "a circle": ("circle", "form a loop"),
    "nothing": ("nothing", "does not exist"),
    "a null character": ("a\0b", "null character|does not exist"),
}


# Files of a run are then missing or damaged; a network is built first.
OTHERS = (read_entry, read_rows, read_own, read_inception)


@pytest.mark.parametrize("odd", ODD)
def test_a_path_that_leads_nowhere_is_reported_in_one_message(tmp_path: Path, odd: str) -> None:
    place, words = ODD[odd]
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    calls: dict[str, Callable[[Path], Any]] = {
        **{name: call for name, call in READERS.items() if call not in OTHERS},
        "a.ckpt": open_source,
        "net.pt": lambda path: GeneratedSource(path, 3),
        "stage.yaml": lambda path: fetch_for_run(path),
    }
    for name, call in calls.items():
        with pytest.raises(FringeError, match=words) as caught:
            call(tmp_path / place / name)
        assert len(str(caught.value)) < 7000
        assert len(str(caught.value).splitlines()) <= 2


def test_a_pattern_may_be_longer_than_a_name(tmp_path: Path) -> None:
    pattern = f"{{{','.join(f'{number:03}' for number in range(100))}}}.tar"
    assert len(pattern) > 255
    with pytest.raises(FringeError, match=r"000\.tar: does not exist"):
        open_source(tmp_path / pattern)
