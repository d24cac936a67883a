"""Tests of figures: contents of axes, reproducible files, invalid input."""

import io
import re
import zlib
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from fringe.errors import FringeError
from fringe.figures import (
    Extremes,
    class_sweep,
    read_style,
    sample_sizes,
    save,
    scheme_grids,
    snapshot_correlation,
    top1_histogram,
    weight_grids,
)
from fringe.figures.mosaic import mosaic
from fringe.figures.paper_values import GREY
from fringe.figures.snapshots import SNAPSHOT_COLUMNS, correlations
from fringe.figures.style import Style, styled
from fringe.scores.cells import Cell
from fringe.scores.differences import PAPER
from fringe.scores.numbers import size_label
from fringe.scores.protocol import Optimizer
from fringe.scores.rows import SCORE_COLUMNS

TITLES = {
    "a": "Alpha",
    "b": {"title": "Beta $5", "simulated": True},
    "net": "Net",
    "control": "Control",
}
SWEEP = (1, 2, 10, 100)


def sweep_scores(datasets=("a", "b")):
    rng = np.random.default_rng(0)
    rows = []
    for dataset, size in zip(datasets, (200.0, 1.0, 5.0, 8.0, 12.0), strict=False):
        for network, unit, reach in (("net", size, 0.6), ("control", 0.05 * size, 0.05)):
            falls = {"random": 0.0, "prelogits": reach}
            falls |= {f"top{n}": reach * n**0.2 / 3 for n in SWEEP}
            falls |= {f"middle{n}": reach * n**0.2 / 6 for n in SWEEP}
            for scheme, fall in falls.items():
                for repeat in range(3):
                    value = unit * (1 - fall) * (1 + 0.002 * rng.standard_normal())
                    rows.append(
                        (dataset, scheme, network, "features", "fid", repeat, value, 50, 50, 0)
                    )
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def snapshot_rows():
    rows = []
    for dataset, offset in (("a", 0.0), ("b", 10.0)):
        for snapshot, fid in enumerate((5.0, 7.0, 12.0, 20.0)):
            for space, value in (("features", fid), ("logits", 2 * fid + offset)):
                for repeat, error in enumerate((-0.5, 0.5)):
                    rows.append(
                        (dataset, snapshot, "net", space, "fid", repeat, value + error, 50, 50, 0)
                    )
    return pd.DataFrame(rows, columns=list(SNAPSHOT_COLUMNS))


def size_scores():
    rows = [
        ("a", "random", "net", "features", "fid", repeat, base + repeat, n_real, n_generated, 0)
        for (n_real, n_generated), base in {(500, 500): 20.0, (2000, 1000): 9.0}.items()
        for repeat in range(3)
    ]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def extrapolated_scores():
    """Return `size_scores` and an extrapolation from the larger pair."""
    rows = [
        ("a", "random", "net", "features", "fid_infinity", repeat, 7.0 + repeat, 2000, 1000, 0)
        for repeat in range(3)
    ]
    limits = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
    return pd.concat([size_scores(), limits], ignore_index=True)


