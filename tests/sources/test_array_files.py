"""Arrays of images in NPZ and HDF5 files: choice of the array, and damage found by checksums."""

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.sources import npz as npz_module
from fringe.sources import open_source

Writer = Callable[..., Path]


@pytest.fixture(params=["npz", "npz-compressed", "h5"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Writer:
    """Return a function that writes named arrays to a file."""

    def npz(**arrays: np.ndarray) -> Path:
        save = np.savez_compressed if request.param == "npz-compressed" else np.savez
        save(tmp_path / "a.npz", **arrays)
        return tmp_path / "a.npz"

    def h5(**arrays: np.ndarray) -> Path:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            for name, array in arrays.items():
                file[name] = array
        return tmp_path / "a.h5"

    return h5 if request.param == "h5" else npz


# Choice of the array --------------------------------------------------------------------------


def test_the_only_possible_array_is_used(write: Writer, pixels: np.ndarray):
    path = write(labels=np.arange(7), pictures=pixels, mu=np.zeros(3), sigma=np.eye(3))
    assert np.array_equal(open_source(path).read([3, 0]), pixels[[3, 0]])


def test_the_usual_name_has_priority(write: Writer, pixels: np.ndarray):
    usual = "images" if write.__name__ == "h5" else "arr_0"
    path = write(**{"latents": np.zeros((7, 4, 8, 8)), usual: pixels, "z": pixels[::-1].copy()})
    assert np.array_equal(open_source(path).read(range(7)), pixels)


def test_several_possible_arrays_are_refused(write: Writer, pixels: np.ndarray):
    several = r"a\.(npz|h5): holds several arrays that may be images \(`input` of .*, `target` of "
    with pytest.raises(FringeError, match=several):
        open_source(write(input=pixels, target=pixels))
    with pytest.raises(FringeError, match="holds several arrays"):  # a mask is not used instead
        open_source(write(input=pixels.astype(np.float32), mask=pixels))
    with pytest.raises(FringeError, match="holds several arrays"):
        open_source(write(arr_0=pixels, arr_1=pixels))
    with pytest.raises(FringeError, match="holds no array of images, but `labels` of int64 and sh"):
        open_source(write(labels=np.arange(3)))


def test_labels_may_precede_images(write: Writer, pixels: np.ndarray):
    path = write(arr_0=np.arange(7), arr_1=pixels)
    assert np.array_equal(open_source(path).read([5]), pixels[[5]])


def test_groups_of_hdf5(tmp_path: Path, pixels: np.ndarray):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["train/images"] = pixels
    assert np.array_equal(open_source(tmp_path / "a.h5").read(range(7)), pixels)
    one = open_source(tmp_path / "a.h5").fingerprint
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["test/images"] = pixels[:2]
    with pytest.raises(FringeError, match=r"`test/images` of .*`train/images` of "):
        open_source(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["images"] = pixels
    assert open_source(tmp_path / "b.h5").fingerprint == one


def test_a_dataset_for_each_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fringe.sources.hdf5.MANY", 10)
    monkeypatch.setattr("fringe.sources.npz._MOST", 10)
    images = {f"img{number}": np.zeros((4, 4, 3), np.uint8) for number in range(30)}
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, image in images.items():
            file[name] = image
    with pytest.raises(FringeError, match=r"a\.h5: holds no dataset `images`, but more than 10"):
        open_source(tmp_path / "a.h5")
    np.savez(tmp_path / "a.npz", **images)
    with pytest.raises(FringeError, match=r"a\.npz: holds several arrays"):
        open_source(tmp_path / "a.npz")


def test_other_arrays_may_be_unreadable(tmp_path: Path, pixels: np.ndarray):
    people = np.array([("a", 1)], dtype=[("n\u00e4me", "U5"), ("age", "i4")])
    np.savez(tmp_path / "a.npz", people, pixels, readme=np.array([{}], dtype=object))
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("notes.txt", "words")
        archive.writestr("broken.npy", b"no array")
    assert np.array_equal(open_source(tmp_path / "a.npz").read([2]), pixels[[2]])


# Content of arrays -----------------------------------------------------------------------------


def test_gray_becomes_rgb(write: Writer, pixels: np.ndarray):
    path = write(arr_0=pixels[..., :1])
    expected = np.repeat(pixels[..., :1], 3, axis=3)
    assert np.array_equal(open_source(path).read(range(7)), expected)
    small = open_source(path, resolution=8).read([1])
    assert (small == small[..., :1]).all()
    assert np.ptp(small) > 0


@pytest.mark.parametrize(
    ("array", "remedy"),
    [
        (np.zeros((5, 3, 8, 8), np.uint8), r"channels come first.*transpose\(0, 2, 3, 1\)"),
        (np.zeros((5, 1, 8, 8), np.uint8), r"channels come first"),
        (np.zeros((5, 8, 8), np.uint8), r"no axis of channels.*gray.*\[\.\.\., None\]"),
        (np.zeros((8, 8, 3), np.uint8), r"one image, images\[None\]"),
        (np.zeros((5, 8, 8, 4), np.uint8), r"fourth channel.*\[\.\.\., :3\]"),
        (np.zeros((5, 8, 8, 3), np.float32), r"uint8 RGB.*: scale .*round\(images \* 255\)"),
        (np.zeros((5, 3, 8, 8), np.float32), r"transpose.*scale the pixels to 0 \.\.\. 255"),
        (np.zeros((5, 8, 8, 3), np.uint16), r"scale the pixels to 0 \.\.\. 255 and convert"),
        (np.zeros((5, 2, 8, 8, 3), np.uint8), r"convert the array, |convert the array; then save"),
    ],
    ids=str,
)
def test_messages_for_wrong_arrays_name_a_fix(write: Writer, array: np.ndarray, remedy: str):
    with pytest.raises(FringeError, match=rf"an array of {array.dtype} and shape .*{remedy}"):
        open_source(write(arr_0=array))


def test_encoded_files_in_hdf5_are_refused(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("images", (2,), dtype=h5py.vlen_dtype(np.uint8))
        data[0] = data[1] = np.arange(9, dtype=np.uint8)
    with pytest.raises(FringeError, match=r"of object and shape .*encoded files into a ZIP"):
        open_source(tmp_path / "a.h5")


# Checksums of NPZ ---------------------------------------------------------------------------


@pytest.fixture
def flipped(tmp_path: Path) -> Path:
    """An NPZ, stored, with one flipped bit in image 5 and an unchanged directory."""
    images = np.random.default_rng(1).integers(0, 256, (7, 20, 24, 3), np.uint8)
    np.savez(tmp_path / "whole.npz", images)
    content = bytearray((tmp_path / "whole.npz").read_bytes())
    content[content.index(images[5].tobytes()) + 99] ^= 1
    (tmp_path / "flipped.npz").write_bytes(content)
    return tmp_path / "flipped.npz"


BAD = r"flipped\.npz: is damaged.*Bad CRC-32 for file 'arr_0\.npy'.*fetch"


def test_a_flipped_bit_in_a_stored_array_is_refused(flipped: Path, tmp_path: Path):
    whole = open_source(tmp_path / "whole.npz")
    assert len(whole.fingerprint) == 64
    with pytest.raises(zipfile.BadZipFile, match="Bad CRC-32"):  # NumPy finds it too
        np.load(flipped)["arr_0"]
    with pytest.raises(FringeError, match=BAD):
        open_source(flipped).read([0])
    with pytest.raises(FringeError, match=BAD):
        _ = open_source(flipped).fingerprint
    with pytest.raises(FringeError, match=BAD):
        open_source(flipped, count=3).fingerprint_of(0, 3)  # a random subset
    with pytest.raises(FringeError, match=BAD):
        open_source(flipped, resolution=8, count=2, order="file").read([1])


def test_a_wrong_pixel_in_a_compressed_array_is_refused(tmp_path: Path):
    """The stream decompresses without an error, but its checksum is that of other pixels."""
    images = np.random.default_rng(1).integers(0, 256, (7, 20, 24, 3), np.uint8)
    np.savez_compressed(tmp_path / "flipped.npz", images)
    content = bytearray((tmp_path / "flipped.npz").read_bytes())
    # Change the checksum, in the local header and in the directory.
    with zipfile.ZipFile(tmp_path / "flipped.npz") as archive:
        crc = archive.getinfo("arr_0.npy").CRC.to_bytes(4, "little")
    while (place := content.find(crc)) >= 0:
        content[place] ^= 1
    (tmp_path / "flipped.npz").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "flipped.npz").open("arr_0.npy") as stream:
        stream.read(5000)  # the first images: zipfile itself raises no error
    with pytest.raises(FringeError, match=BAD):
        open_source(tmp_path / "flipped.npz").read([0])


def test_an_array_is_checked_once(flipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    checked = []
    look = npz_module._read_to_the_end
    monkeypatch.setattr(
        npz_module,
        "_read_to_the_end",
        lambda path, **about: checked.append(path.name) or look(path, **about),
    )
    path, cache = tmp_path / "whole.npz", tmp_path / "cache"
    first = open_source(path, cache=cache)
    _ = first.fingerprint
    first.read([0])
    pickle.loads(pickle.dumps(first)).read([1])
    open_source(path, cache=cache).read([1])
    assert checked == ["whole.npz"], "later starts and other jobs use the cache"
    pickle.loads(pickle.dumps(first)).read([1])
    without = open_source(path)
    without.read([0])
    pickle.loads(pickle.dumps(without)).read([1])
    assert checked == ["whole.npz"] * 2, "without a cache, once for each source"
    for _ in range(2):
        with pytest.raises(FringeError, match=BAD):
            open_source(flipped, cache=cache).read([0])
    assert checked[2:] == ["flipped.npz"] * 2, "damage is not cached"
    times = path.stat()
    flipped.replace(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(FringeError, match=r"whole\.npz: is damaged"):
        open_source(path, cache=cache).read([0])


# Chunks of HDF5 that were never written -----------------------------------------------------------


@pytest.mark.parametrize(
    "chunks", [(1, 8, 8, 3), (1, 4, 8, 3), (2, 8, 8, 1), (1, 3, 5, 2)], ids=str
)
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_unwritten_images_are_refused(
    tmp_path: Path, chunks: tuple[int, ...], compression: str | None
):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset(
            "images", pixels.shape, np.uint8, chunks=chunks, compression=compression
        )
        data[:2], data[4:] = pixels[:2], pixels[4:]
    path = tmp_path / "a.h5"
    message = (
        r"a\.h5: image 2 was probably never written, .* reads a blank image for it; 2 of 6 are "
        r"missing, from image 2 on: .*`count: 2`"
    )
    with pytest.raises(FringeError, match=message):
        _ = open_source(path).fingerprint
    with pytest.raises(FringeError, match=message):
        open_source(path).read([5, 2])
    with pytest.raises(FringeError, match=r"image 3 was probably never written"):
        open_source(path).read([3])
    assert np.array_equal(open_source(path).read([5, 0, 4]), pixels[[5, 0, 4]])
    first = open_source(path, count=2, order="file")
    assert len(first.fingerprint) == 64
    assert np.array_equal(first.read(range(2)), pixels[:2])
    with h5py.File(path, "a") as file:
        file["images"][2:4] = pixels[2:4]
    assert np.array_equal(open_source(path).read(range(6)), pixels)


@pytest.mark.parametrize("written", [0, 1, 2, 7, 31, 32, 33, 63, 64, 100, 127, 128, 149, 150])
@pytest.mark.parametrize("chunks", [None, (150, 8, 8, 3), (64, 8, 8, 3)], ids=str)
def test_blank_images_at_the_end_are_refused(
    tmp_path: Path, chunks: tuple[int, ...] | None, written: int
):
    """The file does not show them as unwritten: blank images at the end, also without chunks."""
    images = np.random.default_rng(0).integers(0, 256, (150, 8, 8, 3), np.uint8)
    images[[1, 60, 90]] = 0  # these are really black
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("images", images.shape, np.uint8, chunks=chunks)
        data[:written] = images[:written]
    source = open_source(tmp_path / "a.h5")
    whole = written - 1 if written == 2 else written
    assert np.array_equal(source.read(range(whole)), images[:whole])
    for index in {whole, (whole + 150) // 2, 149} - {150}:
        if written < 150:
            with pytest.raises(
                FringeError, match=rf"image {index} was probably never.*from image {whole} on"
            ):
                source.read([index])


def test_written_black_images_are_read(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", data=np.zeros((3, 8, 8, 3), np.uint8), chunks=(1, 8, 8, 3))
    assert open_source(tmp_path / "a.h5").read(range(3)).max() == 0
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["images"] = np.zeros((3, 8, 8, 3), np.uint8)
    with pytest.raises(FringeError, match="meant to be blank, store each image in its own chunk"):
        open_source(tmp_path / "b.h5").read([1])


def test_a_half_written_image_is_refused(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("images", (3, 8, 8, 3), np.uint8, chunks=(1, 4, 8, 3))
        data[:2], data[2, :4] = 1, 1
    with pytest.raises(FringeError, match="image 2 was probably never written"):
        open_source(tmp_path / "a.h5").read([2])
    assert open_source(tmp_path / "a.h5").read([1]).min() == 1


@pytest.mark.parametrize("chunks", [None, (2, 8, 8, 3)])
def test_a_file_without_written_images_is_refused(tmp_path: Path, chunks: tuple[int, ...] | None):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", (3, 8, 8, 3), np.uint8, chunks=chunks)
    with pytest.raises(
        FringeError, match=r"image 0 was probably never written.*3 of 3 are missing"
    ):
        _ = open_source(tmp_path / "a.h5").fingerprint


def test_a_cached_hash_does_not_hide_unwritten_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", (3, 8, 8, 3), np.uint8, chunks=(1, 8, 8, 3))[:2] = 1
    with monkeypatch.context() as patch:
        patch.setattr("fringe.sources.hdf5._unwritten", lambda *_: None)
        _ = open_source(tmp_path / "a.h5", cache=tmp_path / "cache").fingerprint
    with pytest.raises(FringeError, match="image 2 was probably never written"):
        _ = open_source(tmp_path / "a.h5", cache=tmp_path / "cache").fingerprint
