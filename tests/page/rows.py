"""Rows of scores with planted values, in the format of the evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from fringe.report import verdict
from fringe.report.verdicts import Verdict
from fringe.scores.rows import ERROR_COLUMNS, SCORE_COLUMNS

Values = Mapping[tuple[str, str], Sequence[float]]

TITLES = {"d": "Data", "net": "Net", "clip": "Clip", "swav": "Swav"}
TRAINED_ON = {"clip": "image-text pairs", "swav": "ImageNet-1k images"}

NULL_SPACE: Values = {
    ("random", "net"): [9.9, 10.0, 10.1],
    ("matched", "net"): [8.9, 9.0, 9.1],
    ("top5", "net"): [5.9, 6.0, 6.1],
    ("top20", "net"): [4.9, 5.0, 5.1],
    ("prelogits", "net"): [3.9, 4.0, 4.1],
    ("random", "clip"): [1.99, 2.0, 2.01],
    ("matched", "clip"): [1.98, 1.99, 2.0],
    ("prelogits", "clip"): [1.89, 1.9, 1.91],
}
"""FID falls by 60 %, the control by 5 %."""

REAL: Values = {
    ("random", "net"): [9.9, 10.0, 10.1],
    ("prelogits", "net"): [6.9, 7.0, 7.1],
    ("random", "clip"): [1.99, 2.0, 2.01],
    ("prelogits", "clip"): [1.29, 1.3, 1.31],
}
"""FID falls by 30 %, the control by 35 %."""


def planted(
    values: Values, dataset: str = "d", n: tuple[int, int] = (50_000, 50_000), error: float = 0.02
) -> pd.DataFrame:
    """Return rows from {(scheme, network): repeats}, with errors relative to each value.

    Rows of Top-N and Middle-N weights have no errors.
    """
    rows = []
    for (scheme, network), repeats in values.items():
        for repeat, value in enumerate(repeats):
            known = repeat == 0 and not scheme.startswith(("top", "middle"))
            errors = (error * value, error * value / 2) if known else (float("nan"),) * 2
            row = (dataset, scheme, network, "features", "fid", repeat, value, *n, 7)
            rows.append((*row, *errors))
    return pd.DataFrame(rows, columns=[*SCORE_COLUMNS, *ERROR_COLUMNS])


def judged(scores: pd.DataFrame, **options: object) -> Verdict:
    """Return the verdict on rows of `planted`."""
    controls = [name for name in ("clip", "swav") if name in set(scores["network"])]
    settings = {"trained_on": TRAINED_ON, **options}
    (found,) = verdict(scores, "net", controls, TITLES, **settings)  # type: ignore[arg-type]
    return found
