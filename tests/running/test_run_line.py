"""Progress of a run: a moving line in a terminal, or lines of a log."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fringe.costs.jobs import Job
from fringe.costs.prediction import Estimate
from fringe.costs.time_left import TimeLeft
from fringe.costs.work import Work
from fringe.running import run_line as module
from fringe.running.run_line import RunLine

RULES = ("render_images", "extract_features", "score_scheme", "figure_classes")
STATS = {"render_images": 2, "extract_features": 4, "score_scheme": 3, "figure_classes": 1}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that a test sets."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make stderr a terminal with 80 columns."""
    monkeypatch.setattr(module, "has_line", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")


def make(jobs: int = 10, **settings: Any) -> RunLine:
    """Return the progress line of a run with planned jobs of 40 s."""
    rules = [rule for rule, count in STATS.items() for _ in range(count)][:jobs]
    planned = [
        Estimate(Job(rule, (), (f"{number}.h5",)), Work(), 40.0, "assumed", "cpu")
        for number, rule in enumerate(rules)
    ]
    time_left = TimeLeft(planned, cores=2)
    return RunLine(Path("results/x"), time_left, "planning jobs", "writing the report", **settings)


def run_info(line: RunLine) -> None:
    line.event({"event": "run_info", "level": "INFO", "stats": {**STATS, "all": 1, "total": 11}})


def begin(line: RunLine, number: int, rule: str, **more: Any) -> None:
    output = [] if rule == "all" else [f"results/x/{number}.h5"]
    about = {"jobid": number, "rule_name": rule, "output": output, "benchmark": None}
    line.event({"event": "job_info", "level": "INFO", **about, **more})


def end(line: RunLine, number: int) -> None:
    line.event({"event": "job_finished", "level": "INFO", "job_id": number})


def test_a_line_has_stages_jobs_and_the_time_left(clock: list[float]) -> None:
    line = make()
    clock[0] += 7
    assert line.line(clock[0]) == "planning jobs (7 s)"
    run_info(line)
    begin(line, 0, "render_images")
    begin(line, 2, "extract_features")
    assert line.line(clock[0]) == "rendering, features: 0 of 10 jobs (7 s)"
    clock[0] += 30
    end(line, 0)
    # A job took 30 s instead of 40 s: 10 s remain, and 8 jobs of 30 s on two cores.
    assert line.line(clock[0]) == "features: 1 of 10 jobs (37 s, 2 min left)"
    end(line, 2)
    assert line.line(clock[0]).startswith("features: 2 of 10 jobs"), "until another job begins"
    for number in (1, 3, 4, 5, 6, 7, 8, 9):
        begin(line, number, "score_scheme")
        end(line, number)
    begin(line, 10, "all")
    end(line, 10)
    assert line.line(clock[0]) == "writing the report (37 s)"


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (80, "rendering, features, scores: 1 of 10 jobs, 1 failed (37 s, 2 min left)"),
        (67, "rendering, features, ...: 1 of 10 jobs, 1 failed (37 s, 2 min left)"),
        (60, "rendering, ...: 1 of 10 jobs, 1 failed (37 s, 2 min left)"),
        (40, "rendering: 1 of 10 jobs, 1 failed"),
        (25, "1 of 10 jobs, 1 failed"),
        (10, "1/10"),
        (3, "1/1"),
    ],
)
def test_a_narrow_terminal_shows_less(clock: list[float], width: int, text: str) -> None:
    line = make()
    run_info(line)
    begin(line, 2, "extract_features")
    clock[0] += 37
    end(line, 2)
    for number, rule in ((9, "figure_classes"), (0, "render_images"), (3, "extract_features")):
        begin(line, number, rule)
    begin(line, 6, "score_scheme")
    line.event({"event": "job_error", "level": "ERROR", "jobid": 9, "rule_name": "figure_classes"})
    assert line.line(clock[0], width) == text


