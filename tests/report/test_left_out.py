"""Tests of the page that lists what a run left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from fringe.errors import FringeError
from fringe.report import left_out_line, write_left_out
from fringe.report.ending import ending

LEFT_OUT = {
    "files": [
        {
            "key": "sources/cat",
            "path": "data/<cat>|lmdb",
            "costs": "",
            "origin": "https://x.org/cat.zip (42 GB).",
        },
        {"key": "sources/training", "path": "data/training", "costs": "", "origin": ""},
    ],
    "exhibits": [
        {"what": "Figure 9", "because": ["sources/training"]},
        {"what": "LSUN Cat in Table 1", "because": ["sources/cat"]},
    ],
}


def test_page_lists_exhibits_reasons_and_addresses(tmp_path: Path) -> None:
    write_left_out(LEFT_OUT, tmp_path / "left_out.md", tmp_path / "left_out.html")
    text = (tmp_path / "left_out.md").read_text()
    line = "2 files are missing. Left out: Figure 9; LSUN Cat in Table 1."
    assert text.startswith(f"# Left out\n\n{line}\n")
    assert "| Figure 9 | sources/training |" in text
    assert "| LSUN Cat in Table 1 | sources/cat |" in text
    assert "| sources/cat | data/\\<cat\\>\\|lmdb | https://x.org/cat.zip (42 GB). |" in text
    assert "| sources/training | data/training | The configuration does not say. |" in text
    assert left_out_line(tmp_path / "left_out.md") == line
    html = (tmp_path / "left_out.html").read_text()
    assert ">LSUN Cat in Table 1</td>" in html
    assert "data/&lt;cat&gt;|lmdb" in html


def test_page_of_a_complete_run_says_so(tmp_path: Path) -> None:
    write_left_out(None, tmp_path / "left_out.md", tmp_path / "left_out.html")
    assert "Nothing is left out" in (tmp_path / "left_out.md").read_text()
    assert "Nothing is left out" in (tmp_path / "left_out.html").read_text()
    assert left_out_line(tmp_path / "left_out.md") is None
    assert left_out_line(tmp_path / "none.md") is None


@pytest.mark.parametrize("left_out", [LEFT_OUT, None])
def test_the_end_of_a_run_names_left_out_exhibits(tmp_path: Path, left_out: object) -> None:
    write_left_out(left_out, tmp_path / "left_out.md", tmp_path / "left_out.html")  # type: ignore[arg-type]
    (tmp_path / "tables").mkdir()
    for number in (1, 2):
        table = f"# Table {number}\n\n| dataset | FID |\n|---|---|\n| A | 3 |\n"
        (tmp_path / f"tables/table{number}.md").write_text(table)
    for name in ("index.html", "report.html", "verdict.md"):
        (tmp_path / name).touch()
    printed = ending(tmp_path)
    assert ("Left out: Figure 9" in printed) == (left_out is not None)
    assert (str(tmp_path / "left_out.md") in printed) == (left_out is not None)


def test_a_run_without_its_report_is_incomplete(tmp_path: Path) -> None:
    with pytest.raises(FringeError, match=r"table1\.md: missing; run the workflow again"):
        ending(tmp_path)
    (tmp_path / "tables").mkdir()
    for number in (1, 2):
        text = f"# Table {number}\n\n| dataset | FID |\n|---|---|\n| A | 3 |\n"
        (tmp_path / f"tables/table{number}.md").write_text(text)
    for name in ("index.html", "verdict.md"):
        (tmp_path / name).touch()
    with pytest.raises(FringeError, match=r"report\.html: missing; run the workflow again"):
        ending(tmp_path)
