"""Tests of the verdict in words and of the terminal's summary."""

import math
from html import escape

import numpy as np
import pandas as pd
import pytest

from fringe.errors import FringeError
from fringe.report import summary, verdict, write_verdicts
from fringe.scores.adherence import Following
from fringe.scores.protocol import Protocol
from fringe.scores.rows import SCORE_COLUMNS
from fringe.tables import table1, table2, write_table
from fringe.texts import unmarked

TITLES = {"d": "Data", "net": "Net", "clip": "Clip", "swav": "Swav"}


TRAINED_ON = {"clip": "image-text pairs", "swav": "ImageNet-1k images"}


def scores(values, n_generated=50000):
    """Return rows from {(scheme, network): repeats}."""
    rows = [
        ("d", scheme, network, "features", "fid", repeat, value, 50000, n_generated, 0)
        for (scheme, network), repeats in values.items()
        for repeat, value in enumerate(repeats)
    ]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


BASE = {
    ("random", "net"): [9.9, 10.0, 10.1],
    ("prelogits", "net"): [3.9, 4.0, 4.1],
    ("random", "clip"): [1.99, 2.0, 2.01],
    ("prelogits", "clip"): [1.89, 1.9, 1.91],
    ("random", "swav"): [3.0, 3.0, 3.0],
    ("prelogits", "swav"): [2.4, 2.4, 2.4],
}


def test_share_by_hand():
    (found,) = verdict(scores(BASE), "net", ["clip", "swav"], TITLES, trained_on=TRAINED_ON)
    assert found.fid.change == pytest.approx(-0.6)
    # std of the ratio 4/10 with 0.1 on both: sqrt(0.1^2 + (0.4 * 0.1)^2) / 10
    assert found.fid.std == pytest.approx(math.hypot(0.1, 0.04) / 10)
    assert [control.change for control in found.controls] == pytest.approx([-0.05, -0.2])
    assert found.judge == "swav"  # the control that falls most is the cautious judge
    assert found.share == pytest.approx(0.4)
    assert found.share_std == pytest.approx(found.fid.std)
    assert found.flags == ()
    text = " ".join(found.sentences)
    assert "FID fell by 60.0 ± 1.1%" in text
    assert "at least about 40 ± 1% of this FID lies in its perceptual null space" in text


def test_randomly_drawn_images_are_compared_with_the_protocol():
    ours = Protocol(real_total=50_000, candidates=50_000, network="net", precision="float32")
    following = Following("adm", {"d": ours}, {})
    asked = {"trained_on": TRAINED_ON}
    (plain,) = verdict(scores(BASE), "net", ["clip"], TITLES, **asked)
    (found,) = verdict(scores(BASE), "net", ["clip"], TITLES, **asked, following=following)
    (sentence,) = set(found.sentences) - set(plain.sentences)
    assert sentence == (
        "Data: FID (Net): protocol adm, except features of net (adm: inception). FID (Clip): "
        "not defined by protocol adm, which has this metric only in inception."
    )


def test_distances_have_standard_errors():
    known = scores(BASE)
    errors = known["value"].where(known["repeat"] == 0) / 9
    known = known.assign(standard_error=errors, real_error=errors / 2)
    (found,) = verdict(known, "net", ["clip", "swav"], TITLES, trained_on=TRAINED_ON)
    assert found.fid.random.standard_error == pytest.approx(1.1)
    text = " ".join(found.sentences)
    assert "an FID of 10.00 ± 0.10 (SE 1.10) (Net)" in text
    assert "optimized in pre-logits, have an FID of 4.00 ± 0.10 (SE 0.43) (FID fell" in text
    assert "SE: standard error of one evaluation, from the sampling of all images" in text
    (plain,) = verdict(scores(BASE), "net", ["clip", "swav"], TITLES, trained_on=TRAINED_ON)
    assert "SE" not in " ".join(plain.sentences)


