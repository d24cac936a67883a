"""Rows of the configured metrics, compared with direct calls on repeated rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from fringe import metrics
from fringe.errors import FringeError
from fringe.evaluation.asked_metrics import MEASURED, Compared, kernel_width, score_asked
from fringe.features import FeatureFile, open_features
from fringe.files.hdf5 import create_h5
from fringe.metrics import Kernel
from fringe.seeds import random_stream

D, CLASSES, N = 6, 4, 300


@pytest.fixture
def generated(tmp_path: Path) -> FeatureFile:
    rng = np.random.default_rng(5)
    path = tmp_path / "generated.h5"
    with create_h5(path, {"first": 0, "last": 400, "network": "tiny"}) as file:
        for space, width in (("features", D), ("logits", CLASSES)):
            data = rng.standard_normal((400, width)) + 0.5
            file.create_dataset(space, data=data.astype("f4"), fletcher32=True)
    return open_features(path)


@pytest.fixture
def compared(generated: FeatureFile) -> Compared:
    rng = np.random.default_rng(6)
    draws = np.stack([rng.permutation(400)[:N], rng.integers(0, 400, N)])
    real, held_out = (rng.standard_normal((N, D)).astype("f4") for _ in range(2))
    return Compared(
        draws, generated, real, held_out, seed=3, subsets=4, subset_size=50, frequencies=64
    )


def excess(a: np.ndarray, b: np.ndarray, width: float) -> float:
    return metrics.spectral_difference(a, b, sigma=width, eta=2, features=64).excess.value


def by_metric(found: list[dict[str, object]]) -> dict[tuple[object, object], float]:
    return {(row["metric"], row["repeat"]): float(str(row["value"])) for row in found}


def test_every_metric_equals_that_of_the_drawn_rows(compared: Compared) -> None:
    found = list(score_asked(list(MEASURED), compared))
    values = by_metric(found)
    assert len(values) == len(found) == 2 * len(MEASURED)
    for place, indices in enumerate(compared.draws):
        drawn = compared.generated.read("features")[indices]
        logits = compared.generated.read("logits")[indices]
        real = compared.real
        stream = int(random_stream(3, "kid", place).integers(2**31))
        kid = metrics.kernel_distances(
            real, drawn, [Kernel()], subsets=4, subset_size=50, seed=stream
        )
        manifolds = metrics.precision_recall(real, drawn, 3)
        width = np.median(cdist(real, real)[np.triu_indices(N, 1)]) / 2
        dense = metrics.density_coverage(real, drawn)
        expected = {
            "kid": kid[0],
            "cmmd": metrics.cmmd(real, drawn).value,
            "mind": metrics.mind(real, drawn).value,
            "inception_score": metrics.inception_score(logits).value,
            "precision": manifolds.precision,
            "recall": manifolds.recall,
            "density": dense.density.value,
            "coverage": dense.coverage.value,
            "vendi": metrics.vendi_score(drawn).value,
            "authenticity": metrics.authenticity(real, drawn).value,
            "memorization": metrics.memorization(real, compared.held_out, drawn).value,
            "lost_modes": excess(drawn, real, width),
            "new_modes": excess(real, drawn, width),
        }
        for metric, value in expected.items():
            assert values[metric, place] == pytest.approx(value, rel=1e-12), metric


def test_a_single_metric_has_the_same_value(compared: Compared) -> None:
    every = by_metric(list(score_asked(list(MEASURED), compared)))
    for metric in ("recall", "coverage", "lost_modes"):
        single = by_metric(list(score_asked([metric], compared)))
        assert single == {key: value for key, value in every.items() if key[0] == metric}


def test_logits_are_computed_by_a_classifier_without_bias(compared: Compared) -> None:
    weights = np.random.default_rng(7).standard_normal((CLASSES, D))
    about = Compared(compared.draws, compared.generated, compared.real, classifier=weights)
    drawn = compared.generated.read("features").astype(np.float64)
    for place, indices in enumerate(compared.draws):
        expected = metrics.inception_score(drawn[indices] @ weights.T).value
        values = by_metric(list(score_asked(["inception_score"], about)))
        assert values["inception_score", place] == pytest.approx(expected, rel=1e-9)


def test_errors_are_in_rows(compared: Compared) -> None:
    rows = {row["metric"]: row for row in score_asked(["kid", "coverage"], compared)}
    assert rows["kid"]["repeat"] == 1
    assert np.isnan(rows["kid"]["standard_error"]), "only the first draw has one"
    assert rows["coverage"]["standard_error"] > 0
    assert rows["coverage"]["n_real"] == N == rows["coverage"]["n_generated"]


def test_the_error_of_kid_equals_the_spread_between_sets(tmp_path: Path) -> None:
    """The spread of 200 pairs of sets is accurate to 5 %, and four times that is allowed."""
    rng = np.random.default_rng(8)
    path = tmp_path / "many.h5"
    with create_h5(path, {"first": 0, "last": 120, "network": "tiny"}) as file:
        data = (rng.standard_normal((120, D)) + 0.5).astype("f4")
        file.create_dataset("features", data=data, fletcher32=True)
    about = Compared(
        np.arange(120)[None], open_features(path), rng.standard_normal((150, D)).astype("f4")
    )
    (row,) = score_asked(["kid"], about)
    found = [
        metrics.kernel_distance(
            rng.standard_normal((150, D)), rng.standard_normal((120, D)) + 0.5, subsets=None
        )
        for _ in range(200)
    ]
    assert row["standard_error"] == pytest.approx(np.std(found), rel=0.2)


def test_memorization_without_test_images_is_refused(compared: Compared) -> None:
    about = Compared(compared.draws, compared.generated, compared.real)
    with pytest.raises(FringeError, match=r"lower n_real, or give more real images"):
        list(score_asked(["memorization"], about))


def test_a_kernel_width_from_copies_is_refused() -> None:
    with pytest.raises(FringeError, match="give real images that differ"):
        kernel_width(np.ones((5, 2)))


def test_lost_and_new_modes_are_distinguished(tmp_path: Path) -> None:
    """The real images are of two kinds, half of the images each."""
    rng = np.random.default_rng(9)
    kinds = [rng.normal(at, 1, (N, D)).astype("f4") for at in (0, 12, -12)]
    for name, made, lost, new in (
        ("both", [kinds[0], kinds[1]], False, False),
        ("lost", [kinds[0], kinds[0]], True, False),
        ("new", [kinds[0], kinds[1], kinds[2]], False, True),
    ):
        rows = np.concatenate(made) + rng.normal(0, 0.1, (N * len(made), D)).astype("f4")
        path = tmp_path / f"{name}.h5"
        with create_h5(path, {"first": 0, "last": len(rows), "network": "tiny"}) as file:
            file.create_dataset("features", data=rows, fletcher32=True)
        real = np.concatenate(kinds[:2])
        draws = np.arange(len(rows))[None]
        about = Compared(draws, open_features(path), real, frequencies=128)
        values = {row["metric"]: row["value"] for row in score_asked(["lost_modes"], about)}
        values |= {row["metric"]: row["value"] for row in score_asked(["new_modes"], about)}
        assert (values["lost_modes"] > 0.25) is lost, values
        assert (values["new_modes"] > 0.25) is new, values
