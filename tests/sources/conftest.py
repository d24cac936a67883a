"""Small data sets of known pixels, in every form."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image


def encode(pixels: np.ndarray | Image.Image, form: str = "PNG", **options: object) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def write_zip(
    path: Path, files: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


@pytest.fixture
def pixels() -> np.ndarray:
    """Seven random images of 20 x 24 (height x width)."""
    return np.random.default_rng(0).integers(0, 256, (7, 20, 24, 3), np.uint8)


@pytest.fixture
def files(pixels: np.ndarray) -> dict[str, bytes]:
    """The images as PNGs, named as StyleGAN's dataset tool does, among files to be ignored."""
    images = {f"0000{i % 2}/img{i:08d}.png": encode(image) for i, image in enumerate(pixels)}
    noise = {"dataset.json": b"{}", ".hidden/a.png": b"", "__MACOSX/._a.png": b"", "b/.c.png": b""}
    return dict(reversed(images.items())) | noise


@pytest.fixture
def in_order(pixels: np.ndarray) -> np.ndarray:
    """The images as the sorted names of ``files`` have them."""
    return pixels[[0, 2, 4, 6, 1, 3, 5]]


@pytest.fixture(params=["zip", "folder", "npz", "npz-compressed", "hdf5", "hdf5-chunked"])
def dataset(
    request: pytest.FixtureRequest, tmp_path: Path, files: dict[str, bytes], in_order: np.ndarray
) -> Path:
    """The images ``in_order``, in each form that can be read."""
    write: dict[str, Callable[[Path], object]] = {
        "zip": lambda path: write_zip(path.with_suffix(".zip"), files),
        "folder": lambda path: write_folder(path, files),
        "npz": lambda path: np.savez(path.with_suffix(".npz"), in_order),
        "npz-compressed": lambda path: np.savez_compressed(path.with_suffix(".npz"), in_order),
        "hdf5": lambda path: write_h5(path.with_suffix(".h5"), in_order),
        "hdf5-chunked": lambda path: write_h5(
            path.with_suffix(".hdf5"), in_order, chunks=(3, 20, 24, 3), compression="gzip"
        ),
    }
    write[request.param](tmp_path / "data")
    (path,) = tmp_path.glob("data*")
    return path


def write_h5(path: Path, images: np.ndarray, name: str = "images", **options: object) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset(name, data=images, **options)
    return path
