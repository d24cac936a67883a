"""The study of config/cifar10.yaml on artificial files of the same formats, with few images."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from fringe.features import open_features
from fringe.texts import unmarked

from ..generators.checkpoints import write_stylegan2_pickle
from ..sources.cifar_archives import write_cifar10

REPOSITORY = Path(__file__).resolve().parents[2]
CLASSIFIER, CONTROL = "tiny_network:classifier", "tiny_network:control"
Project = Any  # tests/dag/conftest.py


@pytest.fixture
def cifar10(fresh: Project) -> Project:
    """The shipped configuration with two small networks, and the files that it names."""
    config = yaml.safe_load((REPOSITORY / "config" / "cifar10.yaml").read_text())
    rng = np.random.default_rng(0)
    batches = {
        name: (rng.integers(0, 256, (n, 32, 32, 3), np.uint8), rng.integers(0, 10, n))
        for name, n in (("data_batch_1", 30), ("data_batch_2", 30), ("test_batch", 20))
    }
    folder = fresh.folder / "data" / "published"
    for name in ("cifar", "stylegan2-ada"):
        (folder / name).mkdir(parents=True)
    archive = write_cifar10(folder / "cifar" / "cifar10.tar.gz", batches)
    write_stylegan2_pickle(folder / "stylegan2-ada" / "cifar10.pkl", resolution=32)
    config["sources"]["cifar10"]["sha256"] = hashlib.sha256(archive.read_bytes()).hexdigest()
    config["sources"]["stylegan2-ada"]["count"] = 90
    config["datasets"]["cifar10"]["published"] = {
        CLASSIFIER: config["datasets"]["cifar10"]["published"]["inception"],
        CONTROL: {"value": 1, "source": "Nobody, Table 0"},
    }
    # The part of the other tests' configuration that makes the run small.
    small = {key: fresh.config[key] for key in ("optimization", "convergence", "figures")}
    small["evaluation"] = fresh.config["evaluation"] | {"kid_exact": False}
    small["extraction"] = {"batch_size": 20}
    fresh.config = (
        config
        | small
        | {
            "network": CLASSIFIER,
            "controls": [CONTROL],
            "allow_code": True,
            "schemes": {"top": [1], "middle": [2]},
        }
    )
    return fresh


def test_the_whole_study(cifar10: Project) -> None:
    cifar10.run(cores=2)
    results = cifar10.results
    assert results.name == "cifar10"
    # Only the training images, unpacked once.
    assert len(open_features(results / "features/cifar10/tiny_network.classifier.h5")) == 60
    assert (results / "images/cifar10/unpacked.h5").is_file()
    assert (results / "index.html").is_file()
    scores = pd.read_csv(results / "scores/cifar10/random/tiny_network.classifier.csv")
    ours = scores[scores["metric"] == "fid"]["value"].mean()
    # The published number next to the run's number: here counts and networks differ.
    verdict = unmarked((results / "verdict.md").read_text())
    published = re.search(r"Published distance in \S+ 2\.92 \((.*?)\)\. Ours is (\S+)", verdict)
    assert published is not None, verdict
    assert published[1].startswith("Karras et al.")
    assert published[1].endswith("2020, Figure 11b")
    assert float(published[2]) == pytest.approx(ours, abs=0.006)
    assert "not directly comparable: 50,000 real images there and 40 here; 50,000" in verdict
    assert "1.00 (Nobody, Table 0). Ours is" in verdict
    page = (results / "index.html").read_text()
    assert "2.92 (Karras et al." in page
    # Another published number writes the verdict again, and measures nothing.
    cifar10.config["datasets"]["cifar10"]["published"][CONTROL]["value"] = 2
    planned = cifar10.planned()
    assert "verdict.md" in planned
    assert not any(path.startswith(("scores/", "features/", "weights/")) for path in planned)
