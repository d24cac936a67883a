"""Rows of the released optimization and of ours: losses, times, bounds, and their file."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from fringe.errors import FringeError
from fringe.evaluation import optimized_rows, released_rows
from fringe.evaluation.released import TIMED_STEPS
from fringe.metrics import Gaussian
from fringe.scores.convergence import CONVERGENCE_COLUMNS, write_convergence

COLUMNS = ["evaluation", "objective", "gap", "effective_sample_size", "seconds"]
PATH = np.array(
    [
        [1, 5.0, 5.0, 90.0, 0.1],
        [2, 3.0, 2.5, 50.0, 0.2],
        [3, 4.0, 2.0, 40.0, 0.3],  # the best objective is still 3, so the bound is 1
    ]
)


def write_weights(path: Path, columns: list[str] = COLUMNS) -> Path:
    with h5py.File(path, "w") as file:
        file["probabilities"] = np.full(7, 1 / 7)
        order = [COLUMNS.index(name) for name in columns]
        file.create_dataset("path", data=PATH[:, order]).attrs["columns"] = columns
    return path


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "golden" / "resampling.npz") as arrays:
        return {name: arrays[name] for name in ("real", "gen", "loss_all")}


def test_released_rows_contain_losses_and_times(golden: dict[str, np.ndarray]) -> None:
    rows = released_rows(Gaussian.from_features(golden["real"]), golden["gen"], 4)
    np.testing.assert_allclose(
        [row["objective"] for row in rows], golden["loss_all"][:4], rtol=1e-9
    )
    step = rows[0]["seconds"]
    assert step > 0
    assert [row["seconds"] for row in rows] == pytest.approx([step, 2 * step, 3 * step, 4 * step])
    assert [row["evaluation"] for row in rows] == [1, 2, 3, 4]
    assert {row["timed_steps"] for row in rows} == {TIMED_STEPS}
    assert {row["device"] for row in rows} == {"cpu"}
    assert rows[0]["effective_sample_size"] == pytest.approx(3000)
    assert rows[0]["candidates"] == 3000


def test_rows_end_if_steps_diverge() -> None:
    rng = np.random.default_rng(0)
    real = Gaussian.from_features(rng.standard_normal((40, 5)))
    rows = released_rows(real, 1e3 * rng.standard_normal((60, 5)), 50)
    assert 1 <= len(rows) < 50
    assert all(np.isfinite(row["objective"]) for row in rows)


@pytest.mark.parametrize("order", [COLUMNS, COLUMNS[::-1]])
def test_our_rows_equal_those_of_the_file(order: list[str], tmp_path: Path) -> None:
    rows = pd.DataFrame(optimized_rows(write_weights(tmp_path / "weights.h5", order)))
    assert rows["objective"].tolist() == [5.0, 3.0, 4.0]
    assert rows["lower_bound"].tolist() == [0.0, 0.5, 1.0]
    assert rows["seconds"].tolist() == [0.1, 0.2, 0.3]
    assert rows["effective_sample_size"].tolist() == [90.0, 50.0, 40.0]
    assert set(rows["candidates"]) == {7}


def test_a_path_without_times_is_refused(tmp_path: Path) -> None:
    path = write_weights(tmp_path / "weights.h5", COLUMNS[:-1])
    with pytest.raises(FringeError, match=r"weights\.h5: its path has no column seconds"):
        optimized_rows(path)


def test_the_file_keeps_all_digits_and_is_never_incomplete(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    real = Gaussian.from_features(rng.standard_normal((40, 5)))
    rows = released_rows(real, rng.standard_normal((60, 5)), 3)
    ours = optimized_rows(write_weights(tmp_path / "weights.h5"))
    labels = {"dataset": "d", "network": "net"}
    write_convergence(tmp_path / "out.csv", [*rows, *ours], labels)
    read = pd.read_csv(tmp_path / "out.csv")
    assert tuple(read.columns) == CONVERGENCE_COLUMNS
    assert read["objective"].tolist() == [row["objective"] for row in [*rows, *ours]]
    assert read["solver"].tolist() == ["reference"] * 3 + ["ours"] * 3
    assert read["threads"].isna().tolist() == [False] * 3 + [True] * 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "weights.h5"]
