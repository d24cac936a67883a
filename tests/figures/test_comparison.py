"""Tests of Figures 7 and 19: texts of the grids, files, invalid input."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from fringe.errors import FringeError
from fringe.figures import generator_comparison, save
from fringe.figures.paper_values import GREY
from fringe.figures.style import read_style, styled
from fringe.scores.differences import PAPER
from fringe.scores.rows import SCORE_COLUMNS

GENERATORS = {"Projected FastGAN": "ffhq_fastgan", "StyleGAN2": "ffhq"}
MEASURES = (
    ("inception", "fid"),
    ("clip", "fid"),
    ("vgg16-nvidia", "precision"),
    ("vgg16-nvidia", "recall"),
)
VALUES = {"ffhq_fastgan": (5.25, 4.66, 0.65, 0.45), "ffhq": (5.30, 2.76, 0.68, 0.46)}
SHIFTS = (-0.04, 0, 0.04)


def scores(images=50000, values=VALUES):
    rows = [
        (dataset, "random", network, "features", metric, repeat, value + shift, images, images, 0)
        for dataset, means in values.items()
        for (network, metric), value in zip(MEASURES, means, strict=True)
        for repeat, shift in enumerate(SHIFTS if metric == "fid" else SHIFTS[1:2])
    ]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def grids(size=16, count=20):
    rng = np.random.default_rng(0)
    shape = (count, size, size, 3)
    return {name: rng.integers(0, 256, shape, dtype=np.uint8) for name in VALUES}


def compare(scored=None, images=None, **options):
    arguments = {
        "title": "FFHQ",
        "generators": GENERATORS,
        "titles": {"inception": "Inception-V3", "vgg16-nvidia": "VGG16", "clip": "CLIP"},
        "network": "inception",
        "control": "clip",
        "recall_network": "vgg16-nvidia",
    }
    return generator_comparison(
        grids() if images is None else images,
        scores() if scored is None else scored,
        **(arguments | options),
    )


def note(figure):
    return " ".join(figure.get_supxlabel().split())


def test_scores_and_the_papers_values_are_above_each_grid():
    """The paper's FastGAN, unlike its StyleGAN2, is not published, so its values are grey."""
    figure = compare(protocols={"ffhq": PAPER["ffhq"], "ffhq_fastgan": PAPER["ffhqfastgan"]})
    heads = [axes.get_title() for axes in figure.axes]
    assert heads == [
        "(a) Projected FastGAN\nFID 5.25 ± 0.04\nFID (CLIP) 4.66 ± 0.04\n"
        "Precision 0.65\nRecall 0.45",
        "(b) StyleGAN2\nFID 5.30 ± 0.04 [5.30]\nFID (CLIP) 2.76 ± 0.04 [2.76]\n"
        "Precision 0.68\nRecall 0.46 [0.46]",
    ]
    (grey,) = figure.axes[0].texts
    assert " ".join(grey.get_text().split()) == (
        "Kynkäänniemi et al.: FID 5.28, FID (CLIP) 4.67, Recall 0.45"
    )
    assert grey.get_color() == GREY
    assert not figure.axes[1].texts
    assert "In brackets: Kynkäänniemi et al. (2023)" in note(figure)
    assert "Ours: Projected FastGAN: generator not the paper's." in note(figure)


def test_distances_have_standard_errors():
    scored = scores()
    known = (scored["metric"] == "fid") & (scored["repeat"] == 0)
    errors = scored["value"].where(known) / 100
    figure = compare(scored.assign(standard_error=errors, real_error=errors / 2))
    for text in ("FID 5.25 ± 0.04 (SE 0.05)", "FID (CLIP) 4.66 ± 0.04 (SE 0.05)", "Recall 0.45"):
        assert text in figure.axes[0].get_title().split("\n")
    assert "SE: standard error of one evaluation" in note(figure)
    assert "SE" not in note(compare())


