"""The rules of the configuration as a JSON Schema, and the rules for each value."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, cast

from fringe.config.fields import SUPPLIED
from fringe.config.model import Config

__all__ = ["Place", "alternatives", "copied", "inherited", "inner_rule", "rules", "walk"]

Rule = Mapping[str, Any]

# Names of pydantic that differ from the names of JSON Schema.
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum"}


class Place(NamedTuple):
    """A value of a configuration, its path, and its rules.

    Parameters
    ----------
    keys : tuple
        The path of the value: keys, and numbers of entries in lists.
    holder : dict or list
        The mapping or list with the value under the last key, so that the value can be replaced.
    rules : list of mapping
        Parts of the JSON Schema; the value must follow one of these rules.
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
        """The path of the value in messages."""
        return "/".join(map(str, self.keys))

    @property
    def types(self) -> set[str]:
        """The allowed types of the value in JSON Schema, without the types of constants."""
        return {rule["type"] for rule in self.rules if "type" in rule and not _is_constant(rule)}

    @property
    def is_path(self) -> bool:
        """Whether text here is a path."""
        return any(rule.get("format") == "path" for rule in self.rules)

    def replace(self, value: Any) -> None:
        """Replace the value."""
        self.holder[self.keys[-1]] = value


def _is_constant(rule: Rule) -> bool:
    return "enum" in rule or "const" in rule


@cache
def rules() -> Rule:
    """Return the JSON Schema of the configuration without references."""
    schema = Config.model_json_schema()
    plain = cast(dict[str, Any], _simplified(schema, schema["$defs"]))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **plain}


def inherited(section: str) -> dict[str, str]:
    """Return the keys of a section's entries that inherit a value, and the origin of the value."""
    keys = rules()["properties"][section]["additionalProperties"]["properties"]
    return {key: rule["inherits"] for key, rule in keys.items() if "inherits" in rule}


def copied(value: Any) -> Any:
    """Return a deep copy; mappings and lists that YAML aliases share are copied separately."""
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def _simplified(rule: dict[str, Any], definitions: Mapping[str, Any]) -> Any:
    """Return a rule of pydantic's schema without references, titles and empty values."""
    if "$ref" in rule:
        name = rule["$ref"].rpartition("/")[2]
        rule = {**definitions[name], **{key: rule[key] for key in rule if key != "$ref"}}
    found = {_BOUNDS.get(key, key): value for key, value in rule.items()}
    if isinstance(found.get("title"), str):
        del found["title"]
    if "patternProperties" in found:
        ((pattern, values),) = found.pop("patternProperties").items()
        found["propertyNames"] = {"pattern": pattern, **found.get("propertyNames", {})}
        found["additionalProperties"] = values
    for key in ("anyOf", "oneOf"):
        forms = [form for form in found.pop(key, ()) if form.get("type") != "null"]
        if len(forms) == 1:
            found = {**_simplified(forms[0], definitions), **found}
        elif forms:
            found["anyOf"] = [_simplified(form, definitions) for form in forms]
    if found.get("default", 0) is None:
        del found["default"]
    for key in ("items", "additionalProperties", "propertyNames"):
        if isinstance(found.get(key), dict):
            found[key] = _simplified(found[key], definitions)
    if "properties" in found:
        inner = {key: _simplified(one, definitions) for key, one in found["properties"].items()}
        found["properties"] = inner
        required = [
            key
            for key in found.get("required", ())
            if "inherits" not in inner[key] and SUPPLIED not in inner[key]
        ]
        found.pop("required", None)
        if required:
            found["required"] = required
        if "default" in found:
            found["default"] = {}  # the keys of the section have defaults
    found.pop("$defs", None)
    return found


def walk(config: Any) -> Iterator[Place]:
    """Yield every value of ``config`` that has rules, outer values first."""
    yield from _below(config, [rules()], ())


def _below(holder: Any, outer: list[Rule], keys: tuple[Any, ...]) -> Iterator[Place]:
    for key in list(_keys(holder)):
        inner = [inner_rule(rule, holder, key) for rule in outer]
        found = [
            one for rule in inner if rule is not None for one in alternatives(rule, holder[key])
        ]
        if found:
            yield Place((*keys, key), holder, found)
            yield from _below(holder[key], found, (*keys, key))


def _keys(holder: Any) -> Any:
    if isinstance(holder, dict):
        return holder
    return range(len(holder)) if isinstance(holder, list) else ()


def inner_rule(rule: Rule, holder: Any, key: Any) -> Rule | None:
    """Return the rule for the value under ``key`` of a mapping or list."""
    if isinstance(holder, list):
        child = rule.get("items")
    else:
        child = rule.get("properties", {}).get(key, rule.get("additionalProperties"))
    return child if isinstance(child, Mapping) else None


def alternatives(rule: Rule, value: Any) -> Iterator[Rule]:
    """Yield the alternative rules of a value; for sources, only the rule of the value's kind."""
    forms = rule.get("anyOf", ())
    if not forms:
        yield rule
    fitting = [form for form in forms if _is_of_kind(form, value)]
    for form in fitting or forms:
        yield from alternatives(form, value)


def _is_of_kind(rule: Rule, value: Any) -> bool:
    kind = rule.get("properties", {}).get("kind")
    if kind is None or not isinstance(value, Mapping):
        return True
    return bool(value.get("kind", kind.get("default")) == kind["const"])
