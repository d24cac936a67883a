"""Cost of the rules in rules/images.smk."""

from __future__ import annotations

from fringe.costs import gpus
from fringe.costs.context import JobContext
from fringe.costs.memory import generator_memory
from fringe.costs.rule_cost import RuleCost
from fringe.costs.work import Work, rendering

__all__ = ["RULES"]


def _render_images(about: JobContext) -> Work:
    return rendering(about, about.wildcard("source"), about.images())


def _render_images_memory(about: JobContext) -> int:
    return 1500 + generator_memory(about, about.wildcard("source"))


def _unpack_images(about: JobContext) -> Work:
    size = about.sources[about.wildcard("source")]["packed"].size
    return Work("unpacking", size, size / about.speed("unpacking"), size)


def _unpack_images_memory(about: JobContext) -> int:
    return 1500


RULES = {
    "render_images": RuleCost(_render_images, _render_images_memory, gpus.if_generator_renders),
    "unpack_images": RuleCost(_unpack_images, _unpack_images_memory),
}
