"""A trained generator as a source of images."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from fringe.errors import FringeError
from fringe.generators import convert, load_generator
from fringe.seeds import random_stream
from fringe.sources import GeneratedSource, ImageSource, render_shard, source_from_spec
from fringe.sources.base import digest
from fringe.sources.prefetch import decoded
from fringe.sources.rendered import RenderedShard

from ..generators.checkpoints import write_fastgan_pickle, write_stylegan2_pickle
from .conftest import encode, write_zip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generators")
    write_stylegan2_pickle(folder / "plain.pkl", resolution=16)
    write_stylegan2_pickle(folder / "classes.pkl", resolution=8, c_dim=5)
    write_stylegan2_pickle(folder / "grey.pkl", resolution=8, img_channels=1)
    write_fastgan_pickle(folder / "fast.pkl")
    write_stylegan2_pickle(folder / "half.pkl", num_fp16_res=2, conv_clamp=256)
    return folder


def test_image_i_is_made_from_row_i_of_one_stream(folder: Path) -> None:
    source = GeneratedSource(folder / "plain.pkl", 120, seed=3)
    assert isinstance(source, ImageSource)
    assert (len(source), source.resolution, source.simulated) == (120, (16, 16), False)
    generator = load_generator(folder / "plain.pkl")
    latents = np.random.RandomState(3).randn(120, 16)
    expected = generator(latents).transpose(0, 2, 3, 1)
    assert np.array_equal(source.read(range(120)), expected)
    scattered = [119, 0, 60, 60]
    assert np.array_equal(source.read(scattered), expected[scattered])
    assert source.read([]).shape == (0, 16, 16, 3)


def test_truncation_noise_and_labels_reach_the_generator(folder: Path) -> None:
    generator = load_generator(folder / "classes.pkl")
    source = GeneratedSource(
        folder / "classes.pkl", 9, 1, truncation=0.5, noise="none", label="uniform"
    )
    latents = np.random.RandomState(1).randn(9, 16)
    labels = [int(random_stream(1, "label", row).integers(5)) for row in range(9)]
    assert len(set(labels)) > 1
    expected = generator(latents, 0.5, np.array(labels), "none").transpose(0, 2, 3, 1)
    assert np.array_equal(source.read(range(9)), expected)
    one = GeneratedSource(folder / "classes.pkl", 9, 1, truncation=0.5, noise="none", label=2)
    expected = generator(latents, 0.5, np.full(9, 2), "none").transpose(0, 2, 3, 1)
    assert np.array_equal(one.read(range(9)), expected)
    for made, asked in ((source, labels), (one, [2] * 9)):
        classes = made.classes()
        assert classes is not None
        assert classes.tolist() == asked
    assert GeneratedSource(folder / "plain.pkl", 9).classes() is None


def test_labels_are_drawn_with_the_frequencies_of_a_data_set(folder: Path, tmp_path: Path) -> None:
    """Each is the label of a random image of the data set."""
    counts = [30, 0, 50, 20, 0]
    source = GeneratedSource(
        folder / "classes.pkl", 2000, 1, noise="none", label="dataset", class_counts=counts
    )
    every = np.repeat(np.arange(5), counts)  # the labels of all images
    labels = np.array([every[random_stream(1, "label", row).integers(100)] for row in range(2000)])
    assert np.array_equal(source.classes(), labels)
    drawn = np.bincount(labels, minlength=5)
    for count, number in zip(counts, drawn.tolist(), strict=True):
        expected = 2000 * count / 100
        assert abs(number - expected) <= 4 * np.sqrt(expected * (1 - count / 100))
    generator = load_generator(folder / "classes.pkl")
    latents = np.random.RandomState(1).randn(9, 16)
    expected = generator(latents, 1.0, labels[:9], "none").transpose(0, 2, 3, 1)
    assert np.array_equal(source.read(range(9)), expected)
    # Fewer classes than the generator has are allowed, more are refused.
    few = GeneratedSource(folder / "classes.pkl", 9, label="dataset", class_counts=[1, 2])
    assert few.read([0]).shape == (1, 8, 8, 3)
    more = GeneratedSource(folder / "classes.pkl", 9, label="dataset", class_counts=[1] * 6)
    with pytest.raises(FringeError, match=r"has classes 0 to 4, but the labels .* go up to 5"):
        more.read([0])


def test_balanced_labels_are_balanced_for_every_count(folder: Path) -> None:
    def classes(count: int) -> list[int]:
        source = GeneratedSource(folder / "classes.pkl", count, 4, noise="none", label="balanced")
        found = source.classes()
        assert found is not None
        return found.tolist()

    assert np.bincount(classes(35), minlength=5).tolist() == [7] * 5
    assert sorted(np.bincount(classes(38), minlength=5).tolist()) == [7, 7, 8, 8, 8]
    assert classes(38)[:35] == classes(35), "more images do not change the first ones"
    source = GeneratedSource(folder / "classes.pkl", 9, 4, noise="none", label="balanced")
    generator = load_generator(folder / "classes.pkl")
    latents = np.random.RandomState(4).randn(9, 16)
    expected = generator(latents, 1.0, np.arange(9) % 5, "none").transpose(0, 2, 3, 1)
    assert np.array_equal(source.read(range(9)), expected)
    assert np.array_equal(source.read([7, 2]), expected[[7, 2]])
    drawn = GeneratedSource(folder / "classes.pkl", 9, 4, noise="none", label="uniform")
    assert drawn.fingerprint != source.fingerprint
    with pytest.raises(FringeError, match=r"plain\.pkl: is not conditional"):
        GeneratedSource(folder / "plain.pkl", 9, label="balanced").read([0])


def test_labels_of_a_data_set_may_be_folders_of_all_classes(folder: Path, tmp_path: Path) -> None:
    """Folders are numbered in the order of their names, so each class must have a folder."""

    def opened(names: str) -> ImageSource:
        for place, name in enumerate(names):
            for number in range(place + 1):
                path = tmp_path / names / name / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encode(np.zeros((2, 2, 3), np.uint8)))
        spec = {"kind": "generator", "path": str(folder / "classes.pkl"), "count": 9, "seed": 0,
                "truncation": 1.0, "noise": "const", "label": "dataset",
                "labels": {"kind": "files", "path": str(tmp_path / names)}}  # fmt: skip
        return source_from_spec(spec)

    every = opened("bacde")
    assert isinstance(every, GeneratedSource)
    assert every.class_counts == [2, 1, 3, 4, 5]
    assert every.read([0]).shape == (1, 8, 8, 3)
    with pytest.raises(FringeError, match=r"has 5 classes, but .* are in folders of 4 classes"):
        opened("abcd").read([0])


def test_a_label_is_a_class_or_a_rule(folder: Path) -> None:
    for options, message in (
        ({"label": "unifrom"}, r"classes\.pkl: label is 'unifrom'; it must be a class, or one of"),
        ({"label": "dataset"}, "only the label .dataset. uses labels of real images"),
        ({"label": 1, "class_counts": [1]}, "only the label .dataset. uses labels of real images"),
    ):
        with pytest.raises(FringeError, match=message):
            GeneratedSource(folder / "classes.pkl", 9, **options)


def test_the_fingerprint_depends_on_the_frequencies_of_labels(folder: Path, tmp_path: Path) -> None:
    def fingerprint(labels: list[int]) -> str:
        images = {f"{i}.png": encode(np.zeros((2, 2, 3), np.uint8)) for i in range(len(labels))}
        pairs = [[f"{i}.png", label] for i, label in enumerate(labels)]
        content = json.dumps({"labels": pairs}).encode()
        path = write_zip(tmp_path / "real.zip", images | {"dataset.json": content})
        spec = {"kind": "generator", "path": str(folder / "classes.pkl"), "count": 9, "seed": 0,
                "truncation": 1.0, "noise": "const", "label": "dataset",
                "labels": {"kind": "files", "path": str(path)}}  # fmt: skip
        return source_from_spec(spec).fingerprint

    assert fingerprint([0, 1, 1]) == fingerprint([1, 0, 1]) != fingerprint([1, 0, 0])
    assert fingerprint([0, 1, 1]) != GeneratedSource(folder / "classes.pkl", 9, label=1).fingerprint


def test_float16_changes_pixels_a_little(folder: Path) -> None:
    spec = {"kind": "generator", "path": str(folder / "half.pkl"), "count": 20, "seed": 1,
            "truncation": 1.0, "noise": "const"}  # fmt: skip
    plain, off, on = (
        source_from_spec(spec | asked) for asked in ({}, {"fp16": False}, {"fp16": True})
    )
    assert plain.fingerprint == off.fingerprint != on.fingerprint
    rows = range(20)
    np.testing.assert_array_equal(plain.read(rows), off.read(rows))
    generator = load_generator(folder / "half.pkl", precision="float16")
    latents = np.random.RandomState(1).randn(20, 16)
    np.testing.assert_array_equal(on.read(rows), generator(latents).transpose(0, 2, 3, 1))
    moved = np.abs(on.read(rows).astype(int) - plain.read(rows))
    # Values are truncated to integers, so a value changes if rounding to 11 bits moves it across
    # an integer: for values up to 255 mostly by 1, never by more than 3.
    assert 0 < moved.max() <= 3
    assert 0.001 < (moved > 0).mean() < 0.3
    with pytest.raises(FringeError, match=r"fast\.pkl: no part of this fastgan .*`fp16: false`"):
        source_from_spec(spec | {"path": str(folder / "fast.pkl"), "fp16": True}).read([0])


def test_fingerprints_without_fp16_equal_those_of_earlier_versions(folder: Path) -> None:
    source = GeneratedSource(folder / "plain.pkl", 10, 3, truncation=0.7, label=1)
    content = hashlib.sha256((folder / "plain.pkl").read_bytes()).hexdigest()
    asked = ["generated", 1, content, 3, 0.7, "const", 1, 2, 9]
    assert source.fingerprint_of(2, 9) == digest(asked)


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_the_fingerprint_contains_a_range_that_changes_images(tmp_path: Path) -> None:
    class Bright(Quick):
        def forward(self, latents: torch.Tensor) -> torch.Tensor:
            return latents.view(-1, 1, 2, 2).sigmoid()

    torch.jit.save(torch.jit.script(Bright()), tmp_path / "g.pt")
    spec = {"kind": "generator", "path": str(tmp_path / "g.pt"), "count": 50, "seed": 1,
            "truncation": 1.0, "noise": "const"}  # fmt: skip
    plain, usual, half = (
        source_from_spec(spec | {"range": range_}) for range_ in (None, [-1, 1], [0, 1])
    )
    assert plain.fingerprint == usual.fingerprint != half.fingerprint
    assert half.fingerprint == source_from_spec(spec | {"range": [0.0, 1.0]}).fingerprint
    with pytest.raises(FringeError, match=r"g\.pt: .*set `range: \[0, 1\]`"):
        plain.read([0])
    latents = np.random.RandomState(1).randn(50, 4)
    share = 1 / (1 + np.exp(-latents))
    for source, grey in ((half, 255 * share), (usual, 127.5 + 127.5 * share)):
        images = source.read(range(50))[..., 0].reshape(50, 4)
        assert np.abs(images - grey).max() < 0.51
    with pytest.raises(
        FringeError, match=r"`range` is \[1, 0\]; give the values of black and white"
    ):
        source_from_spec(spec | {"range": [1, 0]})


def test_a_network_pickle_may_have_another_range(folder: Path) -> None:
    plain = GeneratedSource(folder / "plain.pkl", 4)
    wide = GeneratedSource(folder / "plain.pkl", 4, range=(-2, 2))
    moved = wide.read(range(4)) - (128 + (plain.read(range(4)) - 128.0) / 2)
    inside = (plain.read(range(4)) > 0) & (plain.read(range(4)) < 255)
    assert np.abs(moved[inside]).max() <= 1


def test_random_noise_depends_only_on_the_image(folder: Path) -> None:
    """It does not depend on the other images of a call; a Projected GAN has no other noise."""
    for name, noise in (("plain.pkl", "random"), ("fast.pkl", "const")):
        source = GeneratedSource(folder / name, 4, noise=noise)
        together = source.read(range(4))
        assert np.array_equal(source.read([2]), together[2:3])
        assert np.array_equal(source.read([3, 1]), together[[3, 1]])
        still = GeneratedSource(folder / name, 4, noise="none").read(range(4))
        assert not np.array_equal(still, together)


def test_a_grey_generator_makes_three_equal_channels(folder: Path) -> None:
    images = GeneratedSource(folder / "grey.pkl", 3).read(range(3))
    assert images.shape == (3, 8, 8, 3)
    assert (images == images[..., :1]).all()
    assert images.std() > 0


def test_shards_together_equal_the_source(folder: Path, tmp_path: Path) -> None:
    source = GeneratedSource(folder / "plain.pkl", 70)
    render_shard(source, 20, 70, tmp_path / "shard.h5", {"images": "x"})
    rows = list(range(20, 70))
    assert np.array_equal(RenderedShard(tmp_path / "shard.h5").read(rows), source.read(rows))


def test_the_fingerprint_depends_on_content_and_options(folder: Path, tmp_path: Path) -> None:
    def fingerprint(path: Path = folder / "plain.pkl", **options: object) -> str:
        return GeneratedSource(path, 10, **options).fingerprint

    plain = fingerprint()
    moved = tmp_path / "moved.pkl"
    moved.write_bytes((folder / "plain.pkl").read_bytes())
    os.utime(moved, (1, 1))
    assert fingerprint(moved) == plain
    others = [
        fingerprint(folder / "grey.pkl"),
        fingerprint(seed=1),
        fingerprint(truncation=0.7),
        fingerprint(noise="none"),
        fingerprint(label=1),
    ]
    assert len({plain, *others}) == 6
    # A larger count does not change earlier shards.
    ten, twenty = (GeneratedSource(folder / "plain.pkl", count) for count in (10, 20))
    assert ten.fingerprint_of(0, 10) == twenty.fingerprint_of(0, 10)
    assert ten.fingerprint != twenty.fingerprint


def test_the_fingerprint_needs_no_torch(folder: Path) -> None:
    code = (
        "import sys\nfrom fringe.sources import source_from_spec\n"
        f"spec = {{'kind': 'generator', 'path': {str(folder / 'plain.pkl')!r}, 'count': 3, "
        "'seed': 0, 'truncation': 1, 'noise': 'const', 'label': None}\n"
        "source_from_spec(spec).fingerprint\nprint('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_a_copy_in_another_process_makes_the_same_images(folder: Path) -> None:
    source = GeneratedSource(folder / "plain.pkl", 5)
    images = source.read(range(5))
    message = pickle.dumps(source)
    assert len(message) < 2000, "the network is not pickled"
    assert np.array_equal(pickle.loads(message).read(range(5)), images)


class Quick(torch.nn.Module):
    """A generator that is faster than drawing its latents."""

    def __init__(self) -> None:
        super().__init__()
        self.z_dim = 4

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return latents.view(-1, 1, 2, 2) / 4


class Overflowing(Quick):
    """A generator of NaNs for latents whose sum is below -3; not among the first eight images."""

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        image = latents.view(-1, 1, 2, 2) / 4
        return torch.where(latents.sum(1)[:, None, None, None] < -3, image / 0 * 0, image)


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_the_message_for_a_nan_names_index_and_seed(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(Overflowing()), tmp_path / "g.pt")
    source = GeneratedSource(tmp_path / "g.pt", 200, 5)
    latents = np.random.RandomState(5).randn(200, 4)
    wrong = np.flatnonzero(latents.sum(1) < -3)
    assert wrong[0] > 2
    message = rf"^{tmp_path}/g\.pt: image {wrong[0]} of seed 5 holds NaN or infinite values"
    right = np.setdiff1d(np.arange(200), wrong)
    assert source.read(right).any()
    for read in (range(200), wrong, [0, wrong[0], 1]):
        with pytest.raises(FringeError, match=message):
            source.read(read)
    with pytest.raises(FringeError, match=message):
        render_shard(source, 0, 100, tmp_path / "images.h5", {"images": "x"})
    assert not (tmp_path / "images.h5").exists()
    for workers in (0, 1):
        with pytest.raises(FringeError, match=message):
            list(decoded(source, [(0, 100), (100, 200)], workers))


def test_overflow_in_float16_is_refused_and_float32_works(folder: Path) -> None:
    convert(folder / "half.pkl", folder / "large.safetensors")
    with safe_open(folder / "large.safetensors", "pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    metadata["config"] = json.dumps(json.loads(metadata["config"]) | {"conv_clamp": None})
    state["synthesis.b32.torgb.bias"] += 1e5  # too large for float16
    save_file(state, folder / "large.safetensors", metadata)
    half, full = (
        GeneratedSource(folder / "large.safetensors", 4, fp16=fp16) for fp16 in (True, False)
    )
    assert (full.read(range(4)) == 255).all()
    with pytest.raises(FringeError, match=r"image 0 of seed 0 holds .* \(`fp16: false`\)"):
        half.read(range(4))


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_threads_get_the_images_of_their_rows(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(Quick()), tmp_path / "quick.pt")
    count, size = 12000, 40
    bounds = [(first, first + size) for first in range(0, count, size)]
    together = GeneratedSource(tmp_path / "quick.pt", count)
    images = np.concatenate(list(decoded(together, bounds, 0, 4)))
    # 2 x 2 pixels are four latents, so each image is known without a generator.
    latents = np.random.RandomState(0).randn(count, 4).astype(np.float32)
    expected = (latents / 4 * np.float32(127.5) + 128).clip(0, 255).astype(np.uint8)
    assert np.array_equal(images[..., 0].reshape(count, 4), expected)
    assert np.array_equal(GeneratedSource(tmp_path / "quick.pt", count).read(range(count)), images)


def test_threads_load_a_generator_once_and_take_turns(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = load_generator(folder / "plain.pkl")
    busy, loads, overlaps = threading.Lock(), [], []

    def forward(inputs: object) -> object:
        first = busy.acquire(blocking=False)
        overlaps.append(not first)
        try:
            return generator.forward(inputs)
        finally:
            if first:
                busy.release()

    def load(*given: object, **options: object) -> object:
        loads.append(given)
        load_generator(*given, **options)  # loading takes a while
        return replace(generator, forward=forward)

    monkeypatch.setattr("fringe.generators.load_generator", load)
    source = GeneratedSource(folder / "plain.pkl", 160)
    batches = list(decoded(source, [(row, row + 10) for row in range(0, 160, 10)], 0, 8))
    assert (len(batches), len(loads), len(overlaps), any(overlaps)) == (16, 1, 16, False)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("absent.pkl", {}, r"absent\.pkl: does not exist; correct the path"),
        ("classes.pkl", {}, r"classes\.pkl: is conditional on 5 classes; set `label`"),
        ("classes.pkl", {"label": 5}, r"has classes 0 to 4, but `label` is 5"),
        ("plain.pkl", {"label": 0}, r"plain\.pkl: is not conditional; remove `label` \(0\)"),
    ],
)
def test_invalid_options_are_refused(
    folder: Path, name: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(FringeError, match=message):
        GeneratedSource(folder / name, 3, **options).read([0])


def test_a_specification_opens_the_source(folder: Path) -> None:
    spec = {
        "kind": "generator",
        "path": str(folder / "classes.pkl"),
        "count": 4,
        "seed": 2,
        "truncation": 1,
        "noise": "const",
        "label": "uniform",
    }
    source = source_from_spec(spec)
    same = GeneratedSource(folder / "classes.pkl", 4, 2, label="uniform")
    assert source.fingerprint == same.fingerprint
    assert np.array_equal(source.read([3]), same.read([3]))
    with pytest.raises(FringeError, match=r"`label` is 1\.5; it must be of type int or str"):
        source_from_spec(spec | {"label": 1.5})
