"""Regions from boxes and mask images, and the share of sensitivity inside a region."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from fringe.errors import FringeError
from fringe.sensitivity.region import open_region, region_share


def save_mask(path: Path, values: np.ndarray) -> Path:
    Image.fromarray(np.asarray(values, np.uint8)).save(path)
    return path


def slow_mean(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return area means, by enlarging every pixel until whole pixels fill each cell."""
    large = np.kron(mask, np.ones(size))
    (h, w), (H, W) = size, mask.shape
    return large.reshape(h, H, w, W).mean((1, 3))


def test_box_with_known_shares() -> None:
    found = open_region([0.25, 0, 1, 0.5], (4, 4))
    np.testing.assert_array_equal(found, [[0, 1, 1, 1]] * 2 + [[0] * 4] * 2)
    # Pixels at the edges count in part: columns 0.4 to 1.2, rows 0.5 to 3.
    found = open_region((0.1, 0.125, 0.3, 0.75), (4, 4))
    expected = np.outer([0.5, 1, 1, 0], [0.6, 0.2, 0, 0])
    np.testing.assert_allclose(found, expected, atol=1e-15)


@pytest.mark.parametrize("box", [[0.1, 0.2, 0.7, 0.9], [0, 0.45, 1, 0.55], [0.301, 0.3, 0.302, 1]])
def test_box_keeps_its_area_at_any_size(box: list[float]) -> None:
    area = (box[2] - box[0]) * (box[3] - box[1])
    for size in ((1, 1), (3, 7), (64, 48)):
        assert open_region(box, size).mean() == pytest.approx(area, rel=1e-12)


@pytest.mark.parametrize("size", [(4, 6), (3, 4), (8, 5), (16, 18)])
def test_mask_image_is_averaged_by_area(size: tuple[int, int], tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12))
    found = open_region(save_mask(tmp_path / "mask.png", pixels), size)
    assert found.shape == size
    np.testing.assert_allclose(found, slow_mean(pixels / 255, size), atol=1e-14)


def test_mask_of_the_size_of_the_images_is_unchanged(tmp_path: Path) -> None:
    pixels = np.zeros((5, 7), np.uint8)
    pixels[1:3, 2:] = 255
    for mode in ("1", "L", "P", "RGB"):
        path = tmp_path / f"mask-{mode}.png"
        Image.fromarray(pixels).convert(mode).save(path)
        np.testing.assert_array_equal(open_region(str(path), (5, 7)), pixels == 255)


def test_bad_mask_images_are_refused(tmp_path: Path) -> None:
    size = (8, 8)
    with pytest.raises(FringeError, match=r"no\.png: does not exist"):
        open_region(tmp_path / "no.png", size)
    (tmp_path / "bad.png").write_bytes(b"not\0an image")
    with pytest.raises(FringeError, match=r"bad\.png: is damaged or not an image"):
        open_region(tmp_path / "bad.png", size)
    black = save_mask(tmp_path / "black.png", np.zeros((3, 3)))
    with pytest.raises(FringeError, match=r"black\.png: is empty"):
        open_region(black, size)
    white = save_mask(tmp_path / "white.png", np.full((3, 3), 255))
    with pytest.raises(FringeError, match=r"white\.png: is the whole image"):
        open_region(white, size)
    red = save_mask(tmp_path / "red.png", np.broadcast_to([255, 0, 0], (3, 3, 3)))
    with pytest.raises(FringeError, match=r"red\.png: has colours"):
        open_region(red, size)
    with pytest.raises(FringeError, match="is the whole image"):
        open_region([0, 0, 1, 1], size)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([0.5, 0, 0.2, 1], r"left is 0\.5 and right 0\.2; the order"),
        ([0, 0.5, 1, 0.5], r"top is 0\.5 and bottom 0\.5; the order"),
        ([0, 0, 1.5, 1], r"right is 1\.5; give it as a share"),
        ([-0.1, 0, 1, 1], r"left is -0\.1"),
        ([0, float("nan"), 1, 1], "top is nan"),
        ([0, 0, 1], "or four numbers"),
        ([0, 0, 1, 1, 1], "or four numbers"),
        ([0, 0, True, 1], "or four numbers"),
        (["0", 0, 1, 1], "or four numbers"),
    ],
)
def test_boxes_out_of_order_are_refused(box: list[float], message: str) -> None:
    with pytest.raises(FringeError, match=message):
        open_region(box, (8, 8))


