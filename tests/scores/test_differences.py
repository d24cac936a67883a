"""Tests of deviations between the protocols of a run and of the paper."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from fringe.config import choices
from fringe.config.completion import complete
from fringe.plan import protocols
from fringe.scores.cells import Cell
from fringe.scores.differences import PAPER, differences, read_protocols
from fringe.scores.paper import paper_numbers
from fringe.scores.protocol import PAPER_DATASETS, Optimizer, Protocol, plain_name

REPOSITORY = Path(__file__).parents[2]
FFHQ = PAPER["ffhq"]
OPTIMAL = Optimizer("optimal")


def unlike(
    ours: Protocol | None,
    counts: tuple[int, int] = (50_000, 50_000),
    dataset: str = "ffhq",
    theirs: tuple[int | None, int] = (50_000, 50_000),
    **measured: str,
) -> tuple[str, ...]:
    asked = {"network": "inception", "scheme": "prelogits", "metric": "fid"} | measured
    return differences(ours, dataset, Cell(5.0, 0.1, 3, *counts), theirs, **asked)


def test_the_papers_own_protocol_agrees_with_itself() -> None:
    for scheme in ("random", "matched", "prelogits", "logits"):
        for metric in ("fid", "kid", "rbf_kid@1", "recall"):
            assert unlike(FFHQ, scheme=scheme, metric=metric) == ()
    assert unlike(FFHQ, dataset="FFHQ") == ()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"real": "photos"}, "real images of kind photos"),
        ({"real_total": 60_000}, "a set of 60,000 real images (the paper: 70,000)"),
        ({"resolution": (128, 256)}, "256 x 128 pixels"),
        ({"fitting": "center, lanczos"}, "real images fitted here (center, lanczos)"),
        ({"optimizers": {}}, "how the weights were optimized is unknown"),
        ({"statistics": {"inception": 70_000}}, "published statistics of 70,000 real images"),
        ({"generator": "ffhq"}, "generator not the paper's"),
        ({"generator": "imitation", "truncation": None}, "generator not the paper's"),
        ({"truncation": 0.7}, "truncation 0.7"),
        ({"noise": "random"}, "noise inputs: random"),
        ({"seed": 1}, "latents of seed 1"),
        ({"label": 3}, "label 3"),
        ({"candidates": 100_000}, "100,000 candidates (the paper: 250,000)"),
        ({"weights": {"inception": "0a1b2c3d"}}, "other weights of inception (0a1b2c3d)"),
        ({"precision": "tf32"}, "features in tf32"),
        ({"sampling": "systematic"}, "sampling systematic"),
        (
            {"optimizers": {"prelogits": OPTIMAL}},
            "weights optimized to the end, not by the released steps",
        ),
        (
            {"optimizers": {"prelogits": Optimizer("released", 5000, 10.0)}},
            "5,000 released steps (the paper: 100,000)",
        ),
        (
            {"optimizers": {"prelogits": Optimizer("released", 100_000, 5.0)}},
            "step size 5 (the paper: 10)",
        ),
    ],
)
def test_each_change_is_one_deviation(change: dict[str, Any], text: str) -> None:
    assert unlike(replace(FFHQ, **change)) == (text,)


def test_counts_of_the_number_are_compared() -> None:
    assert unlike(FFHQ, (50_000, 40_000)) == (
        "50,000 + 40,000 images (the paper: 50,000 + 50,000)",
    )
    assert unlike(FFHQ, (70_000, 50_000), theirs=(None, 50_000)) == ()
    assert unlike(FFHQ, (50_000, 50_000), theirs=(None, 50_000)) == (
        "50,000 + 50,000 images (the paper: all + 50,000)",
    )


def test_another_classifier_deviates_only_in_schemes_that_use_classes() -> None:
    ours = replace(FFHQ, classifier="resnet50")
    for scheme in ("matched", "top1"):
        assert "classes by resnet50" in unlike(ours, scheme=scheme)
    assert unlike(ours, scheme="random") == ()
    assert unlike(ours, scheme="prelogits") == ()
    # Params of runs without another classifier do not change.
    assert "classifier" not in FFHQ.to_plain()
    assert Protocol.from_plain(ours.to_plain()) == ours
    assert Protocol.from_plain(FFHQ.to_plain()) == FFHQ


def test_unused_settings_do_not_deviate() -> None:
    """Random draws use no weights, FID has no subsets, and other controls do not matter."""
    ours = replace(
        FFHQ,
        candidates=60_000,
        sampling="systematic",
        optimizers={},
        kid_subsets=10,
        recall_k=5,
        weights={"clip": "0a1b2c3d"},
        statistics={"clip": 70_000},
    )
    assert unlike(ours, scheme="random") == ()
    assert unlike(ours, scheme="matched") == ()
    assert unlike(ours, scheme="random", metric="kid") == ("10 KID subsets of 1,000 images",)
    assert unlike(ours, scheme="random", metric="recall") == ("recall with k = 5",)
    assert unlike(ours, scheme="random", network="clip") == (
        "published statistics of 70,000 real images",
        "other weights of clip (0a1b2c3d)",
    )


def test_a_control_depends_on_the_network_that_resampled() -> None:
    other = replace(FFHQ, weights={"inception": "0a1b2c3d"})
    assert unlike(other, scheme="random", network="clip") == ()
    assert unlike(other, network="clip") == ("other weights of inception (0a1b2c3d)",)
    assert unlike(replace(FFHQ, network="resnet50"), network="clip") == ("resampled in resnet50",)


def test_released_weights_are_compared_with_the_paper_s_prelogits() -> None:
    mine = replace(
        FFHQ,
        optimizers={
            "prelogits": OPTIMAL,
            "prelogits-released": Optimizer("released", 100_000, 10.0),
        },
    )
    assert unlike(mine, scheme="prelogits-released") == ()
    assert unlike(mine, scheme="prelogits") != ()


@pytest.mark.parametrize("dataset", sorted(set(PAPER_DATASETS) - {"ffhq"}))
def test_only_the_generator_of_ffhq_can_be_the_paper_s(dataset: str) -> None:
    """The authors published no other generator, so every other generator deviates."""
    for generator in ("stylegan2", FFHQ.generator):
        ours = replace(PAPER[dataset], generator=generator)
        assert unlike(ours, dataset=dataset, scheme="random") == ("generator not the paper's",)


def test_unknown_protocols_do_not_agree() -> None:
    assert unlike(None) == ("our protocol is unknown",)
    assert unlike(FFHQ, dataset="mine") == ("the paper's protocol is unknown",)


def test_there_is_a_protocol_for_every_number() -> None:
    assert set(PAPER) == set(PAPER_DATASETS)
    assert set(paper_numbers()["dataset"].map(plain_name)) == set(PAPER)


CONFIG: dict[str, Any] = {
    "run": "r",
    "network": "inception",
    "controls": ["clip"],
    "sources": {
        "real": {"path": "ffhq.zip"},
        "fake": {
            "kind": "generator",
            "path": "far/ffhq-fid50k_5.30-snapshot-022608.pkl",
            "count": 250_000,
        },
        "snapshot": {"kind": "generator", "path": "network-snapshot-000200.pkl", "count": 50_000},
        "toy": {"kind": "imitation", "count": 300, "resolution": 256},
    },
    "datasets": {
        "ffhq": {"real": "real", "generated": "fake"},
        "toy": {"real": "real", "generated": "toy"},
    },
    "optimization": {"method": "reference", "evaluations": 100_000},
}
SOURCES = {
    "real": {"count": 70_000, "resolution": (256, 256)},
    "fake": {"count": 250_000, "resolution": (256, 256)},
    "snapshot": {"count": 50_000, "resolution": (256, 256)},
    "toy": {"count": 300, "resolution": (256, 256)},
}
WEIGHTS = {
    "inception": {
        "path": "w/pt_inception-2015-12-05-6726825d.pth",
        "identity": "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    }
}


def completed(**changes: Any) -> dict[str, Any]:
    config, faults, _ = complete({**CONFIG, **changes})
    assert faults == []
    return config


def test_a_run_with_the_settings_of_the_paper_agrees() -> None:
    """With the released algorithm instead of ours, its weights have the scheme prelogits."""
    ours = protocols.protocol(completed(), SOURCES, WEIGHTS, "ffhq")
    for scheme in ("random", "matched", "prelogits", "logits"):
        assert unlike(ours, scheme=scheme) == ()
    assert unlike(ours, scheme="random", metric="kid") == ()


def test_protocol_of_a_run() -> None:
    ours = protocols.protocol(completed(optimization={}), SOURCES, WEIGHTS, "ffhq")
    assert unlike(ours) == ("weights optimized to the end, not by the released steps",)
    other = {"inception": {"path": "w/mine.pth", "identity": "ab" * 32}}
    assert unlike(protocols.protocol(completed(), SOURCES, other, "ffhq")) == (
        "other weights of inception (abababab)",
    )
    toy = protocols.protocol(completed(), SOURCES, WEIGHTS, "toy")
    assert (toy.generator, toy.truncation, toy.candidates) == ("imitation", None, 300)
    snapshot = protocols.protocol(completed(), SOURCES, WEIGHTS, "ffhq", generated="snapshot")
    assert (snapshot.generator, snapshot.candidates) == ("network-snapshot-000200", 50_000)
    precise = completed(extraction={"precision": "tf32"})
    assert unlike(protocols.protocol(precise, SOURCES, WEIGHTS, "ffhq")) == ("features in tf32",)


@pytest.mark.parametrize(
    ("source", "fitting"),
    [
        ({}, ""),
        ({"resolution": 256}, "center, lanczos"),
        ({"resolution": 256, "filter": "box"}, "center, box"),
        ({"crop": "wide 512x384"}, "wide 512x384, lanczos"),
    ],
)
def test_real_images_that_a_run_resizes_are_not_the_paper_s(
    source: dict[str, Any], fitting: str
) -> None:
    real = {**CONFIG["sources"]["real"], **source}
    config = completed(sources={**CONFIG["sources"], "real": real})
    found = protocols.protocol(config, SOURCES, WEIGHTS, "ffhq")
    assert found.fitting == fitting


def test_a_protocol_can_be_stored_in_params() -> None:
    ours = protocols.protocol(completed(), SOURCES, WEIGHTS, "ffhq")
    plain = json.loads(json.dumps({"ffhq": ours.to_plain()}))
    assert read_protocols(plain) == {"ffhq": ours}


def test_the_shipped_configuration_has_the_protocol_of_the_paper() -> None:
    """With FFHQ and its published pickle, only the optimizer of sampling weights differs."""
    written = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
    config, *_ = complete(written)
    dataset = config.datasets["ffhq"]
    sources = {
        dataset.real: SOURCES["real"],
        dataset.generated: SOURCES["fake"],
    }
    ours = protocols.protocol(config, sources, WEIGHTS, "ffhq")
    assert unlike(ours, scheme="random") == ()
    assert unlike(ours, scheme="matched") == ()
    assert unlike(ours, scheme="random", metric="kid") == ()
    if "prelogits-released" in choices.schemes(config):
        assert unlike(ours, scheme="prelogits-released") == ()
