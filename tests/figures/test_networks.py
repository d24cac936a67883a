"""Tests of Figure 8b: points, changes, the paper's values, files, invalid input."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from fringe.errors import FringeError
from fringe.figures import network_comparison, save
from fringe.figures.paper_values import GREY
from fringe.figures.style import Style, styled
from fringe.scores.differences import PAPER
from fringe.scores.rows import SCORE_COLUMNS

NETWORKS = ("inception", "inception-torchvision")
FIDS = {"ffhq": (5.3, 3.6, 9), "lsun_cat": (8.2, 6.7, 12), "c": (1, 2, 3), "d": (300, 40, 0.5)}


def scores(datasets=("ffhq", "lsun_cat"), networks=NETWORKS, images=50000):
    rows = [
        (dataset, "random", network, "features", "fid", repeat, fid + shift, images, images, 0)
        for dataset in datasets
        for network, fid in zip(networks, FIDS[dataset], strict=False)
        for repeat, shift in enumerate((-0.05, 0, 0.05))
    ]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def texts(figure):
    figure.draw_without_rendering()
    return " ".join(" ".join(t.get_text().split()) for t in figure.findobj(matplotlib.text.Text))


def test_means_spreads_and_changes_by_hand():
    figure = network_comparison(
        scores(), {"ffhq": "FFHQ", NETWORKS[0]: "First", NETWORKS[1]: "Second"}, NETWORKS
    )
    first = figure.axes[0]
    assert first.get_title() == "FFHQ"
    points = [container.lines[0].get_xydata()[0].tolist() for container in first.containers]
    np.testing.assert_allclose(points, [[5.3, 0], [3.6, 1]])
    bars = [container.lines[2][0].get_segments()[0][:, 0] for container in first.containers]
    np.testing.assert_allclose(bars, [[5.25, 5.35], [3.55, 3.65]])
    labels = [" ".join(label.get_text().split()) for label in first.get_yticklabels()]
    assert labels == ["First", "Second"]
    top, bottom = first.get_ylim()[::-1]
    assert top < 0 < 1 < bottom, "the first network is on top"
    assert [text.get_text() for text in first.texts] == ["5.30 ± 0.05", "3.60 ± 0.05 (−32.1%)"]
    assert "3 random draws, the same for each network" in texts(figure)


def test_distances_have_standard_errors():
    known = scores()
    errors = known["value"].where(known["repeat"] == 0) / 10
    figure = network_comparison(
        known.assign(standard_error=errors, real_error=float("nan")), {}, NETWORKS
    )
    printed = [text.get_text() for text in figure.axes[0].texts]
    assert printed == ["5.30 ± 0.05 (SE 0.53)", "3.60 ± 0.05 (SE 0.36) (−32.1%)"]
    assert "from the sampling of the generated images only" in texts(figure)


def test_the_papers_values_are_grey_if_measured_differently():
    figure = network_comparison(scores(), {}, NETWORKS, protocols={"ffhq": PAPER["ffhq"]})
    hollow = [
        [(line.get_xdata()[0], line.get_mec() == GREY) for line in axes.lines if is_diamond(line)]
        for axes in figure.axes
    ]
    assert hollow == [[(5.30, False), (3.69, False)], [(8.25, True), (6.64, True)]]
    note = texts(figure)
    assert "Hollow diamonds: Kynkäänniemi et al. (2023)." in note
    assert "Ours: lsun_cat: our protocol is unknown." in note
    figure = network_comparison(
        scores(("ffhq",), images=1000), {}, NETWORKS, protocols={"ffhq": PAPER["ffhq"]}
    )
    assert {line.get_mec() for line in figure.axes[0].lines if is_diamond(line)} == {GREY}
    assert "Ours: 1,000 + 1,000 images (the paper: 50,000 + 50,000)." in texts(figure)
    for other in (
        network_comparison(scores(), {}, NETWORKS, paper=pd.DataFrame()),
        network_comparison(scores(("c",)), {}, NETWORKS),
    ):
        assert "Kynkäänniemi" not in texts(other)


def is_diamond(line):
    return line.get_marker() == "D"


def test_each_dataset_may_have_its_own_networks():
    rows = scores(("ffhq", "c"), (*NETWORKS, "swav"))
    figure = network_comparison(
        rows, {"inception": "First"}, {"c": ["swav", "inception"], "ffhq": NETWORKS}
    )
    assert [axes.get_title() for axes in figure.axes] == ["c", "ffhq"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["SwAV", "First"]
    assert figure.axes[0].texts[1].get_text() == "1.00 ± 0.05 (−66.7%)"


def test_the_note_names_the_weights_of_each_network():
    sentence = (
        "Inception-V3: TensorFlow's weights of 2015-12-05; Inception-V3 of torchvision: "
        "torchvision's weights (inception_v3_google)."
    )
    assert sentence in texts(network_comparison(scores(), {}, NETWORKS))
    own = {"inception-torchvision": "Inception-V3 of torchvision (own weights 0123abcd)"}
    assert "inception_v3_google" not in texts(network_comparison(scores(), own, NETWORKS))


@pytest.mark.parametrize("datasets", [("ffhq",), ("ffhq", "lsun_cat"), tuple(FIDS)])
def test_nothing_is_clipped_or_overlaps(datasets):
    networks = (*NETWORKS, "efficientnet-lite0")
    titles = {
        "d": {"title": "A long title of many photographs of many things", "simulated": True},
        "inception-torchvision": "Inception-V3 as torchvision trained it",
    }
    figure = network_comparison(scores(datasets, networks), titles, networks)
    canvas = FigureCanvasAgg(figure)
    with styled(Style()):
        canvas.draw()
        renderer = canvas.get_renderer()
        box = figure.get_tightbbox(renderer)
        boxes = [
            text.get_window_extent(renderer)
            for axes in figure.axes
            for text in (*axes.texts, *axes.get_yticklabels(), axes.title)
        ]
    width, height = figure.get_size_inches()
    assert min(box.x0, box.y0) > 0
    assert box.x1 < width
    assert box.y1 < height
    for place, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[place + 1 :])
    assert ("simulated generator" in texts(figure)) == ("d" in datasets)


def test_equal_input_gives_equal_files(tmp_path):
    saved = []
    for turn in range(2):
        png, pdf = tmp_path / f"{turn}.png", tmp_path / f"{turn}.pdf"
        save(network_comparison(scores(), {}, NETWORKS), png, pdf)
        saved.append((png.read_bytes(), pdf.read_bytes()))
    assert saved[0] == saved[1]


def test_one_draw_has_no_spread():
    figure = network_comparison(scores()[lambda rows: rows["repeat"] == 1], {}, NETWORKS)
    assert figure.axes[0].texts[0].get_text() == "5.30"
    assert "One random draw" in texts(figure)


def test_invalid_input_is_refused():
    rows = scores()
    other = rows["network"] == NETWORKS[1]
    for scored, networks, message in (
        (rows, ["inception"], "ffhq has inception; name two networks or more"),
        (rows, ["inception", "swav"], "network 'swav' is missing"),
        (rows[~other | (rows["repeat"] < 2)], NETWORKS, "3 draws; .*2 draws.*the same draws"),
        (rows.assign(n_real=50000 - other), NETWORKS, r"49999 \+ 50000 images"),
        (rows.assign(scheme="matched"), NETWORKS, "scheme 'random' is missing"),
    ):
        with pytest.raises(FringeError, match=message):
            network_comparison(scored, {}, networks)
