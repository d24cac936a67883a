"""Digests of files outside a run on which results depend, except images and network weights."""

from pathlib import Path

from fringe.config.model import Config
from fringe.plan.layout import hash_cache
from fringe.sources.digests import file_digests

__all__ = ["digest", "published_statistics"]


def digest(path: str, config: Config) -> str:
    """Return the SHA-256 of a file, which is remembered as long as the file does not change."""
    (found,) = file_digests([Path(path)], hash_cache(config))
    return found


def published_statistics(
    config: Config, source: str, network: str, space: str
) -> dict[str, str | int]:
    """Return ``network``, ``sha256`` and ``count`` of published statistics, or {} without them.

    Published statistics exist only for features, not for logits.
    """
    given = config.sources[source].statistics.get(network)
    if given is None or space != "features":
        return {}
    return {"network": network, "sha256": digest(given.path, config), "count": given.count}
