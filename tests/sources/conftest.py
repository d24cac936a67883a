"""Small data sets of known pixels, in every format."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import h5py
import lmdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fringe.sources.photos import photo_hashes


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


def write_tar(path: Path, files: Mapping[str, bytes], **options: object) -> Path:
    with tarfile.open(path, "w", **options) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def write_parquet(path: Path, images: list[bytes], column: str = "image", group: int = 3) -> Path:
    """Write images like ``datasets``: structs of bytes and path, with features as metadata."""
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    values = [{"bytes": data, "path": f"{i}.png"} for i, data in enumerate(images)]
    table = pa.table({column: pa.array(values, kind), "label": range(len(images))})
    pq.write_table(table, path, row_group_size=group, write_page_checksum=True)
    return path


def write_lmdb(path: Path, values: Mapping[bytes, bytes]) -> Path:
    with lmdb.open(str(path), map_size=1 << 24) as environment, environment.begin(write=True) as t:
        for key, value in values.items():
            t.put(key, value)
    return path


def write_shards(path: Path, form: str, files: Mapping[str, bytes]) -> Path:
    """Write three shards: with four images, without images, and with the other images."""
    path.mkdir(exist_ok=True)
    names = [*files]
    for number, part in enumerate((names[:4], [], names[4:])):
        shard = path / f"shard-{number:06d}.{form}"
        if form == "tar":
            write_tar(shard, {name: files[name] for name in part})
        else:
            write_parquet(shard, [files[name] for name in part if name.startswith("0000")])
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
    """The images as PNGs, named like those of StyleGAN's dataset tool, and ignored files."""
    images = {f"0000{i % 2}/img{i:08d}.png": encode(image) for i, image in enumerate(pixels)}
    noise = {"dataset.json": b"{}", ".hidden/a.png": b"", "__MACOSX/._a.png": b"", "b/.c.png": b""}
    return dict(reversed(images.items())) | noise


@pytest.fixture
def in_order(pixels: np.ndarray) -> np.ndarray:
    """The images in the order of the sorted names in ``files``."""
    return pixels[[0, 2, 4, 6, 1, 3, 5]]


FORMS = [
    "zip",
    "folder",
    "npz",
    "npz-compressed",
    "hdf5",
    "hdf5-chunked",
    "lmdb",
    "tar",
    "tar-shards",
    "parquet",
    "parquet-shards",
]


@pytest.fixture(params=FORMS)
def dataset(
    request: pytest.FixtureRequest, tmp_path: Path, files: dict[str, bytes], in_order: np.ndarray
) -> Path:
    """The images ``in_order``, in each format that can be read."""
    images = {name: files[name] for name in sorted(files) if name.startswith("0000")}
    in_key_order = {name.encode(): data for name, data in images.items()}
    ordered = images | {name: files[name] for name in files if name not in images}
    write: dict[str, Callable[[Path], object]] = {
        "zip": lambda path: write_zip(path.with_suffix(".zip"), files),
        "folder": lambda path: write_folder(path, files),
        "npz": lambda path: np.savez(path.with_suffix(".npz"), in_order),
        "npz-compressed": lambda path: np.savez_compressed(path.with_suffix(".npz"), in_order),
        "hdf5": lambda path: write_h5(path.with_suffix(".h5"), in_order),
        "hdf5-chunked": lambda path: write_h5(
            path.with_suffix(".hdf5"), in_order, chunks=(3, 20, 24, 3), compression="gzip"
        ),
        "lmdb": lambda path: write_lmdb(path, in_key_order),
        "tar": lambda path: write_tar(path.with_suffix(".tar"), ordered),
        "tar-shards": lambda path: write_shards(path, "tar", ordered),
        "parquet": lambda path: write_parquet(path.with_suffix(".parquet"), [*images.values()]),
        "parquet-shards": lambda path: write_shards(path, "parquet", ordered),
    }
    write[request.param](tmp_path / "data")
    (path,) = tmp_path.glob("data*")
    return path


def write_h5(path: Path, images: np.ndarray, name: str = "images", **options: object) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset(name, data=images, **options)
    return path


def entries_of(cache: Path) -> dict[str, str]:
    """Return all entries of a memory, by group and key."""
    found = {}
    for path in cache.glob("*/*.json"):
        content = json.loads(path.read_text())
        found |= {f"{content['group']}: {key}": v for key, v in content["entries"].items()}
    return found


def spoil(cache: Path) -> None:
    """Damage all files of a memory."""
    for path in cache.glob("*/*.json"):
        path.write_text("{ damaged")


@pytest.fixture
def changed_photographs() -> Iterator[None]:
    """Let a test change the photographs, whose digests are cached in the process."""
    photo_hashes.cache_clear()
    yield
    photo_hashes.cache_clear()
