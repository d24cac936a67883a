"""Sources of files: the same images in every format, and every kind of damage."""

import multiprocessing
import os
import pickle
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import Pool
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from fringe.errors import FringeError
from fringe.sources import FolderSource, ImageSource, ZipSource, open_source, source_from_spec

from .conftest import encode, write_folder, write_h5, write_zip


def test_every_format_has_the_same_images(dataset: Path, in_order: np.ndarray):
    source = open_source(dataset)
    assert isinstance(source, ImageSource)
    assert (len(source), source.resolution, source.simulated) == (7, (20, 24), False)
    assert source.name == str(dataset)
    read = source.read(range(7))
    assert read.dtype == np.uint8
    assert np.array_equal(read, in_order)
    scattered = np.array([5, 0, 5, 2])
    assert np.array_equal(source.read(scattered), in_order[scattered])
    assert source.read([]).shape == (0, 20, 24, 3)


def test_count_selects_the_first_images(dataset: Path, in_order: np.ndarray):
    source = open_source(dataset, count=3, order="file")
    assert len(source) == 3
    assert np.array_equal(source.read(range(3)), in_order[:3])
    with pytest.raises(FringeError, match="image 3 was asked for, but the 3 images"):
        source.read([3])
    with pytest.raises(FringeError, match="image -1"):
        source.read([-1])


def test_a_count_above_the_number_of_images_is_refused(dataset: Path):
    with pytest.raises(FringeError, match=r"data.*holds 7 images, fewer than the 8 asked for"):
        open_source(dataset, count=8)
    with pytest.raises(FringeError, match="at least one"):
        open_source(dataset, count=0)


def test_resolution_is_a_centred_square_resized_with_lanczos(dataset: Path, in_order: np.ndarray):
    source = open_source(dataset, resolution=8)
    assert source.resolution == (8, 8)
    square = in_order[:, :, 2:22]
    expected = [
        np.asarray(Image.fromarray(image).resize((8, 8), Image.Resampling.LANCZOS))
        for image in square
    ]
    assert np.array_equal(source.read(range(7)), expected)
    assert np.array_equal(open_source(dataset, resolution=20).read(range(7)), square)
    with pytest.raises(FringeError, match="resolution is 0"):
        open_source(dataset, resolution=0)


def assert_read(pool: Pool, source: ImageSource, in_order: np.ndarray) -> None:
    results = pool.map(source.read, [[index] * 30 for index in range(7)], chunksize=1)
    for image, result in zip(in_order, results, strict=True):
        assert (result == image).all()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_processes_read_at_the_same_time(dataset: Path, in_order: np.ndarray):
    source = open_source(dataset)
    source.read([6])  # so that the parent's handle is open when the children start
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert_read(pool, source, in_order)


