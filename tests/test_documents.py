"""What is written in two places says the same in both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fringe.config.completion import complete, describe, load_schema
from fringe.config.file import duplicate_keys, read_entries
from fringe.sources.suffixes import READ

REPOSITORY = Path(__file__).parents[1]
SCHEMA = load_schema(REPOSITORY / "config/schema.yaml")


def test_the_documentation_of_the_configuration_is_the_schema() -> None:
    written = (REPOSITORY / "docs/configuration.md").read_text()
    assert written == describe(SCHEMA), "run: fringe docs"


def keys(schema: Mapping[str, Any], trail: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the path of every key, and its rule."""
    for key, rule in schema.get("properties", {}).items():
        yield f"{trail}{key}", rule
        yield from keys(rule, f"{trail}{key}/")
        if isinstance(rule.get("additionalProperties"), Mapping):
            yield from keys(rule["additionalProperties"], f"{trail}{key}/*/")


@pytest.fixture(scope="module")
def code() -> str:
    """All code that may read the configuration."""
    places = [REPOSITORY / "Snakefile"]
    for folder in ("rules", "workflow/scripts", "src/fringe"):
        places += (REPOSITORY / folder).rglob("*.*")
    return "\n".join(p.read_text() for p in places if p.suffix in (".py", ".smk", ""))


@pytest.mark.parametrize("path", [path for path, _ in keys(SCHEMA)])
def test_a_key_is_described_and_read(path: str, code: str) -> None:
    rule = dict(keys(SCHEMA))[path]
    assert len(rule["description"].split()) >= 3
    name = re.escape(path.rpartition("/")[2])
    read = rf"""["']{name}["']|f["']{name.rstrip("0123456789")}\{{"""
    assert re.search(read, code), f"nothing reads {path}"


def test_no_key_is_open() -> None:
    """A typo is refused at every depth."""
    closed = [SCHEMA, *(rule for _, rule in keys(SCHEMA) if rule.get("type") == "object")]
    assert all("additionalProperties" in rule for rule in closed)


@pytest.mark.parametrize("name", ["config.yaml", "demo.yaml"])
def test_configurations_that_come_with_fringe_are_right(name: str) -> None:
    path = REPOSITORY / "config" / name
    assert duplicate_keys(read_entries(path)) == []
    _, faults = complete(yaml.safe_load(path.read_text()), SCHEMA)
    assert faults == []


def test_the_local_profile_is_the_default_one() -> None:
    default = REPOSITORY / "profiles/default/config.yaml"
    assert default.read_text() == (REPOSITORY / "profiles/local/config.yaml").read_text()


def test_the_page_of_formats_has_every_suffix_and_is_linked() -> None:
    page = (REPOSITORY / "docs/formats.md").read_text()
    images, _, others = page.partition("## Data sets")
    assert {*re.findall(r"`(\.\w+)`", images)} == READ
    for container in (".zip", ".tar", ".npz", ".h5", ".hdf5", ".parquet"):
        assert f"`{container}`" in others
    for name in ("README.md", "docs/architecture.md"):
        assert "docs/formats.md" in (REPOSITORY / name).read_text()
