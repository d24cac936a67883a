"""Which protocol a number follows: each deviation by itself, and none where there is none."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from fringe.scores.adherence import Adherence, Following, Judged, protocol_notes, read_following
from fringe.scores.cells import Cell
from fringe.scores.differences import PAPER
from fringe.scores.named_protocols import PROTOCOL_NAMES, named_protocol
from fringe.scores.protocol import Protocol

ADM = Protocol(
    real="files",
    real_total=1_281_167,
    resolution=(256, 256),
    generator="files",
    candidates=50_000,
    network="inception",
    precision="float32",
    kid_subsets=100,
    kid_subset_size=1000,
    recall_k=3,
)
COUNTS = (1_281_167, 50_000)


def judged(
    ours: Protocol | None = ADM,
    counts: tuple[int, int] = COUNTS,
    *,
    protocol: str = "adm",
    repeats: int = 1,
    dataset: str = "imagenet",
    parts: dict[str, tuple[int, int]] | None = None,
    **measured: str,
) -> Adherence:
    following = Following(protocol, {} if ours is None else {dataset: ours}, parts or {})
    asked = {"network": "inception", "scheme": "random", "metric": "fid"} | measured
    return following.judge(Cell(2.0, math.nan, repeats, *counts), dataset=dataset, **asked)


def test_a_number_that_follows_has_no_deviation() -> None:
    found = judged()
    assert found.follows
    assert found.told == "protocol adm"
    assert judged(metric="sfid", network="inception-spatial").follows
    assert judged(metric="fid", network="inception-spatial").follows, "sFID by another name"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"weights": {"inception": "0a1b2c3d"}}, "other weights of inception (0a1b2c3d)"),
        ({"precision": "tf32"}, "features in tf32"),
        ({"label": "dataset"}, "labels: dataset (adm: uniform)"),
        ({"label": 3}, "labels: 3 (adm: uniform)"),
        ({"real_total": 2_000_000}, "1,281,167 of 2,000,000 real images (adm: all)"),
        (
            {"statistics": {"inception": 1_300_000}},
            "1,281,167 of 1,300,000 real images (adm: all)",
        ),
    ],
)
def test_each_aspect_deviates_by_itself(change: dict[str, Any], text: str) -> None:
    found = judged(replace(ADM, **change))
    assert found.differs == (text,)
    assert found.told == f"protocol adm, except {text}"


@pytest.mark.parametrize(
    "change",
    [
        {"weights": {"clip": "0a1b2c3d"}},
        {"label": "uniform"},
        {"recall_k": 7},
        {"kid_subsets": 3},
        {"statistics": {"inception": 1_281_167}, "real_total": 5},
        {"candidates": 250_000},
        {"resolution": (64, 64)},
    ],
)
def test_what_the_number_does_not_depend_on_does_not_deviate(change: dict[str, Any]) -> None:
    assert judged(replace(ADM, **change)).follows


def test_counts_are_those_of_the_number() -> None:
    assert judged(counts=(1_281_167, 10_000)).told == (
        "protocol adm, except 10,000 generated images (adm: 50,000)"
    )
    assert judged(counts=(50_000, 10_000)).differs == (
        "50,000 of 1,281,167 real images (adm: all)",
        "10,000 generated images (adm: 50,000)",
    )
    part = judged(parts={"imagenet": (1_281_167, 14_000_000)})
    assert part.differs == ("1,281,167 of 14,000,000 real images (adm: all)",)


def test_neighbours_and_what_is_always_otherwise() -> None:
    follows = judged(metric="recall", counts=(10_000, 50_000))
    assert follows.differs == ("distances not rounded to float16 (adm: rounded)",)
    other = judged(replace(ADM, recall_k=5), metric="precision", counts=(10_000, 50_000))
    assert other.differs == ("k = 5 (adm: 3)", *follows.differs)
    score = judged(metric="inception_score", counts=(5, 50_000))
    assert score.differs == ("ten splits of shuffled images (adm: splits of 5,000 in order)",), (
        "the score has no real images"
    )
    ours = replace(ADM, network="inception-pytorch-fid", real_total=10_000, recall_k=3)
    density = judged(
        replace(ours, candidates=10_000),
        (10_000, 10_000),
        protocol="dgm-eval",
        metric="density",
        network="dinov2-l",
    )
    assert density.follows, "of density and coverage k is always 5"


def test_subsets_of_kid() -> None:
    ours = replace(ADM, real_total=60_000)
    asked = {"protocol": "torch-fidelity", "metric": "kid"}
    assert judged(ours, (60_000, 50_000), **asked).follows
    ours = replace(ours, kid_subsets=50)
    assert judged(ours, (60_000, 50_000), **asked).differs == (
        "50 KID subsets of 1,000 images (torch-fidelity: 100 of 1,000)",
    )
    asked["metric"] = "kid_exact"
    assert judged(ours, (60_000, 50_000), **asked).differs == (
        "all pairs of images (torch-fidelity: 100 subsets of 1,000 images)",
    )


def test_the_least_of_several_is_no_mean() -> None:
    asked: dict[str, Any] = {"protocol": "edm2"}
    assert judged(**asked).differs == ("one evaluation (edm2: the least of several)",)
    assert judged(**asked, repeats=3).differs == (
        "the mean of 3 draws (edm2: the least of several)",
    )


def test_upper_bounds_are_met_by_all_images() -> None:
    ours = replace(ADM, network="inception-pytorch-fid", real_total=30_000, candidates=20_000)
    asked = {"protocol": "dgm-eval", "network": "inception-pytorch-fid"}
    assert judged(ours, (30_000, 20_000), **asked).follows
    assert judged(ours, (30_000, 10_000), **asked).differs == (
        "10,000 generated images (dgm-eval: 50,000 at most)",
    )


def test_a_metric_that_is_not_defined_says_so() -> None:
    assert judged(metric="kid").told == (
        "protocol adm does not define it (it does not have this metric)"
    )
    assert judged(network="clip").told == (
        "protocol adm does not define it (it has this metric in inception only)"
    )
    assert judged(network="clip", protocol="edm2").lacking == (
        "it has this metric in inception and dinov2-l-edm2 only"
    )
    assert judged(scheme="prelogits").lacking == (
        "it measures images as they were made, not resampled ones"
    )
    assert judged(scheme="random-filled").follows


def test_another_network_of_fid_deviates() -> None:
    ours = replace(ADM, network="inception-clean")
    found = judged(ours, (1_281_167, 10_000), network="inception-clean")
    assert found.differs == (
        "features of inception-clean (adm: inception)",
        "10,000 generated images (adm: 50,000)",
    )
    assert not found.lacking


def test_the_same_number_under_two_protocols() -> None:
    ours, counts = replace(ADM, real_total=50_000), (50_000, 50_000)
    told = {name: judged(ours, counts, protocol=name).told for name in PROTOCOL_NAMES}
    assert told == {
        "edm2": "protocol edm2, except one evaluation (edm2: the least of several)",
        "adm": "protocol adm",
        "clean-fid": (
            "protocol clean-fid, except features of inception (clean-fid: inception-clean and clip)"
        ),
        "torch-fidelity": "protocol torch-fidelity",
        "dgm-eval": (
            "protocol dgm-eval, except features of inception "
            "(dgm-eval: dinov2-l and inception-pytorch-fid)"
        ),
        "paper": "protocol paper",
    }


@pytest.mark.parametrize("name", PROTOCOL_NAMES)
def test_every_number_of_a_protocol_can_be_followed(name: str) -> None:
    """Measured as its entry says, a number deviates by what Fringe always does otherwise only."""
    about = named_protocol(name)
    for one in about.numbers:
        real = 60_000 if one.real == "all" else one.real or 50_000
        generated = 60_000 if one.generated == "all" else one.generated or 50_000
        ours = replace(
            ADM,
            network=about.defaults["network"],
            real_total=real if one.real == "all" else 60_000,
            candidates=generated,
            recall_k=one.k or 3,
            kid_subsets=one.kid_subsets or 100,
        )
        for metric in one.metrics:
            network = one.network or "vgg16"
            found = judged(ours, (real, generated), protocol=name, metric=metric, network=network)
            assert not found.lacking
            always = 1 if one.draws or one.otherwise else 0
            assert len(found.differs) == always, found.told


def test_the_paper_knows_its_data_sets() -> None:
    ffhq = PAPER["ffhq"]
    asked: dict[str, Any] = {"protocol": "paper", "dataset": "ffhq"}
    for scheme in ("random", "random-filled", "matched", "prelogits"):
        assert judged(ffhq, (50_000, 50_000), scheme=scheme, **asked).follows
    assert judged(replace(ffhq, truncation=0.7), (50_000, 50_000), **asked).differs == (
        "truncation 0.7",
    )
    dogs = replace(PAPER["afhqv2dog"], generator="dog")
    found = judged(dogs, (4678, 4678), protocol="paper", dataset="afhqv2dog")
    assert found.differs == ("generator not the paper's",)


def test_the_paper_s_protocol_for_a_data_set_of_one_s_own() -> None:
    ours = replace(ADM, candidates=250_000, sampling="with_replacement", optimizers={})
    asked: dict[str, Any] = {"protocol": "paper", "dataset": "cifar10"}
    assert judged(ours, (50_000, 50_000), **asked).follows
    assert judged(ours, (50_000, 10_000), **asked).differs == (
        "50,000 + 10,000 images (the paper: 50,000 + 50,000)",
    )
    assert judged(ours, (50_000, 50_000), scheme="prelogits", **asked).differs == (
        "how the weights were optimized is unknown",
    )


def test_nothing_is_known_of_another_data_set() -> None:
    assert judged(None).differs == ("what it was measured with is unknown",)


def test_following_comes_back_from_params() -> None:
    plain = {
        "protocol": "adm",
        "measured": {"imagenet": ADM.to_plain()},
        "parts": {"imagenet": [5, 6]},
    }
    assert read_following(plain) == Following("adm", {"imagenet": ADM}, {"imagenet": (5, 6)})
    assert read_following(None) is None


def test_notes_put_together_what_is_the_same() -> None:
    found = [
        Judged("A", "FID", "protocol adm"),
        Judged("A", "KID", "protocol adm does not define it"),
        Judged("A", "sFID", "protocol adm"),
        Judged("B", "FID", "protocol adm"),
        Judged("C", "FID", "protocol adm"),
    ]
    assert protocol_notes(found) == [
        "A: FID, sFID: protocol adm. KID: protocol adm does not define it.",
        "B, C: FID: protocol adm.",
    ]
    assert protocol_notes([]) == []