def test_draws_of_the_same_images_have_no_spread():
    """If a draw contains all candidates, repeats are equal except for rounding."""
    scored = scores()
    scored["value"] = scored.groupby(["dataset", "network"])["value"].transform("mean")
    scored["value"] *= 1 + 1e-13 * scored["repeat"]
    figure = compare(scored)
    assert "FID 5.25\nFID (CLIP) 4.66\n" in figure.axes[0].get_title()
    assert "±" not in note(figure)
    assert "Mean ± standard deviation over draws." in note(compare())


def test_the_note_warns_if_precision_and_recall_are_near_0():
    values = {name: (*means[:2], 0.0, 0.004) for name, means in VALUES.items()}
    assert "do not distinguish the generators" in note(compare(scores(values=values)))
    values["ffhq"] = (*values["ffhq"][:3], 0.02)
    assert "distinguish" not in note(compare(scores(values=values)))


def test_the_papers_values_are_grey_if_measured_differently():
    unknown = compare()
    assert not any("[" in axes.get_title() for axes in unknown.axes)
    assert "In brackets" not in note(unknown)
    assert "Ours: our protocol is unknown." in note(unknown)
    few = compare(scores(10000), protocols={"ffhq": PAPER["ffhq"]})
    assert not any("[" in axes.get_title() for axes in few.axes)
    assert "StyleGAN2: 10,000 + 10,000 images (the paper: 50,000 + 50,000)" in note(few)


@pytest.mark.parametrize(
    "other",
    [
        {"paper": pd.DataFrame()},
        {
            "scored": scores().replace(
                {"network": {"inception": "a", "clip": "b", "vgg16-nvidia": "c"}}
            ),
            "network": "a",
            "control": "b",
            "recall_network": "c",
        },
    ],
)
def test_the_papers_values_are_not_shown_for_another_network(other):
    figure = compare(**other)
    assert not any("[" in axes.get_title() or axes.texts for axes in figure.axes)
    assert "Kynkäänniemi" not in note(figure)


def test_the_note_says_which_generator_each_network_prefers():
    text = note(compare())
    assert "FID (Inception-V3) is the same for both within twice the spread of draws" in text
    assert "FID (CLIP) is 40.8% lower for (b)." in text  # 2.76 against 4.66
    assert "Precision and recall are measured in VGG16." in text
    turned = scores(values={"ffhq_fastgan": (4, 9, 0.5, 0.5), "ffhq": (5, 9, 0.5, 0.5)})
    text = note(compare(turned))
    assert "FID (Inception-V3) is 20.0% lower for (a)" in text
    assert "FID (CLIP) is the same for both" in text
    single = scores()[scores()["repeat"] == 0]
    assert "FID (Inception-V3) is 1.0% lower for (a)" in note(compare(single))


@pytest.mark.parametrize(
    ("network", "weights"),
    [
        ("vgg16", "VGG-16 of torchvision: torchvision's weights (vgg16-397923af)."),
        ("vgg16-nvidia", "VGG-16 of NVIDIA: the weights of NVIDIA's vgg16.pt."),
    ],
)
def test_the_note_names_the_weights_for_precision_and_recall(network, weights):
    scored = scores().replace({"network": {"vgg16-nvidia": network}})
    text = note(compare(scored, titles={}, recall_network=network))
    assert weights in text
    assert "Inception-V3: TensorFlow's weights of 2015-12-05" in text
    # The paper's recall is compared only with recall in the network of its authors' code.
    heads = compare(scored, recall_network=network, protocols={"ffhq": PAPER["ffhq"]}).axes
    assert ("Recall 0.46 [0.46]" in heads[1].get_title()) == (network == "vgg16-nvidia")


def test_the_note_has_the_number_of_images_of_each_measure():
    assert (
        "FID, FID (CLIP): 50,000 real + 50,000 generated images, 3 random draws; "
        "Precision, Recall: 50,000 real + 50,000 generated images, one random draw."
    ) in note(compare())
    published = scores()
    published.loc[published["network"] == "inception", "n_real"] = 70000
    assert (
        "FID: 70,000 real + 50,000 generated images, 3 random draws; "
        "FID (CLIP): 50,000 real + 50,000 generated images, 3 random draws; "
        "Precision, Recall: 50,000 real + 50,000 generated images, one random draw."
    ) in note(compare(published))


