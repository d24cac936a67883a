"""Conditions under which jobs request a GPU, if the configuration allows one."""

from __future__ import annotations

from fringe.costs.context import JobContext

__all__ = ["always", "if_generator_renders", "if_images_are_made"]


def always(about: JobContext) -> bool:
    """Return True: all jobs of the rule use a GPU if one is available."""
    return True


def if_generator_renders(about: JobContext) -> bool:
    """Return whether the job's source is a trained generator."""
    return about.config.sources[about.wildcard("source")].is_trained


def if_images_are_made(about: JobContext) -> bool:
    """Return whether a trained generator makes the data set's images in this job.

    Kept images were made in another job and are read from files.
    """
    trained = about.config.sources[about.generated].is_trained
    return trained and not about.config.extraction.keep_images
