"""Every metric has a title, a rule that measures it, and a table or figure with it."""

from __future__ import annotations

import re
from pathlib import Path

from fringe.plan import inputs
from fringe.plan.exhibits import TABLES, exhibits
from fringe.scores.titles import METRICS, without_factor

from .runs import make_run

REPOSITORY = Path(__file__).resolve().parents[2]

FILES = {metric.file for metric in METRICS.values() if metric.file is not None}
PRINTED = {without_factor(metric) for table in TABLES.values() for metric in table.metrics}


def written() -> set[str]:
    """Return the kinds of score files that rules write, except files of networks."""
    rules = (REPOSITORY / "rules/evaluation.smk").read_text()
    return set(re.findall(r"layout\.scores\([^)]*, \"(\w+)\"\)", rules))


def read() -> set[str]:
    """Return the kinds of score files that the tables and figures of a run read."""
    run = make_run()
    paths = [path for table in TABLES for path in inputs.make_table(run, table)]
    for files in inputs.figure_comparison(run, "two").values():
        paths += [files] if isinstance(files, str) else files
    names = {Path(path).stem for path in paths if Path(path).parts[2] == "scores"}
    return names - {run.fid_network, *run.controls}


def test_every_figure_of_a_rule_is_an_exhibit() -> None:
    rules = (REPOSITORY / "rules/figures.smk").read_text()
    drawn = set(re.findall(r'figure_files\("(\w+)"', rules))
    for constraint in re.findall(r'number="([\w|]+)"', rules):
        drawn.update(constraint.split("|"))
    listed = {one.number for one in exhibits(make_run().config) if one.kind == "Figure"}
    assert {"1", "5", "18", "S1"} <= drawn
    assert drawn - listed == set(), (
        "rules/figures.smk draws these figures, and no run makes them: add them to `exhibits` in "
        "src/fringe/plan/exhibits.py"
    )


def test_every_metric_of_a_table_has_a_title() -> None:
    assert PRINTED - set(METRICS) == set(), (
        "a table of TABLES in src/fringe/plan/exhibits.py prints metrics without a title: add them "
        "to METRICS in src/fringe/scores/titles.py"
    )


def test_every_metric_is_in_a_table() -> None:
    """A table prints the metric, or reads its file for another metric."""
    in_tables = {METRICS[name].file for name in PRINTED & set(METRICS)}
    assert FILES - in_tables == set(), (
        "METRICS in src/fringe/scores/titles.py has metrics of these files, and no table prints "
        "one: add it to a table of TABLES in src/fringe/plan/exhibits.py"
    )


def test_a_rule_writes_the_scores_of_every_metric() -> None:
    assert FILES - written() == set(), (
        "METRICS in src/fringe/scores/titles.py has metrics of these files of scores, and no rule "
        "writes them: add one to rules/evaluation.smk"
    )


def test_a_table_or_figure_reads_all_scores_that_rules_write() -> None:
    assert "precision_recall" in written() & read()
    assert written() - read() == set(), (
        "rules/evaluation.smk writes these files of scores, and nothing reads them: add their "
        "metrics to METRICS in src/fringe/scores/titles.py and to TABLES in "
        "src/fringe/plan/exhibits.py"
    )
