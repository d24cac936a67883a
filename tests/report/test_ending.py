"""Tests of the text that is printed at the end of a run."""

from pathlib import Path

import pytest
from tests.comparison.planted import made

import fringe
from fringe.errors import FringeError
from fringe.report.ending import ending
from fringe.scores.comparison import Comparison, write_result


@pytest.fixture(scope="module")
def compared() -> Comparison:
    sets = {"A": made(1, 300, fault=1.0), "B": made(2, 300, fault=0.2), "C": made(3, 300)}
    features = {name: one.features for name, one in sets.items()}
    return fringe.compare_features(made(0, 300).features, features, name="Faces", prices=False)


def test_each_verdict_of_a_comparison_has_a_line(tmp_path: Path, compared: Comparison) -> None:
    for name in ("index.html", "report.html"):
        (tmp_path / name).touch()
    folder = tmp_path / "comparisons" / "faces"
    folder.mkdir(parents=True)
    write_result(folder / "verdict.json", compared)
    printed = ending(tmp_path, ["faces", "left-out"], resampled=False).splitlines()
    page = folder / "verdict.html"
    assert printed == [
        f"Faces: B against A: {compared.verdicts[0].word} ({page})",
        f"Faces: C against A: {compared.verdicts[1].word} ({page})",
        f"Page: {tmp_path / 'index.html'}   Provenance: {tmp_path / 'report.html'}",
    ]


@pytest.mark.parametrize("name", ["index.html", "report.html"])
def test_a_run_of_comparisons_only_needs_a_page_and_a_report(tmp_path: Path, name: str) -> None:
    for other in {"index.html", "report.html"} - {name}:
        (tmp_path / other).touch()
    with pytest.raises(FringeError, match=rf"{name}: missing; run the workflow again"):
        ending(tmp_path, resampled=False)


def test_a_damaged_verdict_is_refused(tmp_path: Path) -> None:
    for name in ("index.html", "report.html"):
        (tmp_path / name).touch()
    (tmp_path / "comparisons/faces").mkdir(parents=True)
    (tmp_path / "comparisons/faces/verdict.json").write_text("{}")
    with pytest.raises(FringeError, match=r"verdict\.json"):
        ending(tmp_path, ["faces"], resampled=False)


def test_a_run_of_the_target_comparisons_ends_with_verdicts(
    tmp_path: Path, compared: Comparison
) -> None:
    """`fringe run X.yaml -- comparisons` writes no tables and no report."""
    assert ending(tmp_path, ["faces"], whole=False) == ""
    (tmp_path / "comparisons/faces").mkdir(parents=True)
    write_result(tmp_path / "comparisons/faces/verdict.json", compared)
    printed = ending(tmp_path, ["faces"], whole=False).splitlines()
    assert [line.partition(" (")[0] for line in printed] == [
        f"Faces: {model} against A: {one.word}"
        for model, one in zip("BC", compared.verdicts, strict=True)
    ]
    with pytest.raises(FringeError, match=r"table1\.md: missing"):
        ending(tmp_path, ["faces"])
