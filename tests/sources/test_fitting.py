"""Crops and filters, compared with the rules of StyleGAN's dataset tool in array code."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fringe.errors import FringeError
from fringe.sources import fingerprint, open_source
from fringe.sources.decoding import size_of

from .conftest import encode, entries_of, spoil, write_folder, write_h5, write_lmdb, write_zip


def wide(image: np.ndarray, width: int, height: int, filter: int) -> np.ndarray | None:
    """Apply the rule to one image; None if it is left out."""
    rows = int(np.round(width * image.shape[0] / image.shape[1]))
    if image.shape[1] < width or rows < height:
        return None
    top, bottom = (image.shape[0] - rows) // 2, (image.shape[0] + rows) // 2
    picture = Image.fromarray(image[top:bottom]).resize((width, height), filter)
    bar = (width - height) // 2
    below = width - height - bar
    return np.pad(np.asarray(picture), ((bar, below), (0, 0), (0, 0)))


@pytest.fixture
def many_sizes() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    sizes = [(24, 32), (23, 32), (24, 31), (48, 64), (100, 101), (31, 40), (30, 40), (9, 90)]
    sizes += [(90, 33), (25, 33), (24, 33), (61, 77)]
    return {
        f"{index:02d}.png": rng.integers(0, 256, (*size, 3), np.uint8)
        for index, size in enumerate(sizes)
    }


@pytest.mark.parametrize(
    ("filter", "resample"), [("lanczos", Image.Resampling.LANCZOS), ("box", Image.Resampling.BOX)]
)
@pytest.mark.parametrize("size", [(32, 24), (32, 23), (33, 20), (16, 16)])
def test_wide_crop(
    tmp_path: Path,
    many_sizes: dict[str, np.ndarray],
    size: tuple[int, int],
    filter: str,
    resample: int,
):
    path = write_folder(tmp_path / "set", {n: encode(i) for n, i in many_sizes.items()})
    results = [wide(image, *size, resample) for image in many_sizes.values()]
    expected = [image for image in results if image is not None]
    assert 0 < len(expected) < len(results)
    source = open_source(path, crop=f"wide {size[0]}x{size[1]}", filter=filter)
    assert len(source) == len(expected)
    assert source.resolution == (size[0], size[0])
    assert np.array_equal(source.read(range(len(expected))), expected)


def test_the_wide_crop_of_every_format(dataset: Path, in_order: np.ndarray):
    source = open_source(dataset, crop="wide 24x18", count=5, order="file")
    assert len(source) == 5
    expected = [wide(image, 24, 18, Image.Resampling.LANCZOS) for image in in_order[:5]]
    assert np.array_equal(source.read(range(5)), expected)
    with pytest.raises(FringeError, match=r"data.*none of its 7 images is large enough.*32 x 24"):
        open_source(dataset, crop="wide 32x24")
    with pytest.raises(FringeError, match=r"24 x 18 pixels: holds 7 images, fewer than the 8"):
        open_source(dataset, crop="wide 24x18", count=8)


def test_box_equals_pillows_and_lanczos_is_the_default(dataset: Path, in_order: np.ndarray):
    square = in_order[:, :, 2:22]
    expected = [
        np.asarray(Image.fromarray(image).resize((8, 8), Image.Resampling.BOX)) for image in square
    ]
    box = open_source(dataset, 8, filter="box")
    assert np.array_equal(box.read(range(7)), expected)
    lanczos = open_source(dataset, 8)
    assert not np.array_equal(lanczos.read(range(7)), expected)
    assert open_source(dataset, 8, filter="lanczos").fingerprint == lanczos.fingerprint
    assert box.fingerprint != lanczos.fingerprint


def test_sizes_are_read_once(
    tmp_path: Path, many_sizes: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
):
    values = {name.encode(): encode(image) for name, image in many_sizes.items()}
    path, cache = write_lmdb(tmp_path / "set_lmdb", values), tmp_path / "cache"
    read: list[int] = []
    monkeypatch.setattr(
        "fringe.sources.base.size_of",
        lambda data, label, **options: read.append(1) or size_of(data, label, **options),
    )
    crop = "wide 32x24"
    few = open_source(path, crop=crop, count=2, cache=cache, order="file")
    assert len(read) == 4  # the fourth image is the second large enough one
    again = open_source(path, crop=crop, count=2, cache=cache, order="file")
    assert len(read) == 4
    every = open_source(path, crop=crop, cache=cache)
    assert len(read) == 12
    assert len(open_source(path, crop=crop, cache=cache)) == len(every)
    open_source(path, crop="wide 16x16", count=1, cache=cache, order="file")
    assert len(read) == 17  # nothing was cached for the other crop; the fifth image is large enough
    assert np.array_equal(few.read([0, 1]), every.read([0, 1]))
    assert few.fingerprint == again.fingerprint != every.fingerprint

    assert len([key for key in entries_of(cache) if "sizes of" in key]) == 2  # for two crops
    spoil(cache)
    assert len(open_source(path, crop=crop, cache=cache)) == len(every)


def test_images_that_are_left_out_change_the_fingerprint(
    tmp_path: Path, many_sizes: dict[str, np.ndarray]
):
    files = {name: encode(image) for name, image in many_sizes.items()}
    spec = {"kind": "files", "path": str(tmp_path / "a.zip"), "crop": "wide 32x24"}
    write_zip(tmp_path / "a.zip", files)
    before = fingerprint(spec)
    assert before != fingerprint(spec | {"crop": "wide 32x20"})
    assert before != fingerprint(spec | {"filter": "box"})
    small = encode(many_sizes["02.png"])
    source = open_source(tmp_path / "a.zip", crop="wide 32x24")
    write_zip(tmp_path / "a.zip", files | {"03.png": small})
    fewer = open_source(tmp_path / "a.zip", crop="wide 32x24")
    assert len(fewer) == len(source) - 1
    assert fewer.fingerprint_of(0, 1) == source.fingerprint_of(0, 1)
    assert fewer.fingerprint_of(0, 2) != source.fingerprint_of(0, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filter": "bicubic", "resolution": 8}, "filter is 'bicubic'; it must be lanczos or box"),
        ({"filter": "box"}, "filter is box, but images are not resized; set `resolution`"),
        ({"crop": "centre"}, "crop is 'centre'; it must be `center`, or `wide WxH`"),
        ({"crop": "wide 512"}, "crop is 'wide 512'"),
        ({"crop": "wide 0x0"}, "crop is 'wide 0x0'"),
        ({"crop": "wide 16x24"}, "height exceeds the width"),
        ({"crop": "wide 24x16", "resolution": 16}, "resolution is 16, but crop .* 24 x 24"),
    ],
)
def test_invalid_options_are_refused(
    tmp_path: Path, options: dict, message: str, pixels: np.ndarray
):
    path = write_h5(tmp_path / "a.h5", pixels)
    with pytest.raises(FringeError, match=rf"a\.h5: .*{message}"):
        open_source(path, **options)
