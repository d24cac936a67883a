"""Tests of Tables 1 to 3: contents by hand, the paper's numbers, formats, missing scores."""

import math
import re
from dataclasses import replace

import pandas as pd
import pytest

from fringe.errors import FringeError
from fringe.scores.differences import PAPER
from fringe.scores.paper import paper_numbers
from fringe.scores.protocol import Optimizer
from fringe.scores.rows import SCORE_COLUMNS
from fringe.scores.titles import scheme_mark
from fringe.tables import (
    TABLE_COLUMNS,
    table1,
    table2,
    table3,
    to_html,
    to_latex,
    to_markdown,
    write_table,
)

NOTHING = pd.DataFrame()


TITLES = {
    "mine": {"title": "Mine & 50%_off", "simulated": True},
    "theirs": "Theirs",
    "net": "Net",
    "control": "Control",
}


def rows(dataset, scheme, network, metric, values, n_real=100, n_generated=200):
    return [
        (dataset, scheme, network, "features", metric, i, value, n_real, n_generated, i)
        for i, value in enumerate(values)
    ]


def frame(*groups):
    return pd.DataFrame([row for group in groups for row in group], columns=list(SCORE_COLUMNS))


@pytest.fixture
def scores():
    return frame(
        rows("mine", "random", "net", "fid", [9.0, 10.0, 11.0]),
        rows("mine", "matched", "net", "fid", [8.0, 8.5, 9.0], n_generated=180),
        rows("mine", "prelogits", "net", "fid", [4.0, 5.0, 6.0]),
        rows("mine", "logits", "net", "fid", [6.0, 6.0, 6.0]),
        rows("mine", "random", "control", "fid", [2.0, 2.0, 2.0]),
        rows("mine", "matched", "control", "fid", [1.9, 2.0, 2.1]),
        rows("mine", "prelogits", "control", "fid", [1.8, 1.8, 1.8]),
        rows("mine", "random", "net", "kid", [0.004, 0.004, 0.004]),
        rows("mine", "prelogits", "net", "kid", [0.001, 0.001, 0.001]),
        rows("mine", "random", "net", "rbf_kid@1", [-0.0001, 0.0, 0.0001]),
        rows("mine", "prelogits", "net", "rbf_kid@1", [0.0005, 0.0005, 0.0005]),
    )


def cell(table, network, scheme, metric="fid"):
    found = table[
        (table["network"] == network) & (table["scheme"] == scheme) & (table["metric"] == metric)
    ]
    assert len(found) == 1
    return found.iloc[0]


def test_table1_by_hand(scores):
    table = table1(scores, TITLES, "net", ["control"])
    assert list(zip(table["network"], table["scheme"], strict=True)) == [
        ("net", "random"),
        ("net", "matched"),
        ("control", "random"),
        ("control", "matched"),
    ]
    random, matched = cell(table, "net", "random"), cell(table, "net", "matched")
    assert random["mean"] == 10.0
    assert random["std"] == pytest.approx(1.0)  # divisor repeats - 1
    assert random["repeats"] == 3
    assert pd.isna(random["change"])
    assert matched["mean"] == 8.5
    assert matched["std"] == pytest.approx(0.5)
    assert matched["change"] == pytest.approx(-0.15)
    # 0.5 / 10, and 0.85 of 1 / 10
    assert matched["change_std"] == pytest.approx(math.hypot(0.05, 0.085))
    assert matched["n_generated"] == 180
    assert cell(table, "control", "matched")["change"] == pytest.approx(0.0)
    assert "| 8.50 ± 0.50 (−15.0%) |" in to_markdown(table)


