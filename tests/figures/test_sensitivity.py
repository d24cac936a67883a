"""Tests of figures of sensitivity maps: positions, readability, invalid input."""

import io
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from PIL import Image

from fringe.comparison.estimates import estimate
from fringe.errors import FringeError
from fringe.figures import (
    ShownImages,
    activation_comparison,
    compared_classes,
    mean_sensitivity,
    network_maps,
    noise_examples,
    overlay,
    read_style,
    region_noise,
    save,
    sensitivity_examples,
    sensitivity_grid,
    shown_images,
)
from fringe.figures.heat import percent
from fringe.figures.noise import NOISE_COLUMNS
from fringe.figures.page import blocks_of, fitted, short_name, text_width
from fringe.figures.style import styled
from fringe.scores.comparison import ClassShare
from fringe.scores.region_noise import REGION_TITLES
from fringe.sensitivity import Group

NAMES = (
    "bow tie, bow-tie, bowtie",
    "seat belt, seatbelt",
    "wig",
    "American Staffordshire terrier, Staffordshire terrier",
    "black-footed ferret, ferret",
    "Llanfairpwllgwyngyllgogerychwyrndrobwll",
)


def images(count, height=24, width=24, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def maps(count, seed=0, size=4):
    return np.random.default_rng(seed).random((count, size, size))


def predictions(count):
    return [
        [(NAMES[(place + rank) % len(NAMES)], (0.7, 0.2, 0.0002)[rank]) for rank in range(3)]
        for place in range(count)
    ]


def group(name, count, seed=0, activation=True, shape=(24, 24)):
    mean = images(3, *shape, seed).mean(axis=0)
    heat = maps(2, seed)
    return Group(name, count, mean, heat[0], heat[1] if activation else None)


def groups(count):
    return [group("All images", 50000), *(group(NAMES[k % 6], 1 + k, k) for k in range(count - 1))]


def noise_rows(network="inception"):
    rises = {"important": 300.0, "unimportant": 100.0, "everywhere": 400.0}
    rows = [
        ("a", network, region, scale, 5.0 + rise * scale, 1000)
        for region, rise in rises.items()
        for scale in (0.1, 0.0, 0.02)
    ]
    return pd.DataFrame(rows, columns=list(NOISE_COLUMNS))


def panels(count, height=24, width=24):
    return {
        name: images(count, height, width, seed)
        for seed, name in enumerate(("clean", *REGION_TITLES))
    }


def texts(figure):
    """Return all text of a figure."""
    return " ".join(
        " ".join(text.get_text().split()) for text in figure.findobj(matplotlib.text.Text)
    )


def pictures(figure):
    """Return the pictures on a page except the scale, with left, right, bottom and top edges."""
    drawn = [(np.asarray(one.get_array()), one.get_extent()) for one in figure.axes[0].images]
    return [(array, extent) for array, extent in drawn if len(array) > 1]


def places(figure):
    """Return the pictures of a page by row and column."""
    drawn = pictures(figure)
    rows = sorted({round(extent[3], 6) for _, extent in drawn})
    columns = sorted({round(extent[0], 6) for _, extent in drawn})
    return {
        (rows.index(round(extent[3], 6)), columns.index(round(extent[0], 6))): array
        for array, extent in drawn
    }


def classes(lacking=3):
    """Return ten classes of images 0 to 3; the model has no image of one of them."""
    stream = np.random.default_rng(0)
    return [
        ClassShare(
            number=k,
            name=NAMES[k % len(NAMES)],
            model_share=0.0 if k == lacking else float(stream.random()),
            baseline_share=float(stream.random()) / 9,
            real_share=float(stream.random()) / 99,
            contribution=estimate(float(stream.normal()), [(0.1, np.inf)]),
            model_images=[] if k == lacking else [3, 1, 2, 0],
            baseline_images=[0, 1, 2, 3] if k else [2],
        )
        for k in range(10)
    ]


def shown(name, seed, mapped=True, **size):
    pixels = dict(enumerate(images(4, seed=seed, **size)))
    return ShownImages(name, pixels, dict(enumerate(maps(4, seed))) if mapped else None)


NO_IMAGE = Group("lipstick, lip rouge", 0, *3 * [np.full((24, 24, 3), np.nan)])

FIGURES = {
    "examples": lambda **k: sensitivity_examples(images(3), maps(3), predictions(3), **k),
    "bare": lambda **k: sensitivity_examples(images(1), maps(1), **k),
    "many": lambda **k: sensitivity_examples(images(19), maps(19), predictions(19), **k),
    "wide": lambda **k: sensitivity_examples(images(9, 8, 32), maps(9), predictions(9), **k),
    "tall": lambda **k: sensitivity_examples(images(2, 40, 10), maps(2), predictions(2), **k),
    "grid": lambda **k: sensitivity_grid(images(11), maps(11), NAMES + NAMES[:5], **k),
    "means": lambda **k: mean_sensitivity(groups(4), **k),
    "classes": lambda **k: mean_sensitivity(groups(11), activation=True, **k),
    "everything": lambda **k: mean_sensitivity(groups(1), **k),
    "absent": lambda **k: mean_sensitivity([*groups(3), NO_IMAGE], **k),
    "activation": lambda **k: activation_comparison(
        images(2), maps(2), np.ones((2, 4, 4, 4)) * maps(2)[:, None], predictions(2), **k
    ),
    "noise": lambda **k: region_noise(noise_rows(), **{"network": "inception", **k}),
    "noisy": lambda **k: noise_examples(panels(2, 10, 30), 0.05, maps=maps(2), **k),
    "noisier": lambda **k: noise_examples(panels(9), 0.05, **k),
    "networks": lambda **k: network_maps(
        images(3),
        {"inception-torchvision": maps(3), "efficientnet-lite0": maps(3, 1, 7)},
        mean_image=images(5).mean(axis=0),
        mean_maps={"inception-torchvision": maps(1)[0], "efficientnet-lite0": maps(1)[0]},
        **k,
    ),
    "compared": lambda **k: compared_classes(classes(), shown("A", 0), shown("B", 1), **k),
    "unmapped": lambda **k: compared_classes(
        classes(),
        shown("Generator of a long name", 0, mapped=False, height=40),
        shown("Another of a longer name", 1, mapped=False, height=40),
        network="clip",
        **k,
    ),
    "unpictured": lambda **k: network_maps(
        images(12), {"clip": maps(12)}, mean_maps={"clip": maps(1)[0]}, **k
    ),
}
NARROW = ("bare", "wide", "grid", "classes", "activation", "noise", "noisy", "noisier", "networks")
NARROW += ("compared", "unmapped")
STYLED = [
    *((name, {}) for name in FIGURES),
    *((name, {"width": 4, "font_size": 12}) for name in NARROW),
    ("tall", {"width": 12, "font_size": 7}),
]


@pytest.mark.parametrize(("name", "style"), STYLED, ids=str)
def test_texts_do_not_overlap_and_are_not_clipped(name, style):
    figure = FIGURES[name](title="A title", simulated=True, style=style)
    assert "simulated generator" in texts(figure)
    canvas = FigureCanvasAgg(figure)
    with styled(read_style(style)):
        for picture in figure.findobj(AxesImage):
            picture.set_visible(False)  # drawing pictures takes long
        figure.draw_without_rendering()
        renderer = canvas.get_renderer()
        whole = figure.get_tightbbox(renderer)  # inches
        boxes = [
            (text.get_text(), text.get_window_extent(renderer))
            for text in figure.findobj(matplotlib.text.Text)
            if text.get_text()
        ]
    width, height = figure.get_size_inches()
    assert min(whole.x0, whole.y0) > -1e-6
    assert whole.x1 < width + 1e-6
    assert whole.y1 < height + 1e-6
    # Ticks outside the limits of an axis exist, but are not drawn.
    boxes = [(text, box) for text, box in boxes if box.x1 < figure.bbox.x1]
    for place, (text, box) in enumerate(boxes):
        for other, its in boxes[:place]:
            assert not overlap(box, its), (text, other)
    if name in ("noise", "grid"):  # figures without pictures, or with text on them
        return
    if name == "absent":  # texts on grey places
        boxes = [(text, box) for text, box in boxes if text != "no image"]
    for picture in figure.axes[0].images:
        edges = picture.get_window_extent(renderer)
        assert edges.x0 > 0
        assert edges.x1 < figure.bbox.x1
        for text, box in boxes:
            assert not overlap(box, edges), text


def overlap(box, other):
    """Return whether two boxes overlap by more than the space around letters."""
    across = min(box.x1, other.x1) - max(box.x0, other.x0)
    down = min(box.y1, other.y1) - max(box.y0, other.y0)
    return across > 2 and down > 5


@pytest.mark.parametrize("name", ["bare", "grid", "everything", "activation", "noise", "noisy"])
def test_the_note_names_no_simulated_generator_without_one(name):
    assert "simulated" not in texts(FIGURES[name](title="A"))


def test_equal_input_gives_equal_files(tmp_path, monkeypatch):
    saved = []
    for turn, clock in enumerate(("1000000000", "1700000000")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", clock)
        monkeypatch.setitem(matplotlib.rcParams, "font.size", 10 + turn)
        png, pdf = tmp_path / f"{turn}.png", tmp_path / f"{turn}.pdf"
        save(FIGURES["examples"](title="A", style={"dpi": 60}), png, pdf)
        saved.append((png.read_bytes(), pdf.read_bytes()))
    assert saved[0] == saved[1]
    drawn = np.asarray(Image.open(io.BytesIO(saved[0][0])).convert("RGB"))
    assert drawn.shape[1] == 7 * 60
    assert (drawn[0, 0] == 255).all()
    assert drawn.std() > 5


def slow_overlay(image, heat):
    """Return one overlay, computed one pixel and channel at a time."""
    height, width, _ = image.shape
    low, high = heat.min(), heat.max()
    small = Image.fromarray(((heat - low) / (high - low)).astype(np.float32))
    large = np.asarray(small.resize((width, height), Image.Resampling.LANCZOS), dtype=float)
    darkest, brightest = float(image.min()), float(image.max())
    mixed = np.zeros(image.shape)
    for y in range(height):
        for x in range(width):
            share = (large[y, x] - large.min()) / (large.max() - large.min())
            color = matplotlib.colormaps["viridis"](float(share))
            for c in range(3):
                mixed[y, x, c] = 2 * color[c]
                mixed[y, x, c] += (image[y, x, c] - darkest) / (brightest - darkest)
    return 255 * (mixed - mixed.min()) / (mixed.max() - mixed.min())


def test_overlay_agrees_with_one_pixel_at_a_time():
    ground, heat = images(2, 10, 14) // 2 + 9, maps(2)
    found = overlay(ground, heat)
    assert found.dtype == np.uint8
    for one, image, its in zip(found, ground, heat, strict=True):
        assert np.abs(one - slow_overlay(image, its)).max() <= 0.5 + 1e-6
    np.testing.assert_array_equal(overlay(ground[1:], heat[1:]), found[1:])
    # The units of the image and of its map have no effect.
    np.testing.assert_allclose(overlay(ground / 255, 1e-9 * heat - 3), found, atol=1)


def test_overlay_of_constant_images_and_maps():
    flat = np.full((1, 6, 6, 3), 77, np.uint8)
    ramp = np.arange(36.0).reshape(1, 6, 6)
    colors = matplotlib.colormaps["viridis"](ramp[0] / 35)[..., :3]
    expected = 255 * (colors - colors.min()) / (colors.max() - colors.min())
    assert (
        np.abs(overlay(flat, ramp)[0] - expected).max() <= 1.5
    )  # the image is resized to the same size
    still = overlay(flat, np.zeros((1, 2, 2)))
    assert (still == still[0, 0, 0]).all()
    picture = images(1)
    heat = overlay(picture, np.full((1, 3, 3), 5.0))
    violet = np.array(matplotlib.colormaps["viridis"](0.0)[:3])
    mixed = 2 * violet + (picture[0] / 1.0 - picture.min()) / (picture.max() - picture.min())
    expected = 255 * (mixed - mixed.min()) / (mixed.max() - mixed.min())
    assert np.abs(heat[0] - expected).max() <= 0.5 + 1e-9


def test_the_largest_value_is_yellow():
    heat = np.zeros((1, 4, 4))
    heat[0, 0, 3] = 1
    found = overlay(np.full((1, 32, 32, 3), 100, np.uint8), heat)[0].astype(int)
    yellow = found[..., 0] + found[..., 1] - 2 * found[..., 2]
    y, x = np.unravel_index(yellow.argmax(), yellow.shape)
    assert y < 8
    assert x >= 24


@pytest.mark.parametrize(
    ("ground", "heat", "message"),
    [
        (np.zeros((2, 4, 4), np.uint8), maps(2), r"overlay: images of shape \(2, 4, 4\)"),
        (images(2), maps(3), r"maps of shape \(3, 4, 4\) for 2 images"),
        (images(2), maps(2)[0], r"maps of shape \(4, 4\)"),
        (images(1), np.full((1, 2, 2), np.nan), "overlay: maps are not finite real numbers"),
        (np.full((1, 2, 2, 3), np.inf), maps(1), "overlay: images are not finite"),
        (images(1), np.array([[["a"]]]), "overlay: maps are not finite"),
    ],
)
def test_overlay_refuses_invalid_input(ground, heat, message):
    with pytest.raises(FringeError, match=message):
        overlay(ground, heat)


def test_each_example_has_a_column_of_image_map_and_bars():
    ground, heat = images(3), maps(3)
    figure = sensitivity_examples(ground, heat, predictions(3), title="Faces")
    drawn = places(figure)
    assert set(drawn) == {(row, column) for row in range(2) for column in range(3)}
    for column in range(3):
        np.testing.assert_array_equal(drawn[0, column], ground[column])
        np.testing.assert_array_equal(drawn[1, column], overlay(ground, heat)[column])
    bars = [p for p in figure.axes[0].patches if isinstance(p, Rectangle)]
    whole = max(bar.get_width() for bar in bars)
    filled = [b.get_width() / whole for b in bars if b.get_facecolor()[2] > b.get_facecolor()[0]]
    np.testing.assert_allclose(filled, np.repeat([0.7, 0.2, 0.0002], 3))
    all_text = texts(figure)
    assert "Faces: what FID looks at in an image" in all_text
    assert "A change of a yellow part of the image changes FID most" in all_text
    assert "Top-3 ImageNet classes of the image by Inception-V3" in all_text
    for label in ("bow tie", "seat belt", "70%", "20%", "<0.1%", "least important"):
        assert label in all_text
    assert "bow-tie" not in all_text


def test_images_beyond_the_columns_follow_below():
    ground, heat = images(19), maps(19)
    drawn = places(sensitivity_examples(ground, heat, title="A"))
    assert max(column for _, column in drawn) == 6  # 7 + 7 + 5
    np.testing.assert_array_equal(drawn[4, 4], ground[18])
    np.testing.assert_array_equal(drawn[5, 4], overlay(ground, heat)[18])
    assert (4, 5) not in drawn
    three = places(sensitivity_examples(ground[:7], heat[:7], title="A", columns=3))
    assert max(column for _, column in three) == 2
    np.testing.assert_array_equal(three[4, 0], ground[6])


def test_pictures_keep_their_shape():
    for height, width in ((8, 32), (40, 10), (24, 24)):
        figure = sensitivity_examples(images(2, height, width), maps(2), title="A")
        for _, (left, right, bottom, top) in pictures(figure):
            assert (bottom - top) / (right - left) == pytest.approx(height / width)
        figure.draw_without_rendering()
        corners = figure.axes[0].transData.transform([(0, 0), (1, 1)])
        across, down = np.abs(corners[1] - corners[0])
        assert across == pytest.approx(down, rel=0.01)
        assert across == pytest.approx(figure.dpi, rel=0.01), "a unit is an inch"


def test_grid_has_rows_and_columns_with_labels():
    ground, heat = images(11), maps(11)
    figure = sensitivity_grid(
        ground, heat, [f"class {k}, other" for k in range(11)], title="A", rows=2, columns=4
    )
    drawn = places(figure)
    assert set(drawn) == {(row, column) for row in range(2) for column in range(4)}
    for (row, column), array in drawn.items():
        np.testing.assert_array_equal(array, overlay(ground, heat)[4 * row + column])
    written = {t.get_text(): t.get_position() for t in figure.axes[0].texts}
    assert "class 8" not in written
    _, extent = pictures(figure)[5]
    x, y = written["class 5"]
    assert 0 < x - extent[0] < 0.1
    assert 0 < y - extent[3] < 0.1
    assert "Top-1" not in texts(sensitivity_grid(ground, heat, title="A"))
    assert "FID (SwAV)" in texts(sensitivity_grid(ground, heat, title="A", network="swav"))
    assert "seed" not in texts(figure)
    all_text = texts(sensitivity_grid(ground, heat, title="A", seeds=range(100, 111)))
    assert "the first image of a seed; seeds are 100 to 110." in all_text


def test_means_show_counts_and_rows():
    chosen = groups(3)
    figure = mean_sensitivity(chosen, title="A", activation=True)
    drawn = places(figure)
    assert set(drawn) == {(row, column) for row in range(3) for column in range(3)}
    for column, one in enumerate(chosen):
        np.testing.assert_array_equal(drawn[0, column], np.rint(one.image))
        for row, heat in ((1, one.sensitivity), (2, one.activation)):
            np.testing.assert_array_equal(
                drawn[row, column], overlay(one.image[None], heat[None])[0]
            )
    all_text = texts(figure)
    for label in ("All images 50,000 images", "bow tie 1 image", "seat belt 2 images", "Grad-CAM"):
        assert label in all_text
    assert max(row for row, _ in places(mean_sensitivity(chosen, title="A"))) == 1
    single = texts(mean_sensitivity(chosen[:1], title="A", network="swav"))
    assert "grouped" not in single
    assert "FID (SwAV)" in single


def test_typical_images_are_below_their_means():
    chosen = [replace(one, example=images(1, seed=9 + k)[0]) for k, one in enumerate(groups(3))]
    figure = mean_sensitivity([*chosen, NO_IMAGE], title="A")
    drawn = places(figure)
    assert set(drawn) == {(row, column) for row in range(3) for column in range(4)}
    for column, one in enumerate(chosen):
        np.testing.assert_array_equal(drawn[1, column], one.example)
        np.testing.assert_array_equal(
            drawn[2, column], overlay(one.image[None], one.sensitivity[None])[0]
        )
    assert np.unique(drawn[1, 3]).tolist() == [235]
    assert "most like the others" in texts(figure)


def test_the_note_explains_a_class_without_images():
    figure = mean_sensitivity([*groups(2), NO_IMAGE], title="A", activation=True)
    drawn = places(figure)
    for row in range(3):
        assert np.unique(drawn[row, 2]).tolist() == [235]
        assert np.unique(drawn[row, 1]).size > 1
    all_text = texts(figure)
    assert all_text.count("no image") == 3
    assert "lipstick 0 images" in all_text
    assert "Grey: the class is not the Top-1 class of any of the 50,000 images." in all_text
    assert "Grey" not in texts(mean_sensitivity(groups(3), title="A"))


def test_activations_are_next_to_sensitivity():
    ground, heat = images(2), maps(2)
    cams = np.stack([maps(2, seed) for seed in range(1, 5)], axis=1)
    cams[1, 2] = 0  # Grad-CAM may be 0 everywhere
    figure = activation_comparison(ground, heat, cams, predictions(2), title="A")
    drawn = places(figure)
    assert set(drawn) == {(row, column) for row in range(2) for column in range(6)}
    for row in range(2):
        np.testing.assert_array_equal(drawn[row, 0], ground[row])
        np.testing.assert_array_equal(drawn[row, 1], overlay(ground, heat)[row])
        for place in range(4):
            expected = overlay(ground, cams[:, place])[row]
            np.testing.assert_array_equal(drawn[row, 2 + place], expected)
    all_text = texts(figure)
    for label in ("bow tie 70%", "seat belt 20%", "wig <0.1%", "Top-3", "Grad-CAM mean"):
        assert label in all_text


def test_noise_draws_each_region_by_scale():
    figure = region_noise(noise_rows(), title="Faces", network="inception")
    curves = {line.get_label(): line for line in figure.axes[0].lines}
    assert list(curves) == ["important half", "unimportant half", "everywhere", "no noise"]
    np.testing.assert_allclose(
        curves["important half"].get_xydata(), [[0, 5], [0.02, 11], [0.1, 35]]
    )
    np.testing.assert_allclose(curves["everywhere"].get_ydata(), [5, 13, 45])
    assert set(curves["no noise"].get_ydata()) == {5.0}
    drawn = [curves[REGION_TITLES[region]] for region in REGION_TITLES]
    assert len({line.get_color() for line in drawn}) == len({line.get_marker() for line in drawn})
    assert len({line.get_marker() for line in drawn}) == 3
    all_text = texts(figure)
    assert "added to 1,000 generated images" in all_text
    assert "Without noise FID is 5.00" in all_text
    assert "at 0.1 it changes by +30.00 (important half), +10.00 (unimportant half)" in all_text


def test_noise_that_lowers_fid_has_a_negative_change():
    rows = noise_rows()
    rows.loc[(rows["region"] == "unimportant") & (rows["scale"] == 0.1), "value"] = 4.0
    assert "−1.00 (unimportant half)" in texts(region_noise(rows, title="A", network="inception"))


def changed(column, value, region="important", scale=0.1):
    rows = noise_rows().astype({"n_generated": object})
    rows.loc[(rows["region"] == region) & (rows["scale"] == scale), column] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (noise_rows("swav"), r"no row with network 'inception' \(found swav\)"),
        (noise_rows().drop(columns="scale"), "column scale is missing"),
        (changed("dataset", "b"), r"several values of dataset \(b, a\); give rows of one"),
        (changed("n_generated", 7), r"n_generated \(7, 1000\)"),
        (changed("region", "sky"), "region sky is unknown"),
        (changed("scale", -0.1), "scales from -0.1"),
        (changed("scale", 0.02), "'important' has more than one value at scale 0.02"),
        (changed("value", np.nan), "value"),
        (changed("value", 6.0, scale=0), "without noise FID is"),
        (changed("scale", 0.3, scale=0), r"at scales 0.02, 0.1, 0.3; give scale 0"),
        (noise_rows().query("region != 'everywhere'"), "'everywhere' has values at scales none"),
    ],
)
def test_noise_refuses_invalid_rows(rows, message):
    with pytest.raises(FringeError, match=message):
        region_noise(rows, title="A", network="inception")


