"""Data larger than the limits are refused before they are decoded, in every kind of file."""

import doctest
from pathlib import Path

import numpy as np
import pytest
from tests.sources.conftest import write_zip

from fringe.errors import FringeError
from fringe.sources import limits, open_source, source_from_spec
from fringe.sources.array_files import ArraySource
from fringe.sources.base import EncodedSource
from fringe.sources.limits import Limits
from fringe.sources.prefetch import decoded

ROWS, COLUMNS = 20, 24  # of the images of `dataset`


def test_images_with_too_many_pixels_are_refused(dataset: Path) -> None:
    right = open_source(dataset)
    source = open_source(dataset, limits=Limits(pixels=ROWS * COLUMNS))
    assert np.array_equal(source.read([0, 3]), right.read([0, 3]))
    assert source.fingerprint == right.fingerprint
    message = (
        r"data.*: has 24 x 20 pixels, more than the 479 that `limits/pixels` allows; remove it"
    )
    with pytest.raises(FringeError, match=message):
        open_source(dataset, limits=Limits(pixels=ROWS * COLUMNS - 1)).read([0])


def test_pixels_count_before_an_image_is_resized(dataset: Path) -> None:
    with pytest.raises(FringeError, match="`limits/pixels`"):
        open_source(dataset, 8, limits=Limits(pixels=ROWS * COLUMNS - 1)).read([0])


def test_encoded_images_with_too_many_bytes_are_refused(dataset: Path) -> None:
    source = open_source(dataset)
    if isinstance(source, ArraySource):
        pytest.skip("holds no encoded images")
    assert isinstance(source, EncodedSource)
    assert min(map(len, source._stored(range(7)))) > 99
    message = r"has [0-9,]+ bytes, more than the 99 that `limits/bytes` allows; if it should be"
    with pytest.raises(FringeError, match=message):
        open_source(dataset, limits=Limits(bytes=99)).read([0])
    with pytest.raises(FringeError, match=message):
        [*open_source(dataset, limits=Limits(bytes=99))._checked(range(7))]


def test_worker_processes_apply_the_limits(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = write_zip(tmp_path / "data.zip", files)
    small = Limits(pixels=ROWS * COLUMNS - 1)
    source = open_source(path, ROWS)
    assert len([*decoded(source, [(0, 2), (2, 4)], workers=1)]) == 2
    with pytest.raises(FringeError, match="`limits/pixels`"):
        next(decoded(open_source(path, ROWS, limits=small), [(0, 2)], workers=1))


def test_limits_in_a_specification(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = write_zip(tmp_path / "data.zip", files)
    about = {"kind": "files", "path": str(path), "limits": {"pixels": 100}}
    with pytest.raises(FringeError, match="more than the 100 that"):
        source_from_spec(about).read([0])


def test_examples() -> None:
    found = doctest.testmod(limits)
    assert found.attempted > 0
    assert found.failed == 0
