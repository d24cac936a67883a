"""Tests of the content of a page, from planted files of a run."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from fringe.errors import DamagedFileError
from fringe.page.collect import collect
from fringe.page.content import Content, Number
from fringe.plan.exhibits import PAPER_ORDER

from .run_files import config, write_run

HOSTILE = {
    "one": "<script>alert(1)</script> \"quoted\" 'too' & {braces} `code`",
    "two": "long " * 39 + "name",
    "three": "*stars* |bars| $dollars$",
    "four": "Four",
    "five": "Four",
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, dict, Content]:
    about, files = write_run(tmp_path_factory.mktemp("run"), config())
    return about, files, collect(about, files)


def test_the_data_set_and_the_comparison_have_answers(
    planted: tuple[dict, dict, Content],
) -> None:
    _, files, content = planted
    dataset, comparison = content.answers
    assert (dataset.key, comparison.key) == ("dataset-faces", "comparison-two")
    assert dataset.word == "at least 54% null space"  # FID falls by 60 %, and the controls by 6 %
    assert dataset.table.head[-3:] == (
        "FDr",
        "FDr (untrained)",
        "FDr (CLIP)",
    )
    scores = pd.concat(map(pd.read_csv, files["scores"]))
    for row in dataset.table.rows:
        scheme = {
            "drawn at random": "random",
            "50 at random": "random-filled",
            "Top-1 classes matched": "matched",
            "Top-20 classes matched": "top20",
            "weights of the released steps": "prelogits-released",
            "optimized weights": "prelogits",
        }[row.label]
        for network, cell in zip(("inception", "untrained", "clip"), row.cells, strict=False):
            assert isinstance(cell, Number)
            rows = scores[(scores["scheme"] == scheme) & (scores["network"] == network)]
            if cell.value is None:
                assert rows.empty
            else:
                assert cell.value == pytest.approx(rows["value"].mean(), rel=1e-15)
    assert "10.00 (drawn at random), 9.00 (Top-1 classes matched), 4.00 (optimized weights)" in (
        dataset.pictures[0].alt
    )
    assert comparison.pictures[0].caption.startswith("Images of the generators side by side")


def test_exhibits_come_in_the_order_of_the_paper_with_pictures_or_tables(
    planted: tuple[dict, dict, Content],
) -> None:
    _, _, content = planted
    names = [one.name for one in content.exhibits]
    order = list(PAPER_ORDER)
    plain = [name.replace(" ", "").lower() for name in names if "Figure S" not in name]
    places = [order.index(name) for name in plain if name in order]
    assert places == sorted(places)
    assert names[-1] == "Classes of a comparison" or "Classes of a comparison" not in names
    for one in content.exhibits:
        assert one.caption
        assert len(one.pictures) + len(one.tables) == 1
        assert all(picture.alt for picture in one.pictures)
        assert all(not link.href.startswith(("/", ".")) for link in one.links)
    topics = {one.topic for one in content.deviations}
    assert all(set(one.differs) <= topics for one in content.exhibits)
    assert len({one.key for one in content.exhibits}) == len(names)


def test_tables_show_the_numbers_of_their_csv(planted: tuple[dict, dict, Content]) -> None:
    _, files, content = planted
    found = {one.name: one.tables[0] for one in content.exhibits if one.tables}
    for path in files["tables"]:
        rows = pd.read_csv(path)
        table = found[f"Table {Path(path).stem[-1]}"]
        (ours,) = (row for row in table.rows if row.kind == "")
        values = [cell.value for cell in ours.cells if isinstance(cell, Number)]
        assert values == list(rows[rows["scheme"] != "random-filled"]["mean"])
        assert len(table.head) == 1 + len(ours.cells)


def test_each_kind_of_plot_has_a_figure_for_print(
    planted: tuple[dict, dict, Content],
) -> None:
    _, _, content = planted
    assert [one.key for one in content.curves] == [
        "curve-sweep-faces",
        "curve-sizes",
        "curve-snapshots",
        "curve-noise-faces",
        "curve-convergence-faces",
    ]
    for one in content.curves:
        assert one.figure is not None
        assert re.search(r" \d+(\.\d+)? at ", one.figure.alt), "the alt text contains numbers"


def test_all_files_that_the_page_links_are_inputs(planted: tuple[dict, dict, Content]) -> None:
    """So all links work; the page is in the folder of the run."""
    _, files, content = planted
    every = {path for paths in files.values() for path in paths}
    places = [link.href for one in (*content.exhibits, *content.answers) for link in one.links]
    places += [link.href for one in content.curves for link in one.links]
    places += [link.href for link in content.links]
    later = ("report.html", "cost.html")  # written at the end of a run
    assert set(later) <= set(places)
    for place in set(places) - set(later):
        assert any(path.endswith(f"/run/{place}") for path in every), place


def test_a_missing_input_is_an_error(tmp_path: Path) -> None:
    about, files = write_run(tmp_path, config())
    for name, paths in files.items():
        if name in ("explorers", "linked"):  # `collect` does not read these
            continue
        assert paths, name
        held = Path(paths[0]).read_bytes()
        Path(paths[0]).unlink()
        with pytest.raises(DamagedFileError, match=re.escape(str(paths[0]))):
            collect(about, files)
        Path(paths[0]).write_bytes(held)
    for path in files["linked"]:
        assert not Path(path).exists(), "linked files are not read"
    collect(about, files)


def test_five_data_sets_with_hostile_titles(tmp_path: Path) -> None:
    about, files = write_run(tmp_path, config(HOSTILE))
    content = collect(about, files)
    answers = [one for one in content.answers if one.kind == "dataset"]
    assert [one.title for one in answers] == list(HOSTILE.values())
    assert len({one.key for one in content.answers}) == 6
    assert len([one for one in content.curves if one.key.startswith("curve-sweep")]) == 5
    captions = [one.caption for one in content.exhibits if one.name == "Figure 4a"]
    assert HOSTILE["one"] in captions[0]


def test_a_run_that_only_compares_has_one_answer(tmp_path: Path) -> None:
    asked = config()
    asked["datasets"]["faces"] = {"real": "real", "generated": "fake", "resample": False}
    for key in ("schemes", "optimization", "convergence"):
        del asked[key]
    del asked["evaluation"]["sizes"]
    about, files = write_run(tmp_path, asked)
    content = collect(about, files)
    (answer,) = content.answers
    assert answer.kind == "comparison"
    assert content.curves == ()
    assert "Table 1: no data set is resampled (`resample`)." in content.left_out
