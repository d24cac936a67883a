"""Configurations that try to write elsewhere, run code, inject scripts or use much memory."""

from __future__ import annotations

import io
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.text import Text
from PIL import Image
from tests.hostile.bounds import bounded
from tests.hostile.configurations import BOMBS, JUST_RIGHT

from fringe.cli import main
from fringe.config import faults
from fringe.config.completion import complete
from fringe.config.file import MOST_BYTES, MOST_VALUES, read_config, read_entries
from fringe.errors import FringeError
from fringe.figures import snapshot_correlation
from fringe.networks import network_info
from fringe.networks.installed import place_outside
from fringe.running import opening
from fringe.running.staging import fetch_for_run
from fringe.sources import source_from_spec
from fringe.tables.lines import Entry, Line
from fringe.tables.markup import _latex_line
from fringe.texts import (
    escaped,
    inert,
    is_plain,
    markdown,
    printable,
    restored,
    unmarked,
)

from ..run_configs import run_config

ROOT = Path(__file__).parents[2]

Config = dict[str, Any]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A configuration without faults, in an empty folder; its images have not been read."""
    (tmp_path / "data").mkdir()
    for number in range(4):
        image = np.full((16, 16, 3), number, np.uint8)
        Image.fromarray(image).save(tmp_path / "data" / f"{number}.png")
    folder = tmp_path / "outer" / "inner"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return {
        "run": "run",
        "network": "efficientnet-lite0",
        "sources": {
            "real": {"path": str(tmp_path / "data")},
            "fake": {"kind": "imitation", "count": 10, "resolution": 16},
        },
        "datasets": {"faces": {"real": "real", "generated": "fake"}},
        "evaluation": {"n_real": 4, "n_generated": 5},
        "sensitivity": {"datasets": []},
    }


def refusal(config: Config) -> str:
    with pytest.raises(FringeError) as caught:
        opening.check(config)
    return str(caught.value)


def written(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


# Names.


def rename(kind: str) -> Callable[[Config, str], None]:
    """Return a function that renames a part of a configuration: run, source, data set, ..."""

    def change(config: Config, name: str) -> None:
        if kind == "run":
            config["run"] = name
        elif kind == "source":
            config["sources"][name] = config["sources"].pop("fake")
            config["datasets"]["faces"]["generated"] = name
        elif kind == "dataset":
            config["datasets"][name] = config["datasets"].pop("faces")
        elif kind == "snapshot":
            config["sources"][name] = dict(config["sources"]["fake"], seed=9)
            config["datasets"]["faces"]["snapshots"] = ["fake", "real", name]
        else:
            pair = {"a": "faces", "b": "cats"}
            config["datasets"]["cats"] = dict(config["datasets"]["faces"])
            config["comparisons"] = {name: {"generators": pair}}

    return change


WRONG = [
    "../../x",
    "/tmp/x",
    ".",
    "..",
    "",
    " ",
    "-rf",
    ".hidden",
    "a/b",
    "a\\b",
    "a b",
    "a\n",
    "a\r",
    "a\0",
    "a\x1b[2J",
    "a*",
    "{dataset}",
    "$HOME",
    "~",
    "a:b",
    "\u0430",  # a Cyrillic a
    "\uff41",  # a wide a
    "e\u0301",
    "\u00e9",
    "\u0661",  # a digit, for \d and isdigit
    "a\u202ezip",
    "a\u200b",
    "a" * 300,
]


@pytest.mark.parametrize("kind", ["run", "source", "dataset", "snapshot", "comparison"])
def test_invalid_names_are_refused_before_anything_is_read_or_written(
    config: Config, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("a source was opened")

    before = written(tmp_path)
    monkeypatch.setattr(opening, "source_from_spec", opened)
    for name in WRONG:
        hostile = yaml.safe_load(yaml.safe_dump(config))
        rename(kind)(hostile, name)
        message = refusal(hostile)
        assert is_plain(message.replace("\n", "")), ascii(name)
        assert len(message) < 3000
    assert written(tmp_path) == before


@pytest.mark.parametrize("kind", ["run", "source", "dataset", "snapshot", "comparison"])
def test_plain_names_are_accepted(config: Config, kind: str) -> None:
    """Names that only Windows reserves are valid too, because Fringe does not run on Windows."""
    for name in ("a", "0", "con", "nul", "a" * 100, "a-_0"):
        other = yaml.safe_load(yaml.safe_dump(config))
        rename(kind)(other, name)
        completed, _ = opening.check(other)
        assert name in str(completed)


def test_names_of_sources_that_differ_only_in_case_are_refused(config: Config) -> None:
    config["sources"]["Fake"] = dict(config["sources"]["fake"])
    assert "sources/Fake: differs from fake only in case" in refusal(config)


@pytest.mark.parametrize("key", ["results", "weights_dir"])
@pytest.mark.parametrize(
    "folder", ["", "a{b}", "a\n", "-x", "a<script>", "a</script>", "a\x1b[2J", "a\u202eb", "a\0"]
)
def test_folders_with_special_characters_are_refused(
    config: Config, tmp_path: Path, key: str, folder: str
) -> None:
    before = written(tmp_path)
    config[key] = folder
    assert f"  - {key}: " in refusal(config)
    assert written(tmp_path) == before


@pytest.mark.parametrize("name", [*WRONG, "..:x", ".a:b", "a..b:c", "a.:c", "a:b.c", "a:b\n"])
def test_invalid_names_of_networks_are_refused(config: Config, name: str) -> None:
    with pytest.raises(FringeError):
        network_info(name)
    config["network"] = name
    assert "network: " in refusal(config)


def test_networks_with_the_same_file_name_are_refused(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fringe.networks.registry._installed", lambda _: {"a.b": "x:y"})
    config["controls"] = ["Untrained", "untrained"]
    monkeypatch.setattr(faults, "network_info", lambda _: network_info("efficientnet-lite0"))
    assert "untrained and Untrained would have the same file" in refusal(config)


def test_every_pattern_matches_a_whole_text() -> None:
    """Python's ``$`` fits before a line break at the end."""
    for key, value in (
        ("run", "tiny\n"),
        ("device", "cpu\n"),
        ("sources", {"real": {"path": "x", "sha256": "0" * 64 + "\n"}}),
        ("sources", {"real": {"path": "x", "crop": "center\n"}}),
        ("sources", {"real": {"path": "x", "url": "https://a.org/\n"}}),
    ):
        _, faults, _ = complete({key: value})
        assert any("is not valid" in fault for fault in faults), (key, value)


