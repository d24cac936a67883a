"""Readers of configuration files, JSON or YAML, with the spelling and line of each value."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import yaml

from fringe.errors import FringeError
from fringe.files.reasons import unreadable
from fringe.files.regular import read_regular

__all__ = ["Entry", "duplicate_keys", "read_config", "read_entries"]

# A few lines of YAML may expand to more values than fit into memory, because an alias repeats all
# values of its anchor. These limits are far above the needs of a configuration.
MOST_BYTES = 1 << 20
MOST_VALUES = 100_000
DEEPEST = 50  # levels of mappings and lists
LONGEST_NUMBER = 40  # characters

# Messages of the YAML parser, their meaning in a configuration, and the fix.
PROBLEMS = {
    r"'\t'": ("a tab, where YAML allows only spaces", "replace it by spaces"),
    "while scanning an alias": ("a * outside quotes", 'put patterns in quotes, as in "*.jpg"'),
    "could not find expected ':'": (
        "a key without a value",
        "write a colon and a space after each key",
    ),
    "mapping values are not allowed": (
        "a second colon, or a key that is indented too far",
        "put a text with a colon in quotes, and start the keys of a section in the same column",
    ),
    "but found another document": (
        "a second document begins",
        "keep one document, and remove `---` after its beginning",
    ),
    "could not determine a constructor": ("a tag, which begins with `!`", "remove the tag"),
    "expected <block end>": (
        "a line that begins in another column than the lines before it",
        "start the keys of a section in the same column",
    ),
}

TEMPLATE = "__use_yte__"  # makes Snakemake run the Python code in a configuration


class Entry(NamedTuple):
    """A key of a configuration, or an entry of a list, as it is written in a file.

    Parameters
    ----------
    names : tuple
        The path of the entry: keys as they are spelled, and numbers of entries in lists.
    key : object
        The last key as it was parsed.
    text : str or None
        The value as it is spelled; None for mappings and lists.
    value : object
        The value as it was parsed; None for mappings and lists.
    place : str
        The file, and the line of the key if it is known.
    again : bool
        Whether the same mapping already had this key.
    """

    names: tuple[str | int, ...]
    key: Any
    text: str | None
    value: Any
    place: str
    again: bool = False

    @property
    def trail(self) -> str:
        """The path of the entry in messages."""
        return "/".join(map(str, self.names))


def read_config(path: Path) -> dict[str, Any]:
    """Return the configuration in a file as Snakemake reads it: JSON, otherwise YAML.

    Raises
    ------
    FringeError
        If the file does not exist, is not in UTF-8, is neither JSON nor YAML, has no keys, or
        exceeds the limits of this module; or if it makes Snakemake run code (`TEMPLATE`).
    """
    text = _text(path)
    with _parsing(path):
        if (found := _from_json(text, path)) is None:
            loader = _Loader(text)
            node = _bounded_node(loader, path)
            found = None if node is None else loader.construct_document(node)
    if not isinstance(found, dict):
        raise FringeError(f"{path}: holds no keys; see docs/configuration.md")
    _refuse_template(found, path)
    return cast(dict[str, Any], found)


def read_entries(path: Path) -> list[Entry]:
    """Return all entries of a configuration file, in order.

    Raises
    ------
    FringeError
        As in `read_config`.
    """
    text = _text(path)
    with _parsing(path):
        if _from_json(text, path) is None:
            loader = _Loader(text)
            entries = list(_yaml_entries(_bounded_node(loader, path), (), loader, path))
            _refuse_template([entry.names[0] for entry in entries], path)
            return entries
        return list(_json_entries(json.loads(text, object_pairs_hook=_Pairs), (), path))


def duplicate_keys(entries: Iterable[Entry]) -> list[str]:
    """Return a fault for each duplicate key of a mapping in a file.

    Parsers silently keep the last duplicate, so a second data set with the same name would replace
    the first.
    """
    return [
        f"{entry.trail}: duplicate key ({entry.place}); rename or drop one"
        for entry in entries
        if entry.again
    ]


def _refuse_template(keys: Container[Any], path: Path) -> None:
    if TEMPLATE in keys:
        raise FringeError(
            f"{path}: contains `{TEMPLATE}`, which makes Snakemake run the Python code in a "
            "configuration; write the values themselves, and drop that key"
        )


def _text(path: Path) -> str:
    try:
        content = read_regular(path, MOST_BYTES)
    except OSError as error:
        why = unreadable(error) or f"cannot be read ({error}); correct the path"
        if isinstance(error, FileNotFoundError):
            why = "does not exist; give the path of a configuration"
        raise FringeError(f"{path}: {why}") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FringeError(f"{path}: is in UTF-16; save it as UTF-8")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FringeError(
            f"{path}: line {line} is not in UTF-8 (byte 0x{content[error.start]:02x}); save the "
            "file as UTF-8"
        ) from None


class _Loader(yaml.SafeLoader):
    """A YAML loader that reports the line of an invalid date."""


def _construct_date(loader: _Loader, node: yaml.ScalarNode) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError as error:
        problem = f"{node.value} is read as a date ({error}); put it in quotes"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _construct_date)


def _from_json(text: str, path: Path) -> Any:
    """Return the value of a JSON text within the limits; None if the text is not JSON."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    waiting = [(found, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, dict | list):
            if depth > DEEPEST:
                raise _too_deep(path)
            inner = value.values() if isinstance(value, dict) else value
            waiting += [(item, depth + 1) for item in inner]
        elif isinstance(value, int) and abs(value) >= 10**LONGEST_NUMBER:
            raise FringeError(f"{path}: holds a number with too many digits; correct it")
    return found


