"""Captions: each figure has one that needs no paper, and titles are shown as they are."""

from __future__ import annotations

import pytest
from docutils.core import publish_parts

from fringe.plan.captions import captions, figure_caption
from fringe.plan.exhibits import PAPER_ORDER, Exhibit, exhibits, in_paper_order, lacking, names

from .runs import CONFIG, changed, make_run


def test_every_figure_of_a_run_has_a_caption() -> None:
    config = make_run().config
    found = captions(config)
    figures = [one for one in exhibits(config) if one.kind == "Figure"]
    assert set(found) == {one.stem for one in figures}
    for one in figures:
        caption = figure_caption(config, one)
        assert len(caption.text) > 80
        assert len(caption.seen) > 30
        assert not {"{", "}"} & {*caption.text, *caption.seen}
        assert "docs/" not in caption.text


def test_every_figure_of_the_paper_has_a_caption() -> None:
    config = make_run().config
    for name in PAPER_ORDER:
        if name.startswith("figure") and name != "figure14":
            assert figure_caption(config, Exhibit("Figure", name[6:], "faces", "Faces")).text


def test_settings_add_to_captions() -> None:
    def text(number: str, config: dict) -> str:
        return figure_caption(make_run(config).config, Exhibit("Figure", number, "faces", "F")).text

    assert "Also shown with the weights of the released algorithm." in text("5", CONFIG)
    without = changed("optimization", "released", "steps", to=0)
    assert "released" not in text("5", without)
    assert "certified optimizer" in text("16", CONFIG)
    method = changed("optimization", "method", to="reference")
    assert "certified" not in text("16", method)
    assert ", the first images" in text("11", CONFIG)


@pytest.mark.parametrize(
    "title", ["`x <javascript:alert(1)>`_", "*a* |b| c_ [1]_ :math:`x`", "a{b}"]
)
def test_a_title_is_shown_as_it_is_in_the_report(title: str) -> None:
    found = captions(make_run(changed("datasets", "cats", "title", to=title)).config)
    html = publish_parts(found["figure4a-cats"], writer="html")["body"]
    assert "<a " not in html
    assert "<em" not in html
    shown = title.replace("<", "&lt;").replace(">", "&gt;")
    assert f"images of {shown}, for" in html


def test_exhibits_are_in_the_order_of_the_paper() -> None:
    found = [one.name for one in in_paper_order(exhibits(make_run().config))]
    order = list(dict.fromkeys(found))
    of_paper = [name for name in PAPER_ORDER if name in order]
    assert order[: len(of_paper)] == of_paper
    others = order[len(of_paper) :]
    assert others[:2] == ["figureS1", "figureS2"]
    assert others == sorted(others)
    assert not set(others) & set(PAPER_ORDER)
    assert set(found) == set(names(make_run().config))
    assert order.index("table1") < order.index("table2") < order.index("figure5")
    assert order.index("figure17") < order.index("table3") < order.index("figure18")


def test_missing_figures_of_the_paper_are_listed_with_the_reason() -> None:
    def lines(*change: str, to: object) -> list[str]:
        return lacking(make_run(changed(*change, to=to)).config)

    assert lacking(make_run().config) == []
    assert lines("schemes", to={"top": [], "middle": []}) == [
        f"Figure {number}: no Top-N or Middle-N scheme is configured (`schemes`)."
        for number in (6, 18)
    ]
    numbers = [line.split()[1].rstrip(":") for line in lines("sensitivity", "datasets", to=[])]
    assert numbers == ["2", "3", "4b", "10a", "10b", "11", "12", "13", "14", "15"]
    assert lines("comparisons", to={}) == [
        f"Figure {number}: no comparison of two generators with images is configured."
        for number in (7, 19)
    ]
