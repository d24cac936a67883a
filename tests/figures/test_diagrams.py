"""Tests of Figures 1 and 2: contents, readability, invalid input."""

from dataclasses import replace
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Ellipse, FancyArrowPatch, Rectangle

from fringe.errors import FringeError
from fringe.figures import feature_overview, overlay, sensitivity_pipeline
from fringe.figures.diagram import Box, draw_bars, draw_gaussians, format_distance
from fringe.figures.heat import COLORS, percent
from fringe.figures.page import Page
from fringe.figures.style import Style, read_style, styled
from fringe.scores.overview import Overview, Space
from fringe.sensitivity import Closeup
from fringe.sensitivity.maps import normalized

DIM, CLASSES, N = 50, 12, 50_000
NAMES = tuple(f"class {number}, other" for number in range(CLASSES))
STREAM = np.random.default_rng(0)


def images(count: int, height: int = 24, width: int = 24) -> np.ndarray:
    return STREAM.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def closeup() -> Closeup:
    gradient = STREAM.standard_normal(DIM) * 1e-3
    return Closeup(
        STREAM.random(DIM),
        STREAM.random(DIM),
        STREAM.random(DIM),
        gradient,
        np.argsort(-(gradient**2))[:8],
        STREAM.random((8, 3, 4)),
        np.eye(DIM)[:2],
        np.stack([0.04 * np.eye(2), np.array([[0.09, 0.02], [0.02, 0.02]])]),
        5.3049,
        N,
    )


def space(dim: int, distance: float, *errors: float) -> Space:
    return Space(
        STREAM.random((2, dim)).astype(np.float32),
        STREAM.random((2, 2)),
        np.stack([np.diag([4.0, 1.0]), np.diag([2.0, 2.0])]),
        (STREAM.standard_normal((9, 2)), STREAM.standard_normal((7, 2))),
        distance,
        *errors,
    )


def found() -> Overview:
    shares = np.zeros((2, CLASSES))
    shares[:, 3], shares[0, 7], shares[1, 8] = (0.6, 0.3), 0.4, 0.7
    spaces = {
        "features": space(DIM, 5.3049, 0.042, 0.03),
        "logits": space(CLASSES, 110.04, 0.7, 0.5),
    }
    return Overview(spaces, shares, NAMES, (40_000, N))


MAP = STREAM.random((3, 4))
CLOSEUP, FOUND = closeup(), found()


def pipeline(shape: tuple[int, int] = (24, 24), **settings: Any) -> Figure:
    return sensitivity_pipeline(images(1, *shape)[0], MAP, CLOSEUP, title="A title", **settings)


def whole(shape: tuple[int, int] = (24, 24), **settings: Any) -> Figure:
    return feature_overview(images(3, *shape), images(3, *shape), FOUND, title="A", **settings)


def texts(figure: Figure) -> str:
    words = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    return " ".join(" ".join(words).split())


def shown(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(one.get_array()) for one in figure.findobj(AxesImage)]


STYLES: tuple[dict[str, Any], ...] = (
    {},
    {"width": 4, "font_size": 12},
    {"width": 12, "font_size": 7},
)


@pytest.mark.parametrize("draw", [pipeline, whole])
@pytest.mark.parametrize("shape", [(24, 24), (10, 30), (30, 10)])
@pytest.mark.parametrize("style", STYLES, ids=str)
def test_texts_do_not_overlap(draw: Any, shape: tuple[int, int], style: dict[str, Any]) -> None:
    figure = draw(shape, network="efficientnet-lite0", simulated=True, style=style)
    assert "simulated generator" in texts(figure)
    canvas = FigureCanvasAgg(figure)
    with styled(read_style(style)):
        figure.draw_without_rendering()
        renderer = canvas.get_renderer()
        edges = figure.get_tightbbox(renderer)  # inches
        boxes = [
            (text.get_text(), text.get_window_extent(renderer))
            for text in figure.findobj(matplotlib.text.Text)
            if text.get_text()
        ]
    width, height = figure.get_size_inches()
    assert min(edges.x0, edges.y0) > -1e-6
    assert edges.x1 < width + 1e-6
    assert edges.y1 < height + 1e-6
    boxes = [(text, box) for text, box in boxes if box.x1 < figure.bbox.x1]
    drawn = [picture.get_window_extent(renderer) for picture in figure.axes[0].images]
    for place, (text, box) in enumerate(boxes):
        for other, its in boxes[:place]:
            assert not overlap(box, its), (text, other)
        for picture in drawn:
            assert not overlap(box, picture), text