def test_incomplete_matching_is_compared_with_the_same_number_of_random_images(scores):
    filled = frame(
        rows("mine", "random-filled", "net", "fid", [9.5, 10.5, 11.5], n_generated=180),
        rows("mine", "random-filled", "control", "fid", [2.5, 2.5, 2.5], n_generated=180),
    )
    scores.loc[scores["scheme"] == "matched", "n_generated"] = 180
    table = table1(pd.concat([scores, filled]), TITLES, "net", ["control"])
    row = cell(table, "net", "random-filled")
    assert (row["mean"], row["std"], row["repeats"]) == (10.5, pytest.approx(1.0), 3)
    assert row["n_generated"] == 180
    assert row["change"] == pytest.approx(0.05)  # the effect of the count
    # Matching relative to the same number: 8.5 / 10.5 - 1 and 2.0 / 2.5 - 1.
    line = (
        "| *180 at random (change: matching relative to these)* |  | *10.50 ± 1.00 (−19.0%)* |  "
        "| *2.50 ± 0.00 (−20.0%)* |"
    )
    text = to_markdown(table)
    assert line in text
    assert "180 of 200 places" in text
    assert "relative to 180 images drawn at random" in text
    assert '<tr class="filled">' in to_html(table)
    assert r"\emph{10.50 $\pm$ 1.00 ($-$19.0\%)}" in to_latex(table)
    # The other rows of the table are the same without the scheme random-filled.
    plain = table1(scores, TITLES, "net", ["control"])
    assert table[table["scheme"] != "random-filled"].to_csv(index=False) == plain.to_csv(
        index=False
    )


def with_errors(scores, real=0.6):
    """Return scores in which the first repeat of each FID has a standard error of one tenth."""
    known = (scores["repeat"] == 0) & (scores["metric"] == "fid")
    errors = scores["value"].where(known) / 10
    return scores.assign(standard_error=errors, real_error=real * errors)


def test_standard_errors_have_their_own_line(scores):
    filled = frame(
        rows("mine", "random-filled", "net", "fid", [9.5, 10.5, 11.5], n_generated=180),
        rows("mine", "random-filled", "control", "fid", [2.5, 2.5, 2.5], n_generated=180),
    )
    scores.loc[scores["scheme"] == "matched", "n_generated"] = 180
    table = table1(with_errors(pd.concat([scores, filled])), TITLES, "net", ["control"])
    # The first repeats are 9.0, 8.0, 2.0 and 1.9; in the second line 9.5 and 2.5.
    assert cell(table, "net", "matched")["standard_error"] == pytest.approx(0.8)
    assert cell(table, "net", "matched")["real_error"] == pytest.approx(0.48)
    text = to_markdown(table)
    lines = text.splitlines()
    (first, second) = (n for n, line in enumerate(lines) if line.startswith("| *standard error*"))
    assert lines[first] == "| *standard error* | *0.90* | *0.80* | *0.20* | *0.19* |"
    assert lines[first - 1].startswith("| Mine")
    assert lines[second] == "| *standard error* |  | *0.95* |  | *0.25* |"
    assert lines[second - 1].startswith("| *180 at random")
    assert "standard error: that of one evaluation, from the sampling of all images, real" in text
    assert "their spread (±) is only a part of this error" in text
    assert '<tr class="error"><th scope="row">standard error</th><td>0.90</td>' in to_html(table)
    assert r"\quad \emph{standard error} & \emph{0.90}" in to_latex(table)


def test_kernel_distances_have_no_standard_error(scores):
    table = table3(with_errors(scores, real=float("nan")), TITLES, "net")
    text = to_markdown(table)
    assert "| *standard error* | *0.90* | *0.40* |  |  |  |  |" in text
    assert "from the sampling of the generated images only" in text
    assert "standard error" not in to_markdown(table3(scores, TITLES, "net"))


def test_complete_matching_adds_no_row_of_random_images(scores):
    full = scores.assign(n_generated=200)
    filled = full[full["scheme"] == "random"].assign(scheme="random-filled")
    with_it = table1(pd.concat([full, filled]), TITLES, "net", ["control"])
    assert "random-filled" not in set(with_it["scheme"])
    assert to_markdown(with_it) == to_markdown(table1(full, TITLES, "net", ["control"]))


def test_table2_by_hand(scores):
    table = table2(scores, TITLES, "net", ["control"])
    assert list(table["scheme"]) == ["random", "prelogits", "logits", "random", "prelogits"]
    assert cell(table, "net", "prelogits")["change"] == pytest.approx(-0.5)
    assert cell(table, "net", "logits")["change"] == pytest.approx(-0.4)
    assert cell(table, "control", "prelogits")["change"] == pytest.approx(-0.1)


