"""The whole DAG on real CIFAR-10: the first half is real, the second half are the samples."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fringe.evaluation import load_gaussian

Project = Any  # tests/dag/conftest.py


@pytest.fixture(scope="module")
def cifar(shared: Path, started: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished run on 5,000 + 5,000 images in two ZIPs."""
    images = shared / "data" / "cifar10-test.zip"
    if not images.is_file():
        pytest.skip(f"no {images.name} in the folder of real images")
    project = started.copy(tmp_path_factory.mktemp("cifar") / "project")
    with (
        zipfile.ZipFile(images) as archive,
        zipfile.ZipFile(project.folder / "samples.zip", "w") as samples,
    ):
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        assert len(names) == 10000
        for name in names[5000:]:
            samples.writestr(name, archive.read(name))
    project.config |= {
        "sources": {
            "cifar": {"path": str(images), "count": 5000, "order": "file"},
            "samples": {"path": "samples.zip", "order": "file"},
        },
        "datasets": {
            "cifar": {
                "title": "CIFAR-10",
                "real": "cifar",
                "generated": "samples",
                "checks": {"loss": 1e-9, "distances": {"tiny_network:classifier": 1e3}},
            }
        },
        "evaluation": {
            "n_real": 5000,
            "n_generated": 2000,
            "repeats": {"table1": 2, "table2": 3, "table3": 2, "sweep": 2, "sizes": 2},
            "kid_subsets": 10,
            "kid_subset_size": 200,
            "gamma_factors": [1],
            "sizes": [[1000, 1000], ["all", "all"]],
        },
        "schemes": {"top": [1], "middle": [2]},
        "optimization": {"evaluations": 60},
        "extraction": {"batch_size": 50, "shard_size": 2500},
    }
    project.run()
    return project


def fids(project: Project, scheme: str) -> pd.Series:
    return pd.read_csv(project.results / f"scores/cifar/{scheme}/tiny_network.classifier.csv")[
        "value"
    ]


def test_numbers_are_finite_and_plausible(cifar: Project) -> None:
    for path in cifar.results.glob("scores/**/*.csv"):
        scores = pd.read_csv(path)
        assert len(scores)
        assert scores["value"].abs().lt(1e3).all(), path  # NaN fails this check too
        errors = ["standard_error", "real_error"]
        assert not scores.drop(columns=errors, errors="ignore").isna().to_numpy().any(), path
    rows = pd.read_csv(cifar.results / "scores/cifar/random/tiny_network.classifier.csv")
    (first, *others) = rows[rows["metric"] == "fid"][errors].to_numpy()
    assert (first > 0).all(), "one draw has a standard error"
    assert np.isnan(others).all()
    random = fids(cifar, "random")
    assert len(random) == 3
    assert (random > 0).all()
    # Two halves of one set are similar: FID is small compared with the spread of the features.
    real, _ = load_gaussian(
        cifar.results / "statistics/cifar/tiny_network.classifier/features-5000.h5"
    )
    assert random.mean() < 0.02 * np.trace(real.covariance)
    # The optimized distance fell, and by more than the spread of draws.
    optimized = fids(cifar, "prelogits")
    assert optimized.max() < random.min()


def test_fid_falls_with_the_number_of_samples(cifar: Project) -> None:
    sizes = pd.read_csv(cifar.results / "scores/cifar/sizes.csv")
    means = sizes[sizes["metric"] == "fid"].groupby("n_generated")["value"].mean()
    assert means[5000] < means[1000]


def test_tables_figures_and_verdict_exist(cifar: Project) -> None:
    for number in (1, 2, 3):
        text = (cifar.results / f"tables/table{number}.md").read_text()
        assert "CIFAR-10" in text
        assert "simulated" not in text
        assert "†" not in text
        assert "nan" not in text.lower()
    each = (f"{number}-cifar" for number in ("1", "4a", "5", "16", "17", "S1"))
    for name in (*each, "6", "18", "8a"):
        for suffix in ("png", "pdf"):
            assert (cifar.results / f"figures/figure{name}.{suffix}").stat().st_size > 2000
    assert not (cifar.results / "figures/figure9.png").exists(), "there are no snapshots"
    verdict = (cifar.results / "verdict.md").read_text()
    assert verdict.startswith("# Verdict\n\n## CIFAR-10\n")
    assert "simulated" not in verdict
    assert "steps of the released algorithm" in verdict
    assert not (cifar.results / "images").exists(), "images of a ZIP are not copied"


def test_a_failed_self_check_is_reported_and_stops_nothing(cifar: Project) -> None:
    """Its loss is the FID of all images, which Figure 8a also shows."""
    text = (cifar.results / "self_check.md").read_text()
    assert text.splitlines()[2].startswith("FAILED: loss of CIFAR-10, tiny_network:classifier of ")
    loss, drawn = json.loads((cifar.results / "checks/cifar.json").read_text())
    sizes = pd.read_csv(cifar.results / "scores/cifar/sizes.csv")
    whole = sizes[(sizes["metric"] == "fid") & (sizes["n_generated"] == 5000)]["value"]
    assert loss["value"] == pytest.approx(whole.iloc[0], rel=1e-9)
    assert (drawn["n_real"], drawn["n_drawn"], drawn["draws"]) == (5000, 2000, 15)


def test_no_job_remains(cifar: Project) -> None:
    assert cifar.planned() == set()
