"""Matching beyond the candidates, compared with a loop that draws one image after another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.evaluation import (
    Extension,
    draw_matched,
    draw_on,
    extract_extension,
    gaussian_of,
    join_extension,
    load_extension,
    save_extension,
    score_draws,
)
from fringe.features import extract_shard, link_shards, open_features
from fringe.metrics import Gaussian, frechet_distance
from fringe.networks import Activations, FeatureNetwork
from fringe.resampling import admitted, saved_state, shortage
from fringe.sources.imitation import ImitationSource

CLASSES, BATCH = 9, 20
SHARES = np.array(
    [0.3, 0.25, 0.2, 0.1, 0.06, 0.04, 0.03, 0.02, 0.0]
)  # shares of classes of generated images


class Generator:
    """A source whose image i shows its class, with noise that depends only on i."""

    name, fingerprint, simulated, resolution = "generator", "0" * 64, True, (4, 4)

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: list[int] = []
        self.fails_at: int | None = None

    def __len__(self) -> int:
        return self.count

    def fingerprint_of(self, first: int, last: int) -> str:
        return f"{first}-{last}"

    def read(self, indices: np.ndarray) -> np.ndarray:
        self.asked += map(int, indices)
        if self.fails_at in indices:
            raise KeyboardInterrupt
        images = []
        for index in map(int, indices):
            assert index < self.count
            rng = np.random.default_rng(index)
            image = rng.integers(0, 200, (4, 4, 3), np.uint8)
            image[0, 0, 0] = rng.choice(CLASSES, p=SHARES)
            images.append(image)
        return np.stack(images)


def forward(images: torch.Tensor) -> Activations:
    assert len(images) == BATCH
    labels = images[:, 0, 0, 0].long()
    features = images.float().flatten(2).mean(2)
    return Activations(features, torch.nn.functional.one_hot(labels, CLASSES).float())


NAMES = tuple(f"class {number}" for number in range(CLASSES))
NETWORK = FeatureNetwork("tiny", 3, NAMES, "0" * 64, torch.device("cpu"), forward)
REAL = np.random.default_rng(1).choice(CLASSES, 60, p=SHARES[::-1])
REAL = REAL[REAL < 8]  # the bin of a class that is never generated would never be full
N = len(REAL)
COUNT = 130  # number of candidates, not a multiple of the batch size


def class_of(index: int) -> int:
    return int(Generator(index + 1).read([index])[0, 0, 0, 0])


CANDIDATES = np.array([class_of(index) for index in range(COUNT)])


def slowly(missing: dict[int, int], limit: int) -> tuple[list[int], int, dict[int, int]]:
    """Draw one image after another, and discard images whose bin is full, as in the paper."""
    room, accepted, index = dict(missing), [], COUNT
    while sum(room.values()) and index < limit:
        label = class_of(index)
        if room.get(label, 0) > 0:
            room[label] -= 1
            accepted.append(index)
        index += 1
    return accepted, index, {label: n for label, n in room.items() if n}


def extended(limit: int, real: np.ndarray = REAL, **options: object) -> Extension:
    missing = shortage(real, CANDIDATES, len(real))
    source = Generator(-(-limit // BATCH) * BATCH)
    return draw_on(source, NETWORK, missing, COUNT, limit, batch_size=BATCH, **options)


@pytest.mark.parametrize("limit", [COUNT, COUNT + 3, 171, 200, 700, 5000])
def test_extension_equals_the_papers_procedure(limit: int) -> None:
    missing = shortage(REAL, CANDIDATES, N)
    assert sum(missing.values()) > 5
    accepted, seen, left = slowly(missing, limit)
    found = extended(limit)
    assert found.indices.tolist() == accepted
    assert found.seen == seen
    assert found.missing == left
    assert found.classes.tolist() == [class_of(index) for index in accepted]
    if limit == 5000:
        assert left == {}
        assert seen < 5000


def test_a_full_histogram_needs_no_image() -> None:
    found = extended(5000, real=CANDIDATES[:20])
    assert (found.indices.tolist(), found.seen, found.missing) == ([], COUNT, {})


def test_extension_ends_at_the_limit_if_a_class_is_never_generated() -> None:
    found = extended(300, real=np.append(REAL, [8, 8]))
    assert found.missing[8] == 2
    assert found.seen == 300


def test_a_higher_limit_changes_nothing_if_all_bins_are_full() -> None:
    one, other = extended(5000), extended(7777)
    assert one.indices.tolist() == other.indices.tolist()
    assert (one.seen, one.missing) == (other.seen, other.missing)


def test_result_does_not_depend_on_workers() -> None:
    def brightness(images: torch.Tensor) -> Activations:
        labels = (images.float().mean((1, 2, 3)) / 29).long()
        return Activations(
            images.float().mean((2, 3)), torch.nn.functional.one_hot(labels, 9) * 1.0
        )

    network = FeatureNetwork("bright", 3, NAMES, "0" * 64, torch.device("cpu"), brightness)
    source = ImitationSource(400, 16, 0, 1.0)
    found = [
        draw_on(source, network, {2: 9, 4: 30}, 130, 400, batch_size=BATCH, workers=workers)
        for workers in (0, 2)
    ]
    assert len(found[0].indices) > 20
    assert found[0].indices.tolist() == found[1].indices.tolist()
    assert found[0][2:] == found[1][2:]
    nothing = draw_on(source, network, {}, 130, 400, batch_size=BATCH, workers=2)
    assert (len(nothing.indices), nothing.seen) == (0, 130)


@pytest.mark.parametrize("killed", [145, 260, 399])
def test_an_interrupted_draw_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: int
) -> None:
    monkeypatch.setattr(saved_state, "INTERVAL", 0.0)
    missing = shortage(REAL, CANDIDATES, N)
    whole = extended(5000)
    assert whole.seen > 400
    source = Generator(5000)
    source.fails_at = killed
    kept = {"batch_size": BATCH, "checkpoint": tmp_path / "state", "key": "made from this"}
    with pytest.raises(KeyboardInterrupt):
        draw_on(source, NETWORK, missing, COUNT, 5000, **kept)
    source.fails_at, source.asked = None, []
    found = draw_on(source, NETWORK, missing, COUNT, 5000, **kept)
    assert min(source.asked) == killed // BATCH * BATCH
    assert found.indices.tolist() == whole.indices.tolist()
    assert (found.seen, found.missing) == (whole.seen, whole.missing)
    # A state with another key is not used.
    source.asked = []
    draw_on(source, NETWORK, missing, COUNT, 5000, **kept | {"key": "made from that"})
    assert min(source.asked) == COUNT // BATCH * BATCH


def test_another_limit_continues_from_the_last_state(tmp_path: Path) -> None:
    missing = shortage(REAL, CANDIDATES, N)
    source = Generator(5000)

    def drawn(limit: int) -> Extension:
        source.asked = []
        return draw_on(
            source, NETWORK, missing, COUNT, limit, batch_size=BATCH, checkpoint=tmp_path / "state"
        )

    for limit in (270, 390, 300, 5000):
        found = drawn(limit)
        accepted, seen, left = slowly(missing, limit)
        assert (found.indices.tolist(), found.seen, found.missing) == (accepted, seen, left)
        looked_at = {270: 120, 390: 260, 5000: 380}
        if limit in looked_at:
            assert min(source.asked) == looked_at[limit]
        else:
            assert source.asked == []


def test_images_are_admitted_in_order_while_there_is_room() -> None:
    classes = np.array([3, 1, 3, 3, 0, 1])
    assert admitted(classes, {3: 2, 1: 1}).tolist() == [True, True, True, False, False, False]
    assert admitted(classes[:0], {3: 2}).tolist() == []


def test_an_extension_is_read_as_written(tmp_path: Path) -> None:
    for found in (extended(200), extended(5000), extended(COUNT)):
        save_extension(tmp_path / "found.h5", found, 200, {"made_from": "this"})
        loaded = load_extension(tmp_path / "found.h5")
        assert loaded.indices.tolist() == found.indices.tolist()
        assert loaded.classes.tolist() == found.classes.tolist()
        assert loaded[2:] == found[2:]


def test_every_repeat_contains_the_extension() -> None:
    found = extended(5000)
    draws, report = draw_matched(REAL, CANDIDATES, N, 3, 0, found)
    expected = np.bincount(REAL, minlength=CLASSES)
    for indices in draws:
        assert len(set(indices.tolist())) == N
        labels = [class_of(index) for index in indices]
        assert np.bincount(labels, minlength=CLASSES).tolist() == expected.tolist()
    assert report == {
        "asked": N,
        "filled": N,
        "beyond": len(found.indices),
        "seen": found.seen,
        "unfilled": {},
    }
    short = extended(200)
    draws, report = draw_matched(REAL, CANDIDATES, N, 2, 0, short)
    missing = sum(short.missing.values())
    assert [len(indices) for indices in draws] == 2 * [N - missing]
    assert report["filled"] == N - missing
    assert report["unfilled"] == {str(label): n for label, n in short.missing.items()}
    with pytest.raises(FringeError, match="drawn for other candidates"):
        draw_matched(REAL, CANDIDATES[:-30], N, 1, 0, found)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Write features of the candidates in two shards, and of an extension."""
    found = extended(5000)
    assert len(found.indices) > BATCH  # more than one batch
    shards = []
    for first, last in ((0, 100), (100, COUNT)):
        shards.append(tmp_path / f"{first:07d}-{last:07d}.h5")
        extract_shard(Generator(COUNT), NETWORK, first, last, shards[-1], batch_size=BATCH)
    paths = {name: tmp_path / f"{name}.h5" for name in ("candidates", "extension", "further")}
    link_shards(shards, paths["candidates"])
    save_extension(paths["extension"], found, 5000, {})
    extract_extension(Generator(5000), NETWORK, found, paths["further"], batch_size=BATCH)
    return paths


