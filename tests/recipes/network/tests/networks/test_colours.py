"""The network of mean colours, from its weights to the estimate of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from fringe.costs.jobs import Job
from fringe.costs.registry import work
from fringe.errors import FringeError
from fringe.networks import fetch_weight_file, load_network, network_info, network_titles
from fringe.plan.weight_files import locate_weight_files
from fringe.running import opening


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FRINGE_WEIGHTS", str(tmp_path))
    path = tmp_path / "colours.json"
    path.write_text("[0.5, 1.0, 2.0]\n")
    return path


def test_features_are_mean_colours(weights: Path) -> None:
    network = load_network("colours")
    images = torch.full((2, 3, 32, 32), 51, dtype=torch.uint8)
    images[:, :, :8] = 255
    features = network(images).features
    assert features.shape == (2, network_info("colours").feature_dim) == (2, 48)
    expected = [gain * value for gain in (0.5, 1, 2) for value in [1] * 4 + [0.2] * 12]
    assert features[1].tolist() == pytest.approx(expected, abs=1e-6)
    assert fetch_weight_file("colours") == weights
    weights.write_text("[1.0, 1.0, 1.0]\n")
    with pytest.raises(FringeError, match=r"colours\.json"):
        fetch_weight_file("colours")


def test_a_run_can_name_it(tmp_path: Path, weights: Path) -> None:
    assert network_titles(["colours"]) == {"colours": "mean colours"}
    crops = {"kind": "photos", "count": 60, "resolution": 32}
    written: dict[str, Any] = {
        "run": "mine",
        "results": str(tmp_path / "results"),
        "weights_dir": str(tmp_path),
        "network": "efficientnet-lite0",
        "controls": ["colours"],
        "sources": {"real": crops, "fake": {**crops, "seed": 1}},
        "datasets": {"faces": {"real": "real", "generated": "fake"}},
        "evaluation": {"n_real": 40, "n_generated": 60},
    }
    config, sources = opening.check(written)
    assert locate_weight_files(config, tmp_path / "hashes")["colours"]["path"] == str(weights)
    wildcards = {"source": "fake", "network": "colours", "shard": "0000000-0000060"}
    extracting = work(Job("extract_features", (), ("",), wildcards), config, sources, "cpu")
    assert extracting.assumed == "", "how long it takes is known"
    assert extracting.default == pytest.approx(60 * 1e6 / 1.4e10)
