"""Generators of docs/configuration.md and of the JSON Schema for editors (``fringe docs``)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fringe.config.file import DEEPEST, MOST_BYTES, MOST_VALUES, TEMPLATE
from fringe.config.rules import rules

__all__ = ["describe", "documented_keys", "json_schema"]

Rule = Mapping[str, Any]


def json_schema() -> str:
    """Return the JSON Schema of the configuration; editors use it to complete and check keys."""
    return json.dumps(rules(), indent=1, ensure_ascii=False) + "\n"


def describe() -> str:
    """Return the documentation of every configuration key as Markdown."""
    lines = [
        "# Configuration",
        "",
        "Generated from the models in `src/fringe/config/` by `fringe docs`; do not edit by hand.",
        "The same command writes `config/schema.json`. If the first line of a configuration names",
        "this file, editors complete and check its keys, for example",
        "`# yaml-language-server: $schema=schema.json` in a file in the same folder.",
        "",
        "`<name>` means a name of your choice. Unknown keys are errors. In a path, a leading `~`",
        "is expanded, and `fringe:` means the folder of the installed package. Variables such as",
        "`$SCRATCH` are not expanded, because they may have different values on different",
        "machines. YAML reads `256`, `2024-01-01` and `no` as a number, a date and false: put",
        "names like these in quotes. YAML reads `1e-3` as text: write `1.0e-3`.",
        "",
        f"A file has at most {MOST_BYTES:,} bytes and {MOST_VALUES:,} values; an alias (`*name`)",
        f"counts as all values that it refers to. Lists and mappings have at most {DEEPEST}",
        "levels. Names and texts have one line and no control characters. Snakemake runs the",
        f"Python code in a configuration with the key `{TEMPLATE}`, before Fringe can check the",
        "file. Therefore `fringe` refuses such a file and never starts Snakemake with it.",
        "",
        "The first table lists the keys of the whole run. Each section has a table of its own.",
        *_tables(),
    ]
    return "\n".join(lines) + "\n"


def documented_keys() -> Iterator[tuple[str, Rule, list[Rule]]]:
    """Yield the path of each key, its rule, and the rules of the sections that may have it.

    ``<name>`` means any name in the path. Sources have a section for each kind; a key that several
    kinds have is yielded once.
    """
    yield from _below([rules()], "")


def _below(sections: list[Rule], trail: str) -> Iterator[tuple[str, Rule, list[Rule]]]:
    for name in dict.fromkeys(name for one in sections for name in one.get("properties", {})):
        found = [one["properties"][name] for one in sections if name in one["properties"]]
        rule = found[0]
        if len(found) > 1 and all("const" in one for one in found):
            texts = " ".join(one["description"] for one in found)
            rule = {**rule, "enum": [one["const"] for one in found], "description": texts}
        yield f"{trail}{name}", rule, sections
        yield from _below([rule], f"{trail}{name}/")
        if isinstance(rule.get("additionalProperties"), dict):
            named = _sections(rule["additionalProperties"])
            yield from _below(named, f"{trail}{name}/<name>/")


def _sections(rule: Rule) -> list[Rule]:
    """Return the alternatives of a rule that have keys."""
    return [form for form in rule.get("anyOf", [rule]) if "properties" in form]


def _tables() -> Iterator[str]:
    """Yield the lines of a table for the keys of the run, and of one for each section."""
    tables: dict[str, list[str]] = {"": []}
    for key, rule, sections in documented_keys():
        name, inside, _ = key.partition("/")
        text = " ".join(rule["description"].split()).replace("|", "\\|")
        row = f"| `{key}` | {text} | {_type(rule)} | {_default(key, rule, sections)} |"
        tables.setdefault(name if inside else "", []).append(row)
    for name, rows in tables.items():
        title = f"The section `{name}`" if name else "Keys of the run"
        yield from (
            "",
            f"## {title}",
            "",
            "| key | meaning | type | default |",
            "|---|---|---|---|",
        )
        yield from rows


def _default(key: str, rule: Rule, sections: list[Rule]) -> str:
    """Return the default of a key, or the kinds of sources that require the key."""
    if "default" in rule and rule["default"] != {}:
        return f"`{json.dumps(rule['default'])}`"
    name = key.rpartition("/")[2]
    requiring = [section for section in sections if name in section.get("required", ())]
    if len(requiring) == len(sections):
        return "required"
    kinds = [section["properties"]["kind"]["const"] for section in requiring]
    return f"required for {', '.join(f'`{kind}`' for kind in kinds)}" if kinds else ""


def _type(rule: Rule) -> str:
    if "enum" in rule:
        return " or ".join(f"`{value}`" for value in rule["enum"])
    if "const" in rule:
        return f"`{rule['const']}`"
    if "anyOf" in rule:
        return " or ".join(map(_type, rule["anyOf"]))
    if "minimum" in rule and "maximum" in rule:
        return f"{rule['type']}, {rule['minimum']} to {rule['maximum']}"
    if "minimum" in rule:
        return f"{rule['type']}, at least {rule['minimum']}"
    if "exclusiveMinimum" in rule:
        return f"{rule['type']}, above {rule['exclusiveMinimum']}"
    return "path" if rule.get("format") == "path" else str(rule["type"])
