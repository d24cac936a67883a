"""Escapes for names, error texts and titles from outside that a terminal, log or page shows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

__all__ = [
    "escaped",
    "inert",
    "is_plain",
    "markdown",
    "printable",
    "restored",
    "restructured",
    "unmarked",
]

# Control characters (also of terminals), surrogates, and separators of lines and paragraphs.
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})

# Characters with a special meaning in GitHub's Markdown.
_MARKS = re.compile(
    r"[\\|*`\[\]<>$~#]"
    r"|&(?=#?\w+;)"  # an ampersand at the start of a character reference
    r"|(?<![^\W_])_|_(?![^\W_])"  # an underscore that is not inside a word
)
# Characters with a special meaning inside a line of reStructuredText.
_STRUCTURE = re.compile(r"[\\`*_|:<>\[\]]")
_MARKED = re.compile(r"\\([\\|*`\[\]<>$~#&_])")

_ACTIVE = re.compile(r"[<>\\]")
_INERT = re.compile(r"\\u00(3c|3e|5c)")

# Characters that change the direction of the following text, which could hide its meaning.
_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(name: str) -> str:
    """Return ``name`` with escapes for unprintable parts: line breaks and bytes not in UTF-8."""
    return name if name.isprintable() else "".join(map(_shown, name))


def escaped(text: str, keep: str = "\n") -> str:
    r"""Return ``text`` with escapes for control characters, except the characters in ``keep``.

    For whole messages, which may have several lines. Use `printable` for each name in a message.

    >>> print(escaped("a.png\x1b[2J: is empty"))
    a.png\x1b[2J: is empty
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter in keep or not _is_control(letter) else _escape(letter) for letter in text
    )


def is_plain(text: str) -> bool:
    """Return whether a text has no control characters and no changes of the text direction."""
    return text.isprintable() or not any(map(_is_control, text))


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in _CONTROLS or letter in _TURNS


def _shown(letter: str) -> str:
    return letter if letter.isprintable() else _escape(letter)


def _escape(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # Python's representation of a byte that is not in UTF-8
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def markdown(text: str) -> str:
    r"""Return ``text`` with escapes, so that Markdown shows it unchanged, including HTML.

    >>> print(markdown("<b>50 %_off & more"))
    \<b\>50 %\_off & more
    """
    return _MARKS.sub(r"\\\g<0>", text)


def unmarked(text: str) -> str:
    """Return the text that `markdown` escaped."""
    return _MARKED.sub(r"\1", text)


def restructured(text: str) -> str:
    r"""Return ``text`` with escapes, so that reStructuredText shows it unchanged.

    >>> print(restructured("a `link <https://example.org>`_"))
    a \`link \<https\://example.org\>\`\_
    """
    return _STRUCTURE.sub(r"\\\g<0>", text)


def inert(value: Any) -> Any:
    r"""Return plain values with escapes for the delimiters of HTML in all their texts.

    Snakemake copies the params of jobs into the HTML of its report without escapes. Texts without
    ``<``, ``>`` and backslashes do not change. `restored` is the inverse.

    >>> print(inert({"title": "</script>"}))
    {'title': '\\u003c/script\\u003e'}
    """
    return _with_texts(value, lambda text: _ACTIVE.sub(lambda m: f"\\u00{ord(m[0]):02x}", text))


def restored(value: Any) -> Any:
    """Return the original values of the result of `inert`."""
    return _with_texts(value, lambda text: _INERT.sub(lambda m: chr(int(m[1], 16)), text))


def _with_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {_with_texts(key, change): _with_texts(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_with_texts(item, change) for item in value)
    return value
