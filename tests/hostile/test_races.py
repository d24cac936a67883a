"""Data that change under a run: jobs read the planned data, or write nothing."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from tests.generators.checkpoints import write_stylegan2_pickle
from tests.hostile.races import COUNT, KINDS, Data, build
from tests.test_scripts import REPOSITORY, load

from fringe.config.model import RunConfig
from fringe.errors import ChangedError, FringeError
from fringe.evaluation import load_gaussian
from fringe.exchange import write_statistics
from fringe.features import extract_shard
from fringe.files import steadiness as steady_module
from fringe.files.steadiness import steady
from fringe.generators import convert, loading
from fringe.metrics import Gaussian
from fringe.networks import Activations, FeatureNetwork, registry
from fringe.plan.layout import hash_cache
from fringe.plan.planned import (
    note_plan,
    planned_digests,
    planned_file,
    planned_images,
    planned_network,
    planned_seed,
    planned_shard,
    refuse_other_plan,
)
from fringe.plan.weight_files import locate_weight_files
from fringe.sources import digests, open_source, prefetch, source_from_spec
from fringe.sources.digests import file_digests

from ..run_configs import run_config

SCRIPTS = REPOSITORY / "workflow/scripts"
SHARD = "0000000-0000024"
CHANGED = (
    r"(?s)sources/real: its data changed during the run \(.*\); "
    r"nothing was made from the changed data, so run"
)
WAYS = ("rename", "in place")
FILE = r"statistics\.npz: its data changed during the run"


def refused(match: str = CHANGED) -> pytest.RaisesExc[FringeError]:
    return pytest.raises(FringeError, match=match)


@pytest.fixture(params=KINDS)
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Data:
    return build(tmp_path, request.param)


def config_of(data: Data, **options: Any) -> RunConfig:
    """Return a configuration of the data, with its plan."""
    folder = data.place.parent / "results"
    source = {"kind": "files", "path": str(data.place), **options}
    config = {"results": str(folder), "run": "run", "device": "cpu", "sources": {"real": source}}
    opened = open_source(data.place, cache=folder / ".fingerprints", **options)
    planned = {
        "sources/real": opened.fingerprint,
        f"sources/real/{SHARD}": opened.fingerprint_of(0, len(opened)),
    }
    limits = {"pixels": 1000, "bytes": 1_000_000}
    return run_config({**config, "limits": limits, "planned": planned})


def network(hook: Callable[[], None] = lambda: None) -> FeatureNetwork:
    """Return a network of mean colours that calls a hook first."""

    def forward(images: torch.Tensor) -> Activations:
        hook()
        return Activations(images.float().mean((2, 3)))

    return FeatureNetwork("colours", 3, None, "0" * 64, torch.device("cpu"), forward)


def features(path: Path) -> np.ndarray:
    with h5py.File(path) as file:
        return np.asarray(file["features"])


#: Kinds that a source continues to read unchanged after a rename: their files are open since the
#: source was opened or first read. The compressed array here is small, so it is read completely.
HELD_OPENED = {("zip", "rename")}
HELD_READ = {
    *HELD_OPENED,
    *[("npz", "rename"), ("npz-compressed", "rename"), ("npz-compressed", "in place")],
}


@pytest.mark.parametrize("way", WAYS)
def test_a_mixed_shard_is_not_written_and_restored_data_give_the_planned_one(
    data: Data, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each thread opens the file separately: a second thread might open it after the change.
    monkeypatch.setattr(prefetch, "THREADS", 1)
    config, out = config_of(data), tmp_path / "features" / "shard.h5"

    def extract(hook: Callable[[], None] = lambda: None) -> None:
        with planned_shard(config, "real", SHARD, None) as source:
            extract_shard(source, network(hook), 0, COUNT, out, batch_size=2)

    extract()
    undisturbed = features(out)
    out.unlink()

    # While the first batch is processed, three other batches have been read.
    if (data.kind, way) in HELD_READ:
        extract(lambda: data.put("B", way))
        assert np.array_equal(features(out), undisturbed)
        out.unlink()
    else:
        with refused():
            extract(lambda: data.put("B", way))
    assert list(out.parent.iterdir()) == []

    # Before a job starts.
    with refused():
        extract()
    assert list(out.parent.iterdir()) == []

    # The next plan reads B and not a mixture.
    other = config_of(data)
    assert set(other.planned.values()).isdisjoint(config.planned.values())
    with planned_images(other, "real") as source:
        np.testing.assert_array_equal(source.read(range(COUNT)), data.pixels["B"])

    data.put("A", way)
    assert config_of(data).planned == config.planned
    extract()
    assert np.array_equal(features(out), undisturbed)


@pytest.mark.parametrize("way", WAYS)
def test_other_processes_read_the_planned_data(data: Data, way: str) -> None:
    """Decode workers get a pickled source, and open the files separately and later."""
    with planned_shard(config_of(data), "real", SHARD, None) as source:
        sent = pickle.dumps(source)
        np.testing.assert_array_equal(pickle.loads(sent).read(range(4)), data.pixels["A"][:4])
        data.put("B", way)
        with pytest.raises(FringeError):
            pickle.loads(sent).read(range(4))
        data.put("A", way)
        np.testing.assert_array_equal(pickle.loads(sent).read(range(4)), data.pixels["A"][:4])


def test_a_worker_process_reports_a_change(tmp_path: Path) -> None:
    data = build(tmp_path, "zip")
    out = tmp_path / "shard.h5"
    with (
        refused(),
        planned_shard(config_of(data), "real", SHARD, None) as source,
    ):
        data.put("B", "rename")
        extract_shard(source, network(), 0, COUNT, out, batch_size=4, workers=1)
    assert not out.exists()


@pytest.mark.parametrize("seed", range(3))
def test_under_random_changes_an_image_is_the_planned_one_or_refused(data: Data, seed: int) -> None:
    """Contents are exchanged at random moments, also while a handle of an old content is open."""
    rng = np.random.default_rng(seed)
    source = open_source(data.place, cache=data.place.parent / "cache")
    source.fingerprint_of(0, COUNT)
    read = 0
    for _ in range(25):
        if rng.random() < 0.5:
            data.put("AB"[rng.integers(2)], WAYS[rng.integers(2)])
        reader = pickle.loads(pickle.dumps(source)) if rng.random() < 0.3 else source
        indices = rng.integers(0, COUNT, 3)
        try:
            found = reader.read(indices)
        except FringeError:
            continue
        read += 1
        np.testing.assert_array_equal(found, data.pixels["A"][indices])
    assert read


@pytest.mark.parametrize("way", WAYS)
def test_images_in_random_order_that_are_read_ahead_are_the_planned_ones(
    data: Data, way: str, tmp_path: Path
) -> None:
    config = config_of(data, count=20, seed=3)
    config.planned["sources/real/0000000-0000020"] = config.planned.pop(f"sources/real/{SHARD}")
    out = tmp_path / "shard.h5"
    data.put("B", way)
    with (
        refused(),
        planned_shard(config, "real", "0000000-0000020", None) as source,
    ):
        extract_shard(source, network(), 0, 20, out, batch_size=2)
    assert not out.exists()
    data.put("A", way)
    with (
        nullcontext() if (data.kind, way) in HELD_OPENED else refused(),
        planned_shard(config, "real", "0000000-0000020", None) as source,
    ):
        data.put("B", way)
        extract_shard(source, network(), 0, 20, out, batch_size=2)
    assert out.exists() == ((data.kind, way) in HELD_OPENED)


def test_images_that_are_removed_or_added_are_a_change(tmp_path: Path) -> None:
    data = build(tmp_path, "folder")
    config = config_of(data)
    with (
        refused(),
        planned_shard(config, "real", SHARD, None) as source,
    ):
        (data.place / "00001/000012.png").unlink()
        source.read(range(COUNT))
    data.put("A", "rename")
    (data.place / "00000/000000a.png").write_bytes((data.place / "00000/000000.png").read_bytes())
    with refused(), planned_images(config, "real"):
        pass


def test_a_folder_replaced_by_another_folder_is_a_change(tmp_path: Path) -> None:
    """In this case no file has a new time of change."""
    data = build(tmp_path, "folder")
    with (
        refused(),
        planned_shard(config_of(data), "real", SHARD, None) as source,
    ):
        data.place.rename(tmp_path / "aside")
        data.contents["B"].rename(data.place)
        source.read(range(COUNT))


# Remembered hashes.


class Clock:
    """A file system that stores whole seconds, and the clock of the machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.5
        self.stamps: dict[str, float] = {}
        self.on_sleep: Callable[[], None] = lambda: None
        monkeypatch.setattr(steady_module.time, "time", lambda: self.now)
        monkeypatch.setattr(steady_module.time, "sleep", self.sleep)
        monkeypatch.setattr(digests, "_stat", self.stat)

    def write(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)
        self.stamps[str(path)] = self.now // 1

    def sleep(self, seconds: float) -> None:
        self.on_sleep()
        self.now += seconds

    def stat(self, path: str | Path) -> os.stat_result:
        about, stamp = os.stat(path), self.stamps[str(path)]  # noqa: PTH116
        times = {"st_mtime_ns": int(stamp * 1e9), "st_ctime_ns": int(stamp * 1e9)}
        return os.stat_result(about[:10], times)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_second_change_within_one_step_of_the_clock_is_noticed(
    tmp_path: Path, clock: Clock
) -> None:
    path, cache = tmp_path / "file", tmp_path / "cache"
    clock.write(path, b"first")
    clock.on_sleep = lambda: clock.write(path, b"other")  # with the same size and times
    assert file_digests([path], cache) == [sha256(b"other")]
    assert clock.now >= 1002
    clock.on_sleep = lambda: None
    assert file_digests([path], cache) == [sha256(b"other")]
    # Remembered, now that any later change shows.
    path.write_bytes(b"third")
    assert file_digests([path], cache) == [sha256(b"other")]
    clock.write(path, b"third")
    assert file_digests([path], cache) == [sha256(b"third")]


