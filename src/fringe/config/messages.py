"""Messages for the faults of a configuration that pydantic reports."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from fringe.config.fields import shortened
from fringe.config.rules import alternatives, inner_rule, rules
from fringe.config.sources import SECTIONS, FileSource, kinds_with
from fringe.texts import printable

__all__ = ["Fault", "Keys", "is_about", "listed", "trail"]

Keys = tuple[Any, ...]

_TYPES = {
    "bool_type": "true or false",
    "dict_type": "a section with keys",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a section with keys",
    "string_type": "text",
}


class Fault(NamedTuple):
    """A fault of one value.

    Parameters
    ----------
    keys : tuple
        The path of the value.
    line : str or None
        The path of the key, and the message. None: the value is missing because another value is
        wrong, which is a separate fault.
    """

    keys: Keys
    line: str | None


def trail(keys: Iterable[Any]) -> str:
    """Return the path of a key at the beginning of messages."""
    return "/".join(printable(str(key)) for key in keys) or "top level"


def is_about(line: str, keys: Collection[Keys]) -> bool:
    """Return whether a fault is about the value of one of the keys, or about a part of it."""
    place = line.partition(": ")[0].split("/")
    return any(place[: len(one)] == [printable(str(key)) for key in one] for one in keys)


def listed(errors: Iterable[ErrorDetails], config: Mapping[str, Any]) -> list[Fault]:
    """Return the faults that pydantic found in ``config``, in the order of their keys.

    All unknown keys of a section are reported in one fault.
    """
    found: list[Fault] = []
    unknown: dict[Keys, list[Any]] = {}
    for error in errors:
        keys = _keys(error["loc"])
        if error["type"] == "missing" and "inherits" in _rule_at(keys, config):
            found.append(Fault(keys, None))
        elif error["type"] == "extra_forbidden":
            if line := _stray_key(keys, config):
                found.append(Fault(keys, line))
            else:
                unknown.setdefault(keys[:-1], []).append(keys[-1])
        else:
            place, message = _in_words(keys, error)
            found.append(Fault(keys, f"{trail(place)}: {message}"))
    for section, names in unknown.items():
        known = ", ".join(sorted(_rule_at(section, config).get("properties", {})))
        listed = ", ".join(sorted(printable(str(name)) for name in names))
        line = f"{trail(section)}: unknown key {listed}; known here: {known}"
        found += [Fault((*section, name), line) for name in names]
    return sorted(found, key=lambda fault: [str(key) for key in fault.keys])


def _keys(loc: Iterable[int | str]) -> Keys:
    """Return the keys of a location of pydantic, without the tags of unions."""
    return tuple(key for key in loc if not (isinstance(key, str) and key[:1] == "<"))


def _rule_at(keys: Keys, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the rule for the value under ``keys``; the first rule of several alternatives."""
    rule: Mapping[str, Any] = rules()
    value: Any = config
    for key in keys:
        inner = inner_rule(rule, value, key)
        value = value[key] if _has(value, key) else None
        if inner is None:
            return {}
        rule = next(iter(alternatives(inner, value)))
        rule = {**inner, **rule}
    return rule


def _has(holder: Any, key: Any) -> bool:
    if isinstance(holder, list):
        return isinstance(key, int) and key < len(holder)
    return isinstance(holder, dict) and key in holder


def _stray_key(keys: Keys, config: Mapping[str, Any]) -> str | None:
    """Return the fault of a key that only sources of other kinds have; None for other keys."""
    if len(keys) != 3 or keys[0] != "sources" or not (kinds := kinds_with(keys[2])):
        return None
    kind = config["sources"][keys[1]].get("kind", "files")
    if keys[2] != "path" and keys[2] in FileSource.model_fields:
        return f"{trail(keys)}: a source of kind {kind} has no file; drop the key"
    return f"{trail(keys)}: only for kind {' and '.join(kinds)}; drop it, or change `kind`"


def _in_words(keys: Keys, error: ErrorDetails) -> tuple[Keys, str]:
    """Return the keys that a message begins with, and the message."""
    value, kind, about = error["input"], error["type"], error.get("ctx", {})
    shown = str(value).lower() if isinstance(value, bool) else shortened(repr(value))
    if keys and keys[-1] == "[key]":
        keys = keys[:-2]
    if kind == "fault":
        return keys, about["message"]
    if kind == "missing":
        return _missing(keys, value)
    if value is None or kind == "nothing":
        return keys, "has no value; give it one, or drop the key"
    if kind == "union_tag_invalid":
        return _no_form(keys, value, about["expected_tags"])
    if kind in _TYPES:
        return keys, f"{shown} is not {_TYPES[kind]}"
    if kind == "literal_error":
        expected = about["expected"].replace(" or ", ", ")
        return keys, f"{shown} is not one of [{expected}]"
    if kind in ("too_short", "string_too_short") and not value:
        return keys, f"{shown} is empty; write at least {about['min_length']}"
    return keys, f"{shown} {_BOUNDS[kind](about) if kind in _BOUNDS else error['msg']}"


_BOUNDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "greater_than": lambda about: f"is not greater than {_number(about['gt'])}",
    "greater_than_equal": lambda about: f"is less than the minimum of {_number(about['ge'])}",
    "less_than_equal": lambda about: f"is greater than the maximum of {_number(about['le'])}",
    "too_short": lambda about: (
        f"is too short: it has {about['actual_length']} entries, and the minimum is "
        f"{about['min_length']}"
    ),
    "too_long": lambda about: (
        f"is too long: it has {about['actual_length']} entries, and the maximum is "
        f"{about['max_length']}"
    ),
    "string_too_long": lambda about: f"is too long: write at most {about['max_length']} characters",
}


def _number(bound: float) -> str:
    return str(int(bound)) if float(bound).is_integer() else str(bound)


def _missing(keys: Keys, section: Any) -> tuple[Keys, str]:
    *above, key = keys
    if len(keys) == 3 and keys[0] == "sources":
        kind = section.get("kind", "files")
        return keys, f"missing; a source of kind {kind} needs it"
    return tuple(above), f"key {key} is missing; add it"


def _no_form(keys: Keys, value: Any, expected: str) -> tuple[Keys, str]:
    """Return the fault of a value whose form or kind is not one of the expected ones."""
    if len(keys) == 2 and keys[0] == "sources":
        if isinstance(value, dict):
            return (*keys, "kind"), f"{value['kind']!r} is not one of {list(SECTIONS)}"
        return keys, f"{shortened(repr(value))} is not {_TYPES['model_type']}"
    forms = " or ".join(tag.strip("'<>") for tag in expected.split(", "))
    return keys, f"{shortened(repr(value))} is not {forms}"