def test_noisy_images_are_in_columns_or_rows():
    given = panels(2)
    drawn = places(noise_examples(given, 0.05, title="A", maps=maps(2)))
    assert set(drawn) == {(row, column) for row in range(2) for column in range(5)}
    order = ("clean", None, *REGION_TITLES)
    for (row, column), array in drawn.items():
        kind = order[column]
        expected = overlay(given["clean"], maps(2)) if kind is None else given[kind]
        np.testing.assert_array_equal(array, expected[row])
    given = panels(6)
    figure = noise_examples(given, 0.05, title="A")
    down = places(figure)
    for (row, column), array in down.items():
        np.testing.assert_array_equal(array, given[("clean", *REGION_TITLES)[row]][column])
    assert len(down) == 24
    assert "standard deviation of 5% of the grey range" in texts(figure)


def test_each_network_has_a_row_that_ends_with_the_mean():
    ground = images(3)
    heat = {"inception": maps(3), "clip": maps(3, 1, 7)}
    mean, means = images(9).mean(axis=0), {"clip": maps(1, 2)[0], "inception": maps(1, 3)[0]}
    figure = network_maps(
        ground, heat, title="A", mean_image=mean, mean_maps=means, titles={"clip": "Another CLIP"}
    )
    drawn = places(figure)
    assert set(drawn) == {(row, column) for row in range(3) for column in range(4)}
    np.testing.assert_array_equal(drawn[0, 3], np.rint(mean))
    for column in range(3):
        np.testing.assert_array_equal(drawn[0, column], ground[column])
        np.testing.assert_array_equal(drawn[2, column], overlay(ground, heat["clip"])[column])
    np.testing.assert_array_equal(drawn[1, 3], overlay(mean[None], means["inception"][None])[0])
    assert "Inception-V3" in texts(figure)
    assert "Another CLIP" in texts(figure)
    plain = places(network_maps(ground, heat, title="A", mean_maps=means))
    assert set(plain) == set(drawn) - {(0, 3)}
    heated = overlay(np.zeros((1, 24, 24, 3)), means["clip"][None])[
        0
    ]  # colours over the full range
    assert np.corrcoef(plain[2, 3].ravel(), heated.ravel())[0, 1] == pytest.approx(1, abs=1e-3)
    assert max(column for _, column in places(network_maps(ground, heat, title="A"))) == 2


