"""What jobs have to do, and how long that takes on common machines: the defaults of an estimate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fringe import plan
from fringe.networks import network_info

__all__ = [
    "MACHINES",
    "ON_GPU",
    "START",
    "Device",
    "Job",
    "Work",
    "demanded_device",
    "parse_shard_file",
    "part",
    "work",
]

Device = Literal["cpu", "cuda"]

# The machines that the defaults below are for.
MACHINES: dict[Device, str] = {"cpu": "CPU", "cuda": "H100"}

# Rules whose jobs ask for a GPU where there are some; images that are read or imitated need none.
ON_GPU = (
    *("render_images", "extract_features", "optimize_weights", "optimize_sweep"),
    *("measure_convergence", "measure_sensitivity", "explain_examples", "measure_noise"),
    *("extend_matched", "extract_matched"),
)

# Seconds that a job takes whatever it does: the start of Python and of the libraries. Median of the
# demo's jobs with next to no work (measure_statistics), less than half of it their own computing.
START = 4.0

# Defaults: units a second of one CPU core and of one NVIDIA H100, from benchmarks/README.md.
RATES: dict[str, dict[Device, float]] = {
    # Multiply-adds of a network: EfficientNet-Lite0, 71.8 images/s on two cores. On the GPU this
    # is assumed, not measured: two fifths of its float32 peak.
    "network": {"cpu": 1.4e10, "cuda": 1.3e13},
    # Multiply-adds in float64: weighted_statistics.py on one core; an evaluation of
    # weight_optimization.py on the GPU.
    "products": {"cpu": 1e10, "cuda": 8e12},
    # Pixels of StyleGAN2 at 256 x 256, float32: 5.68 images/s on two cores, 413 on the GPU.
    "generator": {"cpu": 1.9e5, "cuda": 2.7e7},
    # Pixels of the simulated generator, in the demo; it knows no GPU.
    "imitation": {"cpu": 2.3e6, "cuda": 2.3e6},
    # Bytes of images that a compressed array is unpacked to: photographs, which compress badly.
    "unpacking": {"cpu": 1.0e8, "cuda": 1.0e8},
    # Pixels of kept images that are read here and there: 2,248 of the demo's a second.
    "reading": {"cpu": 3.7e7, "cuda": 3.7e7},
}

# Of the images that have maps, those of the most frequent classes: 45 % in the demo. It depends on
# what FID's network sees in them, which nobody knows before.
FREQUENT = 0.5

# Of the places of a Top-1 histogram, those that the candidates leave short: 21 % in the demo.
SHORT_PLACES = 0.25

# Thousand millions of multiply-adds for one image, as the networks' authors state them (timm and
# torchvision list them); `untrained` from its speed beside EfficientNet-Lite0's.
GIGA_MACS = {
    "inception": 5.7,
    "inception-torchvision": 5.7,
    "resnet50": 4.1,
    "swav": 4.1,
    "clip": 4.4,
    "vgg16": 15.5,
    "vgg16-nvidia": 15.5,
    "dinov2-b": 23.0,
    "dinov2-l": 81.0,
    "efficientnet-lite0": 0.4,
    "untrained": 0.03,
}
# Evaluations by which blocks of merged steps grow to their full size, and where steps are short:
# as many as that, more where the step size is near its limit.
RELEASED_EVALUATIONS = 300

UNKNOWN_GIGA_MACS = 5.0  # a network of the user's own

# Bytes in a file for each byte of pixels, and for each map with its Grad-CAM and classes: the
# demo's.
COMPRESSED = 0.75
MAP_BYTES = 1100


@dataclass(frozen=True)
class Job:
    """A job as Snakemake describes it; paths below the results are relative to them."""

    rule: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    wildcards: Mapping[str, str] = field(default_factory=dict)
    threads: int = 1
    gpus: int = 0
    benchmark: str | None = None

    @property
    def name(self) -> str:
        """What tells the job from all others, in every plan of the same run."""
        return self.benchmark or self.outputs[0]

    def place(self, device: Device) -> Device:
        """Where it computes, if ``device`` is where jobs do that ask for a GPU."""
        return device if self.gpus else "cpu"


@dataclass(frozen=True)
class Work:
    """What a job has to do.

    ``units`` are proportional to its time among jobs of one rule and ``group``; ``default`` is in
    seconds, without the start; ``size`` in bytes written.
    """

    group: str = ""
    units: float = 1.0
    default: float = 1.0
    size: float = 0.0


def demanded_device(config: Mapping[str, Any]) -> Device | None:
    """Return where the configuration says that jobs compute; None if it leaves that open."""
    if config["device"] == "auto":
        return None
    return "cpu" if config["device"] == "cpu" else "cuda"


def work(job: Job, config: Mapping[str, Any], sources: plan.Sources, device: Device) -> Work:
    """Return what a job has to do.

    ``config`` and ``sources`` are `fringe.plan.check`'s; jobs compute on ``device`` that ask for a
    GPU.
    """
    place = job.place(device)
    names = {name.replace(":", "."): name for name in plan.networks(config)}
    in_files = job.wildcards.get("network", config["network"].replace(":", "."))
    network = names[in_files]
    name = job.wildcards.get("dataset") or part(job.outputs[0], 1)
    dataset = config["datasets"].get(name)
    evaluation, optimization = config["evaluation"], config["optimization"]
    dim, classes = network_info(network)[0], network_info(network)[1] or 0
    repeats = evaluation["repeats"]

    def render(source: str, images: float) -> Work:
        """Work of making images; none where they are read."""
        kind, path = config["sources"][source]["kind"], config["sources"][source].get("path")
        if kind not in ("generator", "imitation"):
            return Work(default=0.0)
        height, width = sources[source]["resolution"]
        pixels = images * height * width
        group = f"{kind} {Path(path).name}" if path else kind
        return Work(group, pixels, pixels / RATES[kind][place], 3 * COMPRESSED * pixels)

    def read(source: str, images: float, size: float) -> Work:
        """Work of reading images, or of making those that are not kept."""
        made = render(source, images)
        if made.default and not config["extraction"]["keep_images"]:
            return Work(made.group, made.units, made.default, size)
        height, width = sources[source]["resolution"]
        pixels = images * height * width
        return Work("read", pixels, pixels / RATES["reading"][place], size)

    def look(
        source: str,
        images: float,
        size: float,
        times: float = 1.0,
        kept: bool = config["extraction"]["keep_images"],
    ) -> Work:
        """Work of a network, and of making its images where they are not kept."""
        made = Work(default=0.0) if kept else render(source, images)
        macs = 1e9 * GIGA_MACS.get(network, UNKNOWN_GIGA_MACS) * times
        seconds = images * macs / RATES["network"][place]
        return Work(f"{in_files} {made.group}".strip(), images, seconds + made.default, size)

    def multiply(number: float, size: float = 0.0, group: str = in_files) -> Work:
        """Work of multiply-adds of matrices."""
        return Work(group, number, number / RATES["products"][place], size)

    match job.rule:
        case "render_images":
            return render(job.wildcards["source"], _images(job))
        case "unpack_images":
            size = sources[job.wildcards["source"]]["packed"].size
            return Work("unpacking", size, size / RATES["unpacking"][place], size)
        case "extract_features":
            images = _images(job)
            return look(job.wildcards["source"], images, 4 * (dim + classes) * images)
        case "extend_matched":  # at most: until every bin is full
            candidates = sources[dataset["generated"]]["count"]
            images = plan.matching_limit(config, name, candidates) - candidates
            return look(dataset["generated"], images, 0.0, kept=False)
        case "extract_matched":
            images = SHORT_PLACES * dataset["n_generated"]
            return look(dataset["generated"], images, 4 * (dim + classes) * images, kept=False)
        case "measure_sensitivity":
            images = _images(job, plan.explained_images(config, name))
            return look(dataset["generated"], images, MAP_BYTES * images, times=1.3)
        case "explain_examples":  # Grad-CAM of three classes, and a second pass
            looked_at = plan.shown_images(config, name, job.wildcards["shown"])
            images = sum(map(len, looked_at.values()))
            return look(dataset["generated"], images, 0.0, times=2.5)
        case "average_sensitivity":
            share = FREQUENT if classes else 0.0  # of a network without classes, none
            images = max(1.0, share * plan.explained_images(config, name))
            shown = plan.shown_classes(config, name)
            groups = 1 + (shown if isinstance(shown, int) else len(shown)) if classes else 1
            height, width = sources[dataset["generated"]]["resolution"]
            return read(dataset["generated"], images, 8 * 3 * height * width * groups)
        case "measure_noise":  # in either half, and everywhere
            return look(dataset["generated"], 3 * plan.noise_images(config, name), 0.0)
        case "measure_statistics":
            width = classes if job.wildcards["space"] == "logits" else dim
            return multiply(int(job.wildcards["n"]) * width**2, 8 * width * (width + 1))
        case "optimize_weights" | "optimize_sweep":
            candidates = sources[dataset["generated"]]["count"]
            scheme = job.wildcards.get("scheme", "")
            width = dim if scheme.startswith("prelogits") else classes
            if scheme in plan.released_schemes(config):
                steps, drawn = optimization["released"]["steps"], dataset["n_generated"]
                # Blocks of 500 steps at most, three evaluations each; three draws at each check.
                evaluations = min(steps, RELEASED_EVALUATIONS + 3 * steps // 500)
                draws = 3 * (2 + steps // 500) * (drawn * dim**2 + dim**3)
                number = evaluations * 2 * candidates * width**2 + draws
                return multiply(number, 16 * candidates, f"{in_files} released")
            evaluations = optimization["evaluations"] * len(job.outputs)
            return multiply(
                evaluations * 2 * candidates * width**2, 16 * candidates * len(job.outputs)
            )
        case "measure_convergence":  # four steps are timed the released way: about 60 of ours
            candidates = sources[dataset["generated"]]["count"]
            taken = 0 if plan.released_schemes(config) else config["convergence"]["steps"]
            return multiply((taken + 60) * 2 * candidates * dim**2)
        case "score_scheme":
            number = plan.repeats(config, job.wildcards["scheme"])
            return multiply(number * (dataset["n_generated"] * dim**2 + dim**3))
        case "score_kernels":  # in float32, four times as fast
            real, generated = dataset["n_real"], dataset["n_generated"]
            subsets = 3 * evaluation["kid_subsets"] * evaluation["kid_subset_size"] ** 2
            draws = repeats["table3"]
            # All pairs, where these are fewer.
            pairs = draws * min(subsets, (real + generated) ** 2)
            if evaluation["kid_exact"]:  # draws share what they have in common
                drawn = min(sources[dataset["generated"]]["count"], draws * generated)
                pairs += (real**2 + min(drawn**2, draws * generated**2)) / 2 + real * drawn
            return multiply(pairs * dim / 4)
        case "score_precision_recall":  # in float32, four times as fast
            other = evaluation["precision_recall"]["network"]
            pairs = (dataset["n_real"] + dataset["n_generated"]) ** 2
            width = network_info(other)[0]
            return multiply(repeats["recall"] * pairs * width / 4, group=other)
        case "score_sizes":  # of all images, and extrapolated
            counts = (sources[dataset[side]]["count"] for side in ("real", "generated"))
            sizes = plan.resolve_sizes(dataset["sizes"], *counts)
            images = sum(real + 4 * generated for real, generated in sizes)
            return multiply(repeats["sizes"] * images * dim**2)
        case "figure_overview":  # two distances, and the directions that are drawn
            return multiply(4 * (dim**3 + classes**3))
        case "measure_checks":  # 15 draws in each network, of as many distinct images as are drawn
            told = dataset["checks"].get("distances", {})
            images = sources[dataset["generated"]]["count"] + 15 * dataset["n_generated"]
            return multiply(max(1, len(told)) * (images * dim**2 + 16 * dim**3))
        case "score_snapshots":
            return multiply(len(dataset["snapshots"]) * dim**3)
    return Work()


def part(path: str, index: int) -> str:
    """Return a part of a path, "" if it has too few."""
    parts = Path(path).parts
    return parts[index] if index < len(parts) else ""


def _images(job: Job, limit: float = float("inf")) -> float:
    """Return how many images, of the first ``limit``, are in the shards that a job makes."""
    shards = [parse_shard_file(path) for path in job.outputs]
    return sum(max(0, min(last, limit) - first) for first, last in filter(None, shards))


def parse_shard_file(path: str) -> tuple[int, int] | None:
    """Return the bounds of the shard that a file is of; None if it is of none."""
    stem = Path(path).stem
    return plan.parse_shard(stem) if re.fullmatch("[0-9]+-[0-9]+", stem) else None
