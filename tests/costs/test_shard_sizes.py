"""Sizes of shards by minutes or by cores: chosen from measured speeds once, then kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fringe.config import choices
from fringe.costs import shard_sizes
from fringe.costs.rates import RATES, START
from fringe.costs.remembered_sizes import read_sizes, remember_sizes
from fringe.errors import FringeError
from fringe.plan import layout
from fringe.running import opening
from fringe.running.planner import Planner
from fringe.sources.kinds import KINDS

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """30,000 photographs, and 30,000 imitations of 512 x 512 pixels, which are slow to make."""
    return {
        "run": "mine",
        "results": str(tmp_path),
        "device": "cpu",
        "network": "efficientnet-lite0",
        "sources": {
            "real": {"kind": "photos", "count": 30_000, "resolution": 512},
            "fake": {"kind": "imitation", "count": 30_000, "resolution": 512},
        },
        "datasets": {"faces": {"real": "real", "generated": "fake"}},
        "evaluation": {"n_real": 400, "n_generated": 600},
        "sensitivity": {"datasets": []},
        "extraction": {"minutes_per_job": 2},
    }


def planned(config: dict[str, Any], cores: int | None = None) -> choices.Sources:
    """Descriptions of the sources after planning the run now."""
    return opening.check(config, cores=cores)[1]


def started(config: dict[str, Any], cores: int | None = None) -> choices.Sources:
    """Descriptions of the sources after starting the run now."""
    completed, sources = opening.check(config, cores=cores)
    remember_sizes(completed, sources)
    return sources


def sizes(config: dict[str, Any], cores: int | None = None) -> dict[str, int]:
    """The number of images in a shard of each source after starting the run now."""
    sources = started(config, cores)
    for source in sources.values():
        bounds = layout.shard_bounds(source["count"], source["shard_size"])
        assert list(source["shards"]) == [layout.shard_name(*pair) for pair in bounds]
    return {name: source["shard_size"] for name, source in sources.items()}


def take(folder: Path, name: str, seconds: float, log: str = "") -> None:
    """Record a time for a job."""
    for path, text in (
        (folder / "benchmarks" / f"{name}.tsv", f"s\tmax_rss\n{seconds}\t100.0\n"),
        (folder / "logs" / f"{name}.log", log),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


EXTRACT = "extract_features/{}/efficientnet-lite0/0000000-0001000"


def in_time(rate: float, minutes: float = 2, batch: int = 50) -> int:
    return int((60 * minutes - START) * rate) // batch * batch


def test_the_slowest_job_takes_the_configured_minutes(config: dict[str, Any]) -> None:
    network = RATES["network"]["cpu"] / 0.4e9
    speed = KINDS["imitation"].pixels_per_second
    assert speed is not None
    rendering = speed["cpu"] / 512**2
    assert rendering < network
    assert sizes(config) == {"real": in_time(network), "fake": in_time(rendering)}
    # Images that are not kept are made by the job that extracts their features.
    config |= {"run": "other"}
    config["extraction"] |= {"keep_images": False}
    both = 1 / (1 / network + 1 / rendering)
    assert sizes(config) == {"real": in_time(network), "fake": in_time(both)}
    config |= {"run": "third"}
    config["extraction"] = {"minutes_per_job": 0.01, "batch_size": 8}
    assert sizes(config) == {"real": 8, "fake": 8}, "at least one batch"


def test_measured_speeds_are_used(config: dict[str, Any], tmp_path: Path) -> None:
    take(tmp_path / "earlier", EXTRACT.format("cats"), START + 50)
    take(tmp_path / "earlier", EXTRACT.format("dogs"), START + 10, "computing on Some GPU (cuda:0)")
    take(tmp_path / "mine", "render_images/fake/0000000-0000500", START + 100)
    assert sizes(config) == {"real": in_time(20), "fake": in_time(5)}
    config |= {"run": "other", "device": "cuda"}
    assert sizes(config)["real"] == in_time(100)
    # Once a job had a GPU, jobs are assumed to get one.
    config |= {"run": "third", "device": "auto"}
    assert sizes(config)["real"] == in_time(100)


@pytest.mark.parametrize(
    ("command", "here", "device"),
    [(None, False, "cpu"), ("sbatch", False, "cuda"), (None, 1, "cuda")],
)
def test_sizes_are_for_a_gpu_if_jobs_can_get_one(
    config: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    command: str | None,
    here: bool,
    device: str,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: command if name == "sbatch" else None)
    monkeypatch.setattr(shard_sizes, "gpu_is_here", lambda: here)
    config["device"] = "auto"
    known = started(config)
    assert {source["device"] for source in known.values()} == {device}
    # The run keeps this device, wherever it is planned next.
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(shard_sizes, "gpu_is_here", lambda: device == "cpu")
    assert planned(config) == known
    # A change of the minutes chooses again.
    config["extraction"] = {"minutes_per_job": 3}
    assert {source["device"] for source in planned(config).values()} != {device}


def test_a_plan_without_a_run_fixes_no_sizes(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan on a laptop must not determine the sizes on a machine with a GPU."""
    config["device"] = "auto"
    monkeypatch.setattr(shard_sizes, "_likely_device", lambda _: "cpu")
    on_cpu = planned(config)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(shard_sizes, "_likely_device", lambda _: "cuda")
    on_gpu = started(config)
    assert on_gpu["real"]["shard_size"] > 10 * on_cpu["real"]["shard_size"]
    # From now on the sizes are fixed, for jobs on nodes of any kind and for later plans.
    monkeypatch.setattr(shard_sizes, "_likely_device", lambda _: "cpu")
    assert planned(config) == on_gpu
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["shards.json"]


