"""Which jobs ask for a GPU, if the configuration allows one."""

from __future__ import annotations

from fringe.config.sources import SECTIONS
from fringe.costs.context import JobContext

__all__ = ["always", "if_generator_renders", "if_images_are_made"]


def always(about: JobContext) -> bool:
    """Return True: jobs of this rule compute on a GPU where there is one."""
    return True


def if_generator_renders(about: JobContext) -> bool:
    """Return whether the job's source is a trained generator."""
    source = about.config["sources"][about.wildcard("source")]
    return SECTIONS[source["kind"]].is_trained


def if_images_are_made(about: JobContext) -> bool:
    """Return whether a trained generator makes the data set's images in this job, not in another.

    Images that are kept are read from files.
    """
    trained = SECTIONS[about.config["sources"][about.generated]["kind"]].is_trained
    return bool(trained and not about.config["extraction"]["keep_images"])
