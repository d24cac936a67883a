"""The configuration of a run: defaults filled in, and every fault found before a job starts."""

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import jsonschema
import yaml

from fringe.config.file import (
    DEEPEST,
    MOST_BYTES,
    MOST_VALUES,
    TEMPLATE,
    Entry,
    duplicate_keys,
)
from fringe.config.schema import walk
from fringe.config.values import settle_values
from fringe.errors import FringeError
from fringe.files.paths import as_path, variable
from fringe.texts import is_plain, printable

__all__ = [
    "GRID",
    "compared_with",
    "complete",
    "describe",
    "grid_seeds",
    "items",
    "load_schema",
    "raise_faults",
    "refuse_names",
    "where_shaped",
]

Config = dict[str, Any]

# Keys whose values, or whose own keys, become parts of paths.
NAMING = {"run", "results", "weights_dir", "sources", "datasets", "comparisons"}

LONGEST_PATH, LONGEST_NAME = 3000, 255  # bytes, of a path and of each name in it
TOO_LONG = "is longer than file systems take; shorten it"

MOST_FAULTS = 100  # that are listed

LONGEST = 400  # characters of a message about one value

GRID = 5, 8  # rows and columns of Figure 11, as of the released code's

# What a source of each kind is made of, and what of it has no default.
SOURCE_KEYS = {
    "files": (
        *("path", "count", "resolution", "crop", "filter", "follow_links", "order", "seed"),
        *("strict", "select", "ignore"),
    ),
    "generator": ("path", "count", "seed", "truncation", "noise", "label", "fp16", "range"),
    "photos": ("count", "resolution", "seed"),
    "imitation": ("count", "resolution", "seed", "severity"),
}
REQUIRED_KEYS = {
    "files": ("path",),
    "generator": ("path", "count"),
    "photos": ("count", "resolution"),
    "imitation": ("count", "resolution"),
}


# What a source with a path says of where its file comes from.
ORIGIN_KEYS = ("url", "sha256", "licence", "size", "note", "unpack")


def load_schema(path: str | Path) -> Config:
    """Read the schema of the configuration (``config/schema.yaml``)."""
    # Every job reads it: libyaml, where PyYAML has it, takes a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return cast(Config, yaml.load(Path(path).read_text(), loader))


def complete(
    config: Mapping[str, Any], schema: Mapping[str, Any], entries: Sequence[Entry] = ()
) -> tuple[Config, list[str]]:
    """Return ``config`` with the schema's defaults filled in, and every fault of its own.

    A leading ``~`` is expanded in all paths, and relative paths of sources and masks are joined to
    ``data_dir``, so this is done once.

    ``entries`` are what the files behind ``config`` hold (`fringe.config.file.read_entries`); they
    tell lines and spellings.

    A fault is a line that begins with the path of its key: keys that are unknown, missing or of
    the wrong type, and names that refer to nothing or mean two things. Files are not looked at, but
    for a path that holds a variable such as ``$SCRATCH``: a fault, unless something has that name.
    """
    written: Config = _copy(config)
    faults = duplicate_keys(entries) + settle_values(written, schema, entries)
    completed: Config = _copy(written)
    _fill_defaults(completed, schema)
    _choose_sizing(written, completed)
    _join_lines(completed, schema)
    faults += _text_faults(completed, ())
    faults += _schema_faults(completed, schema)
    faults += where_shaped(faults, _settle_paths, completed, schema)
    faults += _length_faults(completed, schema)
    faults += where_shaped(faults, _case_faults, completed)
    for name, source in items(written, "sources"):  # as written: defaults are there for all kinds
        faults += where_shaped(faults, _stray_keys, name, source)
    for name, source in items(completed, "sources"):
        faults += where_shaped(faults, _source_faults, name, source)
    for name, dataset in items(completed, "datasets"):
        faults += where_shaped(faults, _dataset_faults, completed, name, dataset)
    for name, comparison in items(completed, "comparisons"):
        faults += where_shaped(faults, _comparison_faults, completed, name, comparison)
    for find in (
        *(_shard_faults, _control_faults, _convergence_faults, _sensitivity_faults),
        _label_faults,
    ):
        faults += where_shaped(faults, find, completed)
    return completed, faults