def _bounded_node(loader: _Loader, path: Path) -> yaml.Node | None:
    """Return the root node of a YAML file within the limits, before values are constructed."""
    node = loader.get_single_node()
    size, _ = (0, 0) if node is None else _extent(node, path, 1, {})
    if size > MOST_VALUES:
        raise FringeError(
            f"{path}: has more than {MOST_VALUES:,} values, where an alias (`*name`) counts as all "
            "values that it refers to; write only the values that the run needs"
        )
    return node


def _extent(
    node: yaml.Node, path: Path, depth: int, known: dict[int, tuple[int, int]]
) -> tuple[int, int]:
    """Return the number of values of a node with its aliases expanded, and its depth.

    ``known`` has the results of earlier nodes, so that a node with many aliases is visited once.
    """
    if isinstance(node, yaml.ScalarNode):
        if node.tag.endswith((":int", ":float")) and len(node.value) > LONGEST_NUMBER:
            raise FringeError(
                f"{path}, line {node.start_mark.line + 1}: {node.value[:LONGEST_NUMBER]}... is a "
                "number with too many digits; put it in quotes if it is a text"
            )
        return 1, 1
    if id(node) not in known:
        if depth > DEEPEST:
            raise _too_deep(path)
        inner = node.value
        if isinstance(node, yaml.MappingNode):
            inner = [one for pair in node.value for one in pair]
        found = [_extent(one, path, depth + 1, known) for one in inner]
        size = 1 + sum(size for size, _ in found)
        known[id(node)] = size, 1 + max((height for _, height in found), default=0)
    size, height = known[id(node)]
    if depth + height > DEEPEST + 2:
        raise _too_deep(path)
    return size, height


def _too_deep(path: Path) -> FringeError:
    return FringeError(
        f"{path}: has more than {DEEPEST} levels of lists and mappings, or a list or mapping that "
        "contains itself; write only the values that the run needs"
    )


@contextmanager
def _parsing(path: Path) -> Iterator[None]:
    try:
        yield
    except FringeError:
        raise
    except RecursionError:
        raise _too_deep(path) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        problem = error.problem or str(error)
        said = f"{error.context}: {problem}"
        known = (plain for words, plain in PROBLEMS.items() if words in said)
        problem, fix = next(known, (problem, "correct it"))
        raise FringeError(f"{path}: is not YAML ({line}{problem}); {fix}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise FringeError(f"{path}: is not YAML ({error}); correct it") from None


class _Pairs(list[tuple[str, Any]]):
    """A JSON object that keeps duplicate keys."""


def _json_entries(value: Any, names: tuple[str | int, ...], path: Path) -> Iterator[Entry]:
    seen = set()
    for key, item in value if isinstance(value, _Pairs) else _numbered(value):
        scalar = None if isinstance(item, list) else item
        text = None if isinstance(item, list) else json.dumps(item)
        yield Entry((*names, key), key, text, scalar, str(path), key in seen)
        seen.add(key)
        yield from _json_entries(item, (*names, key), path)


def _yaml_entries(
    node: yaml.Node | None, names: tuple[str | int, ...], loader: _Loader, path: Path
) -> Iterator[Entry]:
    seen = set()
    if isinstance(node, yaml.MappingNode):
        merged = [item for key, item in node.value if key.tag.endswith(":merge")]
        for item in merged:
            several = item.value if isinstance(item, yaml.SequenceNode) else [item]
            for one in reversed(several):  # the first one takes precedence
                yield from _yaml_entries(one, names, loader, path)
        for key, item in node.value:
            if key.tag.endswith(":merge"):
                continue
            name = str(key.value)
            read = loader.construct_object(key, deep=True)
            again = name in seen
            seen.add(name)
            yield _yaml_entry((*names, name), read, key, item, loader, path)._replace(again=again)
            yield from _yaml_entries(item, (*names, name), loader, path)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in _numbered(node.value):
            yield _yaml_entry((*names, number), number, item, item, loader, path)
            yield from _yaml_entries(item, (*names, number), loader, path)


def _yaml_entry(
    names: tuple[str | int, ...],
    key: Any,
    begin: yaml.Node,
    item: yaml.Node,
    loader: _Loader,
    path: Path,
) -> Entry:
    is_scalar = isinstance(item, yaml.ScalarNode)
    text = item.value if is_scalar else None
    value = loader.construct_object(item) if is_scalar else None
    return Entry(names, key, text, value, f"{path}, line {begin.start_mark.line + 1}")


def _numbered(value: Any) -> Iterable[tuple[int, Any]]:
    return enumerate(value) if isinstance(value, list) else ()
