"""Weight files: what is published of each, fetching it, and telling it from another."""

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


#: Bytes: no published file is larger; that of the largest network has 1.2 GB.
LARGEST = 4 << 30


@dataclass(frozen=True)
class WeightFile:
    """A published file with the weights of a network.

    Parameters
    ----------
    name : str
        File name in a folder of weights.
    urls : tuple of str
        The publisher's address, then mirrors with the same bytes.
    sha256 : str or None
        Hex digest; None where nobody has published one.
    licence, citation : str
        Of the weights.
    hub : (str, str), optional
        Repository and file on the Hugging Face hub, if it is there: a copy in the cache of the
        hub's own tools will do (`fringe.networks.hub_cache`).
    """

    name: str
    urls: tuple[str, ...]
    sha256: str | None
    licence: str
    citation: str
    hub: tuple[str, str] | None = None


def weight_folder() -> Path:
    """Return where weights are kept unless another folder is named.

    The environment variable ``FRINGE_WEIGHTS``, else ``~/.cache/fringe/weights``.
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
        If the file cannot be read, or its SHA-256 is another one.
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
    """Return the digests that a file would need to be one of ``files``; [] if it may be one.

    A file of which no digest is published is known by its name.
    """
    known = list(dict.fromkeys(file.sha256 for file in files if file.sha256 is not None))
    unpublished = [file.name for file in files if file.sha256 is None]
    if not known or sha256 in known or path.name in unpublished:
        return []
    return known


def find(files: Sequence[WeightFile], folder: Path) -> tuple[WeightFile, Path] | None:
    """Return the first of ``files`` that lies in ``folder``, and where it is, or None.

    A file of the Hugging Face hub that is not there may lie in the cache of the hub's tools.
    """
    for file in files:
        if os.path.isfile(folder / file.name):  # noqa: PTH113 - False where one may not look
            return file, folder / file.name
    for file in files:
        if file.hub is not None and (path := cached(*file.hub)) is not None:
            return file, path
    return None


def fetch(file: WeightFile, folder: Path, network: str) -> Path:
    """Return the path of ``file`` in ``folder``, downloading it there if need be.

    Of a file of the Hugging Face hub that is only in the cache of the hub's tools, the path there.

    It gets its name when its SHA-256 is the published one (`fringe.files.downloading`). Where none
    is published, the file must be whole and hold tensors.

    Raises
    ------
    FringeError
        If no address answers, or what arrived (or was there) is not the published file.
    """
    path = folder / file.name
    if (there := find([file], folder)) is not None:
        if file.sha256 is not None:
            check_sha256(there[1], network, [file.sha256])
        return there[1]
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
    """Raise unless a file without published SHA-256 holds tensors; say what its digest is."""
    read_state(path)
    name = path.name.removesuffix(".part")
    LOGGER.warning("%s: no published SHA-256 to check; it is %s", name, digest_of(path))
