"""A compressed NPZ in the workflow is unpacked once, and only if images must be read."""

from __future__ import annotations

from typing import Any

import numpy as np

from fringe.features import open_features
from fringe.sources import PhotoSource

Project = Any  # tests/dag/conftest.py

UNPACKED = "images/real/unpacked.h5"
NETWORKS = ("tiny_network.classifier", "tiny_network.control")
FEATURES = [f"features/real/{network}.h5" for network in NETWORKS]
SHARDS = [
    [f"features/real/{network}/{shard}.h5" for shard in ("0000000-0000040", "0000040-0000060")]
    for network in NETWORKS
]


def test_a_compressed_npz_is_unpacked_once(fresh: Project) -> None:
    images = PhotoSource(60, 32, 0).read(range(60))
    np.savez_compressed(fresh.folder / "real.npz", images)
    np.savez(fresh.folder / "stored.npz", images)
    real = fresh.config["sources"]["real"] = {"path": "real.npz", "resolution": 24}
    for source in ("fake", "early", "middle", "late"):
        fresh.config["sources"][source]["resolution"] = 24

    # Without files of images, each job decompresses the array.
    fresh.config["extraction"]["keep_images"] = False
    one = {*SHARDS[0], FEATURES[0]}
    assert fresh.executed(FEATURES[0]) == one
    streamed = open_features(fresh.results / FEATURES[0]).read()
    fresh.config["extraction"]["keep_images"] = True
    other = {*SHARDS[1], FEATURES[1]}
    assert fresh.planned(*FEATURES) == other | {UNPACKED}
    real["path"] = "stored.npz"
    assert fresh.planned(*FEATURES) == other, "the same images, which can be read by index"

    real["path"] = "real.npz"
    for path in one:
        (fresh.results / path).unlink()
    assert fresh.executed(*FEATURES) == one | other | {UNPACKED}
    assert "done in" in (fresh.results / "logs/unpack_images/real.log").read_text()
    assert np.array_equal(open_features(fresh.results / FEATURES[0]).read(), streamed)
    (fresh.results / UNPACKED).unlink()
    assert fresh.planned(*FEATURES) == set(), "images may be deleted"
