"""`fringe run` with a real Snakemake: spaces in paths, Ctrl-C and SIGTERM, and continuation."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
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
    others = {name: text for name, text in os.environ.items() if name != "VERBOSE"}
    return {**others, "PYTHONPATH": str(project.code / "src")}


def run(project: Project, *others: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run to the end, with more variables in the environment."""
    return subprocess.run(
        command(project, *others),
        cwd=project.folder,
        env={**environment(project), **variables},
        capture_output=True,
        text=True,
    )


def wait(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true."""
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
    ended = run(project, VERBOSE="1")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "tiny: all jobs are done." in ended.stdout
    assert "Nothing to be done" in ended.stdout + ended.stderr
    assert "\nTable 1. " in ended.stdout
    assert ended.stdout.endswith(
        "Page: results/tiny/index.html   Provenance: results/tiny/report.html   "
        "Verdict: results/tiny/verdict.md\n"
    )
    assert report.stat().st_size > 100_000


def snakemake_log(project: Project) -> str:
    """Return Snakemake's log of the only run in a folder."""
    (path,) = (project.folder / ".snakemake/log").glob("*.log")
    return path.read_text()


def test_a_terminal_shows_one_updated_line(fresh: Project) -> None:
    project = fresh
    link = "results/tiny/features/late/tiny_network.classifier.h5"
    arguments = command(project, link)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(project.folder)
        os.execve(arguments[0], arguments, environment(project) | {"TERM": "xterm"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    printed = b""
    while part := read(terminal):
        printed += part
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, printed.decode()
    os.close(terminal)
    assert (project.folder / link).exists()
    # The output after the estimate. The terminal has 40 columns, and the last one stays empty.
    _, _, after = printed.decode().rpartition(": at least ")
    states = re.findall(r"\r([^\r\n]+)\x1b\[K", after)
    assert any(re.fullmatch(r"features: [01] of 2 jobs( \(\d+ s\))?", one) for one in states), after
    assert max(map(len, states)) < 40, after
    assert "rule " not in after
    assert after.count("\n") <= 3, "nothing stays, apart from a warning"
    assert after.endswith("\r\x1b[K"), "the line is empty at the end"
    log = snakemake_log(project)
    assert "2 of 2 steps (100%) done" in log
    assert "Finished jobid: " in log


def test_a_file_gets_plain_lines_and_the_failure(fresh: Project) -> None:
    project = fresh
    damaged = project.folder / "late" / "img00000003.png"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    names = ("features/late/tiny_network.classifier.h5", "draws/faces/random.h5")
    ended = run(project, *(f"results/tiny/{name}" for name in names))
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert re.search(r"^draws done: 1 of 3 jobs(, 1 failed)? \(", ended.stderr, re.MULTILINE)
    assert "\x1b" not in ended.stderr
    assert "\r" not in ended.stderr
    log = "results/tiny/logs/extract_features/late/tiny_network.classifier/0000000-0000040.log"
    assert re.search(r"^error: late/img00000003.png: ", ended.stderr, re.MULTILINE), ended.stderr
    assert f"error: a job of rule extract_features failed\n  log: {log}\n" in ended.stderr
    assert ended.stderr.count("img00000003.png") == 1, "the log has it, too"
    assert "Snakemake's full log: .snakemake/log/" in ended.stderr
    assert "CalledProcessError" not in ended.stderr
    assert "Building DAG" not in ended.stderr
    assert "Building DAG" in snakemake_log(project)


@pytest.mark.parametrize("way", ["Ctrl-C", "SIGTERM"])
def test_a_stopped_run_continues(fresh: Project, way: str) -> None:
    """Ctrl-C ends the jobs; SIGTERM lets running jobs finish, and starts no other job."""
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
    assert "Page:" not in printed.decode()
    assert "stopping: 0 of " in printed.decode()
    last = printed.decode().rpartition("\x1b[K")[2]
    assert last.startswith("fringe: the run stopped before its end"), "the line was cleared before"
    assert not (project.folder / link).exists()
    shards = list((project.folder / link).with_suffix("").glob("[0-9]*.h5"))
    assert bool(shards) == (way == "SIGTERM")

    (project.folder / "hold").unlink(missing_ok=True)
    again = run(project, link)
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(open_features(project.folder / link)) == 40


def read(terminal: int) -> bytes:
    """Return the next output on a terminal, or nothing once all its processes have ended."""
    assert select.select([terminal], [], [], 300)[0], "it takes too long"
    try:
        return os.read(terminal, 10_000)
    except OSError:
        return b""
