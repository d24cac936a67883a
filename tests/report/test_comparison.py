"""What a comparison says in a terminal."""

import numpy as np
import pytest

import fringe
from fringe.report import comparison_lines
from fringe.scores.comparison import Comparison


def compared(
    count: int, networks: tuple[str, ...] = ("inception", "clip"), trainings: int = 1
) -> Comparison:
    """Return a comparison of ``count`` models, with names and features of their own."""
    rng = np.random.default_rng(count)

    def features(shift: float) -> dict[str, np.ndarray]:
        return {network: rng.normal(shift, 1, (40, 3)) for network in networks}

    models = {
        f"model-{place}": [features(place / 10) for _ in range(trainings)] for place in range(count)
    }
    return fringe.compare_features(features(0), models, prices=False)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 9])
def test_a_comparison_is_short_and_keeps_what_matters(count: int) -> None:
    found = compared(count, ("inception", "clip", "dinov2-b"))
    lines = comparison_lines(found)
    assert len(lines) + 1 < 25, "a line that names the page follows"
    assert any(line.startswith("* Standard errors") for line in lines)
    for one in found.verdicts:
        assert f"Verdict on {one.subject}: {one.word.upper()}" in lines
    for model in found.models:
        assert any(line.split()[:2] == ["Inception-V3", model] for line in lines)
    assert any(line.startswith("Ranking: ") for line in lines) == (count > 2)


def test_sentences_and_limits_are_there_if_they_fit() -> None:
    found = compared(2)
    told = " ".join(" ".join(comparison_lines(found)).split())
    assert found.verdict.sentence in told
    assert all(limit in told for limit in found.limits)


def test_the_floor_is_shown_with_its_error() -> None:
    found = compared(2)
    floor = found.main.floor
    told = [line for line in comparison_lines(found) if "floor, n = 20" in line]
    assert len(told) == 2
    assert f"{floor.distance.value:.2f} ± {floor.distance.error:.2f}" in told[0]
    assert "The floor is the distance between two halves of the real images." in found.limits


def test_what_errors_cover_is_said() -> None:
    covered = "Standard errors (±) and 95 % intervals cover the luck of the images"
    assert compared(2).limits[0].startswith(f"{covered} only. Another training")
    assert compared(2, trainings=2).limits[0] == f"{covered} and of the trainings."
