"""Recipes: the edits that add a metric, a figure, a network, a kind of source, or a rule.

A recipe consists of new files, in a folder next to this module, and of edits. An edit is a change
of one existing file of the project, with any number of inserted lines. The following are not
edits: a new file, a file that a command of the project writes, and the line in CHANGELOG.md that
every change of the project adds.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from tests.project_files import REPOSITORY, copy_files, project_files

__all__ = ["NAMES", "REPOSITORY", "Copy", "Edit", "Forgotten", "Recipe", "copy_project", "read"]

HERE = Path(__file__).parent
Place = Literal["before", "after", "instead_of"]
NAMES = ("metric", "figure", "network", "source", "rule")


@dataclass(frozen=True)
class Forgotten:
    """The test that fails without an edit, a part of its message, and the name in the message."""

    test: str
    says: str
    names: str


@dataclass(frozen=True)
class Insertion:
    """Lines that are put before, after or instead of the one line of a file that is ``at``.

    The comparison ignores indentation. The new lines get the indentation of that line.
    """

    at: str
    place: Place
    lines: str


@dataclass(frozen=True)
class Edit:
    """A change of one existing file. ``forgotten`` is None if only real runs notice that."""

    file: str
    why: str
    insert: tuple[Insertion, ...]
    forgotten: Forgotten | None

    def applied(self, text: str) -> str:
        """Return the content of the file after the change."""
        lines = text.splitlines(keepends=True)
        for one in self.insert:
            places = [place for place, line in enumerate(lines) if line.strip() == one.at]
            assert len(places) == 1, (
                f"{self.file}: the line `{one.at}` is there {len(places)} times; change the "
                "recipe in tests/recipes so that it names a line that is there once"
            )
            place = places[0]
            indent = lines[place][: -len(lines[place].lstrip())]
            added = [indent + line if line.strip() else line for line in one.lines.splitlines(True)]
            start = place + (one.place == "after")
            stop = place + (one.place != "before")
            lines[start:stop] = added
        return "".join(lines)


@dataclass(frozen=True)
class Command:
    """A command of the project that writes files, and the test that notices if it was not run.

    ``forgotten`` is None for a command that takes long: the tests of recipes do not run it.
    """

    run: str
    why: str
    writes: tuple[str, ...]
    forgotten: Forgotten | None


@dataclass(frozen=True)
class Recipe:
    """The addition, the limit on the number of edits, the edits, commands, and new files."""

    name: str
    what: str
    most: int
    edits: tuple[Edit, ...]
    commands: tuple[Command, ...]
    new: tuple[str, ...]


def read(name: str) -> Recipe:
    """Return the recipe of tests/recipes/<name>.yaml and of the folder next to it."""
    plain = yaml.safe_load((HERE / f"{name}.yaml").read_text())
    edits = tuple(
        Edit(
            one["file"],
            one["why"],
            tuple(
                Insertion(some[place], place, some["lines"])
                for some in one["insert"]
                for place in get_args(Place)
                if place in some
            ),
            _forgotten(one),
        )
        for one in plain["edits"]
    )
    commands = tuple(
        Command(one["run"], one["why"], tuple(one["writes"]), _forgotten(one))
        for one in plain.get("commands", ())
    )
    folder = HERE / name
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    new = tuple(sorted(str(path.relative_to(folder)) for path in files))
    return Recipe(name, plain["what"], plain["most"], edits, commands, new)


def _forgotten(plain: dict[str, Any]) -> Forgotten | None:
    return Forgotten(**plain["forgotten"]) if "forgotten" in plain else None


class Copy:
    """A copy of the project with all recipes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, without: Edit | None = None) -> None:
        """Write every file that recipes edit, with all edits or with all edits except one."""
        edits = [edit for name in NAMES for edit in read(name).edits if edit != without]
        texts: dict[str, str] = {}
        if without is not None:
            texts[without.file] = (REPOSITORY / without.file).read_text()
        for edit in edits:
            before = texts.get(edit.file) or (REPOSITORY / edit.file).read_text()
            texts[edit.file] = edit.applied(before)
        for file, text in texts.items():
            place = self.folder / file
            if place.read_text() != text:
                place.write_text(text)


def copy_project(folder: Path) -> Copy:
    """Copy the project without these recipes, and add all recipes.

    The files that commands write do not exist yet.
    """
    copy_files([name for name in project_files() if not name.startswith("tests/recipes/")], folder)
    for recipe in map(read, NAMES):
        for name in recipe.new:
            target = folder / name
            assert not target.exists(), f"{name} is there; give the file of the recipe another name"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / recipe.name / name, target)
    copy = Copy(folder)
    copy.write()
    return copy
