"""Gradients, from a section of a configuration to images, memory and time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fringe.config.completion import complete
from fringe.costs.jobs import Job
from fringe.costs.registry import work
from fringe.errors import FringeError
from fringe.running import opening
from fringe.sources import source_from_spec

SPEC: dict[str, Any] = {"kind": "gradients", "count": 60, "resolution": 32, "seed": 1}


def configuration(folder: Path, **more: object) -> dict[str, Any]:
    return {
        "run": "mine",
        "results": str(folder / "results"),
        "network": "efficientnet-lite0",
        "controls": ["untrained"],
        "sources": {
            "real": {"kind": "photos", "count": 60, "resolution": 32},
            "fake": {**SPEC, **more},
        },
        "datasets": {"faces": {"real": "real", "generated": "fake"}},
        "evaluation": {"n_real": 40, "n_generated": 60},
    }


def test_images_depend_on_the_seed_and_on_their_number_only() -> None:
    source = source_from_spec({**SPEC, "contrast": 1.0})
    assert (len(source), source.resolution) == (60, (32, 32))
    images = source.read(range(60))
    np.testing.assert_array_equal(source.read([7, 3]), images[[7, 3]])
    assert len({image.tobytes() for image in images}) == 60
    flat = source_from_spec({**SPEC, "contrast": 0.0})
    assert set(flat.read([0]).flat) == {128}
    assert flat.fingerprint != source.fingerprint


def test_a_configuration_is_checked(tmp_path: Path) -> None:
    completed, faults, _ = complete(configuration(tmp_path))
    assert faults == []
    assert completed.sources["fake"].contrast == 0.5
    for key, value, fault in (
        ("contrast", 2, "sources/fake/contrast: 2 is greater than the maximum of 1"),
        ("path", "x", "sources/fake/path: only for kind files and generator"),
        ("contrasts", 1, "sources/fake: unknown key contrasts"),
    ):
        _, faults, _ = complete(configuration(tmp_path, **{key: value}))
        assert [line[: len(fault)] for line in faults] == [fault]
    with pytest.raises(FringeError, match="key `contrast` is missing"):
        source_from_spec(SPEC)


def test_a_run_is_planned(tmp_path: Path) -> None:
    config, sources = opening.check(configuration(tmp_path))
    assert sources["fake"]["count"] == 60
    assert sources["fake"]["simulated"]
    wildcards = {"source": "fake", "shard": "0000000-0000060"}
    rendering = work(Job("render_images", (), ("",), wildcards), config, sources, "cpu")
    assert rendering.units == 60 * 32 * 32
    assert rendering.default == pytest.approx(60 * 32 * 32 / 5e7)