def test_the_folder_of_a_run_with_an_invalid_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`fringe cost` uses this folder."""
    monkeypatch.chdir(ROOT)
    file = tmp_path / "my.yaml"
    for run in ("../../x", "tiny\n", "-x"):
        file.write_text(yaml.safe_dump({"run": run, "network": "inception"}))
        assert main(["cost", str(file)]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "is not valid" in printed.err


# Texts.

CONTROLS = [
    "\0",
    "\a",
    "\b",
    "\t",
    "\n",
    "\r",
    "\x1b[2J",
    "\x7f",
    "\x85",
    "\x9b",
    "\u2028",
    "\u202e",
]


@pytest.mark.parametrize(
    "place",
    [
        lambda config, text: config["datasets"]["faces"].update(title=text),
        lambda config, text: config["sources"]["real"].update(licence=text),
        lambda config, text: config["sources"]["real"].update(size=text),
        lambda config, text: config["sources"]["real"].update(path=text),
        lambda config, text: config["sources"]["real"].update(select=[text]),
        lambda config, text: config["sources"]["real"].update({text: 1}),
        lambda config, text: config.update({text: 1}),
        lambda config, text: config.update(network=text),
        lambda config, text: config.update(weights={text: "x"}),
        lambda config, text: config.update(
            comparisons={"c": {"title": text, "generators": {"a": "faces", "b": "faces"}}}
        ),
        lambda config, text: config.update(
            comparisons={"c": {"generators": {text: "faces", "b": "faces"}}}
        ),
    ],
)
def test_texts_with_control_characters_are_refused(
    config: Config, place: Callable[[Config, str], None]
) -> None:
    for control in CONTROLS:
        hostile = yaml.safe_load(yaml.safe_dump(config))
        place(hostile, f"a{control}b")
        message = refusal(hostile)
        assert "holds line breaks, control characters or marks" in message
        assert is_plain(message.replace("\n", ""))
        assert escaped(control).encode("unicode_escape") in message.encode("unicode_escape")


def test_a_title_that_ends_in_a_line_break_is_refused_with_what_yaml_needs(config: Config) -> None:
    config["datasets"]["faces"]["title"] = yaml.safe_load("title: >\n  Faces\n")["title"]
    assert "write `>-`" in refusal(config)


def test_a_note_may_have_several_lines_and_is_shown_in_one(config: Config) -> None:
    config["sources"]["real"]["note"] = "Ask\n\tAda\nfor it.\n"
    completed, _ = opening.check(config)
    assert completed.sources["real"].note == "Ask Ada for it."
    config["sources"]["real"]["note"] = "Ask \x1b[2J Ada"
    assert "sources/real/note: the text" in refusal(config)


@pytest.mark.parametrize(
    "title",
    ["Katzen & Hunde", "</script>", "猫", "Δ²", "a\u00a0b", "گربه\u200cها", "😀", "$x_1$", "#%_{}"],
)
def test_titles_may_contain_all_printable_characters(config: Config, title: str) -> None:
    config["datasets"]["faces"]["title"] = title
    completed, _ = opening.check(config)
    assert completed.datasets["faces"].title == title


# The terminal.


def test_escapes_show_the_original_characters() -> None:
    assert printable("a\n\x1b[2J\u202e\u00a0.png") == r"a\n\x1b[2J\u202e\xa0.png"
    assert escaped("a\n\x1b[2J\u202e\u00a0.png") == "a\n\\x1b[2J\\u202e\u00a0.png"
    assert escaped("a\udcff") == r"a\xff"
    assert escaped(escaped("\x1b")) == escaped("\x1b")


def test_messages_contain_no_control_characters() -> None:
    for control in CONTROLS:
        assert is_plain(str(FringeError(f"a{control}b: is damaged")).replace("\n", ""))
    assert str(FringeError("a: two lines\nof ours")) == "a: two lines\nof ours"


def test_names_of_files_are_escaped_on_a_terminal(tmp_path: Path) -> None:
    """This includes a line break in a name, which could imitate another message."""
    folder = tmp_path / "images"
    folder.mkdir()
    name = "a\nerror: all is well\x1b[2J.png"
    (folder / name).symlink_to("nowhere")
    with pytest.raises(FringeError, match="broken symbolic link") as caught:
        source_from_spec({"kind": "files", "path": str(folder)})
    assert str(caught.value).isprintable()
    (folder / name).unlink()
    (folder / name).write_bytes(b"GIF")
    with pytest.raises(FringeError) as caught:
        source_from_spec({"kind": "files", "path": str(folder)}).fingerprint  # noqa: B018
    assert str(caught.value).isprintable()


# Code.

# A module of a network that leaves a mark when it is imported.
CODE = """
from pathlib import Path

