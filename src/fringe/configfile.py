"""The file of a configuration as it is written: JSON or YAML, with its spellings and lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import yaml

from fringe.errors import FringeError
from fringe.reasons import unreadable
from fringe.regular import read_regular

__all__ = ["Entry", "duplicate_keys", "read_config", "read_entries"]

LARGEST = 16 << 20  # bytes of a configuration


class Entry(NamedTuple):
    """A key of a configuration, or an entry of a list, as it stands in a file.

    Parameters
    ----------
    names : tuple
        The keys that lead to it as they are spelled; the numbers of entries in lists.
    key : object
        What the last key was read as.
    text : str or None
        The value as it is spelled; None for mappings and lists.
    value : object
        What the value was read as; None for mappings and lists.
    place : str
        The file, and the line of the key where that is known.
    again : bool
        Whether the same mapping held this key before.
    """

    names: tuple[str | int, ...]
    key: Any
    text: str | None
    value: Any
    place: str
    again: bool = False

    @property
    def trail(self) -> str:
        """The keys as messages write them."""
        return "/".join(map(str, self.names))


def read_config(path: Path) -> dict[str, Any]:
    """Return the configuration in a file, as Snakemake reads it: JSON, or else YAML.

    Raises
    ------
    FringeError
        If the file is not there, not in UTF-8, neither JSON nor YAML, or holds no keys.
    """
    text = _text(path)
    try:
        found = json.loads(text)
    except ValueError:
        with _parsing(path):
            found = yaml.load(text, _Loader)  # a SafeLoader
    if not isinstance(found, dict):
        raise FringeError(f"{path}: holds no keys; see docs/configuration.md")
    return cast(dict[str, Any], found)


def read_entries(path: Path) -> list[Entry]:
    """Return all that stands in the file of a configuration, in its order.

    Raises
    ------
    FringeError
        As `read_config`.
    """
    text = _text(path)
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except ValueError:
        with _parsing(path):
            loader = _Loader(text)
            return list(_yaml_entries(loader.get_single_node(), (), loader, path))
    return list(_json_entries(pairs, (), path))


def duplicate_keys(entries: Iterable[Entry]) -> list[str]:
    """Return a fault for each key that a mapping in a file holds twice.

    Readers keep the last of them without a word, so a second data set of the same name would
    silently replace the first.
    """
    return [
        f"{entry.trail}: stands twice ({entry.place}); rename or drop one"
        for entry in entries
        if entry.again
    ]


def _text(path: Path) -> str:
    try:
        content = read_regular(path, LARGEST)
    except OSError as error:
        why = unreadable(error) or f"cannot be read ({error}); correct the path"
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
    """YAML that says in which line a date is none."""


def _construct_date(loader: _Loader, node: yaml.ScalarNode) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError as error:
        problem = f"{node.value} is read as a date ({error}); put it in quotes"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _construct_date)


@contextmanager
def _parsing(path: Path) -> Iterator[None]:
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        problem = error.problem or str(error)
        if r"'\t'" in problem:
            problem = "a tab, where YAML takes only spaces; put spaces in its place"
        elif error.context == "while scanning an alias":
            problem = 'a * outside quotes; put patterns in quotes, as in "*.jpg"'
        raise FringeError(f"{path}: is not YAML ({line}{problem}); correct it") from None
    except (yaml.YAMLError, ValueError) as error:
        raise FringeError(f"{path}: is not YAML ({error}); correct it") from None


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON, with keys that stand twice."""


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
            for one in reversed(several):  # the first holds
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
