"""Fetching catalogue files from a local server: by name, at a run's start and by staging."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from fringe.cli import main
from fringe.errors import FringeError
from fringe.plan import digests
from fringe.running import launch, opening
from fringe.running.estimate import Estimated
from fringe.running.planner import Planner
from fringe.running.published import fetch_catalogue_files, fetch_published
from fringe.sources import catalogue as module
from fringe.sources import catalogue_texts

from ..generators.checkpoints import write_stylegan2_pickle
from ..serving import Server, serving
from ..sources.conftest import encode, write_zip


def statistics_file(dim: int = 102, filler: int = 0) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, mu=np.zeros(dim), sigma=np.eye(dim), more=np.arange(filler // 8))
    return stream.getvalue()


STATISTICS = statistics_file(filler=5_000_000)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with two files, whose addresses are in a small catalogue."""
    write_stylegan2_pickle(tmp_path / "made.pkl")
    files = {"s.npz": STATISTICS, "g.pkl": (tmp_path / "made.pkl").read_bytes()}
    with serving(files) as server:
        entry = module.Published(
            "test/statistics",
            ("statistics",),
            "nothing",
            (server.url("s.npz"),),
            "a/b README.md",
            "MIT",
            "ours",
            networks=("untrained",),
            count=30,
            note="Ask Ann.",
        )
        entries = {
            "test/statistics": entry,
            "test/generator": replace(
                entry,
                name="test/generator",
                kinds=("generator",),
                urls=(server.url("g.pkl"),),
                networks=(),
                count=None,
            ),
        }
        monkeypatch.setattr(module, "catalogue", lambda: entries)
        yield server


