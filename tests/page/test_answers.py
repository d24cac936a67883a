"""Tests of the answer for a data set: its sentence, numbers and doubts."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from fringe.page.answers import Measured, dataset_answer
from fringe.page.content import Answer, Number
from fringe.report import verdict
from fringe.scores.comparison import Witness
from fringe.scores.differences import PAPER
from fringe.scores.rows import SCORE_COLUMNS

from .rows import NULL_SPACE, REAL, TITLES, judged, planted


def answered(scores: pd.DataFrame, **measured: object) -> Answer:
    controls = [name for name in ("clip", "swav") if name in set(scores["network"])]
    about = Measured(scores, "net", controls, TITLES, **measured)  # type: ignore[arg-type]
    return dataset_answer(judged(scores), about)


def numbers(answer: Answer) -> dict[tuple[str, str], Number]:
    """Return the numbers of the small table by row and column."""
    return {
        (row.label, head): cell
        for row in answer.table.rows
        for head, cell in zip(answer.table.head[1:], row.cells, strict=True)
        if isinstance(cell, Number)
    }


def test_the_answer_states_the_null_space_with_its_error() -> None:
    answer = answered(planted(NULL_SPACE))
    assert answer.word == "at least 55% null space"
    assert answer.sentence == (
        "At least 55 ± 3% of this FID is perceptual null space: FID falls by 60.0 ± 1.1% when the "
        "same images are drawn with optimized weights, but the distance in the control (Clip) "
        "falls by only 5.0 ± 2.7%."
    )
    assert answer.question.endswith("and does the control (Clip) agree?")
    assert (answer.key, answer.kind, answer.title) == ("dataset-d", "dataset", "Data")


def test_a_control_that_falls_as_much_is_a_real_improvement() -> None:
    answer = answered(planted(REAL))
    assert answer.word == "real"
    assert "(Clip) falls at least as much, by 35.0 ± 1.8%" in answer.sentence


def test_a_control_that_does_not_change_or_rises() -> None:
    still = {**NULL_SPACE, ("prelogits", "clip"): [1.985, 1.995, 2.005]}
    assert "(Clip) changes only within its noise." in answered(planted(still)).sentence
    rises = {**NULL_SPACE, ("prelogits", "clip"): [2.39, 2.4, 2.41]}
    assert "while the distance in the control (Clip) rises by 20.0" in (
        answered(planted(rises)).sentence
    )


def test_the_answer_claims_no_share_without_a_judge_or_without_a_fall() -> None:
    labelled = judged(planted(NULL_SPACE), trained_on={"clip": "ImageNet-1k labels"})
    answer = dataset_answer(labelled, Measured(planted(NULL_SPACE), "net", ["clip"], TITLES))
    assert answer.word == "no judge"
    assert "no control can judge" in answer.sentence
    assert any(text.startswith("No control can judge") for text in answer.doubts)
    same = {**REAL, ("prelogits", "net"): [9.91, 10.01, 10.11]}
    answer = answered(planted(same))
    assert answer.word == "nothing removed"
    assert "within its noise" in answer.sentence


def test_an_answer_without_standard_errors_says_so() -> None:
    answer = answered(planted(NULL_SPACE, error=math.nan))
    assert "±" not in answer.sentence
    assert answer.sentence.endswith(". Standard errors are unknown.")


def test_one_draw_has_a_standard_error() -> None:
    """To first order, it is the error of a ratio of independent distances."""
    answer = answered(planted({key: values[:1] for key, values in NULL_SPACE.items()}))
    before, after = NULL_SPACE["random", "net"][0], NULL_SPACE["prelogits", "net"][0]
    ratio = after / before
    error = 100 * math.hypot(0.02 * after, ratio * 0.02 * before) / before
    assert f"FID falls by {100 * (1 - ratio):.1f} ± {error:.1f}% when" in answer.sentence
    assert "One draw." in numbers(answer)["drawn at random", "FID"].about


def test_numbers_are_equal_to_the_rows() -> None:
    scores = planted(NULL_SPACE)
    found = numbers(answered(scores))
    labels = {
        "random": "drawn at random",
        "matched": "Top-1 classes matched",
        "top20": "Top-20 classes matched",
        "prelogits": "optimized weights",
    }
    columns = {"net": "FID", "clip": "FID (Clip)"}
    means = scores.groupby(["scheme", "network"])["value"].mean()
    for (scheme, network), mean in means.items():
        if scheme == "top5":
            assert not any("Top-5" in label for label, _ in found)
            continue
        number = found[labels[scheme], columns[network]]
        assert number.value == pytest.approx(mean, rel=1e-15)
    random = found["drawn at random", "FID"]
    assert random.text == "10.00 ± 0.20"  # 0.02 of the first draw, 9.9
    low, high = 10 - 1.96 * 0.198, 10 + 1.96 * 0.198
    assert random.about == (
        f"95 % interval: {low:.2f} to {high:.2f} (± 1.96 standard errors).",
        "Standard error of one evaluation: 0.20. It covers the random choice of the real and the "
        "generated images.",
        "Mean of 3 draws (standard deviation: 0.10).",
        "50,000 real and 50,000 generated images.",
        "Seed 7.",
    )
    assert found["Top-20 classes matched", "FID"].about[0].startswith("No standard error: ")
    assert found["Top-20 classes matched", "FID (Clip)"].text == "not measured"


def test_a_number_with_the_papers_protocol_is_compared_with_the_papers_value() -> None:
    """The paper's FID of FFHQ at random is 5.30 in Inception and 2.76 in CLIP."""
    rows = planted(
        {
            ("random", "inception"): [5.34, 5.36],
            ("prelogits", "inception"): [1.7, 1.72],
            ("random", "clip"): [3.76, 3.76],
            ("prelogits", "clip"): [2.6, 2.6],
        },
        "ffhq",
        error=0.01,
    )
    titles = {"ffhq": "FFHQ"}
    (judgement,) = verdict(rows, "inception", ["clip"], titles)

    def cells(protocols: dict) -> dict[tuple[str, str], Number]:
        about = Measured(rows, "inception", ["clip"], titles, protocols)
        return numbers(dataset_answer(judgement, about))

    alike = cells({"ffhq": PAPER["ffhq"]})
    fid = alike["drawn at random", "FID"]
    assert fid.tone == "agrees"  # 0.05 apart, and 2 √2 x 0.0534 is 0.15
    line = "The paper's value is 5.30 ± 0.04: +0.9%, within 2 combined standard errors (0.15)."
    assert line in fid.about
    assert alike["drawn at random", "FID (CLIP)"].tone == "deviates"  # 1.00 apart, of 0.11
    unlike = cells({})["drawn at random", "FID"]
    assert unlike.tone == "incomparable"
    assert any("our protocol is unknown" in line for line in unlike.about)


