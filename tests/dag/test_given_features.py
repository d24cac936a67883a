"""Features of another tool in a real run: models are compared without images."""

from __future__ import annotations

import json

import numpy as np
from tests.dag.conftest import Project
from tests.dag.tiny_network import CLASSES, DIM

from fringe.features import open_features

N = 200
NETWORKS = {"features": "tiny_network.classifier", "tiny_network.control": "tiny_network.control"}


def write(project: Project, name: str, far: float, seed: int) -> dict[str, np.ndarray]:
    """Write features as another tool does; ``far`` is their distance from real features."""
    stream = np.random.default_rng(seed)
    arrays = {key: (far + stream.normal(size=(N, DIM))).astype(np.float32) for key in NETWORKS}
    arrays["labels"] = stream.integers(0, CLASSES, N)
    np.savez(project.folder / f"{name}.npz", **arrays)
    return arrays


def test_models_are_compared_by_features_of_another_tool(fresh: Project) -> None:
    models = {"real": 0.0, "far": 1.0, "near": 0.3}
    arrays = {
        name: write(fresh, name, far, seed) for seed, (name, far) in enumerate(models.items())
    }
    fresh.config |= {
        "sources": {name: {"kind": "features", "path": f"{name}.npz"} for name in models},
        "datasets": {
            name: {"real": "real", "generated": name, "resample": False} for name in ("far", "near")
        },
        "comparisons": {"both": {"generators": {"Far": "far", "Near": "near"}}},
        "evaluation": {"n_real": N, "n_generated": N},
        "sensitivity": {"datasets": []},
    }
    verdict = "comparisons/both/verdict.json"
    made = fresh.executed(verdict)
    files = {f"features/{name}/{network}.h5" for name in models for network in NETWORKS.values()}
    assert files < made
    assert {path.partition("/")[0] for path in made} == {"features", "comparisons"}
    for name, held in arrays.items():
        for key, network in NETWORKS.items():
            file = open_features(fresh.results / f"features/{name}/{network}.h5")
            assert np.array_equal(file.read(), held[key])
            assert np.array_equal(np.asarray(file.labels()), held["labels"])
    found = json.loads((fresh.results / verdict).read_text())
    assert [one["network"] for one in found["networks"]] == [
        "tiny_network:classifier",
        "tiny_network:control",
    ]
    assert fresh.planned(verdict) == set()

    # Changed features in one network rerun only the results of this network.
    other = arrays["near"] | {"tiny_network.control": arrays["far"]["tiny_network.control"]}
    np.savez(fresh.folder / "near.npz", **other)
    planned = {path for path in fresh.planned(verdict) if path.startswith("features")}
    assert planned == {"features/near/tiny_network.control.h5"}
