"""What lies in the place of a file that never came: a pointer, a web page, an error, nothing."""

import os
import re

from fringe.errors import FringeError
from fringe.files.regular import open_regular

__all__ = ["READ", "refuse_stand_in", "stand_in", "stand_in_at"]

READ = 1024  # bytes, of which the first lines tell
SHORT = 200  # bytes of a text that can only be a message

_PAGE = re.compile(rb"<(!doctype html|html|head|body|script)\b", re.IGNORECASE)
_MESSAGE = re.compile(r"[^\x00-\x1f\x7f]+ [^\x00-\x1f\x7f]+")  # one line of several words


def stand_in(data: bytes) -> str | None:
    """Return what a file is instead of its content, and what to do; None if it may be the content.

    Parameters
    ----------
    data : bytes
        The first `READ` bytes of the file, or all of them if it is shorter.

    Examples
    --------
    >>> stand_in(b"404: Not Found")
    "holds only the text '404: Not Found', ...; fetch it again"
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
            "is a web page or a server's message, which came in place of the file (perhaps for a "
            "confirmation or a login, or because too many have asked today); open the address in a "
            "browser and save the file"
        )
    if len(data) <= SHORT:
        message = text.decode("utf-8", "replace")
        if "\ufffd" not in message and _MESSAGE.fullmatch(message):
            return f"holds only the text {message!r}, as a server may send it; fetch it again"
    return None


def stand_in_at(path: str | os.PathLike[str]) -> str | None:
    """Return what `stand_in` says of the file at ``path``; None where there is no file to read."""
    try:
        with open_regular(path) as file:
            return stand_in(file.read(READ))
    except (OSError, ValueError):
        return None  # a folder, a device, a pattern, a member of an archive


def refuse_stand_in(path: str | os.PathLike[str]) -> None:
    """Raise if the file at ``path`` is only a stand-in for one.

    Raises
    ------
    FringeError
        Saying what it is, and what to do.
    """
    found = stand_in_at(path)
    if found is not None:
        raise FringeError(f"{path}: {found}")
