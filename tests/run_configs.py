"""Configurations of opened runs, made from the few keys that a test needs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from fringe.config.completion import complete
from fringe.config.model import Config, RunConfig

MINIMAL: dict[str, Any] = {
    "run": "run",
    "network": "efficientnet-lite0",
    "sources": {
        "real": {"kind": "photos", "count": 60, "resolution": 32},
        "fake": {"kind": "imitation", "count": 120, "resolution": 32},
    },
    "datasets": {"faces": {"real": "real", "generated": "fake"}},
}
ADDED = RunConfig.model_fields.keys() - Config.model_fields.keys()


def run_config(written: Mapping[str, Any]) -> RunConfig:
    """Return a configuration, completed with the keys of `MINIMAL` and defaults."""
    config = {**MINIMAL, **copy.deepcopy(dict(written))}
    added = {key: config.pop(key) for key in ADDED & config.keys()}
    return complete(config).config.model_copy(update=added)


def changed(config: RunConfig, changes: Mapping[str, Any]) -> RunConfig:
    """Return a configuration with other values; ``/`` separates the parts of a key."""
    plain = config.plain()
    for trail, value in changes.items():
        *above, last = trail.split("/")
        place = plain
        for key in above:
            place = place[key]
        place[last] = value
    return RunConfig.model_validate(plain)