def test_the_time_left_is_kept_longer_than_the_time_spent(clock: list[float]) -> None:
    line = make()
    run_info(line)
    begin(line, 2, "extract_features")
    clock[0] += 37
    end(line, 2)
    assert line.line(clock[0], 40) == "features: 1 of 10 jobs, 3 min left"


def test_no_time_left_is_shown_if_jobs_are_not_as_planned(clock: list[float]) -> None:
    line = make(jobs=3)
    run_info(line)
    begin(line, 2, "extract_features")
    clock[0] += 37
    end(line, 2)
    assert line.line(clock[0]) == "features: 1 of 10 jobs (37 s)"


def test_a_restarted_job_is_not_counted_as_failed(clock: list[float]) -> None:
    line = make()
    run_info(line)
    begin(line, 2, "extract_features")
    line.event(
        {"event": "job_error", "level": "ERROR", "jobid": 2, "rule_name": "extract_features"}
    )
    assert "1 failed" in line.line(clock[0])
    begin(line, 2, "extract_features")
    assert "failed" not in line.line(clock[0])


@pytest.mark.usefixtures("terminal")
def test_a_terminal_has_one_line_and_messages_above_it(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    line = make()
    line.tick()
    run_info(line)
    begin(line, 0, "render_images")
    line.tick()
    line.text("warning: real.zip: 3 images are gray\x1b[2J")
    line.tick()
    line.close()
    assert capsys.readouterr().err == (
        "\rplanning jobs (0 s)\x1b[K"
        "\rrendering: 0 of 10 jobs (0 s)\x1b[K"
        "\r\x1b[Kwarning: real.zip: 3 images are gray\\x1b[2J\n"
        "\rrendering: 0 of 10 jobs (0 s)\x1b[K"
        "\r\x1b[K"
    )


def test_a_log_has_a_line_every_half_minute_and_one_for_each_stage(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    line = make()
    run_info(line)
    begin(line, 0, "render_images")
    for _ in range(70):
        clock[0] += 1
        line.tick()
    end(line, 0)
    begin(line, 1, "render_images")
    end(line, 1)
    line.tick()
    line.close()
    assert capsys.readouterr().err.splitlines() == [
        "rendering: 0 of 10 jobs (30 s)",
        "rendering: 0 of 10 jobs (60 s)",
        "rendering done: 2 of 10 jobs (70 s, 2 min left)",
    ]


@pytest.mark.usefixtures("terminal")
def test_a_stopping_run_shows_it(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    line = make()
    run_info(line)
    begin(line, 0, "render_images")
    line.stop()
    line.tick()
    assert capsys.readouterr().err == "\rstopping: 0 of 10 jobs (0 s)\x1b[K"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_run_continues_if_its_messages_cannot_be_written(
    clock: list[float], monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    """As in ``fringe run c.yaml 2>&1 | tee log`` if tee is killed or the disk is full."""

    def write(_: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(module, "has_line", lambda: is_terminal)
    line = make()
    run_info(line)
    begin(line, 0, "render_images")
    clock[0] += 100
    with monkeypatch.context() as changes:
        changes.setattr(sys, "stderr", SimpleNamespace(write=write, flush=lambda: None))
        line.tick()
        line.text("error: a.zip: is damaged")
        line.close()
    end(line, 0)
    assert line.line(clock[0]).startswith("rendering: 1 of 10 jobs")


def test_a_failure_shows_the_rule_and_the_end_of_the_log(
    tmp_path: Path, clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "job.log"
    log.write_text("".join(f"line {number}\n" for number in range(30)))
    line = make()
    run_info(line)
    begin(line, 0, "render_images")
    # The next event describes the failure better than the command of the job.
    line.event({"event": "error", "level": "ERROR", "message": "x", "exception": "RuleException"})
    about = {"jobid": 0, "rule_name": "render_images", "log": [str(log), "gone.log"]}
    about |= {"rule_msg": "SLURM job 7 ran out of memory", "aux": {"slurm_jobid": 7}}
    line.event({"event": "job_error", "level": "ERROR", **about})
    assert capsys.readouterr().err.splitlines() == [
        "error: a job of rule render_images failed (SLURM job 7 ran out of memory)",
        "  slurm_jobid: 7",
        f"  end of the log {log}:",
        *(f"    line {number}" for number in range(18, 30)),
    ]


@pytest.mark.parametrize(
    ("end", "ending"),
    [
        (
            "died with <Signals.SIGKILL: 9>.",
            ": ended by signal SIGKILL (the system kills jobs when memory is full)",
        ),
        ("died with <Signals.SIGSEGV: 11>.", ": ended by signal SIGSEGV"),
        ("returned non-zero exit status 7.", ": exit status 7"),
        ("returned non-zero exit status 1.", ""),
    ],
)
def test_signals_and_exit_statuses_are_explained(
    clock: list[float], capsys: pytest.CaptureFixture[str], end: str, ending: str
) -> None:
    line = make()
    fail(line, end)
    assert capsys.readouterr().err == f"error: a job of rule render_images failed{ending}\n"


def test_jobs_ended_by_ctrl_c_are_not_errors(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    line = make()
    line.stop()
    fail(line, "died with <Signals.SIGINT: 2>.")
    assert capsys.readouterr().err == ""
    fail(line, "returned non-zero exit status 1.")
    assert capsys.readouterr().err == "error: a job of rule render_images failed\n"


def fail(line: RunLine, end: str) -> None:
    """Report a failed job to the line, with the error that Snakemake raised."""
    begin(line, 0, "render_images")
    message = f"CalledProcessError in file x, line 3:\nCommand 'python x.py' {end}"
    about = {"message": message, "exception": "RuleException"}
    line.event({"event": "error", "level": "ERROR", **about})
    about = {"jobid": 0, "rule_name": "render_images"}
    line.event({"event": "job_error", "level": "ERROR", **about})


def test_an_error_that_a_job_has_printed_is_not_shown_again(
    tmp_path: Path, clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "job.log"
    log.write_text("computing\nerror: a.zip: is damaged\n")
    line = make()
    line.text("error: a.zip: is damaged")
    line.event({"event": "job_error", "level": "ERROR", "rule_name": "a", "log": [str(log)]})
    assert capsys.readouterr().err.splitlines() == [
        "error: a.zip: is damaged",
        "error: a job of rule a failed",
        f"  log: {log}",
    ]


def test_snakemake_s_message_about_a_failure_is_shown_once(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    fault = "WorkflowError in file x, line 3:\nc.yaml: the configuration has 1 fault"
    ended = "WorkflowError in file x, line 3:\nAt least one job did not complete successfully."
    line = make()
    line.text("Using workflow specific profile /a/b for setting default command line arguments.")
    line.event({"event": "error", "level": "ERROR", "message": fault, "exception": "A"})
    for text in fault.splitlines():
        line.text(text)
    line.event({"event": None, "level": "INFO", "message": "Select jobs to execute..."})
    line.event({"event": None, "level": "WARNING", "message": "Unlocked"})
    line.event(
        {"event": "error", "level": "ERROR", "message": "lost", "exception": "RuleException"}
    )
    line.event({"event": "error", "level": "ERROR", "message": ended, "exception": "WorkflowError"})
    line.close()
    assert capsys.readouterr().err.splitlines() == [
        *fault.splitlines(),
        "warning: Unlocked",
        "lost",
    ]


@pytest.mark.usefixtures("terminal")
def test_calls_that_run_no_jobs_have_no_progress_line(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    line = make(at_once=False)
    line.tick()
    line.event({"event": None, "level": "INFO", "message": "Unlocked working directory."})
    line.tick()
    line.close()
    assert capsys.readouterr().err == "Unlocked working directory.\n"
    line = make(at_once=False)
    line.event({"event": None, "level": "INFO", "message": "Assuming a shared file system."})
    line.event({"event": "workflow_started", "level": "INFO", "message": ""})
    line.tick()
    line.close()
    assert capsys.readouterr().err == "\rplanning jobs (0 s)\x1b[K\r\x1b[K"
