"""Tests of the part of FID that sampling weights remove, as a number and in words."""

import math

import numpy as np
import pytest

from fringe.scores.cells import Cell
from fringe.scores.null_space import null_space_clause, released_remarks, removal_ratio


def cell(mean: float, std: float = math.nan) -> Cell:
    return Cell(mean, std, 1 if math.isnan(std) else 5, 50_000, 50_000)


RANDOM, OPTIMAL, RELEASED = cell(5.0, 0.05), cell(1.0, 0.02), cell(3.0, 0.03)


def test_ratio_agrees_with_a_manual_value_and_its_spread_with_many_draws() -> None:
    ratio = removal_ratio(OPTIMAL, RELEASED, RANDOM)
    assert ratio.value == 2.0
    stream = np.random.default_rng(0)
    random, optimal, released = (
        stream.normal(one.mean, one.std, 200_000) for one in (RANDOM, OPTIMAL, RELEASED)
    )
    assert ratio.std == pytest.approx(((random - optimal) / (random - released)).std(), rel=0.02)


@pytest.mark.parametrize("mean", [5.0, 6.0])
def test_steps_that_remove_nothing_have_no_ratio(mean: float) -> None:
    assert math.isnan(removal_ratio(OPTIMAL, cell(mean, 0.1), RANDOM).value)
    said = null_space_clause(cell(5.0), cell(1.0), cell(mean))
    rise = {5.0: "0.0%", 6.0: "+20.0%"}[mean]
    assert said == (
        f"the optimal weights remove 80.0% of FID, the released weights nothing ({rise})"
    )


def test_clause_compares_optimal_released_and_printed_values() -> None:
    assert null_space_clause(cell(5.0), cell(1.0), cell(3.0), printed=-0.5) == (
        "the optimal weights remove 80.0% of FID, the released weights 40.0% "
        "(the paper prints 50.0%): the null space is 2.00 times as large as they show"
    )
    spread = null_space_clause(RANDOM, OPTIMAL, RELEASED)
    assert "remove 80.0 ± 0.4% of FID" in spread
    assert "the null space is 2.00 ± 0.04 times" in spread


def test_clause_without_released_steps_compares_with_the_paper() -> None:
    assert null_space_clause(cell(5.0), cell(1.0)) == ""
    clause = null_space_clause(cell(5.0), cell(1.0), printed=-0.5, differs="20 images")
    assert clause == (
        "the weights here remove 80.0% of FID, the paper's weights 50.0%, measured differently "
        "from ours: 20 images"
    )
    assert null_space_clause(cell(5.0), cell(1.0), printed=-0.5, differs=None).endswith(
        "50.0%, measured differently from ours"
    )


def test_progress_of_the_released_steps() -> None:
    released = {"learning_rate": 10.0, "steps": 1000, "candidates": {"a": 10_000, "b": 1000}}
    (said,) = released_remarks(released, {"a": "Photos"})
    assert said.startswith("Released steps: 1,000 of step size 10. ")
    assert "is 1 for Photos, 10 for b, and 4 in the published runs" in said
    assert said.endswith("fewer or smaller steps remove less of FID than the published steps.")
    (said,) = released_remarks(released, {}, ["b"])
    assert said.endswith("the steps went at least as far.")