def test_table3_scales_kernel_distances_and_omits_undefined_changes(scores):
    table = table3(scores, TITLES, "net", ["control"])
    assert list(table["metric"]) == ["fid", "fid", "kid", "kid", "rbf_kid@1", "rbf_kid@1"]
    kid = cell(table, "net", "prelogits", "kid")
    assert kid["mean"] == pytest.approx(0.001)  # unscaled in the rows
    assert kid["scale"] == 1000
    assert kid["change"] == pytest.approx(-0.75)
    # The mean at random is zero, so no relative change exists.
    assert pd.isna(cell(table, "net", "prelogits", "rbf_kid@1")["change"])
    text = to_markdown(table)
    assert "KID<sup>PL</sup> ×10³" in text
    assert "| 1.00 ± 0.00 (−75.0%) |" in text
    assert "| 0.50 ± 0.00 |" in text
    assert "nan" not in text


def test_repeats_limits_the_number_of_averaged_repeats(scores):
    table = table1(scores, TITLES, "net", [], repeats=2)
    assert cell(table, "net", "random")["mean"] == 9.5
    assert set(table["repeats"]) == {2}
    with pytest.raises(FringeError, match=r"scheme 'matched'.*has 3 repeats, but 4 are needed"):
        table1(scores, TITLES, "net", [], repeats=4)


def as_scores(numbers, repeats=1):
    """Return the paper's numbers as if they had been measured."""
    tables = numbers[numbers["exhibit"].str.startswith("table")]
    return frame(
        *(
            rows(
                n.dataset,
                n.scheme,
                n.network,
                n.metric,
                [n.value] * repeats,
                int(n.n_real),
                int(n.n_generated),
            )
            for n in tables.itertuples()
        )
    )


def test_the_papers_dogs_are_4678():
    """There are only 4,678 dogs (Appendix D of the paper); all other counts are 50,000."""
    numbers = paper_numbers()
    tables = numbers[numbers["exhibit"].str.startswith("table")]
    dogs = tables["dataset"] == "afhqv2_dog"
    assert dogs.sum() == 17
    assert {*tables[dogs]["n_real"], *tables[dogs]["n_generated"]} == {4678}
    assert {*tables[~dogs]["n_real"], *tables[~dogs]["n_generated"]} == {50000}
    text = to_markdown(table1(as_scores(numbers), {}, "inception", []))
    assert "ffhq 50,000 + 50,000; " in text
    assert "afhqv2_dog 4,678 + 4,678" in text


def test_the_papers_numbers_give_the_papers_changes():
    numbers = paper_numbers()
    scores = as_scores(numbers)
    controls = ["resnet50", "swav", "clip"]
    # As printed in Tables 1 to 3, FFHQ.
    text = to_markdown(table1(scores, {}, "inception", controls, paper=NOTHING))
    assert (
        "| ffhq | 5.30 | 4.70 (−11.3%) | 6.11 | 5.59 (−8.5%) | 1.42 | 1.41 (−0.7%) "
        "| 2.76 | 2.74 (−0.7%) |"
    ) in text
    text = to_markdown(table2(scores, {}, "inception", controls, paper=NOTHING))
    assert (
        "| ffhq | 5.30 | 1.78 (−66.4%) | 2.22 (−58.1%) | 6.11 | 3.85 (−37.0%) | 1.42 "
        "| 1.24 (−12.7%) | 2.76 | 2.64 (−4.3%) |"
    ) in text
    titles = {"lsun_cat": "LSUN Cat"}
    text = to_markdown(table3(scores, titles, "inception", paper=NOTHING))
    assert "| LSUN Cat | 8.25 | 3.05 (−63.0%) | 3.00 | 0.37 (−87.7%) | 1.32 |" in text


