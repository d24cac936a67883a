"""Results that a run leaves out because files are missing."""

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
from fringe.plan.exhibits import describe_losses, exhibits, lost
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
    return describe_losses(lost(exhibits(config), exhibits(leave_out(config, keys))))


def test_absent_files_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.zip", "a.pkl", "s1.pkl", "s2.pkl", "s3.pkl", "s4.pkl"):
        Path(name).touch()  # exists, with any content
    assert absent(completed()) == {
        "sources/b": "b.zip",
        "sources/b-made": "b.pkl",
        "datasets/a/region": "mask.png",
    }


def test_patterns_with_an_existing_file(tmp_path: Path) -> None:
    pattern = f"{tmp_path}/shard-{{0..3}}.tar"
    assert not is_there(pattern)
    assert not is_there(f"{tmp_path}/shard-*.tar")
    (tmp_path / "shard-2.tar").touch()  # incomplete, which is a fault, not an absence
    assert is_there(pattern)
    assert is_there(f"{tmp_path}/shard-*.tar")
    assert is_there(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert not is_there(tmp_path / "link")


def test_a_data_set_is_left_out_with_its_images_and_references() -> None:
    config = completed()
    reduced = leave_out(config, ["sources/a"])
    assert list(reduced.datasets) == ["b"], "a data set that is only compared is left out too"
    assert reduced.comparisons == {}
    assert reduced.convergence.datasets == []
    assert reduced.sensitivity.datasets == ["b"]
    assert "a" not in reduced.sources
    assert config == completed(), "the given config is not changed"


def test_snapshots_are_left_out_one_by_one_down_to_three() -> None:
    config = completed()
    three = leave_out(config, ["sources/s2"])
    assert three.datasets["a"].snapshots == ["s1", "s3", "s4"]
    two = leave_out(config, ["sources/s2", "sources/s4"])
    assert two.datasets["a"].snapshots == []
    assert list(two.datasets) == list(config.datasets)


def test_a_mask_is_needed_only_for_the_region() -> None:
    reduced = leave_out(completed(), ["datasets/a/region"])
    assert reduced.datasets["a"].region is None
    assert costs("datasets/a/region") == "the share of the region in the verdict"


def test_networks_that_are_no_longer_used_are_removed() -> None:
    weights = {"dinov2-b": "d.pth", "vgg16": "v.pth", "swav": "s.pth"}
    statistics = {"dinov2-b": {"path": "d.npz", "count": 9}}
    config = changed(completed(weights=weights), {"sources/a/statistics": statistics})
    reduced = leave_out(config, ["sources/b"])  # this data set had the alternative
    assert set(reduced.weights) == {"vgg16", "swav"}
    assert reduced.sources["a"].statistics == {}
    reduced = leave_out(config, ["sources/a-made"])  # only comparisons have precision and recall
    assert set(reduced.weights) == {"dinov2-b", "swav"}


def test_exhibits_that_need_a_file() -> None:
    assert costs("sources/s1") == "A, s1 in Figure 9"
    assert costs("sources/s1", "sources/s2") == "Figure 9"
    found = costs("sources/b")
    assert "B in Tables 1, 2 and 3, Figure 18" in found
    assert "Figure 8b" in found
    assert "of B" in found
    # The next data set replaces the first in some figures.
    found = costs("sources/a")
    assert "A in Tables 1, 2 and 3, Figures 6 and 18" in found
    for whole in ("Figures 8a and 9", "Figures 7 and 19 of Both"):
        assert whole in found
    assert "S1 and S2 of A" in found


def test_exhibits_with_equal_titles_have_names() -> None:
    config = changed(completed(), {"datasets/b/title": "A"})
    (table,) = [one for one in exhibits(config) if one.stem == "table1"]
    assert table.shows == ("A (a)", "A (b)")
    assert {one.stem for one in exhibits(config)} >= {"figure4a-a", "figure7-pair", "figureS2-b"}


def test_without_n_there_are_no_figures_of_a_sweep() -> None:
    figures = {"figure6", "figure18"}
    assert {one.stem for one in exhibits(completed())} >= figures
    config = completed(schemes={"top": [], "middle": []})
    assert not {one.stem for one in exhibits(config)} & figures


def test_origins_of_files() -> None:
    sources = completed().sources
    assert obtain(sources["b"]) == "https://x.org/b.zip (3 GB, licence: MIT)."
    assert obtain(sources["a-made"]) == "Train it."
    assert obtain(sources["a"]) == ""
    digest = "AB" * 32
    both = {"url": ["https://x.org", "https://y.org"], "sha256": digest, "note": "Large."}
    expected = f"https://x.org or https://y.org (SHA-256 {digest.lower()}). Large."
    assert obtain(FilesSource(path="x", **both)) == expected


def test_omissions_are_described() -> None:
    config = completed()
    gone = {"sources/s1": "s1.pkl", "sources/s2": "s2.pkl", "sources/b": "b.zip"}
    found = describe_omissions(config, gone)
    assert [one["key"] for one in found["files"]] == list(gone)
    assert found["files"][2]["origin"] == "https://x.org/b.zip (3 GB, licence: MIT)."
    causes = {one["what"]: one["because"] for one in found["exhibits"]}
    assert causes["Figure 9"] == ["sources/s1", "sources/s2"]
    assert causes["Figure 8b"] == ["sources/b"], "its only data set"
    (b,) = (what for what in causes if what.startswith("B in Tables 1, 2 and 3, Figure 18; "))
    assert b.endswith(" of B")
    assert causes[b] == ["sources/b"]
    line = summarize(found)
    assert line.startswith("3 files are missing. Left out: ")
    assert all(what in line for what in causes)
    # Exhibits with two reasons are listed for each reason.
    more = describe_omissions(config, {"sources/b": "b.zip", "sources/a-other": "x"})
    whats = {one["what"]: one["because"] for one in more["exhibits"]}
    assert whats["Figures 7 and 19 of Both"] == ["sources/a-other"]


# Through `opening.check`, as in estimates, staging and the workflow.


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A configuration of two data sets with existing files, in a new current folder."""
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


def test_missing_files_are_refused_with_advice(small: dict[str, Any]) -> None:
    Path("two.zip").unlink()
    message = refused(small)
    assert message.startswith(
        "the configuration has 1 fault:\n  - sources/two: two.zip: does not exist"
    )
    assert "\n      needed for: two in Tables 1, 2 and 3, Figure 18" in message
    assert "\n      source: https://x.org/two.zip. Ask Ann." in message
    assert message.splitlines()[-1].startswith("`fringe stage my.yaml` fetches the files that")
    assert "--allow-missing" in message
    assert "missing: skip" in message
    Path("one.zip").unlink()
    message = refused(small)
    assert "the configuration does not say; add a `note` to the source" in message
    assert "--allow-missing" not in message, "no data set would be left"
    assert "`fringe stage my.yaml` fetches" in message
    assert "no data set would be left" in message


def test_missing_files_are_skipped(small: dict[str, Any]) -> None:
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
    # The remaining results are the same as with all files.
    assert all(sources[name] == everything[name] for name in sources)
    assert config.datasets["one"] == whole.datasets["one"]


def test_the_folder_of_a_training_may_be_absent(small: dict[str, Any]) -> None:
    Path("training").rename("elsewhere")
    assert "sources/training: training: does not exist" in refused(small)
    assert "needed for: one, training in Figure 9" not in refused(small)
    assert "needed for: Figure 9" in refused(small)
    config, sources = check(small, missing="skip")
    assert config.datasets["one"].snapshots == []
    assert list(sources) == ["one", "two", "made"]


def test_a_run_without_any_data_set_is_refused(small: dict[str, Any]) -> None:
    Path("net.pkl").unlink()
    message = refused(small, missing="skip")
    assert "  - missing: without the missing files, no data set is left" in message
    assert "  - sources/made: net.pkl: does not exist" in message


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda: Path("two.zip").write_bytes(b"PK"), "sources/two: two.zip: is damaged"),
        (lambda: Path("training/network-snapshot-000400.pkl").write_bytes(b"x"), "000400.pkl"),
    ],
)
def test_an_existing_broken_file_is_a_fault(
    small: dict[str, Any], damage: Callable[[], Any], fault: str
) -> None:
    Path("one.zip").rename("three.zip")  # another file is absent
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


def test_a_file_that_is_added_later_keeps_results_valid(small: dict[str, Any]) -> None:
    """Fingerprints, shards and the first data set are the same as in the complete run."""
    for late in ("two.zip", "training"):
        Path(late).rename(f"{late}.away")
    before, sources = check(small, missing="skip")
    assert summarize(before.left_out).startswith("2 files are missing.")
    for late in ("two.zip", "training"):
        Path(f"{late}.away").rename(late)
    after, everything = check(small, missing="skip")
    assert after.left_out is None
    assert {name: everything[name] for name in sources} == sources
    assert after.datasets["one"].plain() | {"snapshots": []} == before.datasets["one"].plain()


def test_an_unknown_network_is_reported_with_absent_files(small: dict[str, Any]) -> None:
    Path("two.zip").unlink()
    message = refused(small, network="incepton")
    assert "network: unknown network 'incepton'" in message
    assert "sources/two: two.zip: does not exist" in message
