"""Tests of values that YAML reads as a type that the configuration does not expect."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from fringe.config.completion import complete
from fringe.config.file import read_config, read_entries

TEXT = """
run: run
network: efficientnet-lite0
controls: [untrained]
sources:
  real: {path: real.zip}
  fake: {kind: imitation, count: 100, resolution: 32}
datasets:
  faces: {real: real, generated: fake}
"""


def read(folder: Path, text: str) -> tuple[dict[str, Any], list[str]]:
    """Complete a configuration from its text; messages contain only line numbers as places."""
    path = folder / "config.yaml"
    path.write_text(text)
    completed, faults, _ = complete(read_config(path), read_entries(path))
    return completed.plain(), [fault.replace(f"{path}, ", "") for fault in faults]


def replaced(*pairs: tuple[str, str], more: str = "") -> str:
    text = TEXT
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text + more


@pytest.mark.parametrize(
    ("pair", "fault"),
    [
        (("run: run", "run: 2024"), 'run: 2024 is read as a number, but must be text; put it in '
         'quotes: "2024" (line 2)'),
        (("run: run", "run: 2024-01-01"), "run: 2024-01-01 is read as a date, but must be text"),
        (("run: run", "run: 0256"), 'run: 0256 is read as a number, but must be text; put it in '
         'quotes: "0256" (line 2)'),
        (("run: run", "run: 1_000"), "run: 1_000 is read as a number"),
        (("run: run", "run: off"), "run: off is read as false, but must be text"),
        (("faces: {", "256: {"), 'datasets/256: 256 is read as a number, but a name must be text; '
         'put it in quotes: "256" (line 9)'),
        (("faces: {", "no: {"), "datasets/no: no is read as false, but a name must be text"),
        (("faces: {", "2024-01-01: {"), "datasets/2024-01-01: 2024-01-01 is read as a date"),
        (("faces: {", "~: {"), "datasets/~: ~ is read as nothing, but a name must be text"),
        (("path: real.zip", "path: 256"), "sources/real/path: 256 is read as a number"),
        (("real: real", "title: 2024, real: real"), "datasets/faces/title: 2024 is read as a num"),
        (("controls: [untrained]", "controls: [50]"), "controls/0: 50 is read as a number"),
        (("path: real.zip", "path: real.zip, statistics: {1: {path: a, count: 2}}"),
         "sources/real/statistics/1: 1 is read as a number, but a name must be text"),
        (("path: real.zip", "path: real.zip, note: yes"), "sources/real/note: yes is read as true"),
    ],
)  # fmt: skip
def test_names_must_be_text(tmp_path: Path, pair: tuple[str, str], fault: str) -> None:
    _, (found, *others) = read(tmp_path, replaced(pair))
    assert found.startswith(fault)
    # A name may break another rule after it is converted to text.
    assert all("is not valid" in other for other in others), others


def test_no_fault_follows_from_a_name_that_is_not_text(tmp_path: Path) -> None:
    """References to the name are still valid, and all other faults are found, too."""
    text = replaced(
        ("  real: {path", "  2024: {path"),
        ("  fake: {", "  no: {"),
        ("faces: {real: real, generated: fake}", "256: {real: 2024, generated: no, n_reel: 3}"),
        more="comparisons:\n  0: {generators: {1: 256, 2: 256}}\nweights: {50: a}\n"
        "evaluation: {n_real: 0}\n",
    )
    _, faults = read(tmp_path, text)
    assert [fault.split(": ")[0] for fault in faults] == [
        *("sources/2024", "sources/no", "datasets/256"),
        *("comparisons/0", "comparisons/0/generators/1", "comparisons/0/generators/2"),
        *("weights/50", "datasets/256/real", "datasets/256/generated"),
        *("comparisons/0/generators/1", "comparisons/0/generators/2"),
        "comparisons/0/generators",  # both are the same data set
        *("datasets/256", "evaluation/n_real"),
    ]
    assert all(" (line " in fault for fault in faults[:11])


def test_names_in_quotes_are_valid(tmp_path: Path) -> None:
    text = replaced(
        ("run: run", 'run: "2024-01-01"'),
        ("  real: {path", '  "1.5": {path'),
        ("faces: {real: real", "'256': {real: \"1.5\""),
    )
    completed, faults = read(tmp_path, text)
    assert faults == []
    assert list(completed["datasets"]) == ["256"]
    assert completed["datasets"]["256"]["title"] == "256"


def test_names_of_json_must_be_text(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"run": 2024, "optimization": {"tolerance": 1e-3}}')
    path = tmp_path / "c.json"
    _, faults, _ = complete(read_config(path), read_entries(path))
    (found,) = [fault for fault in faults if not fault.startswith("top level")]
    assert found == (
        f'run: 2024 is read as a number, but must be text; put it in quotes: "2024" ({path})'
    )


@pytest.mark.parametrize(
    ("key", "spelled", "hint", "value"),
    [
        ("optimization: {tolerance: %s}", "1e-3", "1.0e-3", 0.001),
        ("optimization: {tolerance: %s}", "1E3", "1.0e+3", 1000.0),
        ("optimization: {tolerance: %s}", "1.5e5", "1.5e+5", 150000.0),
        ("optimization: {tolerance: %s}", ".5e2", ".5e+2", 50.0),
        ("optimization: {tolerance: %s}", "1_0e-3", "1_0.0e-3", 0.01),
        ("optimization: {tolerance: %s}", "'0.5'", "0.5", 0.5),
        ("optimization: {evaluations: %s}", "1e5", "100000", 100000),
        ("optimization: {evaluations: %s}", '"100"', "100", 100),
        ("optimization: {evaluations: %s}", "08", "8", 8),
        ("evaluation: {gamma_factors: [1, %s]}", "1e-1", "1.0e-1", 0.1),
        ("evaluation: {sizes: [[all, %s]]}", "1e2", "100", 100),
        ("evaluation: {kid_exact: %s}", '"no"', "false", False),
        ("evaluation: {kid_exact: %s}", "y", "true", True),
        ("sensitivity: {classes: %s}", "'8'", "8", 8),
    ],
)
def test_numbers_that_are_read_as_text(
    tmp_path: Path, key: str, spelled: str, hint: str, value: float
) -> None:
    key = key + "\n"
    completed, (fault,) = read(tmp_path, TEXT + key % spelled)
    assert " is read as text, but must be " in fault
    assert fault.endswith(f"; write {hint} (line 10)")
    # The hint is correct, and other checks used the corrected value.
    assert read(tmp_path, TEXT + key % hint) == (completed, [])
    assert yaml.safe_load(hint) == value
    assert f"{value!r}" in repr(completed)


@pytest.mark.parametrize(
    ("spelled", "fault"),
    [
        ("010", "seed: 010 is read as 8, because a leading 0 means base 8 in YAML; write 10 or 8"),
        ("1:30", "seed: 1:30 is read as 90, because a colon means base 60 in YAML; write the"),
        ("1.5", "seed: 1.5 is not a whole number"),
        ("'1.5'", "seed: '1.5' is not a whole number"),
        ("nan", "seed: 'nan' is not a whole number"),
        ("5,000", "seed: '5,000' is not a whole number"),
        (".inf", "seed: inf is not a number that can be used; write a finite one"),
        ("", "seed: has no value; give it one, or drop the key"),
        ("yes", "seed: true is not a whole number"),
    ],
)
def test_misleading_numbers_are_refused(tmp_path: Path, spelled: str, fault: str) -> None:
    _, faults = read(tmp_path, f"{TEXT}seed: {spelled}\n")
    assert faults[0].startswith(fault)


@pytest.mark.parametrize(("spelled", "value"), [("007", 7), ("1_000", 1000), ("0x10", 16)])
def test_other_spellings_of_numbers_are_accepted(tmp_path: Path, spelled: str, value: int) -> None:
    completed, faults = read(tmp_path, f"{TEXT}seed: {spelled}\n")
    assert (faults, completed["seed"]) == ([], value)


def test_a_whole_number_may_be_written_with_an_exponent(tmp_path: Path) -> None:
    """JSON Schema accepts 1.0e+5 as a whole number, but counts must be of type int."""
    text = replaced(("count: 100", "count: 1.0e+2"), more="optimization: {tolerance: 1}\n")
    completed, faults = read(tmp_path, text)
    assert faults == []
    assert type(completed["sources"]["fake"]["count"]) is int
    assert completed["optimization"]["tolerance"] == 1


def test_an_absurdly_large_count_is_refused(tmp_path: Path) -> None:
    """Planning the shards of 10**12 images would take days."""
    _, (fault,) = read(tmp_path, replaced(("count: 100", "count: 1.0e+12")))
    assert fault.startswith("sources/fake/count: 1000000000000 is greater than the maximum of 10")


def test_values_of_the_command_line(tmp_path: Path) -> None:
    """Snakemake reads nested values as text, but dates and numbers at the top level as such."""
    path = tmp_path / "config.yaml"
    path.write_text(f"{TEXT}evaluation: {{n_real: 30}}\n")
    config = read_config(path)
    config["evaluation"] = {"n_real": "40", "kid_exact": "false", "gamma_factors": ["1", "0.5"]}
    completed, faults, _ = complete(config, read_entries(path))
    assert faults == []
    assert completed.evaluation.n_real == 40
    assert completed.evaluation.kid_exact is False
    assert completed.evaluation.gamma_factors == [1, 0.5]
    config["run"] = 2024
    (fault,) = complete(config, read_entries(path))[1]
    assert fault == (
        'run: 2024 is read as a number, but must be text; put it in quotes: "2024" (on the command '
        "line: --config 'run=\"2024\"')"
    )


def test_the_user_s_configuration_does_not_change() -> None:
    config = {**yaml.safe_load(TEXT), 256: 1, "seed": "5"}
    before = copy.deepcopy(config)
    complete(config)
    assert config == before


def test_values_shared_by_an_anchor_are_completed_separately(tmp_path: Path) -> None:
    text = replaced(
        ("  real: {path: real.zip}", "  real: &real {path: real.zip}\n  same: *real"),
        ("  faces: {", "  faces: &faces {"),
        more="  more: *faces\ndata_dir: d\n",
    )
    completed, faults = read(tmp_path, text)
    assert faults == []
    assert completed["sources"]["same"]["path"] == "d/real.zip"
    assert completed["datasets"]["more"]["title"] == "more"