def test_the_papers_value_has_a_deviation_only_if_protocols_agree():
    scores = as_scores(paper_numbers())
    scores.loc[scores["scheme"] == "prelogits", "value"] *= 1.1
    table = table2(
        scores, {}, "inception", ["resnet50", "swav", "clip"], protocols={"ffhq": PAPER["ffhq"]}
    )
    row = cell(table[table["dataset"] == "ffhq"], "inception", "prelogits")
    assert row["paper"] == 1.78
    assert row["paper_differs"] == ""
    assert row["deviation"] == pytest.approx(0.1)
    assert row["paper_change"] == pytest.approx(1.78 / 5.30 - 1)
    text = to_markdown(table)
    assert "| *paper* | *5.30 ± 0.04* | *1.78 (−66.4%)* |" in text
    assert "| *deviation* | *0.0%* | *+10.0%* | *0.0%* |" in text
    assert "StyleGAN2" in text
    # The protocol of the other data sets is unknown.
    others = table[table["dataset"] != "ffhq"]
    assert others["deviation"].isna().all()
    assert set(others["paper_differs"]) == {"our protocol is unknown"}
    assert text.count("*deviation*") == 1


def test_a_data_set_named_ffhq_with_another_protocol_has_no_deviation(tmp_path):
    """2,000 + 2,000 images of another generator had a deviation of +470 % from 5.30."""
    scores = frame(
        rows("ffhq", "random", "inception", "fid", [30.2], 2000, 2000),
        rows("ffhq", "matched", "inception", "fid", [28.0], 2000, 1990),
    )
    ours = replace(PAPER["ffhq"], generator="mine", candidates=10_000)
    table = table1(scores, {}, "inception", [], protocols={"ffhq": ours})
    assert table["deviation"].isna().all()
    assert list(table["paper"]) == [5.30, 4.70]
    assert list(table["paper_differs"]) == [
        f"2,000 + {count:,} images (the paper: 50,000 + 50,000); generator not the paper's"
        for count in (2000, 1990)
    ]
    paths = {kind: tmp_path / f"t.{kind}" for kind in ("csv", "md", "tex", "html")}
    write_table(table, *paths.values())
    texts = {kind: path.read_text(encoding="utf-8") for kind, path in paths.items()}
    assert (
        "| *paper* | *\\[5.30 ± 0.04\\]*<sup>a</sup> | *\\[4.70 (−11.3%)\\]*<sup>b</sup> |"
        in (texts["md"])
    )
    assert '<td class="differs">[5.30 ± 0.04]<sup>a</sup></td>' in texts["html"]
    assert r"\textcolor{gray}{\emph{[5.30 $\pm$ 0.04]}\textsuperscript{a}}" in texts["tex"]
    assert texts["html"].count("<tr") == 3  # head, ours, the paper's: no deviation
    for kind in ("md", "tex", "html"):
        assert "our value relative to it" not in texts[kind]
        assert texts[kind].count("2,000 + 2,000 images (the paper:") == 1
    assert "(a) 2,000 + 2,000 images (the paper: 50,000 + 50,000); generator not" in texts["md"]
    back = pd.read_csv(paths["csv"])
    assert back["paper_differs"].tolist() == table["paper_differs"].tolist()


def released_scores(optimal=(1.0, 1.1), released=(1.7, 1.8)):
    """Return scores of FFHQ as in Tables 2 and 3, including the weights of the released steps."""
    groups = [
        ("random", "inception", "fid", [5.2, 5.4]),
        ("prelogits", "inception", "fid", optimal),
        ("prelogits-released", "inception", "fid", released),
        ("logits", "inception", "fid", [1.4, 1.4]),
    ]
    for name, value in (("random", 2.76), ("prelogits", 2.5), ("prelogits-released", 2.65)):
        groups.append((name, "clip", "fid", [value] * 2))
    for metric, base in (("kid", 0.0015), ("rbf_kid@1", 0.0007)):
        for name, share in (("random", 1), ("prelogits", 0.05), ("prelogits-released", 0.12)):
            groups.append((name, "inception", metric, [base * share] * 2))
    return frame(*(rows("ffhq", *group, 50000, 50000) for group in groups))


