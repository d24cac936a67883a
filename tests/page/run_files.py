"""Planted files that the page of a run reads, without running a workflow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

import fringe
from fringe import tables
from fringe.plan import exhibit_params, inputs
from fringe.plan.exhibits import ASKED_TABLE, TABLES
from fringe.plan.run import Run
from fringe.scores.comparison import write_result
from fringe.scores.convergence import write_convergence
from fringe.scores.region_noise import write_region_noise, write_region_shares
from fringe.scores.rows import read_scores, write_scores
from fringe.sensitivity.noise import REGIONS
from fringe.texts import restored

from ..plan.runs import make_run

RANDOM = {"random": 10.0, "random-filled": 10.2, "matched": 9.0, "prelogits": 4.0}
OTHERS = {"prelogits-released": 6.0, "logits": 4.5, "top1": 8.0, "top20": 6.5, "middle2": 9.5}
N_REAL, N_GENERATED = 40, 60


def config(datasets: Mapping[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a configuration with data sets of the given titles, and all exhibits.

    The first data set is compared with another generator.
    """
    titles = datasets or {"faces": "Faces"}
    first = next(iter(titles))
    common = {"real": "real", "generated": "fake"}
    return {
        "run": "run",
        "results": "results",
        "network": "inception",
        "controls": ["untrained", "clip"],
        "sources": {
            "real": {"path": "real.zip", "count": 100},
            **{
                name: {"kind": "imitation", "count": 120, "resolution": 32, "seed": seed}
                for seed, name in enumerate(("fake", "early", "middle", "late"))
            },
            "rival": {"kind": "generator", "path": "rival.pkl", "count": 120},
        },
        "datasets": {
            **{
                name: {
                    **common,
                    "title": title,
                    "snapshots": ["early", "middle", "late"],
                    "region": [0.0, 0.0, 0.5, 0.5],
                    "alternatives": ["inception-torchvision"],
                }
                for name, title in titles.items()
            },
            "pair": {"real": "real", "generated": "rival", "resample": False},
        },
        "comparisons": {"two": {"title": "Two", "generators": {"One": first, "Rival": "pair"}}},
        "evaluation": {
            "n_real": N_REAL,
            "n_generated": N_GENERATED,
            "sizes": [[30, 30], [40, 60]],
            "precision_recall": {"network": "vgg16-nvidia"},
        },
        "schemes": {"top": [1, 20], "middle": [2]},
        "optimization": {"released": {"steps": 12, "learning_rate": 0.5}},
        "convergence": {"steps": 5},
        "extraction": {"batch_size": 20, "shard_size": 40},
        **changes,
    }


