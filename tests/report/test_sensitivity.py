"""Tests of the sentences on sensitivity maps, against numbers by hand."""

import math

import pandas as pd
import pytest

from fringe.errors import FringeError
from fringe.report import sensitivity_sentences, verdict
from fringe.scores.rows import SCORE_COLUMNS

REGIONS = ("important", "unimportant", "everywhere")


def noise(values, clean=10.0, seed=0, counts=(50000, 2000)):
    """Return rows from {scale: FID by region}."""
    given = ({} if clean is None else {0: [clean] * 3}) | values
    return pd.DataFrame(
        [
            ("d", "net", region, scale, value, *counts, seed)
            for scale, found in given.items()
            for region, value in zip(REGIONS, found, strict=False)
        ],
        columns=[
            "dataset",
            "network",
            "region",
            "scale",
            "value",
            "n_real",
            "n_generated",
            "seed",
        ],
    )


def shares(share, low, high, area=0.25, n=2000):
    row = {"dataset": "d", "network": "net", "share": share, "low": low, "high": high}
    return pd.DataFrame([row | {"area": area, "n": n}])


GOOD = {0.01: [10.5, 10.2, 10.8], 0.05: [14.0, 12.0, 17.0], 0.2: [90.0, 55.5, 120.0]}


def said(noise=None, shares=None):
    return " ".join(sensitivity_sentences(noise, shares, "d", "net"))


def test_confirmed_at_every_scale():
    text = said(noise(GOOD))
    assert "each of 2,000 images: to the half that its map marks as important" in text
    assert (
        "With a standard deviation of 1% of the grey levels, noise changes FID from 10.00 to 10.50 "
        "in the important half and to 10.20 in the other half (10.80 in both halves)." in text
    )
    assert "20% of the grey levels, noise changes FID from 10.00 to 90.00" in text
    assert "and to 55.50 in the other half (120.00 in both halves)" in text
    assert "raises FID more at each of the 3 scales: the maps show where FID looks." in text
    assert "5%" not in text
    assert "not" not in text


def test_scales_that_fail_are_named_with_their_numbers():
    text = said(noise(GOOD | {0.05: [12.001, 12.003], 0.1: [9.9, 9.8]}))
    assert (
        "raises FID more at 2 of 4 scales, but not at 5% (12.001 against 12.003) and 10% (9.90 "
        "against 9.80, 10.00 without noise). At these scales the maps are not confirmed." in text
    )
    assert "the maps show" not in text


def test_never_confirmed():
    text = said(noise({0.1: [11.0, 12.0], 0.2: [20.0, 20.0], 0.3: [30.0, 40.0]}))
    assert (
        "does not raise FID more at 10% (11.00 against 12.00), 20% (20.00 against 20.00) and 30% "
        "(30.00 against 40.00): the maps are not confirmed." in text
    )
    assert "in both" not in text
    assert "the maps show" not in text


def test_one_scale_without_the_clean_value():
    text = said(noise({0.05: [14.0, 12.0, 17.0]}, clean=None))
    assert "noise changes FID to 14.00 in the important half and to 12.00 in the other" in text
    assert "raises FID more: the maps show where FID looks." in text
    assert "nan" not in text


def test_maps_are_confirmed_only_if_every_seed_agrees():
    one, other = noise({0.05: [14.0, 12.0]}), noise({0.05: [13.0, 13.2]}, clean=None, seed=1)
    text = said(pd.concat([one, other]))
    assert "to 13.50 in the important half and to 12.60 in the other" in text
    assert "not at" not in text
    assert "5% (13.50 against 12.60 on average, but not with each seed)" in text
    assert "the maps are not confirmed" in text
    agreeing = noise({0.05: [13.2, 13.0]}, clean=None, seed=1)
    assert "the maps show" in said(pd.concat([one, agreeing]))


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        (shares(0.4, 0.38, 0.42), "The region's share is larger than its area."),
        (shares(0.2, 0.18, 0.22), "The region's share is smaller than its area."),
        (
            shares(0.24, 0.22, 0.26),
            "Whether the region's share is larger or smaller than its area is unknown.",
        ),
    ],
)
def test_share_against_area(row, answer):
    text = said(None, row)
    share, low, high = (f"{100 * row[name][0]:.1f}%" for name in ("share", "low", "high"))
    assert text == (
        f"{share} of FID's sensitivity is inside the named region (95% interval of the mean over "
        f"2,000 images: {low} to {high}), which covers 25.0% of the image. {answer}"
    )


