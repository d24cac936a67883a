"""Tests of the answer for a comparison: its sentence for each verdict, and its numbers."""

from __future__ import annotations

from functools import cache
from typing import get_args

import numpy as np
import pytest

import fringe
from fringe.page.compared import comparison_answer
from fringe.page.content import Number
from fringe.report.comparison import comparison_tables
from fringe.scores.comparison import Comparison, VerdictWord
from fringe.scores.headlines import ANSWERS, AUDITS, BELOW_FLOOR
from fringe.scores.numbers import format_value


@cache
def compared(count: int) -> Comparison:
    """Return a comparison of ``count`` models; their features differ by shifts."""
    rng = np.random.default_rng(count)

    def features(shift: float) -> dict[str, np.ndarray]:
        return {network: rng.normal(shift, 1, (60, 3)) for network in ("inception", "clip")}

    models = {f"M{place}": features(1 + place / 5) for place in range(count)}
    return fringe.compare_features(features(0), models, prices=False)


def with_word(comparison: Comparison, word: VerdictWord) -> Comparison:
    verdicts = [one.model_copy(update={"word": word}) for one in comparison.verdicts]
    return comparison.model_copy(update={"verdicts": verdicts})


@pytest.mark.parametrize("word", get_args(VerdictWord))
def test_each_word_has_a_sentence_with_the_difference_and_its_interval(word: VerdictWord) -> None:
    found = with_word(compared(2), word)
    answer = comparison_answer("mine", found)
    difference = found.main.difference("M1", "M0").distance
    start = ANSWERS[word].format(model="M1", baseline="M0", network="Inception-V3")
    assert answer.sentence.startswith(f"{start}: the difference of FID is ")
    value, low, high = map(format_value, (difference.value, difference.low, difference.high))
    assert answer.sentence.endswith(f" is {value} (95 % interval {low} to {high}).")
    assert answer.word == word
    assert answer.question == "Is M1 better than M0, or only closer in its classes?"
    assert answer.details == (f"M1 against M0: {word}. {found.verdict.sentence}",)


@pytest.mark.parametrize("word", AUDITS)
def test_an_audit_has_a_sentence_with_the_distance_and_its_interval(word: VerdictWord) -> None:
    found = with_word(compared(1), word)
    distance = found.main.models["M0"].distance
    answer = comparison_answer("mine", found)
    assert answer.sentence.startswith(f"{AUDITS[word]}: FID is {distance.value:.2f} (95 % ")
    assert answer.question.startswith("Is the FID of M0 real, or")


def test_an_audit_below_its_floor_says_so() -> None:
    found = with_word(compared(1), "too close to call")
    about = found.main.models["M0"].model_copy(update={"below_floor": True})
    main = found.main.model_copy(update={"models": {"M0": about}})
    found = found.model_copy(update={"networks": [main, *found.networks[1:]]})
    assert comparison_answer("mine", found).sentence.startswith(BELOW_FLOOR)


def test_several_models_are_ranked_and_each_has_a_verdict() -> None:
    found = compared(4)
    answer = comparison_answer("mine", found)
    assert answer.sentence.startswith("From the lowest FID to the highest: ")
    assert all(model in answer.sentence for model in found.models)
    best = next(model for model in found.ranking if model != "M0")
    least = found.main.difference(best, "M0").distance
    assert f"{best} minus M0, is {format_value(least.value)} (95 % interval" in answer.sentence
    assert len(answer.details) == 3
    assert answer.question.startswith("Which of M1, M2 and M3 is better than M0")


def test_numbers_are_equal_to_the_comparison() -> None:
    found = compared(3)
    answer = comparison_answer("mine", found)
    main, clip = found.networks
    head = ("", "FID", "KID ×10³", "FDr")
    assert answer.table.head == (*head, f"FID ({clip.title})", f"FDr ({clip.title})")
    *models, floor = answer.table.rows
    assert [row.label for row in models] == found.models
    for row in models:
        here, there = main.models[row.label], clip.models[row.label]
        expected = [here.distance, here.kid, here.floor_ratio, there.distance, there.floor_ratio]
        for cell, estimate in zip(row.cells, expected, strict=True):
            assert isinstance(cell, Number)
            assert cell.value == estimate.value
        fid = row.cells[0]
        assert isinstance(fid, Number)
        low, high = map(format_value, (here.distance.low, here.distance.high))
        assert fid.about[0] == f"95 % interval: {low} to {high}."
        assert f"{main.n_real} real and {here.n} generated images." in fid.about
    assert isinstance(floor.cells[0], Number)
    assert floor.cells[0].value == main.floor.distance.value
    assert floor.kind == "note"


def test_the_answer_has_all_tables_of_the_comparison() -> None:
    found = compared(2)
    answer = comparison_answer("mine", found)
    for table, (title, rows) in zip(answer.tables, comparison_tables(found), strict=True):
        assert table.caption == title
        assert [table.head, *((row.label, *row.cells) for row in table.rows)] == [
            tuple(row) for row in rows
        ]
    assert answer.doubts == tuple(found.limits)
