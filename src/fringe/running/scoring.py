"""Configuration of a run from the arguments of ``fringe score``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fringe.networks import is_own_code
from fringe.running.comparing import _add, _length, _plain
from fringe.running.protocol_counts import Counts

__all__ = ["SCORED", "AskedScores", "score_config"]

SCORED = "samples"
"""Name of the data set in the configuration."""


@dataclass(frozen=True)
class AskedScores:
    """Arguments of ``fringe score``.

    Attributes
    ----------
    real, samples : Path
        Images or features of images. ``samples`` may also be a generator's checkpoint.
    metrics : list of str
        Keys of `fringe.scores.asked_metrics.ASKED`.
    networks : list of str
        Networks in which the metrics are measured.
    name : str, optional
        Name of the run. By default it is derived from the names of both sets.
    count, count_real : int, optional
        Number of images of each set. By default, all.
    resolution : int, optional
        Width and height to which images in files are resized.
    settings : mapping
        Further keys of the configuration.
    protocol : str, optional
        Name of the protocol to follow. The protocol's counts replace counts that are not given.
    """

    real: Path
    samples: Path
    metrics: Sequence[str]
    networks: Sequence[str]
    name: str | None = None
    count: int | None = None
    count_real: int | None = None
    resolution: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    protocol: str | None = None


def score_config(asked: AskedScores) -> dict[str, Any]:
    """Return the configuration of a run that scores one set of images, in builtin types.

    Sources are opened to count their images.

    Raises
    ------
    FringeError
        If a file is missing or cannot be read, or a generator has no ``count``.
    """
    sources: dict[str, dict[str, Any]] = {}
    real = _add(sources, asked.real, asked.networks, None)
    protocol = Counts.of(asked.protocol)
    made = _add(sources, asked.samples, asked.networks, asked.count or protocol.generated)
    for source in sources.values():
        if asked.resolution is not None and "kind" not in source:
            source["resolution"] = asked.resolution

    def counted(side: str, name: str, path: Path, option: str) -> int:
        have = _length(name, sources[name], asked.networks)
        return protocol.count(side, {path: have}, option) or have

    network, *controls = asked.networks
    run = f"score-{_plain(asked.real)}-{_plain(asked.samples)}"
    return {
        "run": asked.name or run[:60].rstrip("-_"),
        **asked.settings,
        **({"protocol": asked.protocol} if asked.protocol else {}),
        "network": network,
        "controls": controls,
        **({"allow_code": True} if any(map(is_own_code, asked.networks)) else {}),
        "sources": sources,
        "datasets": {
            SCORED: {
                "title": _plain(asked.samples),
                "real": real,
                "generated": made,
                "resample": False,
            }
        },
        "evaluation": {
            "metrics": list(asked.metrics),
            "n_real": asked.count_real or counted("real", real, asked.real, "--count-real"),
            "n_generated": asked.count or counted("generated", made, asked.samples, "--count"),
            # All images are drawn, so every draw would be the same.
            "repeats": {"metrics": 1},
        },
        "page": {"exhibits": False},
    }
