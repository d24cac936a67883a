"""Tests of the null space of each network, against numbers computed by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from fringe.errors import FringeError
from fringe.report import verdict, write_verdicts
from fringe.report.null_spaces import null_space_of, null_space_rows, null_space_sentence

TITLES = {"d": "Data", "net": "Net", "clip": "Clip", "counting": "Counting"}
VALUES = {
    ("random", "net"): ([9.9, 10.0, 10.1], 100),
    ("matched", "net"): ([8.9, 9.0, 9.1], 100),
    ("prelogits", "net"): ([3.9, 4.0, 4.1], 100),
    ("random", "clip"): ([1.99, 2.0, 2.01], 100),
    ("random-filled", "clip"): ([2.39, 2.4, 2.41], 80),
    ("matched", "clip"): ([1.79, 1.8, 1.81], 80),
    ("prelogits", "clip"): ([1.89, 1.9, 1.91], 100),
    ("own-clip", "clip"): ([0.99, 1.0, 1.01], 100),
}


def scores() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "dataset": "d",
                "scheme": scheme,
                "network": network,
                "space": "features",
                "metric": "fid",
                "repeat": repeat,
                "value": value,
                "n_real": 100,
                "n_generated": count,
                "seed": 0,
            }
            for (scheme, network), (values, count) in VALUES.items()
            for repeat, value in enumerate(values)
        ]
    )


def test_falls_are_relative_to_the_same_number_of_random_images() -> None:
    found = null_space_of(scores(), "d", "clip", "own-clip", TITLES)
    # 1.8 against 2.4 (80 images each), and 1 against 2; the spread of a ratio r by hand.
    assert found.classes == f"−25.0 ± {100 * math.hypot(0.01, 0.0075) / 2.4:.1f}%"
    assert found.weights == f"−50.0 ± {100 * math.hypot(0.01, 0.005) / 2:.1f}%"
    sentence = null_space_sentence(found, "Counting", 200)
    assert sentence == (
        "The null space of Clip itself: FID in its features falls by 25.0 ± 0.5% when the Top-1 "
        "class histogram by Counting is matched, relative to 80 images at random, and falls by "
        "50.0 ± 0.6% with weights optimized in these features. With 100 images for 200 features, "
        "weights also fit the random variation of these images."
    )
    assert "variation" not in null_space_sentence(found, "Counting", 10)
    full = null_space_of(scores(), "d", "net", "prelogits", TITLES)
    assert full.classes.startswith("−10.0 ± ")
    head, *rows = null_space_rows([full, found], "Counting")
    assert [row[0] for row in rows] == ["Net", "Clip"]
    assert rows[1][2] == f"1.80 ± 0.01 ({found.classes}, relative to 80 images at random)"
    assert rows[1][4] == "100 + 100; 80"
    assert {len(row) for row in rows} == {len(head)}
    with pytest.raises(FringeError):
        null_space_of(scores(), "d", "clip", "own-net", TITLES)


def test_the_verdict_has_a_row_for_each_network(tmp_path: Path) -> None:
    asked = {"classifier": "counting", "null_spaces": {"clip": "own-clip"}}
    (found,) = verdict(scores(), "net", ["clip"], TITLES, dims={"clip": 5}, **asked)
    assert [one.network for one in found.null_spaces] == ["net", "clip"]
    text = " ".join(found.sentences)
    assert (
        "When the Top-1 class histogram by Counting is matched, FID in Net falls by 10.0 ± 1.3%."
    ) in text
    assert "The null space of Clip itself: " in text
    # The judge and the share are the same without the null spaces.
    (plain,) = verdict(scores(), "net", ["clip"], TITLES)
    assert (found.share, found.judge) == (plain.share, plain.judge)
    assert plain.null_spaces == ()
    assert "null space of Clip" not in " ".join(plain.sentences)
    write_verdicts([found], tmp_path / "v.md", tmp_path / "v.html")
    assert "| Clip | 2.00 ± 0.01 | 1.80 ± 0.01 (" in (tmp_path / "v.md").read_text()
    assert "<th" in (tmp_path / "v.html").read_text()
    write_verdicts([plain], tmp_path / "v.md", tmp_path / "v.html")
    assert "|" not in (tmp_path / "v.md").read_text()
