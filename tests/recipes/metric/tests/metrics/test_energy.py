"""The energy distance, from features in files to a column of Table 3."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fringe.evaluation import save_draws
from fringe.files.hdf5 import create_h5
from fringe.metrics.energy import energy_distance
from fringe.scores.rows import SCORE_COLUMNS, read_scores

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow/scripts"


def features(seed: int, count: int, shift: float = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (count, 3)).astype("f4")


def write_features(path: Path, rows: np.ndarray) -> Path:
    with create_h5(path, {"first": 0, "last": len(rows), "network": "net"}) as file:
        file.create_dataset("features", data=rows, fletcher32=True)
    return path


def run_script(name: str, **job: Any) -> None:
    runpy.run_path(str(SCRIPTS / f"{name}.py"))["main"](SimpleNamespace(**job))


class Files(SimpleNamespace):
    def get(self, name: str) -> str | None:
        return getattr(self, name, None)


def test_the_energy_distance() -> None:
    x, y = features(0, 30), features(1, 20, shift=1)

    def mean_distance(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.mean([np.linalg.norm(one - other) for one in a for other in b]))

    expected = 2 * mean_distance(x, y) - mean_distance(x, x) - mean_distance(y, y)
    assert energy_distance(x, y) == pytest.approx(expected, rel=1e-6)
    assert energy_distance(x, x) == pytest.approx(0, abs=1e-9)


def test_it_is_in_the_scores_and_in_table_3(tmp_path: Path) -> None:
    real = features(2, 50)
    candidates = features(3, 60, shift=0.5)
    rng = np.random.default_rng(4)
    paths = []
    for scheme in ("random", "prelogits"):
        draws = [rng.choice(60, 20) for _ in range(3)]
        save_draws(tmp_path / f"{scheme}.h5", draws, {})
        paths.append(tmp_path / f"energy-{scheme}.csv")
        run_script(
            "score_energy",
            input=Files(
                draws=tmp_path / f"{scheme}.h5",
                candidates=write_features(tmp_path / f"candidates-{scheme}.h5", candidates),
                real=write_features(tmp_path / f"real-{scheme}.h5", real),
            ),
            output=[paths[-1]],
            wildcards=SimpleNamespace(dataset="faces", scheme=scheme),
            params=SimpleNamespace(scoring={"n_real": 40, "repeats": 2, "seed": 7}),
        )
        found = read_scores(paths[-1:])
        assert list(found["value"]) == [
            energy_distance(real[:40], candidates[rows]) for rows in draws[:2]
        ]
        assert set(found["metric"]) == {"energy"}
        others = [
            ("faces", scheme, "net", "features", metric, repeat, 5.0 + repeat, 40, 20, 7)
            for metric in ("fid", "kid", "rbf_kid@1")
            for repeat in (0, 1)
        ]
        paths.append(tmp_path / f"others-{scheme}.csv")
        pd.DataFrame(others, columns=list(SCORE_COLUMNS)).to_csv(paths[-1], index=False)
    about: dict[str, Any] = {"titles": {"faces": "Faces"}, "network": "net", "controls": []}
    about |= {"repeats": 2, "released": {}, "choices": "", "protocols": {}}
    kinds = ("csv", "markdown", "latex", "html")
    run_script(
        "make_table",
        input=paths,
        output=SimpleNamespace(**{kind: tmp_path / f"table.{kind}" for kind in kinds}),
        wildcards=SimpleNamespace(table="3"),
        params=SimpleNamespace(table=about),
    )
    assert "| energy distance" in (tmp_path / "table.markdown").read_text()
    table = pd.read_csv(tmp_path / "table.csv")
    assert list(table[table["metric"] == "energy"]["scheme"]) == ["random", "prelogits"]