def test_a_control_trained_on_imagenet_s_labels_is_reported_and_never_judges():
    labelled = TRAINED_ON | {"swav": "ImageNet-1k labels"}
    (found,) = verdict(scores(BASE), "net", ["clip", "swav"], TITLES, trained_on=labelled)
    assert found.judge == "clip"
    assert found.share == pytest.approx(0.55)
    assert len(found.controls) == 2
    text = " ".join(found.sentences)
    assert (
        "In the control network (Swav), FID fell by 20.0 ± 0.0%. Swav was trained on ImageNet's "
        "images and labels. It may share FID's perceptual null space, so it is not used as the "
        "judge."
    ) in text
    assert "The judge, Clip, was trained on pairs of image and text, and never on ImageNet" in text


def test_without_a_judge_there_is_no_share_and_no_error():
    labelled = {"swav": "ImageNet-22k labels"}
    (found,) = verdict(scores(BASE), "net", ["swav"], TITLES, trained_on=labelled)
    assert found.judge is None
    assert math.isnan(found.share)
    assert math.isnan(found.share_std)
    assert found.flags == ("no-judge",)
    text = " ".join(found.sentences)
    assert "FID fell by 60.0" in text
    assert "No control can judge" in text
    assert "for example clip or untrained" in text
    assert "at least about" not in text


@pytest.mark.parametrize(
    ("trained_on", "training"),
    [
        ("ImageNet-1k images", "was trained on ImageNet's images, without labels."),
        ("LVD-142M images", "without labels; its images include ImageNet's."),
        ("other images", "was trained on other images, and never saw ImageNet."),
        ("random weights", "was not trained, and never saw ImageNet."),
        ("scale of photographs", "was not trained, but scaled by a few photographs, and never"),
        (None, "The training of the judge, Swav, is not stated"),
    ],
)
def test_the_verdict_states_the_training_of_its_judge(trained_on, training):
    (found,) = verdict(scores(BASE), "net", ["swav"], TITLES, trained_on={"swav": trained_on})
    assert found.judge == "swav"
    (on_judge,) = [sentence for sentence in found.sentences if "he judge, Swav, " in sentence]
    assert training in on_judge
    assert found.flags == (("training-not-stated",) if trained_on is None else ())


def test_an_unknown_training_is_refused():
    with pytest.raises(FringeError, match=r"trained_on 'cats' is unknown; state one of 'ImageNet-"):
        verdict(scores(BASE), "net", ["swav"], TITLES, trained_on={"swav": "cats"})


def test_a_control_within_its_noise_is_flagged():
    noisy = BASE | {("prelogits", "clip"): [1.6, 2.0, 2.2]}
    (found,) = verdict(scores(noisy), "net", ["clip"], TITLES)
    assert found.controls[0].within_noise
    assert "control-within-noise" in found.flags
    assert "within its sampling noise" in " ".join(found.sentences)


def test_a_control_that_rose_counts_as_unchanged():
    risen = BASE | {("prelogits", "clip"): [2.2, 2.2, 2.2]}
    (found,) = verdict(scores(risen), "net", ["clip"], TITLES)
    assert found.share == pytest.approx(0.6)
    assert "FID rose by 10.0" in " ".join(found.sentences)


@pytest.mark.parametrize("after", [[12.0, 12.0, 12.0], [9.8, 10.0, 9.9]])
def test_no_null_space_is_claimed_if_fid_does_not_fall(after):
    (found,) = verdict(scores(BASE | {("prelogits", "net"): after}), "net", ["clip"], TITLES)
    assert math.isnan(found.share)
    assert "show no perceptual null space" in " ".join(found.sentences)
    assert "at least about" not in " ".join(found.sentences)


@pytest.mark.parametrize(
    ("dim", "flags"), [(2048, ()), (8000, ("few-images",)), (50000, ("singular",))]
)
def test_too_few_images_for_the_features_are_flagged(dim, flags):
    (found,) = verdict(
        scores(BASE), "net", ["clip"], TITLES, dims={"net": dim}, trained_on=TRAINED_ON
    )
    assert found.flags == flags
    assert ("singular" in " ".join(found.sentences)) == ("singular" in flags)


