"""A run as returned by `fringe.running.opening.open_run`, without opening sources."""

from __future__ import annotations

import copy
import json
from typing import Any

from fringe.config import choices
from fringe.config.completion import complete
from fringe.networks import network_weight_files
from fringe.plan import deviations, layout
from fringe.plan.run import Run

CONFIG: dict[str, Any] = {
    "run": "run",
    "results": "results",
    "network": "inception",
    "controls": ["untrained", "clip"],
    "sources": {
        "real": {"path": "real.zip", "count": 100},
        "fake": {"kind": "imitation", "count": 120, "resolution": 32},
        "early": {"kind": "imitation", "count": 40, "resolution": 32},
        "late": {"kind": "imitation", "count": 80, "resolution": 32},
        "rival": {"kind": "generator", "path": "rival.pkl", "count": 120},
    },
    "datasets": {
        "faces": {
            "real": "real",
            "generated": "fake",
            "snapshots": ["early", "late"],
            "region": [0.0, 0.0, 0.5, 0.5],
            "alternatives": ["dinov2-b"],
            "checks": {"loss": 1.5, "distances": {"untrained": 3.0}},
        },
        "cats": {"real": "real", "generated": "rival"},
        "pair": {"real": "real", "generated": "rival", "resample": False},
    },
    "comparisons": {"two": {"generators": {"One": "faces", "Two": "pair"}}},
    "evaluation": {"n_real": 40, "n_generated": 60, "sizes": [[30, 30]]},
    "schemes": {"top": [1], "middle": [2]},
    "optimization": {"released": {"steps": 12, "learning_rate": 0.5}},
    "convergence": {"steps": 5},
    "extraction": {"batch_size": 20, "shard_size": 40},
    "sensitivity": {"networks": ["clip"], "datasets": ["faces"]},
}


def make_run(config: dict[str, Any] | None = None, *, in_job: bool = False) -> Run:
    """Return the run of a configuration. Fingerprints are texts that name their dependencies."""
    completed, faults, _ = complete(copy.deepcopy(config or CONFIG))
    assert faults == []
    sources = {}
    for name in choices.used_sources(completed):
        about = completed.sources[name].plain()
        count = about.get("count", 100)
        outside = ("count", "path", "statistics")
        identity = {key: value for key, value in about.items() if key not in outside}
        content = json.dumps([name, identity], sort_keys=True)
        size = completed.extraction.shard_size
        sources[name] = {
            "count": count,
            "fingerprint": f"{content} {count}",
            "shards": {
                layout.shard_name(*bounds): f"{content} {bounds}"
                for bounds in layout.shard_bounds(count, size)
            },
            "shard_size": size,
            "device": "cpu",
            "resolution": (32, 32),
            "simulated": about["kind"] == "imitation",
            "drawn_from": 100 if about.get("order") == "random" else None,
            "left_out": "",
            "packed": None,
        }
    weights = {}
    for network in choices.networks_of_run(completed):
        if given := completed.weights.get(network):
            path, identity = choices.given_weight_file(given)
            weights[network] = {"path": str(path), "identity": identity}
        elif files := network_weight_files(network):
            path = f"{completed.weights_dir}/{files[0].name}"
            weights[network] = {"path": path, "identity": files[0].sha256}
    added = {"choices": deviations.choices(completed)}
    return Run(completed.model_copy(update=added), sources, weights, in_job)


def changed(*keys: str | int, to: Any) -> dict[str, Any]:
    """Return the configuration with another value at a key."""
    config = copy.deepcopy(CONFIG)
    place: Any = config
    for key in keys[:-1]:
        place = place.setdefault(key, {})
    place[keys[-1]] = to
    return config