@pytest.fixture(scope="module")
def spawned() -> Iterator[Pool]:
    """Processes that share nothing with this one."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        yield pool


def test_spawned_processes_read_at_the_same_time(
    dataset: Path, in_order: np.ndarray, spawned: Pool
):
    source = open_source(dataset)
    source.read([6])  # an open handle is not sent
    assert_read(spawned, source, in_order)


def test_threads_read_at_the_same_time(dataset: Path, in_order: np.ndarray):
    source = open_source(dataset)
    with ThreadPoolExecutor(3) as pool:
        for index, result in zip(
            [*range(7)] * 6, pool.map(source.read, [[i] * 5 for i in range(7)] * 6), strict=True
        ):
            assert (result == in_order[index]).all()


def test_pickles_are_small_and_have_no_handles(dataset: Path, in_order: np.ndarray):
    source = open_source(dataset)
    source.read([0])
    data = pickle.dumps(source)
    assert len(data) < 2500
    assert np.array_equal(pickle.loads(data).read([4]), in_order[[4]])


@pytest.mark.parametrize("suffix", ["", ".zip", ".npz", ".h5", ".tar", ".parquet", ".mdb"])
def test_a_missing_file_is_refused(tmp_path: Path, suffix: str):
    with pytest.raises(FringeError, match=f"absent{suffix}: does not exist"):
        open_source(tmp_path / f"absent{suffix}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize(
    "dataset", ["zip", "npz", "hdf5", "folder", "lmdb", "tar", "parquet"], indirect=True
)
def test_an_unreadable_file_is_refused(dataset: Path):
    dataset.chmod(0)
    try:
        with pytest.raises(FringeError, match=r"data.*may not be read.*chmod"):
            open_source(dataset)
    finally:
        dataset.chmod(0o700)


@pytest.mark.parametrize("dataset", ["zip", "npz", "folder"], indirect=True)
def test_an_unreadable_file_is_refused_for_root(dataset: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(FringeError, match=r"data.*may not be read.*chmod"):
        open_source(dataset)


def test_an_unknown_format_is_refused(tmp_path: Path):
    (tmp_path / "images.rar").write_bytes(b"")
    with pytest.raises(FringeError, match=r"images.rar: is not a known kind.*\.zip"):
        open_source(tmp_path / "images.rar")
    np.save(tmp_path / "images.npy", np.zeros((2, 4, 4, 3), np.uint8))
    with pytest.raises(
        FringeError, match=r"images.npy: is a single array.* save it as an NPZ.*savez"
    ):
        open_source(tmp_path / "images.npy")


@pytest.mark.parametrize("suffix", ["zip", "npz", "h5", "mdb", "tar", "parquet"])
@pytest.mark.parametrize("content", [b"", b"not at all" * 100])
def test_files_of_another_format_than_their_name_are_refused(
    tmp_path: Path, suffix: str, content: bytes
):
    path = tmp_path / f"data.{suffix}"
    path.write_bytes(content)
    with pytest.raises(FringeError, match=rf"data\.{suffix}: is (damaged.*again|empty)"):
        open_source(path)


@pytest.mark.parametrize(
    "dataset", ["zip", "npz", "npz-compressed", "hdf5", "tar", "parquet"], indirect=True
)
def test_truncated_files_are_refused(dataset: Path):
    dataset.write_bytes(dataset.read_bytes()[:-40])
    with pytest.raises(FringeError, match=r"data.*is damaged.*(again|again)"):
        open_source(dataset).read(range(7))


def test_sets_without_images_are_refused(tmp_path: Path):
    path = write_zip(tmp_path / "a.zip", {"dataset.json": b"{}", "__MACOSX/a.png": b""})
    with pytest.raises(
        FringeError, match=r"a\.zip: holds no image, but 2 files \(1 \.json, 1 \.png\)"
    ):
        open_source(path)
    with pytest.raises(FringeError, match=r"holds no image"):
        open_source(write_folder(tmp_path / "b", {"readme.txt": b"", ".a.png": b""}))
    np.savez(tmp_path / "c.npz", np.zeros((0, 8, 8, 3), np.uint8))
    with pytest.raises(FringeError, match=r"c\.npz: holds no image"):
        open_source(tmp_path / "c.npz")


# Single encoded images ------------------------------------------------------------------


@pytest.mark.parametrize("packed", [True, False])
def test_the_message_for_a_damaged_image_names_it(
    tmp_path: Path, packed: bool, files: dict[str, bytes], pixels: np.ndarray
):
    victims = {
        "00000/img00000002.png": lambda data: data[:60] + b"\0\0\0\0" + data[64:],
        "00000/img00000004.png": lambda data: data[: len(data) // 2],
        "00000/img00000006.png": lambda _: encode(pixels[0], "JPEG")[:300],
        "00001/img00000001.png": lambda _: b"",
        "00001/img00000003.png": lambda _: b"GIF89a\0 but no more",
    }
    for name, spoil in victims.items():
        files[name] = spoil(files[name])
    path = tmp_path / "data"
    source = open_source(
        write_zip(path.with_suffix(".zip"), files) if packed else write_folder(path, files)
    )
    for index, name in enumerate(victims, 1):
        separator = r"\.zip!" if packed else "/"
        with pytest.raises(
            FringeError, match=rf"data{separator}{name}: is (damaged.*replace|empty)"
        ):
            source.read([0, index])
    assert np.array_equal(source.read([0, 6]), pixels[[0, 5]])


def test_damage_that_only_the_crc_shows(tmp_path: Path, pixels: np.ndarray):
    bitmap = encode(pixels[0], "BMP")
    path = write_zip(tmp_path / "data.zip", {"a.bmp": bitmap})
    content = bytearray(path.read_bytes())
    content[content.index(bitmap) + 200] ^= 1  # still a valid bitmap, with another pixel
    path.write_bytes(content)
    with pytest.raises(FringeError, match=r"data\.zip!a\.bmp: is damaged.*CRC"):
        open_source(path).read([0])


def test_the_message_for_mixed_sizes_names_both(tmp_path: Path, pixels: np.ndarray):
    path = write_zip(
        tmp_path / "data.zip", {"a.png": encode(pixels[0]), "b.png": encode(pixels[0, :, :20])}
    )
    message = r"zip!b\.png: 20 x 20 pixels, but .*zip!a\.png is 24 x 20 pixels; .*`resolution`"
    with pytest.raises(FringeError, match=message):
        open_source(path).read([0, 1])
    assert open_source(path, resolution=16).read([0, 1]).shape == (2, 16, 16, 3)


def _one(tmp_path: Path, data: bytes, suffix: str = "png") -> np.ndarray:
    return open_source(write_zip(tmp_path / "one.zip", {f"x.{suffix}": data})).read([0])[0]


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grayscale_and_palette_become_rgb_without_loss(
    tmp_path: Path, pixels: np.ndarray, mode: str
):
    image = Image.fromarray(pixels[0]).convert(mode)
    assert np.array_equal(_one(tmp_path, encode(image)), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("form", ["JPEG", "BMP", "TIFF", "WEBP", "GIF"])
def test_other_formats(tmp_path: Path, pixels: np.ndarray, form: str):
    data = encode(pixels[0], form, **({"lossless": True} if form == "WEBP" else {}))
    image = _one(tmp_path, data, form.lower())
    error = np.abs(image.astype(int) - pixels[0]).mean()
    assert error < 1e-9 if form in {"BMP", "TIFF", "WEBP"} else error < 60


def _with_alpha(pixels: np.ndarray, lowest: int, mode: str) -> Image.Image:
    image = Image.fromarray(pixels[0]).convert(mode.removesuffix("A") or mode).convert(mode)
    alpha = Image.new("L", image.size, 255)
    alpha.putpixel((3, 4), lowest)
    image.putalpha(alpha)
    return image


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_only_opaque_images_are_read(tmp_path: Path, pixels: np.ndarray, mode: str):
    opaque = _with_alpha(pixels, 255, mode)
    assert opaque.mode == mode
    assert np.array_equal(_one(tmp_path, encode(opaque)), np.asarray(opaque.convert("RGB")))
    with pytest.raises(FringeError, match=r"x\.png: is partly transparent.*254 of 255.*-flatten"):
        _one(tmp_path, encode(_with_alpha(pixels, 254, mode)))


def test_transparent_colours_are_refused(tmp_path: Path, pixels: np.ndarray):
    palette = Image.fromarray(pixels[0]).convert("P", palette=Image.Palette.ADAPTIVE)
    used = int(np.asarray(palette)[0, 0])
    with pytest.raises(FringeError, match="is partly transparent"):
        _one(tmp_path, encode(palette, transparency=used))
    key = tuple(pixels[0, 0, 0].tolist())
    with pytest.raises(FringeError, match="is partly transparent"):
        _one(tmp_path, encode(pixels[0], transparency=key))


def _png16(channels: int) -> bytes:
    """Return a 16-bit PNG of 4 x 4, made by hand: Pillow does not write 16-bit colour."""
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", 4, 4, 16, colour_type, 0, 0, 0)
    rows = (b"\0" + b"\xff\x80" * (4 * channels)) * 4
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_pngs_are_refused(tmp_path: Path, channels: int):
    with pytest.raises(FringeError, match=r"x\.png: has more than 8 bits.*-depth 8"):
        _one(tmp_path, _png16(channels))


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_deep_tiffs_are_refused(tmp_path: Path, mode: str):
    image = Image.new(mode, (4, 4))
    with pytest.raises(FringeError, match=r"x\.tif: has more than 8 bits"):
        _one(tmp_path, encode(image, "TIFF"), "tif")


@pytest.mark.parametrize(("mode", "form"), [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("LAB", "TIFF")])
def test_other_colour_modes_are_refused(tmp_path: Path, mode: str, form: str):
    with pytest.raises(FringeError, match=rf"colour mode is {mode}, not RGB; .*sRGB"):
        _one(tmp_path, encode(Image.new(mode, (8, 8)), form), form.lower())


def test_animated_images_are_refused(tmp_path: Path, pixels: np.ndarray):
    frames = [Image.fromarray(image) for image in pixels]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:3])
    with pytest.raises(FringeError, match=r"x\.gif: holds more than one frame"):
        _one(tmp_path, data, "gif")


# Names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../a.png", "b/../../a.png", "/a.png", "C:/a.png", "b\\..\\a.png"]
)
def test_zip_names_outside_the_folder_are_refused(
    tmp_path: Path, files: dict[str, bytes], name: str
):
    path = write_zip(tmp_path / "data.zip", {**files, name: b""})
    with pytest.raises(FringeError, match=r"data\.zip!.*a\.png: its name points outside"):
        open_source(path)


def test_duplicate_zip_names_are_refused(tmp_path: Path, pixels: np.ndarray):
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", encode(pixels[0]))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.png", encode(pixels[1]))
    with pytest.raises(FringeError, match=r"data\.zip!a\.png: occurs twice"):
        open_source(path)


@pytest.mark.parametrize("follow", [False, True])
def test_links_inside_a_folder(tmp_path: Path, pixels: np.ndarray, follow: bool):
    """Links to images count by their names; a folder may only occur once."""
    files = {f"{index}.png": encode(image) for index, image in enumerate(pixels)}
    inside = write_folder(tmp_path / "inside", {f".store/{name}": files[name] for name in files})
    write_folder(inside, {"b/0.png": files["0.png"]})
    (inside / "a").symlink_to(
        ".store", target_is_directory=True
    )  # the target is hidden, so it counts once
    (inside / "b/again.png").symlink_to("0.png")
    (inside / "b/third.png").symlink_to("again.png")
    (inside / "notes").symlink_to("nowhere")  # not an image
    source = open_source(inside, follow_links=follow)
    assert isinstance(source, FolderSource)
    assert source.members == [
        *(f"a/{name}" for name in files),
        "b/0.png",
        "b/again.png",
        "b/third.png",
    ]
    assert np.array_equal(source.read(range(10)), pixels[[*range(7), 0, 0, 0]])
    (tmp_path / "whole").symlink_to(inside)
    assert len(open_source(tmp_path / "whole", follow_links=follow)) == 10
    for target in ("b", ".store", ".", "../inside/b", "../inside"):
        (inside / "z").symlink_to(target)
        with pytest.raises(
            FringeError, match=r"inside.* is the same folder as .*; remove the link"
        ):
            open_source(inside, follow_links=follow)
        (inside / "z").unlink()
    for target in ("gone.png", "z.png"):
        (inside / "z.png").symlink_to(target)
        with pytest.raises(FringeError, match=r"z\.png: a broken symbolic link"):
            open_source(inside, follow_links=follow)
        (inside / "z.png").unlink()


def test_links_to_files_outside_a_folder(
    tmp_path: Path, files: dict[str, bytes], in_order: np.ndarray
):
    outside = write_folder(tmp_path / "outside", files)
    inside = tmp_path / "inside"
    inside.mkdir()
    link = inside / "z.png"
    for target in (outside / "00000/img00000000.png", outside):
        link.symlink_to(target)
        with pytest.raises(
            FringeError, match=r"z\.png: .* points outside the folder .*follow_links"
        ):
            open_source(inside)
        link.unlink()
    # Like Hugging Face's hub, with a class in another folder, and a subset made of links.
    (inside / "class").symlink_to(outside / "00000")
    (inside / "x.png").symlink_to("../outside/00001/img00000001.png")
    (inside / "y.png").symlink_to("../outside/00001/img00000001.png")
    spec = {"kind": "files", "path": str(inside), "follow_links": True}
    source = source_from_spec(spec)
    assert np.array_equal(source.read(range(6)), in_order[[0, 1, 2, 3, 4, 4]])
    copies = tmp_path / "copies"
    shutil.copytree(inside, copies)
    assert source.fingerprint == open_source(copies).fingerprint
    (outside / "00000/back").symlink_to(inside)
    with pytest.raises(FringeError, match=r"class/back: is the same folder as .*inside,"):
        open_source(inside, follow_links=True)


@pytest.mark.parametrize("dataset", ["tar", "parquet", "zip", "npz", "hdf5", "lmdb"], indirect=True)
def test_a_link_instead_of_a_file(dataset: Path, tmp_path: Path, in_order: np.ndarray):
    folder = tmp_path / "linked"
    folder.mkdir()
    if dataset.is_dir():
        dataset /= "data.mdb"
    link = folder / dataset.name
    link.symlink_to(dataset)
    assert np.array_equal(open_source(link).read(range(7)), in_order)
    if dataset.suffix in {".tar", ".parquet", ".mdb"}:
        assert np.array_equal(open_source(folder).read(range(7)), in_order)
    if dataset.suffix in {".tar", ".parquet"}:
        link.with_stem("latest").symlink_to(link.name)
        with pytest.raises(
            FringeError, match=r"latest\.\w+: is the same file as .*remove the link"
        ):
            open_source(folder)


def test_a_zip_that_changes_after_opening_is_refused(tmp_path: Path, pixels: np.ndarray):
    source = open_source(write_zip(tmp_path / "data.zip", {"a.png": encode(pixels[0])}))
    write_zip(tmp_path / "data.zip", {"b.png": encode(pixels[0])})
    with pytest.raises(FringeError, match=r"zip!a\.png: is damaged"):
        source.read([0])


# Arrays ----------------------------------------------------------------------------------------

WRONG_ARRAYS = [
    np.zeros((5, 8, 8, 3), np.float32),
    np.zeros((5, 8, 8, 3), np.uint16),
    np.zeros((5, 3, 8, 8), np.uint8),
    np.zeros((5, 8, 8), np.uint8),
    np.zeros((5, 8, 0, 3), np.uint8),
]


@pytest.mark.parametrize("array", WRONG_ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
def test_arrays_that_are_not_images_are_refused(tmp_path: Path, array: np.ndarray):
    np.savez(tmp_path / "a.npz", array)
    message = rf"an array of {array.dtype} and shape .*{array.shape[1]}, .*uint8 RGB"
    with pytest.raises(FringeError, match=rf"a\.npz: {message}"):
        open_source(tmp_path / "a.npz")
    write_h5(tmp_path / "a.h5", array)
    with pytest.raises(FringeError, match=rf"a\.h5: {message}"):
        open_source(tmp_path / "a.h5")


def test_npz_never_unpickles(tmp_path: Path):
    np.savez(tmp_path / "a.npz", np.array([Bomb()] * 3, dtype=object))
    with pytest.raises(FringeError, match=r"a\.npz: an array of object"):
        open_source(tmp_path / "a.npz")
    with pytest.raises(AssertionError, match="unpickled"):  # NumPy would run it
        np.load(tmp_path / "a.npz", allow_pickle=True)["arr_0"]


class Bomb:
    def __reduce__(self) -> tuple:
        return _explode, ()


def _explode() -> None:
    raise AssertionError("unpickled")


def test_npz_in_fortran_order_is_refused(tmp_path: Path, pixels: np.ndarray):
    np.savez(tmp_path / "a.npz", np.asfortranarray(pixels))
    with pytest.raises(FringeError, match=r"Fortran.*ascontiguousarray"):
        open_source(tmp_path / "a.npz")


def test_npz_of_statistics_is_refused(tmp_path: Path):
    np.savez(tmp_path / "a.npz", mu=np.zeros(3), sigma=np.eye(3))
    with pytest.raises(FringeError, match=r"a\.npz: holds statistics.*read_statistics"):
        open_source(tmp_path / "a.npz")


def test_npz_with_labels_and_npz_with_too_few_bytes(tmp_path: Path, pixels: np.ndarray):
    np.savez(tmp_path / "a.npz", pixels, np.arange(7))  # the format of diffusion samplers
    assert np.array_equal(open_source(tmp_path / "a.npz").read([3]), pixels[[3]])
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        data = archive.read("arr_0.npy")
    write_zip(tmp_path / "b.npz", {"arr_0.npy": data[:-5]})
    with pytest.raises(FringeError, match=r"b\.npz: its array has \d+ bytes"):
        open_source(tmp_path / "b.npz")


@pytest.mark.parametrize("kind", ["link", "virtual"])
def test_h5_with_data_in_other_files_is_refused(tmp_path: Path, pixels: np.ndarray, kind: str):
    write_h5(tmp_path / "b.h5", pixels)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        if kind == "link":
            file["images"] = h5py.ExternalLink("b.h5", "images")
        else:
            layout = h5py.VirtualLayout(pixels.shape, np.uint8)
            layout[:] = h5py.VirtualSource("b.h5", "images", pixels.shape)
            file.create_virtual_dataset("images", layout)
    with pytest.raises(FringeError, match=r"a\.h5: its `images` is in other files"):
        open_source(tmp_path / "a.h5")


def test_real_images(shared: Path):
    source = ZipSource(shared / "data/cifar10-test.zip", count=64)
    images = source.read(range(64))
    assert images.shape == (64, 32, 32, 3)
    assert 90 < images.mean() < 150
    assert source.members[0] == "00000/img00000000.jpg"
