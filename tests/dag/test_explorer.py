"""The explorers of a run: images, their numbers and maps, in real runs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import cdist
from tests.dag.tiny_network import CLASSES, DIM

from fringe.evaluation import load_draws, load_weights
from fringe.features import open_features, top1_classes
from fringe.metrics import Gaussian
from fringe.networks import load_network
from fringe.plan.layout import parse_shard
from fringe.scores.explorer import Explorer, read_explorer
from fringe.sensitivity import explain_examples, read_sensitivity
from fringe.sources import RenderedShard

Project = Any  # tests/dag/conftest.py

DATASET, COMPARISON = "explorer/datasets/faces.h5", "explorer/comparisons/two.h5"
TITLE = "a</script><script>1</script>\\ & 'b' \"c\""
MAIN = "tiny_network.seeing"


def shard_rows(shard: Path) -> range:
    return range(*parse_shard(shard.stem))


def thumbnails(found: Explorer) -> np.ndarray:
    """All thumbnails (n, size, size, 3)."""
    size, cells = found.sprites.size, []
    for picture in found.sprites.pictures:
        pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
        grid = pixels.reshape(-1, size, found.sprites.columns, size, 3).swapaxes(1, 2)
        cells.append(grid.reshape(-1, size, size, 3))
    return np.concatenate(cells)[: len(found.group)]


def test_all_images_of_a_small_data_set_are_shown(finished: Project) -> None:
    results: Path = finished.results
    found = read_explorer(results / DATASET)
    assert found.groups == ["Real images", "Generated images"]
    assert found.models == ["drawn at random", "Top-1 matched", "optimized weights"]
    assert found.group.tolist() == [0] * 40 + [1] * 120
    assert found.index.tolist() == [*range(40), *range(120)]
    assert found.sampled.all()
    assert found.maps is None, "this network has no maps"
    weights = load_weights(results / "weights/faces/prelogits.h5")
    np.testing.assert_allclose(found.weight[40:], weights * 120, rtol=1e-6)
    real, fake = (
        open_features(results / f"features/{name}/tiny_network.classifier.h5")
        for name in ("real", "fake")
    )
    distances = cdist(fake.read().astype(float), real.read(stop=40).astype(float))
    np.testing.assert_allclose(found.nearest[40:], distances.min(axis=1), rtol=1e-6)
    table = found.class_table
    assert table is not None
    assert found.classes is not None
    classes = top1_classes(fake)
    np.testing.assert_array_equal(table.numbers[found.classes[40:, 0]], classes)
    draws, _ = load_draws(results / "draws/faces/matched.h5")
    for row, number in enumerate(table.numbers):
        expected = [
            (top1_classes(real, stop=40) == number).mean(),
            (classes == number).mean(),
            weights[classes == number].sum(),
        ]
        np.testing.assert_allclose(table.shares[row, [0, 1, 3]], expected, atol=1e-12)
    assert draws.max() >= 120, "the draws hold images beyond the candidates, which count too"
    assert table.shares[:, 2].sum() == pytest.approx(1)
    # The mean of the influences of all images is 0, except for the divisor of the covariance.
    assert abs(found.influence[40:, 0].mean()) < 0.02 * found.influence[40:, 0].std()


def test_thumbnails_show_their_images(finished: Project) -> None:
    found = read_explorer(finished.results / DATASET)
    shown = thumbnails(found)[found.group == 1].astype(float)
    assert found.sprites.size == 32, "images are not enlarged"
    # Neighbours in the picture have no effect.
    shards = sorted((finished.results / "images/fake").glob("*.h5"))
    images = np.concatenate([RenderedShard(shard).read(shard_rows(shard)) for shard in shards])
    assert len(images) == 120
    far = cdist(shown.reshape(120, -1), images.reshape(120, -1).astype(float))
    assert (far.argmin(axis=1) == np.arange(120)).mean() > 0.95, "some imitations are alike"


@pytest.fixture(scope="module")
def explored(started: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A data set and a comparison, with maps, whose explorers show a few images."""
    project = started.copy(tmp_path_factory.mktemp("explored") / "project")
    config = project.config
    config |= {
        "network": "tiny_network:seeing",
        "page": {"images": 30, "thumbnail": 16},
        "sensitivity": {"images": 40, "noise": {"scales": []}},
        "comparisons": {"two": {"generators": {"One": "faces", TITLE: "pair"}}},
    }
    config["sources"]["rival"] = {**config["sources"]["fake"], "count": 70, "seed": 8}
    config["datasets"]["pair"] = {"real": "real", "generated": "rival", "resample": False}
    project.run(DATASET, COMPARISON)
    return project


