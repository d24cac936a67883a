"""Tests of the numbers of the shown images, against their definitions."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.special import softmax

from fringe.explorer import (
    GeneratedSet,
    Model,
    Numbers,
    RealSet,
    Seen,
    assemble,
    count_sentences,
    measure_images,
    measure_model,
)
from fringe.features import FeatureFile
from fringe.metrics import Gaussian, frechet_distance

from .stored import stored

D, CLASSES, REAL, MADE = 6, 5, 300, 400
RNG = np.random.default_rng(11)
MIX = RNG.normal(size=(D, D))
CENTRES = RNG.normal(size=(CLASSES, D))
NAMES = [f"name <{number}>" for number in range(CLASSES)]


def images(n: int, shift: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features, and logits whose largest value is at the planted class."""
    rng = np.random.default_rng(seed)
    classes = rng.choice(CLASSES, n, p=softmax(shift * np.arange(CLASSES)))
    features = CENTRES[classes] + 0.5 * rng.normal(size=(n, D)) @ MIX + shift
    logits = rng.normal(size=(n, CLASSES)) + 6 * np.eye(CLASSES)[classes]
    return features.astype(np.float32), logits.astype(np.float32)


REAL_ROWS, REAL_LOGITS = images(REAL + 20, 0.0, 1)
ROWS, LOGITS = images(MADE, 0.1, 2)
OTHER_ROWS, OTHER_LOGITS = images(MADE, 0.15, 3)
WEIGHTS = np.random.default_rng(5).exponential(size=MADE) * (np.arange(MADE) % 3 > 0)
PROBABILITIES = WEIGHTS / WEIGHTS.sum()
DRAWN = np.random.default_rng(6).integers(0, 3, MADE)


def real_set(folder: Path, size: int = 0, **changes: Any) -> RealSet:
    file = stored(folder, f"real{size}", REAL_ROWS, REAL_LOGITS, size)
    gaussian = Gaussian.from_features(REAL_ROWS[:REAL])
    return replace(
        RealSet(file, REAL, gaussian, REAL, REAL_LOGITS[:REAL].argmax(1)),
        **changes,
    )


def of_dataset(folder: Path, size: int = 0) -> tuple[RealSet, GeneratedSet, list[Model]]:
    real = real_set(folder, size)
    file: FeatureFile = stored(folder, f"made{size}", ROWS, LOGITS, size)
    made = GeneratedSet("Generated", file, MADE, LOGITS.argmax(1), PROBABILITIES * MADE)
    models = [
        measure_model("random", 0, made, real.gaussian, 200),
        measure_model("matched", 0, made, real.gaussian, 100, DRAWN),
        measure_model("optimized", 0, made, real.gaussian, 200, PROBABILITIES),
    ]
    return real, made, models


@pytest.fixture
def dataset(tmp_path: Path) -> tuple[RealSet, GeneratedSet, list[Model]]:
    return of_dataset(tmp_path)


def mixed(rows: np.ndarray, weights: np.ndarray, image: np.ndarray, share: float) -> Gaussian:
    """Return the Gaussian of weighted images plus one image with the given share."""
    w = np.append((1 - share) * weights / weights.sum(), share)
    x = np.concatenate([rows, image[None]]).astype(np.float64)
    mean = w @ x
    return Gaussian(mean, (w[:, None] * (x - mean)).T @ (x - mean))


def test_influence_is_the_effect_of_one_more_image(
    dataset: tuple[RealSet, GeneratedSet, list[Model]],
) -> None:
    """The reference is dFID at share 0 of the image, times 1 / count, by finite differences."""
    real, made, models = dataset
    of_real, of_made = measure_images(real, [made], models, 40, seed=9, names=NAMES).sets
    weights = [np.ones(MADE), DRAWN.astype(float), PROBABILITIES]
    whole = np.ones(REAL)
    step = 1e-6
    for m, (model, own) in enumerate(zip(models, weights, strict=True)):
        for row in range(0, 40, 7):
            image = ROWS[of_made.index[row]]
            near, far = (
                frechet_distance(real.gaussian, mixed(ROWS, own, image, share))
                for share in (0, step)
            )
            # Divisors n and n - 1 of covariances differ by 1 / n; the step adds 1e-6 psi^2.
            expected = (far - near) / step / model.count
            assert of_made.influence[row, m] == pytest.approx(expected, rel=0.02, abs=5e-4)
        for row in range(0, 20, 7):
            image = REAL_ROWS[of_real.index[row]]
            near, far = (
                frechet_distance(mixed(REAL_ROWS[:REAL], whole, image, share), model.gaussian)
                for share in (0, step)
            )
            expected = (far - near) / step / REAL
            assert of_real.influence[row, m] == pytest.approx(expected, rel=0.02, abs=5e-4)