def test_single_repeat_simulated_and_unequal_counts():
    one = scores({key: values[:1] for key, values in BASE.items()})
    one.loc[(one["scheme"] == "prelogits") & (one["network"] == "net"), "n_generated"] = 40000
    titles = TITLES | {"d": {"title": "Data", "simulated": True}}
    (found,) = verdict(one, "net", ["clip"], titles, trained_on=TRAINED_ON)
    assert found.flags == ("single-repeat", "unequal-counts", "simulated")
    text = " ".join(found.sentences)
    assert "nan" not in text
    assert "±" not in text
    assert "simulated generator" in text
    assert found.controls[0].within_noise is None
    assert np.isnan(found.share_std)


def test_missing_scores_are_named():
    with pytest.raises(FringeError, match="network 'other' is missing"):
        verdict(scores(BASE), "net", ["other"], TITLES)


def test_summary_shows_the_first_rows_of_tables(tmp_path):
    all_schemes = BASE | {
        (scheme, network): values
        for scheme in ("matched", "logits")
        for network, values in (("net", [9.0, 9.0, 9.0]), ("clip", [2.0, 2.0, 2.0]))
    }
    one = scores(all_schemes)
    many = pd.concat([one, one.assign(dataset="e"), one.assign(dataset="f")])
    titles = TITLES | {"d": {"title": "A|b*c", "simulated": True}}
    paths = [tmp_path / "table1.md", tmp_path / "table2.md"]
    for make, path in zip((table1, table2), paths, strict=True):
        write_table(make(many, titles, "net", ["clip"]), markdown=path)
    text = summary(paths, rows=2)
    lines = text.splitlines()
    assert lines[0] == "Table 1. Results of Top-1 histogram matching"
    assert lines[1].split() == ["Dataset", "FID", "FID^Top-1", "FID_Clip", "FID_Clip^Top-1"]
    assert lines[3].startswith("A|b*c †  10.00 ± 0.10  9.00 ± 0.00 (−10.0%)")
    assert "(1 more rows in" in text
    assert "simulated generator" in text
    assert "Table 2. Results of matching all fringe features" in text
    assert len({len(line) for line in lines[1:5]}) == 1  # aligned


def test_summary_refuses_a_file_without_a_table(tmp_path):
    with pytest.raises(FringeError, match="missing; run the workflow again"):
        summary([tmp_path / "none.md"])
    (tmp_path / "bad.md").write_text("hello")
    with pytest.raises(FringeError, match="contains no Markdown table"):
        summary([tmp_path / "bad.md"])


def test_both_files_contain_every_sentence_and_html_is_escaped(tmp_path):
    found = verdict(scores(BASE), "net", ["clip"], TITLES | {"d": "Cats & <dogs>"})
    write_verdicts(found, tmp_path / "verdict.md", tmp_path / "verdict.html")
    markdown = (tmp_path / "verdict.md").read_text()
    page = (tmp_path / "verdict.html").read_text()
    assert markdown.startswith("# Verdict\n\n## Cats & \\<dogs\\>\n")
    for sentence in found[0].sentences:
        assert sentence in unmarked(markdown)
        assert escape(sentence) in page
    assert "<h2>Cats &amp; &lt;dogs&gt;</h2>" in page


def test_doubts_are_sentences_that_name_reasons_for_caution():
    (found,) = verdict(scores(BASE), "net", ["clip", "swav"], TITLES, trained_on=TRAINED_ON)
    assert found.doubts == ()
    labelled = dict.fromkeys(TRAINED_ON, "ImageNet-1k labels")
    titles = TITLES | {"d": {"title": "Data", "simulated": True}}
    (found,) = verdict(
        scores(BASE, n_generated=100),
        "net",
        ["clip", "swav"],
        titles,
        dims={"net": 2048},
        trained_on=labelled,
        damage={"d": ["3 images were damaged."]},
    )
    starts = [
        "In the control network (Clip)",
        "In the control network (Swav)",
        "No control can judge",
        "There are only 100 images for 2,048 features",
        "3 images were damaged.",
        "The images come from a simulated generator",
    ]
    assert [text[: len(start)] for text, start in zip(found.doubts, starts, strict=True)] == starts
    assert set(found.doubts) <= set(found.sentences)
