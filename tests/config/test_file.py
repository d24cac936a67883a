"""Tests of the readers of configuration files."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.common.configfile import load_configfile

from fringe.config.file import duplicate_keys, read_config, read_entries
from fringe.errors import FringeError

REPOSITORY = Path(__file__).parents[2]


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "config.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "run: x\nsources: {256: {path: a}, no: {path: b}}\nseed: 0x10\ndate: 2024-01-01\n",
        "run: x\r\nsources:\r\n  a: {path: 'b'}\r\n",
        "\ufeffrun: x\n",
        '{"run": "x",\n\t"tolerance": 1e-3, "a": [1, {"b": null}]}',
        "base: &b {path: a, seed: 1}\nother: {<<: *b, seed: 2}\n",
        (REPOSITORY / "config/config.yaml").read_text(),
    ],
)
def test_a_file_is_read_as_snakemake_reads_it(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    assert read_config(path) == load_configfile(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\nb:\n\tc: 2\n", "line 3: a tab, where YAML allows only spaces"),
        ("a: [", "is not YAML (line 1: "),
        ("a: b: c", "is not YAML (line 1: a second colon, "),
        ("a: 1\nselect: *.jpg", "is not YAML (line 2: a * outside quotes); put patterns in quotes"),
        ("a: 1\nselect: *", "is not YAML (line 2: a * outside quotes); put patterns in quotes"),
        ("a: 1\n---\nb: 2", "line 2: a second document begins); keep one"),
        ("a: !x 3", "line 1: a tag, which begins with `!`); remove the tag"),
        ("a: 1\nb:2\nc: 3", "line 3: a key without a value); write a colon and a space after"),
        ("a:\n  b: 1\n c: 2", "line 3: a line that begins in another column"),
        ("a: 1\n[1, 2]: 3", "is not YAML (line 2: "),
        ("run: x\na: 2024-13-45\n", "line 2: 2024-13-45 is read as a date (month must be"),
        ("- a", "holds no keys; see docs"),
        ("", "holds no keys; see docs"),
        ("3", "holds no keys; see docs"),
        ("run: x\n".encode("utf-16"), "is in UTF-16; save it as UTF-8"),
        ("# a\n# Größe\n".encode("latin-1"), "line 2 is not in UTF-8 (byte 0xf6); save the file"),
        (b"\x80\x04", "line 1 is not in UTF-8"),
    ],
)
def test_message_describes_an_unreadable_file(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(FringeError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FringeError, match=r"none\.yaml: does not exist; give the path of a config"):
        read_config(tmp_path / "none.yaml")
    with pytest.raises(FringeError, match="is a folder, not a file"):
        read_config(tmp_path)


def nested(value: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Return every key of a configuration with its value; None for mappings and lists."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, item in pairs:
        inner = isinstance(item, dict | list)
        found.append(((key,), None if inner else item))
        found += [((key, *keys), one) for keys, one in nested(item)] if inner else []
    return found


def test_entries_contain_all_values() -> None:
    """The expected entries, without lines, come from a parsed file."""
    path = REPOSITORY / "config/config.yaml"
    entries = read_entries(path)
    assert [(one.names, one.value) for one in entries] == nested(yaml.safe_load(path.read_text()))
    lines = path.read_text().splitlines()
    for one in entries:
        line = lines[int(one.place.rsplit(" ", 1)[1]) - 1]
        assert isinstance(one.key, int) or str(one.names[-1]) in line


def test_entries_contain_lines_and_spellings(tmp_path: Path) -> None:
    path = write(tmp_path, "run: 2024-01-01\nsources:\n  0256: {path: no}\n  1.50: [1e-3, '7']\n")
    found = [(one.names, one.key, one.text, one.value, one.place) for one in read_entries(path)]
    assert found == [
        (("run",), "run", "2024-01-01", datetime.date(2024, 1, 1), f"{path}, line 1"),
        (("sources",), "sources", None, None, f"{path}, line 2"),
        (("sources", "0256"), 0o256, None, None, f"{path}, line 3"),
        (("sources", "0256", "path"), "path", "no", False, f"{path}, line 3"),
        (("sources", "1.50"), 1.5, None, None, f"{path}, line 4"),
        (("sources", "1.50", 0), 0, "1e-3", "1e-3", f"{path}, line 4"),
        (("sources", "1.50", 1), 1, "7", "7", f"{path}, line 4"),
    ]


def test_entries_of_anchors(tmp_path: Path) -> None:
    text = "a: &x {p: 1, q: 2}\nb: &y {p: 3}\nc: {<<: [*y, *x], r: 4}\nd: {q: 5, <<: *x}\n"
    path = write(tmp_path, text)
    entries = read_entries(path)
    assert duplicate_keys(entries) == []
    last = {one.names: one.value for one in entries}
    assert last == dict(nested(yaml.safe_load(text)))


def test_duplicate_keys(tmp_path: Path) -> None:
    path = write(tmp_path, "a: 1\nb:\n  c: {d: 1, d: 2}\n  e: [{f: 1}, {f: 1, f: 2}]\na: 2\n")
    faults = duplicate_keys(read_entries(path))
    assert [fault.split(":")[0] for fault in faults] == ["b/c/d", "b/e/1/f", "a"]
    assert f"a: duplicate key ({path}, line 5); rename or drop one" in faults
    path = write(tmp_path, '{"a": {"b": 1, "b": 2},\n\t"a": [{"c": 1}, {"c": 2}]}')
    assert duplicate_keys(read_entries(path)) == [
        f"a/b: duplicate key ({path}); rename or drop one",
        f"a: duplicate key ({path}); rename or drop one",
    ]
    (entry,) = read_entries(write(tmp_path, json.dumps({"run": 2024})))
    assert (entry.names, entry.text, entry.value) == (("run",), "2024", 2024)
