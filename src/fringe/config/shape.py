"""A completed configuration next to its model: all faults, and what of it is right."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from fringe.config.messages import Fault, Keys, listed
from fringe.config.model import Config

__all__ = ["Checked", "check_shape"]

# What is taken for a key that the configuration must have where its value is wrong.
_PLACEHOLDERS = {"run": "run", "network": "?"}


class Checked(NamedTuple):
    """What `check_shape` finds.

    Parameters
    ----------
    config : Config or None
        The configuration without what is wrong; None if hardly anything is right.
    faults : list of str
        The faults, each beginning with its key.
    wrong : frozenset of tuple
        The keys of the values that are wrong, and not in ``config``.
    """

    config: Config | None
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
    rest = _copy(completed)
    lines: dict[str, None] = {}
    wrong: set[Keys] = set()
    while True:
        try:
            return Checked(Config.model_validate(rest), list(lines), frozenset(wrong))
        except ValidationError as error:
            found = listed(error.errors(include_url=False), rest)
        lines |= {
            fault.line: None
            for fault in found
            if fault.line is not None
            and not _follows(fault, wrong)
            and not any(_is_below(fault.keys, keys) for keys in inherited)
        }
        removed = [_remove(rest, one.keys) for one in found]
        if not all(removed):
            return Checked(None, list(lines), frozenset(wrong))
        wrong |= {keys for keys in removed if keys is not None}


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _follows(fault: Fault, wrong: set[Keys]) -> bool:
    """Return whether a fault is about what was left out, or about what contained that."""
    return any(_is_below(fault.keys, keys) or _is_below(keys, fault.keys) for keys in wrong)


def _is_below(keys: Keys, above: Keys) -> bool:
    return keys[: len(above)] == above


def _remove(config: dict[str, Any], keys: Keys) -> Keys | None:
    """Remove the value under ``keys``, in place, or else the section or list that contains it.

    Returns
    -------
    tuple or None
        The keys of what was removed; None if the configuration cannot be without it.
    """
    if keys[-1:] == ("[key]",):
        keys = keys[:-1]
    while keys:
        holder: Any = config
        for key in keys[:-1]:
            holder = holder[key] if isinstance(holder, dict) and key in holder else None
        if len(keys) == 1 and keys[0] in _PLACEHOLDERS:
            config[keys[0]] = _PLACEHOLDERS[keys[0]]
            return keys
        if isinstance(holder, dict) and keys[-1] in holder:
            del holder[keys[-1]]
            return keys
        keys = keys[:-1]
    return None
