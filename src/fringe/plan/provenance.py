"""What results depend on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fringe.config.choices import Config
from fringe.files.hdf5 import attributes, is_made_from, open_h5
from fringe.plan.layout import hash_cache
from fringe.sources.digests import file_digests

__all__ = ["digest", "published_statistics", "settled_limit", "sweep_provenance"]


def published_statistics(
    config: Config, source: str, network: str, space: str, cache: Path
) -> dict[str, str | int]:
    """Return ``network``, ``sha256`` and ``count`` of published statistics; {} if there are none.

    Statistics are published of features alone, not of logits.
    """
    given = config["sources"][source].get("statistics", {}).get(network)
    if given is None or space != "features":
        return {}
    (sha256,) = file_digests([Path(given["path"])], cache)
    return {"network": network, "sha256": sha256, "count": given["count"]}


def settled_limit(path: Path, provenance: Mapping[str, str], limit: int) -> int:
    """Return the limit that the images beyond the candidates in a file were drawn with.

    This is ``limit``, unless the file is there, was made from ``provenance``, and every bin was
    full within ``limit``: with ``limit`` the same images would be drawn.
    """
    if not is_made_from(path, provenance):
        return limit
    with open_h5(path) as file:
        about = attributes(file)
    full = about["places_missing"] == 0 and about["seen"] <= limit
    return int(about["limit"]) if full else limit


def digest(path: str, config: Config) -> str:
    """Return the SHA-256 of a file, remembered while the file stays as it is."""
    (found,) = file_digests([Path(path)], hash_cache(config))
    return found


def sweep_provenance(made_from: Mapping[str, Any]) -> dict[str, str]:
    """Return the attribute by which weights of a sweep's scheme tell what they were made from.

    ``made_from`` holds plain values, lists and mappings; equal ones give equal text.
    """
    return {"made_from": json.dumps(made_from, sort_keys=True)}
