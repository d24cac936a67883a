"""One message names all images that are refused when a run is planned."""

import doctest
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fringe.errors import FringeError
from fringe.sources import open_source, refusals

from .conftest import encode, write_folder, write_lmdb, write_tar


def _cmyk() -> bytes:
    stream = io.BytesIO()
    Image.new("CMYK", (4, 4)).save(stream, "JPEG")
    return stream.getvalue()


def _lmdb(path: Path, files: Mapping[str, bytes]) -> Path:
    return write_lmdb(path, {name.encode(): data for name, data in files.items()})


def _tar(path: Path, files: Mapping[str, bytes]) -> Path:
    return write_tar(path.with_suffix(".tar"), files)


@pytest.mark.parametrize("write", [write_folder, _lmdb, _tar])
def test_one_message_names_all_refused_images(
    tmp_path: Path, write: Callable[[Path, Mapping[str, bytes]], Path]
):
    """For all reasons; accepted images are read once."""
    image = encode(np.zeros((4, 4, 3), np.uint8))
    files = {f"{number:02}.jpg": image for number in range(40)}
    files |= {"09.jpg": _cmyk(), "12.jpg": encode(np.zeros((5, 4, 3), np.uint8)), "25.jpg": _cmyk()}
    path = write(tmp_path / "set", files)
    with pytest.raises(
        FringeError,
        match=r"09\.jpg: its colour mode is CMYK.*; 2 more are refused: .*12\.jpg, .*25\.jpg$",
    ):
        _ = open_source(path, cache=tmp_path / "cache").fingerprint
    kept = open_source(path, ignore=["09.jpg", "12.jpg", "25.jpg"], cache=tmp_path / "cache")
    assert len(kept) == 37
    assert kept.fingerprint


def test_the_check_stops_after_many_refused_images(tmp_path: Path):
    image, other = (encode(np.zeros((size, 4, 3), np.uint8)) for size in (4, 5))
    files = {"000.png": other} | {f"{number:03}.png": image for number in range(1, 300)}
    with pytest.raises(
        FringeError, match=r"001\.png: 4 x 4 .*at least 99 more are refused"
    ) as info:
        _ = open_source(write_folder(tmp_path / "set", files)).fingerprint
    assert str(info.value).count(".png") == 2 + refusals.FEW


def test_examples():
    assert doctest.testmod(refusals).attempted > 0
