"""Download files: continue interrupted downloads, verify the files, and refuse web pages."""

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
UNSATISFIABLE = 416  # HTTP status: the server's file has no bytes after those that were requested


def sha256_of(path: Path, limit: int | None = None) -> str:
    """Return the hex SHA-256 of a regular file of at most ``limit`` bytes.

    Raises
    ------
    FringeError, OSError
        If the file is not regular, is larger, or cannot be read.
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

    The file is written as ``<name>.part`` and renamed when it is complete and verified. An
    interrupted download continues from this part if the digest is known, or if the server confirms
    by ``ETag`` or ``Last-Modified`` that its file is the same. If a continued file turns out to be
    wrong, it is downloaded once more from its beginning. An address is tried again while it sends
    at least `LEAST` bytes; then the next address is tried.

    An answer is aborted when it has more bytes than it announced, or more than ``most``. If it
    announced no number, the limit is `fringe.files.answers.UNANNOUNCED`.

    Parameters
    ----------
    urls : sequence of str
        The publisher's address, then mirrors with the same bytes. Addresses of pages of Google
        Drive and Dropbox are allowed (`direct`).
    path : Path
        The path of the file; its folder is created.
    sha256 : str, optional
        Hex digest of the file; a file with another digest is refused and deleted.
    check : callable, optional
        Raises `FringeError` if a file, which still has its temporary name, is not the right one.
    most : int
        Maximum size of the file in bytes.

    Raises
    ------
    FringeError
        If no address sends the file; the message has a line for each address. If the file cannot
        be written; the bytes that have arrived are kept.
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
                # pooch verifies the digest and renames the file.
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
                is_again = True  # the part was of another file, so start from the beginning
            elif held - have < LEAST:
                break
        failures.append(failure)
    if not _size(partial):
        partial.unlink(missing_ok=True)
        _origin(partial).unlink(missing_ok=True)
    raise FringeError("\n".join(failures))


class _UnwritableError(FringeError):
    """The file cannot be written here, from any address."""


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Raise a clear message if a file cannot be written in the block."""
    try:
        yield
    except OSError as error:
        why = unwritable(error)
        if why is None:
            raise
        reason, advice = why
        raise _UnwritableError(
            f"{path}: cannot be written ({reason}); {advice}, then run again: the downloaded part "
            "is kept"
        ) from error


def _discard_foreign(partial: Path, most: int) -> None:
    """Remove a part that was not written by a download of this user.

    A link would lead to another file, and another user may still change their own file.
    """
    try:
        about = partial.lstat()
    except FileNotFoundError:
        return
    is_own = stat.S_ISREG(about.st_mode) and about.st_nlink == 1 and about.st_uid == os.geteuid()
    if not is_own or about.st_size > most:
        partial.unlink()


def direct(url: str) -> str:
    """Return the address of the file behind a page of Google Drive or Dropbox; otherwise ``url``.

    Google Drive does not scan large files for viruses and asks for a confirmation, which is
    ``confirm=t``. Dropbox sends the file with ``dl=1``.
    """
    parts = urlsplit(url)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    steps = parts.path.split("/")
    if parts.hostname == "drive.google.com":
        file = query.get("id") or (steps[3] if steps[1:3] == ["file", "d"] else None)
        if file:
            wanted = urlencode({"export": "download", "confirm": "t", "id": file})
            return urlunsplit((parts.scheme, parts.netloc, "/uc", wanted, ""))
    if parts.hostname in ("dropbox.com", "www.dropbox.com"):
        return urlunsplit(parts._replace(query=urlencode({**query, "dl": "1"})))
    return url


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _origin(partial: Path) -> Path:
    """Return the path of the file that records the address and version of a part."""
    return partial.with_name(f"{partial.name}.from")


def _version(headers: Mapping[str, str]) -> str | None:
    """Return the tag or date that identifies a version of a server's file (RFC 9110, If-Range)."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")


def _version_of_part(url: str, partial: Path) -> str | None:
    with suppress(OSError, ValueError, AttributeError):
        origin = parse_json(read_text(_origin(partial)))
        if origin.get("url") == url and origin.get("version"):
            return str(origin["version"])
    return None


def _fetch_rest(url: str, partial: Path, is_known: bool, most: int) -> None:
    """Append the rest of the file at ``url`` to ``partial`` (RFC 9110, range requests).

    Unless the digest of the file ``is_known``, a part is continued only if its version is the same.
    """
    version = None if is_known else _version_of_part(url, partial)
    if not is_known and version is None:
        partial.unlink(missing_ok=True)  # a part of another file could not be detected
    have = _size(partial)
    headers = {"Accept-Encoding": "identity"}  # so that positions refer to the file itself
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
            have = 0  # the server ignores the requested range and sends the whole file
        rest = announced(answer)
        total = None if rest is None else have + rest
        _refuse_large(partial, total, have, most)
        with _written(partial):
            if not is_known and not have:
                content = {"url": url, "version": _version(answer.headers)}
                with atomic_path(_origin(partial)) as origin:
                    origin.write_text(json.dumps(content), "utf-8")
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
    """Raise if the part is longer than the server's file; otherwise the part is complete."""
    length = answer.headers.get("Content-Range", "").rpartition("/")[2]
    # If the server does not state the length, a known digest shows whether the part is right.
    if length != str(have) and not (is_known and not length.isdigit()):
        partial.unlink()
        raise ConnectionError(f"has fewer bytes than the {have} that were already downloaded")


def _refuse_large(partial: Path, total: int | None, have: int, most: int) -> None:
    if total is None:
        return
    if total > most:
        raise FringeError(f"announces {total:,} bytes, and such a file has at most {most:,}")
    free = shutil.disk_usage(partial.parent).free
    if total - have > free:
        raise _UnwritableError(
            f"{partial}: cannot be written: {(total - have) / 1e9:.1f} GB are needed, and "
            f"{free / 1e9:.1f} GB are free; free some space, then run again"
        )


def _write(file: BinaryIO, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:  # a disk that is nearly full may write only a part of the bytes
        rest = rest[file.write(rest) :]


def _opened(partial: Path, have: int) -> BinaryIO:
    """Open the part after its first ``have`` bytes, or create it; do not follow a link."""
    if not have:
        partial.unlink(missing_ok=True)
        create_new(partial)
    flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.fdopen(os.open(partial, flags), "wb", buffering=0)
    file.seek(have)
    return file


def _refuse_page(answer: requests.Response) -> None:
    """Raise if a server sends a web page, such as a confirmation, a login or a quota message."""
    if answer.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise FringeError(
            "sends a web page in place of the file (perhaps a request for a confirmation or a "
            "login, or a message that too many people downloaded the file today); open the address "
            "in a browser and save the file"
        )
