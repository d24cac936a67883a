"""Requested metrics in a real run, from features of another tool, with `fringe score`."""

from __future__ import annotations

import numpy as np
import pytest
from tests.dag.conftest import Project
from tests.dag.tiny_network import DIM

from fringe import metrics
from fringe.metrics import Gaussian, frechet_distance

N = 200
NETWORKS = {"features": "tiny_network.classifier", "tiny_network.control": "tiny_network.control"}
ASKED = ["fid", "kid", "coverage", "recall", "vendi", "memorization"]


@pytest.fixture
def arrays(fresh: Project) -> dict[str, dict[str, np.ndarray]]:
    """Features of 400 real and 200 generated images, which are compared in a run."""
    found = {}
    for seed, (name, count) in enumerate({"real": 2 * N, "made": N}.items()):
        stream = np.random.default_rng(seed)
        found[name] = {
            key: (seed / 2 + stream.normal(size=(count, DIM))).astype(np.float32)
            for key in NETWORKS
        }
        np.savez(fresh.folder / f"{name}.npz", **found[name])
    fresh.config |= {
        "sources": {
            name: {"kind": "features", "path": f"{name}.npz", "order": "file"} for name in found
        },
        "datasets": {"pair": {"real": "real", "generated": "made", "resample": False}},
        "comparisons": {},
        "evaluation": {
            "n_real": N,
            "n_generated": N,
            "metrics": ASKED,
            "repeats": {"metrics": 1},
        },
        "sensitivity": {"datasets": []},
    }
    return found


def test_metrics_are_measured_in_every_network(
    fresh: Project, arrays: dict[str, dict[str, np.ndarray]]
) -> None:
    table = "tables/tableS2.csv"
    made = fresh.executed(table)
    files = {f"scores/pair/random/metrics-{network}.csv" for network in NETWORKS.values()}
    assert files < made
    from fringe.tables import read_asked_table

    rows = read_asked_table(fresh.results / table)
    values = {(row["metric"], row["network"]): row["mean"] for _, row in rows.iterrows()}
    assert len(values) == len(ASKED) * len(NETWORKS)
    for key, network in NETWORKS.items():
        real, others = arrays["real"][key][:N], arrays["real"][key][N:]
        drawn = arrays["made"][key]
        gaussians = (Gaussian.from_features(one) for one in (real, drawn))
        expected = {
            "fid": frechet_distance(*gaussians),
            "coverage": metrics.density_coverage(real, drawn).coverage.value,
            "recall": metrics.precision_recall(real, drawn).recall,
            "vendi": metrics.vendi_score(drawn).value,
            "memorization": metrics.memorization(real, others, drawn).value,
        }
        for metric, value in expected.items():
            found = values[metric, network.replace(".", ":")]
            assert found == pytest.approx(value, rel=1e-9), (metric, network)
    assert "Table S2" in (fresh.results / "tables/tableS2.md").read_text()

    # One more metric reruns the metrics, and nothing else.
    assert fresh.planned(table) == set()
    fresh.config["evaluation"]["metrics"] = [*ASKED, "density"]
    formats = {f"tables/tableS2.{suffix}" for suffix in ("csv", "md", "tex", "html")}
    assert fresh.planned(table) == files | formats


def test_a_metric_without_its_inputs_ends_before_any_job(
    fresh: Project, arrays: dict[str, dict[str, np.ndarray]]
) -> None:
    fresh.config["evaluation"] |= {"n_real": 2 * N, "metrics": ["memorization"]}
    printed = fresh.run("tables/tableS2.csv", fails=True)
    assert "memorization needs real images in addition to the 400 compared images" in printed
    assert not list(fresh.results.rglob("*.csv"))
