"""The wrapper of scripts: the log, the end of the process, and damaged files of the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from fringe.costs.logs import read_description
from fringe.files.hdf5 import create_h5
from fringe.running.script import expose_library

from ..run_configs import run_config

JOB = f"""
import os, sys
from types import SimpleNamespace
from fringe.errors import FringeError
from fringe.files.hdf5 import open_h5
from fringe.running.script import run
CONFIG = {run_config({}).plain()!r}
job = SimpleNamespace(
    log=["logs/job.log"], config=CONFIG, threads=2,
    input=["results/run/made.h5", "data/given.zip"], output=["results/run/scores/s.csv"],
)
def main(job):
"""


def script(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    """Run a job in a separate process, as Snakemake does."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return subprocess.run(
        [sys.executable, "-c", f"{JOB}{lines}run(main, job)"],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_all_output_is_in_the_log(tmp_path: Path) -> None:
    body = "print('one')\nprint('two', file=sys.stderr)\nos.system('echo three')"
    done = script(tmp_path, body)
    log = (tmp_path / "logs/job.log").read_text()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(log.splitlines()[:3]) == ["one", "three", "two"]
    assert "done in 0." in log
    assert read_description(log) == {
        "threads": 2,
        "inputs": ["made.h5", "../../data/given.zip"],
        "outputs": ["scores/s.csv"],
    }


def test_blas_has_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although Snakemake allows it all threads of the job."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    body = (
        "from threadpoolctl import threadpool_info\n"
        "import numpy\n"
        "print({one['num_threads'] for one in threadpool_info() if one['user_api'] == 'blas'})"
    )
    assert script(tmp_path, body).returncode == 0
    assert (tmp_path / "logs/job.log").read_text().startswith("{1}\n")


def test_gpu_utilization_is_in_the_log(tmp_path: Path) -> None:
    script_file = tmp_path / "nvidia-smi"
    script_file.write_text("#!/bin/sh\necho '87, 12345'\n")
    script_file.chmod(0o755)
    body = (
        "import time; from fringe.devices import utilization\n"
        "utilization.INTERVAL = 0.01; os.environ['PATH'] = os.getcwd() + ':' + os.environ['PATH']\n"
        "utilization.watch('ab')\n"
        "while not utilization._samples['ab']: time.sleep(0.01)"
    )
    assert script(tmp_path, body).returncode == 0
    log = (tmp_path / "logs/job.log").read_text()
    assert log.startswith("GPU utilization: 87 % in the mean of ")
    assert "at most 12,345 MiB" in log


def test_an_expected_error_has_a_message_and_no_traceback(tmp_path: Path) -> None:
    done = script(tmp_path, "raise FringeError('data.zip: is empty; fill it')")
    assert done.returncode == 1
    log = (tmp_path / "logs/job.log").read_text()
    assert log == "error: data.zip: is empty; fill it\n"
    assert read_description(log) is None
    assert done.stderr == "error: data.zip: is empty; fill it\n", "also where the run was started"


def test_a_bug_keeps_its_traceback(tmp_path: Path) -> None:
    done = script(tmp_path, "1 / 0")
    assert done.returncode == 1
    log = (tmp_path / "logs/job.log").read_text()
    assert "Traceback" in log
    assert "ZeroDivisionError" in log


def test_a_log_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file in the folder's place")
    done = script(tmp_path, "print('never')")
    assert done.returncode == 1
    assert "error: logs/job.log: cannot be written" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_message_is_printed_even_if_the_log_is_full(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/job.log").symlink_to("/dev/full")
    done = script(tmp_path, "raise FringeError('out.h5: the disk is full')")
    assert done.returncode == 1
    assert "error: out.h5: the disk is full" in done.stderr


@pytest.mark.parametrize(("place", "renamed"), [("results/run", True), ("data", False)])
def test_a_corrupt_file_of_the_run_is_renamed(tmp_path: Path, place: str, renamed: bool) -> None:
    """A corrupt file of the user is not renamed."""
    path = tmp_path / place / "file.h5"
    with create_h5(path, {}) as file:
        file.create_dataset("values", data=np.arange(5000), fletcher32=True)
    with h5py.File(path) as file:
        offset = file["values"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)
    done = script(tmp_path, f"with open_h5('{place}/file.h5') as file:\n    file['values'][()]")
    assert done.returncode == 1
    assert path.exists() != renamed
    assert path.with_name("file.h5.damaged").exists() == renamed
    log = (tmp_path / "logs/job.log").read_text()
    assert f"error: {place}/file.h5: missing or damaged" in log
    assert ("was renamed to file.h5.damaged; run again" in log) == renamed


def test_an_intact_file_is_not_renamed(tmp_path: Path) -> None:
    """A file system that was unavailable for a moment damages nothing."""
    path = tmp_path / "results/run/file.h5"
    with create_h5(path, {}) as file:
        file["values"] = [1]
    body = "with open_h5('results/run/file.h5') as file:\n    raise OSError('stale handle')"
    assert script(tmp_path, body).returncode == 1
    assert path.exists()


def test_jobs_find_this_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    expose_library()
    here, other = os.environ["PYTHONPATH"].split(os.pathsep)
    assert (Path(here) / "fringe" / "running" / "script.py").is_file()
    assert other == str(tmp_path)


def test_a_terminated_job_leaves_no_partial_files(tmp_path: Path) -> None:
    """Partial files of a job killed with SIGKILL are removed by the next job."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    output = tmp_path / "results/run/scores/s.csv"
    output.parent.mkdir(parents=True)
    (output.parent / ".s~killed.part.csv").touch()
    ready = tmp_path / "ready"
    body = """
    import time
    from fringe.files.atomic import atomic_path; from fringe.files.hdf5 import create_h5
    with atomic_path(job.output[0]) as path, create_h5("file.h5", {}, scratch=True):
        path.touch()
        open("ready", "w").close()
        time.sleep(60)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", f"{JOB}{body}\nrun(main, job)"],
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(scratch)},
    )
    limit = time.monotonic() + 30
    while not ready.exists():
        assert time.monotonic() < limit
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 128 + signal.SIGTERM
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    seal = tmp_path / "results/run/.seals/scores/s.csv.json"  # shows that the job has started
    assert sorted(left) == [tmp_path / "logs/job.log", ready, seal]
    assert not list(scratch.iterdir())
