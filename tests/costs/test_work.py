"""Work of jobs of each rule. The expected numbers are computed by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fringe.config.model import RunConfig
from fringe.costs.jobs import Job
from fringe.costs.registry import RULES, work
from fringe.costs.work import Work
from fringe.networks.registry import NETWORKS
from fringe.running import opening
from fringe.sources.unpacked import Packed

PIXELS = 32 * 32
NET, FEATURES, CLASSES = "efficientnet-lite0", 1280, 1000


class Run:
    """A run with 60 photographs and 120 imitations, of which 40 and 60 are compared."""

    def __init__(self, tmp_path: Path) -> None:
        written = {
            "run": "mine",
            "results": str(tmp_path),
            "network": NET,
            "controls": ["untrained"],
            "sources": {
                "real": {"kind": "photos", "count": 60, "resolution": 32},
                "fake": {"kind": "imitation", "count": 120, "resolution": 32},
            },
            "datasets": {"faces": {"real": "real", "generated": "fake"}},
            "evaluation": {"n_real": 40, "n_generated": 60},
            "schemes": {"top": [1], "middle": [2]},
        }
        checked, self.sources = opening.check(written)
        self.config = checked.plain()
        self.dataset: dict[str, Any] = self.config["datasets"]["faces"]

    def work(self, rule: str, *, gpus: int = 0, outputs: int = 1, **wildcards: str) -> Work:
        """The work of a job if jobs that request a GPU get one."""
        if "source" not in wildcards:
            wildcards["dataset"] = "faces"
        job = Job(rule, (), ("",) * outputs, wildcards, gpus=gpus)
        return work(job, RunConfig.model_validate(self.config), self.sources, "cuda")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.mark.parametrize(
    ("asked", "passes"),
    [
        ({"steps": 20}, 20),
        ({}, 50),
        ({"steps": 20, "guidance": 4.0}, 20),  # guidance has no effect without classes
        ({"steps": 20, "label": 3}, 40),
        ({"steps": 20, "label": 3, "guidance": 1.0}, 20),
        ({"prompts": "p.txt", "guidance": 4.0}, 100),
    ],
)
def test_each_step_of_a_diffusion_model_counts(
    run: Run, asked: dict[str, Any], passes: int
) -> None:
    run.config["sources"]["fake"] = {
        "kind": "diffusers", "path": "models/ddpm", "count": 120, **asked
    }  # fmt: skip
    made = run.work("render_images", source="fake", shard="0000100-0000120")
    pixels = 20 * PIXELS
    size = 0.75 * 3 * pixels
    default = pytest.approx(passes * pixels / 1e4)
    assumed = "10000 pixels a second and step in sources/fake"
    assert made == Work("diffusers ddpm", passes * pixels, default, size, assumed)
    on_gpu = run.work("render_images", gpus=1, source="fake", shard="0000100-0000120")
    assert on_gpu.default == pytest.approx(passes * pixels / 2e7)


def test_work_of_images_of_a_function(run: Run) -> None:
    run.config["sources"]["fake"] = {"kind": "python", "function": "mine:images", "count": 120}
    made = run.work("render_images", source="fake", shard="0000100-0000120")
    pixels = 20 * PIXELS
    assert made.group == "python mine:images"
    assert made.default == pytest.approx(pixels / 1.9e5)


def test_work_of_images(run: Run) -> None:
    made = run.work("render_images", source="fake", shard="0000100-0000120")
    pixels = 20 * PIXELS
    assert made == Work("imitation", pixels, pytest.approx(pixels / 2.3e6), 0.75 * 3 * pixels)
    assert run.work("render_images", source="fake", shard="0000110-0000120").units == 10 * PIXELS
    run.sources["real"]["packed"] = Packed("of all images", 5_000_000)
    unpacked = run.work("unpack_images", source="real")
    assert unpacked == Work("unpacking", 5e6, pytest.approx(0.05), 5e6)


def test_work_of_images_of_a_trained_generator(run: Run) -> None:
    run.config["sources"]["fake"] = {
        **{"kind": "generator", "count": 120, "path": "networks/ffhq.pkl"}
    }
    shard = {"source": "fake", "shard": "0000000-0000100"}
    pixels = 100 * PIXELS
    slow, fast = (run.work("render_images", gpus=gpus, **shard) for gpus in (0, 1))
    assert slow == Work("generator ffhq.pkl", pixels, pytest.approx(pixels / 1.9e5), 2.25 * pixels)
    assert fast.default == pytest.approx(pixels / 2.7e7)


def test_work_of_features(run: Run) -> None:
    shard = {"source": "real", "network": NET, "shard": "0000000-0000060"}
    extracted = run.work("extract_features", **shard)
    assert extracted == Work(NET, 60, pytest.approx(60 * 0.4e9 / 1.4e10), 60 * (1280 + 1000) * 4)
    on_gpu = run.work("extract_features", gpus=1, **shard)
    assert on_gpu.default == pytest.approx(60 * 0.4e9 / 1.3e13)
    named = {"source": "real", "network": "untrained", "space": "features", "n": "40"}
    assert run.work("measure_statistics", **named) == Work(
        "untrained", 40 * 102**2, pytest.approx(40 * 102**2 / 1e10), 8 * (102**2 + 102)
    )
    logits = {"source": "real", "network": NET, "space": "logits", "n": "40"}
    assert run.work("measure_statistics", **logits).units == 40 * 1000**2


def test_a_network_without_stated_multiply_adds(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = {"source": "real", "network": "untrained", "shard": "0000000-0000060"}
    assert run.work("extract_features", **shard).assumed == ""
    silent = NETWORKS["untrained"].info._replace(giga_macs=None)
    monkeypatch.setitem(NETWORKS, "untrained", replace(NETWORKS["untrained"], info=silent))
    assumed = run.work("extract_features", **shard)
    assert assumed.default == pytest.approx(60 * 5e9 / 1.4e10)
    assert assumed.assumed == "5e9 multiply-adds for an image in untrained"


def test_images_that_are_not_kept_add_to_the_work_of_features(run: Run) -> None:
    shard = {"source": "fake", "network": "untrained", "shard": "0000000-0000100"}
    kept, kept_means = run.work("extract_features", **shard), run.work("average_sensitivity")
    run.config["extraction"]["keep_images"] = False
    made, made_means = run.work("extract_features", **shard), run.work("average_sensitivity")
    assert made.default - kept.default == pytest.approx(100 * PIXELS / 2.3e6)
    assert (kept.group, made.group) == ("untrained", "untrained imitation")
    assert kept.size == made.size
    assert (kept_means.group, made_means.group) == ("read", "imitation")
    assert made_means.units == 30 * PIXELS
    # Photographs are made too, but their records are shared by all sources of photographs.
    real = {"source": "real", "network": "untrained", "shard": "0000000-0000060"}
    assert run.work("extract_features", **real).group == "untrained"


def test_work_of_resampling(run: Run) -> None:
    evaluations = run.config["optimization"]["evaluations"] = 300
    weights = run.work("optimize_weights", scheme="prelogits")
    assert (weights.group, weights.units) == (NET, evaluations * 2 * 120 * FEATURES**2)
    assert weights.size == 16 * 120
    in_logits = run.work("optimize_weights", scheme="logits")
    assert in_logits.units == evaluations * 2 * 120 * CLASSES**2
    one, two = (run.work("optimize_sweep", outputs=number) for number in (1, 2))
    assert one.units == evaluations * 2 * 120 * CLASSES**2
    assert (two.units, two.size) == (2 * one.units, 2 * 16 * 120)
    # At most 10 times the 120 candidates are made and classified, then those that match.
    further = run.work("extend_matched")
    assert (further.group, further.units) == (f"{NET} imitation", 9 * 120)
    seconds = PIXELS / 2.3e6 + 0.4e9 / 1.4e10
    assert further.default == pytest.approx(9 * 120 * seconds)
    looked = run.work("extract_matched", network="untrained")
    assert (looked.group, looked.units, looked.size) == ("untrained imitation", 15, 4 * 102 * 15)
    run.config["convergence"]["steps"] = 1000
    assert run.work("measure_convergence").units == 1060 * 2 * 120 * FEATURES**2


def test_work_of_the_released_algorithm(run: Run) -> None:
    run.config["optimization"]["released"] = {"steps": 20_000}
    released = run.work("optimize_weights", scheme="prelogits-released")
    # 300 evaluations, and 3 for each of 40 blocks; 3 draws for each of 42 checks.
    draws = 126 * (60 * FEATURES**2 + FEATURES**3)
    assert released.units == 420 * 2 * 120 * FEATURES**2 + draws
    assert released.group == f"{NET} released"
    # The file of weights contains the steps.
    assert run.work("measure_convergence").units == 60 * 2 * 120 * FEATURES**2


def test_work_of_scores(run: Run) -> None:
    run.config["evaluation"]["repeats"] |= {"table2": 10, "table3": 10, "recall": 3, "sizes": 2}
    # The largest number of draws that a table needs.
    scored = run.work("score_scheme", scheme="random", network=NET)
    # And the error of one draw, of 40 real and 60 drawn images.
    error = 100 * FEATURES**2 + 11 * FEATURES**3
    assert scored.units == 10 * (60 * FEATURES**2 + FEATURES**3) + error
    swept = run.work("score_scheme", scheme="top1", network=NET)
    assert swept.units == 3 * (60 * FEATURES**2 + FEATURES**3)
    # Ten draws of 60 of 120 images, and 40 real images. KID of all pairs, fewer than the pairs
    # of the subsets, and the exact KID of all draws together.
    kernels = run.work("score_kernels", scheme="random")
    assert kernels.units == (10 * 100**2 + (40**2 + 120**2) / 2 + 40 * 120) * FEATURES / 4
    run.config["evaluation"] |= {"kid_exact": False, "kid_subsets": 2, "kid_subset_size": 10}
    assert run.work("score_kernels", scheme="random").units == 10 * 3 * 2 * 10**2 * FEATURES / 4
    run.config["evaluation"]["precision_recall"]["network"] = "untrained"
    recall = run.work("score_precision_recall")
    assert (recall.group, recall.units) == ("untrained", 3 * 100**2 * 102 / 4)
    run.dataset["sizes"] = [[20, 30], ["all", "all"]]
    errors = (20 + 30 + 60 + 120) * FEATURES**2 + 2 * 11 * FEATURES**3
    draws = 2 * (20 + 4 * 30 + 60 + 4 * 120) * FEATURES**2
    assert run.work("score_sizes").units == draws + errors
    run.dataset["snapshots"] = ["a", "b", "c"]
    assert run.work("score_snapshots", space="features").units == 3 * (FEATURES**3 + error)
    run.dataset["checks"] = {"loss": 4.9}
    one = (120 + 15 * 60) * FEATURES**2 + 16 * FEATURES**3
    assert run.work("measure_checks").units == one
    run.dataset["checks"]["distances"] = {NET: 5.25, "untrained": 2.0}
    assert run.work("measure_checks").units == 2 * one


def test_work_of_a_comparison(run: Run) -> None:
    """Each further generator adds distances and a price."""
    run.config["datasets"]["again"] = run.dataset
    run.config["comparisons"] = {"one": {"title": "one", "generators": {"A": "faces"}}}
    one = run.work("compare_main", comparison="one").units
    assert one == pytest.approx(
        1.3 * 100 * FEATURES**2 + 10.5 * FEATURES**3 + 0.2 * 100**2 * FEATURES
    )
    control = run.work("compare_control", comparison="one", network="untrained").units
    assert control == pytest.approx(0.7 * 100 * 102**2 + 8 * 102**3 + 0.2 * 100**2 * 102)
    run.config["comparisons"]["one"]["generators"]["B"] = "again"
    price = 60 * 256 * 40 * 256 + 2 * 60 * FEATURES**2 + 5 * FEATURES**3
    both = run.work("compare_main", comparison="one")
    assert both.units == pytest.approx(2 * one + price)
    assert both.default == both.units / 1e10


def test_work_of_distorted_images(run: Run) -> None:
    # All 60 real images, each in 12 variants: fewer than the configured 1,000.
    named = {"source": "real", "network": NET}
    found = run.work("measure_power", **named)
    distances = (720 / 2 + 60) * 1280**2 + 29 * 1280**3
    seconds = 720 * 0.4e9 / 1.4e10 + 720 * PIXELS / 5.6e6 + distances / 1e10
    assert found == Work(NET, 720, pytest.approx(seconds))
    # Distortions and distances are computed on the CPU.
    saved = found.default - run.work("measure_power", gpus=1, **named).default
    assert saved == pytest.approx(720 * 0.4e9 * (1 / 1.4e10 - 1 / 1.3e13))
    run.config["evaluation"]["power_images"] = 10
    assert run.work("measure_power", **named).units == 120


def test_work_of_sensitivity(run: Run) -> None:
    # The last shard has images for which FID is not measured.
    explained = run.work("measure_sensitivity", network=NET, shard="0000040-0000080")
    assert (explained.units, explained.size) == (20, 20 * 1100)
    assert explained.default == pytest.approx(20 * 1.3 * 0.4e9 / 1.4e10)
    assert run.work("measure_sensitivity", network=NET, shard="0000060-0000120").units == 0
    run.config["sensitivity"]["classes"] = 3
    averaged = run.work("average_sensitivity")
    assert (averaged.group, averaged.units) == ("read", 30 * PIXELS)
    assert averaged.default == pytest.approx(30 * PIXELS / 3.7e7)
    examples = run.work("explain_examples", network="untrained", shown="grid")
    assert examples.units == 40
    assert examples.default == pytest.approx(40 * 2.5 * 0.03e9 / 1.4e10)
    run.config["sensitivity"]["noise"]["images"] = 50
    assert run.work("measure_noise", scale="4").units == 3 * 50


def test_work_of_figures(run: Run) -> None:
    # Two distances, each with its error for 40 real and 60 generated images.
    assert run.work("figure_overview").units == sum(
        (4 + 11) * dim**3 + 100 * dim**2 for dim in (FEATURES, CLASSES)
    )


@pytest.mark.parametrize("rule", [name for name, cost in RULES.items() if cost.work is None])
def test_short_rules_take_a_second(run: Run, rule: str) -> None:
    assert run.work(rule) == Work("", 1, 1, 0)


def test_work_of_explorers(run: Run) -> None:
    """Matrices on the CPU, and passes through the network."""
    run.config["datasets"]["pair"] = {**run.dataset, "title": "y", "resample": False}
    run.config["comparisons"] = {"one": {"title": "x", "generators": {"A": "faces", "B": "pair"}}}
    run.config["page"]["images"] = 50
    dataset = (4 * 120 + 40) * FEATURES**2 + 3 * 22 * FEATURES**3
    found = run.work("explore_dataset")
    assert found.units == dataset
    assert found.default == pytest.approx(dataset / 1e10 + 25 * 1.3 * 0.4e9 / 1.4e10)
    on_gpu = run.work("explore_dataset", gpus=1)
    assert on_gpu.default == pytest.approx(dataset / 1e10 + 25 * 1.3 * 0.4e9 / 1.3e13)
    comparison = (7 * 60 + 60) * FEATURES**2 + 2 * 22 * FEATURES**3
    found = run.work("explore_comparison", comparison="one")
    assert found.units == comparison
    assert found.default == pytest.approx(comparison / 1e10 + 100 * 1.3 * 0.4e9 / 1.4e10)
    # The sets have fewer images than may be shown.
    run.config["page"]["images"] = 1000
    found = run.work("explore_comparison", comparison="one")
    assert found.default == pytest.approx(comparison / 1e10 + 120 * 1.3 * 0.4e9 / 1.4e10)
    run.config["sensitivity"]["datasets"] = []
    assert run.work("explore_dataset").default == pytest.approx(dataset / 1e10)
