"""Tests of the verdicts of `compare_features` on simulated models with known differences."""

import numpy as np
import pytest
from tests.comparison.planted import EVEN, SKEWED, Made, made

import fringe
from fringe.resampling import optimize_weights
from fringe.scores.comparison import Comparison, Witness

CASES = {
    "histogram only": (
        {"histogram": SKEWED, "fault": 0.5},
        {"histogram": EVEN, "fault": 0.5},
        "class histogram",
    ),
    "quality only": ({"fault": 1.0}, {"fault": 0.4}, "real"),
    "both": ({"histogram": SKEWED, "fault": 1.0}, {"fault": 0.4}, "real"),
    "neither": ({"fault": 0.5}, {"fault": 0.5}, "too close to call"),
    "trade": ({"fault": 1.0}, {"histogram": SKEWED, "fault": 0.4}, "mixed"),
    "worse": ({"fault": 0.4}, {"fault": 1.0}, "worse"),
    "hidden fault removed": ({"fault": 0.5, "hidden": 1.0}, {"fault": 0.5}, "null space"),
    "equal FID": ({"fault": 1.0}, {"fault": 0.4, "hidden": 0.92}, "null space"),
}


def compared(a: Made, b: Made, **options: object) -> Comparison:
    real = made(0)
    return fringe.compare_features(
        real.features,
        {"A": a.features, "B": b.features},
        classes={"A": a.classes, "B": b.classes},
        real_classes=real.classes,
        prices=False,
        **options,
    )


@pytest.mark.parametrize("case", CASES)
def test_planted_truth(case: str) -> None:
    of_a, of_b, word = CASES[case]
    found = compared(made(1, **of_a), made(2, **of_b))
    assert found.verdict.word == word, found.verdict.sentence


def test_judges_are_ignored_for_a_class_histogram() -> None:
    """A control may be further from the real images when the class histogram is matched."""
    of_a, of_b, word = CASES["histogram only"]
    a, b = made(1, **of_a), made(2, **of_b)
    b.features["clip"][:] += 0.5
    found = compared(a, b)
    assert found.networks[1].difference("B", "A").distance.sign == 1
    assert found.verdict.word == word, found.verdict.sentence


def test_candidates_resampled_by_certified_weights() -> None:
    """Resampling A's own candidates lowers FID, and the control hardly moves."""
    real = made(0)
    candidates = made(3, n=10_000, fault=0.8)
    weights = optimize_weights(
        real.features["inception"], candidates.features["inception"], max_evaluations=60
    )
    rng = np.random.default_rng(4)
    drawn = rng.choice(10_000, 2500, p=weights.probabilities)
    resampled = Made(
        {network: found[drawn] for network, found in candidates.features.items()},
        candidates.classes[drawn],
    )
    plain = Made(
        {network: found[:2500] for network, found in candidates.features.items()},
        candidates.classes[:2500],
    )
    found = compared(plain, resampled)
    assert found.main.difference("B", "A").distance.value < -1
    assert found.verdict.word == "null space", found.verdict.sentence


def shifted(seed: int, main: float, control: float) -> dict[str, np.ndarray]:
    """Return features with these distances from standard normal features, up to bias."""
    rng = np.random.default_rng(seed)
    return {
        "inception": rng.normal(size=(6000, 8)) + np.sqrt(main) * np.eye(8)[seed],
        "clip": rng.normal(size=(6000, 6)) + np.sqrt(control) * np.eye(6)[seed],
    }


def test_the_case_of_the_paper() -> None:
    """Projected FastGAN and StyleGAN2 on FFHQ: equal FID, and FID_CLIP 4.67 against 2.76."""
    real = shifted(0, 0, 0)
    fastgan, stylegan2 = shifted(1, 5.30, 4.67), shifted(2, 5.30, 2.76)
    for models in (
        {"Projected FastGAN": fastgan, "StyleGAN2": stylegan2},
        {"StyleGAN2": stylegan2, "Projected FastGAN": fastgan},
    ):
        found = fringe.compare_features(real, models, prices=False)
        assert found.verdict.word == "null space", found.verdict.sentence
        assert found.main.differences[0].distance.sign == 0
        clip = {name: one.distance.value for name, one in found.networks[1].models.items()}
        assert clip["Projected FastGAN"] == pytest.approx(4.67, abs=0.25)
        assert clip["StyleGAN2"] == pytest.approx(2.76, abs=0.25)


def test_without_a_judge() -> None:
    a, b = made(1, fault=1.0), made(2, fault=0.4)
    found = compared(a, b, trained_with=["clip"])
    assert found.verdict.word == "no witness"
    (clip,) = found.witnesses
    assert not clip.judges
    assert "trained with it" in clip.reason


def test_a_control_without_power_that_does_not_move_is_not_evidence() -> None:
    blind = Witness(
        network="clip",
        title="CLIP",
        judges=True,
        reason="",
        trained_on=None,
        has_power=False,
        sees="would not have seen a blur of 2 pixels",
    )
    still = made(1, fault=0.5, hidden=1.0), made(2, fault=0.5)
    assert compared(*still).verdict.word == "null space"
    found = compared(*still, witnesses=[blind])
    assert found.verdict.word == "no witness"
    assert any("misses small changes: it would not" in limit for limit in found.verdict.limits)
    # A movement of the same control is evidence.
    assert (
        compared(made(1, fault=1.0), made(2, fault=0.4), witnesses=[blind]).verdict.word == "real"
    )


def test_ranking_names_neighbours_that_are_tied() -> None:
    real = made(0)
    sides = {"A": made(1, fault=1.0), "B": made(2, fault=0.4), "C": made(3, fault=0.4)}
    sides["D"] = made(4, fault=0.7)
    found = fringe.compare_features(
        real.features, {name: side.features for name, side in sides.items()}, prices=False
    )
    assert found.ranking[2:] == ["D", "A"]
    assert [set(pair) for pair in found.tied] == [{"B", "C"}]
    assert [one.model for one in found.verdicts] == ["B", "C", "D"]
    assert {one.word for one in found.verdicts} == {"real"}


def test_audit_distinguishes_class_histogram_from_quality() -> None:
    real = made(0)
    words = {}
    for name, side in {
        "histogram": made(1, histogram=SKEWED, fault=0.1),
        "quality": made(2, fault=1.0),
    }.items():
        found = fringe.compare_features(
            real.features,
            {"A": side.features},
            classes={"A": side.classes},
            real_classes=real.classes,
        )
        words[name] = found.verdict.word
    assert words == {"histogram": "class histogram", "quality": "real"}
