"""Tests of the lines that a terminal shows for a comparison."""

from pathlib import Path

import numpy as np
import pytest

import fringe
from fringe.report import comparison_lines, write_comparison
from fringe.report.comparison import comparison_protocol_notes
from fringe.scores.adherence import Following
from fringe.scores.compared_protocol import with_protocol
from fringe.scores.comparison import Comparison, read_comparison, write_result
from fringe.scores.protocol import Protocol


def compared(
    count: int, networks: tuple[str, ...] = ("inception", "clip"), trainings: int = 1
) -> Comparison:
    """Return a comparison of ``count`` models with different names and features."""
    rng = np.random.default_rng(count)

    def features(shift: float) -> dict[str, np.ndarray]:
        return {network: rng.normal(shift, 1, (40, 3)) for network in networks}

    models = {
        f"model-{place}": [features(place / 10) for _ in range(trainings)] for place in range(count)
    }
    return fringe.compare_features(features(0), models, prices=False)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 9])
def test_lines_are_fewer_than_25_and_have_verdicts_distances_and_ranking(count: int) -> None:
    found = compared(count, ("inception", "clip", "dinov2-b"))
    lines = comparison_lines(found)
    assert len(lines) + 1 < 25, "one more line names the page"
    assert any(line.startswith("* Standard errors") for line in lines)
    of = "the FID of " if count == 1 else ""
    for one in found.verdicts:
        assert f"Verdict on {of}{one.subject}: {one.word.upper()}" in lines
    for model in found.models:
        assert any(line.split()[:2] == ["Inception-V3", model] for line in lines)
    assert any(line.startswith("Ranking: ") for line in lines) == (count > 2)


def test_sentences_and_limits_are_shown_if_there_is_room() -> None:
    found = compared(2)
    text = " ".join(" ".join(comparison_lines(found)).split())
    assert found.verdict.sentence in text
    assert all(limit in text for limit in found.limits)


def test_the_floor_is_shown_with_its_error() -> None:
    found = compared(2)
    floor = found.main.floor
    shown = [line for line in comparison_lines(found) if "floor, n = 20" in line]
    assert len(shown) == 2
    assert f"{floor.distance.value:.2f} ± {floor.distance.error:.2f}" in shown[0]
    assert "The floor is the distance between two halves of the real images." in found.limits


def test_the_first_limit_says_what_errors_cover() -> None:
    covered = "Standard errors (±) and 95 % intervals cover the luck of the images"
    assert compared(2).limits[0].startswith(f"{covered} only. Another training")
    assert compared(2, trainings=2).limits[0] == f"{covered} and of the trainings."


def following(n: int) -> Following:
    """Return a protocol that a run names; each model has ``n`` images."""
    ours = Protocol(real_total=40, candidates=n, network="inception", precision="float32")
    return Following("adm", {"m0": ours, "m1": ours}, {})


def test_each_distance_is_compared_with_the_protocol(tmp_path: Path) -> None:
    plain = compared(2)
    assert plain.protocol_numbers == []
    found = with_protocol(plain, following(40), {"model-0": "m0", "model-1": "m1"})
    assert len(found.protocol_numbers) == 8, "FID and KID of two models in two networks"
    fid, kid, *_ = found.protocol_numbers
    assert (fid.model, fid.network, fid.metric) == ("model-0", "inception", "fid")
    assert fid.defined
    assert fid.differs == ["40 generated images (adm: 50,000)"]
    assert not kid.defined
    sentence = (
        "model-0, model-1: FID (Inception-V3): protocol adm, except 40 generated images "
        "(adm: 50,000). KID (Inception-V3), KID (CLIP): not defined by protocol adm, which does "
        "not have this metric. FID (CLIP): not defined by protocol adm, which has this metric only "
        "in inception."
    )
    assert comparison_protocol_notes(found) == [sentence]
    lines = comparison_lines(found)
    assert sentence in " ".join(" ".join(lines).split())
    assert len(lines) + 1 < 25
    assert any(line.startswith("* Standard errors") for line in lines)
    written = []
    for name, one in (("with", found), ("without", plain)):
        paths = [tmp_path / f"{name}.{suffix}" for suffix in ("md", "html", "json")]
        write_comparison(one, *paths[:2])
        write_result(paths[2], one)
        assert read_comparison(paths[2]) == one
        written.append([path.read_text() for path in paths])
    for with_notes, without_notes in zip(*written, strict=True):
        assert "protocol adm, except 40 generated images" in with_notes
        assert "protocol adm" not in without_notes
    assert "Protocol" not in written[1][0] + written[1][1]
