"""Which images of a set are used, and in which order; what of that fingerprints tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fringe.sources import open_source
from fringe.sources.base import FileSource

from .conftest import write_folder, write_h5, write_lmdb, write_parquet, write_tar, write_zip

# What is no image, so that no encoder of images enters the digests below.
DATA = {
    f"{kind}/{number}.png": bytes([kind, number]) * 5 for kind in range(2) for number in range(4)
}
PIXELS = (np.arange(8 * 4 * 4 * 3) % 251).astype(np.uint8).reshape(8, 4, 4, 3)


def write_each(form: str, folder: Path) -> Path:
    """The eight entries of DATA, or PIXELS, in a form."""
    path = folder / f"data.{form}"
    if form == "npz":
        np.savez(path, PIXELS)
        return path
    if form == "hdf5":
        return write_h5(path, PIXELS)
    if form == "parquet":
        return write_parquet(path, [*DATA.values()])
    if form == "lmdb":
        return write_lmdb(folder / "data", {name.encode(): data for name, data in DATA.items()})
    if form == "folder":
        return write_folder(folder / "data", DATA)
    return write_zip(path, DATA) if form == "zip" else write_tar(path, DATA)


# Of all images, of the first five, and of a part, as before images could be in another order than
# that of their files. If they change, everybody extracts everything again.
DIGESTS = {
    "folder": ("ee3951947b276b56", "0d30efe46e617ca0", "e6dd561d57f37c1d"),
    "hdf5": ("6ef0c4f4b6a6585e", "1f5642b472377a95", "aaa420a2acaed301"),
    "lmdb": ("feeb6280e80929c9", "bc2b356d203da3a3", "bfd030e4ce331422"),
    "npz": ("a73c18f6aca63824", "388cb918893ae64a", "acd7c401d9af598e"),
    "parquet": ("ae4e490b6240b1e3", "2c7179115dd761eb", "66a460875cff9893"),
    "tar": ("eb366e68e76404ef", "5a3e8ddc54a241c8", "fa905f01d1b92b1a"),
    "zip": ("0a133ac459208ee4", "946bf0b54a814363", "f455282100b7b1a9"),
}


@pytest.mark.parametrize("form", DIGESTS)
def test_fingerprints_in_the_order_of_files_stay(tmp_path: Path, form: str) -> None:
    path = write_each(form, tmp_path)
    every, few = open_source(path), open_source(path, count=5)
    found = (every.fingerprint, few.fingerprint, every.fingerprint_of(2, 5))
    assert tuple(one[:16] for one in found) == DIGESTS[form]


@pytest.mark.parametrize("form", DIGESTS)
def test_scattered_images_have_fingerprints_of_their_own(tmp_path: Path, form: str) -> None:
    path, cache = write_each(form, tmp_path), tmp_path / "memory"
    source = open_source(path, cache=cache)
    assert isinstance(source, FileSource)
    asked = [[6, 1, 3], [6, 3, 1], [1, 3, 6], [6, 1], [7, 1, 3], [6, 1, 3, 0]]
    found = [source.fingerprint_at(indices) for indices in asked]
    assert len(set(found)) == len(asked)
    # Whatever was remembered, and was asked before.
    for one in (open_source(path, cache=cache), open_source(path), source):
        assert isinstance(one, FileSource)
        assert [one.fingerprint_at(np.array(indices)) for indices in asked] == found
        assert one.fingerprint_of(2, 5)[:16] == DIGESTS[form][2]
    if form != "npz":  # which has one checksum, of all images
        assert source.fingerprint_at([2, 3, 4])[:16] == DIGESTS[form][2]
