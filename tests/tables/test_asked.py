"""Tests of the table of the requested metrics."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fringe.scores.adherence import Following
from fringe.scores.protocol import Protocol
from fringe.scores.titles import Titles
from fringe.tables import asked_table, read_asked_table, write_asked_table
from fringe.tables.asked import lay_out_asked, scores_as_json, scores_as_text

TITLES: Titles = {"photos": {"title": "Photographs", "simulated": True}, "cats": "Cats"}
NETWORKS = {
    "inception": ["fid", "kid", "coverage"],
    "clip": ["fid", "coverage"],
    "inception-spatial": ["sfid"],
}


def row(dataset: str, scheme: str, network: str, metric: str, value: float, repeat: int = 0):
    return {
        "dataset": dataset,
        "scheme": scheme,
        "network": network,
        "space": "features",
        "metric": metric,
        "repeat": repeat,
        "value": value,
        "n_real": 100,
        "n_generated": 90,
        "seed": 0,
        "standard_error": 0.5 if metric == "fid" and repeat == 0 else np.nan,
        "real_error": np.nan,
    }


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [
        row("photos", "random", "inception", "fid", 10.0),
        row("photos", "random", "inception", "fid", 12.0, 1),
        row("photos", "random", "inception", "fid", 99.0, 2),  # a repeat of another table
        row("photos", "matched", "inception", "fid", 8.0),
        row("photos", "random", "inception", "kid", 0.004),
        row("photos", "random", "inception", "coverage", 0.75),
        row("photos", "random", "clip", "coverage", 0.5),
        row("photos", "random", "inception-spatial", "fid", 20.0),
        row("cats", "random", "inception", "fid", 3.0),
    ]
    return asked_table(pd.DataFrame(rows), TITLES, NETWORKS, 2)


def test_each_metric_network_data_set_and_scheme_has_a_row(table: pd.DataFrame) -> None:
    keys = ["metric", "network", "dataset", "scheme"]
    assert list(table[keys].itertuples(index=False, name=None)) == [
        ("fid", "inception", "photos", "random"),
        ("fid", "inception", "photos", "matched"),
        ("fid", "inception", "cats", "random"),
        ("sfid", "inception-spatial", "photos", "random"),
        ("kid", "inception", "photos", "random"),
        ("coverage", "inception", "photos", "random"),
        ("coverage", "clip", "photos", "random"),
    ]
    first = table.iloc[0]
    assert (first["mean"], first["repeats"], first["standard_error"]) == (11.0, 2, 0.5)
    assert first["std"] == pytest.approx(np.sqrt(2))
    assert first["n_generated"] == 90


def test_printed_form_has_headers_cells_and_notes(table: pd.DataFrame) -> None:
    layout = lay_out_asked(table, ["A note."])
    assert [(one.base, one.above) for one in layout.headers] == [
        ("Photographs †", ""),
        ("Photographs †", "Top-1"),
        ("Cats", ""),
    ]
    printed = {line.label: [entry.text for entry in line.cells] for line in layout.lines}
    assert printed["FID ↓ (Inception-V3)"] == [
        "11.00 ± 1.41 (SE 0.50)",
        "8.00 (SE 0.50)",
        "3.00 (SE 0.50)",
    ]
    assert printed["KID ×10³ ↓ (Inception-V3)"] == ["4.00", "–", "–"]
    assert printed["coverage ↑ (CLIP)"] == ["0.50", "–", "–"]
    assert layout.notes[0] == "Images (real + generated): 100 + 90."
    assert layout.notes[-1] == "A note."


def test_data_sets_with_equal_titles_are_shown_with_their_names() -> None:
    rows = [row(name, "random", "inception", "fid", 1.0) for name in ("photos", "cats")]
    titles: Titles = {"photos": "Images", "cats": "Images"}
    layout = lay_out_asked(asked_table(pd.DataFrame(rows), titles, NETWORKS, 1))
    assert [one.base for one in layout.headers] == ["Images (photos)", "Images (cats)"]


def test_columns_with_different_counts_are_named() -> None:
    few = row("photos", "matched", "inception", "fid", 8.0) | {"n_generated": 70}
    rows = [row("photos", "random", "inception", "fid", 10.0), few]
    rows += [row("cats", "random", "inception", "fid", 3.0)]
    layout = lay_out_asked(asked_table(pd.DataFrame(rows), TITLES, NETWORKS, 2))
    assert layout.notes[0] == (
        "Images (real + generated): Photographs, Cats: 100 + 90; Photographs, Top-1: 100 + 70."
    )


def test_all_formats_contain_the_numbers(table: pd.DataFrame, tmp_path: Path) -> None:
    paths = {kind: tmp_path / f"table.{kind}" for kind in ("csv", "markdown", "latex", "html")}
    write_asked_table(table, **paths)
    for kind in ("markdown", "latex", "html"):
        text = paths[kind].read_text()
        assert "Metric (network)" in text
        assert "S2" in text
        assert "20.00" in text
    assert r"$\downarrow$" in paths["latex"].read_text()
    read = read_asked_table(paths["csv"])
    pd.testing.assert_frame_equal(read, table, check_dtype=False)


def test_one_set_of_images_as_text_and_as_json(table: pd.DataFrame) -> None:
    mine = table[(table["dataset"] == "photos") & (table["scheme"] == "random")]
    lines = scores_as_text(mine).splitlines()
    assert lines[0].split() == ["metric", "network", "value", "standard", "error"]
    assert lines[1].split() == ["FID", "Inception-V3", "11.00", "0.50"]
    assert lines[3].split()[:5] == ["KID", "x", "1000", "Inception-V3", "4.00"]
    assert lines[3].endswith("unknown")
    assert lines[-1] == "(100 real and 90 generated images)"
    result = json.loads(json.dumps(scores_as_json(mine), allow_nan=False))
    assert result["scores"][2] == {
        "metric": "kid",
        "network": "inception",
        "value": 0.004,
        "standard_error": None,
        "real_error": None,
        "better": "lower",
    }


def test_each_score_is_compared_with_the_protocol(table: pd.DataFrame) -> None:
    ours = Protocol(real_total=100, candidates=90, network="inception", precision="float32")
    following = Following("adm", {"photos": ours}, {})
    mine = table[(table["dataset"] == "photos") & (table["scheme"] == "random")]
    result = scores_as_json(mine, following)
    assert result["protocol"] == "adm"
    by_name = {(one["metric"], one["network"]): one for one in result["scores"]}
    assert by_name["fid", "inception"]["differs"] == [
        "90 generated images (adm: 50,000)",
    ]
    assert by_name["sfid", "inception-spatial"]["differs"] == ["90 generated images (adm: 50,000)"]
    assert not by_name["coverage", "clip"]["defined"]
    text = scores_as_text(mine, following)
    assert "sFID (inception-spatial): protocol adm, except 90" in text.replace(
        by_title(mine, "inception-spatial"), "inception-spatial"
    )
    plain = scores_as_json(mine)
    assert "protocol" not in plain
    assert all("told" not in one for one in plain["scores"])  # codespell:ignore told
    assert "protocol" not in scores_as_text(mine)


def by_title(table: pd.DataFrame, network: str) -> str:
    return str(table[table["network"] == network]["network_title"].iloc[0])
