"""The lists of packages in envs/: for runs, and in addition for checks and tests."""

from __future__ import annotations

import re
import runpy
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from fringe.running import slurm_polling

REPOSITORY = Path(__file__).resolve().parents[1]
ENVS = REPOSITORY / "envs"
OF_PYTORCH = re.compile(r"nvidia-|cuda-|triton")  # its name depends on the platform


def plain(name: str) -> str:
    """Return the normalized name of a package."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str) -> dict[str, str]:
    """Return the packages of a list, and their versions if the list has them."""
    found = [Requirement(line) for line in lines(file)]
    return {plain(one.name): str(one.specifier).removeprefix("==") for one in found}


def lines(file: str) -> list[str]:
    text = (ENVS / file).read_text()
    return [line for line in text.splitlines() if line and line[0] not in "#-"]


def needed(packages: Iterable[str]) -> set[str]:
    """Return the packages and all their requirements, from the installed metadata."""
    seen: set[tuple[str, frozenset[str]]] = set()
    pending = [(plain(name), frozenset[str]()) for name in packages]
    while pending:
        one = name, extras = pending.pop()
        if one in seen or OF_PYTORCH.match(name):
            continue
        seen.add(one)
        for text in distribution(name).requires or ():
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in extras or ("",)):
                pending.append((plain(requirement.name), frozenset(requirement.extras)))
    return {name for name, _ in seen}


def test_environments_of_jobs_contain_the_packages_of_a_run() -> None:
    spread = runpy.run_path(str(ENVS / "spread.py"))
    for name, make in (("fringe.yaml", "conda"), ("fringe.def", "apptainer")):
        assert (ENVS / name).read_text() == spread[make](), "run: envs/spread.py"
    assert spread["pins"]() == lines("requirements.lock")


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-dev.lock"])
def test_every_package_has_one_version(file: str) -> None:
    assert all(re.fullmatch(r"[\w.-]+==[\w.+-]+", line) for line in lines(file))
    assert len(pins(file)) == len(lines(file))


def test_development_packages_are_not_in_runs() -> None:
    assert "-r requirements.lock\n" in (ENVS / "requirements-dev.lock").read_text()
    run, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert not run.keys() & dev.keys()
    assert {"mypy", "ruff", "snakefmt", "pytest", "pytest-xdist", "coverage"} <= dev.keys()


def test_the_locks_contain_the_requested_packages_and_their_requirements() -> None:
    run, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    asked, asked_by_dev = pins("requirements.in"), pins("requirements-dev.in")
    try:
        by_run, by_all = needed(asked), needed([*asked, *asked_by_dev])
    except PackageNotFoundError as error:
        pytest.fail(f"{error}: install envs/requirements-dev.lock (make dev)")
    assert by_run <= run.keys()
    assert by_all <= run.keys() | dev.keys()
    if sys.version_info[:2] == (3, 11):  # later ones need a few packages less
        assert not run.keys() - by_run, "no run needs them"
        assert not dev.keys() - by_all, "nothing needs them"
    for name, version in (asked | asked_by_dev).items():
        assert version in ("", (run | dev)[name]), f"{name}: run envs/lock.sh"


def test_the_lock_of_a_run_contains_the_requirements_of_the_package() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    run = pins("requirements.lock")
    for text in (*project["dependencies"], *extras["demo"], *extras["slurm"]):
        requirement = Requirement(text)
        assert requirement.specifier.contains(run[plain(requirement.name)]), text


def test_the_lock_has_the_plugin_that_fringe_patches() -> None:
    assert pins("requirements.lock")[plain(slurm_polling.PLUGIN)] == slurm_polling.VERSION
