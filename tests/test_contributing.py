"""What contributors and maintainers read is true: recipes, the map of the house, the version."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import yaml
from tests.recipes.recipe import NAMES, read

import fringe

REPOSITORY = Path(__file__).parents[1]
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text()
SECTIONS = {"source": "kind of source", "rule": "rule and its cost"}


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_lists_the_files_and_commands_of_its_code(name: str) -> None:
    recipe = read(name)
    heading = f"### Add a {SECTIONS.get(name, name)}\n"
    assert heading in CONTRIBUTING
    section = CONTRIBUTING.partition(heading)[2].partition("\n##")[0]
    steps = "\n".join(re.findall(r"^\d+\. .*(?:\n   .*)*", section, re.MULTILINE))
    named = set(re.findall(r"`([\w./ -]+)`", steps))
    needed = {*recipe.new, *(edit.file for edit in recipe.edits)}
    needed |= {command.run for command in recipe.commands}
    assert needed - named == set(), f"name them in {heading.strip()}"
    assert f"tests/recipes/{name}.yaml" in section


def test_files_that_are_named_exist() -> None:
    new = {file for name in NAMES for file in read(name).new}
    for page in ("CONTRIBUTING.md", "SECURITY.md", "RELEASING.md"):
        text = (REPOSITORY / page).read_text()
        named = set(
            re.findall(r"`((?:src|tests|rules|docs|workflow|envs|benchmarks)/[\w./-]+)`", text)
        )
        named |= set(re.findall(r"\]\((?!http)([^)#]+)\)", text))
        missing = {name for name in named - new if not (REPOSITORY / name).exists()}
        assert missing == {"docs/gallery/"} & missing, page


def test_the_map_of_the_house_is_up_to_date() -> None:
    draw = runpy.run_path(str(REPOSITORY / "docs/house.py"))["draw"]
    assert (REPOSITORY / "docs/house.svg").read_text() == draw(), "run: python docs/house.py"


def test_the_version_is_one() -> None:
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert citation["version"] == fringe.__version__
    changelog = (REPOSITORY / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)
    assert versions[:2] == ["Unreleased", fringe.__version__]


def test_the_changelog_keeps_its_form() -> None:
    """The form is that of keepachangelog.com."""
    changelog = (REPOSITORY / "CHANGELOG.md").read_text()
    assert changelog.startswith("# Changelog\n")
    groups = set(re.findall(r"^### (.*)$", changelog, re.MULTILINE))
    allowed = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert groups <= allowed
    heads = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    assert heads[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", head) for head in heads[1:])


def test_hooks_and_hosted_checks_run_what_exists() -> None:
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    entries = [hook["entry"].split()[0] for repo in hooks["repos"] for hook in repo["hooks"]]
    lock = (REPOSITORY / "envs/requirements-dev.lock").read_text()
    for entry in entries:
        if entry.startswith(".venv/bin/"):
            assert f"\n{entry.removeprefix('.venv/bin/')}==" in lock
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert {"run": ".ci/run"} in job["steps"]
    assert (REPOSITORY / ".ci/run").exists()
