"""`fringe compare` and `fringe audit` on real files, from the command to the verdict."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.dag.snakemake_server import run_fringe

from fringe.scores.explorer import read_explorer
from fringe.sources import source_from_spec

REPOSITORY = Path(__file__).resolve().parents[2]
OPTIONS = ("--network", "efficientnet-lite0", "--controls", "untrained", "--name", "mine")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs, and three simulated generators: bad, good, and good with another seed."""
    found = tmp_path_factory.mktemp("compare")
    made = {
        "real": {"kind": "photos", "count": 200, "resolution": 64, "seed": 1},
        "bad": {"kind": "imitation", "count": 100, "resolution": 64, "seed": 2, "severity": 1.0},
        "good": {"kind": "imitation", "count": 100, "resolution": 64, "seed": 3, "severity": 0.2},
        "twin": {"kind": "imitation", "count": 100, "resolution": 64, "seed": 4, "severity": 0.2},
    }
    for name, spec in made.items():
        source = source_from_spec(spec)
        (found / name).mkdir()
        for place, pixels in enumerate(source.read(np.arange(len(source)))):
            Image.fromarray(pixels).save(found / name / f"{place:03d}.png")
    return found


def fringe(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY / "src")}
    found = run_fringe([*arguments, *OPTIONS, "--cores", "2"], folder, environment)
    assert found.returncode == 0, found.stderr
    return found


@pytest.fixture(scope="module")
def compared(folder: Path) -> list[str]:
    """The lines that a first comparison prints after Snakemake has ended."""
    printed = fringe(folder, "compare", "real", "bad", "good").stdout
    return printed.partition("\n\nVerdict on good against bad")[2].splitlines()


def test_a_better_generator_gets_the_verdict_real(folder: Path, compared: list[str]) -> None:
    """Planted truth on images: the same photographs with fewer errors."""
    assert compared[0] == ": REAL"
    assert len(compared) < 25
    results = folder / "results/mine/comparisons/models"
    found = json.loads((results / "verdict.json").read_text())
    (verdict,) = found["verdicts"]
    assert verdict["word"] == "real"
    (control,) = found["witnesses"]
    # With so few images the control does not see a warp; but it changes, which is evidence.
    assert control["judges"]
    assert control["has_power"] is False
    assert "would have seen a blur" in control["sees"]
    for suffix in ("md", "html"):
        assert verdict["sentence"].split(".")[0] in (results / f"verdict.{suffix}").read_text()
    # The classes with images, in a self-contained page.
    picture = base64.b64encode((results / "classes-1.png").read_bytes()).decode()
    assert f'src="data:image/png;base64,{picture}"' in (results / "verdict.html").read_text()
    assert "](classes-1.png)" in (results / "verdict.md").read_text()
    assert (results / "classes-1.pdf").is_file()
    assert (folder / "results/mine/config.yaml").is_file()
    # The page, with the pictures of classes and the images of both models.
    page = folder / "results/mine/index.html"
    assert compared[-1].startswith("Page: results/mine/index.html   JSON: ")
    text = page.read_text()
    assert "the difference of FID is" in text
    explorer = read_explorer(folder / "results/mine/explorer/comparisons/models.h5")
    assert explorer.groups == ["Real images", "bad", "good"]
    assert not (folder / "results/mine/figures").exists(), "no exhibits are drawn for it"


def test_another_model_runs_only_its_own_jobs(folder: Path, compared: list[str]) -> None:
    before = sorted((folder / "results/mine/features").rglob("*.h5"))
    times = {path: path.stat().st_mtime_ns for path in before}
    found = json.loads(fringe(folder, "compare", "real", "bad", "good", "twin", "--json").stdout)
    assert {path: path.stat().st_mtime_ns for path in before} == times
    assert found["ranking"][2] == "bad"
    assert found["tied"] == [found["ranking"][:2]]
    assert [one["word"] for one in found["verdicts"]] == ["real", "real"]
    audit = json.loads(fringe(folder, "audit", "real", "bad", "--json").stdout)
    verdict = folder / "results/mine/comparisons/models/verdict.json"
    assert json.loads(verdict.read_text()) == found, "the comparison's verdict stays"
    (share,) = audit["histogram_shares"]
    assert share["model"] == "bad"
    first = audit["networks"][0]["models"]["bad"]["distance"]
    assert first == found["networks"][0]["models"]["bad"]["distance"], "the same distance"