def write_run(folder: Path, asked: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Write all inputs of the page of a run; return its params, and the inputs by name."""
    run = make_run({**asked, "results": str(folder)})
    files = inputs.write_index(run)
    for path in (path for paths in files.values() for path in paths):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    seed = run.config.seed
    for path in dict.fromkeys([*files["scores"], *files["pairs"]]):
        dataset, scheme, kind = Path(path).parts[-3:]
        labels = {"dataset": dataset, "scheme": scheme}
        write_scores(path, _rows(run, dataset, scheme, Path(kind).stem), labels, seed)
    for path in files["floors"]:
        dataset, name = Path(path).parts[-2:]
        network = name.removeprefix("floor-").removesuffix(".csv")
        write_scores(path, _floors(), {"dataset": dataset, "network": network}, seed)
    for path in files["sizes"]:
        write_scores(path, _sizes(), {"dataset": Path(path).parts[-2], "scheme": "random"}, seed)
    for path in files["snapshots"]:
        dataset, name = Path(path).parts[-2:]
        space = name.removeprefix("snapshots-").removesuffix(".csv")
        labels = {"dataset": dataset, "network": "inception", "space": space}
        write_scores(path, _snapshots(space), labels, seed)
    for path in files["convergence"]:
        write_convergence(path, _losses(), {"dataset": Path(path).stem, "network": "inception"})
    for path in files["region_noise"]:
        scale = float(Path(path).stem.removeprefix("noise-"))
        write_region_noise(path, _noise(scale), Path(path).parts[-2])
    for path in files["region_shares"]:
        about = {"dataset": Path(path).parts[-2], "network": "inception", "area": 0.25, "n": 60}
        write_region_shares(path, [{**about, "share": 0.4, "low": 0.38, "high": 0.42}])
    for path in files["comparisons"]:
        write_result(path, _comparison())
    about = restored(exhibit_params.write_index(run))
    _write_tables(files, about)
    for place, path in enumerate(files["pictures"]):
        shade = np.full((30, 40, 3), place, np.uint8)
        Image.fromarray(shade).save(path)
    return about, files


def _rows(run: Run, dataset: str, scheme: str, kind: str) -> list[dict[str, Any]]:
    """Return three draws of a scheme in a network, or of precision and recall."""
    scale = {"inception": 1.0, "untrained": 0.4, "clip": 0.5}.get(kind, 2.0)
    scale *= 1 + list(run.datasets).index(dataset) / 10
    level = (RANDOM | OTHERS).get(scheme, 8.5)  # 8.5 for the other schemes of a sweep
    if kind in ("untrained", "clip"):  # controls fall by a tenth of FID's fall
        level = 10 + (level - 10) / 10
    metrics = ("fid",)
    if kind == "precision_recall":
        kind, metrics, level = "vgg16-nvidia", ("precision", "recall"), 0.05
    generated = N_GENERATED - 10 if scheme in ("matched", "random-filled") else N_GENERATED
    return [
        {
            "network": kind,
            "space": "features",
            "metric": metric,
            "repeat": repeat,
            "value": scale * (level + 0.1 * (repeat - 1)),
            "n_real": N_REAL,
            "n_generated": generated,
            "standard_error": 0.05 * scale if repeat == 0 and metric == "fid" else float("nan"),
            "real_error": 0.02 * scale if repeat == 0 and metric == "fid" else float("nan"),
        }
        for metric in metrics
        for repeat in range(3)
    ]


def _floors() -> list[dict[str, Any]]:
    common = {"space": "features", "repeat": 0, "n_real": 20, "n_generated": 20}
    return [
        {
            "scheme": scheme,
            **common,
            "metric": metric,
            "value": value,
            "standard_error": value / 10,
            "real_error": float("nan"),
        }
        for scheme, metric, value in (
            ("real", "fid", 0.5),
            ("random", "fdr", 20.0),
            ("matched", "fdr", 18.0),
            ("prelogits", "fdr", 8.0),
        )
    ]


def _sizes() -> list[dict[str, Any]]:
    return [
        {
            "network": "inception",
            "space": "features",
            "metric": metric,
            "repeat": repeat,
            "value": value + 0.1 * repeat,
            "n_real": n,
            "n_generated": generated,
            "standard_error": 0.3,
            "real_error": 0.1,
        }
        for metric, n, generated, value in (
            ("fid", 30, 30, 14.0),
            ("fid", 40, 60, 10.0),
            ("fid_infinity", 40, 60, 8.0),
        )
        for repeat in range(2)
    ]


def _snapshots(space: str) -> list[dict[str, Any]]:
    factor = 6.0 if space == "logits" else 1.0
    return [
        {
            "snapshot": name,
            "metric": "fid",
            "repeat": 0,
            "value": value * factor,
            "n_real": N_REAL,
            "n_generated": N_GENERATED,
            "standard_error": 0.1 * factor,
            "real_error": 0.05 * factor,
        }
        for name, value in (("early", 30.0), ("middle", 20.0), ("late", 12.0))
    ]


def _losses() -> list[dict[str, Any]]:
    nothing = float("nan")
    common = {"candidates": 120, "effective_sample_size": 100.0}
    released = {"learning_rate": 0.5, "timed_steps": 3, "device": "cpu", "threads": 1}
    theirs = [
        {"solver": "reference", "evaluation": n, "seconds": 1.0 * n, "objective": 10.5 - n}
        | {"lower_bound": nothing, "merge_error": 0.0, **common, **released}
        for n in range(1, 6)
    ]
    ours = [
        {"solver": "ours", "evaluation": n, "seconds": 0.5 * n, "objective": value}
        | {"lower_bound": bound, "merge_error": nothing, **common, **dict.fromkeys(released)}
        for n, value, bound in ((1, 9.5, 0.0), (2, 4.0, 2.0), (3, 3.9, 3.5))
    ]
    return theirs + ours


def _noise(scale: float) -> list[dict[str, Any]]:
    counts = {"n_real": N_REAL, "n_generated": 60, "seed": 0}
    return [
        {"network": "inception", "region": region, "scale": scale, **counts}
        | {"value": 10 + 50 * scale * factor}
        for region, factor in zip(REGIONS, (2, 1, 3), strict=True)
    ]


def _comparison() -> fringe.Comparison:
    rng = np.random.default_rng(3)

    def features(shift: float) -> dict[str, np.ndarray]:
        return {one: rng.normal(shift, 1, (60, 3)) for one in ("inception", "untrained", "clip")}

    models = {"One": features(1.0), "Rival": features(0.5)}
    return fringe.compare_features(features(0), models, prices=False)


def _write_tables(files: Mapping[str, list[str]], about: Mapping[str, Any]) -> None:
    asked = about["verdict"]
    names = (asked["titles"], asked["network"], asked["controls"])
    if not files["tables"]:
        return
    scores = read_scores(files["scores"])
    logits = scores[scores["scheme"] == "prelogits"].assign(scheme="logits")
    kernels = pd.concat(
        [
            scores[scores["network"] == "inception"].assign(metric=metric)
            for metric in TABLES["3"].metrics[1:]
        ]
    )
    every = pd.concat([scores, logits, kernels], ignore_index=True)
    for path in files["tables"]:
        number = Path(path).stem.removeprefix("table")
        if number == ASKED_TABLE:
            networks = {network: ["fid"] for network in ("inception", "clip")}
            made = tables.asked_table(scores, asked["titles"], networks, 1)
            others = [Path(path).with_suffix(suffix) for suffix in (".md", ".tex", ".html")]
            tables.write_asked_table(made, path, *others)
            continue
        made = {
            "1": lambda: tables.table1(every, *names),
            "2": lambda: tables.table2(every, *names, released=True),
            "3": lambda: tables.table3(every, *names, released=True, metrics=TABLES["3"].metrics),
        }[number]()
        tables.write_table(made, csv=path)