def test_figures_refuse_invalid_input():
    ground, heat = images(2), maps(2)
    with pytest.raises(FringeError, match=r"sensitivity examples.*float64 of shape"):
        sensitivity_examples(ground / 1.0, heat, title="A")
    with pytest.raises(FringeError, match=r"predictions for 1 images, of \[3\] classes, with 2"):
        sensitivity_examples(ground, heat, predictions(1), title="A")
    with pytest.raises(FringeError, match=r"of \[1, 3\] classes"):
        sensitivity_examples(ground, heat, [predictions(1)[0], [("a", 0.5)]], title="A")
    with pytest.raises(FringeError, match="image 1: class 'a' has probability nan"):
        sensitivity_examples(ground, heat, [[("a", 1)], [("a", float("nan"))]], title="A")
    with pytest.raises(FringeError, match="0 columns"):
        sensitivity_examples(ground, heat, title="A", columns=0)
    with pytest.raises(FringeError, match="0 rows"):
        sensitivity_grid(ground, heat, title="A", rows=0)
    with pytest.raises(FringeError, match="3 labels for 2 images"):
        sensitivity_grid(ground, heat, NAMES[:3], title="A")
    with pytest.raises(FringeError, match=r"2 Grad-CAM maps and 3 classes"):
        activation_comparison(ground, heat, np.ones((2, 2, 4, 4)), predictions(2), title="A")
    with pytest.raises(FringeError, match=r"Grad-CAM: maps of shape \(2, 4, 4\)"):
        activation_comparison(ground, heat, heat, predictions(2), title="A")
    with pytest.raises(FringeError, match="no network"):
        network_maps(ground, {}, title="A")
    with pytest.raises(FringeError, match=r"network maps: clip: maps of shape \(1, 4, 4\)"):
        network_maps(ground, {"clip": maps(1)}, title="A")
    with pytest.raises(FringeError, match="no mean map of clip"):
        network_maps(ground, {"clip": heat}, title="A", mean_maps={})
    with pytest.raises(FringeError, match="without mean_maps"):
        network_maps(ground, {"clip": heat}, title="A", mean_image=ground[0])
    mean = images(1, 8, 8)[0]
    with pytest.raises(FringeError, match=r"a mean image of shape \(8, 8, 3\)"):
        network_maps(
            ground, {"clip": heat}, title="A", mean_image=mean, mean_maps={"clip": heat[0]}
        )


