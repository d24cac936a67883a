"""Tests of means and spreads of scores, and of errors of relative changes."""

import math

import numpy as np
import pandas as pd
import pytest

from fringe.errors import FringeError
from fringe.scores.cells import (
    Cell,
    change_spread,
    datasets_of,
    relative_change,
    score_cell,
    score_values,
    sweep_size,
)
from fringe.scores.rows import SCORE_COLUMNS

ASKED = {"dataset": "photos", "scheme": "random", "network": "inception", "metric": "fid"}


def rows(values: list[float], n_real: int = 50, n_generated: int = 60) -> pd.DataFrame:
    labels = {**ASKED, "space": "features", "n_real": n_real, "n_generated": n_generated, "seed": 0}
    found = [{**labels, "repeat": repeat, "value": value} for repeat, value in enumerate(values)]
    return pd.DataFrame(found, columns=SCORE_COLUMNS)


def test_a_cell_is_mean_and_sample_deviation() -> None:
    cell = score_cell(rows([1.0, 2.0, 6.0]), **ASKED)
    assert cell == Cell(3.0, pytest.approx(math.sqrt(7)), 3, 50, 60)
    assert math.isnan(score_cell(rows([1.0]), **ASKED).std)


def test_the_first_repeats_are_used_in_order() -> None:
    shuffled = rows([1.0, 2.0, 6.0]).iloc[[2, 0, 1]]
    assert score_values(shuffled, **ASKED).tolist() == [1.0, 2.0, 6.0]
    assert score_cell(shuffled, **ASKED, repeats=2).mean == 1.5
    with pytest.raises(FringeError, match="has 3 repeats, but 4 are needed"):
        score_cell(shuffled, **ASKED, repeats=4)


def test_the_error_of_a_cell_comes_from_its_first_repeat() -> None:
    nan = float("nan")
    known = rows([1.0, 2.0, 6.0]).assign(standard_error=[0.5, nan, nan], real_error=[0.3, nan, nan])
    assert score_cell(known.iloc[[2, 0, 1]], **ASKED)[-2:] == (0.5, 0.3)
    of_generated = score_cell(known.assign(real_error=nan), **ASKED)
    assert of_generated.standard_error == 0.5
    assert math.isnan(of_generated.real_error)
    # Rows of earlier versions and rows of kernel distances have no errors.
    for frame in (rows([1.0]), rows([1.0]).assign(standard_error=nan, real_error=nan)):
        assert math.isnan(score_cell(frame, **ASKED).standard_error)


def test_the_size_nearest_to_the_compared_cell_is_used() -> None:
    both = pd.concat([rows([5.0], n_generated=10), rows([4.0], n_generated=100)])
    with pytest.raises(FringeError, match="more than one value for a repeat"):
        score_cell(both, **ASKED)
    assert score_cell(both, **ASKED, like=Cell(0, 0, 1, 50, 80)).mean == 4.0
    assert score_cell(both, **ASKED, like=Cell(0, 0, 1, 50, 20)).mean == 5.0
    with pytest.raises(FringeError, match="50\\+10 and 50\\+100"):
        score_cell(both, **ASKED, like=Cell(0, 0, 1, 51, 80))


def test_message_names_the_missing_combination_and_the_existing_values() -> None:
    with pytest.raises(FringeError, match="network 'clip' is missing \\(found inception\\)"):
        score_cell(rows([1.0]), **{**ASKED, "network": "clip"})


def test_relative_change_is_nan_without_a_positive_reference() -> None:
    assert relative_change(1.5, 2.0) == -0.25
    assert math.isnan(relative_change(1.0, 0.0))
    assert math.isnan(relative_change(1.0, -1.0))


def test_spread_of_a_change_agrees_with_many_draws() -> None:
    after, before = Cell(3.0, 0.03, 5, 1, 1), Cell(4.0, 0.02, 5, 1, 1)
    stream = np.random.default_rng(0)
    drawn = stream.normal(3.0, 0.03, 200_000) / stream.normal(4.0, 0.02, 200_000) - 1
    assert change_spread(after, before) == pytest.approx(drawn.std(), rel=0.01)
    assert math.isnan(change_spread(after, before._replace(mean=0.0)))
    assert math.isnan(change_spread(after._replace(std=math.nan), before))


def test_schemes_of_sweeps_and_other_schemes() -> None:
    assert sweep_size("top20") == ("top", 20)
    assert sweep_size("middle1") == ("middle", 1)
    for other in ("top", "top0", "top020", "random", "topmost3", "top2 "):
        assert sweep_size(other) is None


def test_datasets_keep_their_order() -> None:
    both = pd.concat([rows([1.0]).assign(dataset=name) for name in ("b", "a", "b")])
    assert datasets_of(both) == ["b", "a"]