def test_chosen_images_are_extreme_for_the_first_model(
    dataset: tuple[RealSet, GeneratedSet, list[Model]],
) -> None:
    real, made, models = dataset
    of_real, of_made = measure_images(real, [made], models, 60, seed=9, names=NAMES).sets
    psi = models[0].influences(made.features, MADE)
    assert len(of_made.index) == 60
    assert of_made.sampled.sum() == 30
    for scores in (WEIGHTS, psi, -psi):
        assert set(np.argsort(-scores)[:8]) <= set(of_made.index)
    of_reals = real.influences(models[0])
    assert len(of_real.index) == 30
    assert of_real.sampled.sum() == 15
    for scores in (of_reals, -of_reals):
        assert set(np.argsort(-scores)[:5]) <= set(of_real.index)
    # The numbers belong to the images with the given index.
    np.testing.assert_allclose(of_made.influence[:, 0], psi[of_made.index] / 200, rtol=1e-9)
    np.testing.assert_allclose(of_real.influence[:, 0], of_reals[of_real.index] / REAL, rtol=1e-9)
    np.testing.assert_array_equal(of_made.weight, (PROBABILITIES * MADE)[of_made.index])
    assert np.isnan(of_real.weight).all()


def test_neighbours_and_classes_belong_to_the_images(
    dataset: tuple[RealSet, GeneratedSet, list[Model]],
) -> None:
    real, made, models = dataset
    numbers = measure_images(real, [made], models, 40, seed=9, names=NAMES)
    of_real, of_made = numbers.sets
    every = cdist(ROWS.astype(float), REAL_ROWS[:REAL].astype(float))
    np.testing.assert_allclose(of_made.nearest, every.min(1)[of_made.index], rtol=1e-12)
    every = cdist(*[REAL_ROWS[:REAL].astype(float)] * 2)
    np.fill_diagonal(every, np.inf)
    np.testing.assert_allclose(of_real.nearest, every.min(1)[of_real.index], rtol=1e-12)
    for found, logits in ((of_made, LOGITS), (of_real, REAL_LOGITS)):
        shares = softmax(logits[found.index].astype(float), axis=1)
        assert found.classes is not None
        assert found.probabilities is not None
        np.testing.assert_array_equal(found.classes, np.argsort(-shares, axis=1)[:, :3])
        np.testing.assert_allclose(found.probabilities, -np.sort(-shares, axis=1)[:, :3], rtol=1e-9)


def test_shares_of_classes_are_of_all_images(
    dataset: tuple[RealSet, GeneratedSet, list[Model]],
) -> None:
    real, made, models = dataset
    table = measure_images(real, [made], models, 10, seed=9, names=NAMES[:4]).class_table
    assert table is not None
    assert list(table.names) == [*NAMES[:4], "class 4"]
    classes, of_real = LOGITS.argmax(1), REAL_LOGITS[:REAL].argmax(1)
    for row, number in enumerate(table.numbers):
        expected = [
            (of_real == number).mean(),
            (classes == number).mean(),
            DRAWN[classes == number].sum() / DRAWN.sum(),
            PROBABILITIES[classes == number].sum(),
        ]
        np.testing.assert_allclose(table.shares[row], expected, rtol=1e-12)
    np.testing.assert_allclose(table.shares.sum(axis=0), 1)


def test_parts_of_classes_add_up_to_a_small_difference(tmp_path: Path) -> None:
    """The error is of third order: half the step leaves an eighth of the error or less."""
    real, made, _ = of_dataset(tmp_path)
    errors = []
    for step in (0.1, 0.05):
        weights = 1 + step * (LOGITS.argmax(1) - 2)
        models = [
            measure_model("a", 0, made, real.gaussian, 200, np.ones(MADE)),
            measure_model("b", 0, made, real.gaussian, 200, weights),
        ]
        table = measure_images(real, [made], models, 10, seed=9).class_table
        assert table is not None
        difference = models[1].distance - models[0].distance
        assert abs(difference) > 1e-3
        errors.append(abs(table.contributions.sum() - difference))
        assert errors[-1] < 0.02 * abs(difference)
    assert errors[1] < errors[0] / 6


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return bool(a == b)


@pytest.mark.parametrize("size", [7, 64])
def test_results_do_not_depend_on_shards(tmp_path: Path, size: int) -> None:
    def found(shards: int) -> Numbers:
        real, made, models = of_dataset(tmp_path, shards)
        return measure_images(real, [made], models, 60, seed=9, names=NAMES)

    one, several = found(0), found(size)
    assert one.class_table is not None
    assert several.class_table is not None
    pairs = [*zip(one.sets, several.sets, strict=True), (one.class_table, several.class_table)]
    for a, b in pairs:
        for field in fields(a):
            assert same(getattr(a, field.name), getattr(b, field.name)), field.name


