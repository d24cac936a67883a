"""Cost of the rules in rules/sensitivity.smk."""

from __future__ import annotations

from dataclasses import replace

from fringe.config import choices
from fringe.costs import gpus
from fringe.costs.context import JobContext
from fringe.costs.memory import explanation_memory, rendered_and_kept
from fringe.costs.rates import FREQUENT, MAP_BYTES, RATES, UNKNOWN_GIGA_MACS
from fringe.costs.rule_cost import RuleCost
from fringe.costs.work import Work, network_passes, reading
from fringe.networks import network_info

__all__ = ["RULES"]


def _measure_sensitivity(about: JobContext) -> Work:
    """Maps of the images in the shard for which FID is measured."""
    images = about.images(choices.explained_images(about.config, about.dataset_name))
    work = network_passes(about, about.generated, images, MAP_BYTES * images, passes=1.3)
    classifier = choices.own_classifier(about.config)
    if classifier is None or about.network != about.config.network:
        return work
    stated = network_info(classifier).giga_macs
    macs = 1e9 * (UNKNOWN_GIGA_MACS if stated is None else stated)
    return replace(work, default=work.default + images * macs / RATES["network"][about.place])


def _measure_sensitivity_memory(about: JobContext) -> int:
    kept = rendered_and_kept(about, about.generated)
    return explanation_memory(about, makers=0 if kept else _all_makers(about))


def _average_sensitivity(about: JobContext) -> Work:
    """Images of the most frequent classes are read or made, if the network has classes."""
    classes, name = about.classes, about.dataset_name
    share = FREQUENT if classes else 0.0
    images = max(1.0, share * choices.explained_images(about.config, name))
    shown = choices.shown_classes(about.config, name)
    groups = 1 + (shown if isinstance(shown, int) else len(shown)) if classes else 1
    height, width = about.sources[about.generated]["resolution"]
    return reading(about, about.generated, images, 8 * 3 * height * width * groups)


def _explain_examples(about: JobContext) -> Work:
    """Grad-CAM of three classes, and a second pass."""
    shown = choices.shown_images(about.config, about.dataset_name, about.wildcard("shown"))
    return network_passes(about, about.generated, sum(map(len, shown.values())), passes=2.5)


def _measure_noise(about: JobContext) -> Work:
    """Each image with noise in each half of its pixels, and in all pixels."""
    images = 3 * choices.noise_images(about.config, about.dataset_name)
    return network_passes(about, about.generated, images)


def _measure_noise_memory(about: JobContext) -> int:
    return explanation_memory(about, makers=_all_makers(about))


def _all_makers(about: JobContext) -> int:
    """Return the number of processes that make images: the job itself and its workers."""
    return 1 + about.config.extraction.workers


RULES = {
    "measure_sensitivity": RuleCost(_measure_sensitivity, _measure_sensitivity_memory, gpus.always),
    "join_sensitivity": RuleCost(),
    "average_sensitivity": RuleCost(
        _average_sensitivity, explanation_memory, gpus.if_images_are_made
    ),
    "explain_examples": RuleCost(_explain_examples, explanation_memory, gpus.always),
    "measure_noise": RuleCost(_measure_noise, _measure_noise_memory, gpus.always),
    "measure_region": RuleCost(),
    "figure_pipeline": RuleCost(),
    "figure_examples": RuleCost(),
    "figure_means": RuleCost(),
    "figure_noise": RuleCost(),
    "figure_sensitivity_grid": RuleCost(),
    "figure_noisy_images": RuleCost(),
    "figure_network_maps": RuleCost(),
}
