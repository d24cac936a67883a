"""Tests of `compare_features`: results and refused input."""

from html import escape

import numpy as np
import pytest
from tests.comparison.planted import SKEWED, made

import fringe
from fringe.comparison import ModelImages, measure_main_network
from fringe.errors import FringeError
from fringe.scores.comparison import Comparison, read_comparison, write_result


def small(**options: object) -> Comparison:
    real, a, b = made(0, 400), made(1, 400, SKEWED, 0.8), made(2, 400, fault=0.3)
    arguments: dict[str, object] = {
        "real": real.features,
        "models": {"A": a.features, "B": b.features},
        "classes": {"A": a.classes, "B": b.classes},
        "real_classes": real.classes,
    }
    return fringe.compare_features(**{**arguments, **options})


@pytest.fixture(scope="module")
def found() -> Comparison:
    return small()


def test_round_trip(found: Comparison, tmp_path) -> None:
    write_result(tmp_path / "verdict.json", found)
    assert read_comparison(tmp_path / "verdict.json") == found


def test_table_and_html(found: Comparison) -> None:
    table = found.table()
    assert list(zip(table["network"], table["model"], strict=True)) == [
        ("inception", "A"),
        ("inception", "B"),
        ("clip", "A"),
        ("clip", "B"),
    ]
    assert table["fd"].notna().all()
    assert table["difference"].notna().sum() == 2
    page = found._repr_html_()
    assert f"<b>B against A: {found.verdict.word}.</b>" in page
    assert all(f"<li>{escape(limit)}</li>" in page for limit in found.verdict.limits)
    assert "NaN" not in page


def test_the_mean_ratio_to_the_floor(found: Comparison) -> None:
    for model in ("A", "B"):
        ratios = [each.models[model].floor_ratio for each in found.networks]
        mean = found.floor_ratios[model]
        assert mean.value == pytest.approx(np.mean([one.value for one in ratios]))
        assert mean.error == pytest.approx(np.mean([one.error for one in ratios]))


def test_class_shares_sum_to_a_small_difference(found: Comparison) -> None:
    near = small(
        models={"A": made(1, fault=0.5).features, "B": made(2, fault=0.4).features},
        classes={"A": made(1).classes, "B": made(2).classes},
        prices=False,
    )
    total = sum(one.contribution.value for one in near.class_shares["B"])
    difference = near.main.difference("B", "A").distance
    assert total == pytest.approx(difference.value, rel=0.03)
    first = found.class_shares["B"][0]
    assert max(first.model_share, first.baseline_share) > 0
    assert len(first.model_images) == 4


def test_other_numbers_are_measured_without_a_class_in_common() -> None:
    a, b = made(1, 400, fault=0.8), made(2, 400, fault=0.3)
    found = small(classes={"A": a.classes, "B": b.classes + 10}, prices=False)
    assert found.compositions == []
    assert found.verdict.word == "real"
    shares = found.class_shares["B"]
    assert all(one.baseline_share == 0 or one.model_share == 0 for one in shares)


def test_price(found: Comparison) -> None:
    (price,) = found.prices
    assert price.reached
    assert price.lower_bound <= price.distance <= 1.02 * price.target
    assert 0 < price.effective_share < 1
    (reaction,) = price.reactions
    # Reweighting A does not remove A's fault, which the control sees. B has a smaller fault.
    assert reaction.relative_of_model < reaction.relative


def test_a_second_call_returns_the_same(found: Comparison) -> None:
    assert small() == found


def test_result_does_not_depend_on_threads() -> None:
    real, a, b = made(0, 400), made(1, 400, SKEWED, 0.8), made(2, 400, fault=0.3)
    models = {
        name: ModelImages([one.features["inception"]], [one.classes])
        for name, one in (("A", a), ("B", b))
    }
    one, other = (
        measure_main_network(
            "inception",
            "Inception",
            real.features["inception"],
            models,
            real_classes=real.classes,
            threads=threads,
        )
        for threads in (1, 3)
    )
    assert one.result == other.result
    assert one.result.prices
    assert np.array_equal(one.weights["B"], other.weights["B"])


def test_tensors_and_arrays_are_equal(found: Comparison) -> None:
    import torch

    real, a, b = made(0, 400), made(1, 400, SKEWED, 0.8), made(2, 400, fault=0.3)
    tensors = [
        {name: torch.from_numpy(features) for name, features in each.features.items()}
        for each in (real, a, b)
    ]
    again = small(real=tensors[0], models={"A": tensors[1], "B": tensors[2]})
    assert again == found


