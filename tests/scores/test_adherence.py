"""Tests of the comparison of numbers with named protocols."""

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
    assert found.text == "protocol adm"
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
def test_each_change_is_one_deviation(change: dict[str, Any], text: str) -> None:
    found = judged(replace(ADM, **change))
    assert found.differs == (text,)
    assert found.text == f"protocol adm, except {text}"


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
def test_facts_without_influence_on_the_number_do_not_deviate(change: dict[str, Any]) -> None:
    assert judged(replace(ADM, **change)).follows


def test_counts_of_the_number_are_compared() -> None:
    assert judged(counts=(1_281_167, 10_000)).text == (
        "protocol adm, except 10,000 generated images (adm: 50,000)"
    )
    assert judged(counts=(50_000, 10_000)).differs == (
        "50,000 of 1,281,167 real images (adm: all)",
        "10,000 generated images (adm: 50,000)",
    )
    part = judged(parts={"imagenet": (1_281_167, 14_000_000)})
    assert part.differs == ("1,281,167 of 14,000,000 real images (adm: all)",)


def test_neighbours_and_constant_deviations() -> None:
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


def test_the_mean_deviates_from_the_smallest_of_several() -> None:
    asked: dict[str, Any] = {"protocol": "edm2"}
    assert judged(**asked).differs == ("one evaluation (edm2: the smallest of several)",)
    assert judged(**asked, repeats=3).differs == (
        "the mean of 3 draws (edm2: the smallest of several)",
    )


def test_all_images_of_a_small_set_meet_an_upper_bound() -> None:
    ours = replace(ADM, network="inception-pytorch-fid", real_total=30_000, candidates=20_000)
    asked = {"protocol": "dgm-eval", "network": "inception-pytorch-fid"}
    assert judged(ours, (30_000, 20_000), **asked).follows
    assert judged(ours, (30_000, 10_000), **asked).differs == (
        "10,000 generated images (dgm-eval: 50,000 at most)",
    )


def test_text_says_why_a_metric_is_not_defined() -> None:
    assert judged(metric="kid").text == (
        "not defined by protocol adm, which does not have this metric"
    )
    assert judged(network="clip").text == (
        "not defined by protocol adm, which has this metric only in inception"
    )
    assert judged(network="clip", protocol="edm2").lacking == (
        "has this metric only in inception and dinov2-l-edm2"
    )
    assert judged(scheme="prelogits").lacking == ("does not resample images")
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
    texts = {name: judged(ours, counts, protocol=name).text for name in PROTOCOL_NAMES}
    assert texts == {
        "edm2": "protocol edm2, except one evaluation (edm2: the smallest of several)",
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
    """A number measured as in its entry deviates only where Fringe always differs."""
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
            assert len(found.differs) == always, found.text


def test_protocol_paper_for_data_sets_of_the_paper() -> None:
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


def test_protocol_paper_for_other_data_sets() -> None:
    ours = replace(ADM, candidates=250_000, sampling="with_replacement", optimizers={})
    asked: dict[str, Any] = {"protocol": "paper", "dataset": "cifar10"}
    assert judged(ours, (50_000, 50_000), **asked).follows
    assert judged(ours, (50_000, 10_000), **asked).differs == (
        "50,000 + 10,000 images (the paper: 50,000 + 50,000)",
    )
    assert judged(ours, (50_000, 50_000), scheme="prelogits", **asked).differs == (
        "how the weights were optimized is unknown",
    )


def test_protocol_of_an_unknown_data_set_is_unknown() -> None:
    assert judged(None).differs == ("the protocol is unknown",)


def test_following_is_read_from_params() -> None:
    plain = {
        "protocol": "adm",
        "measured": {"imagenet": ADM.to_plain()},
        "parts": {"imagenet": [5, 6]},
    }
    assert read_following(plain) == Following("adm", {"imagenet": ADM}, {"imagenet": (5, 6)})
    assert read_following(None) is None


def test_notes_merge_equal_texts() -> None:
    found = [
        Judged("A", "FID", "protocol adm"),
        Judged("A", "KID", "not defined by protocol adm"),
        Judged("A", "sFID", "protocol adm"),
        Judged("B", "FID", "protocol adm"),
        Judged("C", "FID", "protocol adm"),
    ]
    assert protocol_notes(found) == [
        "A: FID, sFID: protocol adm. KID: not defined by protocol adm.",
        "B, C: FID: protocol adm.",
    ]
    assert protocol_notes([]) == []
