"""Tests of the HTML of the page, and of content that is refused."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from tests.page import contents

from fringe.errors import FringeError
from fringe.page import build
from fringe.page.build import render_index, write_index
from fringe.page.content import Answer, Content, Link, Number, Row, Table
from fringe.page.embedded import embedded_json


class Elements(HTMLParser):
    """Collects the elements of a page, and the texts of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts.append((self.tags[-1][1], data))
        self.text.append(data)


def answer(**changes: object) -> Answer:
    plain = Answer(
        "dataset-a",
        "A",
        "dataset",
        "What?",
        "word",
        "A sentence.",
        Table("Caption", ["", "FID"], []),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_index(tmp_path / name, contents.rich())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_links_lead_only_to_files_of_the_run() -> None:
    page = Elements(render_index(contents.rich()))
    allowed = {"figures/curve-sweep.pdf", "report.html", "tables/table1.csv", "verdict.md"}
    seen = set()
    for tag, attributes in page.tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            address = attributes.get(name)
            if address is None or address.startswith(("data:", "#")):
                continue
            assert tag == "a", (tag, address)
            assert re.fullmatch(r"[\w/-]+\.\w+", address)
            seen.add(address)
    assert allowed <= seen


def test_every_script_and_style_has_the_nonce_of_the_policy() -> None:
    page = Elements(render_index(contents.rich()))
    (policy,) = (a["content"] for t, a in page.tags if a.get("http-equiv"))
    assert policy is not None
    nonce = re.search(r"script-src 'nonce-([0-9a-f]{64})'; style-src 'nonce-\1'", policy)
    assert nonce
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        data = attributes.get("type") == "application/json"
        if tag in ("script", "style") and not data:
            assert attributes["nonce"] == nonce[1]


def test_the_nonce_depends_on_the_content() -> None:
    found = {
        re.search("nonce-([0-9a-f]+)", render_index(Content("run", [answer(word=word)])))[1]  # type: ignore[index]
        for word in ("one", "other")
    }
    assert len(found) == 2


def test_hostile_titles_are_shown_as_text() -> None:
    page = Elements(render_index(contents.rich()))
    assert contents.HOSTILE in "".join(page.text)
    kinds = {"application/json": 5, "importmap": 1, "module": 1}
    found = [attributes.get("type") for tag, attributes in page.tags if tag == "script"]
    assert {kind: found.count(kind) for kind in set(found)} == kinds


def test_embedded_json_does_not_end_its_element() -> None:
    value = {"title": contents.HOSTILE, "line": "\u2028", "half": "\ud800"}
    text = str(embedded_json(value))
    assert "<" not in text
    assert json.loads(text) == value


def test_control_characters_are_escaped() -> None:
    page = render_index(Content("run\x1b[2J", [answer(title="a\u202eb\x00c\ud800")]))
    assert not re.search("[\x00\x1b\u202e\ud800]", page)
    assert r"run\x1b[2J" in page
    page.encode()


def test_numbers_keep_their_values_and_their_details() -> None:
    one = Number("0.10 ± 0.02", 0.1 + 0.2, ["Seed 5", "3 draws"], "deviates")
    table = Table("Caption", ["", "FID"], [Row("random", [one])])
    page = Elements(render_index(Content("run", [answer(table=table)])))
    (shown,) = (a for _, a in page.tags if a.get("data-value"))
    assert float(shown["data-value"] or "") == 0.1 + 0.2
    (tip,) = (a for _, a in page.tags if a.get("role") == "tooltip")
    assert shown["aria-describedby"] == tip["id"]
    assert shown["tabindex"] == "0"
    assert {"Seed 5", "3 draws", " (deviates from the paper)"} <= set(page.text)


def test_ids_are_unique_and_links_have_targets() -> None:
    for content in (contents.rich(), contents.one_data_set(), contents.five_data_sets()):
        page = Elements(render_index(content))
        ids = [a["id"] for _, a in page.tags if "id" in a]
        assert len(ids) == len(set(ids))
        for _, attributes in page.tags:
            address = attributes.get("href") or ""
            if address.startswith("#"):
                assert address[1:] in ids
            for name in ("aria-labelledby", "aria-describedby", "for"):
                assert (attributes.get(name) or ids[0]) in ids


def test_the_heading_names_the_paper_only_if_exhibits_are_the_papers() -> None:
    def heading(name: str) -> str:
        exhibit = replace(contents.exhibit("exhibit-a", name), differs=[])
        content = Content("run", [answer()], exhibits=[exhibit])
        found = re.search('<h2 id="exhibits-title">([^<]*)<', render_index(content))
        assert found
        return found[1]

    assert heading("Table 1") == heading("Figure S1") == "The paper&#39;s exhibits"
    assert heading("Classes of a comparison") == "Figures"


def test_a_page_without_plots_has_no_plot_library() -> None:
    def modules(content: Content) -> dict[str, str]:
        scripts = Elements(render_index(content)).scripts
        (text,) = (text for attributes, text in scripts if attributes["type"] == "importmap")
        return json.loads(text)["imports"]

    assert "vega" not in modules(contents.one_data_set())
    held = modules(contents.rich())
    assert {"vega", "vega-lite", "vega-interpreter", "vega-util", "fringe/main"} <= held.keys()
    script = base64.b64decode(held["vega"].partition("base64,")[2])
    assert script.startswith((build._FOLDER / "vendor/vega.min.js").read_bytes())


def test_csv_is_equal_to_the_csv_of_the_curve() -> None:
    content = contents.rich()
    page = Elements(render_index(content))
    links = [a for _, a in page.tags if a.get("class") == "csv"]
    for curve, link in zip(content.curves, links, strict=True):
        assert link["download"] == curve.csv_name
        data = (link["href"] or "").partition("base64,")[2]
        assert base64.b64decode(data).decode() == curve.csv


def test_the_error_of_a_page_that_is_too_large_names_its_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = contents.rich()
    size = len(render_index(content).encode())
    monkeypatch.setattr(build, "LARGEST", size)
    write_index(tmp_path / "index.html", content)
    assert (tmp_path / "index.html").stat().st_size == size
    monkeypatch.setattr(build, "LARGEST", size - 1)
    with pytest.raises(FringeError, match=r"would be .* MB, .*thumbnails .* MB.*page: images"):
        write_index(tmp_path / "index.html", content)


def test_embedded_arrays_are_unchanged() -> None:
    view = contents.rich().explorers[0]
    data = json.loads(build.explorer_data(view))

    def read(name: str, of: dict[str, dict[str, object]]) -> np.ndarray:
        packed = of[name]
        kind = np.dtype(str(packed["type"])).newbyteorder("<")
        values = np.frombuffer(base64.b64decode(str(packed["data"])), kind)
        return values.reshape(packed["shape"])  # type: ignore[call-overload]

    explorer = view.explorer
    for name in ("group", "index", "sampled", "classes", "probabilities", "weight", "influence"):
        np.testing.assert_array_equal(read(name, data), getattr(explorer, name), strict=False)
    np.testing.assert_array_equal(read("maps", data), explorer.maps)
    assert explorer.class_table is not None
    np.testing.assert_array_equal(read("shares", data["classTable"]), explorer.class_table.shares)
    assert data["classTable"]["names"] == list(explorer.class_table.names)


@pytest.mark.parametrize("href", ["https://example.org", "//example.org", " javascript:alert(1)"])
def test_links_out_of_the_run_are_refused(href: str) -> None:
    with pytest.raises(ValueError, match="must lead to a file of the run"):
        render_index(Content("run", [answer()], links=[Link(href, "text")]))


def test_keys_that_are_not_anchors_or_occur_twice_are_refused() -> None:
    for key in ('a"b', "answers", "data-photos", "answers-title", "A-b", "a--b"):
        with pytest.raises(ValueError, match="is not an anchor"):
            render_index(Content("run", [answer(key=key)]))
    with pytest.raises(ValueError, match="occurs twice"):
        render_index(Content("run", [answer(), answer()]))
    view = contents.rich().explorers[0]
    with pytest.raises(ValueError, match="the answer 'dataset-faces' is missing"):
        render_index(Content("run", [answer()], [view]))


def test_an_exhibit_with_an_unknown_deviation_is_refused() -> None:
    content = replace(contents.rich(), deviations=())
    with pytest.raises(ValueError, match="the deviation 'Crops' is missing"):
        render_index(content)
