"""Files from the network: continued where they stopped, verified, and never a web page instead."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from fringe.errors import FringeError
from fringe.files.answers import UNANNOUNCED, TooMuchError, announced, answered, pieces
from fringe.files.atomic import atomic_path, create_new
from fringe.files.parsing import parse_json
from fringe.files.reasons import unwritable
from fringe.files.regular import open_regular, read_text
from fringe.progress import activity, advance
from fringe.texts import printable

if TYPE_CHECKING:
    import requests

__all__ = ["LARGEST", "direct", "download", "sha256_of"]

#: Bytes: no data set in one file is larger.
LARGEST = 4 << 40
LEAST = 1 << 20  # bytes that an address must send to be tried again
UNSATISFIABLE = 416  # of HTTP: nothing follows the bytes that are there


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
    most: int = LARGEST,
) -> None:
    """Download a file to ``path`` from the first of ``urls`` that sends it.

    It is written as ``<name>.part`` and gets its name when it is whole and right. An interrupted
    download goes on from there: with a known digest in any case, else where the server tells by
    ``ETag`` or ``Last-Modified`` that its file is the same one. What was continued and is not the
    file after all is fetched once from its beginning. An address is tried again as long as it sends
    at least `LEAST` bytes, then the next one.

    An answer is cut off where it has more bytes than it announced, or than ``most``; without an
    announcement, than `fringe.files.answers.UNANNOUNCED`.

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
    most : int
        Bytes that the file has at most.

    Raises
    ------
    FringeError
        If no address sends the file; the message has a line for each. If the file cannot be
        written; what came is kept.
    """
    import pooch

    partial = path.with_name(f"{path.name}.part")
    pooch.get_logger().setLevel("WARNING")
    with _written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _discard_foreign(partial, most)

    def whole(url: str, output: str, _: object) -> None:
        _fetch_rest(url, partial, sha256 is not None, most)
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
        is_again = False
        while True:
            have = _size(partial)
            try:
                # pooch verifies the digest, and gives the file its name.
                pooch.retrieve(direct(url), known, path.name, path.parent, downloader=whole)
            except _UnwritableError:
                raise
            except (OSError, ValueError) as error:  # requests' errors are OSErrors
                failure = f"  {url}: {printable(str(error))}"
            else:
                _origin(partial).unlink(missing_ok=True)
                return
            held = _size(partial)
            if have and not held and not is_again:
                is_again = True  # what was continued was a part of something else
            elif held - have < LEAST:
                break
        failures.append(failure)
    if not _size(partial):
        partial.unlink(missing_ok=True)
        _origin(partial).unlink(missing_ok=True)
    raise FringeError("\n".join(failures))


class _UnwritableError(FringeError):
    """The file cannot be written here, whatever address sends it."""


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Say so if what is written in the block cannot be."""
    try:
        yield
    except OSError as error:
        told = unwritable(error)
        if told is None:
            raise
        raise _UnwritableError(
            f"{path}: cannot be written ({told[0]}); {told[1]}, then run again: what has come is "
            "kept"
        ) from error


def _discard_foreign(partial: Path, most: int) -> None:
    """Remove what lies in the place of a part and is not one that this user's download left.

    A link would lead to another file, and what belongs to somebody else may still be changed.
    """
    try:
        about = partial.lstat()
    except FileNotFoundError:
        return
    is_own = stat.S_ISREG(about.st_mode) and about.st_nlink == 1 and about.st_uid == os.geteuid()
    if not is_own or about.st_size > most:
        partial.unlink()


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
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _origin(partial: Path) -> Path:
    """Return the file that remembers of what file on what server a part is."""
    return partial.with_name(f"{partial.name}.from")


def _version(headers: Mapping[str, str]) -> str | None:
    """Return what tells one state of a server's file from another (RFC 9110, If-Range)."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")


def _version_of_part(url: str, partial: Path) -> str | None:
    with suppress(OSError, ValueError, AttributeError):
        told = parse_json(read_text(_origin(partial)))
        return str(told["version"]) if told.get("url") == url and told.get("version") else None
    return None


def _fetch_rest(url: str, partial: Path, is_known: bool, most: int) -> None:
    """Append to ``partial`` what it lacks of the file at ``url`` (RFC 9110, range requests).

    Unless the digest of the whole ``is_known``, only a part of the very same file is continued.
    """
    version = None if is_known else _version_of_part(url, partial)
    if not is_known and version is None:
        partial.unlink(missing_ok=True)  # nothing would tell a part of another file
    have = _size(partial)
    headers = {"Accept-Encoding": "identity"}  # so that positions are those of the file
    if have:
        headers["Range"] = f"bytes={have}-"
    if have and version:
        headers["If-Range"] = version
    with answered(url, headers) as answer:
        if have and answer.status_code == UNSATISFIABLE:
            _refuse_longer(answer, partial, have, is_known)
            return
        answer.raise_for_status()
        _refuse_page(answer)
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            have = 0  # the server sends it all, whatever was asked
        rest = announced(answer)
        total = None if rest is None else have + rest
        _refuse_large(partial, total, have, most)
        with _written(partial):
            if not is_known and not have:
                told = {"url": url, "version": _version(answer.headers)}
                with atomic_path(_origin(partial)) as origin:
                    origin.write_text(json.dumps(told), "utf-8")
            file = _opened(partial, have)
        with file, activity(f"fetching {partial.stem}", total=total):
            advance(have)
            try:
                # An answer in several parts (chunks) may be longer than it announced.
                for piece in pieces(
                    answer, min(most, UNANNOUNCED) - have if rest is None else rest
                ):
                    with _written(partial):
                        _write(file, piece)
                    advance(len(piece))
            except TooMuchError:
                partial.unlink()
                raise
        if total and _size(partial) < total:
            raise ConnectionError(f"the connection ended after {_size(partial)} of {total} bytes")


def _refuse_longer(answer: requests.Response, partial: Path, have: int, is_known: bool) -> None:
    """Raise if the part is longer than the server's file; else it is all there already."""
    length = answer.headers.get("Content-Range", "").rpartition("/")[2]
    # Where the length is not told, the digest tells whether the part is right, if one is known.
    if length != str(have) and not (is_known and not length.isdigit()):
        partial.unlink()
        raise ConnectionError(f"has fewer bytes than the {have} that were kept of it")


def _refuse_large(partial: Path, total: int | None, have: int, most: int) -> None:
    if total is None:
        return
    if total > most:
        raise FringeError(f"announces {total:,} bytes, and such a file has at most {most:,}")
    free = shutil.disk_usage(partial.parent).free
    if total - have > free:
        raise _UnwritableError(
            f"{partial}: cannot be written: {(total - have) / 1e9:.1f} GB are to come, and "
            f"{free / 1e9:.1f} GB are free; free some space, then run again"
        )


def _write(file: BinaryIO, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:  # a disk that is nearly full takes a part of it
        rest = rest[file.write(rest) :]


def _opened(partial: Path, have: int) -> BinaryIO:
    """Open the part behind its first ``have`` bytes, or make it; follow no link."""
    if not have:
        partial.unlink(missing_ok=True)
        create_new(partial)
    flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.fdopen(os.open(partial, flags), "wb", buffering=0)
    file.seek(have)
    return file


def _refuse_page(answer: requests.Response) -> None:
    """Raise if a server sends a page for people: a confirmation, a login, a limit."""
    if answer.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise FringeError(
            "sends a web page in place of the file (it may ask for a confirmation or a login, or "
            "say that too many have asked today); open the address in a browser and save the file"
        )