def test_grids_contain_the_given_images():
    images = grids()
    figure = compare(images=images, rows=3, columns=6)
    for axes, array in zip(figure.axes, (images["ffhq_fastgan"], images["ffhq"]), strict=True):
        shown = np.asarray(axes.images[0].get_array())
        np.testing.assert_array_equal(shown[:16, :16], array[0])
        np.testing.assert_array_equal(shown[-16:, -16:], array[17])
    few = compare(images=grids(count=5), rows=10, columns=4).axes[0].images[0].get_array()
    assert few.shape[0] < 3 * 16, "no rows without images"


def test_the_note_names_a_simulated_generator():
    simulated = {"ffhq": {"title": "FFHQ", "simulated": True}}
    assert "Generated images: simulated generator." in note(compare(titles=simulated))
    assert "simulated" not in note(compare())


@pytest.mark.parametrize("shape", [(4, 4), (10, 6)])
@pytest.mark.parametrize("name", ["StyleGAN2", "A generator with a very long name, on many GPUs"])
@pytest.mark.parametrize("style", [{}, {"width": 5, "font_size": 12}])
def test_nothing_is_clipped_or_overlaps(shape, name, style):
    rows, columns = shape
    figure = compare(
        generators={"Projected FastGAN": "ffhq_fastgan", name: "ffhq"},
        images=grids(count=60),
        rows=rows,
        columns=columns,
        style=style,
    )
    canvas = FigureCanvasAgg(figure)
    with styled(read_style(style)):
        canvas.draw()
        renderer = canvas.get_renderer()
        box = figure.get_tightbbox(renderer)
        headings = {figure.get_suptitle(), figure.get_supxlabel()}
        headings |= {axes.get_title() for axes in figure.axes}
        texts = figure.findobj(matplotlib.text.Text)
        boxes = [text.get_window_extent(renderer) for text in texts if text.get_text() in headings]
        boxes += [axes.images[0].get_window_extent(renderer) for axes in figure.axes]
    width, height = figure.get_size_inches()
    assert min(box.x0, box.y0) > 0
    assert box.x1 < width
    assert box.y1 < height
    assert len(boxes) == 6  # heading, two heads, note; two grids
    for place, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[place + 1 :])
    grid = figure.axes[0].images[0].get_window_extent(renderer)
    assert grid.width > 0.4 * width * figure.dpi, "grids fill the width"


def test_equal_input_gives_equal_files(tmp_path):
    saved = []
    for turn in range(2):
        png, pdf = tmp_path / f"{turn}.png", tmp_path / f"{turn}.pdf"
        save(compare(), png, pdf)
        saved.append((png.read_bytes(), pdf.read_bytes()))
    assert saved[0] == saved[1]


def test_invalid_input_is_refused():
    one = {"Projected FastGAN": "ffhq_fastgan"}
    fewer = scores()
    fewer.loc[(fewer["dataset"] == "ffhq") & (fewer["network"] == "clip"), "n_real"] = 10
    for options, message in (
        ({"generators": one}, "got 1 generators; name two"),
        ({"images": {"ffhq": grids()["ffhq"]}}, "no images of ffhq_fastgan; give a grid for each"),
        ({"images": grids() | {"ffhq": np.zeros((2, 8, 8, 3))}}, "'StyleGAN2': float64 of shape"),
        (
            {"control": "swav"},
            r"network 'swav' is missing \(found clip, inception, vgg16-nvidia\)",
        ),
        ({"scored": scores()[scores()["metric"] != "recall"]}, "metric 'recall'"),
        ({"scored": fewer}, r"in clip was measured with 50000 \+ 50000 and 10 \+ 50000"),
    ):
        with pytest.raises(FringeError, match=message):
            compare(**options)
