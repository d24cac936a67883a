"""Tests of the page in headless Chromium, opened from disk with Playwright."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from tests.page import contents
from tests.page.test_curves import CURVES

from fringe.page.build import write_index
from fringe.page.content import Content

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: make dev"
)
axe_api = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-core is not installed: make dev"
)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

AXE = {"resultTypes": ["violations"]}  # a list of passed rules would take long
WIDE = {"width": 1400, "height": 900}
MADE = {
    "rich": contents.rich,
    "one": contents.one_data_set,
    "five": contents.five_data_sets,
    "many": contents.many_images,
    "labels": contents.labelled,
    "plots": lambda: replace(contents.one_data_set(), curves=[make() for make in CURVES]),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Content]]:
    """Return a function that returns the page and the content of a name in `MADE`."""
    folder = tmp_path_factory.mktemp("pages")
    known: dict[str, tuple[Path, Content]] = {}

    def make(name: str) -> tuple[Path, Content]:
        if name not in known:
            content = MADE[name]()
            write_index(folder / f"{name}.html", content)
            known[name] = folder / f"{name}.html", content
        return known[name]

    return make


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Any, made: Callable[[str], tuple[Path, Content]]) -> Iterator[Any]:
    """Return a function that opens a page, and check at the end that no page had faults.

    Faults are requests, errors and messages on the console. Chromium reports violations
    of the Content-Security-Policy there.
    """
    faults: list[str] = []
    contexts = []

    def open_page(name: str, *, viewport: dict[str, int] = WIDE, **options: Any) -> Any:
        path, _ = made(name)
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)

        def requested(request: Any) -> None:
            if not request.url.startswith("data:") and request.url != path.as_uri():
                faults.append(f"request: {request.url}")

        page.on("request", requested)
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("console", lambda message: faults.append(f"{message.type}: {message.text[:500]}"))
        page.goto(path.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def look_at(page: Any, selector: str) -> Any:
    """Bring an element to the top of the window; return it."""
    found = page.locator(selector).first
    found.wait_for(state="attached")
    page.eval_on_selector(selector, "e => e.scrollIntoView({behavior: 'instant'})")
    return found


def explorer_of(page: Any, key: str = "faces") -> Any:
    """Return a view of the explorer after it is built."""
    look_at(page, f"#images-{key}")
    page.wait_for_selector(f"#images-{key} .tile")
    return page.locator(f"#images-{key}")


def control(explorer: Any, name: str) -> Any:
    found = explorer.locator(f".control:has(> span:text-is('{name}'))")
    return found.locator("select, input").first


def tiles(explorer: Any) -> list[int]:
    """Return the images of all rows in the page, in order."""
    found = explorer.locator(".tile").evaluate_all(
        "all => all.map(e => [e.dataset.place, e.dataset.image])"
    )
    places = [int(place) for place, _ in found]
    assert places == sorted(places)
    return [int(image) for _, image in found]


def values(content: Content, key: str) -> np.ndarray:
    """Return the values by which images are sorted."""
    explorer = content.explorers[0].explorer
    if key.startswith("influence-"):
        return explorer.influence[:, int(key[-1])].astype(float)
    if key == "class":
        assert explorer.classes is not None
        return explorer.classes[:, 0].astype(float)
    return np.asarray(getattr(explorer, key), float)


def in_order(value: np.ndarray, *, largest_first: bool) -> list[int]:
    """Sort images in a simple way; images without a value come last."""
    known = [n for n in range(len(value)) if not np.isnan(value[n])]
    rest = [n for n in range(len(value)) if np.isnan(value[n])]
    return sorted(known, key=lambda n: (-value[n] if largest_first else value[n], n)) + rest


@pytest.mark.parametrize("name", MADE)
def test_page_opens_from_disk_without_requests_and_errors(opened: Any, name: str) -> None:
    page = opened(name)
    for chapter in ("answers", "images", "curves", "exhibits", "deviations", "files"):
        if page.locator(f"#{chapter}").count():
            look_at(page, f"#{chapter}")
    if page.locator("article.curve").count():
        page.wait_for_selector("article.curve.drawn svg")
    if page.locator("article.explorer").count():
        page.wait_for_selector(".tile canvas[data-drawn]")


def test_a_view_without_weights_is_sorted_by_influence(opened: Any, made: Any) -> None:
    page = opened("rich")
    page.locator("#view").select_option("images-generators")
    shown = tiles(explorer_of(page, "generators"))
    influence = made("rich")[1].explorers[1].explorer.influence[:, -1].astype(float)
    assert shown == in_order(influence, largest_first=True)[: len(shown)]


def test_labels_are_classes_without_a_rank(opened: Any) -> None:
    for name, title in (("rich", "Top-1 class"), ("labels", "class")):
        explorer = explorer_of(opened(name))
        ways = control(explorer, "Sort by").locator("option").all_inner_texts()
        assert [way for way in ways if "class" in way] == [title]
        explorer.locator(".tile").first.click()
        facts = explorer.locator("dialog dt").all_inner_texts()
        assert next(fact for fact in facts if "class" in fact) == title


@pytest.mark.parametrize(
    "key", ["index", "weight", "class", "influence-0", "influence-1", "nearest"]
)
def test_sorting_changes_the_shown_images(opened: Any, made: Any, key: str) -> None:
    explorer = explorer_of(opened("rich"))
    control(explorer, "Sort by").select_option(key)
    for order, largest_first in (("down", True), ("up", False)):
        control(explorer, "Order").select_option(order)
        expected = in_order(values(made("rich")[1], key), largest_first=largest_first)
        shown = tiles(explorer)
        assert len(shown) > 20
        assert shown == expected[: len(shown)]


def test_filters_show_only_matching_images(opened: Any, made: Any) -> None:
    explorer = explorer_of(opened("rich"))
    data = made("rich")[1].explorers[0].explorer

    def check(mask: np.ndarray) -> None:
        assert 0 < mask.sum() < len(mask)
        assert explorer.locator(".count").inner_text() == f"{mask.sum()} of {len(mask)} images"
        shown = tiles(explorer)
        assert mask[shown].all()
        assert len(shown) == min(len(shown), mask.sum())

    control(explorer, "Images").select_option("1")
    mask = data.group == 1
    check(mask)
    explorer.locator("label:has-text('random sample') input").check()
    mask &= data.sampled
    check(mask)
    least, most = explorer.locator("input[type=number]").all()
    most.fill("0")
    check(mask & (data.weight == 0))
    least.fill("0.5")
    most.fill("2")
    mask &= (data.weight >= 0.5) & (data.weight <= 2)
    check(mask)
    control(explorer, "Class").fill("SHORE")
    mask &= data.classes[:, 0] == contents.NAMES.index("seashore")
    check(mask)
    control(explorer, "Class").fill("nothing has this name")
    assert explorer.locator(".count").inner_text() == "0 of 300 images"
    assert explorer.locator(".nothing").is_visible()
    explorer.get_by_role("button", name="Show all").click()
    assert explorer.locator(".count").inner_text() == "300 of 300 images"


def test_classes_can_be_sorted_and_filter_images(opened: Any, made: Any) -> None:
    explorer = explorer_of(opened("rich"))
    data = made("rich")[1].explorers[0].explorer
    table = data.class_table
    rows = explorer.locator(".classes tbody tr")

    def order() -> list[int]:
        return [int(n) for n in rows.evaluate_all("all => all.map(e => e.dataset.class)")]

    assert order() == sorted(range(7), key=lambda n: -abs(table.contributions[n]))
    for column, name in enumerate(["Real", *data.models]):
        explorer.locator(f".classes thead button:has-text('{name}')").click()
        assert order() == sorted(range(7), key=lambda n: -table.shares[n, column])
        cells = explorer.locator(f".classes tbody td:nth-child({column + 3})")
        shown = [float(v) for v in cells.evaluate_all("all => all.map(e => e.dataset.value)")]
        assert shown == [table.shares[n, column] for n in order()]
    wanted = contents.NAMES.index("coral reef")
    explorer.locator(".classes").get_by_role("button", name="coral reef").click()
    expected = int((data.classes[:, 0] == wanted).sum())
    assert explorer.locator(".count").inner_text() == f"{expected} of 300 images"
    assert all(data.classes[n, 0] == wanted for n in tiles(explorer))
    explorer.locator(".chip").click()
    assert explorer.locator(".count").inner_text() == "300 of 300 images"


def pixel(canvas: Any, across: float, down: float) -> list[int]:
    """Return the colour of a canvas at a place from 0 to 1."""
    return canvas.evaluate(
        """(canvas, [across, down]) => [...canvas.getContext("2d").getImageData(
          Math.floor(across * canvas.width), Math.floor(down * canvas.height), 1, 1).data]""",
        [across, down],
    )


def test_thumbnails_show_their_images(opened: Any, made: Any) -> None:
    explorer = explorer_of(opened("rich"))
    data = made("rich")[1].explorers[0].explorer
    colours = np.random.default_rng(1).uniform(30, 225, (len(contents.NAMES), 3))
    explorer.locator(".tile canvas[data-drawn]").nth(12).wait_for()
    seen = set()
    for canvas in explorer.locator(".tile canvas[data-drawn]").all()[:12]:
        image = int(canvas.get_attribute("data-drawn"))
        seen.add(data.classes[image, 0])
        middle = 0.5 - 0.2 * np.sin(image)  # the centre of the disc
        colour = pixel(canvas, float(middle), 0.5)[:3]
        # WebP changes colours a little.
        np.testing.assert_allclose(colour, colours[data.classes[image, 0]], atol=16)
    assert len(seen) > 2


def test_a_click_shows_the_image_with_its_map_and_numbers(opened: Any, made: Any) -> None:
    page = opened("rich")
    explorer = explorer_of(page)
    data = made("rich")[1].explorers[0].explorer
    control(explorer, "Sort by").select_option("index")
    tile = explorer.locator(".tile").nth(3)
    tile.click()
    dialog = explorer.locator("dialog")
    assert dialog.is_visible()
    assert dialog.locator("h4").inner_text() == "Real images, image 9"
    overlay = dialog.locator(".viewer-map")
    assert overlay.is_visible()

    # In the centre of a cell the map has the cell's value. The page has every fifth colour.
    shown = pixel(overlay, 3.5 / 7, 2.5 / 7)[:3]
    exact = matplotlib.colormaps["viridis"](data.maps[3, 2, 3] / 255)
    np.testing.assert_allclose(shown, 255 * np.array(exact[:3]), atol=4)

    slider = dialog.get_by_label("Sensitivity map over the image")
    assert overlay.evaluate("e => getComputedStyle(e).opacity") == "0.5"
    slider.fill("0")
    assert overlay.evaluate("e => getComputedStyle(e).opacity") == "0"
    slider.fill("100")
    assert overlay.evaluate("e => getComputedStyle(e).opacity") == "1"

    facts = dict(
        zip(
            dialog.locator("dt").all_inner_texts(),
            dialog.locator("dd").all_inner_texts(),
            strict=True,
        )
    )
    name = data.class_table.names[data.classes[3, 0]]
    assert facts["Top-1 class"].startswith(f"{name}, ")
    likely = float(facts["Top-1 class"].removesuffix("%").rpartition(" ")[2])
    assert likely == pytest.approx(100 * data.probabilities[3, 0], rel=0.05)  # two digits
    for place, model in enumerate(data.models):
        value = float(facts[f"Influence on FID: {model}"].replace("−", "-"))
        assert value == pytest.approx(data.influence[3, place], rel=0.005)  # three digits
    distance = float(facts["Distance to the nearest other real image"])
    assert distance == pytest.approx(data.nearest[3], rel=0.0005)
    assert "Optimized weight" not in facts  # a real image

    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert tile.evaluate("e => e === document.activeElement")


def test_arrow_keys_change_the_image_in_the_dialog(opened: Any, made: Any) -> None:
    page = opened("rich")
    explorer = explorer_of(page)
    data = made("rich")[1].explorers[0].explorer
    control(explorer, "Sort by").select_option("index")
    explorer.locator(".tile").nth(4).click()
    dialog = explorer.locator("dialog")
    page.keyboard.press("ArrowRight")
    assert dialog.locator("h4").inner_text() == "Real images, image 15"
    assert "has no sensitivity map" in dialog.inner_text()
    assert not dialog.locator(".viewer-map").is_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert dialog.locator("h4").inner_text() == "Real images, image 9"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.image") == "3"
    never = int(np.flatnonzero(data.weight == 0)[0])
    control(explorer, "Sort by").select_option("weight")
    control(explorer, "Order").select_option("up")
    assert tiles(explorer)[0] == never
    explorer.locator(".tile").first.click()
    assert "0×: never drawn" in dialog.inner_text()
    assert dialog.get_by_role("button", name="Previous").is_disabled()


def test_the_grid_works_with_the_keyboard(opened: Any) -> None:
    page = opened("rich")
    explorer = explorer_of(page)
    focus = lambda: page.evaluate("document.activeElement.dataset.place")  # noqa: E731
    explorer.locator(".controls button").focus()
    page.keyboard.press("Tab")
    assert focus() == "0"
    columns = int(explorer.locator(".grid").get_attribute("aria-colcount"))
    last_row = (300 - 1) // columns * columns
    for key, place in (
        ("ArrowRight", 1),
        ("ArrowDown", 1 + columns),
        ("End", 2 * columns - 1),
        ("Home", columns),
        ("ArrowUp", 0),
        ("ArrowUp", 0),
        ("ArrowLeft", 0),
        ("Control+End", 299),
        ("Home", last_row),
        ("PageUp", None),
        ("Control+Home", 0),
    ):
        page.keyboard.press(key)
        if place is not None:
            assert focus() == str(place), key
        assert explorer.locator(".tile[tabindex='0']").count() == 1
        assert page.evaluate(
            """() => {
              const tile = document.activeElement.getBoundingClientRect();
              const grid = document.querySelector(".grid").getBoundingClientRect();
              return tile.top >= grid.top - 1 && tile.bottom <= grid.bottom + 8 }"""
        ), key
    page.keyboard.press("Enter")
    assert explorer.locator("dialog").is_visible()
    assert page.evaluate("document.activeElement.textContent") == "Close"


def test_ten_thousand_thumbnails_need_few_elements(opened: Any, made: Any) -> None:
    page = opened("many")
    explorer = explorer_of(page)
    control(explorer, "Sort by").select_option("index")
    for place in (0.0, 0.37, 0.5, 1.0):
        explorer.locator(".grid").evaluate("(e, p) => e.scrollTop = p * e.scrollHeight", place)
        middle = round(place * 9999)
        page.wait_for_function(
            """middle => [...document.querySelectorAll(".tile canvas[data-drawn]")]
              .some(e => Math.abs(e.dataset.drawn - middle) < 60)""",
            arg=middle,
        )
        assert 20 < explorer.locator(".tile").count() < 200
    assert 9999 in tiles(explorer)
    assert page.evaluate("document.querySelectorAll('*').length") < 2500
    # Sorting and filtering all images takes far less than this; the limit is for slow machines.
    took = explorer.locator("select").first.evaluate(
        """e => { const begin = performance.now(); e.value = "influence-0";
          e.dispatchEvent(new Event("change")); return performance.now() - begin }"""
    )
    assert took < 1000
    expected = in_order(values(made("many")[1], "influence-0"), largest_first=False)
    shown = tiles(explorer)
    assert shown == expected[: len(shown)]


def test_numbers_have_their_values_and_details(opened: Any, made: Any) -> None:
    page = opened("rich")
    for answer in made("rich")[1].answers:
        article = page.locator(f"#{answer.key}")
        assert answer.word in article.locator(".word").inner_text()
        assert article.locator(".sentence").inner_text() == answer.sentence
        numbers = [c for row in answer.table.rows for c in row.cells if not isinstance(c, str)]
        shown = article.locator(".proof .number").evaluate_all(
            "all => all.map(e => [e.querySelector('.shown').textContent, e.dataset.value ?? null])"
        )
        expected = [[c.text, None if c.value is None else repr(c.value)] for c in numbers]
        assert shown == expected
    number = page.locator(".proof .has-about").first
    tip = number.locator(".tip")
    assert not tip.is_visible()
    number.hover()
    assert tip.is_visible()
    box, place = tip.bounding_box(), number.bounding_box()
    assert 0 < box["y"] - place["y"] - place["height"] < 20
    page.mouse.move(2, 2)
    assert not tip.is_visible()
    number.focus()
    assert tip.is_visible()
    for line in made("rich")[1].answers[0].table.rows[0].cells[0].about:
        assert line in tip.inner_text()
    page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_hostile_titles_are_shown_as_text(opened: Any) -> None:
    page = opened("rich")
    assert page.title() == "demo · Fringe"
    assert contents.HOSTILE in page.locator("#dataset-faces .of").inner_text()
    page.locator("#view").select_option("images-generators")
    explorer = explorer_of(page, "generators")
    assert contents.HOSTILE in explorer.locator("h3").text_content()
    options = control(explorer, "Images").locator("option").all_inner_texts()
    assert options == ["all", "Real images", contents.HOSTILE, contents.LONG]
    explorer.locator(".tile").first.click()
    assert contents.HOSTILE in explorer.locator("dialog").inner_text()
    page.keyboard.press("Escape")
    look_at(page, "#curve-sweep")
    page.wait_for_selector("#curve-sweep.drawn svg")
    assert "<script>" in page.locator("#curve-sweep svg").text_content()
    assert page.title() == "demo · Fringe"


def test_plots_react_to_the_mouse(opened: Any, made: Any, tmp_path: Path) -> None:
    page = opened("rich")
    look_at(page, "#curve-sweep")
    page.wait_for_selector("#curve-sweep.drawn svg")
    plot = page.locator("#curve-sweep")
    assert not plot.locator(".static").is_visible()
    point = plot.locator("svg .mark-symbol.role-mark path").first
    point.hover(force=True)
    tip = plot.locator(".plot-tip")
    assert tip.is_visible()
    assert "N of Top-N" in tip.inner_text()
    assert contents.HOSTILE in tip.inner_text()

    opacity = "all => all.map(e => getComputedStyle(e).opacity)"
    lines = plot.locator("svg .mark-line.role-mark path")
    before = lines.evaluate_all(opacity)
    assert set(before) == {"1"}
    plot.locator("svg .role-legend-symbol path").first.click(force=True)
    page.wait_for_function(
        """() => [...document.querySelectorAll("#curve-sweep svg .mark-line.role-mark path")]
          .filter(e => Number(getComputedStyle(e).opacity) < 0.5).length === 2"""
    )

    # The wheel scrolls the page; it zooms only while Ctrl is held.
    ticks = lambda: plot.locator("svg .role-axis-label").all_inner_texts()  # noqa: E731
    first = ticks()
    plot.locator("svg").hover()
    top = page.evaluate("scrollY")
    page.mouse.wheel(0, 40)
    page.wait_for_function("top => scrollY !== top", arg=top)
    assert ticks() == first
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_function(
        """first => [...document.querySelectorAll("#curve-sweep svg .role-axis-label")]
          .map(e => e.innerText ?? e.textContent).join() !== first.join()""",
        arg=first,
    )
    plot.get_by_role("button", name="Show all again").click()
    page.wait_for_function(
        """() => [...document.querySelectorAll("#curve-sweep svg .mark-line.role-mark path")]
          .every(e => getComputedStyle(e).opacity === "1")"""
    )

    colour = lines.first.get_attribute("stroke")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        """colour => {
          const line = document.querySelector("#curve-sweep svg .mark-line.role-mark path");
          return line && line.getAttribute("stroke") !== colour }""",
        arg=colour,
    )
    with page.expect_download() as waiting:
        plot.locator("a.csv").click()
    waiting.value.save_as(tmp_path / "saved.csv")
    curve = made("rich")[1].curves[0]
    assert waiting.value.suggested_filename == curve.csv_name
    assert (tmp_path / "saved.csv").read_bytes().decode() == curve.csv


@pytest.mark.parametrize("width", [1400, 400])
def test_every_plot_of_a_run_is_drawn_completely(opened: Any, made: Any, width: int) -> None:
    page = opened("plots", viewport={"width": width, "height": 900})
    for curve in made("plots")[1].curves:
        look_at(page, f"#{curve.key}")
        page.wait_for_selector(f"#{curve.key}.drawn svg")
        plot = page.locator(f"#{curve.key} .plot-room")
        assert plot.locator("svg .role-mark path").count() > 2
        labels = plot.locator("svg [aria-label]").evaluate_all("all => all.map(e => e.ariaLabel)")
        assert any(labels)
        assert not [text for text in labels if re.search(r"\b(null|NaN|undefined)\b", text)]
        room = plot.bounding_box()
        for text in plot.locator("svg text").all():
            box = text.bounding_box()
            assert box["x"] >= room["x"] - 1, text.text_content()
            assert box["x"] + box["width"] <= room["x"] + room["width"] + 1, text.text_content()
            assert box["y"] >= room["y"] - 1, text.text_content()
            assert box["y"] + box["height"] <= room["y"] + room["height"] + 1, text.text_content()


def test_the_data_of_a_plot_are_shown_as_a_table(opened: Any, made: Any) -> None:
    page = opened("rich")
    look_at(page, "#curve-noise")
    page.locator("#curve-noise summary").click()
    rows = page.locator("#curve-noise tbody tr")
    assert rows.count() == 15
    assert rows.first.locator("td").all_inner_texts() == ["1", "FID", "100.0", "1.5"]


def test_ticks_are_counted_and_stored(opened: Any) -> None:
    page = opened("rich")
    look_at(page, "#exhibits")
    assert page.locator(".progress-text").inner_text() == "0 of 3 checked"
    page.locator("#exhibit-table-1 input[type=checkbox]").check()
    assert page.locator(".progress-text").inner_text() == "1 of 3 checked"
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#exhibit-table-1 input[type=checkbox]").is_checked()
    assert page.locator(".index .checked").count() == 1
    page.get_by_role("button", name="Clear all ticks").click()
    assert page.locator(".progress-text").inner_text() == "0 of 3 checked"


def test_compared_numbers_state_their_deviation_in_words(opened: Any) -> None:
    page = opened("rich")
    row = page.locator("#exhibit-table-1 .compared tbody tr")
    assert row.nth(0).locator("td").last.text_content().split() == [
        "●", "(agrees", "with", "the", "paper)", "−0.4", "%,", "within", "the", "error",
    ]  # fmt: skip
    assert "▲" in row.nth(1).inner_text()
    assert "○" in row.nth(2).inner_text()
    page.locator("#exhibit-table-1 .differs a").first.click()
    assert page.evaluate("location.hash") == "#deviation-1"


@pytest.mark.parametrize("width", [1400, 800, 400])
def test_axe_finds_no_violations(opened: Any, width: int) -> None:
    page = opened("rich", viewport={"width": width, "height": 900})
    explorer = explorer_of(page)
    for key in ("sweep", "sizes", "noise"):
        look_at(page, f"#curve-{key}")
        page.wait_for_selector(f"#curve-{key}.drawn svg")
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        results = axe_api.Axe().run(page, options=AXE)
        assert results.violations_count == 0, results.generate_report()
    look_at(page, "#images-faces")
    explorer.locator(".tile").first.click()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        results = axe_api.Axe().run(page, context="dialog[open]", options=AXE)
        assert results.violations_count == 0, results.generate_report()


def test_axe_finds_a_missing_alternative_text(opened: Any) -> None:
    page = opened("one")
    page.evaluate("document.querySelector('.seen img').removeAttribute('alt')")
    results = axe_api.Axe().run(page, options=AXE)
    assert [one["id"] for one in results.response["violations"]] == ["image-alt"]


@pytest.mark.parametrize("name", ["rich", "five"])
@pytest.mark.parametrize("width", [320, 400, 800])
def test_nothing_is_wider_than_the_window(opened: Any, name: str, width: int) -> None:
    page = opened(name, viewport={"width": width, "height": 800})
    explorer_of(page, "faces" if name == "rich" else "set-0")
    look_at(page, "article.curve")
    page.wait_for_selector("article.curve.drawn svg")
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_first_screen_has_the_answer(opened: Any) -> None:
    page = opened("one")
    for selector in ("h3", ".word", ".sentence", ".proof table", ".seen img", ".doubts"):
        box = page.locator(f"#dataset-faces {selector}").first.bounding_box()
        assert box["y"] + box["height"] <= WIDE["height"], selector


def test_each_of_five_data_sets_has_an_answer_and_images(opened: Any, made: Any) -> None:
    page = opened("five")
    assert page.locator(".summary li").count() == 5
    page.locator("#set-3 .to-images a").click()
    page.wait_for_selector("#images-set-3 .tile")
    assert page.locator("#view").input_value() == "images-set-3"
    assert page.locator("article.explorer:visible").count() == 1
    expected = made("five")[1].explorers[3].explorer.weight
    shown = tiles(page.locator("#images-set-3"))
    assert shown == in_order(expected.astype(float), largest_first=True)[: len(shown)]


def test_without_scripts_only_the_explorer_is_missing(opened: Any, made: Any) -> None:
    page = opened("rich", java_script_enabled=False)
    content = made("rich")[1]
    for answer in content.answers:
        assert page.locator(f"#{answer.key} .sentence").is_visible()
        assert page.locator(f"#{answer.key} .proof table").is_visible()
    assert page.get_by_text("The explorer of images needs JavaScript.").is_visible()
    assert page.locator("#curve-sweep .static img").is_visible()
    assert page.locator("#exhibit-table-1 .compared").is_visible()
    assert page.locator("#deviation-1").is_visible()
    assert page.locator(".script-only:visible").count() == 0
    number = page.locator(".proof .has-about").first
    number.focus()
    assert number.locator(".tip").is_visible()


def test_the_printed_page_has_figures_and_no_controls(opened: Any) -> None:
    page = opened("rich")
    look_at(page, "#curve-sweep")
    page.wait_for_selector("#curve-sweep.drawn svg")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#curve-sweep .static img").is_visible()
    assert not page.locator("#curve-sweep .data").is_visible()
    assert page.locator("#curve-noise .data td").first.is_visible()
    for selector in (".top nav", "#curve-sweep .plot", ".tick", ".progress", ".controls", ".tip"):
        assert page.locator(f"{selector}:visible").count() == 0, selector
    assert page.locator("#dataset-faces .more").get_by_text("A further sentence.").is_visible()
    page.set_viewport_size({"width": 720, "height": 1000})  # a sheet of A4
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert not page.locator("#dataset-faces .more").get_by_text("A further sentence.").is_visible()
    assert opened("one").pdf().startswith(b"%PDF")


def test_modules_give_the_same_results_as_python(opened: Any) -> None:
    page = opened("rich", bypass_csp=True)
    call = "async ([name, f, ...values]) => (await import(name))[f](...values)"
    place = np.linspace(0, 1, 41)
    colours = np.array([page.evaluate(call, ["fringe/maps", "viridis", v]) for v in place.tolist()])
    exact = matplotlib.colormaps["viridis"](place)[:, :3] * 255
    np.testing.assert_allclose(colours, exact, atol=3)  # every fifth colour, interpolated

    text = 'a,"b ""c"", d",e\n1,"two\nlines",\n-2.5e3,<b>,0x10\n'
    assert page.evaluate(call, ["fringe/csv", "table", text]) == [
        {"a": 1, 'b "c", d': "two\nlines", "e": None},
        {"a": -2500, 'b "c", d': "<b>", "e": "0x10"},
    ]
    for letters, found in ((9, ["one two", "three"]), (3, ["one", "two", "three"])):
        assert page.evaluate(call, ["fringe/plots", "lines", "one two three", letters]) == found
    for value, count, shown in (
        (0.000012345, 3, "1.23e−5"),
        (-0.02278, 3, "−0.0228"),
        (9.996, 3, "10.0"),
        (1234.5, 3, "1235"),
        (0, 3, "0"),
    ):
        assert page.evaluate(call, ["fringe/format", "digits", value, count]) == shown
