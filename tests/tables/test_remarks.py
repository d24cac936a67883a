"""Tests of the remarks on gammas, by hand and by simulation, and of the protocol's notes."""

import numpy as np
import pandas as pd
import pytest

from fringe.scores.adherence import Following
from fringe.scores.protocol import Protocol
from fringe.scores.rows import SCORE_COLUMNS
from fringe.tables import gamma_remarks, table1, table3, table_protocol_notes

FACTORS = (0.125, 0.25, 0.5, 1, 2, 4, 8)


def scores(after, before, dataset="d", schemes=("prelogits",)):
    """Return rows of RBF-KID from the values of each repeat by factor, with weights and without."""
    return pd.DataFrame(
        [
            (dataset, scheme, "net", "features", f"rbf_kid@{factor:g}", i, value, 50, 50, 0)
            for names, part in ((schemes, after), (["random"], before))
            for scheme in names
            for factor, values in part.items()
            for i, value in enumerate(values)
        ],
        columns=list(SCORE_COLUMNS),
    )


def shares(*values):
    """Return values at all gammas for two repeats: 1 at random, the given shares with weights."""
    after = {f: [v, v] for f, v in zip(FACTORS, values, strict=True)}
    return scores(after, {f: [1.0, 1.0] for f in FACTORS})


def test_all_seven_alike():
    text, rule = gamma_remarks(
        shares(0.12, 0.12, 0.12, 0.13, 0.13, 0.14, 0.15), {"d": "Dogs"}, "net"
    )
    assert text == (
        "Dogs: RBF-KID changes by −88.0 ± 0.0% (γ = 1/8d), −88.0 ± 0.0% (γ = 1/4d), "
        "−88.0 ± 0.0% (γ = 1/2d), −87.0 ± 0.0% (γ = 1/d), −87.0 ± 0.0% (γ = 2/d), "
        "−86.0 ± 0.0% (γ = 4/d), −85.0 ± 0.0% (γ = 8/d). The largest difference, between "
        "γ = 1/8d and 8/d, is 3.0 ± 0.0 (standard error) percentage points: all seven behave alike."
    )
    assert "is at most 5 percentage points" in rule


def test_one_gamma_that_behaves_differently():
    text, _ = gamma_remarks(shares(0.12, 0.12, 0.12, 0.12, 0.12, 0.12, 0.2), {}, "net")
    assert "is 8.0 ± 0.0 (standard error) percentage points: they do not behave alike." in text


def test_noisy_scores_are_undecided():
    noisy = scores({1: [0.1, 0.2], 2: [0.2, 0.1]}, {1: [1.0, 1.0], 2: [1.0, 1.0]})
    text, _ = gamma_remarks(noisy, {}, "net")
    # The repeats differ by -0.1 and +0.1: standard deviation 0.141, standard error 0.1.
    assert "is 0.0 ± 10.0 (standard error) percentage points" in text
    assert "too noisy to decide whether both behave alike" in text


def test_errors_that_gammas_share_cancel():
    """In a simulation, errors common to both gammas cancel and independent errors add up."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(100):
        common = 1 + 0.2 * rng.standard_normal((2, 8))
        own = 1 + 0.01 * rng.standard_normal((2, 2, 8))
        after = {f: 0.2 * common[0] * own[0, i] for i, f in enumerate((1, 2))}
        before = {f: common[1] * own[1, i] for i, f in enumerate((1, 2))}
        change = [after[f].mean() / before[f].mean() - 1 for f in (1, 2)]
        text, _ = gamma_remarks(scores(after, before), {}, "net")
        words = text.partition(" is ")[2].split()
        assert float(words[0]) == pytest.approx(100 * abs(change[0] - change[1]), abs=0.051)
        found.append((change[0] - change[1], float(words[2]) / 100))
    differences, errors = np.array(found).T
    # The tolerance covers rounding to 0.1 percentage points and 100 trials.
    assert differences.std() == pytest.approx(0.2 * 0.01 * 2 / np.sqrt(8), rel=0.15)
    assert errors.mean() == pytest.approx(differences.std(), rel=0.35)


def test_a_single_repeat_has_no_error():
    text, rule = gamma_remarks(scores({1: [0.1], 2: [0.12]}, {1: [1.0], 2: [1.0]}), {}, "net")
    assert "−90.0% (γ = 1/d), −88.0% (γ = 2/d)" in text
    assert "2.0 percentage points: within the margin, but its error is unknown" in text
    assert "nan" not in f"{text}{rule}"


def test_a_distance_at_random_that_is_not_positive():
    some = scores({f: [0.1] * 2 for f in (1, 2, 4)}, {1: [1.0] * 2, 2: [0.0] * 2, 4: [1.0] * 2})
    text, _ = gamma_remarks(some, {}, "net")
    assert "both behave alike (undefined at 1 more)." in text
    text, _ = gamma_remarks(scores({1: [0.1], 2: [0.1]}, {1: [0.0], 2: [1.0]}), {}, "net")
    assert "is not positive at 1 of 2 γ" in text


def test_each_kind_of_weights_and_each_data_set_has_a_sentence():
    both = ("prelogits-released", "prelogits")
    one = scores({1: [0.1] * 2, 2: [0.1] * 2}, {1: [1.0] * 2, 2: [1.0] * 2}, "a", both)
    found = gamma_remarks(
        pd.concat([one, one.assign(dataset="b")]), {"a": "A"}, "net", schemes=both
    )
    assert [text.partition(":")[0] for text in found[:4]] == [
        "A, released steps",
        "A, optimal weights",
        "b, released steps",
        "b, optimal weights",
    ]


def test_a_single_gamma_has_no_remark():
    assert gamma_remarks(scores({1: [0.1]}, {1: [1.0]}), {}, "net") == []


def test_notes_say_which_numbers_follow_a_protocol():
    rows = [
        ("d", scheme, network, "features", metric, 0, 1.0, 60, count, 0)
        for scheme, count in (("random", 50_000), ("matched", 49_000), ("random-filled", 49_000))
        for network in ("inception", "clip")
        for metric in ("fid", "kid", "rbf_kid@1")
    ]
    rows += [(*row[:1], "prelogits", *row[2:]) for row in rows if row[1] == "random"]
    scores = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
    ours = Protocol(real_total=60, candidates=90_000, network="inception", precision="float32")
    following = Following("adm", {"d": ours}, {})
    table = table1(scores, {"d": "Dogs"}, "inception", ["clip"])
    assert table_protocol_notes(table, following) == [
        "Dogs: FID (Inception-V3): protocol adm. FID (Inception-V3), Top-1, FID (CLIP), Top-1: "
        "not defined by protocol adm, which does not resample images. FID (Inception-V3), same "
        "number at random: protocol adm, except 49,000 generated images (adm: 50,000). FID (CLIP), "
        "FID (CLIP), same number at random: not defined by protocol adm, which has this metric "
        "only in inception."
    ]
    assert table_protocol_notes(table, None) == []
    table = table3(scores, {"d": "Dogs"}, "inception", [])
    (note,) = table_protocol_notes(table, following)
    assert ". KID (Inception-V3), RBF-KID (Inception-V3): not defined by protocol adm, " in note
