"""Describe, download and verify published weight files."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fringe.checkpoints import read_state
from fringe.errors import FringeError
from fringe.files.downloading import download
from fringe.files.downloading import sha256_of as digest_of
from fringe.files.paths import as_path
from fringe.files.regular import LARGEST_CHECKPOINT
from fringe.files.stand_ins import refuse_stand_in
from fringe.networks.hub_cache import cached

__all__ = [
    "WeightFile",
    "check_sha256",
    "fetch",
    "find",
    "mismatch",
    "sha256_of",
    "weight_folder",
]

LOGGER = logging.getLogger(__name__)


#: Maximum bytes of a published file; the file of the largest network has 1.2 GB.
LARGEST = 4 << 30


@dataclass(frozen=True)
class WeightFile:
    """A published file with the weights of a network.

    Parameters
    ----------
    name : str
        File name in a folder of weight files.
    urls : tuple of str
        The publisher's address, then mirrors with the same bytes.
    sha256 : str or None
        Hex digest; None if no digest is published.
    licence, citation : str
        Licence and citation of the weights.
    hub : (str, str), optional
        Repository and file on the Hugging Face hub. A copy in the cache of the hub's tools is used
        if it exists (`fringe.networks.hub_cache`).

    Examples
    --------
    >>> from fringe.networks import network_weight_files
    >>> file = network_weight_files("resnet50")[0]
    >>> file.name, file.licence
    ('resnet50-0676ba61.pth', 'BSD-3-Clause')
    >>> file.citation
    'He et al., Deep Residual Learning for Image Recognition, CVPR 2016'
    """

    name: str
    urls: tuple[str, ...]
    sha256: str | None
    licence: str
    citation: str
    hub: tuple[str, str] | None = None


def weight_folder() -> Path:
    """Return the default folder of weight files.

    This is the environment variable ``FRINGE_WEIGHTS``, or ``~/.cache/fringe/weights`` if the
    variable is not set.
    """
    return as_path(os.environ.get("FRINGE_WEIGHTS") or "~/.cache/fringe/weights")


def sha256_of(path: Path, network: str) -> str:
    """Return the hex SHA-256 of a weight file.

    Raises
    ------
    FringeError
        If the file cannot be read.
    """
    try:
        return digest_of(path, LARGEST_CHECKPOINT)
    except OSError as error:
        raise FringeError(
            f"{path}: the weights of network {network!r} cannot be read ({error}); "
            "fetch them again or name a local copy"
        ) from error


def check_sha256(path: Path, network: str, expected: Sequence[str]) -> str:
    """Return the digest of a weight file if it is one of ``expected``.

    Raises
    ------
    FringeError
        If the file cannot be read, or has another SHA-256.
    """
    found = sha256_of(path, network)
    if found not in expected:
        refuse_stand_in(path)
        raise FringeError(
            f"{path}: not the weights of network {network!r}: SHA-256 is {found}, "
            f"expected {' or '.join(expected)}; fetch the file again or correct the path"
        )
    return found


def mismatch(path: Path, sha256: str, files: Sequence[WeightFile]) -> list[str]:
    """Return the digests of ``files`` if a file is none of them; [] if it may be one of them.

    A file without a published digest is recognized by its name.
    """
    known = list(dict.fromkeys(file.sha256 for file in files if file.sha256 is not None))
    unpublished = [file.name for file in files if file.sha256 is None]
    if not known or sha256 in known or path.name in unpublished:
        return []
    return known


def find(files: Sequence[WeightFile], folder: Path) -> tuple[WeightFile, Path] | None:
    """Return the first of ``files`` that exists in ``folder`` with its path, or None.

    If none exists there, files of the Hugging Face hub are searched in the cache of the hub's
    tools.
    """
    for file in files:
        if os.path.isfile(folder / file.name):  # noqa: PTH113 - False without permission
            return file, folder / file.name
    for file in files:
        if file.hub is not None and (path := cached(*file.hub)) is not None:
            return file, path
    return None


def fetch(file: WeightFile, folder: Path, network: str) -> Path:
    """Return the path of ``file`` in ``folder``, and download it if it is missing.

    For a file of the Hugging Face hub that exists only in the cache of the hub's tools, the path in
    the cache is returned.

    A downloaded file gets its name when its SHA-256 is the published one
    (`fringe.files.downloading`). If no SHA-256 is published, the file must be complete and contain
    tensors.

    Raises
    ------
    FringeError
        If no address answers, or the downloaded or existing file is not the published file.
    """
    path = folder / file.name
    if (existing := find([file], folder)) is not None:
        if file.sha256 is not None:
            check_sha256(existing[1], network, [file.sha256])
        return existing[1]
    try:
        check = _holds_tensors if file.sha256 is None else None
        download(file.urls, path, file.sha256, check, LARGEST)
    except FringeError as error:
        failures = str(error)
    else:
        return path
    known = f"SHA-256 {file.sha256}" if file.sha256 else "no SHA-256 is published"
    raise FringeError(
        f"{path}: the weights of network {network!r} could not be fetched ({known}).\n"
        + failures
        + f"\nWithout a network, fetch {file.urls[0]} elsewhere and put it at {path}, or name a "
        f"local copy in the configuration: `weights: {{{network}: <path>}}`"
    )


def _holds_tensors(path: Path) -> None:
    """Raise unless a file without a published SHA-256 contains tensors; log its digest."""
    read_state(path)
    name = path.name.removesuffix(".part")
    LOGGER.warning("%s: no SHA-256 is published; that of this file is %s", name, digest_of(path))
