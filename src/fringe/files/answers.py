"""What servers answer, which may be anything: bounded in redirects, in size, and in patience."""

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

#: Bytes that a server may send without saying before how many they are.
UNANNOUNCED = 16 << 30

REDIRECTS = 10
PIECE = 1 << 18  # bytes
TIMEOUT = 10, 60  # seconds: to connect, and between two pieces of an answer
# An answer that brings less than SLOWEST bytes a second for PATIENCE seconds is given up.
PATIENCE = 300.0
SLOWEST = 1 << 10


class TooMuchError(FringeError):
    """An answer is longer than it may be."""


@contextmanager
def answered(url: str, headers: Mapping[str, str]) -> Iterator[requests.Response]:
    """Ask for ``url`` and yield the answer of the last address that it leads to, not read yet.

    Raises
    ------
    FringeError
        If it leads to what is not an address of the web, or from one to the next without an end.
    OSError
        If no server answers.
    """
    import requests

    class Unfollowing(requests.Session):
        """Leaves redirections to the caller: requests itself reads their content to its end."""

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
                raise FringeError(f"leads to {printable(url[:200])!r}, which is not on the web")
    raise FringeError(f"leads from one address to the next, more than {REDIRECTS} times")


def announced(answer: requests.Response) -> int | None:
    """Return how many bytes an answer says that it has; None if it does not, or sends them packed.

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
    """Yield the content of an answer in small pieces, unpacked, as they come.

    Raises
    ------
    TooMuchError
        If it has more than ``most`` bytes.
    FringeError
        If it comes slower than `SLOWEST` for `PATIENCE` seconds.
    OSError
        If the connection ends before the answer does.
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
                f"sends more than {most:,} bytes, which is all that it announced or that such a "
                "file has; what came was thrown away"
            )
        yield piece
        now = time.monotonic()
        if now - since > PATIENCE:
            if held - before < SLOWEST * (now - since):
                raise FringeError(
                    f"sends less than {SLOWEST:,} bytes a second ({held:,} have come); try another "
                    "address or another day"
                )
            since, before = now, held
