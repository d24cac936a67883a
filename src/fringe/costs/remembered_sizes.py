"""Storage of the sizes of shards that were chosen for a run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fringe.config.model import Config
from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.files.parsing import parse_json
from fringe.files.regular import read_text
from fringe.files.seals import is_whole, with_digest
from fringe.plan import layout

__all__ = ["read_sizes", "remember_sizes"]


def read_sizes(config: Config) -> dict[str, Any]:
    """Return the stored ``sizes`` of a run by source, with ``device`` and ``minutes_per_job``.

    ``minutes_per_job`` is None if the sizes depend on the number of cores. ``sizes`` is empty if
    the file does not exist or its content is invalid.

    Raises
    ------
    FringeError
        If the file cannot be read. Otherwise different sizes would be chosen and stored.
    """
    memory = _memory(config)
    try:
        content = parse_json(read_text(memory))
        minutes = content["minutes_per_job"]
        right = (
            is_whole(content)
            and content["device"] in ("cpu", "cuda")
            and (minutes is None or minutes > 0)
        )
        if right and all(int(size) > 0 for size in content["sizes"].values()):
            return {key: value for key, value in content.items() if key != "digest"}
    except (FileNotFoundError, UnicodeDecodeError):
        pass
    except FringeError:
        raise
    except OSError as error:
        raise FringeError(
            f"{memory}: cannot be read ({error}); the file contains the sizes of this run's "
            "shards, so make it readable and run again"
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        pass
    return {"sizes": {}}


def remember_sizes(config: Config, sources: Mapping[str, Any]) -> None:
    """Write the sizes of a run's shards to a file, for the run's jobs and later plans.

    Parameters
    ----------
    config : Config
        The completed configuration. Nothing is written if it sets ``shard_size``.
    sources : dict
        ``shard_size`` and ``device`` of each source, by the source's name
        (`fringe.running.opening.check`).

    Raises
    ------
    FringeError
        If the file cannot be written.
    """
    sources = {name: about for name, about in sources.items() if "shard_size" in about}
    if config.extraction.shard_size is not None or not sources:
        return
    minutes = config.extraction.minutes_per_job
    kept = read_sizes(config)
    # Sources that the configuration does not name now may be named again later.
    others = kept["sizes"] if kept.get("minutes_per_job", minutes) == minutes else {}
    chosen = {name: about["shard_size"] for name, about in sources.items()}
    (device, *_) = (about["device"] for about in sources.values())
    content = {"minutes_per_job": minutes, "device": device, "sizes": {**others, **chosen}}
    if content != kept:
        with atomic_path(_memory(config)) as partial:
            partial.write_text(json.dumps(with_digest(content), indent=1))


def _memory(config: Config) -> Path:
    return Path(layout.run_folder(config), layout.SHARD_SIZES)
