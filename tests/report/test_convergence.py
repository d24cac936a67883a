"""How much of FID weights remove, in words: by hand from rows of both optimizations."""

import pandas as pd
import pytest

from fringe.errors import FringeError
from fringe.report import verdict
from fringe.tables import CONVERGENCE_COLUMNS, SCORE_COLUMNS


def convergence(reference, ours, bounds, candidates=6000, dataset="d"):
    """Return rows of both solvers; a released step takes 2 s, an evaluation of ours 1 s."""
    rows = [
        (dataset, "net", "reference", k, 2.0 * k, v, None, 90.0, candidates, 10.0, 3, "cpu", 1)
        for k, v in enumerate(reference, 1)
    ] + [
        (dataset, "net", "ours", k, 1.0 * k, v, bound, 50.0, candidates, None, None, None, None)
        for k, (v, bound) in enumerate(zip(ours, bounds, strict=True), 1)
    ]
    return pd.DataFrame(rows, columns=list(CONVERGENCE_COLUMNS))


ROWS = convergence([20.04, 19.5, 19.04], [20.0, 18.0, 10.0], [0.0, 8.0, 9.8768])


def said(rows, dataset="d", network="net", random=10.0, resampled=4.0, counts=(50000, 50000)):
    """Return what a verdict says with the rows, as one text."""
    scores = pd.DataFrame(
        [
            (dataset, scheme, name, "features", "fid", repeat, value, *counts, 0)
            for name, values in ((network, (random, resampled)), ("clip", (2.0, 1.9)))
            for scheme, value in zip(("random", "prelogits"), values, strict=True)
            for repeat in range(2)
        ],
        columns=list(SCORE_COLUMNS),
    )
    (found,) = verdict(scores, network, ["clip"], {}, convergence=rows)
    return " ".join(found.sentences)


def test_null_space_by_hand():
    text = said(ROWS)
    assert (
        "falls from 20.0 at equal weights to 10.0 at the lowest: such weights remove 50.0%" in text
    )
    # (20 - 9.8768) / 20 = 50.616 %: of a bound, no more is claimed than is proven.
    assert "none reach below 9.87, so none remove more than 50.7%" in text
    # 1 of 20.04 against 10 of 20.
    assert "The first 3 steps of the released algorithm remove 5.0%" in text
    assert "the null space that our weights show is 10 times as large" in text
    # 10 * 3 / 6000
    assert "is 0.005 there and 4 in the published runs" in text
    assert "how much they leave is not measured here" in text


def test_steps_that_go_as_far_as_the_published_ones():
    rows = convergence([3.5447, 0.2384], [3.5435, 0.1966], [0.0, 0.1965], candidates=5)
    text = said(rows)
    assert "null space that our weights show is 1.01 times as large" in text
    assert "so these steps went at least as far" in text
    assert "not measured here" not in text


def test_released_steps_that_go_astray():
    text = said(convergence([20.04, 400.0], [20.0, 10.0], [0.0, 9.0]))
    assert "released algorithm remove nothing: its step size is too large" in text
    assert "times as large" not in text


def test_without_a_bound_none_is_claimed():
    text = said(convergence([20.0, 19.0], [20.0, 10.0], [0.0, 0.0]))
    assert "No bound above 0 was proven: other weights may remove more." in text
    assert "It is proven" not in text


def test_nothing_to_remove():
    text = said(convergence([0.0, 0.0], [0.0], [0.0]))
    assert "0 at equal weights: there is nothing to remove" in text
    assert "nan" not in text


def test_without_rows_nothing_is_said():
    for rows in (None, ROWS.assign(dataset="other")):
        assert "released algorithm" not in said(rows)


def test_the_papers_numbers_only_where_they_compare():
    rows = ROWS.assign(dataset="ffhq")
    text = said(rows, "ffhq", "inception", 5.3, 1.06)
    assert "from 5.30 to 1.78 (−66.4%); those here change it by −80.0%" in text
    assert "the paper's own" not in said(rows, "ffhq", "inception", 5.3, 1.06, (50000, 40000))
    assert "the paper's own" not in said(ROWS)


def test_rows_that_are_missing_are_named():
    with pytest.raises(FringeError, match="dataset 'd', solver 'ours' has no row"):
        said(ROWS[ROWS["solver"] == "reference"])
    with pytest.raises(FringeError, match="column seconds is missing"):
        said(ROWS.drop(columns="seconds"))
