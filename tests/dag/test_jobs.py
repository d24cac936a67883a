"""Snakemake plans the same jobs for the shipped configurations as in the last version.

Users keep results for months. A job whose params or inputs differ from those of the last version
makes its results again, so a difference must be intended. These tests run no jobs.
"""

from __future__ import annotations

import copy
import difflib
import json
from pathlib import Path

import pytest

from .planned_jobs import CONFIGS, REFERENCES, plan, summary

LONGEST = 80  # number of lines of a difference that are shown


@pytest.mark.parametrize("config", CONFIGS)
def test_the_jobs_of_a_shipped_configuration_are_unchanged(config: str, tmp_path: Path) -> None:
    path = REFERENCES / f"{config}.json"
    jobs = plan(config, tmp_path)
    before, after = path.read_text(), summary(jobs)
    if after != before:
        lines = [*difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=4)]
        difference = "\n".join(lines[:LONGEST])
        pytest.fail(
            f"config/{config}.yaml plans other jobs than {path.name} has ({len(lines)} lines "
            f"differ; all jobs are in {tmp_path / 'jobs.json'}).\nIf params or inputs differ, the "
            "results of users are made again. If that is meant, write the references with `python "
            f"tests/dag/planned_jobs.py` and say in the commit why.\n{difference}",
            pytrace=False,
        )


def test_a_difference_in_any_job_is_detected() -> None:
    """This includes jobs between the first and the last shard, and the order of keys."""
    job = {
        "rule": "r",
        "wildcards": {"source": "s", "shard": "1"},
        "params": {"made_from": "{'a': 1, 'b': 2}"},
        "input": {"": [f"file {n}" for n in range(20)]},
    }
    jobs = [copy.deepcopy(job) for _ in range(3)]
    before = summary(jobs)
    assert json.loads(before)["r"]["jobs"].keys() == {"source=s"}
    assert len(before) < 800
    for change in (
        lambda job: job["params"].update(made_from="{'b': 2, 'a': 1}"),
        lambda job: job["input"][""].__setitem__(7, "another file"),
        lambda job: job["input"][""].pop(),
    ):
        changed = copy.deepcopy(jobs)
        change(changed[1])
        assert summary(changed) != before
    assert summary(jobs[:2]) != before
