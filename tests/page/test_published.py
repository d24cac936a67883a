"""Tests of the comparison of our numbers with the paper's, for FFHQ."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from fringe import tables
from fringe.page.numbers import compare_with_paper
from fringe.page.printed_tables import published_in_table, read_table, shown_table
from fringe.page.published import (
    Published,
    compared,
    protocol_deviations,
    published_networks,
    published_pair,
    published_sizes,
)
from fringe.plan.exhibits import TABLES
from fringe.scores.cells import Cell
from fringe.scores.differences import PAPER
from fringe.scores.paper import PaperValue, paper_numbers

from .rows import planted

ALIKE = {"ffhq": PAPER["ffhq"], "ffhqfastgan": PAPER["ffhqfastgan"]}
TITLES = {"ffhq": "FFHQ", "ffhqfastgan": "FFHQ"}


def test_a_number_agrees_within_two_combined_standard_errors() -> None:
    """The paper's error is assumed to be equal to ours: 2 √2 x 0.1 is 0.283."""
    paper = PaperValue(5.0, math.nan, 50_000, 50_000, ())
    ours = Cell(5.28, 0.03, 5, 50_000, 50_000, standard_error=0.1, real_error=0.05)
    assert compare_with_paper(ours, paper).tone == "agrees"
    assert compare_with_paper(ours._replace(mean=5.29), paper).tone == "deviates"
    assert compare_with_paper(ours._replace(mean=4.71), paper).tone == "deviates"
    assert compare_with_paper(ours._replace(mean=4.72), paper).tone == "agrees"
    unlike = paper._replace(differs=("latents of seed 3",))
    assert compare_with_paper(ours, unlike).tone == "incomparable"
    assert "ours has latents of seed 3" in compare_with_paper(ours, unlike).text
    unknown = compare_with_paper(ours._replace(standard_error=math.nan), paper)
    assert unknown.tone == ""
    assert unknown.text == "+5.6%; our standard error is unknown"


def test_tables_compare_each_number_that_the_paper_prints(tmp_path: Path) -> None:
    networks = ("inception", "clip")
    rows = planted(
        {
            (scheme, network): [value, value + 0.02]
            for network in networks
            for scheme, value in (("random", 5.3), ("matched", 4.7))
        },
        "ffhq",
    )
    made = tables.table1(rows, TITLES, "inception", ["clip"], protocols=ALIKE)
    tables.write_table(made, csv=tmp_path / "table1.csv")
    table = read_table(tmp_path / "table1.csv", TABLES["1"].metrics)
    pd.testing.assert_frame_equal(table, made, check_dtype=False)
    found = published_in_table(table)
    numbers = paper_numbers()
    expected = numbers[
        (numbers["exhibit"] == "table1")
        & (numbers["dataset"] == "ffhq")
        & numbers["network"].isin(networks)
    ]
    assert [one.paper.value for one in found] == list(expected["value"])
    assert [one.label for one in found] == ["FID", "FID, Top-1", "FID (CLIP)", "FID (CLIP), Top-1"]
    shown = compared(found, "7")
    assert [one.tone for one in shown] == ["agrees", "agrees", "deviates", "deviates"]
    assert shown[0].paper == "5.30 ± 0.04"
    assert shown[0].deviation.startswith("+0.2%, within 2 combined standard errors (")
    cells = shown_table(table, seed="7").rows[0].cells
    assert [getattr(cell, "tone", None) for cell in cells] == [one.tone for one in shown]


def test_figures_compare_the_numbers_that_the_paper_also_prints() -> None:
    few = planted({("random", "inception"): [11.6, 11.7]}, "ffhq", (5000, 5000))
    every = planted({("random", "inception"): [5.1, 5.2]}, "ffhq", (70_000, 50_000))
    other = planted({("random", "inception"): [4.9, 5.0]}, "ffhq", (7000, 7000))
    found = published_sizes(
        pd.concat([few, every, other]),
        network="inception",
        titles=TITLES,
        all_real={"ffhq": 70_000},
        protocols=ALIKE,
    )
    assert [(one.label, one.paper.value) for one in found] == [
        ("FID, 5k + 5k", 11.65),
        ("FID, All + 50k", 5.14),
    ]
    both = planted(
        {("random", "inception"): [5.3], ("random", "inception-torchvision"): [3.7]}, "ffhq"
    )
    networks = {"ffhq": ["inception", "inception-torchvision"]}
    found = published_networks(both, networks, titles=TITLES, protocols=ALIKE)
    assert [one.paper.value for one in found] == [5.30, 3.69]


def test_a_pair_of_generators_compares_distances_and_recall() -> None:
    rows = []
    for dataset in ("ffhq", "ffhqfastgan"):
        rows.append(planted({("random", "inception"): [5.3], ("random", "clip"): [3.0]}, dataset))
        recall = planted({("random", "vgg16-nvidia"): [0.45]}, dataset)
        rows.append(recall.assign(metric="recall", standard_error=math.nan))
    found = published_pair(
        pd.concat(rows),
        {"StyleGAN2": "ffhq", "Projected FastGAN": "ffhqfastgan"},
        network="inception",
        control="clip",
        recall="vgg16-nvidia",
        titles={},
        protocols={"ffhq": PAPER["ffhq"]},
    )
    assert [(one.of, one.label, one.paper.value) for one in found] == [
        ("StyleGAN2", "FID (Inception-V3)", 5.30),
        ("StyleGAN2", "FID (CLIP)", 2.76),
        ("StyleGAN2", "Recall", 0.46),
        ("Projected FastGAN", "FID (Inception-V3)", 5.28),
        ("Projected FastGAN", "FID (CLIP)", 4.67),
        ("Projected FastGAN", "Recall", 0.45),
    ]
    tones = [one.tone for one in compared(found, "7")]
    assert tones == ["agrees", "deviates", "", *["incomparable"] * 3]


def test_each_difference_of_protocol_is_listed_once_for_each_data_set() -> None:
    ours = replace(PAPER["ffhq"], truncation=0.7, seed=3)
    rows = planted({("random", "inception"): [5.3]}, "ffhq", (100, 200))
    networks = {"ffhq": ["inception"]}
    found = published_networks(rows, networks, titles=TITLES, protocols={"ffhq": ours})
    listed = protocol_deviations({"Figure 8b": found, "Table 1": found})
    assert [one.topic for one in listed] == [
        "FFHQ: 100 + 200 images (the paper: 50,000 + 50,000)",
        "FFHQ: truncation 0.7",
        "FFHQ: latents of seed 3",
    ]
    assert {one.exhibits for one in listed} == {"Figure 8b, Table 1"}


def test_kernel_distances_are_shown_times_a_thousand() -> None:
    cell = Cell(0.0021, 0.0001, 3, 50_000, 50_000)
    paper = PaperValue(0.002, math.nan, 50_000, 50_000, ())
    (shown,) = compared([Published("FFHQ", "KID ×10³", cell, paper, 1000)], "7")
    assert (shown.ours.text, shown.paper, shown.ours.value) == ("2.10", "2.00", 0.0021)
    assert shown.deviation == pytest.approx("+5.0%; our standard error is unknown")