def test_features_of_candidates_and_extension_are_read_like_one_file(
    files: dict[str, Path],
) -> None:
    found = load_extension(files["extension"])
    candidates = open_features(files["candidates"])
    draws, _ = draw_matched(REAL, CANDIDATES, N, 2, 0, found)
    images = np.stack(draws)
    features, rows = join_extension(candidates, images, files["extension"], files["further"])
    # The features of each image, computed separately.
    source = Generator(5000)
    own = np.stack([source.read([i])[0].reshape(-1, 3).mean(0) for i in images.ravel()])
    np.testing.assert_allclose(features.read("features", rows.ravel()), own, rtol=1e-6)
    assert features.read("logits", rows[0]).argmax(1).tolist() == list(map(class_of, images[0]))
    whole = np.concatenate([block for _, block in features.blocks("features", rows=7)])
    assert np.array_equal(whole, features.read("features"))
    assert [first for first, _ in features.blocks(rows=100)] == [0, 100, COUNT]
    assert sum(len(block) for _, block in features.blocks(stop=COUNT + 5)) == COUNT + 5
    assert sum(len(block) for _, block in features.blocks(stop=50)) == 50

    real = Gaussian.from_features(np.random.default_rng(0).standard_normal((50, 3)) * 20 + 100)
    scores = score_draws(rows, features, real, 50)
    # FID of these features; both are float64 sums of the same float32 numbers.
    for repeat, score in enumerate(scores):
        direct = frechet_distance(
            real, Gaussian.from_features(features.read("features", rows[repeat]))
        )
        assert score["value"] == pytest.approx(direct, rel=1e-9)
        assert score["n_generated"] == N
    everything = gaussian_of(features)
    np.testing.assert_allclose(everything.mean, features.read().mean(0, np.float64), rtol=1e-9)


