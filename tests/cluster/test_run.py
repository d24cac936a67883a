"""A run on a real SLURM: the same bits as on one machine, and only changed jobs are submitted."""

from __future__ import annotations

import re
from typing import Any

import h5py
import numpy as np

Project = Any  # tests/cluster/conftest.py

SCORES = [f"scores/{dataset}/random/tiny_network.classifier.csv" for dataset in ("faces", "masks")]
WEIGHTED = "scores/faces/prelogits/tiny_network.classifier.csv"
PAGE = "deviations.md"
TARGETS = (*SCORES, WEIGHTED, PAGE)
FEATURES = "features/fake/tiny_network.classifier.h5"


def test_a_cluster_gives_the_same_bits_and_runs_only_changed_jobs(project: Project) -> None:
    other = {"kind": "imitation", "count": 60, "resolution": 32, "seed": 2}
    project.config["sources"] |= {"fake": other | {"count": 80, "seed": 1}, "other": other}
    project.config["extraction"]["shard_size"] = 60
    project.config["datasets"] = {
        "faces": {"real": "real", "generated": "fake"},
        "masks": {"real": "real", "generated": "other", "resample": False},
    }
    project.run(*TARGETS)
    on_cluster = [(project.results / file).read_bytes() for file in TARGETS]
    with h5py.File(project.results / FEATURES) as file:
        features = file["features"][()]
    # Jobs of features request a GPU: SLURM gave one, and the log shows what PyTorch did with it.
    (log, *_) = sorted(project.results.glob("logs/extract_features/fake/*/*.log"))
    assert "no GPU is available" in log.read_text()
    # Four shards, three of them rendered; links of each source, and statistics of the real images;
    # weights of one data set; random draws and scores of both, and draws with weights of one.
    first = project.sbatch_calls()
    assert kinds(first) == {
        **{"render_images": 3, "extract_features": 4, "features": 3},
        **{"optimize_weights": 1, "scores": 3, "pages": 1},
    }

    local = project.local()
    local.run(*TARGETS)
    assert [(local.results / file).read_bytes() for file in TARGETS] == on_cluster
    with h5py.File(local.results / FEATURES) as file:
        assert np.array_equal(file["features"][()], features)
    assert "Nothing to be done" in project.run(*TARGETS)
    assert len(project.sbatch_calls()) == len(first)

    # Other images of one data set: only the jobs of this data set.
    other["seed"] = 3
    project.run(*SCORES)
    changed = project.sbatch_calls()[len(first) :]
    assert kinds(changed) == {"render_images": 1, "extract_features": 1, "features": 1, "scores": 1}
    assert not [call for call in changed if "fake" in call or "faces" in call]
    assert (project.results / SCORES[0]).read_bytes() == on_cluster[0]
    assert (project.results / SCORES[1]).read_bytes() != on_cluster[1]


def kinds(calls: list[str]) -> dict[str, int]:
    """Return the number of calls of sbatch for each rule or group."""
    counts: dict[str, int] = {}
    for call in calls:
        found = re.search(r"slurm_logs/(?:rule|group)_(\w+)/", call)
        assert found, call
        name = re.sub(r"^(features|scores|pages)_.*", r"\1", found[1])
        counts[name] = counts.get(name, 0) + 1
    return counts