def ffhq(**changes):
    released = PAPER["ffhq"].optimizers["prelogits"]
    optimizers = {
        "prelogits": Optimizer("optimal"),
        "logits": Optimizer("optimal"),
        "prelogits-released": released,
    }
    return replace(PAPER["ffhq"], **{"optimizers": optimizers} | changes)


def test_the_papers_numbers_are_compared_with_the_released_weights():
    table = table2(
        released_scores(), {}, "inception", ["clip"], protocols={"ffhq": ffhq()}, released=True
    )
    assert list(zip(table["network"], table["scheme"], strict=True)) == [
        ("inception", "random"),
        ("inception", "prelogits-released"),
        ("inception", "prelogits"),
        ("inception", "logits"),
        ("clip", "random"),
        ("clip", "prelogits-released"),
        ("clip", "prelogits"),
    ]
    released = cell(table, "inception", "prelogits-released")
    assert released["paper"] == 1.78
    assert released["deviation"] == pytest.approx(1.75 / 1.78 - 1)
    assert cell(table, "clip", "prelogits-released")["paper"] == 2.64
    for network in ("inception", "clip"):
        optimal = cell(table, network, "prelogits")
        assert pd.isna(optimal["paper"])
        assert pd.isna(optimal["deviation"])
    logits = cell(table, "inception", "logits")
    assert logits["paper"] == 2.22
    assert pd.isna(logits["deviation"])
    assert logits["paper_differs"] == "weights optimized to the end, not by the released steps"
    text = to_markdown(table)
    assert "FID<sup>PL, optimal</sup>" in text
    assert f"FID<sup>{scheme_mark('prelogits-released')}</sup>" in text


def test_without_the_released_steps_the_optimizer_differs():
    scores = released_scores()
    scores = scores[scores["scheme"] != "prelogits-released"]
    table = table2(scores, {}, "inception", ["clip"], protocols={"ffhq": ffhq()})
    for network in ("inception", "clip"):
        row = cell(table, network, "prelogits")
        assert row["paper_differs"] == "weights optimized to the end, not by the released steps"
        assert pd.isna(row["deviation"])
        assert cell(table, network, "random")["paper_differs"] == ""
    # If the released algorithm is the only algorithm, its scheme is called prelogits.
    table = table2(scores, {}, "inception", ["clip"], protocols={"ffhq": PAPER["ffhq"]})
    assert cell(table, "inception", "prelogits")["deviation"] == pytest.approx(1.05 / 1.78 - 1)


def test_table3_shows_both_weights():
    table = table3(released_scores(), {}, "inception", protocols={"ffhq": ffhq()}, released=True)
    assert list(table["scheme"]) == ["random", "prelogits-released", "prelogits"] * 3
    assert cell(table, "inception", "prelogits-released", "kid")["paper"] == 0.00019
    assert cell(table, "inception", "prelogits-released", "kid")["deviation"] == pytest.approx(
        0.00018 / 0.00019 - 1
    )
    assert pd.isna(cell(table, "inception", "prelogits", "kid")["paper"])
    few = ffhq(kid_subsets=10)
    table = table3(released_scores(), {}, "inception", protocols={"ffhq": few}, released=True)
    kid = cell(table, "inception", "prelogits-released", "kid")
    assert kid["paper_differs"] == "10 KID subsets of 1,000 images"


def test_no_paper_row_for_another_dataset_or_network(scores):
    assert table1(scores, TITLES, "net", ["control"])["paper"].isna().all()
    scores["dataset"] = "ffhq"
    table = table1(scores, TITLES, "net", ["control"])
    assert table["paper"].isna().all()
    assert "*paper*" not in to_markdown(table)


@pytest.mark.parametrize(
    ("column", "value", "make"),
    [
        ("scheme", "matched", table1),
        ("scheme", "logits", table2),
        ("scheme", "random", table1),
        ("network", "control", table2),
        ("metric", "kid", table3),
    ],
)
def test_a_missing_score_is_named(scores, column, value, make):
    left = scores[scores[column] != value]
    with pytest.raises(FringeError, match=rf"dataset 'mine'.*{column} '{value}' is missing"):
        make(left, TITLES, "net", ["control"])


