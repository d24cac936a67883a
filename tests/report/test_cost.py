"""Tests of the page on the cost of a run."""

from __future__ import annotations

from html import escape
from pathlib import Path

from fringe.costs.actual import Actual, JobCost, remarks, rule_rows
from fringe.costs.jobs import Job
from fringe.report import write_cost


def taken(rule: str, name: str, seconds: float, *, gpu: bool = False) -> JobCost:
    job = Job(rule, benchmark=f"benchmarks/{rule}/{name}.tsv", threads=2)
    return JobCost(job, seconds, 2 * seconds, "cuda" if gpu else "cpu", (87.0, 42) if gpu else None)


EXTRACT = taken("extract_features", "fake/net/0000000-0001000", 7200, gpu=True)
SCORE = taken("score_scheme", "faces/<top1>/net", 60)
ACTUAL = Actual((EXTRACT, SCORE), 7260, (EXTRACT, SCORE), 0)


def test_both_files_contain_the_rows_and_remarks_of_the_terminal(tmp_path: Path) -> None:
    write_cost(ACTUAL, tmp_path / "cost.md", tmp_path / "cost.html")
    markdown, html = ((tmp_path / name).read_text() for name in ("cost.md", "cost.html"))
    links = [
        ["job", "time"],
        ["extract_features fake/net/0000000-0001000", "2.0 h"],
        ["score_scheme faces/<top1>/net", "60 s"],
        ["sum", "2.0 h"],
    ]
    for row in [*rule_rows(ACTUAL), *links]:
        assert f"\n| {' | '.join(row)} |" in markdown
        tag = "th" if row[0] in ("rule", "job") else "td"
        assert "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) in html
    for sentence in remarks(ACTUAL):
        assert sentence in markdown
        assert escape(sentence) in html
    assert "87 %" in html
    assert html.count("<tr") == html.count("</tr>") == 3 + 1 + 3 + 1


def test_a_run_without_recorded_times_has_a_page(tmp_path: Path) -> None:
    nothing = Actual((), 0.0, (), 0)
    write_cost(nothing, tmp_path / "cost.md", tmp_path / "cost.html")
    text = (tmp_path / "cost.md").read_text()
    assert "| sum | 0 | - | 0.000 | - |" in text
    assert "No job has written its time" in text
