"""Jobs that a killed run left on SLURM, with fake SLURM commands."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fringe.cli import main
from fringe.errors import FringeError
from fringe.running import slurm_jobs

COMMAND = """\
#!{python}
import sys
from pathlib import Path
queue, calls = Path("{folder}/queue"), Path("{folder}/calls")
with calls.open("a") as file:
    print("{name}", *sys.argv[1:], file=file)
if "{name}" == "squeue":
    sys.stdout.write(queue.read_text())
elif {obeys}:
    kept = [x for x in queue.read_text().splitlines() if x.split("|")[0] not in sys.argv[1:]]
    queue.write_text("".join(f"{{x}}\\n" for x in kept))
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with fake squeue and scancel, their queue, and a record of their calls."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    write_commands(tmp_path, obeys=True)
    (tmp_path / "queue").write_text(
        f"7|fringe_a|{tmp_path}\n8_1|fringe_a|{tmp_path}\n"
        f"9|fringe_b|{tmp_path.parent}\n10|other|{tmp_path}\n"
    )
    return tmp_path


def write_commands(folder: Path, *, obeys: bool) -> None:
    for name in ("squeue", "scancel"):
        path = folder / "bin" / name
        text = COMMAND.format(python=sys.executable, folder=folder, name=name, obeys=obeys)
        path.write_text(text)
        path.chmod(0o755)


def test_only_jobs_of_this_folder_are_found(
    slurm: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slurm_jobs.left_over(slurm) == ["7", "8_1"]
    with pytest.raises(
        FringeError, match=r"2 jobs of an earlier run .*\(7, 8_1\).*`fringe cancel`"
    ):
        slurm_jobs.refuse_left_over(slurm)
    assert main(["cancel"]) == 0
    assert capsys.readouterr().out == "cancelled: 7, 8_1\n"
    slurm_jobs.refuse_left_over(slurm)
    assert [line.split("|")[0] for line in (slurm / "queue").read_text().splitlines()] == [
        "9",
        "10",
    ]
    assert "scancel 7 8_1" in (slurm / "calls").read_text()
    assert slurm_jobs.cancel(slurm) == []


def test_jobs_that_do_not_end_are_reported(slurm: Path) -> None:
    write_commands(slurm, obeys=False)
    with pytest.raises(FringeError, match="jobs 7, 8_1 have not ended 0 s after"):
        slurm_jobs.cancel(slurm, seconds=0)


def test_without_slurm_there_are_no_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    slurm_jobs.refuse_left_over(tmp_path)
    assert main(["cancel"]) == 0
    assert capsys.readouterr().out == "no jobs of an earlier run found\n"


def test_a_run_starts_if_slurm_does_not_answer(
    slurm: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (slurm / "bin" / "squeue").write_text("#!/bin/sh\necho no controller >&2\nexit 1\n")
    assert main(["cancel"]) == 1
    assert "squeue: SLURM does not answer (no controller)" in capsys.readouterr().err
    slurm_jobs.refuse_left_over(slurm)
    assert "warning: squeue: SLURM does not answer" in capsys.readouterr().err
