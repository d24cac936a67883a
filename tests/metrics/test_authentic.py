"""AuthPct and nearest neighbours, compared with their definitions in float64."""

from typing import Any

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.metrics import authenticity, neighbours
from fringe.metrics.balls import Features
from fringe.metrics.neighbours import nearest_neighbours

from .sliced import Sliced
from .test_manifolds import SETS, gaussians


def squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array([np.square(row - b).sum(axis=1) for row in a.astype(np.float64)])


def by_definition(training: np.ndarray, generated: np.ndarray) -> float:
    """Return AuthPct as in dgm-eval's `authpct.py`, from differences in float64."""
    own, between = squares(training, training), squares(training, generated)
    np.fill_diagonal(own, np.inf)
    authentic = own.min(axis=0)[between.argmin(axis=0)] < between.min(axis=0)
    return float(100 * authentic.mean())


@pytest.mark.parametrize("name", SETS)
def test_authenticity_equals_its_definition(name: str) -> None:
    x, y = SETS[name]()
    for training, generated in ((x, y), (y, x)):
        expected = pytest.approx(by_definition(training, generated), rel=1e-12)
        assert authenticity(training, generated).value == expected


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("block", [1536, 50])
def test_nearest_neighbours_equal_their_definition(name: str, block: int) -> None:
    x, y = SETS[name]()
    a, b = Features(x, "x", "float32", "cpu"), Features(y, "y", "float32", "cpu")
    rows = np.arange(0, len(x), 2)
    found = nearest_neighbours(a, rows, b, block=block)
    expected = squares(x[rows], y.astype(np.float64))
    np.testing.assert_array_equal(found.squares, expected.min(axis=1))
    np.testing.assert_array_equal(found.indices, expected.argmin(axis=1))
    found = nearest_neighbours(a, rows, a, besides_itself=True, block=block)
    expected = squares(x[rows], x.astype(np.float64))
    expected[np.arange(len(rows)), rows] = np.inf
    np.testing.assert_array_equal(found.squares, expected.min(axis=1))
    np.testing.assert_array_equal(found.indices, expected.argmin(axis=1))


def test_products_in_float32_only_would_be_wrong() -> None:
    x, y = SETS["clusters"]()
    own, between = (torch.cdist(torch.from_numpy(x), torch.from_numpy(v)) for v in (x, y))
    own.fill_diagonal_(torch.inf)
    authentic = own.min(dim=0).values[between.argmin(dim=0)] < between.min(dim=0).values
    assert 100 * authentic.double().mean() != by_definition(x, y)


def test_copies_are_not_authentic() -> None:
    x, y = gaussians(400, 200)
    before = authenticity(x, y)
    copied = y.copy()
    copied[:50] = x[:50]
    near = x[50:100] + np.float32(1e-4)
    assert authenticity(x, x).value == 0
    assert authenticity(x, near).value == 0
    assert authenticity(x, copied).value < before.value
    assert authenticity(x, copied).value == pytest.approx(
        authenticity(x, y[50:]).value * 0.75, rel=1e-12
    )


def test_a_repeated_training_image_has_a_neighbour_at_distance_zero() -> None:
    training = np.array([[0, 0], [0, 0], [5, 0], [9, 0]], np.float32)
    assert authenticity(training, [[0.0, 0.1], [0, 0], [5, 1]]).value == pytest.approx(100 / 3)


def test_one_pass_is_enough_for_ordinary_features(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def noted(*arguments: Any) -> np.ndarray:
        compared.append(len(arguments[1]))
        return original(*arguments)

    original = neighbours.exact_pairs
    monkeypatch.setattr(neighbours, "exact_pairs", noted)
    x, y = gaussians(600, 500)
    authenticity(x, y)
    assert sum(compared) < 1.2 * 1000  # about one per row, of 550,000 pairs


def test_tensors_and_slices_give_the_same_value() -> None:
    for name in ("gaussians", "memorized"):
        x, y = SETS[name]()
        expected = authenticity(x, y)
        assert authenticity(torch.from_numpy(x), y) == expected
        assert authenticity(Sliced(x), Sliced(y)) == expected


def test_error_equals_the_spread_between_generated_sets() -> None:
    """The spread of 300 repeats of 80 images is accurate to 4%."""
    rng = np.random.default_rng(0)
    training = rng.standard_normal((200, 4))
    found = np.array([authenticity(training, rng.standard_normal((80, 4))) for _ in range(300)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(ddof=1), rel=0.15)


def test_bad_input_is_refused() -> None:
    x, y = gaussians()
    broken = x.copy()
    broken[17, 2] = np.nan
    for arguments, message in (
        ((x, y[:, :3]), "training and generated features have 12 and 3 dimensions"),
        ((broken, y), "training: row 17"),
        ((x, broken), "generated: row 17"),
        ((x[:1], y), "training: got 1 image; give at least two"),
    ):
        with pytest.raises(FringeError, match=message):
            authenticity(*arguments)
