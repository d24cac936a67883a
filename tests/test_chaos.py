"""The parts of benchmarks/chaos.py: strikes that take effect, and a comparison that can fail."""

from __future__ import annotations

import random
import shutil
import sys
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))

from chaos import planned
from strikes import kinds
from strikes.compare import differences
from strikes.project import Project
from strikes.rounds import divide

CSV = "dataset,scheme,value,seconds\nfaces,random,16.25,0.5\nfaces,logits,9.75,0.25\n"


def write_results(folder: Path, seconds: float) -> None:
    """Write a file of each kind; three of them contain the duration of something."""
    (folder / "logs").mkdir(parents=True)
    (folder / "scores.csv").write_text(CSV.replace("0.25", str(seconds)))
    (folder / "about.json").write_text('{"a": 1, "b": [1.5, null]}')
    (folder / "table.tex").write_text("16.25 & 9.75")
    (folder / "cost.md").write_text(f"{seconds} s")
    (folder / "logs" / "one.log").write_text(f"{seconds} s")
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(folder / "figure1.png")
    with h5py.File(folder / "weights.h5", "w") as file:
        file.attrs["network"] = "tiny"
        file["probabilities"] = np.linspace(0, 1, 5)
        file["group/names"] = ["one", "two"]
        path = file.create_dataset("path", data=[[1.0, 2.0, seconds], [2.0, 1.0, seconds]])
        path.attrs["columns"] = ["evaluation", "objective", "seconds"]
        layout = h5py.VirtualLayout((5,), float)
        layout[:] = h5py.VirtualSource("shard.h5", "features", (5,))
        file.create_virtual_dataset("features", layout)


def change_h5(folder: Path, name: str, place: object, value: object) -> None:
    with h5py.File(folder / "weights.h5", "r+") as file:
        file[name][place] = value


