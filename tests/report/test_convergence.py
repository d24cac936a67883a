"""Tests of the sentences on how much of FID weights remove, against numbers by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from fringe.errors import FringeError
from fringe.report import verdict
from fringe.scores.convergence import CONVERGENCE_COLUMNS
from fringe.scores.differences import PAPER
from fringe.scores.protocol import Optimizer
from fringe.scores.rows import SCORE_COLUMNS


def convergence(reference, ours, bounds, candidates=6000, dataset="d"):
    """Return rows of both solvers: a released step takes 2 s, one of our evaluations 1 s."""
    rows = [
        (dataset, "net", "reference", k, 2.0 * k, v, None, 90.0, candidates, 10.0, 3, "cpu", 1, 0.0)
        for k, v in enumerate(reference, 1)
    ] + [
        (
            dataset,
            "net",
            "ours",
            k,
            1.0 * k,
            v,
            bound,
            50.0,
            candidates,
            None,
            None,
            None,
            None,
            None,
        )
        for k, (v, bound) in enumerate(zip(ours, bounds, strict=True), 1)
    ]
    return pd.DataFrame(rows, columns=list(CONVERGENCE_COLUMNS))


ROWS = convergence([20.04, 19.5, 19.04], [20.0, 18.0, 10.0], [0.0, 8.0, 9.8768])


def said(
    rows,
    dataset="d",
    network="net",
    random=10.0,
    resampled=4.0,
    counts=(50000, 50000),
    released=None,
    spreads=(0.0, 0.0, 0.0),
    protocols=None,
    steps=100_000,
):
    """Return the text of the verdict with these rows.

    ``released`` is FID with the released weights. ``spreads`` are the standard deviations of two
    repeats: at random, with our weights, and with the released weights.
    """
    schemes = ("random", "prelogits", "prelogits-released")[: 2 if released is None else 3]
    values = {network: (random, resampled, released), "clip": (2.0, 1.9, 1.95)}
    scores = pd.DataFrame(
        [
            (dataset, scheme, name, "features", "fid", repeat, value + side * std, *counts, 0)
            for name, means in values.items()
            for scheme, value, std in zip(schemes, means, spreads, strict=False)
            for repeat, side in enumerate((-(0.5**0.5), 0.5**0.5))
        ],
        columns=list(SCORE_COLUMNS),
    )
    (found,) = verdict(
        scores,
        network,
        ["clip"],
        {},
        convergence=rows,
        released=released
        and {"steps": steps, "learning_rate": 10, "candidates": {dataset: 250_000}},
        protocols=protocols,
    )
    return " ".join(found.sentences)


def test_null_space_by_hand():
    text = said(ROWS)
    assert (
        "falls from 20.0 at equal weights to a minimum of 10.0: the optimized weights remove 50.0%"
        in text
    )
    # (20 - 9.8768) / 20 = 50.616 %: the printed bound is rounded up.
    assert "no weights reach a loss below 9.87, so no weights remove more than 50.7%" in text
    # 1 of 20.04 against 10 of 20.
    assert "The first 3 steps of the released algorithm remove 5.0%" in text
    assert "measured by this loss, the null space that our weights show is 10 times as" in text
    # 10 * 3 / 6000
    assert "is 0.005 for these steps and 4 for the published runs" in text
    assert "how much loss they leave is not measured here" in text


def test_steps_that_go_as_far_as_the_published_ones():
    rows = convergence([3.5447, 0.2384], [3.5435, 0.1966], [0.0, 0.1965], candidates=5)
    text = said(rows)
    assert "null space that our weights show is 1.01 times as large" in text
    assert "so these steps went at least as far" in text
    assert "not measured here" not in text


def test_released_steps_that_increase_the_loss():
    text = said(convergence([20.04, 400.0], [20.0, 10.0], [0.0, 9.0]))
    assert "released algorithm remove nothing: its step size is too large" in text
    assert "times as large" not in text


def test_without_a_proven_bound_the_text_claims_none():
    text = said(convergence([20.0, 19.0], [20.0, 10.0], [0.0, 0.0]))
    assert "No lower bound above 0 was proven: other weights may remove more." in text
    assert "It is proven" not in text


def test_nothing_to_remove():
    text = said(convergence([0.0, 0.0], [0.0], [0.0]))
    assert "0 at equal weights, so there is nothing to remove" in text
    assert "nan" not in text


def test_without_rows_there_is_no_paragraph():
    for rows in (None, ROWS.assign(dataset="other")):
        assert "released algorithm" not in said(rows)


@pytest.mark.parametrize("rows", [None, ROWS.assign(dataset="ffhq")])
def test_our_fall_is_compared_with_the_papers(rows):
    asked = {"dataset": "ffhq", "network": "inception", "random": 5.3, "resampled": 1.06}
    text = said(rows, **asked, protocols={"ffhq": PAPER["ffhq"]})
    assert (
        "By the FID of drawn images, the weights here remove 80.0 ± 0.0% of FID, the paper's "
        "weights 66.4%." in text
    )
    text = said(rows, **asked, counts=(50000, 40000), protocols={"ffhq": PAPER["ffhq"]})
    assert (
        "the paper's weights 66.4%, measured differently from ours: "
        "50,000 + 40,000 images (the paper: 50,000 + 50,000)."
    ) in text
    assert "our protocol is unknown" in said(rows, **asked)
    assert "the paper" not in said(ROWS, protocols={"d": PAPER["ffhq"]})


def test_released_weights_are_compared_with_ours_and_the_papers():
    """By hand: (10 - 4) / (10 - 6) = 1.5, with errors of 0.1, 0.1 and 0.2 from the repeats."""
    text = said(None, released=6.0, spreads=(0.1, 0.1, 0.2))
    assert (
        "By the FID of drawn images, the optimal weights remove 60.0 ± 1.1% of FID, the "
        "released weights 40.0 ± 2.1%: the null space is 1.50 ± 0.08 times as large as they show."
    ) in text
    # 10 * 100,000 / 250,000
    assert "Released steps: 100,000 of step size 10." in text
    assert "over candidates is 4 for d, and 4 in the published runs" in text
    assert text.count("the steps went at least as far") == 1
    few = said(None, released=6.0, steps=20)
    assert "is 0.0008 for d, and 4 in the published runs" in few
    assert "fewer or smaller steps remove less of FID than the published steps" in few
    # If the losses of the released steps were measured, another paragraph reports them.
    assert "Released steps:" not in said(ROWS, released=6.0, steps=20)
    asked = {"dataset": "ffhq", "network": "inception", "random": 5.3, "resampled": 1.06}
    ours = replace(
        PAPER["ffhq"],
        optimizers={
            "prelogits": Optimizer("optimal"),
            "prelogits-released": Optimizer("released", 100_000, 10.0),
        },
    )
    text = said(None, **asked, released=1.8, protocols={"ffhq": ours})
    assert "the released weights 66.0 ± 0.0% (the paper prints 66.4%): the null" in text
    text = said(None, **asked, released=6.0, protocols={"ffhq": ours})
    assert "the released weights nothing (+13.2 ± 0.0%; the paper prints 66.4%)." in text
    assert "times as large" not in text


def test_errors_name_missing_rows_and_columns():
    with pytest.raises(FringeError, match="dataset 'd', solver 'ours' has no row"):
        said(ROWS[ROWS["solver"] == "reference"])
    with pytest.raises(FringeError, match="column seconds is missing"):
        said(ROWS.drop(columns="seconds"))
