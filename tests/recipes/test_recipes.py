"""New additions work after a few edits, and a test reports each forgotten edit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .recipe import NAMES, Copy, Edit, Forgotten, copy_project, read
from .suite import Suite

RECIPES = {name: read(name) for name in NAMES}
EDITS = {
    f"{name}: {edit.file}": edit
    for name in NAMES
    for edit in RECIPES[name].edits
    if edit.forgotten is not None
}
SCRIPTS = "tests/test_scripts.py::test_scripts_and_rules_correspond"
COMMANDS = [
    command for name in NAMES for command in RECIPES[name].commands if command.forgotten is not None
]


@dataclass(frozen=True)
class Project:
    """A copy of the project with all recipes, and its tests."""

    copy: Copy
    suite: Suite

    def reports(self, forgotten: Forgotten | None) -> None:
        """Check that a test fails if something was forgotten, and that the test names it."""
        assert forgotten is not None
        status, printed = self.suite.run(forgotten.test)
        assert status == pytest.ExitCode.TESTS_FAILED, printed
        assert forgotten.says in printed
        assert forgotten.names in printed


@pytest.fixture(scope="module")
def unwritten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The project without the files that commands write."""
    folder = tmp_path_factory.mktemp("project")
    copy, suite = copy_project(folder), Suite(folder)
    yield Project(copy, suite)
    suite.close()


@pytest.fixture(scope="module")
def project(unwritten: Project) -> Project:
    """The finished project."""
    for command in COMMANDS:
        unwritten.reports(command.forgotten)
    for run in {command.run for command in COMMANDS}:
        assert run == "fringe docs"
        subprocess.run(
            [sys.executable, "-c", "from fringe.cli import main; main(['docs'])"],
            cwd=unwritten.copy.folder,
            env={"PYTHONPATH": str(unwritten.copy.folder / "src")},
            check=True,
        )
    return unwritten


@pytest.mark.parametrize(
    ("name", "most"), [("metric", 3), ("figure", 7), ("network", 2), ("source", 2), ("rule", 3)]
)
def test_a_recipe_needs_few_edits(name: str, most: int) -> None:
    recipe = RECIPES[name]
    assert len({edit.file for edit in recipe.edits}) == len(recipe.edits) <= recipe.most == most
    assert any(file.startswith(("src/fringe/", "workflow/scripts/")) for file in recipe.new)


def test_the_additions_of_a_recipe_work(project: Project) -> None:
    """The recipe's own tests pass, and so do the tests that detect forgotten edits."""
    own = [file for recipe in RECIPES.values() for file in recipe.new if "/test_" in file]
    assert len(own) == len(RECIPES)
    noticing = {edit.forgotten.test for edit in EDITS.values() if edit.forgotten}
    noticing |= {command.forgotten.test for command in COMMANDS if command.forgotten}
    status, printed = project.suite.run(*own, *sorted(noticing), SCRIPTS)
    assert status == pytest.ExitCode.OK, printed


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_forgotten_edit_fails_a_test_that_names_the_edit(project: Project, edit: Edit) -> None:
    project.copy.write(without=edit)
    try:
        project.reports(edit.forgotten)
    finally:
        project.copy.write()


def test_an_edit_reports_a_missing_line(tmp_path: Path) -> None:
    edit = RECIPES["metric"].edits[0]
    with pytest.raises(AssertionError, match=r"metrics\.py: the line `.*` is there 0"):
        edit.applied("rule all:\n")
