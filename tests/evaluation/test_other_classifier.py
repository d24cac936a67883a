"""Known truth: the distance of a network without classes, and the classes of another network.

There are five kinds of images, and the generator makes some kinds too often. In the network of FID,
the kind moves the features, together with many other differences. The classifier has logits of the
kind, which do not depend on quality.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from fringe.evaluation import draw_matched, sampled_fid
from fringe.metrics import Gaussian, frechet_distance
from fringe.report.null_spaces import class_sentence
from fringe.resampling import optimize_weights

KINDS, DIM, N = 5, 6, 4000
REAL_SHARES = np.array([0.4, 0.3, 0.1, 0.1, 0.1])
MADE_SHARES = np.array([0.1, 0.1, 0.2, 0.3, 0.3])
CENTERS = np.random.default_rng(0).normal(size=(KINDS, DIM)) * 3


def images(shares: np.ndarray, count: int, seed: int, flaw: float = 0.0) -> Any:
    """Return features (count, DIM) of one network and logits (count, KINDS) of another.

    ``flaw`` moves the features of all images of all kinds, and no logit.
    """
    rng = np.random.default_rng(seed)
    kinds = rng.choice(KINDS, count, p=shares)
    features = CENTERS[kinds] + rng.normal(size=(count, DIM)) + flaw
    logits = 8.0 * np.eye(KINDS)[kinds] + rng.normal(size=(count, KINDS))
    return features, logits


def distances(flaw: float) -> tuple[float, float, float]:
    """Return FID of random and of Top-1 matched images, and of images weighted in logits."""
    real, real_logits = images(REAL_SHARES, N, 1)
    made, made_logits = images(MADE_SHARES, 4 * N, 2, flaw)
    of_real = Gaussian.from_features(real)

    def fid(rows: np.ndarray) -> float:
        return frechet_distance(of_real, Gaussian.from_features(made[rows]))

    (draw,), report = draw_matched(real_logits.argmax(1), made_logits.argmax(1), N, 1, 0)
    assert report["unfilled"] == {} or len(draw) > 0.9 * N
    judge = sampled_fid(of_real, cast(Any, SimpleNamespace(matrix=lambda space: made)), N, 0)
    weights = optimize_weights(Gaussian.from_features(real_logits), made_logits, judge=judge)
    drawn = np.random.default_rng(3).choice(len(made), N, p=weights.probabilities)
    return fid(np.arange(N)), fid(draw), fid(drawn)


def test_a_difference_only_of_classes_falls_to_about_0() -> None:
    random, matched, weighted = distances(0.0)
    assert random > 5
    assert matched < 0.02 * random
    assert weighted < 0.02 * random


def test_a_flaw_that_the_classifier_does_not_see_remains() -> None:
    random, matched, weighted = distances(1.0)
    flaw = DIM * 1.0  # its squared length
    assert matched == pytest.approx(flaw, rel=0.1)
    assert weighted == pytest.approx(flaw, rel=0.1)
    assert random > 1.5 * matched


def scores(filled: int) -> pd.DataFrame:
    """Return tidy scores: 10 at random, 6 matched, 8 for random images of the matched number."""
    values = {"random": (10.0, 100), "matched": (6.0, filled), "random-filled": (8.0, filled)}
    rows = [
        {
            "dataset": "faces",
            "scheme": scheme,
            "network": "blind",
            "space": "features",
            "metric": "fid",
            "repeat": repeat,
            "value": value + 0.1 * (-1) ** repeat,
            "n_real": 100,
            "n_generated": count,
            "seed": 0,
        }
        for scheme, (value, count) in values.items()
        for repeat in range(2)
    ]
    return pd.DataFrame(rows)


def test_the_sentence_names_both_networks_and_compares_equal_counts() -> None:
    titles = {"blind": "Blind", "counting": "Counting"}
    sentence = class_sentence(scores(100), "faces", "blind", "counting", titles)
    start = "When the Top-1 class histogram by Counting is matched, FID in Blind falls by "
    assert sentence.startswith(f"{start}40.0 ± ")
    assert sentence.endswith("%.")
    # Fewer images raise FID, so matched images are compared with the same number of random images.
    sentence = class_sentence(scores(90), "faces", "blind", "counting", titles)
    assert sentence.startswith(f"{start}25.0 ± ")
    assert sentence.endswith(
        "%, relative to 90 images drawn at random (the number of matched images)."
    )
