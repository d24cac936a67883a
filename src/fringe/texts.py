"""Text from outside that reaches a terminal, a log or a page: names, error texts, titles."""

from __future__ import annotations

import unicodedata

__all__ = ["escaped", "is_plain", "printable"]

# Control characters (of a terminal, too), halves of characters, and breaks of lines and paragraphs.
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})

# What changes the direction of the text after it, so that it reads as something else.
_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(name: str) -> str:
    """Return ``name`` with escapes for what cannot be printed: line breaks, bytes not in UTF-8."""
    return name if name.isprintable() else "".join(map(_shown, name))


def escaped(text: str, keep: str = "\n") -> str:
    r"""Return ``text`` with escapes for control characters but those in ``keep``.

    For whole messages, which may have several lines; each name in them is `printable`.

    >>> print(escaped("a.png\x1b[2J: is empty"))
    a.png\x1b[2J: is empty
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter in keep or not _is_control(letter) else _escape(letter) for letter in text
    )


def is_plain(text: str) -> bool:
    """Tell whether a text has no control characters, and none that change the direction of text."""
    return text.isprintable() or not any(map(_is_control, text))


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in _CONTROLS or letter in _TURNS


def _shown(letter: str) -> str:
    return letter if letter.isprintable() else _escape(letter)


def _escape(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # how Python holds a byte of a name that is not UTF-8
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()
