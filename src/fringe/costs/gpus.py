"""Which jobs ask for a GPU, if the configuration allows one."""

from __future__ import annotations

from fringe.costs.context import JobContext

__all__ = ["always", "if_generator_renders", "if_images_are_made"]


def always(about: JobContext) -> bool:
    """Return True: jobs of this rule compute on a GPU where there is one."""
    return True


def if_generator_renders(about: JobContext) -> bool:
    """Return whether the job's source is a trained generator."""
    return about.config.sources[about.wildcard("source")].is_trained


def if_images_are_made(about: JobContext) -> bool:
    """Return whether a trained generator makes the data set's images in this job, not in another.

    Images that are kept are read from files.
    """
    trained = about.config.sources[about.generated].is_trained
    return trained and not about.config.extraction.keep_images
