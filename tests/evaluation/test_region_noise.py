"""FID with noise in parts of images, compared with FID of kept features; files of rows."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.linalg as linalg
import torch

from fringe.errors import DamagedFileError, FringeError
from fringe.evaluation import measure_region_noise
from fringe.metrics import Gaussian
from fringe.networks import Activations, FeatureNetwork
from fringe.scores.region_noise import (
    REGION_NOISE_COLUMNS,
    REGION_SHARE_COLUMNS,
    read_region_noise,
    read_region_shares,
    write_region_noise,
    write_region_shares,
)
from fringe.sensitivity.noise import REGIONS, NoisySource
from fringe.sensitivity.region import RegionShare
from fringe.sources import PhotoSource

N, N_REAL, BATCH, SIZE = 22, 31, 5, 16


class CountedSource(PhotoSource):
    """Photographs that record how many images are read at a time."""

    asked: list[int]

    def read(self, indices: np.ndarray) -> np.ndarray:
        self.asked.append(len(indices))
        return super().read(indices)


def features_of(images: torch.Tensor) -> torch.Tensor:
    """Return mean and deviation of each channel in the left half, (N, 6)."""
    left = images.double()[..., : images.shape[3] // 2].flatten(2)
    return torch.cat([left.mean(2), left.std(2)], 1) / 50


def network(sizes: list[int] | None = None) -> FeatureNetwork:
    def forward(images: torch.Tensor) -> Activations:
        if sizes is not None:
            sizes.append(len(images))
        return Activations(features_of(images))

    return FeatureNetwork("halves", 6, None, "0" * 64, torch.device("cpu"), forward)


def photographs(count: int, seed: int) -> CountedSource:
    source = CountedSource(count, SIZE, seed)
    object.__setattr__(source, "asked", [])  # the dataclass is frozen
    return source


def features(images: np.ndarray) -> np.ndarray:
    return features_of(torch.from_numpy(images).permute(0, 3, 1, 2)).float().double().numpy()


def slow_fid(one: np.ndarray, other: np.ndarray) -> float:
    """Return the Fréchet distance of two sets of features by the textbook formula."""
    R, S = (np.cov(rows, rowvar=False) for rows in (one, other))
    root = linalg.sqrtm(R @ S).real
    step = one.mean(0) - other.mean(0)
    return float(step @ step + np.trace(R + S - 2 * root))


REAL = features(PhotoSource(N_REAL, SIZE, 1).read(range(N_REAL)))
# The left half is important, and features depend only on this half.
MAPS = np.tile([[3.0, 1.0]], (N + 2, 2, 1))


def measured(source: CountedSource | None = None, sizes: list[int] | None = None, **changes):
    about = {"n_real": N_REAL, "scale": 0.1, "n": N, "seed": 4, "batch_size": BATCH} | changes
    source = source or photographs(N + 5, 2)
    maps = about.pop("maps", MAPS)
    real = about.pop("real", Gaussian.from_features(REAL))
    return measure_region_noise(source, maps, network(sizes), real, **about)


def test_rows_equal_those_of_kept_features() -> None:
    source, sizes = photographs(N + 5, 2), []
    rows = measured(source, sizes)
    assert [row["region"] for row in rows] == list(REGIONS)
    for row in rows:
        noisy = NoisySource(PhotoSource(N + 5, SIZE, 2), MAPS, row["region"], 0.1, 4)
        expected = slow_fid(REAL, features(noisy.read(range(N))))
        assert row["value"] == pytest.approx(expected, rel=1e-5)
        assert (row["n_real"], row["n_generated"], row["seed"]) == (N_REAL, N, 4)
        assert (row["network"], row["scale"]) == ("halves", 0.1)
    # Images are read and processed only in batches, and batches are always full.
    assert max(source.asked) == BATCH
    assert sum(source.asked) == 3 * N
    assert set(sizes) == {BATCH}
    clean = measured(scale=0)[0]["value"]
    important, other, both = (row["value"] for row in rows)
    assert important == both
    assert other == clean
    assert important != clean


def test_scale_0_needs_only_one_pass() -> None:
    source = photographs(N, 2)
    rows = measured(source, scale=0)
    assert sum(source.asked) == N
    expected = slow_fid(REAL, features(PhotoSource(N, SIZE, 2).read(range(N))))
    assert [row["region"] for row in rows] == list(REGIONS)
    assert {row["value"] for row in rows} == {rows[0]["value"]}
    assert rows[0]["value"] == pytest.approx(expected, rel=1e-5)
    assert {row["scale"] for row in rows} == {0.0}


def test_result_does_not_depend_on_batches() -> None:
    one, other = (measured(batch_size=size) for size in (N, 3))
    assert [r["value"] for r in one] == pytest.approx([r["value"] for r in other], rel=1e-10)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(
        FringeError, match="cannot add noise to 30 images: there are 27 images and 24"
    ):
        measured(n=30)
    with pytest.raises(FringeError, match="noise to 1 images"):
        measured(n=1)
    with pytest.raises(FringeError, match="batch size 0"):
        measured(batch_size=0)
    with pytest.raises(FringeError, match=r"'halves' has 6 features.*statistics 5"):
        measured(real=Gaussian.from_features(REAL[:, :5]))
    with pytest.raises(FringeError, match="scale is -1"):
        measured(scale=-1)
    with pytest.raises(FringeError, match="row 3 holds NaN"):
        measured(maps=np.where(np.arange(N)[:, None, None] == 3, np.nan, MAPS[:N]))


def test_message_on_nan_names_image_and_network() -> None:
    first = PhotoSource(N, SIZE, 2).read([17])[0].transpose(2, 0, 1)

    def forward(images: torch.Tensor) -> Activations:
        blind = (images == torch.from_numpy(first)).flatten(1).all(1)
        return Activations(torch.where(blind[:, None], torch.inf, features_of(images)))

    blind = FeatureNetwork("blind", 6, None, "0" * 64, torch.device("cpu"), forward)
    about = {"n_real": N_REAL, "n": N, "seed": 4, "batch_size": BATCH}
    message = r"with noise 0 .*: image 17 gives NaN or infinite features in network 'blind'"
    with pytest.raises(FringeError, match=message):
        measure_region_noise(
            photographs(N, 2), MAPS, blind, Gaussian.from_features(REAL), scale=0, **about
        )


def test_rows_are_read_as_written(tmp_path: Path) -> None:
    rows = measured(scale=0) + measured()
    write_region_noise(tmp_path / "a.csv", rows[:3], "NA")
    write_region_noise(tmp_path / "b.csv", rows[3:], "01")
    read = read_region_noise([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert tuple(read.columns) == REGION_NOISE_COLUMNS
    assert read["value"].tolist() == [row["value"] for row in rows]
    assert read["dataset"].tolist() == ["NA"] * 3 + ["01"] * 3
    assert read["n_generated"].tolist() == [N] * 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv"]


def test_shares_are_read_as_written(tmp_path: Path) -> None:
    shares = [RegionShare(1 / 3, 0.3, 0.4, 0.25, 9), RegionShare(0.1, math.nan, math.nan, 0.2, 1)]
    rows = [{"dataset": "d", "network": "net", **share._asdict()} for share in shares]
    path = tmp_path / "shares.csv"
    write_region_shares(path, rows)
    read = read_region_shares([path])
    assert tuple(read.columns) == REGION_SHARE_COLUMNS
    pd.testing.assert_frame_equal(read, pd.DataFrame(rows)[list(REGION_SHARE_COLUMNS)])


def test_damaged_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"

    def says(message: str, read=read_region_noise) -> None:
        with pytest.raises(DamagedFileError, match=rf"rows\.csv: missing or damaged \({message}"):
            read([path])

    says(".*No such file")
    path.write_text("")
    says("No columns")
    path.write_bytes(b"\x89HDF\r\n\xff")
    says(".*decode")
    write_region_noise(path, measured(), "d")
    whole = path.read_text()
    says("column share, low, high, area, n is missing", read_region_shares)
    path.write_text(whole.splitlines()[0] + "\n")
    says("no row")
    path.write_text(whole.replace("scale", "size"))
    says("column scale is missing")
    path.write_text(whole.replace("unimportant", "elsewhere"))
    says("a region is not one of important, unimportant, everywhere")
    path.write_text(whole[: whole.rindex(",")])  # the last number is cut off
    says("it ends within a row")
    path.write_text(whole[: whole.rindex(",")] + ",\n")
    says("a number is not finite")
    path.write_text(whole.replace(f"{N_REAL},{N}", f"{N_REAL},many"))
    says(".*many")
