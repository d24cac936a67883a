"""Cost of the rules in rules/features.smk."""

from __future__ import annotations

from fringe.costs import gpus
from fringe.costs.context import JobContext
from fringe.costs.memory import looking_memory, moments_memory, rendered_and_kept
from fringe.costs.rule_cost import RuleCost
from fringe.costs.work import Work, network_passes, products

__all__ = ["RULES"]


def _extract_features(about: JobContext) -> Work:
    images = about.images()
    size = 4 * (about.dim + about.classes) * images
    return network_passes(about, about.wildcard("source"), images, size)


def _extract_features_memory(about: JobContext) -> int:
    source = about.wildcard("source")
    return looking_memory(about, source, makes_images=not rendered_and_kept(about, source))


def _measure_statistics(about: JobContext) -> Work:
    width = about.classes if about.wildcard("space") == "logits" else about.dim
    return products(about, int(about.wildcard("n")) * width**2, 8 * width * (width + 1))


def _measure_statistics_memory(about: JobContext) -> int:
    return moments_memory(about.network)


def _import_features_memory(about: JobContext) -> int:
    count = int(about.sources[about.wildcard("source")]["count"])
    return 1500 + (4 * count * (about.dim + about.classes) >> 20)


RULES = {
    "fetch_weight_file": RuleCost(),
    "extract_features": RuleCost(_extract_features, _extract_features_memory, gpus.always),
    "link_features": RuleCost(),
    "import_features": RuleCost(memory=_import_features_memory),
    "measure_statistics": RuleCost(_measure_statistics, _measure_statistics_memory),
    "all_features": RuleCost(),
}
