"""Damaged JPEGs, from the bytes of a data set to the notes of a table."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection
from pathlib import Path

from PIL import Image

from fringe.sources import PhotoSource

from .conftest import Project

DAMAGED = {3, 44, 45}
WARNING = "Corrupt JPEG data: premature end of data segment"


def write_jpegs(path: Path, damaged: Collection[int]) -> None:
    """Write 60 photographs to a ZIP; the data of some end early."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, pixels in enumerate(PhotoSource(60, 32, 0).read(range(60))):
            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, "JPEG", quality=95)
            data = stream.getvalue()
            if number in damaged:
                data = data[: -len(data) // 4].rstrip(b"\xff") + b"\xff\xd9"
            archive.writestr(zipfile.ZipInfo(f"img{number:08d}.jpg"), data)


def test_damaged_images_are_named_until_they_are_replaced(fresh: Project) -> None:
    write_jpegs(fresh.folder / "real.zip", DAMAGED)
    fresh.config["sources"]["real"]["order"] = "file"
    fresh.config["sources"]["fake"]["count"] = 80
    page = "tables/table1.md"  # the verdict has the same sentence, but takes longer
    fresh.run(page)
    text = (fresh.results / page).read_text()
    assert "Source real: 3 images of 60 had damaged data that could still be decoded" in text
    assert f"(real.zip!img00000003.jpg: {WARNING}; real.zip!img00000044.jpg: {WARNING}" in text
    log = "logs/extract_features/real/tiny_network.classifier/0000040-0000060.log"
    assert "warning: real.zip: 2 images of 20 had damaged data" in (fresh.results / log).read_text()

    fresh.config["sources"]["real"]["strict"] = True
    printed = fresh.run(page, fails=True, options="--dry-run")
    assert (
        "sources/real/strict: of its images that already have features, 3 images of 60" in printed
    )

    # When they are replaced, their shards are made again, and the table no longer names them.
    write_jpegs(fresh.folder / "real.zip", {})
    ran = fresh.executed(page)
    assert {page, "features/real/tiny_network.classifier/0000000-0000040.h5"} <= ran
    assert "damaged data" not in (fresh.results / page).read_text()

    write_jpegs(fresh.folder / "real.zip", {44})
    printed = fresh.run("features/real/tiny_network.classifier.h5", fails=True)
    assert "real.zip!img00000044.jpg: has damaged data" in printed
    assert WARNING in printed
