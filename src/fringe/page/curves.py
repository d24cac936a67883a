"""The interactive plots: data as CSV, a Vega-Lite specification, and a caption."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fringe.errors import FringeError
from fringe.page.anchors import anchor
from fringe.page.content import Curve, Link, Picture
from fringe.page.numbers import INTERVAL
from fringe.page.vega import (
    ZOOM,
    Spec,
    colour,
    dash,
    faded,
    number,
    only,
    picked,
    plot,
    tooltip,
)
from fringe.scores.cells import Cell, cell_of, datasets_of, score_cell, sweep_size
from fringe.scores.convergence import OURS, compare_convergence, format_loss
from fringe.scores.numbers import size_label
from fringe.scores.region_noise import REGION_TITLES
from fringe.scores.titles import SIMULATED, Titles, is_simulated, title_of

__all__ = [
    "Printed",
    "convergence_curve",
    "noise_curve",
    "sizes_curve",
    "snapshots_curve",
    "sweep_curve",
]

_TOP, _MIDDLE = "N most probable classes", "N middle classes"
_RANDOM, _RELEASED, _OPTIMAL = (
    "drawn at random",
    "weights of the released steps",
    "optimized weights, all features",
)


@dataclass(frozen=True)
class Printed:
    """The static figure of a plot for print, and links to files."""

    figure: Picture | None = None
    links: Sequence[Link] = ()


def sweep_curve(
    scores: pd.DataFrame,
    dataset: str,
    *,
    network: str,
    control: str,
    titles: Titles,
    released: bool,
    printed: Printed,
) -> Curve:
    """Return the plot of FID and one control's distance against the number of matched classes.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows with the schemes random, prelogits, top{N} and middle{N}.
    dataset : str
    network, control : str
        The network of FID, and the control.
    released : bool
        Whether the scores also contain the scheme prelogits-released.
    """
    mine = scores[(scores["dataset"] == dataset) & (scores["metric"] == "fid")]
    swept = {
        str(scheme): size
        for scheme in dict.fromkeys(mine["scheme"])
        if (size := sweep_size(str(scheme)))
    }
    names = {one: title_of(titles, one) for one in (network, control)}
    rows: list[dict[str, Any]] = []
    for one, title in names.items():
        random = score_cell(scores, dataset=dataset, scheme="random", network=one)
        if not random.mean > 0:
            raise FringeError(
                f"page: dataset {dataset!r}, network {one!r}: the FID of images drawn at random is "
                f"{random.mean}, so there is no relative change to show; give other images"
            )
        lines = {"random": _RANDOM, "prelogits": _OPTIMAL}
        lines |= {"prelogits-released": _RELEASED} if released else {}
        for scheme, label in lines.items():
            cell = score_cell(scores, dataset=dataset, scheme=scheme, network=one)
            rows.append(_swept("level", label, None, title, cell, random.mean))
        for scheme, (mode, n) in sorted(swept.items(), key=lambda item: item[1]):
            cell = score_cell(scores, dataset=dataset, scheme=scheme, network=one)
            label = _TOP if mode == "top" else _MIDDLE
            rows.append(_swept("curve", label, n, title, cell, random.mean))
    data = pd.DataFrame(rows).astype({"n": "Int64"})
    labels = [
        label
        for label in (_TOP, _MIDDLE, _RANDOM, _RELEASED, _OPTIMAL)
        if label in set(data["matched"])
    ]
    details = tooltip(
        {"matched": "matched", "network": "network"},
        {
            "n": "N",
            "fid": "distance",
            "standard_deviation": "standard deviation of draws",
            "relative": "relative to random",
        },
        {"draws": "draws", "n_real": "real images", "n_generated": "generated images"},
    )
    shared: Spec = {
        "y": number("relative", "distance, relative to random", zero=False)
        | {"axis": {"format": "%"}},
        "color": colour("matched", "matched", labels),
        "tooltip": details,
    }
    across = number("n", "N: classes of each image that are matched", type="log", nice=False)
    dashes = dash("network", "distance in", list(dict.fromkeys(names.values())))
    spec = plot(
        [
            {
                "transform": only("kind", "curve"),
                "mark": {"type": "area"},
                "encoding": {
                    "x": across,
                    "y": shared["y"] | {"field": "low"},
                    "y2": {"field": "high"},
                    "detail": {"field": "network", "type": "nominal"},
                    "opacity": faded(0.2),
                },
            },
            {
                "transform": only("kind", "curve"),
                "params": [picked("matched"), ZOOM],
                "mark": {"type": "line", "point": {"size": 45}},
                "encoding": {"x": across, "strokeDash": dashes, "opacity": faded()},
            },
            {
                "transform": only("kind", "level"),
                "mark": {"type": "rule", "strokeWidth": 1.5},
                "encoding": {
                    "strokeDash": dashes,
                    "opacity": faded(),
                    "tooltip": [one for one in details if one["field"] != "n"],
                },
            },
        ],
        shared,
        height=440,
    )
    title = title_of(titles, dataset)
    return Curve(
        key=anchor("curve", "sweep", dataset),
        title=f"{title}: how many matched classes make FID fall",
        caption=(
            f"The generated images of {title} are drawn so that the N most probable ImageNet "
            "classes of each image are as frequent, and occur together as often, as in the real "
            "images. For comparison, N classes from the middle of the ranking are matched. "
            "Height: the distance relative to that of images drawn at random, in "
            f"{names[network]} (FID) and in {names[control]} (the control). If only FID falls, "
            "only the classes got closer to the real images, and the images are not better. Bands: "
            "one standard deviation of draws. Horizontal lines: all images at random, and all "
            f"features matched.{_simulated(titles, [dataset])}"
        ),
        spec=spec,
        csv=_csv(data),
        csv_name=f"sweep-{dataset}.csv",
        figure=printed.figure,
        links=tuple(printed.links),
    )


def _swept(
    kind: str, matched: str, n: int | None, network: str, cell: Cell, unit: float
) -> dict[str, Any]:
    spread = 0.0 if math.isnan(cell.std) else cell.std
    return {
        "kind": kind,
        "matched": matched,
        "n": n,
        "network": network,
        "fid": cell.mean,
        "standard_deviation": cell.std,
        "relative": cell.mean / unit,
        "low": (cell.mean - spread) / unit,
        "high": (cell.mean + spread) / unit,
        "draws": cell.repeats,
        "n_real": cell.n_real,
        "n_generated": cell.n_generated,
    }


def sizes_curve(
    scores: pd.DataFrame,
    *,
    network: str,
    titles: Titles,
    all_real: Mapping[str, int],
    printed: Printed,
) -> Curve:
    """Return the plot of FID against the number of images, with FID at infinitely many images.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows of the metrics fid and fid_infinity at several numbers of images.
    all_real : mapping
        The number of all real images, by data set.
    """
    mine = scores[(scores["network"] == network) & (scores["scheme"] == "random")]
    found: list[tuple[tuple[int, int, int], dict[str, Any]]] = []
    for dataset in datasets_of(mine):
        rows = mine[mine["dataset"] == dataset]
        rows = rows[rows["metric"].isin(("fid", "fid_infinity"))]
        for (metric, *_), part in rows.groupby(["metric", "n_real", "n_generated"], sort=True):
            infinite = metric == "fid_infinity"
            cell = cell_of(part.drop_duplicates(["repeat", "value"]))
            label = size_label(cell.n_real, cell.n_generated, all_real.get(dataset))
            if infinite:
                label = f"{label.partition(' + ')[0]} + ∞"
            about = {
                "dataset": title_of(titles, dataset, mark=True),
                "images": label,
                "kind": "extrapolated" if infinite else "measured",
                "fid": cell.mean,
                "standard_deviation": cell.std,
                "standard_error": cell.standard_error,
                **_interval(cell),
                "draws": cell.repeats,
                "n_real": cell.n_real,
                "n_generated": None if infinite else cell.n_generated,
            }
            found.append(((int(infinite), cell.n_generated, cell.n_real), about))
    if not found:
        raise FringeError(f"page: no FID of several sizes in {network}; evaluate `sizes`")
    found.sort(key=lambda item: item[0])
    data = pd.DataFrame([about for _, about in found]).astype({"n_generated": "Int64"})
    datasets = list(dict.fromkeys(data["dataset"]))
    order = list(dict.fromkeys(data["images"]))
    shared: Spec = {
        "x": {
            "field": "images",
            "type": "nominal",
            "title": "real + generated images",
            "sort": order,
            "axis": {"labelAngle": 0 if len(order) <= 6 else -40},
        },
        "xOffset": {"field": "dataset", "type": "nominal", "scale": {"domain": datasets}},
        "y": number("fid", f"FID ({title_of(titles, network)})", zero=True),
        "color": colour("dataset", "data set", datasets),
        "opacity": faded(),
        "tooltip": tooltip(
            {"dataset": "data set", "images": "images", "kind": "kind"},
            {
                "fid": "FID",
                "standard_deviation": "standard deviation of draws",
                "standard_error": "standard error",
                "low": "95 % interval from",
                "high": "to",
            },
            {"draws": "draws"},
        ),
    }
    shape = {
        "field": "kind",
        "type": "nominal",
        "title": "",
        "scale": {"domain": ["measured", "extrapolated"], "range": ["circle", "diamond"]},
        "legend": {"orient": "top"},
    }
    spec = plot(
        [
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {"y": shared["y"] | {"field": "low"}, "y2": {"field": "high"}},
            },
            {
                "params": [picked("dataset")],
                "mark": {"type": "point", "filled": True, "size": 90},
                "encoding": {"shape": shape},
            },
        ],
        shared,
    )
    return Curve(
        key=anchor("curve", "sizes"),
        title="FID against the number of images",
        caption=(
            "FID of the same generator and the same real images, measured with few and with many "
            "images. FID falls as the number rises, so only FIDs of equal numbers of images are "
            "comparable. The last point is extrapolated to infinitely many generated images. Bars: "
            "95 % intervals, from the standard error of one evaluation. A point without a known "
            "standard error has no bar."
            f"{_simulated(titles, datasets_of(mine), dagger=True)}"
        ),
        spec=spec,
        csv=_csv(data),
        csv_name="sizes.csv",
        figure=printed.figure,
        links=tuple(printed.links),
    )


def snapshots_curve(
    rows: pd.DataFrame,
    *,
    network: str,
    titles: Titles,
    printed: Printed,
    classifier: str = "",
) -> Curve:
    """Return the plot of FID in pre-logits against FID in logits, one point for each snapshot.

    Parameters
    ----------
    rows : DataFrame
        Tidy rows with the column "snapshot", of the spaces "features" and "logits".
    classifier : str
        The network of the logits, if it is not ``network``.
    """
    measured = rows["network"].isin([network, classifier or network])
    mine = rows[measured & (rows["metric"] == "fid")]
    found = []
    for (dataset, snapshot), part in mine.groupby(["dataset", "snapshot"], sort=False):
        cells = {str(space): cell_of(group) for space, group in part.groupby("space")}
        if set(cells) != {"features", "logits"}:
            raise FringeError(
                f"page: dataset {dataset!r}, snapshot {snapshot!r} has FIDs in "
                f"{', '.join(cells)}; evaluate every snapshot in features and in logits"
            )
        about: dict[str, Any] = {
            "dataset": title_of(titles, str(dataset), mark=True),
            "snapshot": snapshot,
        }
        for space, name in (("features", "prelogits"), ("logits", "logits")):
            about[name] = cells[space].mean
            about |= {f"{name}_{end}": value for end, value in _interval(cells[space]).items()}
        about |= {"n_real": cells["features"].n_real, "n_generated": cells["features"].n_generated}
        found.append(about)
    if not found:
        raise FringeError(f"page: no FID of a snapshot in {network}; evaluate the snapshots")
    data = pd.DataFrame(found)
    datasets = list(dict.fromkeys(data["dataset"]))
    name = title_of(titles, network)
    across = number("prelogits", f"FID in pre-logits ({name})", zero=False)
    by = title_of(titles, classifier or network)
    along = number("logits", f"FID in logits ({by})", zero=False)
    shared: Spec = {
        "color": colour("dataset", "data set", datasets),
        "opacity": faded(),
        "tooltip": tooltip(
            {"dataset": "data set", "snapshot": "snapshot"},
            {"prelogits": "FID in pre-logits", "logits": "FID in logits"},
            {"n_real": "real images", "n_generated": "generated images"},
        ),
    }
    spec = plot(
        [
            {
                "mark": {"type": "rule"},
                "encoding": {
                    "x": across,
                    "y": along | {"field": "logits_low"},
                    "y2": {"field": "logits_high"},
                },
            },
            {
                "mark": {"type": "rule"},
                "encoding": {
                    "y": along,
                    "x": across | {"field": "prelogits_low"},
                    "x2": {"field": "prelogits_high"},
                },
            },
            {
                "params": [picked("dataset"), ZOOM],
                "mark": {"type": "point", "filled": True, "size": 80},
                "encoding": {"x": across, "y": along},
            },
        ],
        shared,
    )
    return Curve(
        key=anchor("curve", "snapshots"),
        title="FID in pre-logits and in logits, over snapshots",
        caption=(
            "Each point is a snapshot of a generator in training. If the points are on a line, FID "
            "in the features before the classifier's last layer says the same as FID in the scores "
            "of its classes. Then a low FID means that the classes are close to those of the real "
            "images. Bars: 95 % intervals, if standard errors are known."
            f"{_simulated(titles, datasets_of(mine), dagger=True)}"
        ),
        spec=spec,
        csv=_csv(data),
        csv_name="snapshots.csv",
        figure=printed.figure,
        links=tuple(printed.links),
    )


def noise_curve(
    rows: pd.DataFrame, dataset: str, *, network: str, titles: Titles, printed: Printed
) -> Curve:
    """Return the plot of FID with noise inside and outside the half marked by sensitivity maps.

    Parameters
    ----------
    rows : DataFrame
        Rows with the columns `fringe.scores.region_noise.REGION_NOISE_COLUMNS`.
    """
    mine = rows[(rows["dataset"] == dataset) & (rows["network"] == network)]
    if mine.empty:
        raise FringeError(f"page: dataset {dataset!r} has no FID with noise; measure it")
    data = pd.DataFrame(
        {
            "region": mine["region"].map(REGION_TITLES),
            "noise": mine["scale"],
            "fid": mine["value"],
            "n_real": mine["n_real"],
            "n_generated": mine["n_generated"],
        }
    ).sort_values(["noise"], kind="stable")
    name, title = title_of(titles, network), title_of(titles, dataset)
    spec = plot(
        [
            {
                "params": [picked("region"), ZOOM],
                "mark": {"type": "line", "point": {"size": 60}},
            }
        ],
        {
            "x": number("noise", "noise: standard deviation, part of the range of grey levels"),
            "y": number("fid", f"FID ({name})", zero=False),
            "color": colour("region", "noise in the", list(REGION_TITLES.values())),
            "opacity": faded(),
            "tooltip": tooltip(
                {"region": "noise in the"},
                {"noise": "standard deviation", "fid": "FID"},
                {"n_generated": "images with noise"},
            ),
        },
    )
    count = int(mine["n_generated"].iloc[0])
    return Curve(
        key=anchor("curve", "noise", dataset),
        title=f"{title}: are the sensitivity maps right?",
        caption=(
            f"Gaussian noise is added to {count:,} generated images of {title}: to the half of "
            "each image's pixels that its sensitivity map marks as important, to the other half, "
            "or to all pixels. If the maps show where FID looks, noise in the important half "
            f"raises FID more.{_simulated(titles, [dataset])}"
        ),
        spec=spec,
        csv=_csv(data),
        csv_name=f"noise-{dataset}.csv",
        figure=printed.figure,
        links=tuple(printed.links),
    )


def convergence_curve(
    rows: pd.DataFrame, dataset: str, *, titles: Titles, printed: Printed
) -> Curve:
    """Return the plot of both optimizers' loss against time, with the proven lower bound.

    Parameters
    ----------
    rows : DataFrame
        Rows with the columns `fringe.scores.convergence.CONVERGENCE_COLUMNS`.
    """
    found = compare_convergence(rows, dataset)
    mine = rows[rows["dataset"] == dataset].sort_values(["solver", "evaluation"])
    ours = mine[mine["solver"] == OURS]
    released = mine[mine["solver"] != OURS]
    best, steps, bound = "ours, the lowest so far", "released steps", "proven lower bound"
    series = (
        (best, ours, ours["objective"].cummin()),
        (steps, released, released["objective"]),
        (bound, ours, ours["lower_bound"]),
    )
    data = pd.concat(
        [
            pd.DataFrame(
                {
                    "series": name,
                    "evaluation": part["evaluation"],
                    "seconds": part["seconds"],
                    "loss": values,
                }
            )
            for name, part, values in series
        ],
        ignore_index=True,
    )
    data = data[data["loss"].notna()]
    title = title_of(titles, dataset)
    spec = plot(
        [
            {
                "params": [picked("series"), ZOOM],
                "mark": {"type": "line", "point": {"size": 25}},
            }
        ],
        {
            "x": number("seconds", "seconds (logarithmic)", type="log"),
            "y": number("loss", "loss: FID of all candidates, weighted"),
            "color": colour("series", "", [best, steps, bound]),
            "opacity": faded(),
            "tooltip": tooltip(
                {"series": "series"},
                {"loss": "loss", "seconds": "seconds"},
                {"evaluation": "evaluation"},
            ),
        },
    )
    proven = (
        f"It is proven that no weights bring the loss below "
        f"{format_loss(found.lower_bound, down=True)}."
        if found.lower_bound > 0
        else "No lower bound above 0 was proven."
    )
    return Curve(
        key=anchor("curve", "convergence", dataset),
        title=f"{title}: how far FID falls, and what is proven",
        caption=(
            "Weights of the generated images are optimized so that FID falls; no image changes. "
            f"The loss falls from {format_loss(found.start)} at equal weights to "
            f"{format_loss(found.ours)}. The first {found.steps:,} steps of the released algorithm "
            f"reach {format_loss(found.reference)}. {proven} The times of the released steps are "
            "estimated: the time of one measured step, times the number of steps."
            f"{_simulated(titles, [dataset])}"
        ),
        spec=spec,
        csv=_csv(data),
        csv_name=f"convergence-{dataset}.csv",
        figure=printed.figure,
        links=tuple(printed.links),
    )


def _interval(cell: Cell) -> dict[str, float]:
    """Return the ends of the 95 % interval; both are NaN if the standard error is unknown."""
    width = INTERVAL * cell.standard_error
    return {"low": cell.mean - width, "high": cell.mean + width}


def _simulated(titles: Titles, datasets: Sequence[str], dagger: bool = False) -> str:
    if not any(is_simulated(titles, dataset) for dataset in datasets):
        return ""
    return f" †: {SIMULATED}." if dagger else f" The images come from a {SIMULATED}."


def _csv(data: pd.DataFrame) -> str:
    """Return data as CSV: numbers with all digits, an unknown number as an empty field."""
    return str(data.to_csv(index=False, float_format="%.17g", lineterminator="\n"))
