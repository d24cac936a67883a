"""A configuration beside its schema: each value with the rules that the schema has for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["Place", "walk"]

Rule = Mapping[str, Any]


class Place(NamedTuple):
    """A value of a configuration, where it is, and the rules of which it must follow one.

    Parameters
    ----------
    keys : tuple
        The keys that lead to the value; the numbers of entries in lists.
    holder : dict or list
        What holds the value under the last key, so that it can be replaced.
    rules : list of mapping
        Parts of the schema.
    """

    keys: tuple[Any, ...]
    holder: Any
    rules: list[Rule]

    @property
    def value(self) -> Any:
        """The value."""
        return self.holder[self.keys[-1]]

    @property
    def trail(self) -> str:
        """The keys as messages write them."""
        return "/".join(map(str, self.keys))

    @property
    def types(self) -> set[str]:
        """The types that the value may have, as JSON Schema calls them."""
        told = [rule["type"] for rule in self.rules if "type" in rule]
        return {name for one in told for name in ([one] if isinstance(one, str) else one)}

    @property
    def is_path(self) -> bool:
        """Whether text here is a path."""
        return any(rule.get("format") == "path" for rule in self.rules)

    def replace(self, value: Any) -> None:
        """Put another value in the place of this one."""
        self.holder[self.keys[-1]] = value


def walk(config: Any, schema: Rule) -> Iterator[Place]:
    """Yield every value below ``config`` that the schema has rules for, outer ones first."""
    yield from _below(config, [schema], schema, ())


def _below(holder: Any, rules: list[Rule], schema: Rule, keys: tuple[Any, ...]) -> Iterator[Place]:
    for key in list(_keys(holder)):
        found = [one for rule in rules for one in _rules(rule, holder, key, schema)]
        if found:
            yield Place((*keys, key), holder, found)
            yield from _below(holder[key], found, schema, (*keys, key))


def _keys(holder: Any) -> Any:
    if isinstance(holder, dict):
        return holder
    return range(len(holder)) if isinstance(holder, list) else ()


def _rules(rule: Rule, holder: Any, key: Any, schema: Rule) -> Iterator[Rule]:
    if isinstance(holder, list):
        child = rule.get("items")
    else:
        child = rule.get("properties", {}).get(key, rule.get("additionalProperties"))
    if isinstance(child, Mapping):
        yield from _alternatives(child, schema)


def _alternatives(rule: Rule, schema: Rule) -> Iterator[Rule]:
    yield rule
    for one in rule.get("anyOf", ()):
        yield from _alternatives(one, schema)
    if "$ref" in rule:
        found = schema
        for key in rule["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        yield from _alternatives(found, schema)
