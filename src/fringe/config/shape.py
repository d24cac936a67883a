"""Check of a completed configuration against its model: faults, and the valid part."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from fringe.config.messages import Fault, Keys, listed
from fringe.config.model import Config
from fringe.config.rules import copied, inherited, rules

__all__ = ["Checked", "check_shape"]

# Placeholders for required keys with wrong values. Placeholders of sources and data sets are
# removed after everything else is checked.
_PHOTOS = {"kind": "photos", "count": 2, "resolution": 8}
_PLACEHOLDERS: dict[str, Any] = {
    "run": "run",
    "network": "inception",
    "sources": {"photos": _PHOTOS},
    "datasets": {
        "photos": {
            **{"title": "photos", "real": "photos", "generated": "photos"},
            **{"n_real": 2, "n_generated": 2, "sizes": []},
        }
    },
}


class Checked(NamedTuple):
    """The result of `check_shape`.

    Parameters
    ----------
    config : Config
        The configuration without wrong values. Wrong values of `run`, `network` and inherited keys
        are replaced by placeholders.
    faults : list of str
        The faults. Each begins with its key.
    wrong : frozenset of tuple
        The keys of the wrong values, which are not in ``config``.
    """

    config: Config
    faults: list[str]
    wrong: frozenset[Keys]


def check_shape(completed: Mapping[str, Any], inherited: Collection[Keys] = ()) -> Checked:
    """Return every fault of a completed configuration, except names that refer to nothing.

    Pydantic checks combinations of keys only if each key is valid. Therefore wrong values are
    removed and the rest is checked again, until nothing is wrong.

    Parameters
    ----------
    completed : mapping
        The configuration with its defaults.
    inherited : collection of tuple
        The keys of inherited values. Their faults are reported only at their origin.
    """
    rest = copied(completed)
    lines: dict[str, None] = {}
    wrong: set[Keys] = set()
    while True:
        try:
            config = Config.model_validate(rest)
        except ValidationError as error:
            found = listed(error.errors(include_url=False), rest)
        else:
            empty: dict[str, Any] = {key: {} for key in ("sources", "datasets") if (key,) in wrong}
            return Checked(config.model_copy(update=empty), list(lines), frozenset(wrong))
        lines |= {
            fault.line: None
            for fault in found
            if fault.line is not None
            and not _follows(fault, wrong)
            and not any(_is_below(fault.keys, keys) for keys in inherited)
        }
        removed: set[Keys] = set()
        for one in found:
            if not any(_is_below(one.keys, keys) for keys in removed):
                removed.add(_remove(rest, one.keys))
        wrong |= removed


def _placeholders(section: str) -> dict[str, Any]:
    """Return valid values of the keys that data sets or comparisons inherit."""
    return {key: _default(origin) for key, origin in inherited(section).items()}


def _default(keys: str) -> Any:
    """Return the default of ``keys``, separated by ``/``; a title for "" (the section's name)."""
    if not keys:
        return "untitled"
    rule = rules()
    for key in keys.split("/"):
        rule = rule["properties"][key]
    return rule["default"]


def _follows(fault: Fault, wrong: set[Keys]) -> bool:
    """Return whether a fault is about a removed value, or about a section that contained it."""
    return any(_is_below(fault.keys, keys) or _is_below(keys, fault.keys) for keys in wrong)


def _is_below(keys: Keys, above: Keys) -> bool:
    return keys[: len(above)] == above


def _remove(config: dict[str, Any], keys: Keys) -> Keys:
    """Remove the value under ``keys`` in place, or the section or list that contains it.

    A required value is replaced by a placeholder.

    Returns
    -------
    tuple
        The keys of the removed value.
    """
    if keys[-1:] == ("[key]",):
        keys = keys[:-1]
    while keys:
        holder: Any = config
        for key in keys[:-1]:
            holder = holder[key] if isinstance(holder, dict) and key in holder else None
        if len(keys) == 1 and keys[0] in _PLACEHOLDERS:
            config[keys[0]] = copied(_PLACEHOLDERS[keys[0]])
            return keys
        if len(keys) == 3 and keys[0] in ("datasets", "comparisons") and isinstance(holder, dict):
            instead = _placeholders(keys[0])
            if keys[2] in instead and holder.get(keys[2]) != instead[keys[2]]:
                holder[keys[2]] = copied(instead[keys[2]])
                return keys
        if isinstance(holder, dict) and keys[-1] in holder:
            del holder[keys[-1]]
            return keys
        keys = keys[:-1]
    raise AssertionError("a configuration cannot be without its top level")