def test_the_hash_of_a_file_changed_in_the_future_is_not_remembered(
    tmp_path: Path, clock: Clock
) -> None:
    path, cache = tmp_path / "file", tmp_path / "cache"
    clock.write(path, b"first")
    clock.now = 900.0  # the clock was set back
    assert file_digests([path], cache) == [sha256(b"first")]
    assert clock.now == 900.0
    path.write_bytes(b"other")  # when the clock shows the same second again
    assert file_digests([path], cache) == [sha256(b"other")]
    clock.now = 1003.0
    assert file_digests([path], cache) == [sha256(b"other")]
    path.write_bytes(b"third")
    assert file_digests([path], cache) == [sha256(b"other")]


@pytest.mark.parametrize("kind", ["folder", "lmdb", "hdf5", "tar", "parquet"])
def test_a_wrong_remembered_hash_ends_one_job_and_is_forgotten(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Example: the times of a file were set, on a file system without a time of change."""
    data = build(tmp_path, kind)
    times = {"st_mtime_ns": 10**9, "st_ctime_ns": 10**9}
    same = os.stat_result((0o100644, 1, 1, 1, 0, 0, 999, 1, 1, 1), times)
    monkeypatch.setattr(digests, "_stat", lambda path: same)
    config = config_of(data)
    data.put("B", "rename")
    assert config_of(data).planned == config.planned
    # The files of a folder are remembered separately.
    for _ in range(COUNT if kind == "folder" else 1):
        with refused(), planned_shard(config_of(data), "real", SHARD, None) as source:
            source.read(range(COUNT))
    with planned_images(config_of(data), "real") as source:
        np.testing.assert_array_equal(source.read(range(COUNT)), data.pixels["B"])


def test_hashes_of_two_states_of_a_file_are_never_remembered_as_one(tmp_path: Path) -> None:
    data, cache = build(tmp_path, "tar"), tmp_path / "cache"
    source = open_source(data.place, cache=cache)
    source.fingerprint_of(0, 4)
    data.put("B", "rename")
    with pytest.raises(ChangedError, match=r"data\.tar: was changed while it was read; run again"):
        source.fingerprint_of(4, 8)
    remembered = open_source(data.place, cache=cache).fingerprint_of(0, COUNT)
    assert remembered == open_source(data.place).fingerprint_of(0, COUNT)


# Files other than images.


def test_a_file_that_changes_within_the_block_is_refused(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_bytes(b"one")

    with refused(r"file: was changed while it was read; run again"), steady(path):
        path.write_bytes(b"two")
    with refused("file: was changed"), steady(path):
        other.write_bytes(b"two")
        other.replace(path)
    with refused("file: was changed"), steady(path):
        path.rename(other)
        path.write_bytes(b"2")
        other.replace(path)  # the original file
    with refused("file: was changed"), steady(path):
        path.unlink()
        raise FringeError("something else that follows from it")
    with refused("nothing that"), steady(path):
        raise FringeError("nothing that a change could explain")


def test_a_file_that_differs_from_the_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "statistics.npz"
    path.write_bytes(b"planned")
    config = run_config({"results": str(tmp_path), "planned": {str(path): sha256(b"planned")}})
    with planned_file(config, path):
        assert path.read_bytes() == b"planned"
    with refused(FILE), planned_file(config, path):
        path.write_bytes(b"another")
    with refused(FILE), planned_file(config, path):
        pytest.fail("nothing may be read")
    path.write_bytes(b"planned")
    with planned_file(config, path):
        assert path.read_bytes() == b"planned"


def test_a_job_that_plans_again_uses_the_data_of_its_run(tmp_path: Path) -> None:
    planned = {"sources/real": "a", "sources/real/0-9": "b", "weights/net": "c", "m.npz": "d"}
    refuse_other_plan(tmp_path, planned)  # without a run
    note_plan(tmp_path, planned)
    refuse_other_plan(tmp_path, {**planned, "weights/other": "e"})
    changed = {**planned, "sources/real": "x", "sources/real/0-9": "y", "m.npz": "z"}
    with pytest.raises(FringeError) as caught:
        refuse_other_plan(tmp_path, changed)
    lines = str(caught.value).splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["sources/real", "m.npz"]
    assert all("its data changed during the run" in line for line in lines)


# Generators, weights, published statistics, masks.


@pytest.fixture(scope="module")
def generators(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generators of each kind of file: A and B, in separate folders."""
    folder = tmp_path_factory.mktemp("generators")
    for seed, content in enumerate("AB"):
        place = folder / content
        place.mkdir()
        write_stylegan2_pickle(place / "made.pkl", resolution=8, seed=seed)
        convert(place / "made.pkl", place / "made.safetensors")
        scripted = torch.jit.script(Program(seed))
        torch.jit.save(scripted, place / "made.pt")
    return folder


class Program(torch.nn.Module):
    """A program that makes images of 8 x 8 pixels."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        weights = torch.randn(16, 3 * 8 * 8, generator=torch.Generator().manual_seed(seed))
        self.z_dim = 16
        self.weights = torch.nn.Parameter(weights / 8)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return torch.tanh(latents @ self.weights).reshape(-1, 3, 8, 8)


def swap(path: Path, other: Path) -> None:
    """Replace a file by a copy of another file."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(other.read_bytes())
    new.replace(path)


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
@pytest.mark.parametrize("name", ["made.pkl", "made.safetensors", "made.pt"])
def test_images_are_made_by_the_planned_generator(
    name: str, generators: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, shard = tmp_path / name, "0000000-0000004"
    swap(path, generators / "A" / name)
    spec = {"kind": "generator", "path": str(path), "count": 4, "seed": 1}
    spec |= {"truncation": 1.0, "noise": "const"}
    source = source_from_spec(spec, tmp_path / ".fingerprints")
    planned = {
        "sources/fake": source.fingerprint,
        f"sources/fake/{shard}": source.fingerprint_of(0, 4),
    }
    written = {"results": str(tmp_path), "device": "cpu", "sources": {"fake": spec}}
    keeping = {"extraction": {"keep_images": False}}
    config = run_config({**written, **keeping, "planned": planned})
    message = r"sources/fake: its data changed during the run"

    def made() -> np.ndarray:
        with planned_shard(config, "fake", shard, None) as source:
            return source.read(range(4))

    undisturbed = made()
    # Between a job's check of the file and the first image, which loads it; here, and in a worker.
    with refused(message), planned_shard(config, "fake", shard, None) as source:
        sent = pickle.dumps(source)
        swap(path, generators / "B" / name)
        source.read(range(4))
    with pytest.raises(ChangedError, match=r"was changed since it was opened \(its SHA-256 was"):
        pickle.loads(sent).read(range(4))
    with refused(message):
        made()

    # Between the digest and the tensors; also exchanged and put back.
    swap(path, generators / "A" / name)
    digest_of = loading._sha256

    def digest_and_swap(path: Path) -> str:
        digest = digest_of(path)
        swap(path, generators / "B" / name)
        return digest

    monkeypatch.setattr(loading, "_sha256", digest_and_swap)
    with refused(message):
        made()
    swap(path, generators / "A" / name)
    with refused(message), planned_seed(config, "fake", 7) as source:
        source.read([0])
    swap(path, generators / "A" / name)
    with pytest.raises(ChangedError, match=f"{name}: was changed while it was read"):
        loading.load_generator(path)
    monkeypatch.undo()
    swap(path, generators / "A" / name)
    np.testing.assert_array_equal(made(), undisturbed)


def weighted(path: Path, hook: Callable[[], None]) -> Any:
    """Return a loader that computes the digest of its weight file before it reads the file."""

    def load(weights: Path | None, device: torch.device) -> FeatureNetwork:
        assert weights == path
        digest = sha256(path.read_bytes())
        hook()
        shift = len(path.read_bytes())
        return FeatureNetwork(
            "weighted",
            3,
            None,
            digest,
            device,
            lambda x: Activations(x.float().mean((2, 3)) + shift),
        )

    return load


def test_features_are_of_the_planned_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "net.pth", tmp_path / "other.pth"
    path.write_bytes(b"one")
    other.write_bytes(b"another")
    entry = registry._entry_of("Weighted", 3, None, 0.1, "untrained:load", "random weights")
    monkeypatch.setitem(registry.NETWORKS, "weighted", entry)
    written = {"network": "weighted", "weights": {"weighted": str(path)}}
    places = {"weights_dir": str(tmp_path), "results": str(tmp_path)}
    config = run_config({**written, **places, "device": "cpu"})
    located = locate_weight_files(config, hash_cache(config))
    config.planned.update(planned_digests(config, {}, located))
    assert config.planned == {str(path): sha256(b"one"), "weights/weighted": sha256(b"one")}

    def loaded(hook: Callable[[], None] = lambda: None) -> FeatureNetwork:
        monkeypatch.setattr("fringe.networks.untrained.load", weighted(path, hook))
        return planned_network(config, "weighted", "float32")

    assert loaded().weight_file_sha256 == sha256(b"one")
    message = r"net\.pth: its data changed during the run"
    with refused(message):
        loaded(lambda: swap(path, other))
    with refused(message):
        loaded()
    path.write_bytes(b"one")

    def there_and_back() -> None:
        original = path.with_name("aside")
        path.rename(original)
        swap(path, other)
        original.replace(path)

    with refused(message):
        loaded(there_and_back)
    with pytest.raises(ChangedError, match=r"net\.pth: was changed while it was read"):
        registry.load_network("weighted", path)  # with the hook
    assert loaded().weight_file_sha256 == sha256(b"one")

    # The file was replaced by another published file with the same weights.
    config.planned["weights/weighted"] = sha256(b"that of another file")
    with refused(message):
        loaded()


def test_published_statistics_and_masks_are_the_planned_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, other = tmp_path / "statistics.npz", tmp_path / "other.npz"
    write_statistics(given, Gaussian(np.zeros(102), np.eye(102)))
    write_statistics(other, Gaussian(np.ones(102), np.eye(102)))
    statistics = {"untrained": {"path": str(given), "count": 9}}
    mask = tmp_path / "mask.png"
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(mask)
    photos = {"kind": "photos", "count": 4, "resolution": 16, "seed": 0}
    written: dict[str, Any] = {
        **{"results": str(tmp_path), "device": "cpu"},
        "sources": {"real": {**photos, "statistics": statistics}, "fake": photos},
        "datasets": {"faces": {"real": "real", "generated": "fake", "region": str(mask)}},
        "extraction": {"keep_images": False},
    }
    config = run_config(written)
    images = source_from_spec(photos).fingerprint
    sources = {name: {"fingerprint": images, "shards": {}} for name in ("real", "fake")}
    config.planned.update(planned_digests(config, sources, {}))
    assert {str(given), str(mask)} <= config.planned.keys()
    out = tmp_path / "out"

    def meanwhile(script: ModuleType, name: str, change: Callable[[], object]) -> None:
        """Make a change when a script calls a function."""
        called = getattr(script, name)
        monkeypatch.setattr(script, name, lambda *given: (change(), called(*given))[1])

    script = load(SCRIPTS / "measure_statistics.py")
    published = {"network": "untrained", "sha256": config.planned[str(given)], "count": 9}
    job = SimpleNamespace(
        config=config,
        output=[out],
        params=SimpleNamespace(published=published),
        wildcards=SimpleNamespace(space="features", n="9", source="real"),
    )
    script.main(job)
    assert load_gaussian(out)[1] == 9
    out.unlink()
    meanwhile(script, "read_statistics", lambda: swap(given, other))
    with refused(r"statistics\.npz: its data changed during the run"):
        script.main(job)
    assert not out.exists()

    script = load(SCRIPTS / "measure_region.py")
    maps = SimpleNamespace(maps=np.ones((3, 8, 8), np.float32))
    monkeypatch.setattr(script, "read_sensitivity", lambda path: maps)
    job = SimpleNamespace(
        config=config,
        input=[""],
        output=[out],
        params=SimpleNamespace(region={"network": "untrained"}),
        wildcards=SimpleNamespace(dataset="faces"),
    )
    script.main(job)
    assert out.exists()
    out.unlink()
    meanwhile(script, "open_region", lambda: Image.new("L", (8, 8), 9).save(mask))
    with refused(r"mask\.png: its data changed during the run"):
        script.main(job)
    assert not out.exists()
