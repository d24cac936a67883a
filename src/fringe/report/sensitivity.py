"""Sentences on whether noise confirms the sensitivity maps, and on their share in a region."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from fringe.errors import FringeError
from fringe.scores.numbers import format_value

__all__ = ["sensitivity_sentences"]

_NOISE_COLUMNS = ("dataset", "network", "region", "scale", "value", "n_real", "n_generated", "seed")
_SHARE_COLUMNS = ("dataset", "network", "share", "low", "high", "area", "n")

_ROUNDING = 1e-9  # a smaller difference between shares does not count


def sensitivity_sentences(
    noise: pd.DataFrame | None, shares: pd.DataFrame | None, dataset: str, network: str
) -> list[str]:
    """Return the paragraphs on one dataset and network, without what was not measured.

    Parameters
    ----------
    noise : DataFrame, optional
        FID with noise in the important half of each image, in the other half, and in both halves
        (Figure 10), with columns dataset, network, region, scale, value, n_real, n_generated and
        seed. The maps are confirmed at a scale if, with each seed, noise in the important half
        raises FID, and raises it more than noise in the other half.
    shares : DataFrame, optional
        The share of FID's sensitivity inside the configured region, with columns dataset, network,
        share, low, high, area and n.
    dataset, network : str

    Raises
    ------
    FringeError
        If a column or a region is missing, a value is not finite, or the rows are of different
        counts of images or of several regions.
    """
    measured = _rows_of(noise, _NOISE_COLUMNS, dataset, network, "region noise")
    inside = _rows_of(shares, _SHARE_COLUMNS, dataset, network, "region shares")
    return [*_noise_sentences(measured), *_share_sentences(inside)]


def _rows_of(
    rows: pd.DataFrame | None, columns: Sequence[str], dataset: str, network: str, what: str
) -> pd.DataFrame:
    if rows is None:
        return pd.DataFrame(columns=list(columns))
    absent = [column for column in columns if column not in rows.columns]
    if absent:
        raise FringeError(
            f"{what}: column {', '.join(absent)} is missing (found {', '.join(rows.columns)}); "
            "measure it again"
        )
    return rows[(rows["dataset"] == dataset) & (rows["network"] == network)]


def _noise_sentences(rows: pd.DataFrame) -> list[str]:
    if not (rows["scale"] > 0).any():
        return []
    name = f"region noise: dataset {rows['dataset'].iloc[0]!r}"
    if not np.isfinite(rows["value"].to_numpy(float)).all():
        raise FringeError(f"{name}: a value is not finite; measure it again")
    if len(rows[["n_real", "n_generated"]].drop_duplicates()) > 1:
        raise FringeError(
            f"{name}: values of different counts of images are not comparable; give the values "
            "of one count"
        )
    clean = float(rows[rows["scale"] == 0]["value"].mean())  # NaN if not measured
    table = rows[rows["scale"] > 0].pivot_table(
        index=["scale", "seed"], columns="region", values="value", aggfunc="mean"
    )
    for region in ("important", "unimportant"):
        if region not in table or table[region].isna().any():
            raise FringeError(f"{name}: a scale lacks the region {region!r}; measure it again")
    raised = table["important"] > table["unimportant"]
    if not math.isnan(clean):
        raised &= table["important"] > clean
    confirmed = raised.groupby(level="scale").all()
    means = table.groupby(level="scale").mean()
    said = [
        "To test the sensitivity maps of FID, Gaussian noise was added to each of "
        f"{int(rows['n_generated'].iloc[0]):,} images: to the half that its map marks as "
        "important, or to the other half."
    ]
    said += [_at(means.iloc[k], clean) for k in sorted({0, len(means) - 1})]
    said.append(_judgement(means, confirmed, clean))
    return [" ".join(said)]


def _judgement(means: pd.DataFrame, confirmed: pd.Series, clean: float) -> str:
    """Return the sentence on whether maps are confirmed, from FID by scale and region."""
    failed = _listed([_failure(row, clean) for _, row in means[~confirmed].iterrows()])
    many, good = len(means), int(confirmed.sum())
    noise = "Noise in the important half"
    if good == many:
        scales = "" if many == 1 else f" at each of the {many} scales"
        return f"{noise} raises FID more{scales}: the maps show where FID looks."
    if good == 0:
        return f"{noise} does not raise FID more at {failed}: the maps are not confirmed."
    return (
        f"{noise} raises FID more at {good} of {many} scales, but not at {failed}. At these scales "
        "the maps are not confirmed."
    )


def _at(row: pd.Series, clean: float) -> str:
    """Return the effect of noise of one scale; ``row`` is FID by region, its name the scale."""
    important, other, *before = _printed(row, clean)
    start = f" from {before[0]}" if before else ""
    text = (
        f"With a standard deviation of {_scale(row)} of the grey levels, noise changes FID{start} "
        f"to {important} in the important half and to {other} in the other half"
    )
    if not math.isnan(row.get("everywhere", math.nan)):
        text += f" ({format_value(row['everywhere'])} in both halves)"
    return f"{text}."


def _failure(row: pd.Series, clean: float) -> str:
    """Return a scale at which maps are not confirmed, and the reason."""
    important, other, *before = _printed(row, clean)
    text = f"{_scale(row)} ({important} against {other}"
    if before and row["important"] <= clean:
        text += f", {before[0]} without noise"
    elif row["important"] > row["unimportant"]:
        text += " on average, but not with each seed"
    return f"{text})"


def _scale(row: pd.Series) -> str:
    return f"{100 * float(str(row.name)):g}%"


def _printed(row: pd.Series, clean: float) -> list[str]:
    """Return FID with noise in either half, and of clean images if known, as texts.

    Different values have different texts, within the limit of `_decimals`.
    """
    values = [row["important"], row["unimportant"], *([] if math.isnan(clean) else [clean])]
    decimals = _decimals(values, 2)
    return [format_value(value, decimals=decimals) for value in values]


def _share_sentences(rows: pd.DataFrame) -> list[str]:
    if rows.empty:
        return []
    if len(rows) > 1:
        raise FringeError(
            f"region shares: dataset {rows['dataset'].iloc[0]!r} has {len(rows)} rows; give one "
            "for each network"
        )
    row = rows.iloc[0]
    share, low, high, area = (float(row[name]) for name in ("share", "low", "high", "area"))
    n = int(row["n"])
    if math.isnan(share):
        return [
            "FID is not sensitive to any place of these images (all maps are 0), so the named "
            "region has no share of its sensitivity."
        ]
    known = [value for value in (share, low, high, area) if not math.isnan(value)]
    decimals = _decimals([100 * value for value in known], 1)

    def percent(value: float) -> str:
        return f"{100 * value:.{decimals}f}%"

    unsure = math.isnan(low) or math.isnan(high)
    interval = (
        f"measured on {n:,} image, so its uncertainty is unknown"
        if unsure
        else f"95% interval of the mean over {n:,} images: {percent(low)} to {percent(high)}"
    )
    text = (
        f"{percent(share)} of FID's sensitivity is inside the named region ({interval}), which "
        f"covers {percent(area)} of the image"
    )
    if low > area + _ROUNDING:
        return [f"{text}. The region's share is larger than its area."]
    if high < area - _ROUNDING:
        return [f"{text}. The region's share is smaller than its area."]
    return [f"{text}. Whether the region's share is larger or smaller than its area is unknown."]


def _decimals(values: Sequence[float], least: int) -> int:
    """Return how many decimals distinguish the values, at least ``least``, at most three more."""
    texts = [len({f"{value:.{decimals}f}" for value in values}) for decimals in range(least + 4)]
    return max(least, texts.index(texts[-1]))


def _listed(items: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))
