"""Paths of a run are spelled in one module, and a name may be a wildcard."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pytest

from fringe.plan import layout

REPOSITORY = Path(__file__).resolve().parents[2]

# A string with a path in the folder of a run: `f"features/{source}.h5"`, `"draws/"`.
FOLDERS = (
    "images|features|statistics|weights|matched|draws|convergence|scores|checks|sensitivity"
    "|tables|figures|benchmarks|logs"
)
SPELLED = re.compile(rf"(^|/)({FOLDERS})/[^/ ]*/?.*\.(h5|csv|tsv|log|png|pdf|json|tex|md|html)$")
WITH_MARK = re.compile(r"\.replace\(\":\", \"\.\"\)")


def spelled(text: str) -> set[str]:
    """Return the strings in a module, except docstrings, that spell a path of a run."""
    tree = ast.parse(text)
    allowed = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            found.add("".join(map(str, parts)))
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in allowed
        ):
            found.add(node.value)
    return {string for string in found if SPELLED.search(string)}


def modules() -> Iterable[Path]:
    for folder in ("src/fringe", "workflow/scripts"):
        yield from sorted((REPOSITORY / folder).rglob("*.py"))


def test_no_other_module_spells_a_path_of_a_run() -> None:
    own = {"src/fringe/plan/layout.py"}
    found = {
        str(path.relative_to(REPOSITORY)): strings
        for path in modules()
        if (strings := spelled(path.read_text()))
    }
    assert found.keys() <= own, "spell these places in fringe.plan.layout"
    assert own <= found.keys(), "the pattern no longer finds anything"


def test_no_rule_spells_a_path_of_a_run() -> None:
    for path in (REPOSITORY / "Snakefile", *sorted((REPOSITORY / "rules").glob("*.smk"))):
        strings = re.findall(r'"([^"\n]*)"', re.sub(r"(?m)^ *#.*$", "", path.read_text()))
        assert [one for one in strings if SPELLED.search(one)] == [], path


def test_one_function_names_networks_in_paths() -> None:
    found = [path.name for path in modules() if WITH_MARK.search(path.read_text())]
    assert found == ["registry.py"], "call fringe.networks.file_name"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('x = f"{folder}/features/{source}/{network}.h5"', {"{}/features/{}/{}.h5"}),
        ('x = "statistics/real/net/features-5.h5"', {"statistics/real/net/features-5.h5"}),
        ('def f():\n    """``features/a/b.h5``."""', set()),
        ('x = f"weights/{network}: does not exist"', set()),
        ('x = "features"', set()),
    ],
)
def test_strings_that_spell_a_path(text: str, expected: set[str]) -> None:
    assert spelled(text) == expected


def test_a_network_is_named_as_in_the_configuration_or_as_in_paths() -> None:
    place = "features/real/mine.network.h5"
    assert layout.features("real", "mine:network") == place
    assert layout.features("real", "mine.network") == place
    assert layout.features("{source}", "{network}") == "features/{source}/{network}.h5"


def test_places_of_one_kind_are_recognized() -> None:
    assert layout.is_features(PurePosixPath(layout.features("real", "clip")))
    for place in (
        layout.feature_shard("real", "clip", "0000000-0000040"),
        layout.maps("faces", "clip"),
        layout.statistics("real", "clip", "features", 5),
    ):
        assert not layout.is_features(PurePosixPath(place))


def test_a_log_has_the_path_of_its_benchmark_file() -> None:
    names = ("extract_features", "real", "mine.network", "0000000-0000040")
    assert layout.log_of(layout.benchmark(*names)) == layout.log(*names)
    assert layout.log("verdict") == "logs/verdict.log"


def test_a_checkpoint_is_next_to_the_result() -> None:
    place = layout.checkpoint(layout.weights("{dataset}", "{scheme}"))
    assert place == "weights/{dataset}/{scheme}.checkpoint"


def test_a_scale_of_noise_has_one_name() -> None:
    assert layout.noise("faces", 0) == "sensitivity/faces/noise-0.csv"
    assert layout.noise("faces", 0.1) == layout.noise("faces", 1 / 10)
    assert layout.noise("faces", "{scale}") == "sensitivity/faces/noise-{scale}.csv"


def test_shards_are_named_by_their_images() -> None:
    bounds = layout.shard_bounds(100, 40)
    assert bounds == [(0, 40), (40, 80), (80, 100)]
    assert [layout.parse_shard(layout.shard_name(*one)) for one in bounds] == bounds
