"""The utilization of a GPU, measured with a substitute for nvidia-smi."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from fringe.devices import utilization
from fringe.devices.utilization import describe, parse, reported, watch


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file to which a substitute on PATH writes its arguments: 80, 40, fails, 40, ..."""
    script = tmp_path / "nvidia-smi"
    script.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {tmp_path}/asked\n'
        f"case $(grep -c . {tmp_path}/asked) in\n"
        "  1) echo '80, 500';;\n"
        "  3) echo 'Unable to determine the device handle'; exit 15;;\n"
        "  4) echo '[N/A], [N/A]';;\n"
        "  *) echo '40, 12345';;\n"
        "esac\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(utilization, "INTERVAL", 0.02)
    return tmp_path / "asked"


def calls(asked: Path) -> list[str]:
    return asked.read_text().splitlines() if asked.exists() else []


def wait_for(asked: Path, number: int) -> None:
    deadline = time.monotonic() + 60
    while len(calls(asked)) < number:
        assert time.monotonic() < deadline, "nvidia-smi is not called"
        time.sleep(0.01)


def test_a_watched_gpu_is_reported(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with reported():
        watch("1234-ab")
        watch("1234-ab")  # by another part of the same job
        wait_for(asked, 6)
    line = capsys.readouterr().err
    assert line.startswith("GPU utilization: ")
    assert line.endswith(" samples; at most 12,345 MiB\n")
    found = parse(f"computing on it\n{line}done in 3 s\n")
    assert found is not None
    mean, number = found
    # Failed calls give no samples, and the last call may not have finished in time.
    assert number in range(len(calls(asked)) - 3, len(calls(asked)) - 1)
    assert mean == round((80 + 40 * (number - 1)) / number)
    assert set(calls(asked)) == {
        "--query-gpu=utilization.gpu,memory.used --format=csv,noheader,nounits -i GPU-1234-ab"
    }


def test_nvidia_smi_is_not_called_after_the_end(asked: Path) -> None:
    with reported():
        watch("1234-ab")
        wait_for(asked, 1)
    time.sleep(0.2)  # for a call that had begun
    before = calls(asked)
    watch("1234-ab")  # outside the block, so without effect
    time.sleep(0.2)
    assert calls(asked) == before


@pytest.mark.parametrize("answer", ["exit 9", "echo nonsense", "exec /nowhere"])
def test_a_failing_nvidia_smi_is_ignored(
    asked: Path, answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (asked.parent / "nvidia-smi").write_text(f"#!/bin/sh\necho x >> {asked}\n{answer}\n")
    with reported():
        watch("1234-ab")
        wait_for(asked, 3)
    assert capsys.readouterr().err == ""


def test_a_failing_job_does_not_log_a_utilization(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        watch("1234-ab")
        wait_for(asked, 2)
        raise KeyError

    with pytest.raises(KeyError), reported():
        fail()
    with reported():
        pass
    assert capsys.readouterr().err == ""


def test_without_nvidia_smi_no_thread_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(utilization.threading, "Thread", None)
    with reported():
        watch("1234-ab")


def test_a_log_without_the_line_is_parsed_as_none() -> None:
    assert parse("computing on a GPU\ndone in 1 s\n") is None
    assert parse(describe([(99.6, 1.0)])) == (100, 1)