def overlap(box: Any, other: Any) -> bool:
    """Return whether two boxes overlap by more than the space around letters."""
    across = min(box.x1, other.x1) - max(box.x0, other.x0)
    down = min(box.y1, other.y1) - max(box.y0, other.y0)
    return bool(across > 2 and down > 5)


def test_the_pipeline_shows_the_numbers_of_the_image() -> None:
    image = images(1)[0]
    figure = sensitivity_pipeline(image, MAP, CLOSEUP, title="Faces", network="inception")
    heat = np.rint(255 * COLORS(normalized(MAP[None])[0])[..., :3])
    front = np.rint(255 * np.repeat(normalized(CLOSEUP.channel_maps[:1])[0][..., None], 3, -1))
    pictures = shown(figure)
    for expected in (image, heat, overlay(image[None], MAP[None])[0]):
        assert any(each.shape == expected.shape and (each == expected).all() for each in pictures)
    assert any(each.shape == front.shape and np.abs(each - front).max() <= 1 for each in pictures)
    all_text = texts(figure)
    weights = (CLOSEUP.gradient / 12) ** 2
    chosen = np.argsort(-weights)[:24]
    share = weights[chosen].sum() / weights.sum()
    for part in (
        *("FID = 5.30", "1 of 50,000 generated images", "f joins the other 49,999 images"),
        *("50 of 4 x 3, by Inception-V3", "forward", "backward", "Equation 2"),
        f"the 24 features with the largest weights ({100 * share:.0f}% of the sum of weights)",
        f"to {CLOSEUP.features[chosen].max():.2g}",
        "no error bar",
    ):
        assert part in all_text, part
    axes = figure.axes[0]
    assert sum(isinstance(patch, FancyArrowPatch) for patch in axes.patches) == 9
    bars = [p for p in axes.patches if type(p) is Rectangle and p.get_linewidth() == 0]
    assert len(bars) == 3 * 24
    # Features, gradient and weights are in the same order.
    for values, drawn in zip(
        (CLOSEUP.features, CLOSEUP.gradient, weights),
        (bars[:24], bars[24:48], bars[48:]),
        strict=True,
    ):
        heights = np.array([bar.get_height() for bar in drawn])
        expected = np.abs(values[chosen])
        np.testing.assert_allclose(heights / heights.max(), expected / expected.max(), rtol=1e-9)


def test_the_pipeline_refuses_invalid_input() -> None:
    with pytest.raises(FringeError, match="sensitivity pipeline"):
        sensitivity_pipeline(images(1)[0], MAP[None], CLOSEUP, title="A")
    with pytest.raises(FringeError, match=r"the map has shape \(4, 3\), but .* shape \(3, 4\)"):
        sensitivity_pipeline(images(1)[0], MAP.T, CLOSEUP, title="A")


