"""A completed configuration next to its model: all faults, and what of it is right."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from fringe.config.messages import Fault, Keys, listed
from fringe.config.model import Config
from fringe.config.rules import copied, inherited, rules

__all__ = ["Checked", "check_shape"]

# What is taken for a key that the configuration must have where its value is wrong. Sources and
# data sets are left out again when all the rest is checked.
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
    """What `check_shape` finds.

    Parameters
    ----------
    config : Config
        The configuration without what is wrong. What a data set inherits, and the run and its
        network, have another value instead.
    faults : list of str
        The faults, each beginning with its key.
    wrong : frozenset of tuple
        The keys of the values that are wrong, and not in ``config``.
    """

    config: Config
    faults: list[str]
    wrong: frozenset[Keys]


def check_shape(completed: Mapping[str, Any], inherited: Collection[Keys] = ()) -> Checked:
    """Return every fault of a completed configuration, except names that refer to nothing.

    Pydantic checks what several keys make together only where each key is right. So what is wrong
    is left out, and the rest is checked again until nothing is wrong.

    Parameters
    ----------
    completed : mapping
        The configuration with its defaults.
    inherited : collection of tuple
        The keys of values that were taken from elsewhere: a fault in them is one of their origin.
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
    """Return right values of the keys that data sets or comparisons take from elsewhere."""
    return {key: _default(origin) for key, origin in inherited(section).items()}


def _default(keys: str) -> Any:
    """Return the default under ``keys``, separated by ``/``; of a name ("") a title."""
    if not keys:
        return "untitled"
    rule = rules()
    for key in keys.split("/"):
        rule = rule["properties"][key]
    return rule["default"]


def _follows(fault: Fault, wrong: set[Keys]) -> bool:
    """Return whether a fault is about what was left out, or about what contained that."""
    return any(_is_below(fault.keys, keys) or _is_below(keys, fault.keys) for keys in wrong)


def _is_below(keys: Keys, above: Keys) -> bool:
    return keys[: len(above)] == above


def _remove(config: dict[str, Any], keys: Keys) -> Keys:
    """Remove the value under ``keys``, in place, or else the section or list that contains it.

    What cannot be missing gets another value.

    Returns
    -------
    tuple
        The keys of what was removed.
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
