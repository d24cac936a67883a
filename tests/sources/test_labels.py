"""Labels in ``dataset.json``: their images, their order, and invalid labels."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.sources import open_source
from fringe.sources.class_labels import class_counts
from fringe.sources.labels import labels_of

from .conftest import encode, write_folder, write_tar, write_zip

Write = Callable[[Path, dict[str, bytes]], Path]


@pytest.fixture(params=["zip", "folder"])
def write(request: pytest.FixtureRequest) -> Write:
    if request.param == "folder":
        return write_folder
    return lambda path, files: write_zip(path.with_suffix(".zip"), files)


@pytest.fixture
def images(pixels: np.ndarray) -> dict[str, bytes]:
    return {f"0000{i % 2}/img{i}.png": encode(image) for i, image in enumerate(pixels)}


def with_labels(images: dict[str, bytes], labels: object) -> dict[str, bytes]:
    return {**images, "dataset.json": json.dumps({"labels": labels}).encode()}


def test_labels_belong_to_the_used_images(
    tmp_path: Path, write: Write, images: dict[str, bytes], pixels: np.ndarray
):
    pairs = [[name, int(name[9])] for name in images]  # the label of image i is i
    path = write(tmp_path / "set", with_labels(images, pairs[::-1]))
    for options in (
        {},
        {"count": 4},
        {"count": 3, "order": "file"},
        {"select": "00001/*"},
        {"crop": "wide 24x20", "count": 5},
        {"crop": "wide 24x20"},
    ):
        source = open_source(path, **options)
        labels = labels_of(source)
        assert labels is not None
        assert len(labels) == len(source)
        if "crop" not in options:
            assert np.array_equal(source.read(range(len(source))), pixels[labels])
        assert sorted(labels) == np.flatnonzero(class_counts(source).counts).tolist()


def test_labels_may_be_any_json_value(tmp_path: Path, write: Write, images: dict[str, bytes]):
    labels = [[name, [0.5, index]] for index, name in enumerate(images)]
    source = open_source(write(tmp_path / "set", with_labels(images, labels)))
    assert labels_of(source) == [label for _, label in sorted(labels)]
    with pytest.raises(FringeError, match=r"dataset\.json: its labels are not classes"):
        class_counts(source)


@pytest.mark.parametrize("label", [-1, 1.5, "cat", None, 1 << 40, 1 << 80])
def test_labels_that_are_not_classes_are_refused(
    tmp_path: Path, write: Write, images: dict[str, bytes], label: object
):
    path = write(tmp_path / "set", with_labels(images, [[name, label] for name in images]))
    with pytest.raises(FringeError, match=r"set.*dataset\.json: its labels are not classes"):
        class_counts(open_source(path))


def test_sets_without_labels(tmp_path: Path, write: Write, images: dict[str, bytes]):
    images = {name.replace("/", ""): data for name, data in images.items()}  # nor folders
    contents = (b"{}", b'{"labels": null}', b'{"labels": []}')
    for number, content in enumerate(contents):
        path = write(tmp_path / str(number), {**images, "dataset.json": content})
        assert labels_of(open_source(path)) is None
    for path in (write(tmp_path / "a", images), write_tar(tmp_path / "a.tar", images)):
        assert labels_of(open_source(path)) is None
        with pytest.raises(
            FringeError, match=r"a.*has no labels, whose frequencies `label: dataset`"
        ):
            class_counts(open_source(path))


@pytest.mark.parametrize(
    "content",
    [b"[]", b"{", b"\xff", b'{"labels": 3}', b'{"labels": [1]}', b'{"labels": {"a": 1}}',
     b'{"labels": ' + b"[" * 100_000],
)  # fmt: skip
def test_files_of_another_structure_are_refused(
    tmp_path: Path, write: Write, images: dict[str, bytes], content: bytes
):
    path = write(tmp_path / "set", {**images, "dataset.json": content})
    with pytest.raises(FringeError, match=r"dataset\.json: is not an object whose `labels` are"):
        labels_of(open_source(path))


def test_an_image_without_a_label_is_refused(
    tmp_path: Path, write: Write, images: dict[str, bytes]
):
    labels = [[name, 1] for name in images if "img4" not in name]
    path = write(tmp_path / "set", with_labels(images, labels))
    with pytest.raises(FringeError, match=r"dataset\.json: has no label for 00000/img4\.png; add"):
        labels_of(open_source(path))
    assert labels_of(open_source(path, ignore="*img4*")) == [1] * 6


def test_names_with_backslashes(tmp_path: Path, images: dict[str, bytes]):
    windows = {name.replace("/", "\\"): data for name, data in images.items()}
    labels = [[name, index] for index, name in enumerate(images)]
    source = open_source(write_zip(tmp_path / "a.zip", with_labels(windows, labels)))
    assert labels_of(source) == [0, 2, 4, 6, 1, 3, 5]


def test_damaged_labels_are_refused(tmp_path: Path, images: dict[str, bytes]):
    path = write_zip(tmp_path / "a.zip", with_labels(images, [[name, 3] for name in images]))
    content = bytearray(path.read_bytes())
    content[content.index(b'"labels"') + 1] ^= 1
    path.write_bytes(content)
    with pytest.raises(FringeError, match=r"a\.zip!dataset\.json: is damaged"):
        labels_of(open_source(path))
