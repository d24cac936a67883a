"""List of deviations from the paper, its document, and the entries that apply to a run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from fringe.config.completion import complete
from fringe.config.model import RunConfig
from fringe.plan import deviations
from fringe.plan.paper_document import describe_paper
from fringe.report import write_deviations

from ..run_configs import changed

REPOSITORY = Path(__file__).parents[2]


def completed(name: str, **changes: Any) -> RunConfig:
    written = yaml.safe_load((REPOSITORY / "config" / name).read_text())
    config, faults, _ = complete({**written, **changes})
    assert faults == []
    return config


PAPER, DEMO = completed("config.yaml"), completed("demo.yaml")


def topics(config: RunConfig, *exhibits: str) -> set[str]:
    return {one.topic for one in deviations.applying(config, exhibits)}


def test_the_document_is_up_to_date() -> None:
    written = (REPOSITORY / "docs/paper.md").read_text()
    assert written == describe_paper(PAPER), "run: fringe docs"


def test_entries_are_complete_and_topics_are_unique() -> None:
    every = deviations.deviations(PAPER)
    assert len({one.topic for one in every}) == len(every)
    for one in every:
        for text in (one.topic, one.short, one.paper, one.code, one.ours, one.why):
            assert text.strip()
            assert "{" not in text
        assert all(text[-1] in '."' for text in (one.paper, one.code, one.ours, one.why)), one
        assert one.exhibits
        assert all(re.fullmatch(r"(table|figure)S?\d+[ab]?|verdict", name) for name in one.exhibits)


@pytest.mark.parametrize(
    "topic",
    [
        *("Preprocessing of ResNet-50", "Resize kernel of SwAV", "Resize kernel of CLIP"),
        *("Inception-V3 of PyTorch", "Scale of the noise", "Repeats in the sweeps"),
        *("Real images", "Number of dogs", "Subsets of KID", "Examples", "N of the sweeps"),
        *("Optimizer of the weights", "Divisor of the weighted covariance", "LSUN Places"),
        *("Top-1 bins that candidates cannot fill", "Crop of LSUN Car", "Filter of FFHQ"),
        *("Snapshots", "Recall", "Colour map", "Means of maps"),
    ],
)
def test_choices_that_the_paper_leaves_open_are_listed(topic: str) -> None:
    assert topic in {one.topic for one in deviations.deviations(PAPER)}


def test_only_entries_that_apply_are_shown() -> None:
    every = {name for one in deviations.deviations(PAPER) for name in one.exhibits}
    paper, demo = topics(PAPER, *every), topics(DEMO, *every)
    assert {"LSUN Places", "Preprocessing of ResNet-50", "Inception-V3"} <= paper - demo
    assert {"Optimizer of the weights", "Subsets of KID", "Real images"} <= demo
    assert topics(PAPER, "figure9") >= {"Snapshots"}
    assert "Snapshots" not in topics(PAPER, "table1")
    released = changed(PAPER, {"optimization/method": "reference"})
    assert "Optimizer of the weights" not in topics(released, "table2")
    (one,) = deviations.applying(PAPER, ["figure10b"])[:1]
    assert one.exhibits == ("figure10b",)


def test_texts_have_the_values_of_the_run() -> None:
    other = completed("demo.yaml", evaluation={**DEMO.evaluation.plain(), "kid_subsets": 7})
    (subsets,) = [one for one in deviations.applying(other, ["table3"]) if "KID" in one.short][:1]
    assert subsets.ours == "7 subsets of 1000 images, with a seed."
    assert "repeats of each N (3)" in deviations.choices(DEMO)["figure6"]


def test_notes_and_captions_name_choices_and_the_document() -> None:
    sentences = deviations.choices(PAPER)
    assert "ResNet-50's weights and preprocessing" in sentences["table1"]
    assert "torchvision's Inception-V3 and its preprocessing" in sentences["figure8b"]
    assert "torchvision" not in deviations.choices(DEMO)["figure8b"]
    assert all("docs/paper.md" in text for text in sentences.values())
    captions = {
        path.stem: path.read_text()
        for path in (REPOSITORY / "workflow/report").glob("*.rst")
        if re.match("figure|table|verdict", path.stem)
    }
    assert set(captions) == {"figure", "table", "verdict"}
    assert all('config["choices"]' in text for text in captions.values())


def test_the_page_of_the_report(tmp_path: Path) -> None:
    found = deviations.applying(DEMO, ["table3", "figure10b"])
    found = [replace(found[0], topic="A <b> & c"), *found[1:]]
    write_deviations([one.to_plain() for one in found], tmp_path / "a.md", tmp_path / "a.html")
    markdown, html = ((tmp_path / f"a.{kind}").read_text() for kind in ("md", "html"))
    assert "## Subsets of KID\n\n* Exhibits: Table 3.\n* The paper: Only the definition" in markdown
    assert "<h2>A &lt;b&gt; &amp; c</h2>" in html
    assert "<strong>Exhibits.</strong> Figure 10b.</p>" in html
    assert html.count("<h2>") == len(found)
    assert "`" not in html


def test_another_network_of_classes_is_listed() -> None:
    topic, shown = "Who counts classes", ("table1", "figure9")
    assert topic in topics(completed("config.yaml", classifier="resnet50"), *shown)
    assert topic not in topics(PAPER, *shown)
    assert topic not in topics(completed("config.yaml", classifier=PAPER.network), *shown)
