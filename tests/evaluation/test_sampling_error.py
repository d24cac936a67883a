"""Standard errors of stored features, compared with arrays in memory and with new images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from fringe.evaluation import (
    FrechetError,
    MeasuredImages,
    draw_random,
    draw_weighted,
    frechet_error,
    gaussian_of,
    score_draws,
    score_sizes,
    score_snapshots,
)
from fringe.features import FeatureFile, open_features
from fringe.files.hdf5 import create_h5
from fringe.metrics import (
    Gaussian,
    frechet_distance,
    frechet_distance_infinity,
    frechet_influence,
    variance_of_mean,
)

D = 6
MIX = np.linspace(0.5, 1.5, D)


def feature_file(path: Path, rows: np.ndarray) -> FeatureFile:
    with create_h5(path, {"first": 0, "last": len(rows), "network": "tiny"}) as file:
        for space in ("features", "logits"):
            file.create_dataset(space, data=rows.astype("f4"), fletcher32=True)
    return open_features(path)


@dataclass
class Rows:
    """Features of many studies, without a file for each study."""

    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def blocks(self, space: str, stop: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
        yield 0, self.rows[:stop]


def kept(rows: np.ndarray) -> FeatureFile:
    return cast(FeatureFile, Rows(rows))


def real_rows(stream: np.random.Generator, n: int) -> np.ndarray:
    return stream.normal(size=(n, D))


def generated_rows(stream: np.random.Generator, n: int) -> np.ndarray:
    """Tails are heavier than those of a normal distribution, which the formula does not assume."""
    return stream.standard_t(8, size=(n, D)) * MIX + 0.3


@pytest.fixture
def real(tmp_path: Path) -> FeatureFile:
    """Return more images than one block."""
    return feature_file(tmp_path / "real.h5", real_rows(np.random.default_rng(0), 5000))


@pytest.fixture
def generated(tmp_path: Path) -> FeatureFile:
    return feature_file(tmp_path / "generated.h5", generated_rows(np.random.default_rng(1), 4500))


def in_memory(real: np.ndarray, generated: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """Return the error of plain arrays and its real part. The covariance is of repeated rows."""
    repeated = Gaussian.from_features(np.repeat(generated, counts, axis=0))
    found = frechet_influence(real, generated, counts, of_generated=repeated)
    return found.standard_error(counts), float(np.sqrt(variance_of_mean(found.real)))


def test_errors_in_blocks_equal_those_of_whole_arrays(
    real: FeatureFile, generated: FeatureFile
) -> None:
    draws = np.random.default_rng(2).integers(0, 4200, (2, 800))  # some images several times
    whole = real.read().astype(np.float64), generated.read().astype(np.float64)
    reference = gaussian_of(real, stop=4400)
    first, second = score_draws(draws, generated, reference, 4400, real)
    counts = np.bincount(draws[0], minlength=4500)
    expected = in_memory(whole[0][:4400], whole[1], counts)
    assert (first["standard_error"], first["real_error"]) == pytest.approx(expected, rel=1e-9)
    assert np.isnan([second["standard_error"], second["real_error"]]).all()
    # With published statistics, the error is the same without the part of the real images.
    published = score_draws(draws, generated, reference, 4400)[0]
    assert published["standard_error"] == pytest.approx(
        np.sqrt(expected[0] ** 2 - expected[1] ** 2), rel=1e-9
    )
    assert np.isnan(published["real_error"])
    assert published["value"] == first["value"]
    (without, _) = score_draws(draws, generated, reference, 4400, real, with_error=False)
    assert np.isnan([without["standard_error"], without["real_error"]]).all()
    assert without["value"] == first["value"]


def test_errors_of_snapshots_equal_those_of_whole_arrays(
    real: FeatureFile, generated: FeatureFile
) -> None:
    snapshots = {
        "known": (gaussian_of(generated, "logits", stop=4400), 4400),
        "published": (gaussian_of(generated, "logits"), 4500),
    }
    known, published = score_snapshots(
        snapshots,
        gaussian_of(real, "logits", stop=600),
        600,
        features={"known": generated},
        real_features=real,
        space="logits",
    )
    rows = real.read("logits")[:600], generated.read("logits")[:4400]
    expected = in_memory(*(one.astype(np.float64) for one in rows), np.ones(4400, int))
    assert (known["standard_error"], known["real_error"]) == pytest.approx(expected, rel=1e-9)
    assert np.isnan([published["standard_error"], published["real_error"]]).all()


def test_errors_at_several_sizes_scale_with_the_counts(
    real: FeatureFile, generated: FeatureFile
) -> None:
    pairs = [(5000, 4500), (300, 400)]
    rows = score_sizes(real, generated, pairs, 2, seed=0)
    errors = {(r["metric"], r["n_generated"], r["repeat"]): r["standard_error"] for r in rows}
    whole = real.read().astype(np.float64), generated.read().astype(np.float64)
    expected = in_memory(*whole, np.ones(4500, int))
    assert errors["fid", 4500, 0] == pytest.approx(expected[0], rel=1e-9)
    # The error of n images is proportional to n^-1/2.
    expected = np.sqrt(
        (expected[0] ** 2 - expected[1] ** 2) * 4500 / 400 + expected[1] ** 2 * 5000 / 300
    )
    assert errors["fid", 400, 0] == pytest.approx(expected, rel=0.25)
    assert errors["fid_infinity", 4500, 0] == errors["fid", 4500, 0]
    assert np.isnan([errors[key] for key in errors if key[2] == 1]).all()
    rows = score_sizes(real, generated, pairs, 1, seed=0, method="reference")
    assert np.isnan([row["standard_error"] for row in rows if row["metric"] == "fid_infinity"])


def test_the_line_to_infinitely_many_has_the_error_of_the_plain_distance() -> None:
    """The spread of 300 lines with new images is accurate to 4 %; four times that is allowed."""
    stream = np.random.default_rng(3)
    values, errors = [], []
    for _ in range(300):
        real, generated = real_rows(stream, 800), generated_rows(stream, 800)
        values.append(frechet_distance_infinity(Gaussian.from_features(real), generated).value)
        errors.append(frechet_influence(real, generated).standard_error())
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.17)


def test_error_of_random_draws_equals_the_spread_of_new_images() -> None:
    """The spread of 200 studies with new images is accurate to 5 %; four times that is allowed."""
    stream = np.random.default_rng(4)
    values, errors = [], []
    for study in range(200):
        real = kept(real_rows(stream, 500))
        candidates = kept(generated_rows(stream, 600))
        draws = np.stack(draw_random(600, 400, 1, seed=study))
        (row,) = score_draws(draws, candidates, gaussian_of(real), 500, real)
        values.append(row["value"])
        errors.append(row["standard_error"])
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.2)


def preference(rows: np.ndarray) -> np.ndarray:
    """Return the probability of each candidate, which is up to nine times that of another."""
    wanted = 1 + 8 / (1 + np.exp(-4 * rows[:, 0]))
    return np.asarray(wanted / wanted.sum())


def test_error_of_weighted_draws_equals_the_spread_of_new_candidates() -> None:
    """The error covers the random draw and the random candidates, with fixed weights."""
    stream = np.random.default_rng(5)
    values, errors = [], []
    for study in range(200):
        real = kept(real_rows(stream, 500))
        rows = generated_rows(stream, 500)
        candidates = kept(rows)
        draws = np.stack(draw_weighted(preference(rows), 500, 1, study, "prelogits"))
        (row,) = score_draws(draws, candidates, gaussian_of(real), 500, real)
        values.append(row["value"])
        errors.append(row["standard_error"])
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.2)


def test_the_spread_of_repeats_is_a_part_of_the_error(
    real: FeatureFile, generated: FeatureFile
) -> None:
    """Repeats share real images and candidates: 1,500 of 4,500 without replacement, as in tables.

    The draws vary only by the part of the generated images that they do not have in common. The
    common part is the share n / N of the candidates.
    """
    n, total = 1500, len(generated)
    draws = np.stack(draw_random(total, n, 100, seed=0))
    rows = score_draws(draws, generated, gaussian_of(real), 5000, real)
    spread = np.std([row["value"] for row in rows], ddof=1)  # accurate to 7 %
    of_real, all_images = rows[0]["real_error"], rows[0]["standard_error"]
    of_generated = np.sqrt(all_images**2 - of_real**2)
    assert spread == pytest.approx(of_generated * np.sqrt(1 - n / total), rel=0.28)
    assert spread < of_generated < all_images


def test_a_single_image_has_no_error(real: FeatureFile, generated: FeatureFile) -> None:
    (row,) = score_draws(np.zeros((1, 5), int), generated, gaussian_of(real), 5000, real)
    assert row["value"] > 0
    assert np.isnan(row["standard_error"])


def test_images_with_only_statistics_have_no_error(
    real: FeatureFile, generated: FeatureFile
) -> None:
    one = MeasuredImages(gaussian_of(real), real)
    other = MeasuredImages(gaussian_of(generated), None)
    assert np.isnan(frechet_error(one, other)).all()
    swapped = frechet_error(other, one)
    assert isinstance(swapped, FrechetError)
    assert swapped.total > 0
    assert np.isnan(swapped.real)


def test_fewer_images_than_dimensions_have_an_error(tmp_path: Path) -> None:
    stream = np.random.default_rng(6)
    rows = stream.normal(size=(30, 50)), stream.normal(size=(20, 50))
    files = [feature_file(tmp_path / f"{len(one)}.h5", one) for one in rows]
    sets = [MeasuredImages(gaussian_of(file), file) for file in files]
    found = frechet_error(sets[0], sets[1])
    assert found.total > found.real > 0
    assert frechet_distance(sets[0].gaussian, sets[1].gaussian) > found.total
