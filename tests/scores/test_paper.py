"""Tests of the paper's numbers, and of the choice of the number that a score is compared with."""

import pandas as pd
import pytest

from fringe.scores.cells import Cell
from fringe.scores.differences import PAPER
from fringe.scores.paper import paper_numbers, paper_value

NOTHING = pd.DataFrame()


def test_paper_numbers_agree_with_the_reference(shared):
    given = pd.read_csv(shared / "paper_numbers.csv")
    ours = paper_numbers()
    for exhibit in ("table1", "table2", "table3", "figure8a"):
        theirs = given[given["experiment"] == exhibit]
        mine = ours[ours["exhibit"] == exhibit]
        scale = mine["metric"].map(lambda metric: 1 if metric == "fid" else 1000)
        assert list(mine["value"] * scale) == pytest.approx(list(theirs["value"]), rel=1e-12)
        assert list(mine["dataset"]) == list(theirs["dataset"])
    columns = {  # network and metric of figures that show several networks
        "tensorflow": ("inception", "fid"),
        "pytorch": ("inception-torchvision", "fid"),
        "fid": ("inception", "fid"),
        "clip": ("clip", "fid"),
        "recall": ("vgg16-nvidia", "recall"),
    }
    datasets = {"ffhq_projected_fastgan": "ffhq_fastgan", "ffhq_stylegan2": "ffhq"}
    for exhibit in ("figure8b", "figure19"):
        expected = [
            (datasets.get(row.dataset, row.dataset), *columns[row.column], row.value, row.std)
            for row in given[given["experiment"] == exhibit].fillna(-1).itertuples()
        ]
        mine = ours[ours["exhibit"] == exhibit].fillna(-1)
        found = mine[["dataset", "network", "metric", "value", "std"]].itertuples(index=False)
        assert sorted(map(tuple, found)) == sorted(expected)
        assert len(expected) == {"figure8b": 4, "figure19": 6}[exhibit]
        assert {*mine["n_real"], *mine["n_generated"]} == {50000}
        assert set(mine["scheme"]) == {"random"}


@pytest.mark.parametrize(
    ("exhibit", "change", "value"),
    [
        ("figure8b", {}, 3.69),
        ("figure19", {}, None),  # shows another network
        ("figure8b", {"dataset": "lsun-cat"}, 6.64),
        ("figure8b", {"dataset": "mine"}, None),
        ("figure8b", {"metric": "kid"}, None),
        ("figure8b", {"n_real": 70000}, None),
        ("figure8b", {"n_generated": 10000}, None),
        ("figure8b", {"paper": NOTHING}, None),
    ],
)
def test_a_point_of_the_paper_belongs_to_one_setting(exhibit, change, value):
    asked = {"paper": None, "dataset": "ffhq", "network": "inception-torchvision"} | change
    counts = {"n_real": 50000, "n_generated": 50000}
    counts |= {name: asked.pop(name) for name in counts if name in asked}
    cell = Cell(mean=3.5, std=0.1, repeats=5, **counts)
    found = paper_value(
        asked.pop("paper"),
        {"ffhq": PAPER["ffhq"]},
        cell,
        scheme="random",
        exhibits=(exhibit,),
        same_counts=True,
        **asked,
    )
    assert (found and found.value) == value
