"""Tests of the page that compares the released code's first numbers with ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fringe.report import self_check_line, write_self_check
from fringe.scores.self_check import Check, read_checks, write_checks


def test_page_lists_passed_and_failed_checks(tmp_path: Path) -> None:
    loss = Check("loss", 4.95917, 4.96, 0.0, 0, 0.025, "0.5%: rounding", 50000, 250000, 250000, 0)
    drawn = Check("clip", 2.75, 2.9, 0.01, 15, 0.17, "5.0%: why", 50000, 250000, 50000, 3)
    write_checks(tmp_path / "checks.json", [loss, drawn])
    assert read_checks(tmp_path / "checks.json") == [loss, drawn]

    def page(*checks: Check) -> str:
        write_self_check({"FFHQ": checks}, tmp_path / "page.md", tmp_path / "page.html")
        assert "<h2>FFHQ</h2>" in (tmp_path / "page.html").read_text()
        return (tmp_path / "page.md").read_text()

    text = page(loss, drawn)
    assert text.splitlines()[2].startswith("PASSED: ")
    assert "| loss at equal weights | 4.95917 | 4.96000 | +0.001 (+0.0%) | 0.025 | passed |" in text
    assert "| distance, CLIP | 2.75 | 2.900 ± 0.010 | +0.150 (+5.5%) | 0.170 | passed |" in text
    assert "50,000 real images, 250,000 candidates at equal weights." in text
    assert "Ours is the mean over 5 such minima (seed 3)" in text
    text = page(loss, replace(drawn, value=3.5))
    assert "| FAILED | 5.0%: why |" in text
    line = self_check_line(tmp_path / "page.md")
    assert line is not None
    assert line.startswith("FAILED: clip of FFHQ. The images, generator or networks differ")
    assert self_check_line(tmp_path / "none.md") is None
