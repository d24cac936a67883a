"""Memory, minutes and GPUs of jobs. The expected numbers are computed by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fringe.config import choices
from fringe.config.model import RunConfig
from fringe.costs.context import JobContext
from fringe.costs.jobs import Job
from fringe.costs.resources import asker, gpu, mem_mb, runtime
from fringe.errors import FringeError
from fringe.plan.run import Run
from fringe.running import opening

NET = "efficientnet-lite0"  # 1,280 features, 1,000 classes


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], choices.Sources]:
    """A run with 50,000 photographs and 250,000 imitations as candidates."""
    written = {
        "run": "mine",
        "results": str(tmp_path_factory.mktemp("results")),
        "network": NET,
        "controls": ["untrained"],
        "sources": {
            "real": {"kind": "photos", "count": 50_000, "resolution": 32},
            "fake": {"kind": "imitation", "count": 250_000, "resolution": 32},
        },
        "datasets": {"faces": {"real": "real", "generated": "fake"}},
        "evaluation": {
            "n_real": 50_000,
            "n_generated": 50_000,
            "repeats": {"table3": 5},
            "precision_recall": {"network": "untrained"},
        },
        "extraction": {"batch_size": 50, "workers": 2, "shard_size": 10_000},
        "optimization": {"evaluations": 300},
    }
    return opening.check(written)


@pytest.fixture
def config(checked: tuple[dict[str, Any], choices.Sources]) -> dict[str, Any]:
    """The completed configuration of the run, which tests may change."""
    config = checked[0].plain()
    config["datasets"]["faces"] |= {
        "snapshots": ["early", "late"],
        "checks": {"distances": {"untrained": 2.0}},
    }
    return config


def context(config: dict[str, Any], rule: str, **wildcards: str) -> JobContext:
    size = {"resolution": (32, 32), "shard_size": 10_000, "device": "cpu"}
    sources = {"real": {"count": 50_000, **size}, "fake": {"count": 250_000, **size}}
    wildcards = wildcards if "source" in wildcards else {"dataset": "faces", **wildcards}
    return JobContext(Job(rule, wildcards=wildcards), RunConfig.model_validate(config), sources, {})


def trained(config: dict[str, Any], tmp_path: Path) -> None:
    """Replace the generated images by a generator with a checkpoint of 100 MiB."""
    checkpoint = tmp_path / "generator.pkl"
    with checkpoint.open("wb") as file:
        file.truncate(100 << 20)
    config["sources"]["fake"] = {**{"kind": "generator", "count": 250_000, "path": str(checkpoint)}}


@pytest.mark.parametrize(
    ("rule", "wildcards", "expected"),
    [
        ("render_images", {"source": "fake"}, 1500),
        ("unpack_images", {"source": "real"}, 1500),
        # A batch of 50 images, and two workers of 400.
        ("extract_features", {"source": "real", "network": NET}, 1500 + 1000 + 800),
        # 8 bytes of 1280 x (12 x 1280 + 5 x 8192) are 550 MiB; 102 features make 32.
        ("measure_statistics", {"source": "real", "network": NET}, 1200 + 550),
        ("measure_statistics", {"source": "real", "network": "untrained"}, 1200 + 32),
        ("score_scheme", {"network": NET}, 1200 + 550),
        # Each further covariance is 25 MiB.
        ("score_sizes", {}, 1200 + 600),
        ("score_snapshots", {}, 1200 + 575),
        ("measure_checks", {}, 1200 + 600),
        # 12 bytes for each of 1280 features of 1,000 images in 12 variants are 175 MiB.
        ("measure_power", {"source": "real", "network": NET}, 1500 + 1000 + 800 + 175),
        ("figure_overview", {}, 1200 + 575),
        # 12 bytes for each of 102 features of 100,000 images.
        ("score_precision_recall", {}, 1500 + 116),
        # 4 bytes for each of 1280 features of 50,000 real images, a draw and 250,000 candidates.
        ("score_kernels", {"scheme": "random"}, 1500 + 1708),
        # Twice 2 GiB of candidates; 550 MiB; 200 vectors of 250,000.
        ("optimize_weights", {"scheme": "logits"}, 1500 + 5027),
        # And 1,008 ranks of 8 bytes for each of 300,000 images.
        ("optimize_sweep", {}, 1500 + 5027 + 2307),
        # Six copies of the candidates in float64.
        ("measure_convergence", {}, 2000 + 14648),
        ("extend_matched", {}, 1500 + 1000 + 800),
        ("extract_matched", {"network": "untrained"}, 1500 + 1000 + 800),
        # Eight covariances are 100 MiB; 50,000 maps are 97.7; with 102 features 98.3 together.
        ("measure_sensitivity", {"network": NET}, 3000 + 197),
        ("measure_sensitivity", {"network": "untrained"}, 3000 + 98),
        ("average_sensitivity", {}, 3000 + 197),
        ("explain_examples", {"network": NET}, 3000 + 197),
        ("measure_noise", {}, 3000 + 197),
        ("figure_schemes", {}, 2000),
        # A network, a batch and two workers; 22 matrices and 40,960 rows of 1280 features are 675
        # MiB; 20 bytes per feature and 6 per pixel for each of 1,500 images; 100 per candidate.
        ("explore_dataset", {}, 1500 + 1000 + 800 + 675 + 171 + 23),
    ],
)
def test_memory_of_rules(
    config: dict[str, Any], rule: str, wildcards: dict[str, str], expected: int
) -> None:
    about = context(config, rule, **wildcards)
    assert mem_mb(about) == expected
    assert mem_mb(about, attempt=3) == 3 * expected


@pytest.mark.parametrize(
    ("rule", "wildcards", "kept", "more"),
    [
        # Three times the checkpoint in each process that makes images, plus PyTorch in the workers.
        ("render_images", {"source": "fake"}, 300, 300),
        ("extract_features", {"source": "fake", "network": NET}, 0, 3 * 300),
        ("extract_features", {"source": "real", "network": NET}, 0, 0),
        ("extend_matched", {}, 3 * 300, 3 * 300),
        ("measure_sensitivity", {"network": NET}, 0, 3 * 300 + 2 * 1500),
        ("average_sensitivity", {}, 300, 300),
        ("explain_examples", {"network": NET}, 300, 300),
        ("measure_noise", {}, 3 * 300 + 2 * 1500, 3 * 300 + 2 * 1500),
        ("figure_schemes", {}, 300, 300),
    ],
)
def test_memory_of_a_trained_generator(
    config: dict[str, Any],
    tmp_path: Path,
    rule: str,
    wildcards: dict[str, str],
    kept: int,
    more: int,
) -> None:
    imitated = mem_mb(context(config, rule, **wildcards))
    trained(config, tmp_path)
    assert mem_mb(context(config, rule, **wildcards)) - imitated == kept
    config["extraction"]["keep_images"] = False
    assert mem_mb(context(config, rule, **wildcards)) - imitated == more


def test_memory_of_weights(config: dict[str, Any], tmp_path: Path) -> None:
    about = context(config, "extract_features", source="real", network=NET)
    path = tmp_path / "weights.pth"
    about = replace(about, weight_files={NET: {"path": str(path)}})
    without = mem_mb(about)
    with path.open("wb") as file:
        file.truncate(20 << 20)
    assert mem_mb(about) - without == 60


def test_memory_of_the_reference_optimization(config: dict[str, Any]) -> None:
    config["optimization"]["method"] = "reference"
    # 5,027.5 MiB and six copies of the candidates, 14,648.4.
    assert mem_mb(context(config, "optimize_weights", scheme="logits")) == 1500 + 19675


SHARD = {"source": "real", "network": NET, "shard": "0000000-0005000"}


def test_minutes_on_a_cpu(config: dict[str, Any]) -> None:
    about = context(config, "extract_features", **SHARD)
    # 5,000 images of 0.4e9 multiply-adds at 1.4e10 per second: 142.9 s; four times this: 9.5 min.
    assert runtime(about) == 20
    assert runtime(about, attempt=2) == 40
    del config["extraction"]["shard_size"]
    config["extraction"]["minutes_per_job"] = 20
    # The shard is half of a shard that was sized for 20 minutes.
    assert runtime(context(config, "extract_features", **SHARD)) == 10 + 4 * 10


def test_minutes_on_a_gpu(config: dict[str, Any]) -> None:
    about = context(config, "extract_features", **SHARD)
    about.sources["real"]["device"] = "cuda"  # the shard was sized for a GPU
    assert runtime(about) == 11
    # 300 evaluations x 2 x 250,000 x 1,000^2 multiply-adds: 15,000 s at 1e10 per second.
    about = context(config, "optimize_weights", scheme="logits")
    assert runtime(about) == 10 + 1000
    config["device"] = "cuda"
    # 18.75 s at 8e12.
    assert runtime(context(config, "optimize_weights", scheme="logits")) == 12


def test_minutes_of_a_shard_of_a_data_set(config: dict[str, Any]) -> None:
    del config["extraction"]["shard_size"]
    config["extraction"]["minutes_per_job"] = 20
    config["sensitivity"]["images"] = 50_000
    about = context(config, "measure_sensitivity", network=NET, shard="0000000-0010000")
    assert runtime(about) == 10 + 4 * 20


@pytest.mark.parametrize(
    ("rule", "wildcards", "imitated", "made_by_generator"),
    [
        ("extract_features", SHARD, 1, 1),
        ("optimize_weights", {"scheme": "logits"}, 1, 1),
        ("render_images", {"source": "fake"}, 0, 1),
        ("average_sensitivity", {}, 0, 1),
        ("score_kernels", {"scheme": "random"}, 0, 0),
        ("figure_means", {"number": "12"}, 0, 0),
    ],
)
def test_gpus_of_rules(
    config: dict[str, Any],
    tmp_path: Path,
    rule: str,
    wildcards: dict[str, str],
    imitated: int,
    made_by_generator: int,
) -> None:
    config["extraction"]["keep_images"] = False
    assert gpu(context(config, rule, **wildcards)) == imitated
    trained(config, tmp_path)
    assert gpu(context(config, rule, **wildcards)) == made_by_generator
    config["device"] = "cpu"
    assert gpu(context(config, rule, **wildcards)) == 0


def test_kept_images_are_read_without_a_gpu(config: dict[str, Any], tmp_path: Path) -> None:
    trained(config, tmp_path)
    assert gpu(context(config, "average_sensitivity")) == 0


def test_resources_without_a_formula_are_omitted(config: dict[str, Any]) -> None:
    about = context(config, "extract_features", **SHARD)
    ask = asker(Run(about.config, about.sources, {}))
    asked = ask("extract_features")
    assert {name: resource(SHARD, 2) for name, resource in asked.items() if name != "gpu"} == {
        "mem_mb": 2 * 3300,
        "runtime": 2 * 20,
    }
    assert asked["gpu"](SHARD) == 1
    assert set(ask("score_scheme")) == {"mem_mb", "runtime"}
    assert set(ask("figure_schemes")) == {"mem_mb"}
    assert ask("make_table") == {}
    sweep = ask("optimize_sweep", {"dataset": "faces"}, ["top1.h5", "top2.h5"])
    assert sweep["runtime"]({}, 1) == 10 + 2 * 1000
    with pytest.raises(FringeError, match="rule score_new"):
        ask("score_new")