def configured(folder: Path, **changes: Any) -> Path:
    """Write a configuration that names both files, and the images."""
    (folder / "data").mkdir(exist_ok=True)
    images = {f"{n:02}.png": encode(np.full((32, 32, 3), n, np.uint8)) for n in range(12)}
    write_zip(folder / "data/real.zip", images)
    config = {
        "run": "mine",
        "network": "untrained",
        "controls": ["scattering"],
        "data_dir": str(folder),
        "sources": {
            "real": {
                "path": "data/real.zip",
                "statistics": {"untrained": "published:test/statistics"},
            },
            "fake": {"kind": "generator", "path": "published:test/generator", "count": 20},
        },
        "datasets": {"faces": {"real": "real", "generated": "fake", "resample": False}},
        "comparisons": {"faces": {"generators": {"A": "faces"}}},
        "evaluation": {"n_real": 12, "n_generated": 20},
    } | changes
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def test_a_download_by_name_continues_and_is_recorded(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.tags["s.npz"] = '"v1"'
    server.hang_up_after = 3_000_000
    command = ["fetch", "published:test/statistics", "--data-dir", str(tmp_path)]
    assert main(command) == 0
    path = tmp_path / "data/published/test/statistics.npz"
    digest = hashlib.sha256(STATISTICS).hexdigest()
    assert capsys.readouterr().out == f"{path}: fetched, SHA-256 {digest}\n"
    assert path.read_bytes() == STATISTICS
    assert [wanted is None for _, wanted in server.asked] == [True, False]
    assert main(command) == 0
    assert capsys.readouterr().out == f"{path}: already exists\n"
    assert len(server.asked) == 2
    # A second download must be the same file.
    path.unlink()
    server.files["s.npz"] = statistics_file()
    other = hashlib.sha256(server.files["s.npz"]).hexdigest()
    assert main(command) == 1
    error = capsys.readouterr().err
    assert other in error
    assert digest in error
    assert not path.exists()


def test_a_damaged_download_is_refused(server: Server, tmp_path: Path) -> None:
    server.files["s.npz"] = STATISTICS[:-100]
    with pytest.raises(FringeError, match="file is not the ZIP archive that statistics"):
        fetch_published("test/statistics", tmp_path)
    server.files["g.pkl"] = b"\0 of another kind"
    with pytest.raises(FringeError, match="the downloaded file is not the generator"):
        fetch_published("published:test/generator", tmp_path)
    assert not list((tmp_path / "data").rglob("*.npz*"))


def test_without_a_network_the_message_gives_address_and_path(
    server: Server, tmp_path: Path
) -> None:
    server.files.clear()
    path = tmp_path / "data/published/test/statistics.npz"
    with pytest.raises(FringeError) as caught:
        fetch_published("test/statistics", tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{path}: published:test/statistics could not be fetched.\n")
    advice = f"download {server.url('s.npz')} on another machine and copy the file to {path}."
    assert f"{advice}\nAsk Ann." in message


def test_a_published_digest_is_verified(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = module.catalogue()["test/statistics"]
    wrong = {"test/statistics": replace(known, sha256="0" * 64, digest_in="a/b c.txt")}
    monkeypatch.setattr(module, "catalogue", lambda: wrong)
    with pytest.raises(FringeError, match=f"{'0' * 64}"):
        fetch_published("test/statistics", tmp_path)
    assert not list((tmp_path / "data").rglob("*.npz*"))


def test_a_run_fetches_the_files_in_its_configuration(server: Server, tmp_path: Path) -> None:
    path = configured(tmp_path)
    fetch_catalogue_files(path)
    assert sorted(one for one, _ in server.asked) == ["g.pkl", "s.npz"]
    fetch_catalogue_files(path)
    assert len(server.asked) == 2
    # Results depend on the content of the file, not on its name.
    config, sources = opening.check(yaml.safe_load(path.read_text()), [path])
    assert sources["fake"]["resolution"] == (32, 32)
    assert digests.published_statistics(config, "real", "untrained", "features") == {
        "network": "untrained",
        "sha256": hashlib.sha256(STATISTICS).hexdigest(),
        "count": 30,
    }


def test_a_run_without_catalogue_names_fetches_nothing(server: Server, tmp_path: Path) -> None:
    sources = {
        "real": {"path": "data/real.zip", "url": server.url("never.zip")},
        "fake": {"kind": "generator", "path": "g.pkl", "count": 2, "url": server.url("g.pkl")},
    }
    fetch_catalogue_files(configured(tmp_path, sources=sources))
    assert server.asked == []


def test_a_failed_download_ends_a_run_unless_missing_files_are_allowed(
    server: Server, tmp_path: Path
) -> None:
    del server.files["g.pkl"]
    with pytest.raises(FringeError, match="source 'fake' could not be fetched"):
        fetch_catalogue_files(configured(tmp_path))
    fetch_catalogue_files(configured(tmp_path), allow_missing=True)
    fetch_catalogue_files(configured(tmp_path, missing="skip"))


def test_a_dry_run_fetches_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "call", lambda *_: 0)
    estimated = Estimated(tmp_path / "results/mine", "")
    monkeypatch.setattr(launch, "estimate_run", lambda *_, **__: estimated)
    planner = Planner(configured(tmp_path), Path("Snakefile"), Path("local"), 1)
    launch.run(planner, ["--dry-run"])
    assert server.asked == []
    monkeypatch.setattr(launch, "_run_line", lambda *_, **__: None)
    launch.run(planner)
    assert len(server.asked) == 2


def test_catalogue_files_are_staged_like_other_files(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`fringe fetch CONFIG` is `fringe stage CONFIG`."""
    server.hang_up_after = 3_000_000
    assert main(["fetch", str(configured(tmp_path))]) == 0
    printed = capsys.readouterr().out
    assert printed.count("fetched  ") == 2
    assert f"SHA-256 {hashlib.sha256(STATISTICS).hexdigest()} (not configured)" in printed
    assert main(["stage", str(configured(tmp_path))]) == 0
    assert "fetched  " not in capsys.readouterr().out


def test_missing_statistics_are_reported_with_their_origin(server: Server, tmp_path: Path) -> None:
    path = configured(tmp_path)
    fetch_published("test/generator", tmp_path)
    with pytest.raises(FringeError) as caught:
        opening.check(yaml.safe_load(path.read_text()), [path])
    message = "statistics.npz: does not exist; `fringe stage` fetches it. http"
    assert message in str(caught.value)
    assert "licence: MIT" in str(caught.value)


def test_a_file_with_a_wrong_digest_is_a_fault(server: Server, tmp_path: Path) -> None:
    given = {"path": "published:test/statistics", "sha256": "1" * 64}
    real = {"path": "data/real.zip", "statistics": {"untrained": given}}
    fake = {"kind": "generator", "path": "published:test/generator", "count": 20}
    fetch_published("test/statistics", tmp_path)
    fetch_published("test/generator", tmp_path)
    path = configured(tmp_path, sources={"real": real, "fake": fake})
    with pytest.raises(FringeError, match=f"statistics/untrained/sha256: .* not {'1' * 64}"):
        opening.check(yaml.safe_load(path.read_text()), [path])


def test_the_list_of_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["fetch"], ["fetch", "--list"]):
        assert main(command) == 0
        assert capsys.readouterr().out == f"{catalogue_texts.table()}\n"
