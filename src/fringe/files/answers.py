"""Read the answers of servers, with limits on redirects, size and time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from fringe.errors import FringeError
from fringe.texts import printable

if TYPE_CHECKING:
    import requests

__all__ = ["UNANNOUNCED", "TooMuchError", "announced", "answered", "pieces"]

#: Bytes that a server may send without announcing their number.
UNANNOUNCED = 16 << 30

REDIRECTS = 10
PIECE = 1 << 18  # bytes
TIMEOUT = 10, 60  # seconds: to connect, and between two pieces of an answer
# An answer is aborted after PATIENCE seconds with less than SLOWEST bytes per second.
PATIENCE = 300.0
SLOWEST = 1 << 10


class TooMuchError(FringeError):
    """An answer is longer than allowed."""


@contextmanager
def answered(url: str, headers: Mapping[str, str]) -> Iterator[requests.Response]:
    """Request ``url``, follow redirects, and yield the last answer before its content is read.

    Raises
    ------
    FringeError
        If an address redirects to an address that is not HTTP or HTTPS, or if there are more than
        10 redirects.
    OSError
        If no server answers.
    """
    import requests

    class Unfollowing(requests.Session):
        """Leaves redirects to the caller, because requests would read their whole content."""

        def get_redirect_target(self, resp: requests.Response) -> str | None:
            return None

    with Unfollowing() as session:
        for _ in range(REDIRECTS + 1):
            with session.get(
                url, headers=headers, stream=True, timeout=TIMEOUT, allow_redirects=False
            ) as answer:
                target = super(Unfollowing, session).get_redirect_target(answer)
                if target is None:
                    yield answer
                    return
                url = urljoin(answer.url, target)
            if urlsplit(url).scheme not in ("http", "https"):
                raise FringeError(
                    f"redirects to {printable(url[:200])!r}, which is not an address of the web"
                )
    raise FringeError(f"redirects more than {REDIRECTS} times")


def announced(answer: requests.Response) -> int | None:
    """Return the announced number of bytes of an answer; None if missing, or if it is compressed.

    Examples
    --------
    >>> with answered("https://example.org/a.zip", {}) as answer:  # doctest: +SKIP
    ...     announced(answer)
    1048576
    """
    length = answer.headers.get("Content-Length", "")
    is_packed = answer.headers.get("Content-Encoding", "identity").lower() != "identity"
    return int(length) if length.isascii() and length.isdigit() and not is_packed else None


def pieces(answer: requests.Response, most: int) -> Iterator[bytes]:
    """Yield the content of an answer in small pieces, unpacked, as they arrive.

    Raises
    ------
    TooMuchError
        If the answer has more than ``most`` bytes.
    FringeError
        If the answer is slower than `SLOWEST` for `PATIENCE` seconds.
    OSError
        If the connection ends before the answer ends.
    """
    from urllib3.exceptions import HTTPError

    since, held, before = time.monotonic(), 0, 0
    while True:
        try:
            piece = answer.raw.read1(PIECE, decode_content=True)
        except HTTPError as error:
            raise ConnectionError(f"the connection ended early ({error})") from error
        if not piece:
            return
        held += len(piece)
        if held > most:
            raise TooMuchError(
                f"sends more than {most:,} bytes, which is more than it announced or than such a "
                "file can have; the bytes were deleted"
            )
        yield piece
        now = time.monotonic()
        if now - since > PATIENCE:
            if held - before < SLOWEST * (now - since):
                raise FringeError(
                    f"sends less than {SLOWEST:,} bytes a second ({held:,} have arrived); try "
                    "another address or try again later"
                )
            since, before = now, held