def test_a_run_keeps_its_sizes(config: dict[str, Any], tmp_path: Path) -> None:
    first = sizes(config)
    take(tmp_path / "mine", EXTRACT.format("real"), START + 500)
    take(tmp_path / "mine", "render_images/fake/0000000-0000500", START + 500)
    config["controls"] = ["untrained", "swav"]
    config["sources"]["real"]["count"] = 20_000
    assert sizes(config) == first
    config["sources"]["more"] = {**config["sources"]["real"], "seed": 1}
    config["datasets"]["more"] = {"real": "more", "generated": "fake"}
    grown = sizes(config)
    assert grown == {**first, "more": in_time(2)}
    config["extraction"]["batch_size"] = 32
    del config["sources"]["more"], config["datasets"]["more"]
    fitting = sizes(config)
    assert fitting != first
    assert all(size % 32 == 0 for size in fitting.values())
    # A source that was left out for a while keeps its shards.
    config["extraction"]["batch_size"] = 50
    config["sources"]["more"] = {**config["sources"]["real"], "seed": 1}
    config["datasets"]["more"] = {"real": "more", "generated": "fake"}
    assert sizes(config)["more"] == grown["more"]
    # Other minutes request new sizes, which use the speed known now.
    config["extraction"] = {"minutes_per_job": 4}
    assert sizes(config) == {"real": in_time(2, 4), "fake": in_time(1, 4), "more": in_time(2, 4)}


