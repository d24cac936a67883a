"""What jobs have to do, and how long that takes on common machines: the defaults of an estimate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fringe.costs.context import JobContext
from fringe.costs.rates import COMPRESSED, GIGA_MACS, RATES, UNKNOWN_GIGA_MACS

__all__ = ["Work", "network_passes", "products", "reading", "rendering"]


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


def rendering(about: JobContext, source: str, images: float) -> Work:
    """Return the work of making images of a source; none if the source is read from files."""
    kind, path = (
        about.config["sources"][source]["kind"],
        about.config["sources"][source].get("path"),
    )
    if kind not in ("generator", "imitation"):
        return Work(default=0.0)
    pixels = _pixels(about, source, images)
    group = f"{kind} {Path(path).name}" if path else kind
    return Work(group, pixels, pixels / RATES[kind][about.place], 3 * COMPRESSED * pixels)


def reading(about: JobContext, source: str, images: float, size: float) -> Work:
    """Return the work of reading images, or of making images that are not kept.

    ``size`` is the number of bytes that the job writes.
    """
    made = rendering(about, source, images)
    if made.default and not about.config["extraction"]["keep_images"]:
        return Work(made.group, made.units, made.default, size)
    pixels = _pixels(about, source, images)
    return Work("read", pixels, pixels / RATES["reading"][about.place], size)


def network_passes(
    about: JobContext,
    source: str,
    images: float,
    size: float = 0.0,
    *,
    passes: float = 1.0,
    kept: bool | None = None,
) -> Work:
    """Return the work of the job's network, and of making its images unless they are kept.

    Parameters
    ----------
    about : JobContext
        The job.
    source : str
        Where the images come from.
    images : float
        Number of images.
    size : float
        Bytes that the job writes.
    passes : float
        Passes through the network for each image.
    kept : bool, optional
        Whether the images are kept in files; by default what ``extraction/keep_images`` says.
    """
    if kept is None:
        kept = about.config["extraction"]["keep_images"]
    made = Work(default=0.0) if kept else rendering(about, source, images)
    macs = 1e9 * GIGA_MACS.get(about.network, UNKNOWN_GIGA_MACS) * passes
    seconds = images * macs / RATES["network"][about.place]
    group = f"{about.network_in_files} {made.group}".strip()
    return Work(group, images, seconds + made.default, size)


def products(about: JobContext, number: float, size: float = 0.0, group: str = "") -> Work:
    """Return the work of ``number`` multiply-adds of matrices in float64.

    ``group`` is the job's network by default.
    """
    seconds = number / RATES["products"][about.place]
    return Work(group or about.network_in_files, number, seconds, size)


def _pixels(about: JobContext, source: str, images: float) -> float:
    height, width = about.sources[source]["resolution"]
    return float(images * height * width)