def items(config: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    """Return the names and values below ``key``; none where it is missing or no mapping."""
    value = config.get(key)
    return list(value.items()) if isinstance(value, Mapping) else []


def where_shaped(known: Sequence[str], find: Callable[..., Iterable[str]], *args: Any) -> list[str]:
    """Return the faults that ``find(*args)`` finds, or none where it cannot follow the config.

    Then the shape is wrong, and a fault that is ``known`` already says so. A `FringeError` is a
    fault like any other, unless one that is known says the same.
    """
    try:
        return list(find(*args))
    except FringeError as error:
        return [] if any(str(error) in fault for fault in known) else [str(error)]
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        if not known:
            raise
        return []


def refuse_names(faults: Sequence[str]) -> None:
    """Raise a `FringeError` that lists ``faults`` if one is about a name that paths are made of,
    or a path that is too long.

    To be called before any file is opened or written: such a path may lie anywhere.
    """
    if any(fault.partition(":")[0] in NAMING or fault.endswith(TOO_LONG) for fault in faults):
        raise_faults(faults)


def raise_faults(faults: Iterable[str], advice: str = "") -> None:
    """Raise one `FringeError` that lists all ``faults``, if any, and ends in ``advice``."""
    if told := list(faults):
        number = "1 fault" if len(told) == 1 else f"{len(told)} faults"
        listed = "".join(f"\n  - {fault}" for fault in told[:MOST_FAULTS])
        if len(told) > MOST_FAULTS:
            listed += f"\n  ... and {len(told) - MOST_FAULTS:,} more"
        ending = f"\n{advice}" if advice else ""
        raise FringeError(f"the configuration has {number}:{listed}{ending}")


def _copy(value: Any) -> Any:
    """Return a copy that shares nothing inside, as `copy.deepcopy` of YAML with anchors would."""
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


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


def _choose_sizing(written: Mapping[str, Any], completed: Config) -> None:
    """Drop the default size of shards where jobs are sized in minutes instead, in place."""
    asked = dict(items(written, "extraction"))
    if "minutes_per_job" in asked and "shard_size" not in asked:
        del completed["extraction"]["shard_size"]


def _settle_paths(config: Config, schema: Mapping[str, Any]) -> Iterable[str]:
    """Expand ``~`` and join the paths of data to ``data_dir``, in place; yield what is wrong."""
    variables = []
    for place in walk(config, schema):
        if not (place.is_path and isinstance(place.value, str)):
            continue
        if found := variable(place.value):
            variables.append((place, found))
        elif place.value.startswith("~"):
            try:
                place.replace(str(as_path(place.value)))
            except FringeError as error:
                yield f"{place.trail}: {error}"
    _start_from_data_dir(config)
    for place, found in variables:
        if not Path(place.value).exists():
            yield (
                f"{place.trail}: {place.value}: variables such as {found} are not expanded, since "
                "each machine may give them another value; write the whole path"
            )


def _length_faults(config: Config, schema: Mapping[str, Any]) -> Iterable[str]:
    """Yield the paths that are too long for a file system, with what is put behind them."""
    for place in walk(config, schema):
        if place.is_path and isinstance(place.value, str):
            path = place.value.encode("utf-8", "surrogateescape")
            if len(path) > LONGEST_PATH or max(map(len, path.split(b"/"))) > LONGEST_NAME:
                yield f"{place.trail}: {_shortened(place.value)} {TOO_LONG}"


def _start_from_data_dir(config: Config) -> None:
    """Join the paths of data to ``data_dir``, in place, where they are relative."""
    folder = config["data_dir"]
    for _, source in items(config, "sources"):
        for about in (source, *(given for _, given in items(source, "statistics"))):
            if "path" in about:
                about["path"] = str(Path(folder, about["path"]))
    for _, dataset in items(config, "datasets"):
        if isinstance(dataset.get("region"), str):
            dataset["region"] = str(Path(folder, dataset["region"]))


def _join_lines(config: Config, schema: Mapping[str, Any]) -> None:
    """Make one line of texts that may have several, in place: prose, such as notes."""
    for place in walk(config, schema):
        is_prose = any(rule.get("format") == "prose" for rule in place.rules)
        if is_prose and isinstance(place.value, str):
            place.replace(" ".join(place.value.split()))


def _text_faults(value: Any, trail: tuple[Any, ...]) -> Iterable[str]:
    """Yield names and texts with control characters, which would reach terminals and pages."""
    if isinstance(value, str) and not is_plain(value):
        yield _unprintable(trail, "the text", value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str) and not is_plain(key):
                yield _unprintable((*trail, key), "the name", key)
            yield from _text_faults(item, (*trail, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _text_faults(item, (*trail, number))


def _unprintable(trail: tuple[Any, ...], what: str, text: str) -> str:
    hint = "; where YAML has `>` or `|`, write `>-`" if text.endswith("\n") else ""
    return (
        f"{_trail(trail)}: {what} {text!r} holds line breaks, control characters or marks that "
        f"turn the direction of text; write it in one line without them{hint}"
    )


def _trail(keys: Iterable[Any]) -> str:
    """Return the path of a key as messages begin with it."""
    return "/".join(printable(str(key)) for key in keys) or "top level"


def _fits_whole(
    validator: Any, pattern: str, instance: Any, schema: Mapping[str, Any]
) -> Iterator[jsonschema.ValidationError]:
    """Yield an error unless a text fits ``pattern`` as a whole.

    jsonschema searches, and Python's ``$`` fits before a line break at the end.
    """
    if isinstance(instance, str) and not re.fullmatch(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"pattern": _fits_whole}
)


def _schema_faults(config: Config, schema: Mapping[str, Any]) -> list[str]:
    validator = _Validator(schema)
    errors = sorted(validator.iter_errors(config), key=lambda error: list(map(str, error.path)))
    return [f"{_trail(error.absolute_path)}: {_plain(error)}" for error in errors]


def _plain(error: jsonschema.ValidationError) -> str:
    """Say what is wrong and what would be right, without the value's whole text."""
    rule = cast(Mapping[str, Any], error.schema)
    if error.validator == "additionalProperties" and "properties" in rule:
        known = rule["properties"]
        unknown = ", ".join(sorted(map(printable, set(cast(Config, error.instance)) - set(known))))
        return f"unknown key {unknown}; known here: {', '.join(sorted(known))}"
    if error.instance is None and error.validator in ("type", "anyOf", "enum"):
        return "has no value; give it one, or drop the key"
    shown = _shortened(repr(error.instance))
    if error.validator == "pattern" and "words" in rule:
        return f"{shown} is not right: {rule['words']}{_like(str(error.instance), rule)}"
    if error.validator == "anyOf":
        found = [one for one in error.context or () if one.validator != "type"]
        kinds = " or ".join(_type(one) for one in rule["anyOf"])
        return _plain(found[0]) if len(found) == 1 else f"{shown} is not: {kinds}"
    return _shortened(str(error.message))


def _shortened(text: str) -> str:
    """Return a message without the middle of a value that is long."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"


def _like(name: str, rule: Mapping[str, Any]) -> str:
    """Return a name like one that is not right, as an example; "" if there is none."""
    plain = re.sub("[^A-Za-z0-9_.-]+", "-", name).strip("-_.")[: rule.get("maxLength")]
    for example in (plain, plain.lower(), re.sub("[^a-z0-9_-]+", "-", plain.lower())):
        if plain and re.fullmatch(rule["pattern"], example):
            return f"; for example {example}"
    return ""


def _case_faults(config: Config) -> Iterable[str]:
    """Yield the sources whose folders would be one folder where capitals do not matter."""
    seen: dict[str, str] = {}
    for name, _ in items(config, "sources"):
        before = seen.setdefault(name.casefold(), name)
        if before != name:
            yield (
                f"sources/{printable(name)}: differs from {printable(before)} only in capitals, "
                "and on some systems both would be one folder; rename one"
            )


def _stray_keys(name: str, source: Config) -> Iterable[str]:
    """Yield the keys of one source that its kind would not read."""
    kind = source.get("kind", "files")
    for key in sorted(set().union(*SOURCE_KEYS.values()) & set(source) - set(SOURCE_KEYS[kind])):
        kinds = " and ".join(kind for kind, keys in SOURCE_KEYS.items() if key in keys)
        yield f"sources/{name}/{key}: only for kind {kinds}; drop it, or say that kind"
    for key in ORIGIN_KEYS if "path" not in SOURCE_KEYS[kind] else ():
        if key in source:
            yield f"sources/{name}/{key}: images of kind {kind} have no file to get; drop it"


def _source_faults(name: str, source: Config) -> Iterable[str]:
    for key in REQUIRED_KEYS[source["kind"]]:
        if key not in source:
            yield f"sources/{name}/{key}: missing; a source of kind {source['kind']} needs it"
    if "url" in source and any(mark in source.get("path", "") for mark in "*?[{"):
        yield (
            f"sources/{name}/url: is the address of one file, but {source['path']} is a pattern of "
            "several; drop it, and say in `note` how to get them"
        )
    if "unpack" in source and "url" not in source:
        yield f"sources/{name}/unpack: a folder of the archive at `url`, which is missing; add it"


def _dataset_faults(config: Config, name: str, dataset: Config) -> Iterable[str]:
    """Yield the faults of one data set, and fill in what it takes from elsewhere."""
    dataset.setdefault("title", name)
    for key in ("n_real", "n_generated", "sizes"):
        dataset.setdefault(key, copy.deepcopy(config["evaluation"][key]))
    checks = dataset.get("checks", {})
    for network in checks.get("distances", {}):
        if network not in (config["network"], *config["controls"]):
            yield (
                f"datasets/{name}/checks/distances: {network} is neither `network` nor a control, "
                f"which are {', '.join((config['network'], *config['controls']))}"
            )
    if checks and not dataset["resample"]:
        yield f"datasets/{name}/checks: only of data sets that are resampled; drop one of the two"
    references = {key: dataset[key] for key in ("real", "generated")}
    references |= {f"snapshots/{i}": s for i, s in enumerate(dataset["snapshots"])}
    for key, source in references.items():
        if source not in config["sources"]:
            yield (
                f"datasets/{name}/{key}: no source is named {source!r}; "
                f"sources are {', '.join(sorted(config['sources']))}"
            )


def _comparison_faults(config: Config, name: str, comparison: Config) -> Iterable[str]:
    """Yield the faults of one comparison, and fill in its title."""
    comparison.setdefault("title", name)
    datasets = config["datasets"]
    missing = False
    for generator, dataset in comparison["generators"].items():
        if dataset not in datasets:
            missing = True
            yield (
                f"comparisons/{name}/generators/{generator}: no data set is named {dataset!r}; "
                f"data sets are {', '.join(sorted(datasets))}"
            )
    if missing:
        return
    if len(set(comparison["generators"].values())) == 1:
        yield f"comparisons/{name}/generators: both are the same data set; name two"
    for key in ("real", "n_real", "n_generated"):
        values = [datasets[dataset][key] for dataset in comparison["generators"].values()]
        if len(set(values)) > 1:
            yield (
                f"comparisons/{name}/generators: their data sets differ in `{key}` "
                f"({', '.join(map(str, values))}), so their distances do not compare; make it equal"
            )


def _shard_faults(config: Config) -> Iterable[str]:
    asked = config["extraction"]
    if "minutes_per_job" in asked:
        if "shard_size" in asked:
            yield (
                "extraction/minutes_per_job: given beside extraction/shard_size, and either says "
                "how large a shard is; drop one of the two"
            )
        return
    batch, shard = asked["batch_size"], asked["shard_size"]
    if shard % batch:
        yield f"extraction/shard_size: {shard} is not a multiple of extraction/batch_size ({batch})"


def _control_faults(config: Config) -> Iterable[str]:
    if config["network"] in config["controls"]:
        yield f"controls: {config['network']} is the network of FID itself; a control must differ"
    for name, dataset in config["datasets"].items():
        if config["network"] in dataset["alternatives"]:
            yield (
                f"datasets/{name}/alternatives: {config['network']} is the network of FID itself; "
                "an alternative must differ"
            )
    if not any(dataset["resample"] for dataset in config["datasets"].values()):
        yield "datasets: none is resampled; leave out `resample: false` of one at least"


def _convergence_faults(config: Config) -> Iterable[str]:
    resampled = [name for name, dataset in items(config, "datasets") if dataset["resample"]]
    for name in config["convergence"].get("datasets", []):
        if name not in resampled:
            yield (
                f"convergence/datasets: no data set that is resampled is named {name!r}; those are "
                f"{', '.join(resampled)}"
            )


def _sensitivity_faults(config: Config) -> Iterable[str]:
    asked = config["sensitivity"]
    resampled = [name for name, dataset in items(config, "datasets") if dataset["resample"]]
    for name in asked.get("datasets", []):
        if name not in resampled:
            yield (
                f"sensitivity/datasets: no data set that is resampled is named {name!r}; those are "
                f"{', '.join(resampled)}"
            )
    for network in asked["networks"]:
        if network not in config["controls"]:
            yield (
                f"sensitivity/networks: {network} is no control; the controls are "
                f"{', '.join(config['controls'])}"
            )
    for name, dataset in items(config, "datasets"):
        source = config["sources"].get(dataset["generated"], {})
        asked = {
            "examples/seeds": dataset.get("examples", {}).get("seeds", []),
            "grid/seed": grid_seeds(dataset.get("grid", {})),
        }
        for key, seeds in asked.items():
            if seeds and source.get("kind") == "files":
                yield (
                    f"datasets/{name}/{key}: {dataset['generated']} is a source of files, which "
                    "have no seeds; name `images` by index"
                )
            elif source.get("seed") in seeds:
                yield (
                    f"datasets/{name}/{key}: {source['seed']} is the seed of "
                    f"{dataset['generated']} itself, so its first image would be added to images "
                    "of which it is one; leave it out, or name `images` by index"
                )


def compared_with(config: Mapping[str, Any], generator: str) -> dict[str, str]:
    """Return the source of real images of each data set that a generator makes images for."""
    return {
        name: dataset["real"]
        for name, dataset in items(config, "datasets")
        if generator in (dataset["generated"], *dataset["snapshots"])
    }


def _label_faults(config: Config) -> Iterable[str]:
    for name, source in items(config, "sources"):
        if source["kind"] != "generator" or source.get("label") != "dataset":
            continue
        reals = compared_with(config, name)
        if len(set(reals.values())) > 1:
            told = ", ".join(f"{real} in {dataset}" for dataset, real in reals.items())
            yield (
                f"sources/{name}/label: `dataset` would mean the labels of several sources "
                f"({told}); name a source for each of them, which may have the same path"
            )
        if not reals and any(name == dataset["real"] for _, dataset in items(config, "datasets")):
            yield (
                f"sources/{name}/label: `dataset` means the labels of real images, and no data set "
                f"compares {name} with any; name a class, or say `uniform`"
            )
        for real in dict.fromkeys(reals.values()):
            if config["sources"].get(real, {}).get("kind", "files") != "files":
                yield (
                    f"sources/{name}/label: `dataset` means the labels of {real}, whose images are "
                    "made and have none; name a class, or say `uniform`"
                )


def grid_seeds(grid: Mapping[str, Any]) -> list[int]:
    """Return the seeds of a grid's images, of each of which it shows the first; none by index."""
    rows, columns = GRID
    return list(range(grid["seed"], grid["seed"] + rows * columns)) if "seed" in grid else []


def describe(schema: Mapping[str, Any]) -> str:
    """Return the documentation of every configuration key as Markdown."""
    lines = [
        "# Configuration",
        "",
        "Made from `config/schema.yaml` by `fringe docs`; do not edit by hand.",
        "`<name>` stands for a name of your choice. Unknown keys are errors. In a path, a leading",
        "`~` is expanded; variables such as `$SCRATCH` are not, since each machine may give them",
        "another value. YAML reads `256`, `2024-01-01` and `no` as a number, a date and false: put",
        "names like these in quotes. It reads `1e-3` as text: write `1.0e-3`.",
        "",
        f"A file has at most {MOST_BYTES:,} bytes and {MOST_VALUES:,} values, each alias (`*name`)",
        f"counted as all that it stands for, in at most {DEEPEST} lists and mappings inside each",
        "other. Names and texts are written in one line, without control characters. Snakemake",
        f"runs the Python code in a configuration that says `{TEMPLATE}`, before Fringe is asked:",
        "`make` and `fringe` refuse such a file and never start Snakemake on it.",
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
    if "const" in rule:
        return f"`{rule['const']}`"
    if "anyOf" in rule and "type" not in rule:
        return " or ".join(map(_type, rule["anyOf"]))
    if "minimum" in rule and "maximum" in rule:
        return f"{rule['type']}, {rule['minimum']} to {rule['maximum']}"
    if "minimum" in rule:
        return f"{rule['type']}, at least {rule['minimum']}"
    if "exclusiveMinimum" in rule:
        return f"{rule['type']}, above {rule['exclusiveMinimum']}"
    return "path" if rule.get("format") == "path" else str(rule["type"])
