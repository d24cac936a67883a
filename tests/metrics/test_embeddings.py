"""CMMD, compared with the published formula in float64."""

from typing import Any

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.metrics import cmmd, embeddings

from .sliced import Sliced


def by_formula(real: np.ndarray, generated: np.ndarray, sigma: float = 10.0) -> float:
    """Return 1,000 times Eq. 5 of Gretton et al. 2012 for normalized rows, from differences."""
    x, y = (v.astype(np.float64) for v in (real, generated))
    x, y = (v / np.sqrt((v**2).sum(axis=1, keepdims=True)) for v in (x, y))

    def mean(a: np.ndarray, b: np.ndarray) -> float:
        squares = np.array([np.square(row - b).sum(axis=1) for row in a])
        return float(np.exp(-squares / (2 * sigma**2)).mean())

    return 1000 * (mean(x, x) + mean(y, y) - 2 * mean(x, y))


def sets(
    n: int = 150, m: int = 130, dim: int = 24, shift: float = 0.3, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, dim)) + 1, rng.standard_normal((m, dim)) + 1 + shift
    return x.astype(np.float32), y.astype(np.float32)


@pytest.mark.parametrize("sigma", [10.0, 1.0, 0.1])
@pytest.mark.parametrize("block", [2048, 64, 7])
def test_value_equals_its_definition(
    sigma: float, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "BLOCK", block)
    x, y = sets()
    expected = by_formula(x, y, sigma)
    assert cmmd(x, y, sigma=sigma).value == pytest.approx(expected, rel=1e-6)
    assert cmmd(y, x, sigma=sigma).value == pytest.approx(expected, rel=1e-6)


def test_clip_like_embeddings() -> None:
    """Rows in a narrow cone of 768 dimensions, with copies. The published code uses float32."""
    rng = np.random.default_rng(1)
    centre = 3 * rng.standard_normal(768)
    x, y = ((centre + rng.standard_normal((200, 768))).astype(np.float32) for _ in range(2))
    y[:20] = x[:20]
    y[20:40] = y[20]
    assert cmmd(x, y).value == pytest.approx(by_formula(x, y), abs=1e-6)
    assert cmmd(x, x).value == pytest.approx(0, abs=1e-9)


def test_rows_are_normalized() -> None:
    x, y = sets()
    expected = cmmd(x, y)
    lengths = np.random.default_rng(2).uniform(1e-3, 1e3, (len(x), 1))
    assert cmmd(x * lengths, y).value == pytest.approx(expected.value, rel=1e-6)
    far, near = x.astype(float) * 1e200, y.astype(float) * 1e-200
    assert cmmd(far, near).value == pytest.approx(expected.value, rel=1e-6)


def test_tensors_and_slices_give_the_same_value() -> None:
    x, y = sets()
    expected = cmmd(x, y)
    assert cmmd(torch.from_numpy(x), y) == expected
    assert cmmd(Sliced(x), Sliced(y)) == expected
    assert cmmd(x.astype(np.float64), y) == expected


def test_reduced_precision_of_the_process_is_not_used() -> None:
    x, y = sets()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert cmmd(x, y).value == pytest.approx(by_formula(x, y), rel=1e-6)
    finally:
        torch.set_float32_matmul_precision("highest")


def test_no_matrix_of_all_pairs_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "BLOCK", 32)
    shapes = []
    own = embeddings._less_one

    def noted(*arguments: Any) -> torch.Tensor:
        values = own(*arguments)
        shapes.append(values.shape)
        return values

    monkeypatch.setattr(embeddings, "_less_one", noted)
    cmmd(*sets(300, 280))
    assert max(map(max, shapes)) == 32
    pairs = sum(rows * columns for rows, columns in shapes)
    assert pairs < 1.15 * (300**2 / 2 + 280**2 / 2 + 300 * 280)  # each pair once


def test_error_equals_the_spread_between_sets() -> None:
    """The spread of 300 repeats of 150 + 130 images is accurate to 4%."""
    found = np.array([cmmd(*sets(dim=8, shift=1, seed=seed)) for seed in range(300)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(ddof=1), rel=0.15)


def test_bad_input_is_refused() -> None:
    x, y = sets()
    broken, zero = x.copy(), x.copy()
    broken[17, 2], zero[19] = np.nan, 0
    for arguments, options, message in (
        ((x, y[:, :3]), {}, "24 and 3 dimensions"),
        ((broken, y), {}, "real: row 17 holds NaN"),
        ((x, torch.from_numpy(broken)), {}, "generated: row 17 holds NaN"),
        ((x, zero), {}, "generated: row 19 is zero and has no direction"),
        ((x[:1], y), {}, "real: got 1 image; give at least two"),
        ((x, y), {"sigma": 0}, "sigma: got 0; give a positive number"),
        ((x, y), {"sigma": np.nan}, "sigma: got nan"),
    ):
        with pytest.raises(FringeError, match=message):
            cmmd(*arguments, **options)  # type: ignore[arg-type]
