"""Crop and resize raw images once, into a ZIP file like those of StyleGAN's dataset tool."""

import io
import json
import zipfile
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.progress import progress
from fringe.sources import ImageSource, open_source
from fringe.sources.ahead import Ahead, along
from fringe.sources.class_labels import kept_labels
from fringe.sources.decoder_warnings import collected_warnings, log_summary
from fringe.sources.labels import LABELS_FILE, NAMES_KEY
from fringe.sources.limits import LIMITS, Limits
from fringe.sources.prefetch import read_ahead

__all__ = ["prepare"]

BLOCK = 16  # images per task of a thread
_DATE = (1980, 1, 1, 0, 0, 0)  # ZIP's earliest date: a fixed date makes files of equal images equal


def prepare(
    path: str | Path,
    out: str | Path,
    resolution: int | None = None,
    *,
    crop: str = "center",
    filter: str = "lanczos",
    count: int | None = None,
    workers: int = 1,
    cache: Path | None = None,
    follow_links: bool = False,
    order: str = "random",
    seed: int = 0,
    strict: bool = False,
    select: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    label_column: str | None = None,
    labels: bool = True,
    limits: Limits = LIMITS,
) -> int:
    """Crop and resize the images of a data set into a ZIP; return its number of images.

    The images are those of `open_source` with the same options, in the same order, bit for bit.
    Opened without a resolution, the ZIP is the same data set, but faster to read. The images are
    lossless PNGs named ``00000/img00000000.png`` and so on, stored without further compression.
    ``dataset.json`` contains the class labels that the data set states for them, in any format
    (`fringe.sources.class_labels.kept_labels`), or null. If classes have names, ``class_names``
    in that file contains them; other tools ignore this key. With one version of Pillow and zlib,
    the same images give the same file, byte for byte, for any number of ``workers``. Memory does
    not grow with the number of images, except for their names and labels.

    Parameters
    ----------
    path, resolution, crop, filter, count, cache, follow_links, order, seed, strict, select, \
ignore, label_column, limits
        See `fringe.sources.open_source`; without a resolution, only ``crop`` may change sizes.
    out : path-like
        The new file, which must end in ``.zip``. It replaces an earlier file once it is complete.
    labels : bool
        Whether labels are written.
    workers : int
        Threads that decode, resize and compress.

    Raises
    ------
    FringeError
        As `open_source`, reading and `kept_labels` do, and if the ZIP cannot be written.
    """
    if Path(out).suffix.lower() != ".zip":
        raise FringeError(f"{out}: must end in .zip; rename it")
    if workers < 1:
        raise FringeError(f"prepare: workers is {workers}; it must be at least 1")
    source = open_source(
        path,
        resolution,
        count=count,
        cache=cache,
        crop=crop,
        filter=filter,
        follow_links=follow_links,
        order=order,
        seed=seed,
        strict=strict,
        select=select,
        ignore=ignore,
        label_column=label_column,
        limits=limits,
    )
    n = len(source)
    kept, names = kept_labels(source) if labels else (None, None)
    bounds = [(first, min(first + BLOCK, n)) for first in range(0, n, BLOCK)]
    reading = read_ahead(partial(_encoded, along(source, bounds)), bounds, workers)
    with (
        atomic_path(out) as partial_path,
        closing(reading),
        collected_warnings() as warned,
        zipfile.ZipFile(partial_path, "w", zipfile.ZIP_STORED) as archive,
    ):
        blocks = progress(
            zip(bounds, reading, strict=True), f"{out}", total=n, unit="images", step=BLOCK
        )
        for (first, _), images in blocks:
            for index, data in enumerate(images, first):
                archive.writestr(_entry(_member(index)), data)
        pairs = None if kept is None else [[_member(i), one] for i, one in enumerate(kept)]
        stated = {} if names is None else {NAMES_KEY: list(names)}
        archive.writestr(_entry(LABELS_FILE), json.dumps({"labels": pairs, **stated}))
    log_summary(source.name, warned, n)
    return n


def _encoded(source: ImageSource | Ahead, indices: np.ndarray) -> list[bytes]:
    """Return images as the bytes of PNG files."""
    files = []
    for image in source.read(indices):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        files.append(file.getvalue())
    return files


def _member(index: int) -> str:
    """Return the name of an image."""
    name = f"{index:08d}"
    return f"{name[:5]}/img{name}.png"


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.create_system = 3  # Unix, on any system
    entry.external_attr = 0o644 << 16
    return entry