def test_features_that_do_not_belong_together_are_refused(
    files: dict[str, Path], tmp_path: Path
) -> None:
    candidates = open_features(files["candidates"])
    draws = np.zeros((1, 4), np.int64)
    other = extended(300)
    save_extension(tmp_path / "other.h5", other, 300, {})
    with pytest.raises(FringeError, match=r"further\.h5: holds .* images beyond the 130"):
        join_extension(candidates, draws, tmp_path / "other.h5", files["further"])
    lost = np.array([[0, COUNT]])
    assert COUNT not in load_extension(files["extension"]).indices
    with pytest.raises(FringeError, match=f"no features of image {COUNT}"):
        join_extension(candidates, lost, files["extension"], files["further"])
    foreign = FeatureNetwork("another", 3, NAMES, "0" * 64, torch.device("cpu"), forward)
    found = load_extension(files["extension"])
    extract_extension(Generator(5000), foreign, found, tmp_path / "foreign.h5", batch_size=BATCH)
    with pytest.raises(FringeError, match=r"features of another, but .* holds features of tiny"):
        join_extension(candidates, draws, files["extension"], tmp_path / "foreign.h5")


def test_join_without_further_images_returns_the_candidates(
    files: dict[str, Path], tmp_path: Path
) -> None:
    candidates = open_features(files["candidates"])
    draws = np.array([[3, 1]])
    nothing = extended(COUNT)
    save_extension(tmp_path / "none.h5", nothing, COUNT, {})
    extract_extension(Generator(COUNT), NETWORK, nothing, tmp_path / "empty.h5", batch_size=BATCH)
    features, rows = join_extension(candidates, draws, tmp_path / "none.h5", tmp_path / "empty.h5")
    assert features is candidates
    assert rows is draws
    assert join_extension(candidates, draws) == (candidates, draws)