def test_share_of_known_maps() -> None:
    maps = np.array([[[1.0, 3], [0, 0]], [[2, 2], [2, 2]], [[0, 0], [0, 0]], [[0, 0], [0, -5]]])
    mask = open_region([0, 0, 0.5, 1], (6, 4))  # the left half
    found = region_share(maps, mask)
    shares = [0.25, 0.5, 0.0]  # the third map is 0 everywhere and does not count
    assert found.n == 3
    assert found.area == 0.5
    assert found.share == pytest.approx(0.25)
    low, high = stats.t.interval(0.95, 2, np.mean(shares), stats.sem(shares))
    assert low < 0  # but a share cannot be negative
    assert found.low == 0
    assert found.high == pytest.approx(high, rel=1e-12)


def test_share_equals_a_slow_sum() -> None:
    rng = np.random.default_rng(1)
    maps, mask = rng.standard_normal((40, 3, 5)), rng.uniform(size=(7, 11))
    cells = slow_mean(mask, (3, 5))
    shares = [np.sum(abs(one) * cells) / np.sum(abs(one)) for one in maps]
    found = region_share(maps, mask)
    interval = stats.t.interval(0.95, 39, np.mean(shares), stats.sem(shares))
    assert found.share == pytest.approx(np.mean(shares), rel=1e-12)
    assert (found.low, found.high) == pytest.approx(interval, rel=1e-12)
    assert found.area == pytest.approx(mask.mean())


def test_all_images_have_equal_weight_in_any_unit() -> None:
    maps = np.random.default_rng(2).exponential(size=(6, 4, 4))
    mask = open_region([0, 0, 0.3, 0.7], (16, 16))
    units = np.array([1e-300, 1e-20, 1, 1e5, 1e150, 1e-3])[:, None, None]
    assert region_share(units * maps, mask) == pytest.approx(region_share(maps, mask), rel=1e-12)


def test_constant_maps_give_the_area() -> None:
    mask = open_region([0.1, 0.2, 0.45, 0.9], (31, 17))
    found = region_share(np.full((9, 8, 8), 0.7), mask)
    assert found.area == pytest.approx(0.35 * 0.7)
    assert found.share == pytest.approx(found.area, rel=1e-12)


def test_the_interval_contains_the_true_mean_in_95_percent() -> None:
    rng = np.random.default_rng(3)
    mask = open_region([0, 0, 0.5, 1], (4, 4))
    held = 0
    for _ in range(400):
        inside = rng.uniform(0.2, 0.8, 12)  # the mean is one half
        maps = np.stack([np.array([[x, 1 - x]]) for x in inside])
        found = region_share(maps, mask)
        held += found.low <= 0.5 <= found.high
    assert 0.92 < held / 400 < 0.98


def test_too_few_images_for_an_interval() -> None:
    mask = open_region([0, 0, 0.5, 1], (4, 4))
    one = region_share(np.ones((1, 2, 2)), mask)
    assert (one.share, one.n) == (0.5, 1)
    assert math.isnan(one.low)
    assert math.isnan(one.high)
    none = region_share(np.zeros((3, 2, 2)), mask)
    assert none.n == 0
    assert math.isnan(none.share)
    assert none.area == 0.5


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(FringeError, match=r"got shape \(2, 2\)"):
        region_share(np.ones((2, 2)), np.ones((4, 4)))
    for mask in (np.ones(4), np.full((4, 4), 2.0), np.full((4, 4), np.nan)):
        with pytest.raises(FringeError, match="values from 0 to 1"):
            region_share(np.ones((1, 2, 2)), mask)