def test_means_refuse_invalid_groups():
    with pytest.raises(FringeError, match="no group"):
        mean_sensitivity([], title="A")
    with pytest.raises(FringeError, match="wig is the mean of 0 images"):
        mean_sensitivity([group("wig", 0)], title="A")
    with pytest.raises(FringeError, match="wig is the mean of -1 images"):
        mean_sensitivity([*groups(1), group("wig", -1)], title="A")
    with pytest.raises(FringeError, match="wig has no mean activation"):
        mean_sensitivity([group("wig", 1, activation=False)], title="A", activation=True)
    with pytest.raises(FringeError, match="give all in one size"):
        mean_sensitivity([group("a", 1), group("b", 1, shape=(8, 8))], title="A")
    image = np.linspace(0, 300, 48).reshape(4, 4, 3)
    with pytest.raises(FringeError, match="a mean image from 0 to 300; give 0 to 255"):
        mean_sensitivity([Group("wig", 1, image, maps(1)[0])], title="A")
    with pytest.raises(FringeError, match=r"wig: a mean map of shape \(1, 4, 4\)"):
        mean_sensitivity([Group("wig", 1, np.ones((4, 4, 3)), maps(1))], title="A")


def test_noisy_images_refuse_invalid_input():
    given = panels(2)
    with pytest.raises(FringeError, match="images of everywhere are missing"):
        noise_examples({k: v for k, v in given.items() if k != "everywhere"}, 0.05, title="A")
    with pytest.raises(FringeError, match="important has shape"):
        noise_examples({**given, "important": images(3)}, 0.05, title="A")
    with pytest.raises(FringeError, match="scale is 0"):
        noise_examples(given, 0, title="A")


