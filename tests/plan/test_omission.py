"""What a run leaves out where files are not there, and what that costs."""

from __future__ import annotations

import copy
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fringe.config import choices
from fringe.config.completion import complete
from fringe.config.model import RunConfig
from fringe.config.sources import FilesSource
from fringe.errors import FringeError
from fringe.plan.exhibits import exhibits, lost, tell
from fringe.plan.omission import absent, describe_omissions, leave_out, obtain, summarize
from fringe.running import opening
from fringe.sources import is_there

from ..generators.checkpoints import write_stylegan2_pickle
from ..run_configs import changed

CONFIG: dict[str, Any] = {
    "run": "run",
    "network": "inception",
    "controls": ["swav", "clip"],
    "sources": {
        "a": {"path": "a.zip"},
        "a-made": {"kind": "generator", "path": "a.pkl", "count": 20, "note": "Train it."},
        "a-other": {"kind": "imitation", "resolution": 32, "count": 20},
        "b": {"path": "b.zip", "url": "https://x.org/b.zip", "licence": "MIT", "size": "3 GB"},
        "b-made": {"kind": "generator", "path": "b.pkl", "count": 20},
        **{f"s{n}": {"kind": "generator", "path": f"s{n}.pkl", "count": 20} for n in (1, 2, 3, 4)},
    },
    "datasets": {
        "a": {
            "title": "A",
            "real": "a",
            "generated": "a-made",
            "snapshots": ["s1", "s2", "s3", "s4"],
            "sizes": [[10, 10]],
            "region": "mask.png",
        },
        "b": {"title": "B", "real": "b", "generated": "b-made", "alternatives": ["dinov2-b"]},
        "other": {"title": "A", "real": "a", "generated": "a-other", "resample": False},
    },
    "comparisons": {"pair": {"title": "Both", "generators": {"One": "other", "Two": "a"}}},
    "evaluation": {"n_real": 10, "n_generated": 20},
    "convergence": {"datasets": ["a"]},
    "sensitivity": {"datasets": ["a", "b"], "networks": ["clip"]},
}


def completed(**changes: Any) -> RunConfig:
    config, faults, _ = complete({**copy.deepcopy(CONFIG), **changes})
    assert faults == []
    return config


def costs(*keys: str) -> str:
    config = completed()
    return tell(lost(exhibits(config), exhibits(leave_out(config, keys))))


def test_what_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.zip", "a.pkl", "s1.pkl", "s2.pkl", "s3.pkl", "s4.pkl"):
        Path(name).touch()  # there, whatever is in it
    assert absent(completed()) == {
        "sources/b": "b.zip",
        "sources/b-made": "b.pkl",
        "datasets/a/region": "mask.png",
    }


