"""Removal of damaged records of Snakemake."""

import os
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from fringe.running import snakemake_records
from fringe.running.snakemake_records import remove_damaged_records


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snakemake_records, "WRITING", 0.01)


def write_record(folder: Path, output: str, content: bytes) -> Path:
    """Write a record to the path that Snakemake uses."""
    name = urlsafe_b64encode(output.encode()).decode()
    pieces = [name[first : first + 254] for first in range(0, len(name), 254)]
    path = folder.joinpath(*(f"@{piece}" for piece in pieces[:-1]), pieces[-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [b"", b'{"input": ["a', b'{"input": ["\xff"]}', b"[]", b"[" * 100_000, b"\x00" * 40],
    ids=["empty", "cut", "not text", "not a record", "deep", "zeros"],
)
@pytest.mark.parametrize("output", ["results/run/a.h5", f"results/{'long/' * 60}b.csv"])
def test_a_damaged_record_is_removed_and_its_output_returned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, output: str
) -> None:
    whole = write_record(tmp_path, "results/run/whole.h5", b'{"input": [], "incomplete": false}')
    damaged = write_record(tmp_path, output, content)
    assert remove_damaged_records(tmp_path, dry=True) == [output]
    assert damaged.exists()
    assert remove_damaged_records(tmp_path) == [output]
    assert not damaged.exists()
    assert whole.exists()
    assert f"record of {output} is damaged" in capsys.readouterr().err
    assert remove_damaged_records(tmp_path) == []


def test_a_pipe_or_a_strange_name_among_records_is_removed(tmp_path: Path) -> None:
    os.mkfifo(write_record(tmp_path / "other", "results/a.h5", b"{}").with_name("cmVzdWx0cy9iLmg1"))
    (tmp_path / "strange name").touch()
    assert remove_damaged_records(tmp_path / "other") == ["results/b.h5"]
    assert remove_damaged_records(tmp_path) == []
    assert not (tmp_path / "strange name").exists()


def test_a_first_run_has_no_records(tmp_path: Path) -> None:
    assert remove_damaged_records(tmp_path / "metadata") == []


def test_a_record_that_another_run_is_writing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = write_record(tmp_path, "results/run/a.h5", b"")
    monkeypatch.setattr(
        snakemake_records.time, "sleep", lambda seconds: written.write_bytes(b"{}") and None
    )
    assert remove_damaged_records(tmp_path) == []
    assert written.read_bytes() == b"{}"
