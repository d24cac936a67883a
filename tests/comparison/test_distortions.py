"""Tests of `measure_power` against slow formulas and against known answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from fringe.comparison import distortions as module
from fringe.comparison import measure_power, power_of
from fringe.errors import FringeError
from fringe.features import FeatureFile, extract_shard, open_features
from fringe.metrics import Gaussian, frechet_distance
from fringe.networks import Activations, FeatureNetwork, load_network
from fringe.seeds import random_stream
from fringe.sources import PhotoSource
from fringe.sources.distorted import VARIANTS
from fringe.sources.distortions import distorted

Features = Callable[[torch.Tensor], torch.Tensor]
CPU = torch.device("cpu")


def mean_colour(images: torch.Tensor) -> torch.Tensor:
    """Return the mean of each channel (N, 3), which a blur and a warp hardly change."""
    return images.double().mean((2, 3))


def detail(images: torch.Tensor) -> torch.Tensor:
    """Return mean steps between neighbours in each channel and direction (N, 6)."""
    scaled = images.double()
    steps = [scaled.diff(dim=axis).abs().mean((2, 3)) for axis in (2, 3)]
    return torch.cat(steps, 1)


def network_of(features: Features, dim: int, calls: list[int] | None = None) -> FeatureNetwork:
    def forward(images: torch.Tensor) -> Activations:
        if calls is not None:
            calls.append(len(images))
        return Activations(features(images).float())

    return FeatureNetwork(features.__name__, dim, None, "0" * 64, CPU, forward)


def extracted(
    folder: Path, source: PhotoSource, network: FeatureNetwork, count: int
) -> FeatureFile:
    path = folder / f"{network.name}-{count}.h5"
    few = PhotoSource(count, source.size, source.seed)
    extract_shard(few, network, 0, count, path, batch_size=32)
    return open_features(path)


def measured(
    folder: Path, network: FeatureNetwork, *, count: int = 40, size: int = 32, **changes: Any
) -> pd.DataFrame:
    source = PhotoSource(count + 5, size, 6)
    features = changes.pop("features", None) or extracted(folder, source, network, count)
    about = {"n": 24, "seed": 3, "batch_size": 32} | changes
    return pd.DataFrame(measure_power(source, network, features, **about))


def test_distances_agree_with_slow_formulas(tmp_path: Path) -> None:
    calls: list[int] = []
    network = network_of(detail, 6, calls)
    rows = measured(tmp_path, network, count=41)
    assert set(calls) == {32}  # batches are full
    source = PhotoSource(46, 32, 6)
    chosen = np.sort(random_stream(3, "power", "images").permutation(41)[:24])
    exchanged = random_stream(3, "power", "luck").random(24) < 0.5
    assert 4 < exchanged.sum() < 20

    def features(images: np.ndarray) -> np.ndarray:
        return detail(torch.from_numpy(images).permute(0, 3, 1, 2)).float().numpy()

    clean = source.read(chosen)
    before = features(clean)
    assert [*zip(rows["distortion"], rows["dose"], strict=True)] == [*VARIANTS]
    for row in rows.to_dict("records"):
        kind, dose = row["distortion"], row["dose"]
        images = [
            distorted(image, kind, dose, index=index, seed=3)
            for image, index in zip(clean, chosen, strict=True)
        ]
        after = features(np.stack(images))
        distance = frechet_distance(*map(Gaussian.from_features, (before, after)))
        pair = [
            np.stack([b if swap else a for a, b, swap in zip(one, other, exchanged, strict=True)])
            for one, other in ((before, after), (after, before))
        ]
        luck = frechet_distance(*map(Gaussian.from_features, pair))
        assert row["distance"] == pytest.approx(distance, rel=1e-4)
        assert row["luck"] == pytest.approx(luck, rel=1e-4)
    everything = features(source.read(range(41)))
    floors = []
    for split in range(4):
        order = random_stream(3, "power", "floor", split).permutation(41)
        halves = (everything[order[:20]], everything[order[20:40]])
        floors.append(frechet_distance(*map(Gaussian.from_features, halves)))
    assert rows["floor"].to_numpy() == pytest.approx(np.mean(floors), rel=1e-4)
    about = rows[["network", "n", "n_floor", "resolution", "seed"]].drop_duplicates()
    assert about.to_numpy().tolist() == [["detail", 24, 20, 32, 3]]


def test_a_network_that_sees_only_mean_colour_has_no_power(tmp_path: Path) -> None:
    power = power_of(measured(tmp_path, network_of(mean_colour, 3)))
    assert not power.has_power
    ratios = {(one.distortion, one.dose): one.ratio for one in power.doses}
    assert max(ratios["blur", "small"], ratios["blur", "gross"]) < 0.01
    assert "would not have seen a blur of 2 pixels" in power.sees


def test_the_untrained_network_sees_larger_doses_better(tmp_path: Path) -> None:
    network = load_network("untrained", None, CPU)
    rows = measured(tmp_path, network, count=100, size=48, n=100)
    power = power_of(rows)
    for kind in ("blur", "noise", "jpeg", "warp"):
        small, visible, gross = (one.ratio for one in power.doses if one.distortion == kind)
        assert small < visible < gross
    assert not power_of(rows, floor=1e6).has_power
    assert power_of(rows, floor=1e-6).has_power


class TestLuck:
    """Simulated features: `luck` is the excess of a distance of few images in many dimensions."""

    dim = 60
    scale = np.arange(1, dim + 1) ** -0.5

    def pairs(
        self, n: int, kind: str, stream: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        clean = stream.standard_normal((n, self.dim)) * self.scale
        if kind == "apart":  # each image moves a little, in its own random direction
            return clean, clean + 0.3 * stream.standard_normal(clean.shape) * self.scale
        return clean, 0.9 * clean + 0.05

    def distances(self, n: int, kind: str, repeats: int = 20) -> tuple[float, float]:
        """Return the means of distance and luck over repeats."""
        stream = np.random.default_rng(8)
        found = []
        for _ in range(repeats):
            clean, moved = self.pairs(n, kind, stream)
            exchanged = stream.random(n) < 0.5
            found.append(next(module._distances(clean, moved[:, None], exchanged)))
        distance, luck = np.mean(found, axis=0)
        return float(distance), float(luck)

    @pytest.mark.parametrize("kind", ["apart", "together"])
    def test_distance_minus_luck_is_not_larger_than_the_distance_of_many_images(
        self, kind: str
    ) -> None:
        truth, little = self.distances(40_000, kind, repeats=1)
        assert little < 0.05 * truth
        for n in (40, 120, 400):
            distance, luck = self.distances(n, kind)
            assert distance - luck < 1.05 * truth
            if kind == "apart" and n < 200:
                assert distance > 5 * truth  # the distance without the correction is far too large
            if kind == "together":
                assert distance - luck > 0.3 * truth

    def test_unchanged_images_have_the_distance_zero(self) -> None:
        clean, _ = self.pairs(50, "apart", np.random.default_rng(8))
        exchanged = np.arange(50) % 2 == 0
        assert next(module._distances(clean, clean[:, None], exchanged)) == pytest.approx((0, 0))


def test_the_same_seed_gives_the_same_numbers(tmp_path: Path) -> None:
    network = network_of(detail, 6)
    rows = measured(tmp_path, network)
    assert measured(tmp_path, network, workers=2).equals(rows)
    assert not measured(tmp_path, network, seed=4).equals(rows)


def test_a_killed_job_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fringe.resampling.saved_state.INTERVAL", 0.0)
    expected = measured(tmp_path, network_of(detail, 6))
    checkpoint = tmp_path / "state.checkpoint"

    def fails(images: torch.Tensor) -> torch.Tensor:
        if len(calls) == 6:
            raise KeyboardInterrupt
        return detail(images)

    calls: list[int] = []
    features = extracted(tmp_path, PhotoSource(45, 32, 6), network_of(detail, 6), 40)
    settings = {"checkpoint": checkpoint, "features": features}
    with pytest.raises(KeyboardInterrupt):
        measured(tmp_path, network_of(fails, 6, calls), **settings, key="a")
    again: list[int] = []
    found = measured(tmp_path, network_of(detail, 6, again), key="a", **settings)
    assert found.equals(expected)
    assert len(again) == 9 - 5  # batches of 32 of 288 images
    # Features of other images are not used.
    other: list[int] = []
    measured(tmp_path, network_of(detail, 6, other), key="b", **settings)
    assert len(other) == 9


def test_bad_input_is_refused(tmp_path: Path) -> None:
    network = network_of(detail, 6)
    few = extracted(tmp_path, PhotoSource(3, 32, 6), network, 3)
    with pytest.raises(FringeError, match="distortions of 24 of 3 real images"):
        measured(tmp_path, network, features=few)
    with pytest.raises(FringeError, match="distortions of 1 of 40 real images"):
        measured(tmp_path, network, n=1)
    other = extracted(tmp_path, PhotoSource(40, 32, 6), network_of(mean_colour, 3), 40)
    with pytest.raises(FringeError, match="has 3 features, but network 'detail' has 6"):
        measured(tmp_path, network, features=other)
