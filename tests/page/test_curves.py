"""Tests of the interactive plots: their data, and the safety of their specifications."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fringe.errors import FringeError
from fringe.page.content import Curve
from fringe.page.curves import (
    Printed,
    convergence_curve,
    noise_curve,
    sizes_curve,
    snapshots_curve,
    sweep_curve,
)
from fringe.scores.cells import score_cell
from fringe.scores.convergence import CONVERGENCE_COLUMNS
from fringe.scores.region_noise import REGION_NOISE_COLUMNS, REGION_TITLES

from .rows import planted

HOSTILE = "<script>alert('1')</script> \"datum['x']\" ${y} " + "long " * 60
TITLES = {"d": HOSTILE, "net": "Net", "clip": "Clip"}

SWEPT = {
    (scheme, network): values
    for network, scale in (("net", 1.0), ("clip", 3.0))
    for scheme, values in {
        "random": [9.9 * scale, 10.1 * scale],
        "top5": [7.9 * scale, 8.1 * scale],
        "top20": [5.9 * scale, 6.1 * scale],
        "middle20": [8.9 * scale, 9.1 * scale],
        "prelogits": [3.9 * scale, 4.1 * scale],
    }.items()
}


def sweep() -> Curve:
    return sweep_curve(
        planted(SWEPT),
        "d",
        network="net",
        control="clip",
        titles=TITLES,
        released=False,
        printed=Printed(),
    )


def size_rows() -> pd.DataFrame:
    few = planted({("random", "net"): [12.0, 13.0]}, n=(500, 500))
    every = planted({("random", "net"): [10.0, 10.5]}, n=(2400, 2000))
    infinite = planted({("random", "net"): [9.0, 9.25]}, n=(2400, 2000))
    return pd.concat([every, infinite.assign(metric="fid_infinity"), few], ignore_index=True)


def sizes() -> Curve:
    return sizes_curve(
        size_rows(), network="net", titles=TITLES, all_real={"d": 2400}, printed=Printed()
    )


def snapshot_rows() -> pd.DataFrame:
    found = []
    for place, name in enumerate(("early", "middle", "late")):
        for space, factor in (("features", 1.0), ("logits", 6.0)):
            one = planted({("random", "net"): [(30.0 - 9 * place) * factor]})
            found.append(one.assign(snapshot=name, space=space))
    return pd.concat(found, ignore_index=True)


def snapshots() -> Curve:
    return snapshots_curve(snapshot_rows(), network="net", titles=TITLES, printed=Printed())


def noise_rows() -> pd.DataFrame:
    rows = [
        ("d", "net", region, scale, 10 + 100 * scale * factor, 50, 30, 1)
        for scale in (0.1, 0.0)
        for region, factor in zip(REGION_TITLES, (2, 1, 3), strict=True)
    ]
    return pd.DataFrame(rows, columns=list(REGION_NOISE_COLUMNS))


def noise() -> Curve:
    return noise_curve(noise_rows(), "d", network="net", titles=TITLES, printed=Printed())


def convergence_rows() -> pd.DataFrame:
    nothing = float("nan")
    ours = [
        (
            "d",
            "net",
            "ours",
            n,
            0.5 * n,
            value,
            bound,
            90.0,
            100,
            *(nothing,) * 2,
            "cpu",
            *(nothing,) * 2,
        )
        for n, value, bound in ((1, 10.0, 0.0), (2, 4.0, 1.0), (3, 5.0, 3.0))
    ]
    theirs = [
        ("d", "net", "reference", n, 2.0 * n, 10.5 - n, nothing, 99.0, 100, 1.0, 3, "cpu", 1, 0.0)
        for n in (1, 2)
    ]
    return pd.DataFrame(theirs + ours, columns=list(CONVERGENCE_COLUMNS))


def convergence() -> Curve:
    return convergence_curve(convergence_rows(), "d", titles=TITLES, printed=Printed())


CURVES = [sweep, sizes, snapshots, noise, convergence]


def data_of(curve: Curve) -> pd.DataFrame:
    return pd.read_csv(StringIO(curve.csv))


def test_a_sweep_has_the_means_of_the_draws_relative_to_random() -> None:
    rows, data = planted(SWEPT), data_of(sweep())
    assert len(data) == len(SWEPT)
    labels = {"top": "N most probable classes", "middle": "N middle classes"}
    for network, title in (("net", "Net"), ("clip", "Clip")):
        random = score_cell(rows, dataset="d", scheme="random", network=network)
        for mode, n in (("top", 5), ("top", 20), ("middle", 20)):
            cell = score_cell(rows, dataset="d", scheme=f"{mode}{n}", network=network)
            (found,) = data[
                (data["matched"] == labels[mode]) & (data["n"] == n) & (data["network"] == title)
            ].itertuples()
            assert (found.fid, found.standard_deviation) == (cell.mean, cell.std)
            assert found.relative == pytest.approx(cell.mean / random.mean, rel=1e-15)
            assert found.high - found.low == pytest.approx(2 * cell.std / random.mean, rel=1e-12)
    levels = data[data["kind"] == "level"]
    assert set(levels["matched"]) == {"drawn at random", "optimized weights, all features"}
    assert levels["n"].isna().all()


def test_sizes_are_in_order_and_the_extrapolation_is_last() -> None:
    data = data_of(sizes())
    assert list(data["images"]) == ["500 + 500", "All + 2k", "All + ∞"]
    assert list(data["fid"]) == [12.5, 10.25, 9.125]
    width = 1.96 * 0.02 * np.array([12.0, 10.0, 9.0])  # errors are of the first draw
    assert list(data["high"] - data["fid"]) == pytest.approx(width, rel=1e-12)
    assert sizes().spec["encoding"]["x"]["sort"] == list(data["images"])


def test_snapshots_have_both_spaces() -> None:
    data = data_of(snapshots())
    assert list(data["snapshot"]) == ["early", "middle", "late"]
    assert list(data["prelogits"]) == [30.0, 21.0, 12.0]
    assert list(data["logits"]) == [180.0, 126.0, 72.0]
    lacking = snapshot_rows()
    lacking = lacking[(lacking["space"] == "features") | (lacking["snapshot"] != "late")]
    with pytest.raises(FringeError, match="'late' has FIDs in features; evaluate every snapshot"):
        snapshots_curve(lacking, network="net", titles=TITLES, printed=Printed())


def test_noise_has_the_values_of_each_region() -> None:
    data, rows = data_of(noise()), noise_rows()
    for row in rows.itertuples():
        (found,) = data[
            (data["region"] == REGION_TITLES[str(row.region)]) & (data["noise"] == row.scale)
        ].itertuples()
        assert found.fid == row.value
    assert len(data) == len(rows)


def test_convergence_has_the_lowest_loss_so_far_and_the_bound() -> None:
    data = data_of(convergence())
    series = {name: list(part["loss"]) for name, part in data.groupby("series")}
    assert series == {
        "ours, the lowest so far": [10.0, 4.0, 4.0],
        "released steps": [9.5, 8.5],
        "proven lower bound": [0.0, 1.0, 3.0],
    }
    assert "no weights bring the loss below 3.00" in convergence().caption


def _texts(spec: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(spec, dict):
        for key, value in spec.items():
            yield from _texts(value, (*path, key))
    elif isinstance(spec, list | tuple):
        for value in spec:
            yield from _texts(value, path)
    elif isinstance(spec, str):
        yield path, spec


@pytest.mark.parametrize("make", CURVES)
def test_a_users_title_is_never_a_part_of_an_expression(make: Any) -> None:
    curve = make()
    for path, text in _texts(curve.spec):
        if "script" in text:
            assert path[-2:] == ("scale", "domain"), path
    expressions = ("expr", "calculate", "test", "signal")
    assert not any(set(path) & set(expressions) for path, _ in _texts(curve.spec))
    for path, text in _texts(curve.spec):
        if "filter" in path:
            assert path[-1] in ("field", "equal"), (path, text)


@pytest.mark.parametrize("make", CURVES)
def test_specifications_lack_data_and_colours_and_all_fields_are_columns(make: Any) -> None:
    curve = make()
    assert not {"data", "config"} & set(curve.spec)
    columns = set(data_of(curve).columns)
    assert {text for path, text in _texts(curve.spec) if path[-1] == "field"} <= columns
    for path, _ in _texts(curve.spec):
        assert not (path[-1] == "range" and "color" in path)
    names = [text for path, text in _texts(curve.spec) if path[-1] == "name"]
    assert len(names) == len(set(names))
