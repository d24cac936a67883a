"""The rooms of the library respect their floors, and their names can be reached."""

from __future__ import annotations

import importlib
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

import grimp
import pytest

import fringe

REPOSITORY = Path(__file__).parents[1]
PAGES = ("architecture", "cluster", "formats")
# In these rooms, some modules import PyTorch; they are imported only for computations.
COMPUTING = ("generators", "networks", "resampling")


def modules() -> list[str]:
    """Return the names of all modules and rooms of the library."""
    found = pkgutil.walk_packages(fringe.__path__, "fringe.")
    return [module.name for module in found if not module.name.endswith("__main__")]


def check_contracts(source: Path) -> subprocess.CompletedProcess[str]:
    """Return the output of import-linter for the library below ``source``."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as main; main()",
    ]
    return subprocess.run(
        [*command, "--no-cache", "--config", str(REPOSITORY / "pyproject.toml")],
        cwd=source,
        env={"PYTHONPATH": str(source), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_of_imports_hold() -> None:
    done = check_contracts(REPOSITORY / "src")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_forbidden_import_is_found(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "src", tmp_path / "src")
    library = tmp_path / "src/fringe"
    forbidden = {
        "metrics/arrays.py": "from fringe.sources import open_source",  # a higher floor
        "networks/pooling.py": "from fringe.generators import state_dicts",  # the same floor
        "files/atomic.py": "from fringe.files import seals",  # with seals -> atomic, a circle
        "figures/style.py": "from fringe.features import open_features",
        "report/write.py": "from fringe.tables import build",
        "seeds.py": "import snakemake",
    }
    for path, line in forbidden.items():
        with (library / path).open("a") as file:
            file.write(f"\n\ndef _planted():\n    {line}\n")  # a lazy import counts
    done = check_contracts(tmp_path / "src")
    assert done.returncode == 1, done.stderr
    said = re.sub(r"\s+", " ", done.stdout)
    assert "0 kept, 5 broken" in said, done.stdout
    for line in (
        "fringe.metrics.arrays -> fringe.sources",
        "fringe.networks.pooling -> fringe.generators",
        "fringe.figures.style -> fringe.features",
        "fringe.report.write -> fringe.tables.build",
        "fringe.seeds -> snakemake",
    ):
        assert line in said, done.stdout
    assert re.search(r"\.atomic\W", said), done.stdout


def test_every_room_has_a_floor(tmp_path: Path) -> None:
    """A new room must be put on a floor before anything passes."""
    shutil.copytree(REPOSITORY / "src", tmp_path / "src")
    room = tmp_path / "src/fringe/attic"
    room.mkdir()
    (room / "__init__.py").write_text('"""A room that nobody drew."""\n')
    done = check_contracts(tmp_path / "src")
    assert done.returncode == 1
    assert "attic" in done.stdout + done.stderr


def test_the_documented_floors_match_the_contract() -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = contracts["contracts"][0]["layers"]
    held = [sorted(layer.split(" | ")) for layer in layers]
    page = (REPOSITORY / "docs/architecture.md").read_text()
    drawn: dict[int, list[str]] = {}
    for floor, name in re.findall(r"^\| (\d+) \| `(\w+)(?:/|\.py)` \|", page, re.MULTILINE):
        drawn.setdefault(int(floor), []).append(name)
    assert list(drawn) == list(range(len(layers), 0, -1))
    assert [sorted(names) for names in drawn.values()] == held


def test_no_name_of_a_room_hides_one_of_its_modules() -> None:
    """A function that its room exports under the name of a module would hide the module."""
    hidden = []
    for name in modules():
        room, _, module = name.rpartition(".")
        value = getattr(importlib.import_module(room), module, None)
        if not (value is None or isinstance(value, ModuleType)):
            hidden.append(f"{room}.{module}")
    assert hidden == []


def circle(library: Path) -> list[str]:
    """Return a cycle of modules in which each imports the next, or an empty list.

    The first and the last module of the cycle are the same. The ``__init__`` of a room is a module
    too, and imports inside functions count.
    """
    graph = grimp.build_graph(library.name, cache_dir=None)
    imports = {one: graph.find_modules_directly_imported_by(one) for one in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_modules_have_no_import_cycle() -> None:
    assert circle(REPOSITORY / "src/fringe") == []


def test_a_cycle_of_modules_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = tmp_path / "toy_library/room"
    room.mkdir(parents=True)
    (tmp_path / "toy_library/__init__.py").touch()
    (room / "__init__.py").write_text("from toy_library.room.one import f\n")
    (room / "one.py").write_text("def f():\n    from toy_library.room.two import g\n")
    (room / "two.py").write_text("def g(): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert circle(tmp_path / "toy_library") == []
    (room / "two.py").write_text("def g():\n    from toy_library.room import f\n")
    names = ["toy_library.room", "toy_library.room.one", "toy_library.room.two"]
    assert sorted(set(circle(tmp_path / "toy_library"))) == names


def test_importing_does_not_import_pytorch() -> None:
    """PyTorch takes seconds to import, and each job of a run is a separate process."""
    code = f"""
import importlib, sys
sys.modules["torch"] = None  # an import of it fails
for name in {modules()!r}:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    need = done.stdout.split()
    assert need  # otherwise the check would not work
    faces = [name for name in need if name.count(".") == 1]
    assert [name for name in need if name.split(".")[1] not in COMPUTING] + faces == []


def is_module_or_name(dotted: str) -> bool:
    """Return whether ``fringe.room.module.name`` can be reached."""
    parts = dotted.split(".")
    value = importlib.import_module(parts[0])
    for depth, part in enumerate(parts[1:], 2):
        with suppress(ModuleNotFoundError):
            importlib.import_module(".".join(parts[:depth]))
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return True


@pytest.mark.parametrize("name", ["README.md", *(f"docs/{page}.md" for page in PAGES)])
def test_modules_and_scripts_that_a_page_names_exist(name: str) -> None:
    page = (REPOSITORY / name).read_text()
    library = REPOSITORY / "src/fringe"
    absent = []
    for path in re.findall(r"[\w/]+\.(?:py|smk)\b", page):
        places = [folder / path for folder in (REPOSITORY, library.parent, library)]
        inside = [] if "/" in path else library.rglob(path)
        if not any(place.exists() for place in (*places, *inside)):
            absent.append(path)
    files = r"\bfringe\.(?:yaml|def|sif)\b"
    for dotted in re.findall(r"\bfringe(?:\.[a-z_]\w*)+", re.sub(files, "", page)):
        if not is_module_or_name(dotted):
            absent.append(dotted)
    assert absent == []