@pytest.mark.parametrize("points", [6.0, 9.0])
@pytest.mark.parametrize("inches", [0.5, 0.8, 2.0])
def test_names_fit_the_given_width(inches, points):
    for name in NAMES:
        whole = fitted(name, inches, points, 99)
        assert whole.replace("\n", "").replace(" ", "") == name.replace(" ", "")
        assert all(text_width(row, points) <= inches for row in whole.split("\n"))
        cut = fitted(name, inches, points, 2)
        rows = cut.split("\n")
        assert len(rows) <= 2
        assert all(text_width(row, points) <= inches for row in rows)
        assert (cut == whole) == (len(whole.split("\n")) <= 2)
        assert cut == whole or cut.endswith("…")


def test_words_are_broken_only_if_necessary():
    assert fitted("DINOv2 ViT-L", text_width("DINOv2 ViT-", 9) / 0.95, 9, 2) == "DINOv2\nViT-L"
    assert fitted("black-footed", text_width("black-fo", 9), 9, 2) == "black-\nfooted"
    assert fitted("a b", 5, 9) == "a b"
    assert fitted("", 1, 9) == ""


def test_blocks_are_balanced():
    assert [len(block) for block in blocks_of(9, 8)] == [5, 4]
    assert [len(block) for block in blocks_of(8, 8)] == [8]
    assert [place for block in blocks_of(19, 8) for place in block] == list(range(19))