def change_text(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def change_pixel(folder: Path) -> None:
    with Image.open(folder / "figure1.png") as image:
        pixels = np.array(image)
    pixels[2, 3, 1] ^= 1
    Image.fromarray(pixels).save(folder / "figure1.png")


def change_attribute(folder: Path) -> None:
    with h5py.File(folder / "weights.h5", "r+") as file:
        file.attrs["network"] = "tinier"


def relink(folder: Path) -> None:
    with h5py.File(folder / "weights.h5", "r+") as file:
        del file["features"]
        layout = h5py.VirtualLayout((5,), float)
        layout[:] = h5py.VirtualSource("other.h5", "features", (5,))
        file.create_virtual_dataset("features", layout)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda f: change_text(f, "scores.csv", "9.75", "9.76"), {"scores.csv": "row 1"}),
        (lambda f: change_text(f, "scores.csv", "faces,logits", "#"), {"scores.csv": "row 1"}),
        (lambda f: (f / "scores.csv").write_text(CSV[:50]), {"scores.csv": "1 rows instead of 2"}),
        (lambda f: change_text(f, "about.json", "1.5", "1.25"), {"about.json": "other values"}),
        (lambda f: change_text(f, "about.json", "}", ""), {"about.json": "cannot be read"}),
        (lambda f: change_text(f, "table.tex", "16", "15"), {"table.tex": "other bytes"}),
        (change_pixel, {"figure1.png": "1 other pixels"}),
        (
            lambda f: change_h5(f, "probabilities", 2, np.nextafter(0.5, 1)),
            {"weights.h5": "probabilities: 1 of 5 values"},
        ),
        (lambda f: change_h5(f, "group/names", 1, b"twp"), {"weights.h5": "group/names: 1 of 2"}),
        (lambda f: change_h5(f, "path", (1, 1), 1.5), {"weights.h5": "path: 1 of 6 values"}),
        (change_attribute, {"weights.h5": "attribute network is 'tinier' instead of 'tiny'"}),
        (relink, {"weights.h5": "features: links to other files"}),
        (lambda f: (f / ".scores~vm-1.part.csv").touch(), {".scores~vm-1.part.csv": "left over"}),
        (lambda f: (f / "weights.h5").unlink(), {"weights.h5": "missing"}),
        (lambda f: kinds.plant(f / "table.tex", "FIFO", f), {"table.tex": "not a regular file"}),
        (lambda f: kinds.plant(f / "table.tex", "link", f), {"table.tex": "not a regular file"}),
        (lambda f: (f / "table.tex.damaged").touch(), {}),
        (lambda f: (f / "logs/one.log").unlink(), {}),
    ],
)
def test_differences_are_reported_but_times_are_ignored(
    tmp_path: Path, change: object, expected: dict[str, str]
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write_results(one, 0.25)
    write_results(other, 0.75)
    assert differences(one, other) == {}
    assert callable(change)
    change(other)
    found = differences(one, other)
    assert found.keys() == expected.keys()
    for name, words in expected.items():
        assert words in found[name]


def test_a_cut_shortens_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    assert kinds.cut(path, random.Random(1)).endswith("of 100 bytes")
    left = path.read_bytes()
    assert len(left) < 100
    assert left == bytes(range(len(left)))


def test_a_flip_changes_one_bit_and_no_time(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    before = path.stat().st_mtime_ns
    kinds.flip(path, random.Random(1))
    assert sum(byte.bit_count() for byte in path.read_bytes()) == 1
    assert path.stat().st_mtime_ns == before


def test_a_swap_exchanges_content_and_times(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for path in (one, other):
        path.write_text(path.name)
    times = one.stat().st_mtime_ns, other.stat().st_mtime_ns
    kinds.swap(one, other)
    assert (one.read_text(), other.read_text()) == ("other", "one")
    assert (other.stat().st_mtime_ns, one.stat().st_mtime_ns) == times
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_is_replaced_with_its_times_or_without(tmp_path: Path) -> None:
    path, new = tmp_path / "file", tmp_path / "new"
    new.write_text("new")
    ways = set()
    for seed in range(20):
        path.write_text("old")
        before = path.stat()
        how = kinds.put_in_place(new, path, random.Random(seed))
        after = path.stat()
        assert path.read_text() == "new"
        assert ("with its times" in how) == (before.st_mtime_ns == after.st_mtime_ns)
        assert ("renamed" in how) == (before.st_ino != after.st_ino)
        ways.add(how)
    assert len(ways) == 4


def test_clocks_set_times_only(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(5)]
    for path in paths:
        path.write_text(path.name)
    before = [path.stat().st_mtime_ns for path in paths]
    for seed in range(8):
        how = kinds.shift(paths, random.Random(seed))
        after = [path.stat().st_mtime_ns for path in paths]
        assert after != before, how
        assert [path.read_text() for path in paths] == [path.name for path in paths]


def write_run(folder: Path) -> Project:
    """Write the files of a run, with enough files of each kind for a swap."""
    project = Project(folder, folder / "code", 1)
    names = ["draws/faces/random.h5", "draws/faces/logits.h5", "verdict.md", "logs/a.log"]
    remembered = ["results/.fingerprints/a/1.json", ".snakemake/metadata/b"]
    for path in [*(project.results / name for name in names), *(folder / n for n in remembered)]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(path) * 10)
    for name in ("data/late/img0.png", "data/real.zip", "data/generator.pt", "data/weights.pt"):
        for place in (folder / name, folder / name.replace("data/", "others/")):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(str(place) * 10)
    return project


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("kind", ["cut", "flip", "swap", "replace", "clock", "delete"])
@pytest.mark.parametrize("seed", range(6))
def test_a_strike_has_its_effect_and_data_are_restored(
    tmp_path: Path, kind: str, seed: int
) -> None:
    project = write_run(tmp_path / "project")
    project.kept = tmp_path / "kept"
    shutil.copytree(project.folder / "data", project.kept)
    before = contents(project.folder)
    strike = kinds.Strike(0, 0, kind, during=False)
    undo = kinds.STRIKES[kind](strike, project, None, random.Random(seed))
    after = contents(project.folder)
    assert strike.how
    changed = {name for name in before if before[name] != after.get(name)}
    assert bool(changed) == (kind != "clock")
    for name in changed:
        assert any(name.startswith(target) for target in strike.targets)
        assert "logs" not in name
    undo()
    now = contents(project.folder)
    assert all(now[name] == before[name] for name in before if name.startswith("data/"))


def test_kinds_share_the_strikes_and_a_seed_repeats_them() -> None:
    rounds = planned(60, 7, list(kinds.KINDS), seed=3)
    strikes = [strike for one in rounds for strike in one]
    assert Counter(strike.kind for strike in strikes) == {
        kind: 18 if kind == "kill" else 6 for kind in kinds.KINDS
    }
    assert [strike.number for strike in strikes] == list(range(60))
    assert all(strike.during for strike in strikes if strike.kind == "kill")
    assert rounds == planned(60, 7, list(kinds.KINDS), seed=3)
    assert rounds != planned(60, 7, list(kinds.KINDS), seed=4)
    acts = divide(strikes, random.Random(1))
    assert [strike for act in acts for strike in act] == strikes
    assert all(strike.kind not in ("kill", "fill") for act in acts for strike in act[:-1])
    assert all(len(act) == 1 for act in acts if any(strike.kind == "fill" for strike in act))
