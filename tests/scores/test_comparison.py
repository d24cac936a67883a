"""Tests of the JSON of a comparison and its schema."""

import json
from pathlib import Path

import jsonschema
import pytest
from tests.comparison.planted import EVEN, SKEWED, made

import fringe
from fringe.scores.comparison import Comparison, comparison_schema, read_comparison, write_result


@pytest.fixture(scope="module")
def compared() -> Comparison:
    """Return a comparison with all parts: controls, classes, a price and several trainings."""
    real, bad = made(0, 400), made(1, 400, SKEWED, fault=1.0)
    good = [made(seed, 400, EVEN, fault=0.4) for seed in (2, 3)]
    return fringe.compare_features(
        real.features,
        {"A": bad.features, "B": [one.features for one in good]},
        classes={"A": bad.classes, "B": [one.classes for one in good]},
        real_classes=real.classes,
    )


def test_the_json_fits_its_schema(compared: Comparison, tmp_path: Path) -> None:
    path = tmp_path / "verdict.json"
    write_result(path, compared)
    written = json.loads(path.read_text())
    assert written["schema_version"] == 1
    assert written["prices"][0]["reactions"]
    assert written["class_shares"]["B"]
    for part in ("compositions", "witnesses"):
        assert written[part], part
    validator = jsonschema.Draft202012Validator(json.loads(comparison_schema()))
    assert list(validator.iter_errors(written)) == []
    assert read_comparison(path) == compared
    del written["verdicts"][0]["word"]
    written["networks"][0]["floor"]["number"] = 3
    assert len(list(validator.iter_errors(written))) == 2


def test_an_audit_fits_the_schema() -> None:
    real, one = made(0, 300), made(1, 300, SKEWED)
    found = fringe.compare_features(
        real.features,
        {"A": one.features},
        classes={"A": one.classes},
        real_classes=real.classes,
    )
    assert found.histogram_shares
    validator = jsonschema.Draft202012Validator(json.loads(comparison_schema()))
    assert list(validator.iter_errors(json.loads(found.model_dump_json()))) == []
