"""Detect a pointer, a web page, an error message or nothing in place of a missing file."""

import os
import re

from fringe.errors import FringeError
from fringe.files.regular import open_regular

__all__ = ["READ", "refuse_stand_in", "stand_in", "stand_in_at"]

READ = 1024  # bytes, enough for the first lines of a stand-in
SHORT = 200  # bytes; a text that is not longer can only be a message

_PAGE = re.compile(rb"<(!doctype html|html|head|body|script)\b", re.IGNORECASE)
_MESSAGE = re.compile(r"[^\x00-\x1f\x7f]+ [^\x00-\x1f\x7f]+")  # one line of several words


def stand_in(data: bytes) -> str | None:
    """Return the kind of a stand-in for a file, and a fix; None if the data may be the real file.

    Parameters
    ----------
    data : bytes
        The first `READ` bytes of the file, or all of them if it is shorter.

    Examples
    --------
    >>> stand_in(b"404: Not Found")
    "contains only the text '404: Not Found', ...; fetch it again"
    """
    text = data.removeprefix(b"\xef\xbb\xbf").strip()
    if not data:
        return "is empty; fetch or copy it again"
    if text.startswith(b"version https://git-lfs.github.com/spec/"):
        return "is only Git LFS's pointer to it; run `git lfs pull` where it was cloned"
    if re.match(rb"(\.\./)*(\.git/annex|/annex)/objects/", text):
        return "is only git-annex's pointer to it; run `git annex get` where it was cloned"
    if _PAGE.match(text) or (text.startswith(b"<?xml") and b"<" in text[5:]):
        return (
            "is a web page or a server's message in place of the file (perhaps a request for a "
            "confirmation or a login, or a message that too many people downloaded the file "
            "today); open the address in a browser and save the file"
        )
    if len(data) <= SHORT:
        message = text.decode("utf-8", "replace")
        if "\ufffd" not in message and _MESSAGE.fullmatch(message):
            return f"contains only the text {message!r}, as a server may send it; fetch it again"
    return None


def stand_in_at(path: str | os.PathLike[str]) -> str | None:
    """Return the result of `stand_in` for the file at ``path``; None if it cannot be read."""
    try:
        with open_regular(path) as file:
            return stand_in(file.read(READ))
    except (OSError, ValueError):
        return None  # a folder, a device, a pattern, a member of an archive


def refuse_stand_in(path: str | os.PathLike[str]) -> None:
    """Raise if the file at ``path`` is only a stand-in.

    Raises
    ------
    FringeError
        With the kind of the stand-in and a fix.
    """
    found = stand_in_at(path)
    if found is not None:
        raise FringeError(f"{path}: {found}")