def of_comparison(folder: Path, labels: bool) -> tuple[RealSet, list[GeneratedSet], list[Model]]:
    """Return two generators; the second has features but no images."""
    real = real_set(folder, classes=None if not labels else np.arange(REAL) % 2)
    sets = [
        GeneratedSet("A", stored(folder, "a", ROWS), 350, np.arange(350) % 3 if labels else None),
        GeneratedSet(
            "B",
            stored(folder, "b", OTHER_ROWS),
            350,
            np.arange(350) % 7 if labels else None,
            shown=False,
        ),
    ]
    models = [
        measure_model(one.title, place, one, real.gaussian, 350) for place, one in enumerate(sets)
    ]
    return real, sets, models


def test_a_generator_without_images_has_influences_but_no_shown_images(tmp_path: Path) -> None:
    real, sets, models = of_comparison(tmp_path, labels=True)
    numbers = measure_images(real, sets, models, 30, seed=9, labelled=True)
    of_real, a, _ = numbers.sets
    assert [len(one.index) for one in numbers.sets] == [15, 30, 0]
    assert a.influence.shape == (30, 2)
    psi = models[1].influences_of(ROWS[a.index])
    np.testing.assert_allclose(a.influence[:, 1], psi / 350, rtol=1e-12)
    assert a.classes is not None
    assert a.classes[:, 0].tolist() == (a.index % 3).tolist()
    assert (a.classes[:, 1:] == -1).all()
    assert a.probabilities is None
    table = numbers.class_table
    assert table is not None
    assert list(table.names) == [f"class {number}" for number in range(7)]
    assert table.shares[6].tolist() == [0, 0, 50 / 350]
    assert of_real.classes is not None


def test_without_classes_there_are_all_other_numbers(tmp_path: Path) -> None:
    real, sets, models = of_comparison(tmp_path, labels=False)
    numbers = measure_images(real, sets[:1], models[:1], 30, seed=9)
    assert numbers.class_table is None
    assert all(one.classes is None for one in numbers.sets)
    assert np.isfinite(numbers.sets[1].nearest).all()
    sentences = count_sentences(real, sets[:1], models[:1], numbers)
    assert not any("Classes" in one for one in sentences)


def test_an_explorer_contains_all_sets_in_order(tmp_path: Path) -> None:
    real, sets, models = of_comparison(tmp_path, labels=True)
    numbers = measure_images(real, sets, models, 30, seed=9, labelled=True)
    rng = np.random.default_rng(0)
    seen = [
        Seen(rng.integers(0, 256, (15, 16, 16, 3), np.uint8)),
        Seen(rng.integers(0, 256, (30, 16, 16, 3), np.uint8), rng.normal(size=(30, 2, 3))),
        None,
    ]
    title = "</script>\u202e"
    found = assemble(
        numbers,
        seen,
        groups=["Real images", title, "B"],
        models=[title, "B"],
        network="made",
        counts=["one"],
        seed=7,
        sprite_bytes=10**6,
    )
    assert found.groups[1] == title
    assert found.group.tolist() == [0] * 15 + [1] * 30
    assert found.index.tolist() == [*numbers.sets[0].index, *numbers.sets[1].index]
    assert found.maps is not None
    assert found.map_ranges is not None
    assert found.maps.shape == (45, 2, 3)
    assert not found.maps[:15].any()
    assert np.isnan(found.map_ranges[:15]).all()
    assert np.isfinite(found.map_ranges[15:]).all()
    # Classes are row numbers of the table; the table's numbers are the labels.
    assert found.class_table is not None
    assert found.classes is not None
    labels = found.class_table.numbers[found.classes[:, 0]]
    assert labels.tolist() == [*(found.index[:15] % 2), *(found.index[15:] % 3)]
    assert (found.classes[:, 1:] == -1).all()
    assert found.probabilities is None


def test_sentences_name_the_counts(dataset: tuple[RealSet, GeneratedSet, list[Model]]) -> None:
    real, made, models = dataset
    numbers = measure_images(real, [made], models, 40, seed=9, names=NAMES)
    text = "\n".join(count_sentences(real, [made], models, numbers, maps="Maps: of all."))
    fid = frechet_distance(real.gaussian, Gaussian.from_features(ROWS))
    for part in (
        "Real images: 20 images are shown. 10 are a random sample",
        "Generated: 40 images are shown. 20 are a random sample",
        f"“random”: the effect of one more image among 200. The mean and covariance are of all "
        f"400 images, and FID is {fid:.2f}.",
        f"among 100. The mean and covariance are of {DRAWN.sum()} draws",
        "of 400 weighted images",
        "the nearest of 300",
        "Maps: of all.",
    ):
        assert part in text
    published = replace(real, behind=5000)
    text = "\n".join(count_sentences(published, [made], models, numbers))
    assert "mean and covariance of 5,000 real images, which were published" in text
