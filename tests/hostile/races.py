"""Data sets with two contents, A and B, and ways to replace one content by the other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tests.sources.conftest import (
    encode,
    write_folder,
    write_h5,
    write_lmdb,
    write_parquet,
    write_shards,
    write_tar,
    write_zip,
)

COUNT, SIDE = 24, 8

Write = Callable[[Path, np.ndarray, dict[str, bytes]], object]

KINDS: dict[str, tuple[str, Write]] = {
    "zip": (".zip", lambda path, pixels, files: write_zip(path, files)),
    "folder": ("", lambda path, pixels, files: write_folder(path, files)),
    "lmdb": (
        "_lmdb",
        lambda path, pixels, files: write_lmdb(path, {k.encode(): v for k, v in files.items()}),
    ),
    "hdf5": (".h5", lambda path, pixels, files: write_h5(path, pixels)),
    "hdf5-chunked": (
        ".h5",
        lambda path, pixels, files: write_h5(
            path, pixels, chunks=(4, SIDE, SIDE, 3), compression="gzip"
        ),
    ),
    "npz": (".npz", lambda path, pixels, files: np.savez(path, pixels)),
    "npz-compressed": (".npz", lambda path, pixels, files: np.savez_compressed(path, pixels)),
    "tar": (".tar", lambda path, pixels, files: write_tar(path, files)),
    "tar-shards": ("", lambda path, pixels, files: write_shards(path, "tar", files)),
    "parquet": (".parquet", lambda path, pixels, files: write_parquet(path, [*files.values()])),
}


class Data(NamedTuple):
    """A data set at ``place``, and its possible contents.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    place : Path
    pixels : dict of str to uint8 array (COUNT, SIDE, SIDE, 3)
        The images of the contents A and B.
    contents : dict of str to Path
        The path at which each content is stored.
    """

    kind: str
    place: Path
    pixels: dict[str, np.ndarray]
    contents: dict[str, Path]

    def put(self, content: str, way: str) -> None:
        """Put a content in its place by a rename, as most tools do, or in place, as `cp` does."""
        for source in sorted(path for path in _files(self.contents[content])):
            target = self.place / source.relative_to(self.contents[content])
            target.parent.mkdir(parents=True, exist_ok=True)
            if way == "rename":
                new = target.with_name(f".{target.name}.new")
                shutil.copyfile(source, new)
                new.replace(target)
            else:
                with target.open("r+b") as file:  # without a moment in which the file is empty
                    file.write(source.read_bytes())
                    file.truncate()


def _files(path: Path) -> list[Path]:
    """Return all files of a data set, or the file itself if the data set is one file."""
    return [found for found in path.rglob("*") if found.is_file()] if path.is_dir() else [path]


def build(folder: Path, kind: str, seed: int = 0) -> Data:
    """Build a data set of a kind with content A, and a content B of the same size next to it."""
    suffix, write = KINDS[kind]
    rng = np.random.default_rng(seed)
    pixels, contents = {}, {}
    for content in ("A", "B"):
        pixels[content] = rng.integers(0, 256, (COUNT, SIDE, SIDE, 3), np.uint8)
        names = [f"0000{i // 10}/{i:06d}.png" for i in range(COUNT)]
        encoded = {n: encode(one) for n, one in zip(names, pixels[content], strict=True)}
        contents[content] = folder / content / f"data{suffix}"
        contents[content].parent.mkdir(parents=True)
        write(contents[content], pixels[content], encoded)
        if kind == "lmdb":
            (contents[content] / "lock.mdb").unlink()
    place = folder / f"data{suffix}"
    if contents["A"].is_dir():
        shutil.copytree(contents["A"], place)
    else:
        shutil.copyfile(contents["A"], place)
    return Data(kind, place, pixels, contents)