def images(count, size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def texts(figure):
    """Draw a figure and return its texts."""
    figure.draw_without_rendering()
    return " ".join(
        " ".join(text.get_text().split()) for text in figure.findobj(matplotlib.text.Text)
    )


FIGURES = {
    "histogram": lambda: top1_histogram(
        [0, 0, 1, 3], [0, 1, 1, 2], ["x, y", "b", "c", "d"], title="A", simulated=True
    ),
    "weights": lambda: weight_grids(
        Extremes(images(9, 32), images(9, 32, 1)), title="A", simulated=True
    ),
    "sweep": lambda: class_sweep(sweep_scores(), TITLES, "net", "control"),
    "sizes": lambda: sample_sizes(size_scores(), {**TITLES, "a": TITLES["b"]}, "net"),
    "infinity": lambda: sample_sizes(extrapolated_scores(), {**TITLES, "a": TITLES["b"]}, "net"),
    "snapshots": lambda: snapshot_correlation(snapshot_rows(), TITLES, "net"),
    "schemes": lambda: scheme_grids(
        {scheme: images(6, 16) for scheme in ("random", "matched", "prelogits")},
        title="A",
        fids={
            "random": Cell(209.0, 1.86, 5, 50, 50, 2.14, 1.2),
            "matched": Cell(182.0, 1.5, 5, 50, 50),
            "prelogits": Cell(110.0, 0.5, 10, 50, 50, 0.8),
        },
        simulated=True,
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_equal_input_gives_equal_files(name, tmp_path, monkeypatch):
    saved = []
    for turn, clock in enumerate(("1000000000", "1700000000")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", clock)  # files must not depend on the time
        monkeypatch.setitem(
            matplotlib.rcParams, "font.size", 10 + turn
        )  # the user's own settings have no effect
        png, pdf = tmp_path / f"{turn}.png", tmp_path / f"{turn}.pdf"
        save(FIGURES[name](), png, pdf)
        saved.append((png.read_bytes(), pdf.read_bytes()))
    assert saved[0] == saved[1]
    png, pdf = saved[0]
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert pixels.shape[1] == 7 * 160
    assert (pixels[0, 0] == 255).all()  # white background
    assert pixels.std() > 5  # the figure is not empty
    assert b"CreationDate" not in pdf
    plain = b"".join(_inflated(pdf))
    assert b"/FontFile2" in pdf + plain
    assert b"DejaVuSans" in pdf + plain


def _inflated(pdf):
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            yield zlib.decompress(stream)
        except zlib.error:
            continue


@pytest.mark.parametrize("name", FIGURES)
def test_the_note_names_a_simulated_generator(name):
    figure = FIGURES[name]()
    assert isinstance(figure, Figure)
    assert "simulated generator" in texts(figure)


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_clipped(name):
    figure = FIGURES[name]()
    canvas = FigureCanvasAgg(figure)
    with styled(Style()):
        canvas.draw()
        box = figure.get_tightbbox(
            canvas.get_renderer()
        )  # the box of all drawn elements, in inches
    width, height = figure.get_size_inches()
    assert min(box.x0, box.y0) > 0
    assert box.x1 < width
    assert box.y1 < height


def test_histogram_counts_by_hand():
    names = ["tie, bow tie", "belt", "hat", "oboe"]
    figure = top1_histogram([0, 0, 1, 3], [0, 1, 1, 1, 2], names, title="A", top=2)
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["tie", "belt"]
    real, generated = ([bar.get_width() for bar in group] for group in axes.containers)
    assert real == [50.0, 25.0]
    assert generated == [20.0, 60.0]
    assert "2 other classes contain 25.0% of the real and 20.0% of the generated" in texts(figure)


def test_histogram_refuses_invalid_classes():
    with pytest.raises(FringeError, match="class 4 has no name, 2 names"):
        top1_histogram([4], [0], ["a", "b"], title="A")
    with pytest.raises(FringeError, match="real classes are float64"):
        top1_histogram([0.5], [0], None, title="A")
    with pytest.raises(FringeError, match="generated classes"):
        top1_histogram([0], np.zeros(0, int), None, title="A")


@pytest.mark.parametrize("datasets", [("a",), ("a", "b"), ("a", "b", "c", "d", "e")])
def test_sweep_axes_show_the_same_relative_change(datasets):
    scores = sweep_scores(datasets)
    figure = class_sweep(scores, TITLES, "net", "control")
    assert len(figure.axes) == 2 * len(datasets)
    random = scores[scores["scheme"] == "random"].groupby(["dataset", "network"])["value"].mean()
    for place, dataset in enumerate(datasets):
        left, right = figure.axes[2 * place : 2 * place + 2]
        units = random[dataset, "net"], random[dataset, "control"]
        relative = [
            np.array(axes.get_ylim()) / unit
            for axes, unit in zip((left, right), units, strict=True)
        ]
        np.testing.assert_allclose(relative[0], relative[1], rtol=1e-12)
        low, high = relative[0]
        values = scores[scores["dataset"] == dataset]
        for network, unit in zip(("net", "control"), units, strict=True):
            shares = values[values["network"] == network].groupby("scheme")["value"].mean() / unit
            assert low < shares.min()
            assert shares.max() < high
        # Equal heights on the page mean equal relative changes.
        height_left = left.transData.transform((1, 0.9 * units[0]))[1]
        height_right = right.transData.transform((1, 0.9 * units[1]))[1]
        assert height_left == pytest.approx(height_right)


def test_sweep_draws_solid_and_dashed_means():
    scores = sweep_scores(("a",))
    figure = class_sweep(scores, TITLES, "net", "control")
    means = scores.groupby(["network", "scheme"])["value"].mean()
    for axes, network, line in zip(figure.axes, ("net", "control"), ("-", "--"), strict=True):
        curves = [drawn for drawn in axes.lines if len(drawn.get_xdata()) == len(SWEEP)]
        assert [curve.get_linestyle() for curve in curves] == [line, line]
        for curve, mode in zip(curves, ("top", "middle"), strict=True):
            assert list(curve.get_xdata()) == list(SWEEP)
            expected = [means[network, f"{mode}{n}"] for n in SWEEP]
            np.testing.assert_allclose(curve.get_ydata(), expected)
        levels = {drawn.get_ydata()[0] for drawn in axes.lines if len(drawn.get_xdata()) == 2}
        assert means[network, "prelogits"] in levels
    assert figure.axes[0].get_xscale() == "log"


def test_sweep_names_a_missing_score():
    scores = sweep_scores(("a",))
    with pytest.raises(FringeError, match=r"scheme 'middle10', network 'control'"):
        class_sweep(
            scores[(scores["scheme"] != "middle10") | (scores["network"] == "net")],
            TITLES,
            "net",
            "control",
        )
    with pytest.raises(FringeError, match="no scheme such as top10"):
        class_sweep(scores[scores["scheme"] == "random"], TITLES, "net", "control")
    top = class_sweep(scores[~scores["scheme"].str.startswith("mid")], TITLES, "net", "control")
    assert sum(len(line.get_xdata()) == len(SWEEP) for line in top.axes[0].lines) == 1


def test_sizes_by_hand():
    figure = sample_sizes(size_scores(), TITLES, "net", all_real={"a": 2000})
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["500 + 500", "All + 1k"]
    points = [container.lines[0].get_xydata()[0].tolist() for container in axes.containers]
    assert points == [[0.0, 21.0], [1.0, 10.0]]
    bars = [container.lines[2][0].get_segments()[0][:, 1] for container in axes.containers]
    np.testing.assert_allclose(bars, [[20.0, 22.0], [9.0, 11.0]])
    assert "21.00 ± 1.00" in texts(figure)


def test_the_last_size_is_infinity():
    figure = sample_sizes(extrapolated_scores(), TITLES, "net", all_real={"a": 2000})
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["500 + 500", "All + 1k", "All + ∞"]
    last = axes.containers[2]
    assert last.lines[0].get_xydata()[0].tolist() == [2.0, 8.0]
    np.testing.assert_allclose(last.lines[2][0].get_segments()[0][:, 1], [7.0, 9.0])
    assert last.lines[0].get_marker() != axes.containers[0].lines[0].get_marker()
    dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert [line.get_ydata() for line in dashed] == [[8.0, 8.0]]
    written = texts(figure)
    assert "8.00 ± 1.00" in written
    assert "extrapolated from 1,000 to infinitely many generated images" in written
    assert "extrapolated" not in texts(sample_sizes(size_scores(), TITLES, "net"))


def test_sizes_have_standard_errors():
    nan = float("nan")
    scores = extrapolated_scores().assign(standard_error=nan, real_error=nan)
    first = (scores["n_real"] == 500) & (scores["repeat"] == 0)
    scores.loc[first, ["standard_error", "real_error"]] = 1.25, 0.75
    figure = sample_sizes(scores, TITLES, "net")
    written = texts(figure)
    assert "21.00 ± 1.00 (SE 1.25)" in written
    assert "8.00 ± 1.00" in written
    assert written.count("(SE") == 1
    assert "SE: standard error of one evaluation, from the sampling of all images" in written
    assert "is only a part of this error" in written
    assert "SE" not in texts(sample_sizes(extrapolated_scores(), TITLES, "net"))


def test_snapshots_have_standard_errors_as_bars():
    rows = snapshot_rows()
    first = rows["repeat"] == 0
    errors = rows["value"].where(first) / 10
    figure = snapshot_correlation(
        rows.assign(standard_error=errors, real_error=float("nan")), TITLES, "net"
    )
    (across, along), *_ = [bars.lines[2] for bars in figure.axes[0].containers]
    # Errors of the first repeats: 4.5 of 5 in pre-logits, 9.5 of 10 in logits.
    np.testing.assert_allclose(across.get_segments()[0], [[4.55, 10.0], [5.45, 10.0]])
    np.testing.assert_allclose(along.get_segments()[0], [[5.0, 9.05], [5.0, 10.95]])
    written = texts(figure)
    assert (
        "Bars: one standard error of one evaluation, from the sampling of the generated" in written
    )
    assert "Bars" not in texts(snapshot_correlation(rows, TITLES, "net"))


def test_an_extrapolation_below_zero_is_visible():
    scores = extrapolated_scores()
    scores.loc[scores["metric"] == "fid_infinity", "value"] -= 10
    axes = sample_sizes(scores, TITLES, "net").axes[0]
    assert axes.get_ylim()[0] < -3


def diamonds(axes):
    """Return the paper's values in a panel: (x, y, whether grey)."""
    return [
        (line.get_xdata()[0], line.get_ydata()[0], line.get_mec() == GREY)
        for line in axes.lines
        if line.get_marker() == "D"
    ]


def test_sizes_show_the_papers_values_in_grey_if_measured_differently():
    rows = [
        ("ffhq", "random", "inception", "features", "fid", 0, 11.7, 5000, 5000, 0),
        ("ffhq", "random", "inception", "features", "fid", 0, 5.2, 70000, 50000, 0),
        ("ffhq", "random", "inception", "features", "fid", 0, 7.0, 20000, 20000, 0),
    ]
    scores = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
    all_real = {"ffhq": 70000}
    figure = sample_sizes(
        scores, {}, "inception", all_real=all_real, protocols={"ffhq": PAPER["ffhq"]}
    )
    assert diamonds(figure.axes[0]) == [(0, 11.65, False), (2, 5.14, False)]
    assert "Hollow diamonds: Kynkäänniemi et al. (2023)." in texts(figure)
    assert "Grey" not in texts(figure)
    other = replace(PAPER["ffhq"], generator="mine")
    figure = sample_sizes(scores, {}, "inception", all_real=all_real, protocols={"ffhq": other})
    assert diamonds(figure.axes[0]) == [(0, 11.65, True), (2, 5.14, True)]
    assert "Ours: generator not the paper's." in texts(figure)
    assert "Hollow" not in texts(figure)
    bare = sample_sizes(scores, {}, "inception", paper=pd.DataFrame())
    assert "Kynkäänniemi" not in texts(bare)


def published_sweep(released=()):
    """Return the paper's scores of FFHQ, with its networks and counts."""
    scores = sweep_scores(("ffhq",)).replace({"network": {"net": "inception", "control": "clip"}})
    scores["n_real"] = scores["n_generated"] = 50000
    scores.loc[scores["network"] == "inception", "value"] *= 5.3 / 200
    extra = scores[scores["scheme"] == "prelogits"]
    return pd.concat([scores, *(extra.assign(scheme=name) for name in released)])


OPTIMAL = {"prelogits": Optimizer("optimal"), "logits": Optimizer("optimal")}


def test_a_sweep_shows_the_papers_values_if_protocols_agree():
    """The values are FID at random and FID matched in pre-logits by the released algorithm."""
    ours = replace(
        PAPER["ffhq"],
        optimizers={**OPTIMAL, "prelogits-released": Optimizer("released", 100_000, 10.0)},
    )
    scores = published_sweep(["prelogits-released"])
    figure = class_sweep(scores, {}, "inception", "clip", released=True, protocols={"ffhq": ours})
    assert [(y, grey) for _, y, grey in diamonds(figure.axes[0])] == [(5.3, False), (1.78, False)]
    assert not diamonds(figure.axes[1])
    low, high = figure.axes[0].get_ylim()
    assert low < 1.78 < 5.3 < high
    assert "Hollow diamonds: Kynkäänniemi et al. (2023)" in texts(figure)
    assert "pre-logits, released steps" in texts(figure)


def test_a_sweep_of_another_protocol_explains_missing_diamonds():
    scores = published_sweep()
    figure = class_sweep(
        scores, {}, "inception", "clip", protocols={"ffhq": replace(PAPER["ffhq"], seed=1)}
    )
    assert not diamonds(figure.axes[0])
    assert "are not drawn. Ours: latents of seed 1." in texts(figure)
    # Our weights are optimal; the paper's weights in pre-logits are not.
    ours = replace(PAPER["ffhq"], optimizers=OPTIMAL)
    figure = class_sweep(scores, {}, "inception", "clip", protocols={"ffhq": ours})
    assert [y for _, y, _ in diamonds(figure.axes[0])] == [5.3]
    assert "Ours: weights optimized to the end, not by the released steps." in texts(figure)
    assert "Kynkäänniemi" not in texts(class_sweep(sweep_scores(), TITLES, "net", "control"))


def published_snapshots():
    rows = snapshot_rows()
    rows = rows[rows["dataset"] == "a"].replace(
        {"dataset": {"a": "ffhq"}, "network": {"net": "inception"}}
    )
    return rows.assign(n_real=50000, n_generated=50000, snapshot=rows["snapshot"].astype(str))


def test_the_papers_generator_is_a_diamond_among_snapshots():
    theirs = PAPER["ffhq"]
    others = replace(theirs, generator="network-snapshot-000200")
    protocols = {"0": theirs, "1": others, "2": others, "3": others}
    figure = snapshot_correlation(
        published_snapshots(), {}, "inception", protocols={"ffhq": protocols}
    )
    assert diamonds(figure.axes[0]) == [(5.3, 0.0, False)]
    assert "Hollow diamond on the axis: the FID in pre-logits" in texts(figure)
    figure = snapshot_correlation(
        published_snapshots(), {}, "inception", protocols={"ffhq": protocols | {"0": others}}
    )
    assert not diamonds(figure.axes[0])
    assert (
        "is not drawn, because it was measured differently. Ours: generator not the paper's."
        in texts(figure)
    )
    assert "Kynkäänniemi" not in texts(snapshot_correlation(snapshot_rows(), TITLES, "net"))


def test_size_labels():
    assert size_label(5000, 5000) == "5k + 5k"
    assert size_label(70000, 50000, 70000) == "All + 50k"
    assert size_label(1600, 800) == "1,600 + 800"


def test_sizes_refuse_invalid_rows():
    with pytest.raises(FringeError, match="network 'other'"):
        sample_sizes(size_scores(), TITLES, "other")
    double = pd.concat([size_scores(), size_scores().assign(value=1.0)])
    with pytest.raises(FringeError, match="more than one value for a repeat"):
        sample_sizes(double, TITLES, "net")
    several = extrapolated_scores()
    several.loc[several.index[-1], "n_real"] = 500
    with pytest.raises(FringeError, match="extrapolated from several pairs"):
        sample_sizes(several, TITLES, "net")


def test_snapshots_by_hand():
    figure = snapshot_correlation(snapshot_rows(), TITLES, "net")
    points = [line for line in figure.axes[0].lines if line.get_marker() != "None"]
    assert points[0].get_xdata().tolist() == [5.0, 7.0, 12.0, 20.0]  # means of two repeats
    assert points[0].get_ydata().tolist() == [10.0, 14.0, 24.0, 40.0]
    assert points[0].get_color() != points[1].get_color()
    assert points[0].get_marker() != points[1].get_marker()
    fits = [line for line in figure.axes[0].lines if line.get_marker() == "None"]
    np.testing.assert_allclose(fits[1].get_ydata()[[0, -1]], [20.0, 50.0])
    assert "Alpha: 4 snapshots, Pearson r = 1.000, Spearman ρ = 1.000" in texts(figure)


def test_correlations_agree_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(3)
    x = rng.standard_normal(40).round(1)  # with ties
    y = (x**3 + rng.standard_normal(40)).round(1)
    pearson, spearman = correlations(x, y)
    assert pearson == pytest.approx(stats.pearsonr(x, y)[0], rel=1e-12)
    assert spearman == pytest.approx(stats.spearmanr(x, y)[0], rel=1e-12)
    assert np.isnan(correlations(x, np.ones(40))).all()


def test_snapshots_need_both_spaces_and_three_points():
    rows = snapshot_rows()
    with pytest.raises(FringeError, match=r"snapshot 2 has no FID in space 'logits'"):
        snapshot_correlation(
            rows[(rows["snapshot"] != 2) | (rows["space"] == "features")], TITLES, "net"
        )
    with pytest.raises(FringeError, match="needs at least 3"):
        snapshot_correlation(rows[rows["snapshot"] < 2], TITLES, "net")
    with pytest.raises(FringeError, match="network 'other'"):
        snapshot_correlation(rows, TITLES, "other")


def test_mosaic_places_images_row_by_row():
    tiles = np.stack([np.full((2, 3, 3), value, np.uint8) for value in (10, 20, 30)])
    canvas = mosaic(tiles, 2, 2)
    assert canvas.shape == (5, 7, 3)
    assert canvas[:2, :3].max() == 10
    assert canvas[:2, 4:].max() == 20
    assert canvas[3:, :3].max() == 30
    assert canvas[3:, 4:].min() == 255  # no image: white
    assert canvas[2].min() == 255  # the gap
    assert canvas[:, 3].min() == 255


@pytest.mark.parametrize("size", [32, 128])
def test_grids_contain_the_given_images(size):
    low, high = images(20, size), images(20, size, 1)
    figure = weight_grids(Extremes(low, high), title="A", rows=3, columns=6)
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    np.testing.assert_array_equal(shown[0][:size, :size], low[0])
    np.testing.assert_array_equal(shown[1][-size:, -size:], high[17])
    assert "Smallest 10% of weights" in texts(figure)


def test_weights_of_0_are_named_with_their_share():
    ours = Extremes(images(20, 32), images(20, 32, 1), zeros=0.62)
    released = Extremes(images(20, 32, 2), images(20, 32, 3))
    figure = weight_grids(ours, released, title="A", rows=3, columns=6)
    heads = [axes.get_title() for axes in figure.axes]
    assert heads == [
        "(a) Weight 0 (62% of candidates), ours",
        "(b) Largest 10% of weights, ours",
        "(c) Smallest 10% of weights, released",
        "(d) Largest 10% of weights, released",
    ]
    assert "largest reduced cost" in texts(figure)
    few = weight_grids(ours._replace(zeros=0.04), title="A", rows=3, columns=6)
    assert few.axes[0].get_title() == "(a) Smallest 10% of weights (4% are 0)"


def test_all_schemes_are_shown_with_their_fid():
    figure = FIGURES["schemes"]()
    heads = [axes.get_title() for axes in figure.axes]
    assert heads == [
        "(a) Drawn at random\nFID 209.00 (SE 2.14)",
        "(b) Top-1 classes matched\nFID 182.00",
        "(c) All fringe features matched\nFID 110.00 (SE 0.80)",
    ]
    all_text = texts(figure)
    # For the scheme without a real error, only statistics of the real images are known.
    assert "of only the generated images if only published statistics" in all_text
    assert "Repeated draws" not in all_text  # no spread is printed
    with pytest.raises(FringeError, match="images of scheme matched, prelogits are missing"):
        scheme_grids({"random": images(2, 8)}, title="A")


def test_grids_refuse_other_arrays():
    with pytest.raises(FringeError, match=r"lowest weights.*float32 of shape"):
        weight_grids(Extremes(images(2, 8).astype(np.float32), images(2, 8)), title="A")
    with pytest.raises(FringeError, match="uint8 of shape"):
        weight_grids(Extremes(images(2, 8), images(2, 8)[..., 0]), title="A")


@pytest.mark.parametrize(
    ("style", "message"),
    [
        ({"colour": 1}, "unknown key 'colour'"),
        ({"palette": "rainbow"}, "palette 'rainbow' is unknown; choose okabe-ito or tol-bright"),
        ({"dpi": 160.5}, "dpi is 160.5; give a whole number from 50 to 600"),
        ({"dpi": True}, "dpi is True"),
        ({"font_size": 40}, "font_size is 40; give a number from 5 to 20"),
        ({"width": "wide"}, "width is 'wide'"),
    ],
)
def test_invalid_style_is_refused(style, message):
    with pytest.raises(FringeError, match=message):
        read_style(style)


def test_style_is_used(tmp_path):
    style = {"dpi": 80, "font_size": 11, "palette": "tol-bright", "width": 5}
    figure = top1_histogram([0, 1], [0, 1], None, title="A", style=style)
    save(figure, tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").size[0] == 400
    color = figure.axes[0].containers[0][0].get_facecolor()
    assert matplotlib.colors.to_hex(color).upper() == "#4477AA"
