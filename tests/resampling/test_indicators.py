"""Class indicators, compared with those of the released code."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.resampling import class_indicators
from fringe.resampling.indicators import mark_classes, rank_classes


@pytest.mark.parametrize(("mode", "n"), [("top", 1), ("top", 5), ("middle", 4), ("middle", 5)])
def test_indicators_equal_the_golden_ones(shared: Path, mode: str, n: int) -> None:
    golden = np.load(shared / "golden" / "resampling.npz")
    real, candidates = class_indicators(golden["real_logits"], golden["gen_logits"], n, mode)  # type: ignore[arg-type]
    assert real.dtype == candidates.dtype == np.float32
    np.testing.assert_array_equal(real, golden[f"bin_real_{mode}_n{n}"])
    np.testing.assert_array_equal(candidates, golden[f"bin_gen_{mode}_n{n}"])


def test_ranks_and_dropped_columns() -> None:
    #        ranks of classes 0..4: 0 2 4 1 3
    row = np.array([[9.0, 5.0, 1.0, 7.0, 3.0]])
    other = np.array([[9.0, 7.0, 1.0, 5.0, 3.0]])
    marked, theirs = class_indicators(row, row, 2)
    np.testing.assert_array_equal(marked, [[1, 1]])
    # The top 2 are {0, 3} and {0, 1}: only class 0 is in both sets.
    marked, theirs = class_indicators(row, other, 2)
    np.testing.assert_array_equal(marked, [[1]])
    np.testing.assert_array_equal(theirs, [[1]])
    # The middle three of five are ranks 1, 2, 3.
    marked, _ = class_indicators(row, row, 3, "middle")
    assert marked.shape == (1, 3)


def test_ties_go_to_the_smaller_index() -> None:
    tied = np.zeros((1, 6), np.float32)
    decisive = np.array([[1.0, 1, 0, 0, 0, 0]])
    marked, theirs = class_indicators(tied, decisive, 2)
    assert marked.shape == theirs.shape == (1, 2)
    # If larger indices came first, no class would be in both sets.


@pytest.mark.parametrize("mode", ["top", "middle"])
def test_every_row_sums_to_n_when_nothing_is_dropped(mode: str) -> None:
    logits = np.random.default_rng(0).standard_normal((500, 9))
    for n in range(1, 10):
        marked, _ = class_indicators(logits, logits, n, mode)  # type: ignore[arg-type]
        assert (marked.sum(axis=1) == n).all()


def test_tensors_give_tensors() -> None:
    logits = np.random.default_rng(0).standard_normal((50, 9)).astype(np.float32)
    real, candidates = class_indicators(torch.from_numpy(logits), torch.from_numpy(logits[:20]), 3)
    assert isinstance(real, torch.Tensor)
    expected = class_indicators(logits, logits[:20], 3)
    assert np.array_equal(real.numpy(), expected[0])
    assert np.array_equal(candidates.numpy(), expected[1])


def test_bad_input_is_refused() -> None:
    logits = np.random.default_rng(0).standard_normal((5, 9))
    broken = logits.copy()
    broken[3, 1] = np.nan
    for arguments, message in (
        ((logits, logits, 0), "n: got 0; there are 9 classes"),
        ((logits, logits, 10), "n: got 10"),
        ((logits, logits[:, :8], 2), "9 classes, candidates 8"),
        ((logits, broken, 2), "candidate logits: row 3"),
        ((logits, logits, 2, "low"), "'low'"),
        ((np.array([[2.0, 1]]), np.array([[1.0, 2]]), 1), "no class is marked in both"),
    ):
        with pytest.raises(FringeError, match=message):
            class_indicators(*arguments)  # type: ignore[arg-type]


def test_ranks_of_known_logits() -> None:
    order = rank_classes(np.array([[1.0, 7, 3], [2, 2, 9]]))
    np.testing.assert_array_equal(order, [[1, 2, 0], [2, 0, 1]])
    assert order.dtype == np.uint8
    assert rank_classes(np.zeros((1, 257))).dtype == np.uint16
    with pytest.raises(FringeError, match="their logits: row 1 holds NaN"):
        rank_classes(np.array([[1.0], [np.nan]]), "their logits")


@pytest.mark.parametrize("mode", ["top", "middle"])
def test_one_order_serves_every_n(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare with sorting for each N and marking the classes of each image one by one."""
    monkeypatch.setattr("fringe.resampling.indicators.ROWS", 7)  # several blocks
    stream = np.random.default_rng(0)
    real = stream.integers(0, 6, (30, 9)).astype(np.float32)  # full of ties
    candidates = stream.integers(0, 6, (50, 9)).astype(np.float32)
    orders = rank_classes(real), rank_classes(candidates)
    for n in range(1, 10):
        marked = mark_classes(*orders, n, mode)  # type: ignore[arg-type]
        first = 0 if mode == "top" else 9 // 2 - n // 2
        slow = [
            np.array([[c in ranking[first : first + n] for c in range(9)] for ranking in rankings])
            for rankings in (
                [sorted(range(9), key=lambda c, row=row: (-row[c], c)) for row in logits]
                for logits in (real, candidates)
            )
        ]
        kept = slow[0].any(axis=0) & slow[1].any(axis=0)
        for one, other in zip(marked, slow, strict=True):
            assert one.dtype == np.bool_
            assert one.flags.c_contiguous
            np.testing.assert_array_equal(one, other[:, kept])
