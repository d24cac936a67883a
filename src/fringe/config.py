"""The configuration of a run: defaults filled in, and every fault found before a job starts."""

import copy
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import jsonschema
import yaml

from fringe.errors import FringeError

__all__ = ["complete", "describe", "duplicate_keys", "load_schema", "raise_faults"]

Config = dict[str, Any]


def load_schema(path: str | Path) -> Config:
    """Read the schema of the configuration (``config/schema.yaml``)."""
    return cast(Config, yaml.safe_load(Path(path).read_text()))


def complete(config: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[Config, list[str]]:
    """Return ``config`` with the schema's defaults filled in, and every fault of its own.

    A fault is a line that begins with the path of its key: keys that are unknown, missing or of
    the wrong type, and names that refer to nothing or mean two things. Files are not looked at.
    """
    completed = copy.deepcopy(dict(config))
    _fill_defaults(completed, schema)
    faults = _schema_faults(completed, schema)
    if not faults:  # names can be followed only where the shape is right
        faults = [*_source_faults(completed), *_reference_faults(completed)]
        for name, dataset in completed["datasets"].items():
            dataset.setdefault("title", name)
            for key in ("n_real", "n_generated", "sizes"):
                dataset.setdefault(key, copy.deepcopy(completed["evaluation"][key]))
    return completed, faults


def raise_faults(faults: Sequence[str]) -> None:
    """Raise one `FringeError` that lists all ``faults``, if there are any."""
    if faults:
        number = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        listed = "".join(f"\n  - {fault}" for fault in faults)
        raise FringeError(f"the configuration has {number}:{listed}")


def duplicate_keys(path: str | Path) -> list[str]:
    """Return a fault for each key that a YAML mapping in the file at ``path`` holds twice.

    YAML readers keep the last of them without a word, so a second data set of the same name
    would silently replace the first.
    """
    faults = []

    def visit(node: yaml.Node | None, trail: str) -> None:
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                name = f"{trail}{key.value}"
                if key.value in seen:
                    line = key.start_mark.line + 1
                    faults.append(f"{name}: stands twice ({path}, line {line}); rename or drop one")
                seen.add(key.value)
                visit(value, f"{name}/")
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                visit(value, f"{trail}{number}/")

    visit(yaml.compose(Path(path).read_text(), Loader=yaml.SafeLoader), "")
    return faults


def _fill_defaults(value: Any, schema: Mapping[str, Any]) -> None:
    """Fill ``value`` in place, also below keys that the user left out."""
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for key, rule in properties.items():
            if "default" in rule:
                value.setdefault(key, copy.deepcopy(rule["default"]))
        for key, item in value.items():
            rule = properties.get(key, schema.get("additionalProperties"))
            if isinstance(rule, Mapping):
                _fill_defaults(item, rule)


def _schema_faults(config: Config, schema: Mapping[str, Any]) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(validator.iter_errors(config), key=lambda error: list(map(str, error.path)))
    return [
        f"{'/'.join(map(str, error.absolute_path)) or 'top level'}: {_plain(error)}"
        for error in errors
    ]


def _plain(error: jsonschema.ValidationError) -> str:
    """Say what is wrong and what would be right, without the value's whole text."""
    rule = cast(Mapping[str, Any], error.schema)
    if error.validator == "additionalProperties" and "properties" in rule:
        known = rule["properties"]
        unknown = ", ".join(sorted(set(cast(Config, error.instance)) - set(known)))
        return f"unknown key {unknown}; known here: {', '.join(sorted(known))}"
    return str(error.message)


def _source_faults(config: Config) -> list[str]:
    faults = []
    for name, source in config["sources"].items():
        where = f"sources/{name}"
        if source["kind"] == "files":
            if "path" not in source:
                faults.append(f"{where}/path: missing; say which file or folder holds the images")
        else:
            faults += [
                f"{where}/{key}: missing; a source of kind {source['kind']} needs it"
                for key in ("count", "resolution")
                if key not in source
            ]
            if "path" in source:
                faults.append(f"{where}/path: only for kind files; drop it or the kind")
    batch, shard = config["extraction"]["batch_size"], config["extraction"]["shard_size"]
    if shard % batch:
        faults.append(
            f"extraction/shard_size: {shard} is not a multiple of extraction/batch_size ({batch})"
        )
    return faults


def _reference_faults(config: Config) -> list[str]:
    faults = []
    for name, dataset in config["datasets"].items():
        references = {key: dataset[key] for key in ("real", "generated")}
        references |= {f"snapshots/{i}": s for i, s in enumerate(dataset["snapshots"])}
        faults += [
            f"datasets/{name}/{key}: no source is named {source!r}; "
            f"sources are {', '.join(sorted(config['sources']))}"
            for key, source in references.items()
            if source not in config["sources"]
        ]
        if len(dataset["snapshots"]) in (1, 2):
            faults.append(
                f"datasets/{name}/snapshots: {len(dataset['snapshots'])} given; Figure 9 shows a "
                "correlation, which needs at least 3, or leave them out"
            )
    if config["network"] in config["controls"]:
        faults.append(
            f"controls: {config['network']} is the network of FID itself; a control must differ"
        )
    return faults


def describe(schema: Mapping[str, Any]) -> str:
    """Return the documentation of every configuration key as Markdown."""
    lines = [
        "# Configuration",
        "",
        "Made from `config/schema.yaml` by `python -m fringe.config`; do not edit by hand.",
        "`<name>` stands for a name of your choice. Unknown keys are errors.",
        "",
        "| key | type | default | meaning |",
        "|---|---|---|---|",
        *_rows(schema, ""),
        "",
    ]
    return "\n".join(lines)


def _rows(schema: Mapping[str, Any], trail: str) -> Iterable[str]:
    required = schema.get("required", [])
    for key, rule in schema.get("properties", {}).items():
        default = f"`{json.dumps(rule['default'])}`" if rule.get("default", {}) != {} else ""
        text = " ".join(rule["description"].split()).replace("|", "\\|")
        cells = (f"`{trail}{key}`", _type(rule), "required" if key in required else default, text)
        yield f"| {' | '.join(cells)} |"
        yield from _rows(rule, f"{trail}{key}/")
        if isinstance(rule.get("additionalProperties"), Mapping):
            yield from _rows(rule["additionalProperties"], f"{trail}{key}/<name>/")


def _type(rule: Mapping[str, Any]) -> str:
    if "enum" in rule:
        return " or ".join(f"`{value}`" for value in rule["enum"])
    if "minimum" in rule and "maximum" in rule:
        return f"{rule['type']}, {rule['minimum']} to {rule['maximum']}"
    if "minimum" in rule:
        return f"{rule['type']}, at least {rule['minimum']}"
    if "exclusiveMinimum" in rule:
        return f"{rule['type']}, above {rule['exclusiveMinimum']}"
    return str(rule["type"])


if __name__ == "__main__":
    sys.stdout.write(describe(load_schema("config/schema.yaml")))
