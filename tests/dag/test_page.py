"""The page of a real run agrees with the files of the run."""

from __future__ import annotations

import base64
import io
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from fringe.scores.rows import read_scores

Project = Any  # tests/dag/conftest.py


class Page(HTMLParser):
    """Collects numbers by the text of their row, addresses of links, and CSV data."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.rows: dict[str, list[float]] = {}
        self.links: list[str] = []
        self.scripts = 0
        self.row, self.in_head = "", False
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        self.in_head = tag == "th" and about.get("scope") == "row"
        if value := about.get("data-value"):
            self.rows.setdefault(self.row, []).append(float(value))
        if tag == "a" and about.get("href"):
            self.links.append(str(about["href"]))
        self.scripts += tag == "script"

    def handle_data(self, data: str) -> None:
        if self.in_head:
            self.row = data.strip()


@pytest.fixture(scope="module")
def page(finished: Project) -> Page:
    return Page(finished.results / "index.html")


def test_numbers_of_the_answer_are_the_means_of_the_scores(finished: Project, page: Page) -> None:
    names = "tiny_network.classifier", "tiny_network.control"
    for scheme, row in (("random", "drawn at random"), ("matched", "Top-1 classes matched")):
        places = [finished.results / f"scores/faces/{scheme}/{name}.csv" for name in names]
        means = [read_scores([place])["value"].mean() for place in places]
        np.testing.assert_allclose(page.rows[row][:2], means, rtol=1e-12)


def test_links_lead_to_files_of_the_run(finished: Project, page: Page) -> None:
    files = [link for link in page.links if not link.startswith(("#", "data:"))]
    assert "report.html" in files, "how the results were made"
    for link in set(files) - {"report.html"}:  # written by `fringe run` at its end
        assert (finished.results / link).is_file(), link


def test_data_of_plots_are_the_scores(finished: Project, page: Page) -> None:
    data = [
        pd.read_csv(io.StringIO(base64.b64decode(link.partition("base64,")[2]).decode()))
        for link in page.links
        if link.startswith("data:text/csv")
    ]
    (sweep,) = (one for one in data if "matched" in one)
    scores = read_scores(sorted((finished.results / "scores/faces").glob("*/tiny*.csv")))
    means = scores.groupby(["scheme", "network"])["value"].mean()
    for value in sweep["fid"]:
        assert np.abs(means - value).min() <= 1e-12 * value
    (sizes,) = (one for one in data if "images" in one)
    measured = read_scores([finished.results / "scores/faces/sizes.csv"])
    expected = measured.groupby(["n_real", "n_generated", "metric"])["value"].mean()
    np.testing.assert_allclose(sorted(sizes["fid"]), sorted(expected), rtol=1e-12)
    (losses,) = (one for one in data if "loss" in one)
    convergence = pd.read_csv(finished.results / "convergence/faces.csv")
    assert losses["loss"].min() >= 0
    assert set(losses["seconds"]) <= set(convergence["seconds"])


def test_a_browser_shows_the_page_without_errors(finished: Project) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if browser is None:
        pytest.skip("chromium is not installed: no browser opens the page")
    said, asked = [], []
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        shown = opened.new_page()
        shown.on("console", lambda message: said.append(message.text))
        shown.on("pageerror", lambda error: said.append(str(error)))
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto((finished.results / "index.html").as_uri())
        shown.locator("#images").scroll_into_view_if_needed()
        shown.locator("[role=gridcell], .tile").first.wait_for()
        opened.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_other_numbers_of_images_make_explorers_and_the_page_again(
    finished: Project, tmp_path: Path
) -> None:
    project = finished.copy(tmp_path / "project")
    project.config["page"] = {"images": 20}
    printed = project.run(options="--dry-run --quiet rules")
    rules = {line.split()[0] for line in printed.splitlines() if len(line.split()) == 2} & {
        "explore_dataset",
        "write_index",
        "summarize_cost",
        "make_table",
        "score_scheme",
    }
    assert rules == {"explore_dataset", "write_index", "summarize_cost"}
    assert yaml.safe_load((project.folder / "config.yaml").read_text())["page"] == {"images": 20}
