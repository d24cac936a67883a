"""The state after a kill, damage or a full disk, and the recovery by the next run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fringe.features import open_features

Project = Any  # tests/dag/conftest.py

LINK = "features/fake/tiny_network.classifier.h5"
SHARDS = [
    f"features/fake/tiny_network.classifier/{first:07d}-{first + 40:07d}.h5"
    for first in (0, 40, 80)
]


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for a condition while a process works."""
    deadline = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def kill(process: subprocess.Popen[str]) -> None:
    """End a process and its children, as a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def identities(paths: list[Path]) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


def arrays(path: Path) -> list[np.ndarray]:
    file = open_features(path)
    return [file.read(space) for space in ("features", "logits")]


def same(one: Path, other: Path) -> bool:
    pairs = zip(arrays(one), arrays(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_killed_extraction_continues(fresh: Project, finished: Project) -> None:
    fresh.config["network"] = "tiny_network:slow"
    fresh.config["extraction"] |= {"shard_size": 20, "keep_images": False}
    link = "features/fake/tiny_network.slow.h5"
    folder = fresh.results / "features/fake/tiny_network.slow"

    def shards() -> list[Path]:
        return sorted(folder.glob("[0-9]*.h5"))

    process = fresh.start(link)
    until(lambda: len(shards()) >= 3, process)  # two work at a time
    kill(process)
    done = identities(shards())
    assert 3 <= len(done) < 6
    assert list((fresh.folder / ".snakemake/locks").iterdir()), "Snakemake left no lock to clear"

    made = fresh.executed(link)
    assert link in made
    # A shard whose job Snakemake had no time to record as done is made again.
    kept = {name: about for name, about in done.items() if f"{link[:-3]}/{name}" not in made}
    assert len(kept) >= 1
    assert kept.items() <= identities(shards()).items()
    assert len(made) == 1 + 6 - len(kept)
    assert same(fresh.results / link, finished.results / LINK)
    assert fresh.planned(link) == set()


def test_killed_optimization_continues(project: Project, tmp_path: Path) -> None:
    """The weights, draws and scores are equal to those of an undisturbed run, bit for bit."""
    project.clone_code(tmp_path / "code")
    module = project.code / "src/fringe/resampling/saved_state.py"
    text, edits = re.subn(r"^INTERVAL = 20.0", "INTERVAL = 0.2", module.read_text(), flags=re.M)
    assert edits == 1
    module.write_text(text)
    project.config["optimization"] = {"method": "reference", "evaluations": 4000}
    score = "scores/faces/prelogits/tiny_network.classifier.csv"
    made = {"weights/faces/prelogits.h5", "draws/faces/prelogits.h5", score}
    undisturbed = project.copy(tmp_path / "undisturbed")

    checkpoint = project.results / "weights/faces/prelogits.checkpoint"
    process = project.start(score)
    until(checkpoint.exists, process)
    kill(process)
    assert project.executed(score) == made
    log = project.results / "logs/optimize_weights/faces/prelogits.log"
    assert "continuing from this state" in log.read_text()
    assert not checkpoint.exists()

    assert undisturbed.executed(score) == made
    assert (project.results / score).read_bytes() == (undisturbed.results / score).read_bytes()
    with (
        h5py.File(project.results / "weights/faces/prelogits.h5") as one,
        h5py.File(undisturbed.results / "weights/faces/prelogits.h5") as other,
    ):
        assert np.array_equal(one["probabilities"][()], other["probabilities"][()])
        assert dict(one.attrs) == dict(other.attrs)


def test_a_living_run_keeps_its_lock(fresh: Project) -> None:
    """A second run in the same folder is refused, and the first run is not disturbed."""
    fresh.config["network"] = "tiny_network:held"
    link = "features/late/tiny_network.held.h5"
    (fresh.folder / "hold").touch()
    process = fresh.start(link)
    try:
        until(lambda: (fresh.folder / "computing").exists(), process)
        refused = f"{fresh.config['run']}: another run works in this folder"
        assert refused in fresh.run(link, fails=True)
        assert (fresh.folder / ".snakemake/locks/0.output.lock").exists()
    finally:
        (fresh.folder / "hold").unlink()
        assert process.wait() == 0
    assert fresh.planned(link) == set()


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_bit(path: Path, dataset: str) -> None:
    """Change one bit of the first chunk of an array."""
    with h5py.File(path) as file:
        offset = file[dataset].id.get_chunk_info(0).byte_offset
    with path.open("r+b") as file:
        file.seek(offset + 5)
        byte = file.read(1)[0]
        file.seek(offset + 5)
        file.write(bytes([byte ^ 4]))


@pytest.mark.parametrize(
    ("damaged", "damage", "made"),
    [
        (SHARDS[1], truncate, {SHARDS[1], LINK}),
        (SHARDS[2], empty, {SHARDS[2], LINK}),
        (LINK, truncate, {LINK}),
    ],
)
def test_only_a_truncated_file_is_made_again(
    project: Project,
    finished: Project,
    damaged: str,
    damage: Callable[[Path], None],
    made: set[str],
) -> None:
    path = project.results / damaged
    damage(path)
    printed = project.run(LINK)
    assert project.outputs(printed) == made
    assert f"{damaged}: " in printed
    assert path.with_name(f"{path.name}.damaged").exists()
    assert same(project.results / LINK, finished.results / LINK)
    for other in set(SHARDS) - made:
        times = [(one.results / other).stat().st_mtime_ns for one in (project, finished)]
        assert times[0] == times[1]


def test_a_dry_run_changes_nothing(project: Project) -> None:
    path = project.results / SHARDS[1]
    truncate(path)
    printed = project.run(LINK, options="--dry-run")
    assert re.search(rf"{SHARDS[1]}: .*\n.*a run would rename it", printed)
    assert path.exists()
    assert not path.with_name(f"{path.name}.damaged").exists()


def test_a_flipped_bit_of_features_is_noticed_and_repaired(
    project: Project, finished: Project
) -> None:
    draws = "draws/faces/matched.h5"
    flip_bit(project.results / SHARDS[1], "logits")
    # As in an earlier version or a large file, only the checksum of the chunk shows the damage.
    (project.results / f".seals/{SHARDS[1]}.json").unlink()
    (project.results / draws).unlink()
    printed = project.run(draws, fails=True)
    assert SHARDS[1] in printed
    assert "renamed to" in printed
    assert not (project.results / draws).exists()

    assert project.executed(draws) == {SHARDS[1], LINK, "matched/faces.h5", draws}
    with h5py.File(project.results / draws) as one, h5py.File(finished.results / draws) as other:
        assert np.array_equal(one["indices"][()], other["indices"][()])


def test_a_flipped_bit_of_images_is_noticed_and_repaired(
    project: Project, finished: Project
) -> None:
    image = "images/fake/0000040-0000080.h5"
    flip_bit(project.results / image, "images")
    (project.results / SHARDS[1]).unlink()
    printed = project.run(SHARDS[1])
    assert f"{image}: is not the file that its job wrote" in printed
    assert "renamed to" in printed
    assert project.outputs(printed) == {image, SHARDS[1]}
    assert same(project.results / SHARDS[1], finished.results / SHARDS[1])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(place)]
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root may mount a small file system")
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_reported_and_survived(
    fresh: Project, finished: Project, small_disk: Path
) -> None:
    (fresh.folder / "results").symlink_to(small_disk)
    printed = fresh.run(LINK, fails=True)
    assert re.search(r"error: \S+\.(h5|log): cannot be written \(.*No space left", printed), printed
    left = [path for path in fresh.results.rglob("*") if path.is_file()]
    assert not [path for path in left if ".part" in path.name]
    shards = [path for path in left if path.suffix == ".h5"]
    assert shards, "the disk is too small to begin with"
    for path in shards:
        with h5py.File(path) as file:
            assert len(file)
    done = identities(shards)

    subprocess.run(["mount", "-o", "remount,size=30m", str(small_disk)], check=True)
    made = fresh.executed(LINK)
    assert same(fresh.results / LINK, finished.results / LINK)
    kept = {name: about for name, about in done.items() if not any(name in m for m in made)}
    assert kept
    assert kept.items() <= identities(shards).items()


@pytest.mark.parametrize(
    ("extraction", "cores"),
    [
        # Very short jobs: one batch in each shard.
        ({"minutes_per_job": 0.001, "workers": 0, "keep_images": False}, 1),
        ({"shard_size": 60, "workers": 1, "keep_images": True, "scratch": True}, 2),
        # Two jobs at a time with two cores each: half of the images in each shard.
        ({"workers": 1, "keep_images": False}, 4),
    ],
)
def test_features_do_not_depend_on_how_they_are_extracted(
    fresh: Project, finished: Project, extraction: dict[str, Any], cores: int
) -> None:
    fresh.config["extraction"] = {"batch_size": 20, **extraction}
    fresh.run(LINK, cores=cores)
    assert same(fresh.results / LINK, finished.results / LINK)
    assert (fresh.results / "images").exists() == extraction["keep_images"]
    shards = len(list((fresh.results / LINK).with_suffix("").glob("*.h5")))
    assert shards == (6 if "minutes_per_job" in extraction else 2)
    assert (fresh.results / "shards.json").exists() == ("shard_size" not in extraction)


def test_shards_sized_by_minutes_get_enough_time(fresh: Project) -> None:
    """Existing shards determine the size, and the size determines a job's time limit."""
    fresh.config["extraction"] = {"batch_size": 20, "minutes_per_job": 30}
    shard = fresh.results / "features/fake/tiny_network.control/0000000-0000080.h5"
    shard.parent.mkdir(parents=True)
    shard.touch()
    printed = fresh.run(LINK, options="--dry-run")
    assert not (fresh.results / "shards.json").exists()
    places = ("images/fake", "tiny_network.classifier")
    job = (
        r"output: \S+/(images/fake/\S+|tiny_network.classifier/\S+)\.h5\n(?:.+\n)*?.*runtime=(\d+)"
    )
    limits = {match[1]: int(match[2]) for match in re.finditer(job, printed)}
    assert limits == {
        **{f"{place}/0000000-0000080": 10 + 4 * 30 for place in places},
        **{f"{place}/0000080-0000120": 10 + 4 * 15 for place in places},
    }
