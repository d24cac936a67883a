"""Patterns that select the images in a folder, ZIP, tar or LMDB: `select` and `ignore`."""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from fringe.errors import FringeError

__all__ = ["ALL", "Choice", "choice_from_options", "pattern_of"]


@dataclass(frozen=True)
class Choice:
    """Patterns of images that count, and of files that do not count.

    A pattern is a shell pattern (``*``, ``?``, ``[0-9]``), upper or lower case. It must fit either
    the whole path inside the data set, with forward slashes, or only the file name. A ``*`` also
    matches slashes: ``train/*`` fits all files anywhere under ``train``.

    Attributes
    ----------
    select : tuple of str
        A file counts if one of these fits it. Without patterns, every file counts.
    ignore : tuple of str
        A file does not count if one of these fits it.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def takes(self, name: str) -> bool:
        """Return whether a file counts."""
        if self._ignored is not None and _fits(self._ignored, name):
            return False
        return self._selected is None or _fits(self._selected, name)

    @property
    def everything(self) -> bool:
        """Whether all images are selected explicitly, so that nothing is ambiguous."""
        return "*" in self.select

    def refuse_idle(self, names: Sequence[str], place: str) -> None:
        """Raise if a pattern fits none of ``names`` (it may be misspelt), or no name is left."""
        for key, patterns in (("select", self.select), ("ignore", self.ignore)):
            for pattern in patterns:
                fitting = _compiled((pattern,))
                if fitting is not None and not any(_fits(fitting, name) for name in names):
                    example = f", such as {min(names)}" if names else ""
                    raise FringeError(
                        f'{place}: `{key}: "{pattern}"` fits none of its {len(names):,} images'
                        f"{example}; correct or remove it"
                    )
        if names and not any(map(self.takes, names)):
            raise FringeError(
                f"{place}: `select` and `ignore` leave none of its {len(names):,} images; correct "
                "them"
            )

    @cached_property
    def _selected(self) -> re.Pattern[str] | None:
        return _compiled(self.select)

    @cached_property
    def _ignored(self) -> re.Pattern[str] | None:
        return _compiled(self.ignore)


#: The choice if nothing is configured: all files.
ALL = Choice()


def choice_from_options(
    place: str, select: str | Sequence[str] | None, ignore: str | Sequence[str] | None
) -> Choice:
    """Return the `Choice` of any number of patterns.

    Raises
    ------
    FringeError
        If a pattern is not a string, or is empty.
    """
    return Choice(_patterns(place, "select", select), _patterns(place, "ignore", ignore))


def pattern_of(name: str) -> str:
    """Return the pattern that fits only ``name``: ``[``, ``*`` and ``?`` are put in brackets.

    Examples
    --------
    >>> pattern_of("masks [1024]")
    'masks [[]1024]'
    """
    return re.sub(r"[\[*?]", r"[\g<0>]", name)


def _patterns(place: str, key: str, value: str | Sequence[str] | None) -> tuple[str, ...]:
    patterns = (value,) if isinstance(value, str) else tuple(value or ())
    for pattern in patterns:
        if not isinstance(pattern, str) or not pattern:
            raise FringeError(
                f'{place}: `{key}` holds {pattern!r}; give patterns of names, such as "*.jpg"'
            )
    return patterns


def _compiled(patterns: Sequence[str]) -> re.Pattern[str] | None:
    whole = "|".join(fnmatch.translate(pattern) for pattern in patterns)
    return re.compile(whole, re.IGNORECASE) if patterns else None


def _fits(pattern: re.Pattern[str], name: str) -> bool:
    return bool(pattern.match(name) or pattern.match(name[name.rfind("/") + 1 :]))