Path({mark!r}).touch()


def load(weights, device):
    raise NotImplementedError


load.info = (8, 4, 1)
"""


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on Python's path whose modules make the file ``ran`` next to it when imported."""
    folder = tmp_path / "code"
    (folder / "hostile_package").mkdir(parents=True)
    (folder / "hostile_space").mkdir()
    text = CODE.format(mark=str(tmp_path / "ran"))
    for name in ("hostile_module", "hostile_package/__init__", "hostile_space/module"):
        (folder / f"{name}.py").write_text(text)
    about = folder / "hostile_module-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile-module\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[fringe.networks]\nfamous = hostile_module:load\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    yield folder
    for name in [name for name in sys.modules if name.startswith("hostile_")]:
        del sys.modules[name]


HOSTILE = [
    "hostile_module:load",
    "hostile_package:load",
    "hostile_package.inner:load",  # to look for the module would import the package
    "hostile_space.module:load",  # without __init__.py
    "famous",
]


@pytest.mark.parametrize("network", HOSTILE)
@pytest.mark.parametrize(
    "name",
    [
        lambda config, network: config.update(network=network),
        lambda config, network: config.update(controls=[network]),
        lambda config, network: config["datasets"]["faces"].update(alternatives=[network]),
        lambda config, network: config.update(weights={network: "x"}),
        lambda config, network: config["sources"]["real"].update(
            statistics={network: {"path": "x", "count": 4}}
        ),
        lambda config, network: config.update(
            comparisons={"c": {"generators": {"a": "faces", "b": "cats"}}},
            datasets={**config["datasets"], "cats": config["datasets"]["faces"]},
            evaluation={**config["evaluation"], "precision_recall": {"network": network}},
        ),
        lambda config, network: config.update(sensitivity={"networks": [network]}),
    ],
)
def test_code_that_is_not_installed_is_refused_without_allow_code(
    config: Config,
    code: Path,
    name: Callable[[Config, str], None],
    network: str,
    tmp_path: Path,
) -> None:
    name(config, network)
    for value in (None, False, 1):
        config["allow_code"] = value
        if value is None:
            del config["allow_code"]
        assert network in refusal(config)
        file = tmp_path / "my.yaml"
        file.write_text(yaml.safe_dump(config))
        with suppress(FringeError):
            for item in fetch_for_run(file):
                assert network not in item.key or item.state == "missing"
    assert not (tmp_path / "ran").exists()


