"""Truncated, changed, exchanged or replaced artifacts of a run are noticed and made again."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.hostile.bounds import bounded

from fringe.costs.remembered_sizes import read_sizes, remember_sizes
from fringe.errors import DamagedFileError, FringeError
from fringe.evaluation import (
    Extension,
    load_draws,
    load_extension,
    load_gaussian,
    load_weights,
    save_draws,
    save_extension,
    save_gaussian,
    save_weights,
)
from fringe.features import link_shards, open_features
from fringe.files import seals
from fringe.files.hdf5 import create_h5, is_made_from
from fringe.metrics import Gaussian
from fringe.resampling import CHECKS, PATH, Weights
from fringe.resampling.saved_state import Checkpoint
from fringe.running.damage import damaged_files, rename_corrupt, rename_damaged
from fringe.scores.convergence import write_convergence
from fringe.scores.region_noise import (
    read_region_noise,
    read_region_shares,
    write_region_noise,
    write_region_shares,
)
from fringe.scores.rows import read_scores, write_scores
from fringe.scores.self_check import Check, read_checks, write_checks
from fringe.sensitivity import (
    Examples,
    Sensitivity,
    read_sensitivity,
    write_examples,
    write_sensitivity,
)
from fringe.sensitivity.means import Group, write_groups
from fringe.sources import PhotoSource, render_shard
from fringe.sources.memory import Memory

from ..run_configs import run_config

SCORE = {"metric": "fid", "repeat": 0, "value": 4.25, "n_real": 40, "n_generated": 60}
LABELS = {"dataset": "faces", "scheme": "random", "network": "tiny", "space": "features"}


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape)


def write_shard(path: Path, first: int, last: int, seed: int) -> None:
    about = {"first": first, "last": last, "network": "net", "images": f"{seed} {first}"}
    with create_h5(path, about) as file:
        values = numbers(last - first, 3, seed=seed + first).astype("f4")
        file.create_dataset("features", data=values, fletcher32=True)


def write_convergence_of(path: Path, seed: int) -> None:
    row = {"solver": "ours", "evaluation": seed, "objective": 1 / (2 + seed)}
    write_convergence(path, [{**row, "timed_steps": 3, "threads": 1}], {"dataset": "faces"})


def write_weights(path: Path, seed: int) -> None:
    weights = Weights(
        probabilities=numbers(50, seed=seed),
        reduced_costs=numbers(50, seed=seed + 1),
        objective=1.0,
        lower_bound=0.5,
        path=numbers(4, len(PATH)),
        checks=numbers(2, len(CHECKS)),
    )
    save_weights(path, weights, {"network": "net"})


def write_maps(path: Path, seed: int) -> None:
    maps = numbers(6, 4, 4, seed=seed).astype("f4")
    about = {"first": 0, "last": 6, "network": "net"}
    write_sensitivity(path, Sensitivity(maps, numbers(8, 8, 3), None, None, None, about))


def write_checks_of(path: Path, seed: int) -> None:
    one = Check("loss", 4.9, 4.9 + seed, 0.0, 0, 0.1, "why", 40, 60, 60, seed)
    write_checks(path, [one])


def write_linked(path: Path, seed: int) -> None:
    shards = [path.with_suffix("") / name for name in ("0-4.h5", "4-8.h5")]
    for number, shard in enumerate(shards):
        write_shard(shard, 4 * number, 4 * number + 4, seed)
    link_shards(shards, path, {"images": str(seed)})


# For each kind, a writer of two files with the names of a run; the seed distinguishes them.
WRITERS: dict[str, Callable[[Path, int], None]] = {
    "scores/faces/{}/net.csv": lambda path, seed: write_scores(path, [SCORE], LABELS, seed),
    "scores/{}/sizes.csv": lambda path, seed: write_scores(path, [SCORE], LABELS, seed),
    "convergence/{}.csv": write_convergence_of,
    "sensitivity/faces/noise-{}.csv": lambda path, seed: write_region_noise(
        path,
        [{"network": "net", "region": "everywhere", "scale": 0.1, "value": seed, "n_real": 40,
          "n_generated": 60, "seed": 0}],
        "faces",
    ),
    "sensitivity/{}/region.csv": lambda path, seed: write_region_shares(
        path,
        [{"dataset": "faces", "network": "net", "share": seed, "low": 0, "high": 1, "area": 0.5,
          "n": 4}],
    ),
    "checks/{}.json": write_checks_of,
    "draws/faces/{}.h5": lambda path, seed: save_draws(
        path, [np.arange(9) + seed, np.arange(9)], {"seed": seed}
    ),
    "weights/faces/{}.h5": write_weights,
    "statistics/real/net/features-{}.h5": lambda path, seed: save_gaussian(
        path, Gaussian(numbers(5, seed=seed), np.eye(5)), 40, {"network": "net"}
    ),
    "matched/{}.h5": lambda path, seed: save_extension(
        path, Extension(np.arange(3) + seed, np.arange(3), 9, {}), 20, {}
    ),
    "matched/faces/{}.h5": lambda path, seed: write_shard(path, 0, 4, seed),
    "sensitivity/faces/{}.h5": write_maps,
    "sensitivity/{}/means.h5": lambda path, seed: write_groups(
        path, [Group("All images", 4, numbers(8, 8, 3, seed=seed), numbers(4, 4))], {}
    ),
    "sensitivity/faces/net-{}.h5": lambda path, seed: write_examples(
        path, Examples(np.full((1, 8, 8, 3), seed, "u1"), numbers(1, 4, 4), None, None), {}
    ),
    "images/{}/0000000-0000004.h5": lambda path, seed: render_shard(
        PhotoSource(4, 16, seed), 0, 4, path, {"images": str(seed)}
    ),
    "images/{}/unpacked.h5": lambda path, seed: write_shard(path, 0, 4, seed),
    "features/{}/net/0-4.h5": lambda path, seed: write_shard(path, 0, 4, seed),
    "features/{}/net.h5": write_linked,
    "tables/table{}.md": lambda path, seed: path.write_text(f"| FID | 4.{seed} |\n"),
    "figures/figure{}.png": lambda path, seed: path.write_bytes(bytes([137, 80, seed])),
}  # fmt: skip
NAMES = ("1", "2")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two files of every kind, all sealed. Do not change it: make a copy."""
    run = tmp_path_factory.mktemp("made") / "run"
    for pattern, write in WRITERS.items():
        for name in NAMES:
            path = run / pattern.format(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, int(name))
    for path in artifacts(run):
        seals.seal(run, path)
    return run


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of the run with hard links, which a test replaces and never overwrites."""
    for path in made.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(made)
            copy.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, copy)
    return tmp_path


def artifacts(run: Path) -> list[Path]:
    found = [path for path in run.rglob("*") if path.is_file()]
    return sorted(path for path in found if ".seals" not in path.parts)


def replace(path: Path, content: bytes) -> None:
    """Give a name to a new file, so that other links to the old file stay unchanged."""
    path.unlink()
    path.write_bytes(content)


def exchange(one: Path, other: Path) -> None:
    third = one.with_name("third")
    one.rename(third)
    other.rename(one)
    third.rename(other)


def changed(content: bytes, rng: random.Random) -> bytes:
    """Return a content that is truncated, or has a changed bit, digit or block."""
    place = rng.randrange(len(content))
    how = rng.choice(["cut", "flip", "zeros", "digit", "longer"])
    if how == "cut":
        return content[:place]
    if how == "longer":
        return content + content[:1]
    new = bytearray(content)
    if how == "flip":
        new[place] ^= 1 << rng.randrange(8)
    elif how == "zeros":
        new[place : place + 512] = bytes(len(new[place : place + 512]))
    else:
        digits = [i for i, byte in enumerate(content) if 48 <= byte < 58] or [place]
        new[rng.choice(digits)] = rng.randrange(48, 58)
    return bytes(new)


def test_files_that_jobs_wrote_are_complete(run: Path) -> None:
    assert len(list(seals.sealed(run))) == len(artifacts(run)) > 40
    assert damaged_files(run) == {}
    assert rename_damaged(run) == []


@pytest.mark.parametrize("seed", range(3))
def test_any_change_of_any_file_is_noticed(run: Path, seed: int) -> None:
    """Each kind has ten variants; only the changed file and its link of shards are renamed."""
    rng = random.Random(seed)
    for path in artifacts(run):
        whole = path.read_bytes()
        for _ in range(10):
            content = changed(whole, rng)
            if content == whole:
                continue
            replace(path, content)
            assert seals.fault(run, path) is not None, path
        replace(path, whole)
        assert seals.fault(run, path) is None


@pytest.mark.parametrize("pattern", WRITERS)
def test_two_exchanged_files_of_a_kind_are_renamed(run: Path, pattern: str) -> None:
    one, other = (run / pattern.format(name) for name in NAMES)
    exchange(one, other)
    again = rename_damaged(run)
    assert {one, other} <= set(again)
    # The file that links shards is renamed together with one of them.
    links = {run / f"features/{name}/net.h5" for name in NAMES}
    assert set(again) - {one, other} <= (links if pattern.startswith("features") else set())
    assert not one.exists()
    assert other.with_name(f"{other.name}.damaged").exists()


def test_files_of_two_kinds_and_their_seals_that_are_exchanged_are_noticed(run: Path) -> None:
    """Each file is complete and has a matching seal, but is in the place of another file."""
    for one, other in combinations(artifacts(run)[::5], 2):
        exchange(one, other)
        exchange(*(run / ".seals" / f"{path.relative_to(run)}.json" for path in (one, other)))
        assert seals.fault(run, one) is not None
        assert seals.fault(run, other) is not None
        exchange(one, other)
        exchange(*(run / ".seals" / f"{path.relative_to(run)}.json" for path in (one, other)))
    assert damaged_files(run) == {}


def test_two_shards_of_one_source_that_are_exchanged_are_noticed(run: Path) -> None:
    shards = [run / f"features/1/net/{name}.h5" for name in ("0-4", "4-8")]
    exchange(*shards)
    assert set(damaged_files(run)) == {*shards, run / "features/1/net.h5"}


def test_an_earlier_version_of_a_file_is_noticed(run: Path) -> None:
    path = run / "draws/faces/1.h5"
    old = path.read_bytes()
    path.unlink()
    WRITERS["draws/faces/{}.h5"](path, 3)
    seals.seal(run, path)
    assert seals.fault(run, path) is None
    replace(path, old)
    assert damaged_files(run) == {
        path: "is not the file that its job wrote: it was changed, or exchanged with another file"
    }


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"file": 3}', b"\xff\xfe", b"null"])
def test_a_file_with_a_damaged_seal_is_made_again(run: Path, content: bytes) -> None:
    path = run / "scores/1/sizes.csv"
    replace(run / ".seals/scores/1/sizes.csv.json", content)
    (reason,) = damaged_files(run).values()
    assert "its seal is damaged" in reason
    assert rename_damaged(run) == [path]
    assert not (run / ".seals/scores/1/sizes.csv.json").exists()


def test_files_of_earlier_versions_are_accepted(run: Path) -> None:
    for path in seals.sealed(run):
        seals.remove(run, path)
    path = run / "scores/faces/1/net.csv"
    replace(path, path.read_bytes()[:-20])
    assert damaged_files(run) == {}


def test_exchanged_shards_without_seals_are_noticed_by_their_attributes(run: Path) -> None:
    for path in seals.sealed(run):
        seals.remove(run, path)
    shards = [run / f"features/1/net/{name}.h5" for name in ("0-4", "4-8")]
    exchange(*shards)
    found = damaged_files(run)
    assert set(found) == {*shards, run / "features/1/net.h5"}
    assert found[shards[0]] == "contains images 4 to 8"
    other = run / "features/1/other/0-4.h5"
    other.parent.mkdir()
    shards[1].rename(other)  # which contains images 0 to 4
    assert damaged_files(run)[other] == "contains features of net"


def test_a_renamed_file_is_made_again_until_it_exists(run: Path) -> None:
    path = run / "scores/1/sizes.csv"
    whole = path.read_bytes()
    replace(path, whole[:9])
    assert rename_damaged(run, dry=True) == [path]
    assert path.exists()
    assert rename_damaged(run) == [path]
    assert rename_damaged(run) == [path], "a run that was killed has not made it again"
    path.write_bytes(whole)
    assert rename_damaged(run) == []


def test_a_large_shard_is_identified_by_pieces_and_other_files_by_all_bytes(tmp_path: Path) -> None:
    content = bytearray(numbers(1 << 18).tobytes())
    for place, noticed in (("features/1/net/0-4.h5", False), ("statistics/1/net/a-4.h5", True)):
        path = tmp_path / place
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        seals.seal(tmp_path, path)
        for offset in (0, len(content) // 2, len(content) - 1, len(content) // 4):
            content[offset] ^= 1
            path.write_bytes(content)
            is_piece = offset != len(content) // 4
            assert (seals.fault(tmp_path, path) is not None) == (is_piece or noticed)
            content[offset] ^= 1


def test_unfinished_outputs_are_made_again_independent_of_times(run: Path) -> None:
    """This is true even if no existing file looks older than its inputs."""
    scores = next(path for path in sorted(seals.sealed(run)) if path.suffix == ".csv")
    seals.begin(run, scores)
    assert rename_damaged(run) == []  # of a run that is working, or was killed after its end
    content = scores.read_bytes()
    scores.unlink()
    assert rename_damaged(run) == [scores]
    assert rename_damaged(run, dry=True) == [scores]
    scores.write_bytes(content)
    seals.seal(run, scores)
    scores.unlink()  # by a user who needs the space
    assert rename_damaged(run) == []


def link(run: Path) -> Path:
    return run / "features/1/net.h5"


def test_exchanged_shards_of_two_sources_are_noticed_by_readers_of_the_link(
    run: Path,
) -> None:
    """Their images, extents and network match; only the fingerprints of the images differ."""
    assert len(open_features(link(run))) == 8
    exchange(*(run / f"features/{name}/net/0-4.h5" for name in NAMES))
    with pytest.raises(FringeError, match="its shards hold features of other images"):
        open_features(link(run))


def test_a_link_of_an_earlier_version_does_not_identify_its_images(run: Path) -> None:
    whole = link(run).read_bytes()
    replace(link(run), whole)
    with h5py.File(link(run), "a") as file:
        del file.attrs["shard_images"]
    exchange(*(run / f"features/{name}/net/0-4.h5" for name in NAMES))
    assert len(open_features(link(run))) == 8


def test_a_link_is_renamed_only_with_the_shards_that_it_links(run: Path) -> None:
    other = run / "features/1/net/0-8.h5"  # from another division into shards
    write_shard(other, 0, 8, 1)
    seals.seal(run, other)
    other.write_bytes(b"cut")
    assert set(damaged_files(run)) == {other}
    replace(run / "features/1/net/4-8.h5", b"cut")
    assert damaged_files(run)[link(run)] == "links shards that are damaged (4-8.h5)"


@pytest.mark.parametrize("seed", range(2))
def test_a_damaged_file_without_a_seal_gives_one_message(tmp_path: Path, seed: int) -> None:
    """Checksums of HDF5 notice most damage, and no error of another kind occurs."""
    rng = random.Random(seed)
    for pattern, read in (
        ("draws/faces/{}.h5", load_draws),
        ("weights/faces/{}.h5", load_weights),
        ("statistics/real/net/features-{}.h5", load_gaussian),
        ("matched/{}.h5", load_extension),
        ("sensitivity/faces/{}.h5", read_sensitivity),
        ("features/{}/net/0-4.h5", open_features),
    ):
        path = tmp_path / pattern.format(1)
        path.parent.mkdir(parents=True)
        WRITERS[pattern](path, 1)
        whole = path.read_bytes()
        for _ in range(5):
            path.write_bytes(changed(whole, rng))
            outcome = bounded(read_all, read, path, seconds=1)
            # HDF5 itself may loop for ever, so seals are compared before HDF5 opens a file.
            assert outcome.kind in ("value", "refused", "time"), outcome
            assert outcome.kind != "refused" or path.name in str(outcome.result)


def read_all(read: Callable[[Path], object], path: Path) -> None:
    is_made_from(path, {"network": "net"})
    read(path)


@pytest.mark.parametrize("end", [0, 1, 20, 50, -1])
def test_a_truncated_csv_without_a_seal_is_named(run: Path, end: int) -> None:
    for pattern, read in (
        ("scores/{}/sizes.csv", read_scores),
        ("convergence/{}.csv", read_scores),
        ("sensitivity/faces/noise-{}.csv", read_region_noise),
        ("sensitivity/{}/region.csv", read_region_shares),
    ):
        path = run / pattern.format(1)
        replace(path, path.read_bytes()[:end])
        with pytest.raises(DamagedFileError, match=f"{path.name}: missing or damaged") as caught:
            read([path])
        assert caught.value.path == path


@pytest.mark.parametrize("content", ["", "[{", "3", "[3]", '[{"name": "loss"}]', "{}{"])
def test_damaged_checks_without_a_seal_are_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "faces.json"
    path.write_text(content)
    with pytest.raises(DamagedFileError, match=r"faces\.json: missing or damaged"):
        read_checks(path)


def test_a_damaged_checkpoint_is_ignored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "prelogits.checkpoint"
    state = {"x": numbers(300), "seen": np.array(7), "none": np.empty((0, 3))}
    saved = Checkpoint(path, "key")
    saved.save(state)
    found = saved.load()
    assert found is not None
    assert all(np.array_equal(found[name], state[name]) for name in state)
    whole, rng = path.read_bytes(), random.Random(0)
    for _ in range(25):
        path.write_bytes(changed(whole, rng))
        outcome = bounded(still_as_saved, path, state, seconds=5)
        assert outcome.kind == "value", outcome
        assert outcome.result, "a wrong state was taken"
    path.write_bytes(whole[:9] + b"!" + whole[10:])
    assert saved.load() is None
    assert "checkpoint not used: is damaged" in capsys.readouterr().err


def still_as_saved(path: Path, state: dict[str, np.ndarray]) -> bool:
    found = Checkpoint(path, "key").load()
    return found is None or all(np.array_equal(found[name], state[name]) for name in state)


@pytest.mark.parametrize("seed", range(20))
def test_damaged_remembered_hashes_are_computed_again(tmp_path: Path, seed: int) -> None:
    memory = Memory(tmp_path)
    entries = {f"images of /data/{n}.png:12:34:56": f"{n}" * 64 for n in range(3)}
    memory.add("/data", entries)
    (path,) = tmp_path.rglob("*.json")
    path.write_bytes(changed(path.read_bytes(), random.Random(seed)))
    assert memory.read("/data") in ({}, entries)
    memory.add("/data", {"other": "1"})
    assert memory.read("/data")["other"] == "1"


def test_exchanged_files_of_remembered_hashes_are_ignored(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.add("/data", {"file": "1"})
    memory.add("/other", {"file": "2"})
    exchange(*tmp_path.iterdir())
    assert memory.read("/data") == memory.read("/other") == {}


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"sizes": {"faces": 80}'])
def test_damaged_sizes_of_shards_are_chosen_again(tmp_path: Path, content: str) -> None:
    config = run_config({"results": str(tmp_path), "extraction": {"minutes_per_job": 5}})
    remember_sizes(config, {"faces": {"shard_size": 40, "device": "cpu"}})
    path = tmp_path / "run/shards.json"
    assert read_sizes(config)["sizes"] == {"faces": 40}
    whole = path.read_text()
    path.write_text(whole.replace("40", "41", 1))
    assert read_sizes(config) == {"sizes": {}}
    path.write_text(content)
    assert read_sizes(config) == {"sizes": {}}
    earlier = json.loads(whole)
    del earlier["digest"]
    path.write_text(json.dumps(earlier))
    assert read_sizes(config)["sizes"] == {"faces": 40}


def test_only_files_in_the_run_have_a_seal(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"weights")
    seals.seal(tmp_path / "run", weights)
    assert [path.name for path in tmp_path.rglob("*")] == ["weights.pth"]
    assert seals.fault(tmp_path / "run", weights) is None


def test_a_folder_or_pipe_instead_of_a_result_is_renamed(run: Path) -> None:
    folder, pipe = run / "scores/1/sizes.csv", run / "scores/2/sizes.csv"
    for path in (folder, pipe):
        path.unlink()
    folder.mkdir()
    os.mkfifo(pipe)
    assert rename_damaged(run) == [folder, pipe]


def test_a_file_with_a_read_error_is_kept(run: Path) -> None:
    path = run / "draws/faces/1.h5"
    assert not rename_corrupt(run, path)
    replace(path, changed(path.read_bytes(), random.Random(0)))
    assert rename_corrupt(run, path)
    assert json.loads((run / ".seals/draws/faces/2.h5.json").read_text())["file"] == (
        "draws/faces/2.h5"
    )
