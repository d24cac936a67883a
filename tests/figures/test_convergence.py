"""Tests of Figure S1: its curves, its texts, and that nothing is clipped."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from fringe.errors import FringeError
from fringe.figures import loss_over_time, save
from fringe.figures.convergence import format_duration
from fringe.figures.style import Style, styled
from fringe.scores.convergence import CONVERGENCE_COLUMNS, compare_convergence, format_loss


def rows(reference, ours, bounds, step=5.0, evaluation=1.0):
    released = [
        ("d", "net", "reference", k, step * k, v, None, 90.0, 6000, 10.0, 3, "cpu", 1, 0.0)
        for k, v in enumerate(reference, 1)
    ]
    certified = [
        ("d", "net", "ours", k, evaluation * k, v, bound, 50.0, 6000, None, None, None, None, None)
        for k, (v, bound) in enumerate(zip(ours, bounds, strict=True), 1)
    ]
    return pd.DataFrame(released + certified, columns=list(CONVERGENCE_COLUMNS))


USUAL = rows(np.linspace(30, 27, 30), [29.9, 25.0, 26.0, 20.0, 18.0], [0, 0, 5, 15, 17.5])
CASES = {
    "usual": USUAL,
    "far": rows(np.geomspace(3.5, 0.24, 2000), np.geomspace(3.5, 0.19, 60), [0.18] * 60),
    "no bound": rows([30, 29, 28], [30, 20], [0, 0]),
    "not reached": rows([30, 20, 10], [30, 25], [0, 1]),
    "astray": rows([30, 1e6], [30, 25, 20], [0, 1, 15]),
    "one released step": rows([30], [30, 25], [0, 1]),
    "one evaluation": rows([30, 29], [30], [0]),
    "down to nothing": rows([30, 20], [30, 1, 0], [0, 0, 0]),
    "days": rows(np.linspace(5, 4, 500), [5, 3, 1], [0, 0.5, 0.9], step=900, evaluation=40),
    "at once": rows([1, 0.9, 0.8], [1, 0.5], [0, 0.4], step=1e-4, evaluation=1e-3),
}


def texts(figure):
    figure.draw_without_rendering()
    found = figure.findobj(matplotlib.text.Text)
    return " ".join(" ".join(text.get_text().split()) for text in found)


def test_curves_by_hand():
    figure = loss_over_time(USUAL, title="Data")
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    drawn = [(line.get_xdata(), line.get_ydata()) for line in axes.lines]
    bound, released, ours, _, level = drawn
    assert list(bound[1]) == [0, 0, 5, 15, 17.5, 17.5]
    assert list(released[0]) == [5.0 * k for k in range(1, 31)]
    np.testing.assert_array_equal(released[1], np.linspace(30, 27, 30))
    assert list(ours[1]) == [29.9, 25, 25, 20, 18]  # the lowest loss so far
    assert [list(values) for values in level] == [[2.0, 150.0], [27.0, 27.0]]
    (shaded,) = axes.collections
    vertices = shaded.get_paths()[0].vertices
    assert (vertices[:, 1].min(), vertices[:, 1].max()) == (0, 29.9)
    assert axes.get_ylim()[0] == 0


def test_title_labels_and_note_describe_the_result():
    text = texts(loss_over_time(USUAL, title="Data", simulated=True))
    assert "Data: ours reaches the loss of 30 released steps after 2 s instead of 2.5 min" in text
    assert "(75 times faster)" in text
    assert "ours: 18.0; no weights reach below 17.5 (proven)" in text
    assert "(timed 3 times on CPU, 1 thread; the fastest counts)" in text
    assert "divides the covariance by the sum of weights minus 1" in text
    assert "simulated generator" in text
    assert "does not reach the loss of 3" in texts(loss_over_time(CASES["not reached"], title="D"))
    assert "do not lower the loss" in texts(loss_over_time(CASES["astray"], title="D"))
    assert "no lower bound above 0 was proven" in texts(
        loss_over_time(CASES["no bound"], title="D")
    )
    assert "(5,600 times faster)" in texts(loss_over_time(CASES["days"], title="D"))
    assert "faster" not in texts(loss_over_time(CASES["at once"], title="D"))


def test_a_loss_that_falls_far_has_a_logarithmic_axis():
    (axes,) = loss_over_time(CASES["far"], title="Data").axes
    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[0] < 0.18


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_clipped(name):
    figure = loss_over_time(CASES[name], title="A data set with quite a long name", simulated=True)
    canvas = FigureCanvasAgg(figure)
    with styled(Style()):
        canvas.draw()
        box = figure.get_tightbbox(canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert min(box.x0, box.y0) > 0
    assert box.x1 < width
    assert box.y1 < height
    (axes,) = figure.axes
    left, right = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if left <= tick <= right]
    assert 2 <= len(ticks) <= 10
    assert "nan" not in texts(figure)


def test_equal_rows_give_equal_files(tmp_path):
    for turn in "ab":
        figure = loss_over_time(USUAL.sample(frac=1, random_state=ord(turn)), title="Data")
        save(figure, tmp_path / f"{turn}.png", tmp_path / f"{turn}.pdf")
    for kind in ("png", "pdf"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    assert np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).std() > 5


@pytest.mark.parametrize("solver", ["ours", "reference"])
def test_errors_name_missing_and_broken_rows(solver):
    with pytest.raises(FringeError, match=f"solver '{solver}' has no row"):
        loss_over_time(USUAL[USUAL["solver"] != solver], title="Data")
    broken = USUAL.copy()
    broken.loc[broken["solver"] == solver, "objective"] = np.nan
    with pytest.raises(FringeError, match=f"solver '{solver}'.*not finite"):
        loss_over_time(broken, title="Data")


def test_comparison_by_hand():
    found = compare_convergence(USUAL, "d")
    assert found.ours_seconds == 2.0
    assert found.reference_seconds == 150.0
    assert found.removed_by_reference == pytest.approx(3.0)
    assert found.removed == pytest.approx(11.9)
    assert found.removable == pytest.approx(12.4)
    assert found.progress == pytest.approx(0.05)
    astray = compare_convergence(CASES["astray"], "d")
    assert (astray.reference, astray.reference_step, astray.steps) == (30, 1, 2)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0042, "0.0042 s"),
        (0.337, "0.34 s"),
        (2, "2 s"),
        (3.14, "3.1 s"),
        (99, "99 s"),
        (150, "2.5 min"),
        (7200, "2 h"),
        (172800, "2 days"),
    ],
)
def test_durations(seconds, text):
    assert format_duration(seconds) == text


def test_losses():
    assert [format_loss(loss) for loss in (5.301, 0.19658, 1234.5, 0)] == [
        "5.30",
        "0.197",
        "1,234",
        "0",
    ]
    assert format_loss(0.19658, down=True) == "0.196"
    assert format_loss(17.5, down=True) == "17.5"
