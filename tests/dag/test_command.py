"""`fringe run` with a real Snakemake: spaces in paths, Ctrl-C and SIGTERM, and going on."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fringe.features import open_features

Project = Any  # tests/dag/conftest.py

FRINGE = Path(sys.executable).with_name("fringe")
NAME = "my run.yaml"


def command(project: Project, *others: str) -> list[str]:
    """Write the configuration on one line, and return the call that runs it."""
    flow = {"default_flow_style": True, "width": 100_000, "sort_keys": False}
    text = yaml.safe_dump(project.config, **flow)
    assert text.count("\n") == 1
    (project.folder / NAME).write_text(text)
    own = [NAME, "--cores", "2", "--snakefile", str(project.code / "Snakefile")]
    return [str(FRINGE), "run", *own, *(["--", *others] if others else [])]


def environment(project: Project) -> dict[str, str]:
    """Return the environment of a run."""
    return {**os.environ, "PYTHONPATH": str(project.code / "src")}


def run(project: Project, *others: str) -> subprocess.CompletedProcess[str]:
    """Run to the end."""
    return subprocess.run(
        command(project, *others),
        cwd=project.folder,
        env=environment(project),
        capture_output=True,
        text=True,
    )


def wait(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    limit = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < limit, "it takes too long"
        time.sleep(0.05)


def spaced(project: Project) -> Project:
    """Return the project with a space in the name of its folder of results."""
    project.config["results"] = "my results"
    return project


def test_a_dry_run_writes_no_results(fresh: Project) -> None:
    project = spaced(fresh)
    shown = run(project, "--dry-run")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert f"Planning {NAME}\ntiny: 0 of " in shown.stdout
    assert "This was a dry-run" in shown.stdout
    assert not project.results.exists()


def test_a_run_with_nothing_to_do_ends_with_its_tables_and_report(project: Project) -> None:
    report = project.results / "report.html"
    report.unlink(missing_ok=True)
    ended = run(project)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "tiny: all jobs are done." in ended.stdout
    assert "Nothing to be done" in ended.stdout + ended.stderr
    assert "\nTable 1. " in ended.stdout
    assert ended.stdout.endswith(
        "Report: results/tiny/report.html   Verdict: results/tiny/verdict.md\n"
    )
    assert report.stat().st_size > 100_000


@pytest.mark.parametrize("way", ["Ctrl-C", "SIGTERM"])
def test_a_run_that_was_stopped_goes_on(fresh: Project, way: str) -> None:
    """Ctrl-C ends the jobs; SIGTERM lets those that work come to their end, and starts no other."""
    project = spaced(fresh)
    project.config["network"] = "tiny_network:held"
    link = "my results/tiny/features/late/tiny_network.held.h5"
    arguments = command(project, link)
    (project.folder / "hold").touch()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(project.folder)
        os.execve(arguments[0], arguments, environment(project))
    wait((project.folder / "computing").exists)
    if way == "Ctrl-C":
        os.write(terminal, b"\x03")
    else:
        os.kill(child, signal.SIGTERM)
        (project.folder / "hold").unlink()
    printed = b""
    while part := read(terminal):
        printed += part
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    assert status == 1, printed.decode()
    assert "Report:" not in printed.decode()
    assert not (project.folder / link).exists()
    shards = list((project.folder / link).with_suffix("").glob("[0-9]*.h5"))
    assert bool(shards) == (way == "SIGTERM")

    (project.folder / "hold").unlink(missing_ok=True)
    again = run(project, link)
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(open_features(project.folder / link)) == 40


def read(terminal: int) -> bytes:
    """Return what a terminal shows next; nothing once all processes on it have ended."""
    assert select.select([terminal], [], [], 300)[0], "it takes too long"
    try:
        return os.read(terminal, 10_000)
    except OSError:
        return b""
