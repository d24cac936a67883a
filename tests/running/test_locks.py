"""Locks of a killed run are removed, but never locks of a living run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fringe.errors import FringeError
from fringe.running.locks import hold, refuse_held

CODE = """
import sys, time
from pathlib import Path
from fringe.running.locks import clear_stale_locks
print(clear_stale_locks(Path(".snakemake")), flush=True)
if sys.argv[1:]:
    Path(".snakemake/locks").mkdir(exist_ok=True)
    Path(".snakemake/locks/0.output.lock").write_text("file")
    print("locked", flush=True)
    time.sleep(600)
"""


HOLDING = """
import sys, time
from pathlib import Path
from fringe.running.locks import hold
hold(Path(sys.argv[1]))
print("locked", flush=True)
time.sleep(600)
"""


@pytest.fixture
def living(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Runs that continue until the test ends."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def start(folder: Path, code: str = CODE, argument: str = "work") -> subprocess.Popen[str]:
    """Start a run that takes a lock of Snakemake and continues."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, argument], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while "locked" not in process.stdout.readline():
        assert process.poll() is None
    return process


def clears(folder: Path) -> bool:
    """Return whether a short run removes locks."""
    done = subprocess.run([sys.executable, "-c", CODE], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip() == "True"


def lock(folder: Path) -> Path:
    return folder / ".snakemake/locks/0.output.lock"


def test_a_lock_of_a_killed_run_is_removed(tmp_path: Path) -> None:
    assert not clears(tmp_path)
    process = start(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert lock(tmp_path).exists()
    assert clears(tmp_path)
    assert not lock(tmp_path).exists()
    assert not clears(tmp_path)


def test_a_lock_of_a_living_run_stays(tmp_path: Path, living: list[subprocess.Popen[str]]) -> None:
    living.append(start(tmp_path))
    assert not clears(tmp_path)
    assert lock(tmp_path).exists()


def test_a_lock_stays_as_long_as_any_run_lives(
    tmp_path: Path, living: list[subprocess.Popen[str]]
) -> None:
    """Snakemake allows two runs on different files in one folder."""
    living += [start(tmp_path), start(tmp_path)]
    living[0].kill()
    living[0].wait()
    assert not clears(tmp_path)
    assert lock(tmp_path).exists()
    living[1].kill()
    living[1].wait()
    assert clears(tmp_path)


def test_a_lock_of_another_machine_stays(tmp_path: Path) -> None:
    process = start(tmp_path)
    process.kill()
    process.wait()
    (tmp_path / ".snakemake/fringe.lock").write_text("elsewhere 123456")
    for _ in range(2):
        assert not clears(tmp_path)
        assert lock(tmp_path).exists()


def test_a_run_holds_its_folder_until_it_ends(
    tmp_path: Path, living: list[subprocess.Popen[str]]
) -> None:
    run = tmp_path / "run"
    refuse_held(run)
    assert not run.exists()
    living.append(start(tmp_path, HOLDING, "run"))
    for refused in (refuse_held, hold):
        with pytest.raises(FringeError, match="run: another run works in this folder"):
            refused(run)
    living[0].kill()
    living[0].wait()
    refuse_held(run)


def test_a_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    """A job that outlives its killed run must not look like a run."""
    code = CODE.replace(
        "time.sleep(600)",
        "import subprocess; subprocess.Popen(['sleep', '20'], start_new_session=True); "
        "print('child', flush=True); time.sleep(600)",
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "work"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while "child" not in process.stdout.readline():
        assert process.poll() is None
    process.kill()
    process.wait()
    time.sleep(0.1)
    assert clears(tmp_path)
