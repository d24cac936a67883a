"""Texts that exist in two places agree."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
import yaml

from fringe.cli import _parser, compare, document
from fringe.config.completion import complete
from fringe.config.document import describe, documented_keys, json_schema
from fringe.config.file import duplicate_keys, read_entries
from fringe.config.rules import rules
from fringe.networks import network_names
from fringe.scores.comparison import VerdictWord, comparison_schema
from fringe.scores.protocol_document import describe_protocols
from fringe.sources import catalogue_texts
from fringe.sources.suffixes import READ

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("docs/catalogue.md", catalogue_texts.describe),
        ("docs/configuration.md", describe),
        ("config/schema.json", json_schema),
        ("docs/comparison.schema.json", comparison_schema),
        ("docs/protocols.md", describe_protocols),
    ],
)
def test_generated_files_are_up_to_date(path: str, make: Callable[[], str]) -> None:
    assert (REPOSITORY / path).read_text() == make(), "run: fringe docs"


def test_the_page_of_the_command_line_is_up_to_date() -> None:
    page = (REPOSITORY / "docs/command-line.md").read_text()
    assert page == document.describe(_parser()), "run: fringe docs"
    for command in ("compare", "audit", "run", "export statistics"):
        assert f"# fringe {command}\n" in page


@pytest.mark.parametrize("name", ["config.yaml", "demo.yaml", "cifar10.yaml"])
def test_editors_find_the_json_schema_of_shipped_configurations(name: str) -> None:
    path = REPOSITORY / "config" / name
    first = path.read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=schema.json"
    validator = jsonschema.Draft202012Validator(json.loads(json_schema()))
    written = yaml.safe_load(path.read_text())
    assert list(validator.iter_errors(written)) == []
    for key, value in (("run", "My Run"), ("seed", -1), ("sorces", {}), ("device", "gpu")):
        assert list(validator.iter_errors({**written, key: value})), key
    for source in ({"kind": "photos", "path": "x"}, {"kind": "photos", "count": 5}, {"pth": "x"}):
        wrong = {**written, "sources": {**written["sources"], "more": source}}
        assert list(validator.iter_errors(wrong)), source


@pytest.fixture(scope="module")
def code() -> str:
    """All code that may read the configuration."""
    places = [REPOSITORY / "Snakefile"]
    for folder in ("rules", "workflow/scripts", "src/fringe"):
        places += (REPOSITORY / folder).rglob("*.*")
    return "\n".join(p.read_text() for p in places if p.suffix in (".py", ".smk", ""))


DESCRIPTIONS = {path: rule["description"] for path, rule, _ in documented_keys()}


@pytest.mark.parametrize("path", DESCRIPTIONS)
def test_a_key_is_described_and_read(path: str, code: str) -> None:
    assert len(DESCRIPTIONS[path].split()) >= 2
    name = re.escape(path.rpartition("/")[2])
    read = rf"""["']{name}["']|\.{name}\b"""
    assert re.search(read, code), f"nothing reads {path}"


def test_no_section_accepts_unknown_keys() -> None:
    """A typo is refused at every depth."""
    sections = [rules(), *(rule for _, rule, _ in documented_keys())]
    sections += [section for _, _, found in documented_keys() for section in found]
    closed = [rule for rule in sections if rule.get("type") == "object"]
    assert len(closed) > 20
    assert all("additionalProperties" in rule for rule in closed)


@pytest.mark.parametrize("name", ["config.yaml", "demo.yaml", "cifar10.yaml"])
def test_shipped_configurations_have_no_faults(name: str) -> None:
    path = REPOSITORY / "config" / name
    assert duplicate_keys(read_entries(path)) == []
    _, faults, _ = complete(yaml.safe_load(path.read_text()))
    assert faults == []


def test_the_local_profile_is_the_default_one() -> None:
    default = REPOSITORY / "profiles/default/config.yaml"
    assert default.read_text() == (REPOSITORY / "profiles/local/config.yaml").read_text()


def test_the_page_of_networks_lists_all_networks() -> None:
    text = (REPOSITORY / "docs/networks.md").read_text()
    table = text.partition("| network | features |")[2].partition("\n\n")[0]
    first_cells = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    listed = {name for cell in first_cells for name in re.findall("`([^`]+)`", cell)}
    assert set(network_names()) - listed == set(), "add them to the last table of docs/networks.md"
    assert listed - set(network_names()) == set(), (
        "docs/networks.md lists them: add them to NETWORKS in src/fringe/networks/registry.py"
    )


def test_the_page_of_networks_has_no_other_networks_and_is_linked() -> None:
    page = (REPOSITORY / "docs/networks.md").read_text()
    first_cells = re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE)
    listed = {name for cell in first_cells for name in re.findall("`([^`]+)`", cell)}
    assert len(listed) > 10
    assert listed - set(network_names()) == set()
    for name in ("README.md", "docs/architecture.md"):
        assert "docs/networks.md" in (REPOSITORY / name).read_text()


def test_the_page_of_formats_has_every_suffix_and_is_linked() -> None:
    page = (REPOSITORY / "docs/formats.md").read_text()
    images, _, others = page.partition("## Data sets")
    assert {*re.findall(r"`(\.\w+)`", images)} == READ
    for container in (".zip", ".tar", ".tar.gz", ".tgz", ".npz", ".h5", ".hdf5", ".parquet"):
        assert f"`{container}`" in others
    for name in ("README.md", "docs/architecture.md"):
        assert "docs/formats.md" in (REPOSITORY / name).read_text()


def test_the_page_of_comparisons_has_every_verdict_and_option_and_is_linked() -> None:
    page = (REPOSITORY / "docs/comparison.md").read_text()
    rules = page.partition("## Verdicts")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| \d \| `([^`]+)`", rules, re.MULTILINE)) == set(
        get_args(VerdictWord)
    )
    asked = argparse.ArgumentParser()
    compare.add_to(asked.add_subparsers())
    help_text = asked._subparsers._group_actions[0].choices["compare"].format_help()  # type: ignore
    hidden = {"--help", "--gpus", "--device", "--snakefile", "--weights-dir", "--seed"}
    for option in set(re.findall(r"--[a-z-]+", help_text)) - hidden:
        assert f"`{option}" in page, option
    for name in ("README.md", "docs/architecture.md"):
        assert "docs/comparison.md" in (REPOSITORY / name).read_text()


def test_the_generators_of_the_demo_match_its_document() -> None:
    text = (REPOSITORY / "docs" / "demo.md").read_text()
    listed = dict(re.findall(r"^\| `(\S+\.safetensors)` \|.*\| `([0-9a-f]{64})` \|$", text, re.M))
    files = (REPOSITORY / "src" / "fringe" / "generators").glob("*.safetensors")
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert found == listed
    assert len(found) == 2
    named = re.findall(r"fringe:generators/([^\"]+)", (REPOSITORY / "config/demo.yaml").read_text())
    assert set(named) == set(found)
