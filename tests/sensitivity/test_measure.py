"""Maps of a set of images, files, means and single images, compared with plain formulas."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from tests.dag.tiny_network import DIM, TinyNetwork

from fringe.errors import FringeError
from fringe.metrics import Gaussian, frechet_distance
from fringe.sensitivity import (
    Closeup,
    example_maps,
    explain_examples,
    fid_gradient,
    frequent_classes,
    join_shards,
    look_closely,
    mean_groups,
    measure_sensitivity,
    read_examples,
    read_groups,
    read_sensitivity,
    sensitivity_maps,
    write_examples,
    write_groups,
    write_sensitivity,
)
from fringe.sources import ImageSource, PhotoSource

N, BATCH = 22, 5  # neither N nor the end of a shard is a multiple of BATCH
NETWORK: Any = TinyNetwork("tiny", 0, torch.device("cpu"))
SOURCE: ImageSource = PhotoSource(30, 16, 1)


def activations(images: np.ndarray) -> Any:
    return NETWORK(torch.from_numpy(images).permute(0, 3, 1, 2))


SEEN = activations(SOURCE.read(range(N)))
REAL = Gaussian.from_features(activations(PhotoSource(40, 16, 2).read(range(40))).features.numpy())
GENERATED = Gaussian.from_features(SEEN.features.numpy())


def measured(first: int, last: int, **provenance: str) -> Any:
    return measure_sensitivity(
        SOURCE, NETWORK, first, last, REAL, GENERATED, N, batch_size=BATCH, provenance=provenance
    )


def test_joined_shards_equal_the_maps_of_all_images(tmp_path: Path) -> None:
    for name, first, last in (("a", 0, 15), ("b", 15, N)):
        found = measured(first, last, images=name, network_of="both")
        write_sensitivity(tmp_path / f"{name}.h5", found)
    joined = join_shards([tmp_path / "a.h5", tmp_path / "b.h5"])
    write_sensitivity(tmp_path / "joined.h5", joined)
    joined = read_sensitivity(tmp_path / "joined.h5")
    gradient = fid_gradient(SEEN.features.numpy(), REAL, GENERATED, N, included=True)
    expected = sensitivity_maps(SEEN.maps.numpy(), gradient)
    np.testing.assert_allclose(joined.maps, expected, rtol=1e-5)
    np.testing.assert_array_equal(joined.image_sum, SOURCE.read(range(N)).sum(0, dtype=float))
    assert joined.classes is not None
    np.testing.assert_array_equal(joined.classes[:, 0], SEEN.logits.argmax(1))
    # The attribute of a single shard's images does not describe all images.
    about = joined.attributes
    assert (about["first"], about["last"], about["n"], about["network"]) == (0, N, N, "tiny")
    assert about["network_of"] == "both"
    assert "images" not in about
    with pytest.raises(FringeError, match="starts at image 15, expected 0"):
        join_shards([tmp_path / "b.h5"])


def test_means_equal_those_of_images_and_maps(tmp_path: Path) -> None:
    found = measured(0, N)
    assert found.classes is not None
    counts = np.bincount(found.classes[:, 0])
    classes = frequent_classes(found, 2)
    assert list(counts[classes]) == sorted(counts)[::-1][:2]
    write_groups(tmp_path / "means.h5", mean_groups(found, SOURCE, classes), {})
    everything, first, _ = read_groups(tmp_path / "means.h5")
    assert (everything.count, first.count) == (N, counts[classes[0]])
    rows = np.flatnonzero(found.classes[:, 0] == classes[0])
    np.testing.assert_allclose(first.image, SOURCE.read(rows).mean(0, dtype=float))
    np.testing.assert_allclose(first.sensitivity, found.maps[rows].mean(0, dtype=float))
    # By definition, the mean cosine of the map with all maps is the largest.
    for group, members in ((everything, np.arange(N)), (first, rows)):
        vectors = found.maps[members].reshape(len(members), -1).astype(float)
        alike = [
            np.mean([a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in vectors])
            for a in vectors
        ]
        expected = SOURCE.read([int(members[np.argmax(alike)])])[0]
        np.testing.assert_array_equal(group.example, expected)
    assert frequent_classes(replace(found, classes=None), 2) == []
    # A class that is Top-1 of no image also has a group.
    absent = int(np.flatnonzero(np.bincount(found.classes[:, 0], minlength=10) == 0)[0])
    write_groups(tmp_path / "means.h5", mean_groups(found, SOURCE, [absent, classes[0]]), {})
    _, none, again = read_groups(tmp_path / "means.h5")
    assert (none.name, none.count) == (f"class {absent}", 0)
    for values in (none.image, none.sensitivity, none.activation):
        assert values is not None
        assert np.isnan(values).all()
    assert none.example is not None
    assert not none.example.any()
    np.testing.assert_array_equal(again.image, first.image)


class BlindSpot(TinyNetwork):
    """A network with NaN in one output of the image whose first pixel is ``mark``."""

    def __init__(self, output: str, mark: np.ndarray) -> None:
        super().__init__("tiny", 0, torch.device("cpu"))
        self.output, self.mark = output, torch.from_numpy(mark)

    def __call__(self, images: torch.Tensor) -> Any:
        made = super().__call__(images)
        values = getattr(made, self.output).clone()
        values[(images[:, :, 0, 0] == self.mark).all(1)] = torch.nan
        return made._replace(**{self.output: values})


@pytest.mark.parametrize("output", ["features", "logits", "maps"])
def test_message_on_nan_names_image_and_network(output: str) -> None:
    network = cast(Any, BlindSpot(output, SOURCE.read([13])[0, 0, 0]))
    message = "image 13 gives NaN or infinite .* in network 'tiny'"
    with pytest.raises(FringeError, match=f"^{re.escape(SOURCE.name)}: {message}"):
        measure_sensitivity(SOURCE, network, 10, N, REAL, GENERATED, N, batch_size=BATCH)
    measure_sensitivity(SOURCE, network, 15, N, REAL, GENERATED, N, batch_size=BATCH)
    names = ["fake: image 3", "fake: image 13"]
    with pytest.raises(FringeError, match=f"^fake: {message}"):
        explain_examples(
            SOURCE.read([3, 13]), network, REAL, GENERATED, N, included=True,
            called=names.__getitem__,
        )  # fmt: skip


@pytest.mark.parametrize("included", [True, False])
def test_an_example_is_one_of_the_images_or_is_added(tmp_path: Path, included: bool) -> None:
    images = SOURCE.read([3, 7])
    n = N if included else N + 1
    found = explain_examples(images, NETWORK, REAL, GENERATED, n, included=included)
    write_examples(tmp_path / "examples.h5", found, {})
    found = read_examples(tmp_path / "examples.h5")
    seen = activations(images)
    gradient = fid_gradient(seen.features.numpy(), REAL, GENERATED, n, included=included)
    np.testing.assert_allclose(found.maps, sensitivity_maps(seen.maps.numpy(), gradient), rtol=1e-5)
    assert found.predictions is not None
    assert found.activations is not None
    assert found.activations.shape == (2, 4, 16, 16)
    best = int(seen.logits[1].argmax())
    assert found.predictions[1][0] == (
        f"class {best}",
        pytest.approx(float(seen.logits[1].double().softmax(0)[best])),
    )


def test_maps_of_examples_do_not_depend_on_the_batch() -> None:
    images = SOURCE.read([3, 7, 13])
    slow = explain_examples(images, NETWORK, REAL, GENERATED, N, included=True).maps
    for size in (1, 2, 8):
        maps = example_maps(images, NETWORK, REAL, GENERATED, N, batch_size=size)
        np.testing.assert_allclose(maps, slow, rtol=1e-5)
    network = cast(Any, BlindSpot("features", SOURCE.read([13])[0, 0, 0]))
    names = ["fake: image 3", "fake: image 7", "fake: image 13"]
    with pytest.raises(FringeError, match=r"^fake: image 13 gives NaN"):
        example_maps(images, network, REAL, GENERATED, N, batch_size=2, called=names.__getitem__)


@pytest.mark.parametrize("included", [True, False])
def test_a_closeup_contains_all_steps_of_section_2(tmp_path: Path, included: bool) -> None:
    images = SOURCE.read([3])
    n = N if included else N + 1
    closeup = look_closely(images[0], NETWORK, REAL, GENERATED, n, included=included)
    found = explain_examples(images, NETWORK, REAL, GENERATED, n, included=included)
    write_examples(tmp_path / "examples.h5", replace(found, closeup=closeup), {})
    read = read_examples(tmp_path / "examples.h5")
    assert read.closeup is not None
    for each in fields(Closeup):
        np.testing.assert_array_equal(getattr(read.closeup, each.name), getattr(closeup, each.name))
    assert (type(read.closeup.fid), type(read.closeup.n)) == (float, int)

    rows = np.concatenate([SEEN.features.numpy(), activations(images).features.numpy()])
    rows = rows[: len(rows) - included].astype(np.float64)
    whole = Gaussian(rows.mean(0), np.cov(rows.T))
    assert closeup.n == len(rows)
    assert closeup.fid == pytest.approx(frechet_distance(REAL, whole), rel=1e-9)
    np.testing.assert_allclose(closeup.generated_mean, whole.mean, rtol=1e-12)
    np.testing.assert_array_equal(closeup.real_mean, REAL.mean)

    def fid_with(features: np.ndarray) -> float:
        changed = rows.copy()
        changed[3 if included else -1] = features
        return frechet_distance(REAL, Gaussian(changed.mean(0), np.cov(changed.T)))

    # Central differences have an error of the order of the squared step.
    step = 1e-4 * np.eye(DIM)
    slopes = [
        (fid_with(closeup.features + s) - fid_with(closeup.features - s)) / 2e-4 for s in step
    ]
    np.testing.assert_allclose(closeup.gradient, slopes, rtol=1e-5, atol=1e-7)
    maps = activations(images).maps[0].double().numpy()
    np.testing.assert_array_equal(closeup.channel_maps, maps[closeup.channels])
    assert (np.diff(closeup.weights[closeup.channels]) <= 0).all()
    assert len(closeup.channels) == 8
    # Equation 2 and the weighted sum of all maps.
    alpha = np.mean(np.broadcast_to(np.array(slopes)[:, None, None] / 256, maps.shape) ** 2, (1, 2))
    np.testing.assert_allclose(closeup.weights, alpha, rtol=1e-4)
    total = np.tensordot(closeup.weights, maps, 1)
    np.testing.assert_allclose(found.maps[0], total, rtol=1e-5)


def test_a_closeup_of_a_network_without_maps_is_refused() -> None:
    found = activations(SOURCE.read([0]))._replace(maps=None)

    def blind(pixels: Any) -> Any:
        return found

    blind.name = "blind"  # type: ignore[attr-defined]
    with pytest.raises(FringeError, match="network blind has no maps; choose a network"):
        look_closely(SOURCE.read([0])[0], cast(Any, blind), REAL, GENERATED, N, included=True)


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        (0, N + 1, "FID is measured on the first 22 of 30 images"),
        (7, N, "image 7 is not the start of a batch of 5"),
    ],
)
def test_images_that_fid_is_not_measured_on_are_refused(
    first: int, last: int, message: str
) -> None:
    with pytest.raises(FringeError, match=message):
        measured(first, last)