def test_the_overview_shows_vectors_classes_and_distances() -> None:
    real, generated = images(3), images(3)
    figure = feature_overview(real, generated, FOUND, title="Faces", network="inception")
    pictures = shown(figure)
    for expected in (*real, *generated):
        assert any(np.array_equal(each, expected) for each in pictures)
    tiles = [each for each in pictures if each.shape in ((7, 8, 3), (3, 4, 3))]
    assert len(tiles) == 4
    # The lightest square is the largest number; squares without a number are white.
    for tile, vector in zip(tiles[::2], FOUND.spaces["features"].vectors, strict=True):
        squares = tile.reshape(-1, 3).astype(int).sum(1)
        assert (squares[DIM:] == 3 * 255).all()
        assert squares[:DIM].argmax() == vector.argmax()
    all_text = texts(figure)
    for part in (
        "FID = 5.30",
        "SE 0.042; Fréchet",
        "110.0",
        "SE 0.7; Fréchet",
        "40,000 real and 50,000 generated",
        "Inception-V3",
    ):
        assert part in all_text, part
    for vector in FOUND.spaces["logits"].vectors.astype(float):
        probabilities = np.exp(vector) / np.exp(vector).sum()
        for number in np.argsort(-probabilities)[:3]:
            assert f"class {number} " in all_text
            assert percent(probabilities[number]) in all_text
    for part in ("class 3 ", "60%", "30%", "class 7 ", "40%", "class 8 ", "70%"):
        assert part in all_text, part
    axes = figure.axes[0]
    assert sum(isinstance(patch, FancyArrowPatch) for patch in axes.patches) == 12


def test_the_overview_refuses_invalid_input() -> None:
    with pytest.raises(FringeError, match="12 logits and 11 class names"):
        feature_overview(images(1), images(1), replace(FOUND, class_names=NAMES[1:]), title="A")
    with pytest.raises(FringeError, match="generated images"):
        feature_overview(images(1), images(1) / 255, FOUND, title="A")


def on_page() -> Page:
    return Page(Style(), "A", "", simulated=False)


def test_ellipses_are_two_standard_deviations() -> None:
    box = Box(1, 1, 2, 2)
    turn = np.radians(30)
    across = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    covariance = across @ np.diag([9.0, 1.0]) @ across.T
    with styled(Style()):
        page = on_page()
        plane = draw_gaussians(page, box, np.array([[5.0, 7.0]]), covariance[None], ["red"])
    (ellipse,) = (patch for patch in page.axes.patches if isinstance(patch, Ellipse))
    assert ellipse.width == pytest.approx(12 * plane.unit)
    assert ellipse.height == pytest.approx(4 * plane.unit)
    # Coordinates of the page increase downwards; angles are modulo half a turn.
    assert np.tan(np.radians(ellipse.angle)) == pytest.approx(-np.tan(turn))
    assert plane.place(np.array([5.0, 7.0])) == pytest.approx(box.middle)
    x, y = plane.place(np.array([6.0, 7.5]))
    assert (x - box.middle[0], box.middle[1] - y) == pytest.approx((plane.unit, plane.unit / 2))


def test_bars_start_at_zero() -> None:
    box = Box(1, 1, 2, 2)
    with styled(Style()):
        page = on_page()
        draw_bars(page, box, np.array([3.0, -1.0]), "red", negative="blue", marks=np.ones(2))
    first, second = page.axes.patches
    # The box goes from 3 at the top to -1 at the bottom, so 0 is at three quarters.
    assert (first.get_y(), first.get_height()) == pytest.approx((1.0, 1.5))
    assert (second.get_y(), second.get_height()) == pytest.approx((2.5, 0.5))
    assert second.get_facecolor()[2] == 1
    marks = [line.get_ydata()[0] for line in page.axes.lines[:2]]
    assert marks == pytest.approx([2.0, 2.0])


def test_an_overview_without_errors_does_not_mention_them() -> None:
    spaces = {"features": space(DIM, 5.3049), "logits": space(CLASSES, 110.04)}
    plain = Overview(spaces, FOUND.shares, NAMES, FOUND.counts)
    all_text = texts(feature_overview(images(3), images(3), plain, title="Faces"))
    assert "110.0" in all_text
    assert "SE" not in all_text
    assert "SE: standard error of one evaluation" in texts(whole())


def test_distances_keep_three_digits() -> None:
    written = [format_distance(value) for value in (5.3049, 12.0, 110.04, 0.012345)]
    assert written == ["5.30", "12.00", "110.0", "0.0123"]
