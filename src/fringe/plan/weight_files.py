"""Where the files of networks' weights lie."""

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
    """Return for each network with a file of weights where it is, or is to be fetched, and which.

    Returns
    -------
    dict
        By network: ``path``, and ``identity``, which enters what features depend on: the SHA-256 of
        the file, or the name of one that is fetched and has no published SHA-256.
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
            # What is fetched must be known before it is there.
            unknown = published.name if published is files[0] else file_digests([path], cache)[0]
            identity = published.sha256 or unknown
        else:
            continue
        located[network] = {"path": str(path), "identity": identity}
    return located


def weight_files_to_fetch(
    config: Config, weight_files: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Return the published files of weights that are not there: networks by the files' names.

    ``weight_files`` is the result of `locate_weight_files`. Files that the configuration names are
    not fetched.
    """
    return {
        Path(file["path"]).name: name
        for name, file in weight_files.items()
        if name not in config.weights and not Path(file["path"]).exists()
    }


def weight_file_path(config: Config, network: str) -> Path | None:
    """Return where the file of a network's weights lies; None if it brings its own.

    Raises
    ------
    FringeError
        If it is not there: results that need it no more may have outlived it.
    """
    located = locate_weight_files(config, hash_cache(config)).get(network)
    if located is None:
        return None
    path = Path(located["path"])
    if not path.is_file():
        raise FringeError(
            f"{path}: the weights of network {network!r} are not there any more; put them back "
            f"(`fringe fetch {network} --weights-dir {path.parent}`) and run again"
        )
    return path
