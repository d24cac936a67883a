"""Tests of the sentences that compare our distances with published distances."""

import math

import pytest

from fringe.report import verdict
from fringe.report.published import published_sentences
from fringe.scores.cells import Cell

from .test_verdicts import BASE, TITLES, TRAINED_ON, scores

OURS = Cell(2.95, 0.02, 10, 50000, 50000, 0.03)
STATED = {"value": 2.92, "source": "Somebody 2020, Table 1"}


def said(**others: object) -> str:
    (sentence,) = published_sentences(
        {"inception": {**STATED, **others}}, [("inception", "Inception", OURS)]
    )
    return sentence


def test_sentence_has_the_published_distance_ours_and_the_deviation() -> None:
    assert said() == (
        "Published distance in Inception: 2.92 (Somebody 2020, Table 1). Ours is "
        "2.95 ± 0.02 (SE 0.03), +1.0%."
    )
    assert "2.92 ± 0.05 (Somebody" in said(std=0.05)
    assert said(n_real=50000, n_generated=50000) == said()
    assert said(value=5.9).endswith(", −50.0%.")


@pytest.mark.parametrize(
    ("others", "reasons"),
    [
        ({"n_real": 70000}, "70,000 real images there and 50,000 here"),
        ({"n_generated": 10000}, "10,000 generated images there and 50,000 here"),
        (
            {"n_real": 10, "n_generated": 20, "differs": "another resize"},
            "10 real images there and 50,000 here; 20 generated images there and 50,000 here; "
            "another resize",
        ),
    ],
)
def test_differences_make_the_distances_not_comparable(
    others: dict[str, object], reasons: str
) -> None:
    assert said(**others).endswith(
        f", +1.0%. The two distances are not directly comparable: {reasons}."
    )


def test_a_network_without_a_published_distance_has_no_sentence() -> None:
    measured = [("clip", "CLIP", OURS), ("inception", "Inception", OURS)]
    found = published_sentences({"inception": STATED}, measured)
    assert len(found) == 1
    assert "in Inception:" in found[0]
    assert published_sentences({}, measured) == ()


def test_the_verdict_contains_the_published_distances() -> None:
    stated = {"d": {"net": STATED, "swav": {"value": 2.4, "source": "Nobody"}}}
    found, plain = (
        verdict(
            scores(BASE), "net", ["clip", "swav"], TITLES, trained_on=TRAINED_ON, published=given
        )[0]
        for given in (stated, None)
    )
    ours = sum(BASE["random", "net"]) / 3
    assert math.isclose(found.fid.random.mean, ours)
    assert found.published == (
        "Published distance in Net: 2.92 (Somebody 2020, Table 1). Ours is 10.00 ± 0.10, "
        f"+{100 * (ours / 2.92 - 1):.1f}%.",
        "Published distance in Swav: 2.40 (Nobody). Ours is 3.00 ± 0.00, +25.0%.",
    )
    # All other sentences are the same.
    assert plain.published == ()
    assert tuple(one for one in found.sentences if one not in found.published) == plain.sentences
    assert found.doubts == plain.doubts