def test_a_narrow_interval_has_enough_decimals():
    text = said(None, shares(0.25043, 0.25031, 0.25055))
    assert "25.04% of" in text
    assert "25.03% to 25.05%" in text.replace("25.055%", "25.05%")
    assert "larger than its area" in text


def test_rounding_does_not_count_as_a_difference():
    text = said(None, shares(0.25 + 1e-15, 0.25 + 1e-15, 0.25 + 1e-15))
    assert "25.0% of" in text
    assert "is unknown" in text


def test_shares_without_an_interval_or_without_maps():
    text = said(None, shares(0.9, math.nan, math.nan, n=1))
    assert "90.0% of FID's sensitivity is inside" in text
    assert "measured on 1 image, so its uncertainty is unknown" in text
    assert "smaller than its area is unknown" in text
    none = said(None, shares(math.nan, math.nan, math.nan, n=0))
    assert "not sensitive to any place" in none
    assert "nan" not in text + none


def test_there_is_no_sentence_without_measurements():
    assert sensitivity_sentences(None, None, "d", "net") == []
    measured = noise(GOOD), shares(0.4, 0.38, 0.42)
    assert len(sensitivity_sentences(*measured, "d", "net")) == 2
    assert sensitivity_sentences(*measured, "other", "net") == []
    assert sensitivity_sentences(*measured, "d", "other") == []
    assert sensitivity_sentences(noise({}), None, "d", "net") == []  # clean images only


def test_errors_name_rows_that_do_not_fit():
    rows = noise(GOOD)
    with pytest.raises(FringeError, match="region noise: column seed is missing"):
        said(rows.drop(columns="seed"))
    with pytest.raises(FringeError, match="region shares: column area is missing"):
        said(None, shares(0.4, 0.3, 0.5).drop(columns="area"))
    with pytest.raises(FringeError, match="a scale lacks the region 'unimportant'"):
        said(rows[(rows["region"] != "unimportant") | (rows["scale"] != 0.05)])
    with pytest.raises(FringeError, match="different counts of images are not comparable"):
        said(pd.concat([rows, noise(GOOD, counts=(50000, 1000))]))
    with pytest.raises(FringeError, match="a value is not finite"):
        said(noise({0.05: [math.nan, 12.0]}))
    with pytest.raises(FringeError, match="has 2 rows; give one"):
        said(None, pd.concat([shares(0.4, 0.3, 0.5), shares(0.2, 0.1, 0.3)]))


def test_the_verdict_contains_the_sentences_of_its_main_network():
    scores = pd.DataFrame(
        [
            ("d", scheme, network, "features", "fid", repeat, value, 100, 100, 0)
            for network, values in (("net", (10.0, 4.0)), ("clip", (2.0, 1.9)))
            for scheme, value in zip(("random", "prelogits"), values, strict=True)
            for repeat in range(2)
        ],
        columns=list(SCORE_COLUMNS),
    )
    rows, inside = noise(GOOD), shares(0.4, 0.38, 0.42)
    (with_maps,) = verdict(
        scores, "net", ["clip"], {}, region_noise=rows, region_shares=inside, dims={"net": 200}
    )
    (without,) = verdict(scores, "net", ["clip"], {}, dims={"net": 200})
    added = sensitivity_sentences(rows, inside, "d", "net")
    assert len(added) == 2
    *before, caution = without.sentences
    assert "covariances are singular" in caution
    assert list(with_maps.sentences) == [*before, *added, caution]
    other = rows.assign(network="clip"), inside.assign(network="clip")
    (of_control,) = verdict(
        scores,
        "net",
        ["clip"],
        {},
        region_noise=other[0],
        region_shares=other[1],
        dims={"net": 200},
    )
    assert of_control == without
