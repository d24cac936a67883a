"""C_T, compared with dgm-eval's definition, and with scikit-learn where clusters are clear."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu

from fringe.errors import FringeError
from fringe.metrics import memorization
from fringe.metrics.clusters import cells_of, cluster_centres

from .sliced import Sliced

Sets = tuple[np.ndarray, np.ndarray, np.ndarray]


def nearest(points: np.ndarray, training: np.ndarray) -> np.ndarray:
    return np.array([np.sqrt(np.square(row - training).sum(axis=1).min()) for row in points])


def by_definition(sets: list[np.ndarray], cells: list[np.ndarray]) -> float:
    """Return C_T as in dgm-eval's `ct.py`, from three sets and the cell of each image."""
    (t, p, q), (in_t, in_p, in_q) = sets, cells
    total, weight = 0.0, 0.0
    for cell in np.unique(in_t):
        of_p, of_q = p[in_p == cell], q[in_q == cell]
        if not len(of_q) / len(q) > 20 / len(q):
            continue
        n, m = len(of_p), len(of_q)
        known = t[in_t == cell]
        u = mannwhitneyu(nearest(of_q, known), nearest(of_p, known), alternative="less").statistic
        z = (u - (n * m / 2 - 0.5)) / np.sqrt(n * m * (n + m + 1) / 12)
        total += n / len(p) * z
        weight += n / len(p)
    return total / weight


def clustered(dim: int = 90, seed: int = 0, few: bool = False) -> Sets:
    """Return three sets of three kinds of images that are far apart, in different shares."""
    rng = np.random.default_rng(seed)
    kinds = 12 * np.random.default_rng(99).standard_normal((3, dim))

    def draw(count: int, shares: list[float]) -> np.ndarray:
        chosen = kinds[rng.choice(3, count, p=shares)]
        return (chosen + rng.standard_normal((count, dim))).astype(np.float32)

    generated = draw(120, [0.9, 0.09, 0.01] if few else [0.5, 0.3, 0.2])
    return draw(200, [0.5, 0.3, 0.2]), draw(110, [0.4, 0.4, 0.2]), generated


@pytest.mark.parametrize("dim", [90, 5])
@pytest.mark.parametrize("few", [False, True])
def test_value_equals_its_definition(dim: int, few: bool) -> None:
    cluster = pytest.importorskip("sklearn.cluster", reason="scikit-learn is not installed")
    decomposition = pytest.importorskip("sklearn.decomposition")
    given = clustered(dim, few=few)
    sets = [each.astype(np.float64) for each in given]
    if dim > 64:
        pca = decomposition.PCA(n_components=64, svd_solver="full").fit(sets[0])
        sets = [pca.transform(each) for each in sets]
    kmeans = cluster.KMeans(n_clusters=3, n_init=10, random_state=0).fit(sets[0])
    cells = [kmeans.predict(each) for each in sets]
    expected = by_definition(sets, cells)
    assert memorization(*given).value == pytest.approx(expected, rel=1e-9)


def test_copies_are_far_below_zero() -> None:
    training, test, generated = clustered()
    assert abs(memorization(training, test, generated).value) < 3
    copies = training[:120] + np.float32(1e-3) * generated
    assert memorization(training, test, copies).value < -8
    assert memorization(training, test, training[:120]).value < -8  # all distances are 0
    assert memorization(training, test, 1.3 * generated).value > 3
    # With the sets exchanged: training images are near their copies, test images are not.
    assert memorization(copies, test, training).value < -3


def test_tensors_and_slices_give_the_same_value() -> None:
    sets = clustered()
    expected = memorization(*sets)
    assert memorization(*(torch.from_numpy(each) for each in sets)) == expected
    assert memorization(*(Sliced(each) for each in sets)) == expected


def test_error_equals_the_spread_between_sets() -> None:
    """The spread of 300 repeats with one training set is accurate to 4%."""
    rng = np.random.default_rng(0)
    training = rng.standard_normal((150, 3))
    for width in (1.0, 0.5):
        found = []
        for _ in range(300):
            test, generated = rng.standard_normal((60, 3)), width * rng.standard_normal((90, 3))
            found.append(memorization(training, test, generated, cells=1))
        values, errors = np.array(found).T
        assert errors.mean() == pytest.approx(values.std(ddof=1), rel=0.15)


def test_clusters_are_found() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((300, 4))
    cluster = pytest.importorskip("sklearn.cluster", reason="scikit-learn is not installed")
    theirs = cluster.KMeans(n_clusters=4, n_init=30, random_state=0).fit(points).inertia_
    centres = cluster_centres(points, 4, np.random.default_rng(1))
    cells = cells_of(points, centres)
    ours = np.square(points - centres[cells]).sum()
    assert ours < 1.02 * theirs
    alike = cluster_centres(np.ones((9, 2)), 3, np.random.default_rng(1))
    assert (alike == 1).all()


def test_bad_input_is_refused() -> None:
    t, p, q = clustered()
    broken = p.copy()
    broken[17, 2] = np.nan
    cases: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
        ((t, p[:, :3], q), {}, "training, test and generated features have 90, 3 and 90"),
        ((t, broken, q), {}, "test: row 17"),
        ((t, p, q[:20]), {}, "generated: no cell has more than 20 of the 20 images"),
        ((t[:2], p, q), {}, "training: 2 images are too few for 3 cells"),
        ((t[:60], p, q), {}, "training: 60 images are too few for 64 components"),
        ((t, p[:1], q), {}, "test: cell [0-2] of 3 has 0 test and .* training images"),
        ((t, p, q), {"cells": 0}, "cells: got 0; give a whole number of at least 1"),
    ]
    for arguments, options, message in cases:
        with pytest.raises(FringeError, match=message):
            memorization(*arguments, **options)