def test_distances_in_units_of_the_floor_have_their_own_columns() -> None:
    columns = [*SCORE_COLUMNS, "standard_error", "real_error"]
    common = ("net", "features")
    rows = [
        ("d", "real", *common, "fid", 0, 0.5, 100, 100, 7, 0.05, math.nan),
        ("d", "random", *common, "fdr", 0, 20.5, 100, 100, 7, 1.5, math.nan),
    ]
    answer = answered(planted(NULL_SPACE), floors=pd.DataFrame(rows, columns=columns))
    assert answer.table.head == ("", "FID", "FID (Clip)", "FDr")
    found = numbers(answer)["drawn at random", "FDr"]
    assert (found.text, found.value) == ("20.50 ± 1.50", 20.5)
    assert found.about[0] == "95 % interval: 17.56 to 23.44 (± 1.96 standard errors)."
    assert any("The floor, the distance of the other half" in line for line in found.about)
    assert numbers(answer)["optimized weights", "FDr"].text == "not measured"


def test_doubts_name_the_judges_power_and_too_few_images() -> None:
    scores = planted(NULL_SPACE)
    about = Measured(scores, "net", ["clip"], TITLES, dims={"net": 64}, candidates={"d": 600})
    witness = Witness(network="clip", title="Clip", judges=True, reason="", trained_on=None)
    sees = {"sees": "would have seen a blur of 2 pixels"}

    def doubts(known: Witness | None) -> str:
        return " ".join(dataset_answer(judged(scores), about, witness=known).doubts)

    assert "It was not measured with these real images" in doubts(None)
    blind = witness.model_copy(update={"has_power": False, **sees})
    assert "has no power here" in doubts(blind)
    sharp = witness.model_copy(update={"has_power": True, **sees})
    assert "power" not in doubts(sharp)
    assert sees["sees"] in " ".join(dataset_answer(judged(scores), about, witness=sharp).details)
    assert "Weights were optimized for 600 candidates in 64 features" in doubts(sharp)
    assert "is within 2 combined standard errors (0.11)" in doubts(sharp)  # 0.1 of 2.0 and 1.9
    many = Measured(scores, "net", ["clip"], TITLES, dims={"net": 64}, candidates={"d": 640})
    assert "candidates" not in " ".join(dataset_answer(judged(scores), many).doubts)


def test_a_published_distance_is_a_note_of_the_table() -> None:
    scores = planted(NULL_SPACE)
    stated = {"d": {"net": {"value": 2.92, "source": "Somebody"}}}
    about = Measured(scores, "net", ["clip"], TITLES)
    answer = dataset_answer(judged(scores, published=stated), about)
    (note,) = [note for note in answer.table.notes if "Published distance" in note]
    assert note.startswith("Published distance in Net: 2.92 (Somebody). Ours is 10.00")
    assert note.endswith(", +242.5%.")
    assert not any("Published distance" in text for text in answer.details)
    assert not any("Published" in note for note in answered(scores).table.notes)
