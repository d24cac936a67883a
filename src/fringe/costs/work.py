"""What jobs have to do, and how long that takes on common machines: the defaults of an estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fringe.config import choices
from fringe.costs.jobs import Device, Job, _images, part
from fringe.costs.rates import (
    COMPRESSED,
    FREQUENT,
    GIGA_MACS,
    MAP_BYTES,
    RATES,
    RELEASED_EVALUATIONS,
    SHORT_PLACES,
    UNKNOWN_GIGA_MACS,
)
from fringe.networks import network_info

__all__ = ["Work", "work"]


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


def work(job: Job, config: Mapping[str, Any], sources: choices.Sources, device: Device) -> Work:
    """Return what a job has to do.

    ``config`` and ``sources`` are `fringe.running.opening.check`'s; jobs compute on ``device`` that
    ask for a GPU.
    """
    place = job.place(device)
    names = {name.replace(":", "."): name for name in choices.networks(config)}
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
            images = choices.matching_limit(config, name, candidates) - candidates
            return look(dataset["generated"], images, 0.0, kept=False)
        case "extract_matched":
            images = SHORT_PLACES * dataset["n_generated"]
            return look(dataset["generated"], images, 4 * (dim + classes) * images, kept=False)
        case "measure_sensitivity":
            images = _images(job, choices.explained_images(config, name))
            return look(dataset["generated"], images, MAP_BYTES * images, times=1.3)
        case "explain_examples":  # Grad-CAM of three classes, and a second pass
            looked_at = choices.shown_images(config, name, job.wildcards["shown"])
            images = sum(map(len, looked_at.values()))
            return look(dataset["generated"], images, 0.0, times=2.5)
        case "average_sensitivity":
            share = FREQUENT if classes else 0.0  # of a network without classes, none
            images = max(1.0, share * choices.explained_images(config, name))
            shown = choices.shown_classes(config, name)
            groups = 1 + (shown if isinstance(shown, int) else len(shown)) if classes else 1
            height, width = sources[dataset["generated"]]["resolution"]
            return read(dataset["generated"], images, 8 * 3 * height * width * groups)
        case "measure_noise":  # in either half, and everywhere
            return look(dataset["generated"], 3 * choices.noise_images(config, name), 0.0)
        case "measure_statistics":
            width = classes if job.wildcards["space"] == "logits" else dim
            return multiply(int(job.wildcards["n"]) * width**2, 8 * width * (width + 1))
        case "optimize_weights" | "optimize_sweep":
            candidates = sources[dataset["generated"]]["count"]
            scheme = job.wildcards.get("scheme", "")
            width = dim if scheme.startswith("prelogits") else classes
            if scheme in choices.released_schemes(config):
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
            taken = 0 if choices.released_schemes(config) else config["convergence"]["steps"]
            return multiply((taken + 60) * 2 * candidates * dim**2)
        case "score_scheme":
            number = choices.repeats(config, job.wildcards["scheme"])
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
            sizes = choices.resolve_sizes(dataset["sizes"], *counts)
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