def test_several_trainings_widen_the_interval() -> None:
    real = made(0)
    a, b = made(1, fault=0.6), made(2, fault=0.5)
    one = fringe.compare_features(real.features, {"A": a.features, "B": b.features}, prices=False)
    faults = (0.45, 0.5, 0.55)
    trainings = [made(10 + k, fault=fault).features for k, fault in enumerate(faults)]
    several = fringe.compare_features(
        real.features, {"A": a.features, "B": trainings}, prices=False
    )
    narrow, wide = (each.main.difference("B", "A").distance for each in (one, several))
    assert len(several.main.models["B"].each) == 3
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_floor_of_held_out_images_and_below_it() -> None:
    real, held = made(0), made(50)
    near = {name: features + 1e-3 for name, features in real.features.items()}
    found = fringe.compare_features(
        real.features,
        {"A": made(1, fault=0.5).features, "B": near},
        held_out=held.features,
        prices=False,
    )
    floor = found.main.floor
    assert floor.held_out
    assert floor.n == 2500
    assert found.main.models["B"].below_floor
    assert not found.main.models["A"].below_floor
    assert any("below the floor" in limit for limit in found.verdict.limits)


BAD = {
    "no features of clip": (
        lambda: {"models": {"A": {"inception": np.ones((400, 12))}, "B": made(2, 400).features}},
        "A: has no features of clip",
    ),
    "other numbers": (
        lambda: {"models": {"A": made(1, 300).features, "B": made(2, 400).features}},
        "give the first 300 of each",
    ),
    "another network": (
        lambda: {
            "models": {
                "A": {"inception": np.ones((400, 7)), "clip": np.ones((400, 10))},
                "B": made(2, 400).features,
            }
        },
        "A, inception: 7 dimensions",
    ),
    "NaN": (
        lambda: {
            "models": {
                "A": {**made(1, 400).features, "clip": np.full((400, 10), np.nan)},
                "B": made(2, 400).features,
            }
        },
        "A, clip: row 0 holds NaN",
    ),
    "the same images": (
        lambda: {"models": {"A": made(1, 400).features, "B": made(1, 400).features}},
        "A and B have the same features",
    ),
    "real images that are all the same": (
        lambda: {"real": {"inception": np.ones((400, 12)), "clip": made(0, 400).features["clip"]}},
        "two sets of them have the distance 0, .* give real images that differ",
    ),
    "real images with NaN": (
        lambda: {"real": {**made(0, 400).features, "clip": np.full((400, 10), np.nan)}},
        "real clip: row 0 holds NaN",
    ),
    "no real images": (lambda: {"real": {}}, "real: no features"),
    "too few images": (
        lambda: {"models": {"A": made(1, 3).features, "B": made(2, 3).features}, "classes": None},
        "A, inception: 3 images; each set needs at least 4",
    ),
    "the real images as a model": (
        lambda: {"models": {"A": made(0, 400).features, "B": made(2, 400).features}},
        "the real images and A have the same features",
    ),
    "held-out images of another network": (
        lambda: {"held_out": {"inception": np.ones((400, 7)), "clip": np.ones((400, 10))}},
        "held_out, inception: 7 dimensions",
    ),
    "a class number without end": (
        lambda: {"classes": {"A": np.full(400, 10**9), "B": np.zeros(400, int)}},
        "the highest class is 1000000000",
    ),
    "an array of real images": (
        lambda: {"real": made(0, 400).features["inception"]},
        "real: got ndarray; give the features by network",
    ),
    "an array of a model": (
        lambda: {"models": {"A": made(1, 400).features, "B": made(2, 400).features["clip"]}},
        "B: got ndarray; give the features by network",
    ),
    "no models": (lambda: {"models": {}}, "none given"),
    "classes of one model": (
        lambda: {"classes": {"A": made(1, 400).classes}},
        "classes: none of B",
    ),
    "half classes": (
        lambda: {"classes": {"A": np.zeros(400), "B": np.zeros(400, int)}},
        "whole numbers from 0 up",
    ),
    "no held-out features": (
        lambda: {"held_out": {"inception": np.ones((400, 12))}},
        "held_out: has no features of clip",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case: str) -> None:
    options, said = BAD[case]
    with pytest.raises(FringeError, match=said):
        small(**options())


def test_more_dimensions_than_images() -> None:
    rng = np.random.default_rng(3)
    real, a, b = (rng.normal(size=(60, 100)) for _ in range(3))
    found = fringe.compare_features(
        {"mine": real}, {"A": {"mine": a + 0.3}, "B": {"mine": b}}, prices=False
    )
    assert any("are few for 100 dimensions" in limit for limit in found.verdict.limits)
