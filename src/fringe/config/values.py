"""Correction of values that YAML, JSON or the command line read as a wrong type."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from fringe.config.file import Entry
from fringe.config.rules import Place, walk

__all__ = ["settle_values"]

Names = tuple[str | int, ...]
# The last entry with the same names takes precedence, as in a mapping and in several files.
Written = Mapping[Names, Entry]

WORDS = {"y": True, "yes": True, "true": True, "on": True} | {
    "n": False, "no": False, "false": False, "off": False
}  # fmt: skip


def settle_values(config: dict[str, Any], entries: Iterable[Entry]) -> list[str]:
    """Convert values to the types of the model, in place, and return the faults.

    It is a fault if a name or another text was read as another type (`256`, `no`, `2024-01-01`),
    or if a number was read as text (`1e-3`), because the value may have lost its spelling. These
    values are corrected in ``config``, so that they cause no further faults. Values that are in no
    file of ``entries`` came from ``--config``, where Snakemake reads all nested values as text.
    These values become numbers without a fault.

    Parameters
    ----------
    config : dict
        The configuration as the user wrote it. It is changed.
    entries : iterable of Entry
        The entries of the configuration's files (`fringe.config.file.read_entries`).

    Returns
    -------
    list of str
        The faults. Each begins with its key.
    """
    written = {entry.names: entry for entry in entries}
    faults = [*_name_faults(config, (), written)]
    for place in walk(config):
        entry = written.get(place.keys)
        if entry is not None and not _same(entry.value, place.value):
            entry = None
        if fault := _settle(place, entry):
            faults.append(f"{place.trail}: {fault}")
    return faults


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def _name_faults(holder: Any, names: Names, written: Written) -> Iterator[str]:
    """Convert all keys below a mapping or list to text, in place, and yield a fault for each."""
    if isinstance(holder, dict):
        pairs = list(holder.items())
        holder.clear()
        for key, value in pairs:
            name = key
            if not isinstance(key, str):
                entry = _entry_of(key, names, written)
                name = str(key if entry is None else entry.names[-1])
                trail = "/".join(map(str, (*names, name)))
                fix = _quoted(name, (*names, name), entry)
                yield f"{trail}: {name} is read as {_read_as(key)}, but a name must be text; {fix}"
            holder[name] = value
    for name, value in _pairs(holder):
        yield from _name_faults(value, (*names, name), written)


def _pairs(holder: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(holder, dict):
        return list(holder.items())
    return enumerate(holder) if isinstance(holder, list) else ()


def _entry_of(key: Any, names: Names, written: Written) -> Entry | None:
    """Return the entry of a key below ``names`` that was not read as text."""
    found = (one for one in written.values() if one.names[:-1] == names and _same(one.key, key))
    return next(found, None)


def _quoted(text: str, names: Names, entry: Entry | None) -> str:
    if entry is not None:
        return f'put it in quotes: "{text}" ({entry.place})'
    if len(names) == 1:
        return f'put it in quotes: "{text}" (on the command line: --config \'{names[0]}="{text}"\')'
    return f'put it in quotes: "{text}"'


def _read_as(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number"
    return "a date" if isinstance(value, date) else f"of type {type(value).__name__}"


def _settle(place: Place, entry: Entry | None) -> str | None:
    """Correct a value in place, and return its fault."""
    value, types = place.value, place.types
    if isinstance(value, str) and "string" not in types:
        return _settle_word(place, value, entry)
    if type(value) in (int, float) and types & {"integer", "number"}:
        return _settle_number(place, value, entry)
    if isinstance(value, bool) and "boolean" in types:
        return None
    if isinstance(value, bool | int | float | date) and "string" in types:
        text = str(value) if entry is None or entry.text is None else entry.text
        place.replace(text)
        fix = _quoted(text, place.keys, entry)
        return f"{text} is read as {_read_as(value)}, but must be text; {fix}"
    return None


def _settle_word(place: Place, text: str, entry: Entry | None) -> str | None:
    """Replace a text that contains a number, or true or false, by this value."""
    number = _number(text, place.types)
    if number is not None:
        expected, hint = "a number", _in_yaml(text, number)
        place.replace(number)
    elif "boolean" in place.types and text.lower() in WORDS:
        expected, hint = "true or false", _read_as(WORDS[text.lower()])
        place.replace(WORDS[text.lower()])
    else:
        return None
    if entry is None:
        return None
    return f"{text} is read as text, but must be {expected}; write {hint} ({entry.place})"


def _number(text: str, types: set[str]) -> int | float | None:
    """Return the number in a text if the model expects a number; None otherwise."""
    if not types & {"integer", "number"}:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    if number.is_integer() and "number" not in types:
        return int(number)
    return number if math.isfinite(number) and "number" in types else None


def _in_yaml(text: str, number: int | float) -> str:
    """Return the spelling of a number for YAML 1.1, with a point and a signed exponent."""
    mantissa, _, exponent = text.lower().partition("e")
    if isinstance(number, int) or not exponent:
        return str(number)
    point = "" if "." in mantissa else ".0"
    sign = "" if exponent[0] in "+-" else "+"
    return f"{mantissa}{point}e{sign}{exponent}"


def _settle_number(place: Place, value: int | float, entry: Entry | None) -> str | None:
    """Convert 1.0e+5 to a whole number if the model expects one; refuse misleading spellings."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return f"{value} is not a number that can be used; write a finite one"
        if value.is_integer() and "number" not in place.types:
            place.replace(int(value))
        return None
    if entry is None or entry.text is None:
        return None
    if entry.text.startswith("0") and entry.text.isdigit() and int(entry.text) != value:
        return (
            f"{entry.text} is read as {value}, because a leading 0 means base 8 in YAML; write "
            f"{int(entry.text)} or {value} ({entry.place})"
        )
    if ":" in entry.text:
        return (
            f"{entry.text} is read as {value}, because a colon means base 60 in YAML; write the "
            f"intended number ({entry.place})"
        )
    return None