def test_images_without_stored_maps_get_a_map(explored: Project) -> None:
    found = read_explorer(explored.results / DATASET)
    made = found.group == 1
    assert found.sampled[made].sum() == 15
    assert made.sum() == 30
    assert (~made).sum() == 15
    assert (found.index[made] >= 40).any()
    assert found.maps is not None
    assert found.map_ranges is not None
    assert np.isfinite(found.map_ranges[made]).all()
    assert np.isnan(found.map_ranges[~made]).all()
    stored = read_sensitivity(explored.results / f"sensitivity/faces/{MAIN}.h5").maps
    for row in np.flatnonzero(made & (found.index < 40)):
        low, high = found.map_ranges[row]
        again = low + found.maps[row] / 255 * (high - low)
        step = (high - low) / 255
        np.testing.assert_allclose(again, stored[found.index[row]], atol=0.51 * step)


def test_the_map_of_a_further_image_is_that_of_an_added_image(
    explored: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    found = read_explorer(explored.results / DATASET)
    assert found.maps is not None
    assert found.map_ranges is not None
    real, fake = (
        open_features(explored.results / f"features/{name}/{MAIN}.h5") for name in ("real", "fake")
    )
    gaussians = (
        Gaussian.from_features(rows.astype(np.float64))
        for rows in (real.read(stop=40), fake.read(stop=39))
    )
    (row, *_) = np.flatnonzero((found.group == 1) & (found.index >= 40))
    number = int(found.index[row])
    (shard,) = [
        shard
        for shard in (explored.results / "images/fake").glob("*.h5")
        if number in shard_rows(shard)
    ]
    image = RenderedShard(shard).read([number])
    network = load_network("tiny_network:seeing")
    expected = explain_examples(image, network, *gaussians, 40, included=False).maps[0]
    low, high = found.map_ranges[row]
    again = low + found.maps[row] / 255 * (high - low)
    # Half a step of the bytes; the error of the network's float32 is far smaller.
    np.testing.assert_allclose(again, expected, atol=0.51 * (high - low) / 255)


def test_a_comparison_shows_each_generator(explored: Project) -> None:
    found = read_explorer(explored.results / COMPARISON)
    assert found.groups == ["Real images", "One", TITLE]
    assert found.models == ["One", TITLE]
    assert np.bincount(found.group).tolist() == [15, 30, 30]
    assert np.isnan(found.weight).all()
    assert found.index[found.group == 2].max() < 60, "those that FID is measured on"
    assert found.map_ranges is not None
    assert np.isfinite(found.map_ranges[15:]).all()
    assert found.influence.shape == (75, 2)
    assert np.isfinite(found.influence).all()
    assert found.class_table is not None
    assert np.isfinite(found.class_table.contributions).all()
    assert any(TITLE in one for one in found.counts)
    assert thumbnails(found).shape == (75, 16, 16, 3)


def test_a_change_of_the_page_reruns_only_explorers(explored: Project, tmp_path: Path) -> None:
    project = explored.copy(tmp_path / "project")
    targets = (DATASET, COMPARISON)
    assert project.planned(*targets) == set()
    project.config["extraction"]["shard_size"] = 20
    project.config["figures"]["dpi"] = 60
    assert project.planned(*targets) == set()
    project.config["page"]["images"] = 20
    before = [(project.results / one).read_bytes() for one in targets]
    assert project.executed(*targets) == set(targets)
    assert len(read_explorer(project.results / DATASET).group) == 30
    project.config["page"]["images"] = 30
    assert project.executed(*targets) == set(targets)
    for target, content in zip(targets, before, strict=True):
        (project.folder / "before.h5").write_bytes(content)
        a, b = read_explorer(project.results / target), read_explorer(project.folder / "before.h5")
        for name in ("index", "influence", "nearest", "maps", "map_ranges", "classes"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
        assert a.sprites.pictures == b.sprites.pictures


def test_a_generator_without_images_has_only_influences(fresh: Project) -> None:
    rng = np.random.default_rng(0)
    rows = {"features": rng.normal(size=(60, DIM)), "logits": rng.normal(size=(60, CLASSES))}
    np.savez(fresh.folder / "given.npz", **{key: a.astype(np.float32) for key, a in rows.items()})
    config = fresh.config
    config["sources"] = {
        "real": config["sources"]["real"],
        "fake": config["sources"]["fake"],
        "given": {"kind": "features", "path": "given.npz"},
    }
    config["datasets"] = {
        name: {"real": "real", "generated": name, "resample": False} for name in ("fake", "given")
    }
    config["comparisons"] = {"two": {"generators": {"Given": "given", "Made": "fake"}}}
    config["controls"] = []
    fresh.run(COMPARISON)
    found = read_explorer(fresh.results / COMPARISON)
    assert found.groups == ["Real images", "Given", "Made"]
    assert np.bincount(found.group).tolist() == [40, 0, 60]
    assert np.isfinite(found.influence).all()
    assert found.class_table is not None
    expected = np.bincount(rows["logits"].astype(np.float32).argmax(axis=1), minlength=CLASSES) / 60
    shares = np.zeros(CLASSES)
    shares[found.class_table.numbers] = found.class_table.shares[:, 1]
    np.testing.assert_allclose(shares, expected)
