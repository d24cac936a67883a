"""A run on a real SLURM: the same bits as on one machine, and only what changed is submitted."""

from __future__ import annotations

import re
from typing import Any

import h5py
import numpy as np

Project = Any  # tests/cluster/conftest.py

SCORES = "scores/faces/random/tiny_network.classifier.csv"
FEATURES = "features/fake/tiny_network.classifier.h5"


def submitted(printed: str) -> int:
    """Return how many jobs SLURM was given."""
    return len(re.findall(r"has been submitted with SLURM jobid", printed))


def test_the_same_bits_as_on_one_machine(project: Project) -> None:
    printed = project.run(SCORES)
    on_cluster = (project.results / SCORES).read_bytes()
    with h5py.File(project.results / FEATURES) as file:
        features = file["features"][()]
    assert submitted(printed) > 5
    # Features ask for a GPU: SLURM gave one, and the log says what PyTorch made of it.
    (log, *_) = sorted(project.results.glob("logs/extract_features/fake/*/*.log"))
    assert "no GPU is available" in log.read_text()

    alone = project.local()
    alone.run(SCORES)
    assert (alone.results / SCORES).read_bytes() == on_cluster
    with h5py.File(alone.results / FEATURES) as file:
        assert np.array_equal(file["features"][()], features)

    assert "Nothing to be done" in project.run(SCORES)
    # One more network: its extraction and evaluation alone.
    other = SCORES.replace("classifier", "other")
    project.config["controls"].append("tiny_network:other")
    planned = project.planned(other)
    printed = project.run(other)
    assert not [path for path in planned if "tiny_network.classifier" in path]
    assert submitted(printed) <= len(planned)