def test_the_message_names_the_code_and_the_key_that_allows_it(config: Config, code: Path) -> None:
    config["network"] = "hostile_module:load"
    message = refusal(config)
    assert f"network 'hostile_module:load': would run {code}/hostile_module.py" in message
    assert "set `allow_code: true` in the configuration if you trust that code" in message
    assert message.count("hostile_module.py") == 1


@pytest.mark.parametrize("module", ["os", "sys"])
def test_modules_of_python_itself_are_refused(config: Config, module: str) -> None:
    config["network"] = f"{module}:system"
    assert f"would run {module}, which is not an installed package" in refusal(config)


@pytest.mark.parametrize("network", ["hostile_module:load", "famous"])
def test_code_is_run_if_the_configuration_allows_it(
    config: Config, code: Path, network: str, tmp_path: Path
) -> None:
    config |= {"network": network, "allow_code": True, "schemes": {"top": [1], "middle": [1]}}
    opening.check(config)
    assert (tmp_path / "ran").exists()


def test_installed_code_needs_no_permission(
    config: Config, code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fringe.networks.installed._site_folders", lambda: [code.resolve()])
    place_outside.cache_clear()
    config |= {"network": "hostile_module:load", "schemes": {"top": [1], "middle": [1]}}
    try:
        opening.check(config)
    finally:
        place_outside.cache_clear()
    assert (tmp_path / "ran").exists()


def test_the_main_module_is_not_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = (tuple(sys.path), str(tmp_path))
    for spec in (pytest.__spec__, None):  # python -m pytest, and python -c
        monkeypatch.setattr(sys.modules["__main__"], "__spec__", spec)
        place_outside.cache_clear()
        assert place_outside("__main__", *path) == "__main__"


def test_a_package_is_installed_only_in_site_packages(code: Path, tmp_path: Path) -> None:
    path = (tuple(sys.path), str(tmp_path))
    for module in ("PIL", "PIL.Image", "numpy.linalg", "yaml", "no_such_module_here"):
        assert place_outside(module, *path) is None
    assert place_outside("antigravity", *path) is not None, "its import opens a browser"
    assert place_outside("hostile_module.x", *path) == str(code / "hostile_module.py")
    assert place_outside("hostile_space.module", *path) == str(code / "hostile_space")
    assert place_outside("hostile_here", *path) is None
    (tmp_path / "hostile_here").mkdir()
    place_outside.cache_clear()
    assert place_outside("hostile_here", *path) == str(tmp_path / "hostile_here")


# Bombs.


def read(path: str) -> list[int]:
    """Return the numbers of keys and of entries that two readers find in a file."""
    return [len(read_config(Path(path))), len(read_entries(Path(path)))]


def entries(path: str) -> int:
    return len(read_entries(Path(path)))


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_with_little_time_and_memory(name: str, tmp_path: Path) -> None:
    text, said = BOMBS[name]
    path = tmp_path / "my.yaml"
    path.write_text(text)
    for reader in (read, entries):
        outcome = bounded(reader, str(path), seconds=20, memory=64 << 20)
        assert outcome.kind == "refused", outcome
        assert str(path) in outcome.result
        assert said in outcome.result
        assert len(outcome.result) < 500


def test_no_yaml_tag_is_run(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    mark = tmp_path / "ran"
    path.write_text(f"a: !!python/object/apply:os.mkdir [{str(mark)!r}]")
    with pytest.raises(FringeError, match="is not YAML"):
        read_config(path)
    read_entries(path)
    assert not mark.exists()


@pytest.mark.parametrize("name", JUST_RIGHT)
def test_configurations_close_to_the_limits_are_read(name: str, tmp_path: Path) -> None:
    text, number = JUST_RIGHT[name]
    path = tmp_path / "my.yaml"
    path.write_text(text)
    assert read_config(path) == yaml.safe_load(text)
    assert len(read_entries(path)) == number


def test_shipped_configurations_are_far_from_the_limits() -> None:
    for path in (ROOT / "config").glob("*.yaml"):
        assert path.stat().st_size < MOST_BYTES / 10
        assert len(read_entries(path)) < MOST_VALUES / 10


def test_yte_code_ends_commands_before_snakemake_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Snakemake passes a configuration with this key to yte, which runs the code after a ``?``."""
    path = tmp_path / "my.yaml"
    mark = tmp_path / "ran"
    path.write_text(f"__use_yte__: true\nrun: ?open({str(mark)!r}, 'w').name\n")
    monkeypatch.chdir(ROOT)
    for command in ("run", "estimate"):
        assert main([command, str(path), "--cores", "1"]) == 1
        printed = capsys.readouterr()
        said = "contains `__use_yte__`, which makes Snakemake run the Python code"
        assert said in printed.err
    assert not mark.exists()
    with pytest.raises(FringeError, match="__use_yte__"):
        fetch_for_run(path)


# Counts.

HUGE = 100_000_000


def set_key(config: Config, key: str, value: Any) -> None:
    *folders, last = key.split("/")
    for folder in folders:
        config = config.setdefault(folder, {})
    config[last] = value


def plan_it(config: Config) -> int:
    """Return the number of shards of a run."""
    _, sources = opening.check(config)
    return sum(len(about["shards"]) for about in sources.values())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sources/fake/count": HUGE}, None),
        ({"sources/fake/count": HUGE, "datasets/faces/n_generated": HUGE}, None),
        ({"sources/fake/count": HUGE, "datasets/faces/sizes": [[4, HUGE]]}, None),
        ({"sources/fake/count": 10 * HUGE}, "are 200,000 shards"),
        ({"sources/fake/count": HUGE, "extraction/shard_size": 50}, "are 2,000,000 shards"),
        ({"sources/fake/count": HUGE, "extraction/minutes_per_job": 1e-9}, "shards; all sources"),
        ({"sources/fake/count": 100 * HUGE}, "greater than the maximum"),
        ({"sources/fake/seed": HUGE**2}, "greater than the maximum"),
        ({"sources/fake/resolution": HUGE}, "greater than the maximum"),
        ({"sources/real/resolution": HUGE}, "greater than the maximum"),
        ({"datasets/faces/n_generated": HUGE}, "images are needed"),
        ({"datasets/faces/sizes": [[4, HUGE]]}, "images are needed"),
        ({"sensitivity": {"images": HUGE}}, "are needed"),
        ({"schemes/top": list(range(1, 5_000))}, "and 4,399 more"),
        ({"evaluation/repeats": {"table1": HUGE}}, "greater than the maximum"),
        ({"matching/limit": 1e300}, "greater than the maximum"),
        ({"extraction/workers": HUGE}, "greater than the maximum"),
        ({"evaluation/kid_subsets": HUGE, "evaluation/kid_subset_size": HUGE}, None),
        ({"optimization": {"evaluations": HUGE, "released": {"steps": HUGE}}}, None),
        ({"convergence/steps": HUGE, "extraction/shard_size": HUGE}, None),
        ({"seed": 2**63}, "greater than the maximum"),
        ({"figures/seed": 2**63}, "greater than the maximum"),
    ],
)
def test_huge_counts_are_planned_or_refused_with_little_time_and_memory(
    config: Config, changes: Config, said: str | None
) -> None:
    for key, value in changes.items():
        set_key(config, key, value)
    outcome = bounded(plan_it, config, seconds=30, memory=192 << 20)
    if said is None:
        assert outcome.kind == "value", outcome
        assert outcome.result <= 20_001
    else:
        assert outcome.kind == "refused", outcome
        assert said in outcome.result
        assert len(outcome.result) < 50_000


# Folders.


def make_deep(folder: Path, depth: int, name: str = "d") -> None:
    """Put an image ``depth`` folders deep, deeper than the longest path."""
    folder.mkdir()
    place = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=place)
        inner = os.open(name, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    image = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(image, "PNG")
    file = os.open("a.png", os.O_WRONLY | os.O_CREAT, dir_fd=place)
    os.write(file, image.getvalue())
    os.close(file)
    os.close(place)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that is flattened at the end, because `shutil.rmtree` cannot remove a deep one."""
    folder = tmp_path / "images"
    yield folder
    number = 0
    while inner := next((path for path in folder.iterdir() if path.is_dir()), None):
        for path in inner.iterdir():
            path.rename(folder / str(number := number + 1))
        inner.rmdir()


def list_folder(path: str) -> tuple[list[str], str]:
    source = source_from_spec({"kind": "files", "path": path})
    return source.members, source.fingerprint


def test_folders_nested_1200_levels_deep_are_read(folder: Path) -> None:
    make_deep(folder, 1200)
    outcome = bounded(list_folder, str(folder), memory=64 << 20)
    assert outcome.kind == "value", outcome
    assert outcome.result[0] == ["d/" * 1200 + "a.png"]
    inside = Path(folder, "d/" * 1200)
    (inside / "a.png").rename(inside / "a.txt")
    outcome = bounded(list_folder, str(folder), memory=64 << 20)
    assert outcome.kind == "refused", outcome
    assert "1 .txt" in outcome.result


def test_folders_deeper_than_the_longest_path_are_refused(folder: Path) -> None:
    make_deep(folder, 30, "d" * 200)
    outcome = bounded(list_folder, str(folder), memory=64 << 20)
    assert outcome.kind == "refused", outcome
    assert "has a path that is longer than this system can open" in outcome.result
    assert len(outcome.result) < 500


@pytest.mark.parametrize("path", ["a" * 300, "a/" * 3000, "a" * 5000, "../" * 2000])
@pytest.mark.parametrize("key", ["path", "data_dir", "results", "weights_dir", "region", "weights"])
def test_paths_that_no_system_can_open_are_refused(
    config: Config, key: str, path: str, tmp_path: Path
) -> None:
    if key == "path":
        config["sources"]["real"]["path"] = path
    elif key == "region":
        config["datasets"]["faces"]["region"] = path
    elif key == "weights":
        config["weights"] = {"efficientnet-lite0": path}
    else:
        config[key] = path
        config["sources"]["real"]["path"] = "data"
    before = written(tmp_path)
    message = refusal(config)
    assert "longer than" in message
    assert len(message) < 2000
    assert written(tmp_path) == before


# Titles.

SCRIPT = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    "title", ["", " ", "=1+1", "+1", "-1", "@A1", " Faces", "Faces ", "x" * 201]
)
def test_titles_that_start_a_formula_or_with_blanks_are_refused(config: Config, title: str) -> None:
    config["datasets"]["faces"]["title"] = title
    assert "  - datasets/faces/title: " in refusal(config)
    del config["datasets"]["faces"]["title"]
    config["datasets"]["cats"] = dict(config["datasets"]["faces"])
    config["comparisons"] = {"c": {"title": title, "generators": {"a": "faces", "b": "cats"}}}
    assert "  - comparisons/c/title: " in refusal(config)
    config["comparisons"] = {"c": {"generators": {title: "faces", "b": "cats"}}}
    assert "  - comparisons/c/generators: " in refusal(config)


def test_params_of_jobs_contain_no_html_and_are_restored() -> None:
    stream = random.Random(0)
    letters = "<>\\u003c3e5\"'&\n/!-é猫"
    for _ in range(2000):
        text = "".join(stream.choices(letters, k=stream.randrange(12)))
        value = {text: [text, (text, 1, None, 2.5, True)], "a": {"b": text}}
        written = inert(value)
        assert not set("<>") & set(repr(written))
        assert restored(written) == value
    plain = {"title": "Katzen & Hunde, 50 %", "n": [1, 2]}
    assert inert(plain) == plain, "what is not escaped makes nothing stale"


def test_jobs_get_their_original_params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = (
        "from copy import deepcopy; from types import SimpleNamespace as S\n"
        "from fringe.running.script import run\n"
        "from fringe.texts import inert\n"
        f"about = {{'titles': {{'a': {SCRIPT!r}}}}}\n"
        "params = S(**{n: inert(about) for n in ('about', 'figure', 'table', 'verdict')})\n"
        "class Job(S):\n"
        "    params = property(lambda self: deepcopy(params))  # as Snakemake's\n"
        "job = Job(log=['job.log'], output=[], input=[], threads=1)\n"
        f"job.config = {run_config({}).plain()!r}\n"
        "run(lambda job: [print(each == about) for each in vars(job.params).values()], job)\n"
    )
    subprocess.run([sys.executable, "-c", body], cwd=tmp_path, check=True)
    assert (tmp_path / "job.log").read_text().startswith("True\n" * 4)


def test_markdown_shows_texts_as_they_are() -> None:
    stream = random.Random(1)
    for _ in range(2000):
        text = "".join(stream.choices("\\|*_`[]<>$~#&;a1 ", k=stream.randrange(12)))
        escaped_text = markdown(text)
        assert unmarked(escaped_text) == text
        bare = re.sub(r"\\.", "\0", escaped_text)  # without escaped characters
        assert not set("\\|*`[]<>$~#") & set(bare), escaped_text
        assert not re.search(r"&#?\w+;", bare)
    assert markdown("stylegan2_ada & 50 %") == "stylegan2_ada & 50 %"
    assert markdown("_a_ a_b") == r"\_a\_ a_b"


TITLES = {
    "[1cm] x": "{}[1cm] x & 1",  # after the end of a row, LaTeX reads brackets as a distance
    "* x": "{}* x & 1",
    r"\input{/etc/passwd}": r"\textbackslash{}input\{/etc/passwd\} & 1",
    "$x_{": r"\$x\_\{ & 1",
    "%#&~^": r"\%\#\&\textasciitilde{}\textasciicircum{} & 1",
}


@pytest.mark.parametrize("title", TITLES)
def test_latex_and_figures_show_titles_as_they_are(title: str) -> None:
    assert _latex_line(Line(title, (Entry("1"),), "ours")) == TITLES[title]
    rows = pd.DataFrame(
        {
            "dataset": "d",
            "snapshot": [f"s{number}" for number in range(4)] * 2,
            "network": "net",
            "space": [space for space in ("features", "logits") for _ in range(4)],
            "metric": "fid",
            "repeat": 0,
            "value": [1.0, 2.0, 3.0, 5.0, 2.0, 3.0, 4.0, 7.0],
            **dict.fromkeys(("n_real", "n_generated", "seed"), 10),
        }
    )
    figure = snapshot_correlation(rows, {"d": f"_{title}"}, "net")
    figure.savefig(io.BytesIO(), format="png")
    shown = [text.get_text().strip() for text in figure.findobj(Text)]
    assert any(text.startswith(f"_{title}: 4 snapshots") for text in shown)
