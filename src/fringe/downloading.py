"""Files from the network: continued where they stopped, verified, and never a web page instead."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from fringe.errors import FringeError
from fringe.parsing import parse_json
from fringe.progress import progress
from fringe.regular import open_regular
from fringe.texts import printable

if TYPE_CHECKING:
    import requests

__all__ = ["direct", "download", "sha256_of"]

CHUNK = 1 << 20  # bytes
TIMEOUT = 10, 60  # seconds: to connect, and between two pieces of an answer


def sha256_of(path: Path, limit: int | None = None) -> str:
    """Return the hex SHA-256 of a regular file, which has at most ``limit`` bytes.

    Raises
    ------
    FringeError, OSError
        If it is not, or cannot be read.
    """
    with open_regular(path, limit) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(
    urls: Sequence[str],
    path: Path,
    sha256: str | None = None,
    check: Callable[[Path], None] | None = None,
) -> None:
    """Download a file to ``path`` from the first of ``urls`` that sends it.

    It is written as ``<name>.part`` and gets its name when it is whole and right. An interrupted
    download goes on from there: with a known digest in any case, else where the server tells by
    ``ETag`` or ``Last-Modified`` that its file is the same one. An address is tried again as long
    as it sends something, then the next one.

    Parameters
    ----------
    urls : sequence of str
        The publisher's address, then mirrors with the same bytes. Addresses of pages of Google
        Drive and Dropbox will do (`direct`).
    path : Path
        Where the file is to lie; its folder is made.
    sha256 : str, optional
        The file's hex digest; another file is refused, and not kept.
    check : callable, optional
        Raises `FringeError` if a file, of another name still, is not what it should be.

    Raises
    ------
    FringeError
        If no address sends the file; the message has a line for each.
    """
    import pooch

    partial = path.with_name(f"{path.name}.part")
    pooch.get_logger().setLevel("WARNING")
    path.parent.mkdir(parents=True, exist_ok=True)

    def whole(url: str, output: str, _: object) -> None:
        _fetch_rest(url, partial, sha256 is not None)
        if check is not None:
            try:
                check(partial)
            except FringeError:
                partial.unlink()
                raise
        partial.replace(output)

    known = None if sha256 is None else f"sha256:{sha256.lower()}"
    failures = []
    for url in urls:
        have = -1
        while have < (have := _size(partial)):
            try:
                # pooch verifies the digest, and gives the file its name.
                pooch.retrieve(direct(url), known, path.name, path.parent, downloader=whole)
            except (OSError, ValueError) as error:  # requests' errors are OSErrors
                failure = f"  {url}: {printable(str(error))}"
            else:
                _origin(partial).unlink(missing_ok=True)
                return
        failures.append(failure)
    if not partial.exists():
        _origin(partial).unlink(missing_ok=True)
    raise FringeError("\n".join(failures))


def direct(url: str) -> str:
    """Return the address of the file behind a page of Google Drive or Dropbox; else ``url``.

    Google Drive asks whether a large file, which it does not scan for viruses, is wanted
    nevertheless; ``confirm=t`` says so. Dropbox sends the file with ``dl=1``.
    """
    parts = urlsplit(url)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    steps = parts.path.split("/")
    if parts.hostname == "drive.google.com":
        file = query.get("id") or (steps[3] if steps[1:3] == ["file", "d"] else None)
        if file:
            asked = urlencode({"export": "download", "confirm": "t", "id": file})
            return urlunsplit((parts.scheme, parts.netloc, "/uc", asked, ""))
    if parts.hostname in ("dropbox.com", "www.dropbox.com"):
        return urlunsplit(parts._replace(query=urlencode({**query, "dl": "1"})))
    return url


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _origin(partial: Path) -> Path:
    """Return the file that remembers of what file on what server a part is."""
    return partial.with_name(f"{partial.name}.from")


def _version(headers: Mapping[str, str]) -> str | None:
    """Return what tells one state of a server's file from another (RFC 9110, If-Range)."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")


def _version_of_part(url: str, partial: Path) -> str | None:
    with suppress(OSError, ValueError, AttributeError):
        told = parse_json(_origin(partial).read_text("utf-8"))
        return str(told["version"]) if told.get("url") == url and told.get("version") else None
    return None


def _fetch_rest(url: str, partial: Path, is_known: bool) -> None:
    """Append to ``partial`` what it lacks of the file at ``url`` (RFC 9110, range requests).

    Unless the digest of the whole ``is_known``, only a part of the very same file is continued.
    """
    import requests

    version = None if is_known else _version_of_part(url, partial)
    if not is_known and version is None:
        partial.unlink(missing_ok=True)  # nothing would tell a part of another file
    have = _size(partial)
    headers = {"Accept-Encoding": "identity"}  # so that positions are those of the file
    if have:
        headers["Range"] = f"bytes={have}-"
    if have and version:
        headers["If-Range"] = version
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if have and answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # all of it is there already; the digest tells whether it is right
        answer.raise_for_status()
        _refuse_page(answer)
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            have = 0  # the server sends it all, whatever was asked
        if not is_known and not have:
            told = {"url": url, "version": _version(answer.headers)}
            _origin(partial).write_text(json.dumps(told), "utf-8")
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


def _refuse_page(answer: requests.Response) -> None:
    """Raise if a server sends a page for people: a confirmation, a login, a limit."""
    if answer.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise FringeError(
            "sends a web page in place of the file (it may ask for a confirmation or a login, or "
            "say that too many have asked today); open the address in a browser and save the file"
        )
