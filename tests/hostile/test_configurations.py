"""Configurations made to write elsewhere, to run code, to take over pages or to swell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from fringe import plan
from fringe.config import complete, load_schema
from fringe.errors import FringeError
from fringe.networks import network_info
from fringe.networks.installed import place_outside
from fringe.sources import source_from_spec
from fringe.staging import stage
from fringe.texts import escaped, is_plain, printable

ROOT = Path(__file__).parents[2]
SCHEMA = load_schema(ROOT / "config/schema.yaml")

Config = dict[str, Any]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A configuration without faults, in an empty folder; nobody has read its images."""
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
        plan.check(config, SCHEMA)
    return str(caught.value)


def written(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


# Names.


def rename(kind: str) -> Callable[[Config, str], None]:
    """Return what gives a configuration another name for its run, a source, a data set, ..."""

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
def test_names_that_are_no_plain_names_are_refused_before_anything_is_read_or_written(
    config: Config, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("a source was opened")

    before = written(tmp_path)
    monkeypatch.setattr(plan, "source_from_spec", opened)
    for name in WRONG:
        hostile = yaml.safe_load(yaml.safe_dump(config))
        rename(kind)(hostile, name)
        told = refusal(hostile)
        assert is_plain(told.replace("\n", "")), ascii(name)
        assert len(told) < 3000
    assert written(tmp_path) == before


@pytest.mark.parametrize("kind", ["run", "source", "dataset", "snapshot", "comparison"])
def test_plain_names_are_taken(config: Config, kind: str) -> None:
    """Also those that only Windows keeps for itself: Fringe does not run there."""
    for name in ("a", "0", "con", "nul", "a" * 100, "a-_0"):
        other = yaml.safe_load(yaml.safe_dump(config))
        rename(kind)(other, name)
        completed, _ = plan.check(other, SCHEMA)
        assert name in str(completed)


def test_names_of_sources_that_differ_only_in_capitals_are_refused(config: Config) -> None:
    config["sources"]["Fake"] = dict(config["sources"]["fake"])
    assert "sources/Fake: differs from fake only in capitals" in refusal(config)


@pytest.mark.parametrize("key", ["results", "weights_dir"])
@pytest.mark.parametrize(
    "folder", ["", "a{b}", "a\n", "-x", "a<script>", "a</script>", "a\x1b[2J", "a\u202eb", "a\0"]
)
def test_folders_that_would_mean_something_else_are_refused(
    config: Config, tmp_path: Path, key: str, folder: str
) -> None:
    before = written(tmp_path)
    config[key] = folder
    assert f"  - {key}: " in refusal(config)
    assert written(tmp_path) == before


@pytest.mark.parametrize("name", [*WRONG, "..:x", ".a:b", "a..b:c", "a.:c", "a:b.c", "a:b\n"])
def test_names_of_networks_that_are_none_are_refused(config: Config, name: str) -> None:
    with pytest.raises(FringeError):
        network_info(name)
    config["network"] = name
    assert "network: " in refusal(config)


def test_networks_that_would_be_one_file_are_refused(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fringe.networks.registry._installed", lambda _: {"a.b": "x:y"})
    config["controls"] = ["Untrained", "untrained"]
    monkeypatch.setattr(plan, "network_info", lambda _: network_info("efficientnet-lite0"))
    assert "untrained and Untrained would be one file" in refusal(config)


def test_every_pattern_fits_a_whole_text() -> None:
    """Python's ``$`` fits before a line break at the end."""
    for key, value in (
        ("run", "tiny\n"),
        ("device", "cpu\n"),
        ("sources", {"real": {"path": "x", "sha256": "0" * 64 + "\n"}}),
        ("sources", {"real": {"path": "x", "crop": "center\n"}}),
        ("sources", {"real": {"path": "x", "url": "https://a.org/\n"}}),
    ):
        _, faults = complete({key: value}, SCHEMA)
        assert any("is not right" in fault for fault in faults), (key, value)


def test_the_folder_of_a_run_is_not_told_where_its_name_is_wrong(tmp_path: Path) -> None:
    """The Makefile asks for it."""
    file = tmp_path / "my.yaml"
    for run in ("../../x", "tiny\n", "-x"):
        file.write_text(yaml.safe_dump({"run": run, "network": "inception"}))
        done = subprocess.run(
            [sys.executable, "-m", "fringe.config", str(file)],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        assert done.stdout == ""
        assert "is not right" in done.stderr


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
        told = refusal(hostile)
        assert "holds line breaks, control characters or marks" in told
        assert is_plain(told.replace("\n", ""))
        assert escaped(control).encode("unicode_escape") in told.encode("unicode_escape")


def test_a_title_that_ends_in_a_line_break_is_refused_with_what_yaml_needs(config: Config) -> None:
    config["datasets"]["faces"]["title"] = yaml.safe_load("title: >\n  Faces\n")["title"]
    assert "write `>-`" in refusal(config)


def test_a_note_may_have_lines_and_is_told_in_one(config: Config) -> None:
    config["sources"]["real"]["note"] = "Ask\n\tAda\nfor it.\n"
    completed, _ = plan.check(config, SCHEMA)
    assert completed["sources"]["real"]["note"] == "Ask Ada for it."
    config["sources"]["real"]["note"] = "Ask \x1b[2J Ada"
    assert "sources/real/note: the text" in refusal(config)


@pytest.mark.parametrize(
    "title",
    ["Katzen & Hunde", "</script>", "猫", "Δ²", "a\u00a0b", "گربه\u200cها", "😀", "$x_1$", "#%_{}"],
)
def test_titles_may_hold_all_that_can_be_shown(config: Config, title: str) -> None:
    config["datasets"]["faces"]["title"] = title
    completed, _ = plan.check(config, SCHEMA)
    assert completed["datasets"]["faces"]["title"] == title


# The terminal.


def test_escapes_say_what_was_there() -> None:
    assert printable("a\n\x1b[2J\u202e\u00a0.png") == r"a\n\x1b[2J\u202e\xa0.png"
    assert escaped("a\n\x1b[2J\u202e\u00a0.png") == "a\n\\x1b[2J\\u202e\u00a0.png"
    assert escaped("a\udcff") == r"a\xff"
    assert escaped(escaped("\x1b")) == escaped("\x1b")


def test_no_message_carries_control_characters() -> None:
    for control in CONTROLS:
        assert is_plain(str(FringeError(f"a{control}b: is damaged")).replace("\n", ""))
    assert str(FringeError("a: two lines\nof ours")) == "a: two lines\nof ours"


def test_names_of_files_reach_a_terminal_escaped(tmp_path: Path) -> None:
    """A line break in a name, too, which could feign another message."""
    folder = tmp_path / "images"
    folder.mkdir()
    name = "a\nerror: all is well\x1b[2J.png"
    (folder / name).symlink_to("nowhere")
    with pytest.raises(FringeError, match="leads nowhere") as caught:
        source_from_spec({"kind": "files", "path": str(folder)})
    assert str(caught.value).isprintable()
    (folder / name).unlink()
    (folder / name).write_bytes(b"GIF")
    with pytest.raises(FringeError) as caught:
        source_from_spec({"kind": "files", "path": str(folder)}).fingerprint  # noqa: B018
    assert str(caught.value).isprintable()


# Code.

# What a network's module does when it is imported, which a test sees.
CODE = """
from pathlib import Path

Path({mark!r}).touch()


def load(weights, device):
    raise NotImplementedError


load.info = (8, 4, 1)
"""


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on Python's path whose modules make the file ``ran`` beside it when imported."""
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
    "hostile_package.inner:load",  # to look for it would import the package
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
def test_code_that_is_not_installed_is_not_run_without_a_word(
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
            for item in stage(file, ROOT / "config/schema.yaml"):
                assert network not in item.key or item.state == "missing"
    assert not (tmp_path / "ran").exists()


def test_what_would_be_run_is_named_with_the_key_that_allows_it(config: Config, code: Path) -> None:
    config["network"] = "hostile_module:load"
    told = refusal(config)
    assert f"network 'hostile_module:load': would run {code}/hostile_module.py" in told
    assert "say `allow_code: true` in the configuration if you trust that code" in told
    assert told.count("hostile_module.py") == 1


@pytest.mark.parametrize("network", ["hostile_module:load", "famous"])
def test_code_is_run_where_the_configuration_allows_it(
    config: Config, code: Path, network: str, tmp_path: Path
) -> None:
    config |= {"network": network, "allow_code": True, "schemes": {"top": [1], "middle": [1]}}
    plan.check(config, SCHEMA)
    assert (tmp_path / "ran").exists()


def test_installed_code_needs_no_word(
    config: Config, code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fringe.networks.installed._site_folders", lambda: [code.resolve()])
    place_outside.cache_clear()
    config |= {"network": "hostile_module:load", "schemes": {"top": [1], "middle": [1]}}
    try:
        plan.check(config, SCHEMA)
    finally:
        place_outside.cache_clear()
    assert (tmp_path / "ran").exists()


def test_where_a_package_is_decides_whether_it_is_installed(code: Path) -> None:
    path = tuple(sys.path)
    for module in ("PIL", "PIL.Image", "numpy.linalg", "yaml", "no_such_module_here"):
        assert place_outside(module, path) is None
    assert place_outside("antigravity", path) is not None, "its import opens a browser"
    assert place_outside("__main__", path) is not None
    assert place_outside("hostile_module.x", path) == str(code / "hostile_module.py")
    assert place_outside("hostile_space.module", path) == str(code / "hostile_space")
