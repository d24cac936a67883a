"""The Inception Score, compared with torch-fidelity and ADM's formula."""

import numpy as np
import pytest
import torch
from torch_fidelity.metric_isc import isc_features_to_metric

from fringe.errors import FringeError
from fringe.metrics import inception, inception_score

from .sliced import Sliced


def logits(n: int = 1003, classes: int = 40, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (2.5 * rng.standard_normal((n, classes))).astype(np.float32)


def by_adm(values: np.ndarray, size: int) -> float:
    """Return the score of ADM's evaluator: splits of equal size in order, the last one smaller."""
    p = np.exp(values.astype(np.float64))
    p /= p.sum(axis=1, keepdims=True)
    scores = []
    for start in range(0, len(p), size):
        part = p[start : start + size]
        scores.append(np.exp((part * np.log(part / part.mean(axis=0))).sum(axis=1).mean()))
    return float(np.mean(scores))


@pytest.mark.parametrize(("splits", "seed"), [(10, 2020), (10, 1), (1, 2020), (7, 2020)])
@pytest.mark.parametrize("rows", [1024, 100, 7])
def test_score_equals_torch_fidelity(
    splits: int, seed: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inception, "ROWS", rows)
    values = logits()
    theirs = isc_features_to_metric(torch.from_numpy(values), splits, True, seed)
    found = inception_score(values, splits=splits, seed=seed)
    assert found.value == pytest.approx(theirs["inception_score_mean"], rel=1e-12)
    assert found.deviation == pytest.approx(theirs["inception_score_std"], rel=1e-9, abs=1e-12)


def test_score_in_order_equals_torch_fidelity() -> None:
    values = logits()
    theirs = isc_features_to_metric(torch.from_numpy(values), 10, False, 2020)
    found = inception_score(values, seed=None)
    assert found.value == pytest.approx(theirs["inception_score_mean"], rel=1e-12)
    assert found.value != pytest.approx(inception_score(values).value, rel=1e-6)


def test_score_equals_adm() -> None:
    values = logits()
    found = inception_score(values, split_size=250, seed=None)
    assert found.value == pytest.approx(by_adm(values, 250), rel=1e-12)
    assert found.value == pytest.approx(by_adm(values, 250), rel=1e-12)
    whole = inception_score(values, split_size=5000, seed=None)
    assert whole.value == pytest.approx(by_adm(values, 1003), rel=1e-12)
    assert whole.deviation == 0


def test_tensors_slices_and_shifted_logits_give_the_same_score() -> None:
    values = logits()
    expected = inception_score(values)
    assert inception_score(torch.from_numpy(values)) == expected
    assert inception_score(Sliced(values)) == expected
    shifted = inception_score(values.astype(np.float64) + 1e4)  # softmax ignores a common shift
    assert shifted == pytest.approx(expected, rel=1e-9)


def test_smallest_and_largest_scores() -> None:
    sure = 2000.0 * np.eye(5).repeat(20, axis=0)  # contains probabilities of 0
    found = inception_score(sure, splits=1)
    assert found.value == pytest.approx(5, rel=1e-12)
    assert found.error == pytest.approx(0, abs=1e-12)
    assert inception_score(np.ones((50, 5)), splits=5).value == pytest.approx(1, rel=1e-12)
    one_each = inception_score(logits(10), splits=10)
    assert one_each.value == pytest.approx(1, rel=1e-12)
    assert one_each.error is None


@pytest.mark.parametrize("splits", [1, 10])
def test_error_equals_the_spread_between_sets(splits: int) -> None:
    """The spread of 300 repeats of 800 images is accurate to 4%."""
    found = [inception_score(0.5 * logits(800, 20, seed), splits=splits)[:2] for seed in range(300)]
    spread = np.std([value for value, _ in found], ddof=1)
    assert np.mean([error for _, error in found]) == pytest.approx(spread, rel=0.15)


def test_bad_input_is_refused() -> None:
    broken = logits()
    broken[17, 2] = np.nan
    for values, options, message in (
        (broken, {}, "logits: row 17 holds NaN"),
        (logits()[0], {}, r"logits: expected numbers of shape \(images, dimensions\)"),
        (logits(9), {}, "logits: 9 images are too few for 10 splits"),
        (logits(), {"splits": 0}, "splits: got 0; give a whole number"),
        (logits(), {"split_size": 2.5}, "split_size: got 2.5"),
    ):
        with pytest.raises(FringeError, match=message):
            inception_score(values, **options)  # type: ignore[arg-type]