def test_patterns_of_which_a_file_is_there(tmp_path: Path) -> None:
    pattern = f"{tmp_path}/shard-{{0..3}}.tar"
    assert not is_there(pattern)
    assert not is_there(f"{tmp_path}/shard-*.tar")
    (tmp_path / "shard-2.tar").touch()  # incomplete, which is a fault and no absence
    assert is_there(pattern)
    assert is_there(f"{tmp_path}/shard-*.tar")
    assert is_there(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert not is_there(tmp_path / "link")


def test_a_data_set_goes_with_its_images_and_all_that_names_it_follows() -> None:
    config = completed()
    reduced = leave_out(config, ["sources/a"])
    assert list(reduced.datasets) == ["b"], "what was only there to be compared goes too"
    assert reduced.comparisons == {}
    assert reduced.convergence.datasets == []
    assert reduced.sensitivity.datasets == ["b"]
    assert "a" not in reduced.sources
    assert config == completed(), "the config that was given is left alone"


def test_snapshots_go_one_by_one_until_fewer_than_three_are_left() -> None:
    config = completed()
    three = leave_out(config, ["sources/s2"])
    assert three.datasets["a"].snapshots == ["s1", "s3", "s4"]
    two = leave_out(config, ["sources/s2", "sources/s4"])
    assert two.datasets["a"].snapshots == []
    assert list(two.datasets) == list(config.datasets)


def test_a_mask_costs_the_region_alone() -> None:
    reduced = leave_out(completed(), ["datasets/a/region"])
    assert reduced.datasets["a"].region is None
    assert costs("datasets/a/region") == "the verdict's share of the region"


def test_networks_that_nothing_asks_for_any_more() -> None:
    weights = {"dinov2-b": "d.pth", "vgg16": "v.pth", "swav": "s.pth"}
    statistics = {"dinov2-b": {"path": "d.npz", "count": 9}}
    config = changed(completed(weights=weights), {"sources/a/statistics": statistics})
    reduced = leave_out(config, ["sources/b"])  # it was the one with an alternative
    assert set(reduced.weights) == {"vgg16", "swav"}
    assert reduced.sources["a"].statistics == {}
    reduced = leave_out(config, ["sources/a-made"])  # precision and recall are of comparisons
    assert set(reduced.weights) == {"dinov2-b", "swav"}


def test_costs_by_exhibit() -> None:
    assert costs("sources/s1") == "A, s1 in Figure 9"
    assert costs("sources/s1", "sources/s2") == "Figure 9"
    told = costs("sources/b")
    assert "B in Tables 1, 2 and 3, Figure 18" in told
    assert "Figure 8b" in told
    assert "of B" in told
    # The first data set has figures that the next one takes over.
    told = costs("sources/a")
    assert "A in Tables 1, 2 and 3, Figures 6 and 18" in told
    for whole in ("Figures 8a and 9", "Figures 7 and 19 of Both"):
        assert whole in told
    assert "S1 and S2 of A" in told


def test_exhibits_are_told_apart_where_titles_are_the_same() -> None:
    config = changed(completed(), {"datasets/b/title": "A"})
    (table,) = [one for one in exhibits(config) if one.stem == "table1"]
    assert table.shows == ("A (a)", "A (b)")
    assert {one.stem for one in exhibits(config)} >= {"figure4a-a", "figure7-pair", "figureS2-b"}


def test_no_figures_of_a_sweep_where_no_n_is_asked_for() -> None:
    figures = {"figure6", "figure18"}
    assert {one.stem for one in exhibits(completed())} >= figures
    config = completed(schemes={"top": [], "middle": []})
    assert not {one.stem for one in exhibits(config)} & figures


def test_how_to_get_a_file() -> None:
    sources = completed().sources
    assert obtain(sources["b"]) == "https://x.org/b.zip (3 GB, licence: MIT)."
    assert obtain(sources["a-made"]) == "Train it."
    assert obtain(sources["a"]) == ""
    digest = "AB" * 32
    both = {"url": ["https://x.org", "https://y.org"], "sha256": digest, "note": "Large."}
    expected = f"https://x.org or https://y.org (SHA-256 {digest.lower()}). Large."
    assert obtain(FilesSource(path="x", **both)) == expected


def test_what_the_report_is_told() -> None:
    config = completed()
    gone = {"sources/s1": "s1.pkl", "sources/s2": "s2.pkl", "sources/b": "b.zip"}
    told = describe_omissions(config, gone)
    assert [one["key"] for one in told["files"]] == list(gone)
    assert told["files"][2]["origin"] == "https://x.org/b.zip (3 GB, licence: MIT)."
    causes = {one["what"]: one["because"] for one in told["exhibits"]}
    assert causes["Figure 9"] == ["sources/s1", "sources/s2"]
    assert causes["Figure 8b"] == ["sources/b"], "its only data set"
    (b,) = (what for what in causes if what.startswith("B in Tables 1, 2 and 3, Figure 18; "))
    assert b.endswith(" of B")
    assert causes[b] == ["sources/b"]
    line = summarize(told)
    assert line.startswith("3 files are not there. Left out: ")
    assert all(what in line for what in causes)
    # What is shown for two reasons is told for each.
    more = describe_omissions(config, {"sources/b": "b.zip", "sources/a-other": "x"})
    whats = {one["what"]: one["because"] for one in more["exhibits"]}
    assert whats["Figures 7 and 19 of Both"] == ["sources/a-other"]


# Through `plan.check`, as estimate, staging, shards and workflow do.


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A configuration of two data sets whose files are there; the current folder is its own."""
    monkeypatch.chdir(tmp_path)
    stream = io.BytesIO()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(stream, "PNG")
    for name in ("one.zip", "two.zip"):
        with zipfile.ZipFile(name, "w") as archive:
            for number in range(12):
                archive.writestr(f"{number:02d}.png", stream.getvalue())
    write_stylegan2_pickle(Path("net.pkl"))
    Path("training").mkdir()
    for number in (200, 400, 600):
        write_stylegan2_pickle(Path(f"training/network-snapshot-{number:06d}.pkl"))
    generator = {"kind": "generator", "count": 20}
    return {
        "run": "run",
        "network": "efficientnet-lite0",
        "controls": ["untrained"],
        "sources": {
            "one": {"path": "one.zip"},
            "two": {"path": "two.zip", "url": "https://x.org/two.zip", "note": "Ask Ann."},
            "made": {**generator, "path": "net.pkl"},
            "training": {**generator, "path": "training"},
        },
        "datasets": {
            "one": {"real": "one", "generated": "made", "snapshots": ["training"]},
            "two": {"real": "two", "generated": "made"},
        },
        "evaluation": {"n_real": 12, "n_generated": 20},
    }


def check(config: dict[str, Any], **changes: Any) -> tuple[RunConfig, choices.Sources]:
    return opening.check({**config, **changes})


def refused(config: dict[str, Any], **changes: Any) -> str:
    with pytest.raises(FringeError) as caught:
        check(config, **changes)
    return str(caught.value)


def test_refused_with_costs_addresses_and_advice(small: dict[str, Any]) -> None:
    Path("two.zip").unlink()
    message = refused(small)
    assert message.startswith("the configuration has 1 fault:\n  - sources/two: two.zip: is not ")
    assert "\n      costs: two in Tables 1, 2 and 3, Figure 18" in message
    assert "\n      get it: https://x.org/two.zip. Ask Ann." in message
    assert message.splitlines()[-1].startswith("`fringe stage my.yaml` fetches the files that")
    assert "--allow-missing" in message
    assert "missing: skip" in message
    Path("one.zip").unlink()
    message = refused(small)
    assert "the configuration does not say; add a `note` to the source" in message
    assert "--allow-missing" not in message, "nothing would be left"
    assert "`fringe stage my.yaml` fetches" in message
    assert "no data set would be left" in message


def test_skipped(small: dict[str, Any]) -> None:
    whole, everything = check(small, missing="skip")
    assert whole.left_out is None
    snapshots = ["training-000200", "training-000400", "training-000600"]
    assert whole.datasets["one"].snapshots == snapshots
    assert list(everything) == ["one", "two", "made", *snapshots]
    Path("two.zip").unlink()
    config, sources = check(small, missing="skip")
    assert list(config.datasets) == ["one"]
    assert list(sources) == ["one", "made", *snapshots]
    assert config.left_out is not None
    assert [one["key"] for one in config.left_out["files"]] == ["sources/two"]
    # What is left is just as it would be with everything there.
    assert all(sources[name] == everything[name] for name in sources)
    assert config.datasets["one"] == whole.datasets["one"]


def test_the_folder_of_a_training_may_be_absent(small: dict[str, Any]) -> None:
    Path("training").rename("elsewhere")
    assert "sources/training: training: does not exist" in refused(small)
    assert "costs: one, training in Figure 9" not in refused(small)
    assert "costs: Figure 9" in refused(small)
    config, sources = check(small, missing="skip")
    assert config.datasets["one"].snapshots == []
    assert list(sources) == ["one", "two", "made"]


def test_nothing_may_be_left(small: dict[str, Any]) -> None:
    Path("net.pkl").unlink()
    message = refused(small, missing="skip")
    assert "  - missing: without the files that are not there, no data set is left" in message
    assert "  - sources/made: net.pkl: does not exist" in message


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda: Path("two.zip").write_bytes(b"PK"), "sources/two: two.zip: is damaged"),
        (lambda: Path("training/network-snapshot-000400.pkl").write_bytes(b"x"), "000400.pkl"),
    ],
)
def test_what_is_there_and_broken_stays_a_fault(
    small: dict[str, Any], damage: Callable[[], Any], fault: str
) -> None:
    Path("one.zip").rename("three.zip")  # another is absent
    damage()
    small["datasets"]["three"] = {
        "real": "three", "generated": "made", "snapshots": ["training"]
    }  # fmt: skip
    small["sources"]["three"] = {"path": "three.zip"}
    assert fault in refused(small, missing="skip")


def test_a_file_with_another_digest_is_a_fault(small: dict[str, Any]) -> None:
    small["sources"]["two"]["sha256"] = "0" * 64
    message = refused(small, missing="skip")
    assert "  - sources/two/sha256: two.zip has SHA-256 " in message
    import hashlib

    small["sources"]["two"]["sha256"] = hashlib.sha256(Path("two.zip").read_bytes()).hexdigest()
    check(small)
    small["sources"]["two"]["sha256"] = small["sources"]["two"]["sha256"].upper()
    check(small)
    Path("two").mkdir()
    Path("two/a.png").write_bytes(b"")
    small["sources"]["two"]["path"] = "two"
    assert "sources/two/sha256: two is a folder, which has no digest" in refused(small)


def test_a_file_that_comes_later_changes_nothing_of_what_is_done(small: dict[str, Any]) -> None:
    """Fingerprints, shards and the data set of before are those of the whole run."""
    for late in ("two.zip", "training"):
        Path(late).rename(f"{late}.away")
    before, sources = check(small, missing="skip")
    assert summarize(before.left_out).startswith("2 files are not there.")
    for late in ("two.zip", "training"):
        Path(f"{late}.away").rename(late)
    after, everything = check(small, missing="skip")
    assert after.left_out is None
    assert {name: everything[name] for name in sources} == sources
    assert after.datasets["one"].plain() | {"snapshots": []} == before.datasets["one"].plain()


def test_an_unknown_network_is_a_fault_beside_what_is_absent(small: dict[str, Any]) -> None:
    Path("two.zip").unlink()
    message = refused(small, network="incepton")
    assert "network: unknown network 'incepton'" in message
    assert "sources/two: two.zip: does not exist" in message
