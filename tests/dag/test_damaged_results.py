"""Truncated, edited or exchanged results are made again, equal to the last bit."""

from __future__ import annotations

import os
from pathlib import Path

from .conftest import Project

SCORE = "scores/faces/random/kernels.csv"
TABLE = "tables/table1.csv"
DRAWS = ("draws/faces/top1.h5", "draws/faces/middle2.h5")
# Results of two snapshots, in one network: few jobs depend on them.
SHARDS = tuple(
    f"features/{source}/tiny_network.classifier/0000000-0000040.h5"
    for source in ("early", "middle")
)


def exchange(one: Path, other: Path) -> None:
    third = one.with_name("third")
    one.rename(third)
    other.rename(one)
    third.rename(other)


def test_damaged_results_are_made_again_by_a_run(project: Project) -> None:
    results = project.results
    kept = project.files("draws/*/*.h5", "scores/*/*/*.csv", "scores/*/*.csv", "tables/*")
    kept |= project.files("features/*/*/*.h5", "statistics/*/*/*.h5")
    before = {name: (results / name).read_bytes() for name in kept}
    assert project.planned() == set()

    os.truncate(results / SCORE, (results / SCORE).stat().st_size // 2)
    text = (results / TABLE).read_text()
    digit = next(i for i in range(len(text) // 2, len(text)) if text[i] in "12345678")
    (results / TABLE).write_text(f"{text[:digit]}{int(text[digit]) + 1}{text[digit + 1 :]}")
    exchange(*(results / name for name in DRAWS))
    exchange(*(results / name for name in SHARDS))

    damaged = {SCORE, TABLE, *DRAWS, *SHARDS}
    assert damaged <= project.planned(), "a dry run shows this"
    printed = project.run()
    assert damaged <= project.outputs(printed)
    assert all(f"{name}: " in printed for name in damaged)
    assert {name for name in kept if (results / name).read_bytes() != before[name]} == set()
    assert all((results / f"{name}.damaged").is_file() for name in damaged)
    assert project.planned() == set()
