"""Completion of a configuration: fill in defaults, and find all faults before a job starts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fringe.config.fields import shortened
from fringe.config.file import Entry, duplicate_keys, read_config, read_entries
from fringe.config.messages import Keys, trail
from fringe.config.model import RunConfig
from fringe.config.published import settle_published
from fringe.config.references import reference_faults
from fringe.config.rules import alternatives, copied, inherited, inner_rule, rules, walk
from fringe.config.shape import check_shape
from fringe.config.values import settle_values
from fringe.errors import FringeError
from fringe.files.paths import OWN, as_path, variable
from fringe.scores.named_protocols import PROTOCOL_NAMES, named_protocol
from fringe.texts import is_plain

__all__ = [
    "Completed",
    "complete",
    "complete_file",
    "raise_faults",
    "refuse_names",
    "where_named",
]

# Keys whose values or subkeys become parts of paths.
NAMING = {"run", "results", "weights_dir", "sources", "datasets", "comparisons"}

LONGEST_PATH, LONGEST_NAME = 3000, 255  # maximum bytes of a path and of each name in it
TOO_LONG = "is longer than file systems allow; shorten it"

MOST_FAULTS = 100  # number of faults that a message lists


class Completed(NamedTuple):
    """The result of `complete`.

    Parameters
    ----------
    config : RunConfig
        The configuration with defaults, and without wrong values.
    faults : list of str
        The faults. Each begins with its key.
    wrong : frozenset of tuple
        The keys of the wrong values, which are not in ``config``.
    """

    config: RunConfig
    faults: list[str]
    wrong: frozenset[Keys]


def complete(config: Mapping[str, Any], entries: Sequence[Entry] = ()) -> Completed:
    """Return ``config`` with defaults, and all faults that can be found without sources.

    A leading ``~`` is expanded in all paths, and relative paths of sources and masks are joined to
    ``data_dir``, so a configuration must be completed only once. A source or file that is named
    ``published:<name>`` gets the path, address and digest of that entry of the catalogue.

    ``entries`` are the entries of the files of ``config`` (`fringe.config.file.read_entries`), with
    their lines and spellings.

    A fault is a line that begins with the path of its key. Faults are unknown keys, missing keys,
    values of a wrong type, and names that refer to nothing or to two things. Files are not checked,
    except for a path with a variable such as ``$SCRATCH``, which is a fault unless a file has this
    name.
    """
    completed: dict[str, Any] = copied(config)
    faults = duplicate_keys(entries) + settle_values(completed, entries)
    faults += settle_published(completed)
    _follow_protocol(completed)
    _fill_defaults(completed, rules())
    inherited = _inherit(completed)
    _join_lines(completed)
    faults += _text_faults(completed, ())
    checked = check_shape(completed, inherited)
    faults += _unknown_yet(checked.faults, faults)
    faults += _settle_paths(completed)
    faults += _length_faults(completed)
    right = check_shape(completed, inherited).config  # with its paths settled
    faults += reference_faults(right, completed, checked.wrong)
    return Completed(RunConfig.model_construct(**dict(right)), faults, checked.wrong)


def complete_file(path: Path) -> RunConfig:
    """Return the completed configuration in a file.

    Raises
    ------
    FringeError
        If the file cannot be read, or the configuration has faults.
    """
    completed = complete(read_config(path), read_entries(path))
    raise_faults(completed.faults, [path])
    return completed.config


def _unknown_yet(found: Iterable[str], known: Sequence[str]) -> list[str]:
    """Return the faults in ``found``, without keys whose number is known not to be finite."""
    odd = {fault.partition(": ")[0] for fault in known if fault.endswith("write a finite one")}
    return [fault for fault in found if fault.partition(": ")[0] not in odd]


def items(config: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    """Return the names and values below ``key``; none if it is missing or not a mapping."""
    value = config.get(key)
    return list(value.items()) if isinstance(value, Mapping) else []


def where_named(known: Sequence[str], find: Callable[..., Iterable[str]], *args: Any) -> list[str]:
    """Return the faults of ``find(*args)``; none if a name refers to nothing.

    In that case, a ``known`` fault already reports the name. A `FringeError` is returned as a
    fault, unless a known fault contains the same message.
    """
    try:
        return list(find(*args))
    except FringeError as error:
        return [] if any(str(error) in fault for fault in known) else [str(error)]
    except KeyError:
        if not known:
            raise
        return []


def refuse_names(faults: Sequence[str], files: Iterable[Path] = ()) -> None:
    """Raise a `FringeError` with all ``faults`` if a name for paths is wrong, or a path too long.

    Call this before any file is opened or written, because such a path could be anywhere.
    """
    if any(fault.partition(":")[0] in NAMING or fault.endswith(TOO_LONG) for fault in faults):
        raise_faults(faults, files)


def raise_faults(faults: Iterable[str], files: Iterable[Path] = (), advice: str = "") -> None:
    """Raise a `FringeError` that lists all ``faults``, if there are any.

    The message begins with the ``files`` of the configuration and ends with ``advice``.
    """
    if found := list(faults):
        number = "1 fault" if len(found) == 1 else f"{len(found)} faults"
        listed = "".join(f"\n  - {fault}" for fault in found[:MOST_FAULTS])
        if len(found) > MOST_FAULTS:
            listed += f"\n  ... and {len(found) - MOST_FAULTS:,} more"
        ending = f"\n{advice}" if advice else ""
        named = ", ".join(map(str, files))
        place = f"{named}: " if named else ""
        raise FringeError(f"{place}the configuration has {number}:{listed}{ending}")


def _follow_protocol(config: dict[str, Any]) -> None:
    """Fill in missing keys from the protocol that a configuration names, in place.

    A network that the user sets as ``network`` is removed from the protocol's controls.
    """
    if (name := config.get("protocol")) not in PROTOCOL_NAMES:
        return
    supplied = dict(named_protocol(name).defaults)
    controls = [one for one in supplied.pop("controls", ()) if one != config.get("network")]
    _fill_missing(config, supplied | ({"controls": controls} if controls else {}))


def _fill_missing(config: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(inner := config.setdefault(key, {}), dict):
            _fill_missing(inner, value)
        elif not isinstance(value, Mapping):
            config.setdefault(key, copied(value))


def _fill_defaults(value: Any, rule: Mapping[str, Any]) -> None:
    """Fill in defaults in ``value``, in place, also below missing keys."""
    if not isinstance(value, dict):
        return
    for key, inner in rule.get("properties", {}).items():
        if "default" in inner:
            value.setdefault(key, copied(inner["default"]))
    for key, item in value.items():
        child = inner_rule(rule, value, key)
        for form in alternatives(child, item) if child is not None else ():
            _fill_defaults(item, form)


def _inherit(config: dict[str, Any]) -> set[Keys]:
    """Fill in the inherited values of data sets and comparisons, in place; return their keys."""
    filled = set()
    for section in ("datasets", "comparisons"):
        for name, entry in items(config, section):
            for key, origin in inherited(section).items():
                if isinstance(entry, dict) and key not in entry:
                    value = _value_at(config, origin) if origin else name
                    if value is not None:
                        entry[key] = copied(value)
                        filled.add((section, name, key))
    return filled


def _value_at(config: dict[str, Any], keys: str) -> Any:
    """Return the value under ``keys``, separated by ``/``; None if there is no value."""
    value: Any = config
    for key in keys.split("/"):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _settle_paths(config: dict[str, Any]) -> Iterable[str]:
    """Expand paths, and join paths of data to ``data_dir``, in place; yield faults."""
    variables = []
    for place in walk(config):
        if not (place.is_path and isinstance(place.value, str)):
            continue
        if found := variable(place.value):
            variables.append((place, found))
        elif place.value.startswith(("~", OWN)):
            try:
                place.replace(str(as_path(place.value)))
            except FringeError as error:
                yield f"{place.trail}: {error}"
    _start_from_data_dir(config)
    for place, found in variables:
        if not Path(place.value).exists():
            yield (
                f"{place.trail}: {place.value}: variables such as {found} are not expanded, "
                "because they may have different values on different machines; write the whole path"
            )


def _length_faults(config: dict[str, Any]) -> Iterable[str]:
    """Yield the paths that are too long for file systems, with the names that Fringe appends."""
    for place in walk(config):
        if place.is_path and isinstance(place.value, str):
            path = place.value.encode("utf-8", "surrogateescape")
            if len(path) > LONGEST_PATH or max(map(len, path.split(b"/"))) > LONGEST_NAME:
                yield f"{place.trail}: {shortened(place.value)} {TOO_LONG}"


def _start_from_data_dir(config: dict[str, Any]) -> None:
    """Join the paths of data to ``data_dir``, in place, where they are relative."""
    folder = config["data_dir"]
    for place in walk(config):
        is_data = place.keys[0] in ("sources", "datasets") and place.is_path
        if is_data and isinstance(place.value, str) and place.value and isinstance(folder, str):
            place.replace(str(Path(folder, place.value)))


def _join_lines(config: dict[str, Any]) -> None:
    """Join the lines of prose, such as notes, in place."""
    for place in walk(config):
        is_prose = any(rule.get("format") == "prose" for rule in place.rules)
        if is_prose and isinstance(place.value, str):
            place.replace(" ".join(place.value.split()))


def _text_faults(value: Any, keys: tuple[Any, ...]) -> Iterable[str]:
    """Yield names and texts with control characters, which would reach terminals and pages."""
    if isinstance(value, str) and not is_plain(value):
        yield _unprintable(keys, "the text", value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str) and not is_plain(key):
                yield _unprintable((*keys, key), "the name", key)
            yield from _text_faults(item, (*keys, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _text_faults(item, (*keys, number))


def _unprintable(keys: tuple[Any, ...], what: str, text: str) -> str:
    hint = "; in YAML, write `>-` instead of `>` or `|`" if text.endswith("\n") else ""
    return (
        f"{trail(keys)}: {what} {text!r} holds line breaks, control characters or marks that "
        f"change the direction of text; write it in one line without them{hint}"
    )