def test_other_sample_sizes_of_random_images_are_ignored(scores):
    more = frame(
        rows("mine", "random", "net", "fid", [70.0, 71.0, 72.0], 100, 50),
        rows("mine", "random", "net", "fid", [90.0, 91.0, 92.0], 50, 50),
    )
    both = pd.concat([more, scores])
    assert cell(table1(both, TITLES, "net", []), "net", "random")["mean"] == 10.0
    other = both.copy()
    other.loc[other["scheme"] == "matched", "n_real"] = 77
    with pytest.raises(FringeError, match="77 real images; FID depends on the number"):
        table1(other, TITLES, "net", [])


def test_two_values_for_a_repeat_are_refused(scores):
    double = pd.concat([scores, scores.assign(value=scores["value"] + 1)])
    with pytest.raises(FringeError, match="more than one value for a repeat"):
        table1(double, TITLES, "net", [])
    same = table1(pd.concat([scores, scores]), TITLES, "net", [])  # equal rows count once
    pd.testing.assert_frame_equal(same, table1(scores, TITLES, "net", []))


def test_invalid_rows_are_refused(scores):
    with pytest.raises(FringeError, match="column n_real is missing"):
        table1(scores.drop(columns="n_real"), TITLES, "net", [])
    with pytest.raises(FringeError, match="no row"):
        table1(scores.iloc[:0], TITLES, "net", [])
    scores.loc[4, "value"] = float("nan")
    with pytest.raises(FringeError, match=r"not finite \(dataset mine, scheme matched"):
        table1(scores, TITLES, "net", [])
    with pytest.raises(FringeError, match="give a result of table1"):
        write_table(scores)


def test_all_formats(scores, tmp_path):
    table = table1(scores, TITLES, "net", ["control"])
    paths = {kind: tmp_path / "deep" / f"t.{kind}" for kind in ("csv", "md", "tex", "html")}
    write_table(table, paths["csv"], paths["md"], paths["tex"], paths["html"])
    texts = {kind: path.read_text(encoding="utf-8") for kind, path in paths.items()}
    back = pd.read_csv(paths["csv"])
    assert list(back.columns) == list(TABLE_COLUMNS)
    assert back["std"].tolist() == table["std"].tolist()  # full precision survives
    assert back["change"][1] == table["change"][1]
    for kind in ("md", "tex", "html"):
        assert "simulated generator" in texts[kind]
        assert "180 to 200" in texts[kind]
    assert "Mine & 50%\\_off † |" in texts["md"]
    assert r"Mine \& 50\%\_off $^\dagger$ &" in texts["tex"]
    assert r"8.50 $\pm$ 0.50 ($-$15.0\%)" in texts["tex"]
    assert r"FID\textsubscript{Control}\textsuperscript{Top-1}" in texts["tex"]
    assert "\\toprule" in texts["tex"]
    assert not re.search(r"(?<!\\)[%#]", texts["tex"])
    assert texts["tex"].isascii()
    assert "Mine &amp; 50%_off †" in texts["html"]
    assert "FID<sub>Control</sub><sup>Top-1</sup>" in texts["html"]
    assert 'charset="utf-8"' in texts["html"]
    assert "http" not in texts["html"]  # the page is self-contained
    # Rows of the LaTeX body have as many columns as the head.
    body = [line for line in texts["tex"].splitlines() if line.endswith("\\\\")]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in body} == {4}
    bars = [line for line in texts["md"].splitlines() if line.startswith("|")]
    assert {line.count("|") for line in bars} == {6}


def test_a_single_repeat_has_a_blank_spread(scores):
    one = scores[scores["repeat"] == 0]
    table = table1(one, TITLES, "net", ["control"])
    assert table["std"].isna().all()
    for text in (to_markdown(table), to_latex(table), to_html(table)):
        assert "nan" not in text.lower()
        assert "±" not in text
        assert r"\pm" not in text
    assert "| 9.00 | 8.00 (−11.1%) |" in to_markdown(table)
    assert "One evaluation each" in to_markdown(table)