def test_names_and_shares():
    assert short_name("bow tie, bow-tie, bowtie") == "bow tie"
    assert short_name("sea_lion") == "sea lion"
    assert [percent(p) for p in (1, 0.873, 0.0996, 0.0994, 0.0004, 0)] == [
        "100%",
        "87%",
        "10%",
        "9.9%",
        "<0.1%",
        "0.0%",
    ]


def test_the_note_explains_signed_maps() -> None:
    image = np.zeros((1, 16, 16, 3), np.uint8)
    values = {"resnet50": np.ones((1, 2, 2)), "clip": np.array([[[-1.0, 1.0], [0.0, 2.0]]])}
    note = network_maps(image, values, title="A").get_supxlabel()
    assert "Maps of CLIP also have negative values" in " ".join(note.split())
    del values["clip"]
    assert "negative" not in network_maps(image, values, title="A").get_supxlabel()


def test_classes_are_drawn_with_their_images():
    baseline, model = shown("A", 0), shown("B", 1)
    figure = compared_classes(classes(), baseline, model, title="mine", network="clip")
    drawn = places(figure)
    np.testing.assert_array_equal(drawn[0, 0], baseline.images[2])
    assert (0, 2) not in drawn, "the baseline has one image of the first class"
    np.testing.assert_array_equal(drawn[0, 4], model.images[3])
    np.testing.assert_array_equal(drawn[0, 6], model.images[1])
    np.testing.assert_array_equal(
        drawn[0, 5], overlay(model.images[3][None], model.maps[3][None])[0]
    )
    assert {column for row, column in drawn if row == 3} == {0, 1, 2, 3}
    said = texts(figure)
    assert said.count("no image of this class") == 1
    assert "part of the FID (CLIP" in said
    assert "Above 0, the class makes B worse" in said
    assert "bow tie" in said
    plain = places(FIGURES["unmapped"](title="A"))
    np.testing.assert_array_equal(plain[1, 3], images(4, 40, seed=0)[3])
    assert shown_images([5, 6, 7, 8], maps=True) == [5, 6]
    with pytest.raises(FringeError, match="images of 2 shapes"):
        compared_classes(classes(), baseline, shown("B", 1, height=40), title="A")