def test_lost_sizes_are_inferred_from_existing_shards(
    config: dict[str, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    afresh = sizes(config)
    memory = folder / "shards.json"
    touch(folder, "features/real/untrained/0000000-0008000.h5")
    assert sizes(config) == afresh
    for lost in ("", "{}", "[1]", '{"minutes_per_job": 2, "device": "cpu", "sizes": {"real": 0}}'):
        memory.write_text(lost)
        assert sizes(config) == {**afresh, "real": 8000}
    # If there are several sizes, the size of most images is used. The last shard is smaller.
    memory.unlink()
    touch(
        folder,
        "features/real/untrained/0000000-0000050.h5",
        "features/real/untrained/0016000-0024000.h5",
        "features/real/untrained/0024000-0030000.h5",
        "images/fake/0000000-0020000.h5",
        "images/fake/0020000-0030000.h5",
        "images/fake/.0000000-0030000.12.part.h5",
        "images/fake/0000000-0030000.h5.damaged",
    )
    assert sizes(config) == {"real": 8000, "fake": 20_000}
    # A request for new sizes takes precedence over existing shards.
    config["extraction"] = {"minutes_per_job": 1}
    assert sizes(config)["fake"] != 20_000


def test_a_plan_of_all_jobs_has_the_same_shards(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "mine", "images/fake/0000000-0020000.h5")
    completed, sources = opening.check(config)
    first = {name: about["shard_size"] for name, about in sources.items()}
    cache = layout.hash_cache(completed)
    cache.mkdir(exist_ok=True)

    def seen(self: Planner, results: str | None = None) -> str:
        assert results is not None
        assert sizes({**config, "results": results}) == first
        elsewhere = completed.model_copy(update={"results": results})
        assert layout.hash_cache(elsewhere).samefile(cache)
        return ""

    monkeypatch.setattr(Planner, "plan", seen)
    planner = Planner(tmp_path / "c.yaml", tmp_path / "Snakefile", tmp_path, 1)
    assert planner.plan_afresh(completed, sources) == []
    assert cache.is_dir()
    assert not (tmp_path / "mine/shards.json").exists()


def test_records_are_not_read_once_sizes_are_known(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sizes(config)
    memory = tmp_path / "mine" / "shards.json"
    assert json.loads(memory.read_text())["sizes"] == first
    state = memory.stat()
    monkeypatch.setattr("fringe.costs.shard_sizes.read_records", None)
    assert sizes(config) == first
    assert memory.stat().st_mtime_ns == state.st_mtime_ns
    config["extraction"] = {"shard_size": 500}
    assert sizes(config) == {"real": 500, "fake": 500}


def test_a_shard_has_one_size(config: dict[str, Any]) -> None:
    config["extraction"]["shard_size"] = 500
    with pytest.raises(FringeError, match="minutes_per_job: conflicts with extraction/shard_size"):
        sizes(config)
    config["extraction"] = {"minutes_per_job": 0}
    with pytest.raises(FringeError, match="extraction/minutes_per_job: 0 is not greater than 0"):
        sizes(config)


@pytest.fixture
def following(config: dict[str, Any]) -> dict[str, Any]:
    """4,000 photographs, and 1,200 imitations that are fast to make; sizes depend on the cores.

    By default EfficientNet-Lite0 processes 35 images per second, and the control more.
    """
    config["sources"]["real"] |= {"count": 4000, "resolution": 32}
    config["sources"]["fake"] |= {"count": 1200, "resolution": 32}
    config["controls"] = ["resnet50"]  # 4.1e9 multiply-adds for an image: 0.293 s
    del config["extraction"]
    return config


def test_small_sources_use_all_cores(following: dict[str, Any]) -> None:
    assert sizes(following, 2) == {"real": 2000, "fake": 600}
    following["run"] = "other"
    # Multiples of the batch: 1,334 and 400 images.
    assert sizes(following, 3) == {"real": 1350, "fake": 400}
    following["run"] = "third"
    # Jobs work 16 s: 100 photographs, at 0.161 s on average.
    assert sizes(following, 64) == {"real": 100, "fake": 150}
    following |= {"run": "fourth", "extraction": {"workers": 3}}
    # Four cores for each job.
    assert sizes(following, 8) == {"real": 2000, "fake": 600}


@pytest.mark.parametrize(
    ("count", "at_a_time", "seconds", "batch", "size"),
    [
        (4000, 2, [0.03], 50, 2000),
        (1200, 2, [0.03], 50, 600),
        (1000, 2, [0.03], 50, 1000),  # 533 images are 16 s
        (1000, 2, [0.03, 0.05], 50, 500),
        (1001, 2, [0.1], 50, 550),
        (120, 2, [0.0001], 50, 150),
        # Large sets: at most 5,000 images, and the same number of shards for each core.
        (12_000, 2, [0.1], 50, 3000),
        (50_000, 2, [0.1], 50, 5000),
        (50_000, 64, [0.1], 50, 800),
        (1_000_000, 64, [0.1], 50, 3950),
        (50_000, 64, [1e-5], 50, 5000),
        (50_000, 2, [0.1], 64, 4224),
        (20_000, 2, [0.1], 6000, 6000),
        # One job at a time: the usual size.
        (1200, 1, [0.1], 50, 5000),
        (12_000, 1, [0.1], 50, 5000),
        (12_000, 1, [0.1], 64, 4992),
    ],
)
def test_sizes_of_shards_for_cores(
    count: int, at_a_time: int, seconds: list[float], batch: int, size: int
) -> None:
    assert shard_sizes._size_for_cores(count, at_a_time, seconds, batch) == size


def test_jobs_on_a_gpu_or_elsewhere_have_large_shards(
    following: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    large = {"real": 5000, "fake": 5000}
    assert {name: one["shard_size"] for name, one in planned(following, 1).items()} == large
    for device, here, follows in (
        ("cpu", True, True),
        ("auto", False, True),
        ("auto", True, False),
        ("cuda", False, False),
    ):
        monkeypatch.setattr(shard_sizes, "gpu_is_here", lambda here=here: here)
        found = planned(following | {"device": device}, 2)
        chosen = {name: one["shard_size"] for name, one in found.items()}
        assert (chosen != large) == follows
        # No shard is sized for a GPU unless the configuration sets one.
        assert {one["device"] for one in found.values()} == {"cuda" if device == "cuda" else "cpu"}


def test_measured_speeds_change_sizes_for_cores(following: dict[str, Any], tmp_path: Path) -> None:
    """Jobs with fast networks need larger shards to justify their start-up time."""
    assert {one["shard_size"] for one in planned(following, 64).values()} == {100, 150}
    take(tmp_path / "earlier", EXTRACT.format("cats"), START + 10)
    take(tmp_path / "earlier", EXTRACT.replace("efficientnet-lite0", "resnet50").format("a"), 14)
    assert {name: one["shard_size"] for name, one in planned(following, 64).items()} == {
        "real": 2000,  # 1,600 images at 100 per second
        "fake": 1200,
    }


def test_sizes_for_cores_are_kept(following: dict[str, Any], tmp_path: Path) -> None:
    first = sizes(following, 2)
    assert sizes(following, 64) == first, "on another machine"
    following["sources"]["real"]["count"] = 6000
    following["sources"]["more"] = {**following["sources"]["fake"], "seed": 1}
    following["datasets"]["more"] = {"real": "real", "generated": "more"}
    assert sizes(following, 3) == first | {"more": 400}
    kept = read_sizes(opening.check(following)[0])
    assert (kept["minutes_per_job"], kept["device"]) == (None, "cpu")
    # Minutes request new sizes. Without minutes, existing shards would be kept, but there are none.
    following["extraction"] = {"minutes_per_job": 2}
    in_minutes = sizes(following)
    assert in_minutes != first | {"more": 400}
    touch(tmp_path / "mine", f"images/fake/0000000-{min(in_minutes['fake'], 1200):07d}.h5")
    del following["extraction"]
    assert sizes(following, 2)["fake"] != first["fake"]


def test_runs_of_earlier_versions_keep_their_shards(
    following: dict[str, Any], tmp_path: Path
) -> None:
    following["sources"]["real"]["count"] = 12_000
    shards = ("0000000-0005000", "0005000-0010000", "0010000-0012000")
    touch(tmp_path / "mine", *(f"features/real/efficientnet-lite0/{name}.h5" for name in shards))
    touch(tmp_path / "mine", "features/fake/efficientnet-lite0/0000000-0001200.h5")
    found = started(following, 2)
    assert tuple(found["real"]["shards"]) == shards
    assert list(found["fake"]["shards"]) == ["0000000-0001200"]
