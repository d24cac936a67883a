"""Tests of the page's table of requested metrics."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fringe.page.asked_table import ASKED_STEM, shown_asked_table
from fringe.page.content import Number
from fringe.plan import exhibits
from fringe.tables import asked_table


def test_stem_is_the_stem_of_the_exhibit() -> None:
    assert f"table{exhibits.ASKED_TABLE}" == ASKED_STEM


def test_numbers_have_details() -> None:
    row = {
        "dataset": "cats",
        "scheme": "random",
        "network": "clip",
        "space": "features",
        "metric": "coverage",
        "value": 0.5,
        "n_real": 1000,
        "n_generated": 900,
        "seed": 4,
        "standard_error": np.nan,
        "real_error": np.nan,
    }
    rows = [row | {"repeat": 0, "standard_error": 0.25}, row | {"repeat": 1, "value": 0.75}]
    rows += [row | {"repeat": 0, "scheme": "matched"}]
    table = asked_table(pd.DataFrame(rows), {"cats": "Cats"}, {"clip": ["coverage"]}, 2)
    shown = shown_asked_table(table, seed="4")
    assert shown.head == ("Metric (network)", "Cats", "Cats, Top-1")
    ((label, (first, second)),) = [(one.label, one.cells) for one in shown.rows]
    assert label == "coverage ↑ (CLIP)"
    assert isinstance(first, Number)
    assert isinstance(second, Number)
    assert first.text == "0.62 ± 0.18 (SE 0.25)"
    assert first.about == (
        "95 % interval: 0.14 to 1.11 (± 1.96 standard errors).",
        "The interval covers the random choice of images. docs/metrics.md says of which images.",
        "Mean of 2 draws (standard deviation: 0.177).",
        "1,000 real and 900 generated images.",
        "Seed 4.",
    )
    assert second.about[:2] == (
        "No standard error: there is no formula for this metric.",
        "One draw.",
    )
