"""Paths and identities of the weight files of networks."""

from collections.abc import Mapping
from pathlib import Path

from fringe.config.choices import given_weight_file, networks_of_run
from fringe.config.model import Config
from fringe.errors import FringeError
from fringe.networks import (
    network_weight_files,
)
from fringe.networks.weight_files import find
from fringe.plan.layout import hash_cache
from fringe.sources.digests import file_digests

__all__ = ["locate_weight_files", "weight_file_path", "weight_files_to_fetch"]


def locate_weight_files(config: Config, cache: Path) -> dict[str, dict[str, str]]:
    """Return the path and identity of each network's weight file, which may not exist yet.

    Returns
    -------
    dict
        By network: ``path``, and ``identity``, on which features depend. The identity is the
        SHA-256 of the file, or the name of a fetched file without a published SHA-256.
    """
    located = {}
    for network in networks_of_run(config):
        files = network_weight_files(network)
        if network in config.weights:
            path, _ = given_weight_file(config.weights[network])
            (identity,) = file_digests([path], cache)
        elif files:
            folder = Path(config.weights_dir)
            published, path = find(files, folder) or (files[0], folder / files[0].name)
            # A file must be identified before it is fetched.
            unknown = published.name if published is files[0] else file_digests([path], cache)[0]
            identity = published.sha256 or unknown
        else:
            continue
        located[network] = {"path": str(path), "identity": identity}
    return located


def weight_files_to_fetch(
    config: Config, weight_files: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Return the networks of missing published weight files, by the names of the files.

    ``weight_files`` is the result of `locate_weight_files`. Files that the configuration names are
    not fetched.
    """
    return {
        Path(file["path"]).name: name
        for name, file in weight_files.items()
        if name not in config.weights and not Path(file["path"]).exists()
    }


def weight_file_path(config: Config, network: str) -> Path | None:
    """Return the path of a network's weight file, or None if the network includes its weights.

    Raises
    ------
    FringeError
        If the file does not exist. It may have been removed after results were made from it.
    """
    located = locate_weight_files(config, hash_cache(config)).get(network)
    if located is None:
        return None
    path = Path(located["path"])
    if not path.is_file():
        raise FringeError(
            f"{path}: the weights of network {network!r} no longer exist; fetch them again "
            f"(`fringe fetch {network} --weights-dir {path.parent}`) and run again"
        )
    return path
