"""Weight files: what is published of each, fetching it, and telling it from another."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fringe.checkpoints import read_state
from fringe.errors import FringeError
from fringe.progress import progress

__all__ = [
    "WeightsFile",
    "check_sha256",
    "fetch",
    "find",
    "mismatch",
    "sha256_of",
    "weights_folder",
]

CHUNK = 1 << 20  # bytes
TIMEOUT = 10, 60  # seconds: to connect, and between two pieces of an answer


@dataclass(frozen=True)
class WeightsFile:
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
    """

    name: str
    urls: tuple[str, ...]
    sha256: str | None
    licence: str
    citation: str


def weights_folder() -> Path:
    """Return where weights are kept unless another folder is named.

    The environment variable ``FRINGE_WEIGHTS``, else ``~/.cache/fringe/weights``.
    """
    return Path(os.environ.get("FRINGE_WEIGHTS") or "~/.cache/fringe/weights").expanduser()


def sha256_of(path: Path, network: str) -> str:
    """Return the hex SHA-256 of a weight file.

    Raises
    ------
    FringeError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
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
        raise FringeError(
            f"{path}: not the weights of network {network!r}: SHA-256 is {found}, "
            f"expected {' or '.join(expected)}; fetch the file again or correct the path"
        )
    return found


def mismatch(path: Path, sha256: str, files: Sequence[WeightsFile]) -> list[str]:
    """Return the digests that a file would need to be one of ``files``; [] if it may be one.

    A file of which no digest is published is known by its name.
    """
    known = list(dict.fromkeys(file.sha256 for file in files if file.sha256 is not None))
    unpublished = [file.name for file in files if file.sha256 is None]
    if not known or sha256 in known or path.name in unpublished:
        return []
    return known


def find(files: Sequence[WeightsFile], folder: Path) -> Path | None:
    """Return the first of ``files`` that lies in ``folder``, or None."""
    for file in files:
        if (folder / file.name).is_file():
            return folder / file.name
    return None


def fetch(file: WeightsFile, folder: Path, network: str) -> Path:
    """Return the path of ``file`` in ``folder``, downloading it there if need be.

    It is written as ``<name>.part``, from where an interrupted download goes on, and gets its name
    when its SHA-256 is the published one. An address is tried again as long as it sends something,
    then the next one. Where no SHA-256 is published, a download begins afresh each time, and the
    file must be whole and hold tensors.

    Raises
    ------
    FringeError
        If no address answers, or what arrived (or was there) is not the published file.
    """
    path = folder / file.name
    if path.is_file():
        if file.sha256 is not None:
            check_sha256(path, network, [file.sha256])
        return path
    failures = []
    for url in file.urls:
        have = -1
        while have < (have := _size(folder / f"{file.name}.part")):
            try:
                _download(url, folder, file)
                return path
            except (OSError, ValueError) as error:  # requests' errors are OSErrors
                failure = f"  {url}: {error}"
        failures.append(failure)
    known = f"SHA-256 {file.sha256}" if file.sha256 else "no SHA-256 is published"
    raise FringeError(
        f"{path}: the weights of network {network!r} could not be fetched ({known}).\n"
        + "\n".join(failures)
        + f"\nWithout a network, fetch {file.urls[0]} elsewhere and put it at {path}, or name a "
        f"local copy in the configuration: `weights: {{{network}: <path>}}`"
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _download(url: str, folder: Path, file: WeightsFile) -> None:
    """Download, verify and name a file; pooch does the latter two."""
    import pooch

    partial = folder / f"{file.name}.part"

    def download(url: str, output: str, _: object) -> None:
        if file.sha256 is None:
            partial.unlink(missing_ok=True)  # nothing would tell a part of another file
        _fetch_rest(url, partial)
        if file.sha256 is None:
            try:
                read_state(partial)
            except FringeError:
                partial.unlink()
                raise
            found = sha256_of(partial, file.name)
            print(f"{file.name}: no published SHA-256 to check; it is {found}", file=sys.stderr)
        partial.replace(output)

    pooch.get_logger().setLevel("WARNING")
    folder.mkdir(parents=True, exist_ok=True)
    known = None if file.sha256 is None else f"sha256:{file.sha256}"
    pooch.retrieve(url, known, fname=file.name, path=folder, downloader=download)


def _fetch_rest(url: str, partial: Path) -> None:
    """Append to ``partial`` what it lacks of the file at ``url`` (RFC 9110, range requests)."""
    import requests

    have = _size(partial)
    # Uncompressed, so that positions are those of the file.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if have and answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # all of it is there already; the digest tells whether it is right
        answer.raise_for_status()
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            have = 0  # the server sends it all, whatever was asked
        total = have + int(answer.headers.get("Content-Length", 0))
        with partial.open("r+b" if have else "wb") as file:
            file.seek(have)
            pieces = progress(
                answer.iter_content(CHUNK), partial.stem, total=total >> 20 or None, unit="MiB"
            )
            for piece in pieces:
                file.write(piece)
        if total and partial.stat().st_size < total:
            raise ConnectionError(
                f"the connection ended after {partial.stat().st_size} of {total} bytes"
            )
