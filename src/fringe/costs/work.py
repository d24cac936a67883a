"""Amount of work of jobs, and its default time on common machines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fringe.config.sources import DiffusersSource, FileSource, PythonSource
from fringe.costs.context import JobContext
from fringe.costs.rates import COMPRESSED, UNKNOWN_GIGA_MACS
from fringe.networks import network_info
from fringe.sources.kinds import KINDS

__all__ = [
    "Work",
    "distorting",
    "error_products",
    "network_passes",
    "products",
    "reading",
    "rendering",
]

# A singular value decomposition with its vectors, and two factors, take as long as this number of
# products of D x D matrices.
TRANSPORTS = 11


STEPS = 50  # default number of steps of a diffusers pipeline


@dataclass(frozen=True)
class Work:
    """Amount of work of a job.

    ``units`` is proportional to the time among jobs of the same rule and ``group``. ``default`` is
    the default time in seconds, without the start of the job. ``size`` is the number of bytes
    written. ``assumed`` describes the assumption behind the default, or is "" without assumption.
    """

    group: str = ""
    units: float = 1.0
    default: float = 1.0
    size: float = 0.0
    assumed: str = ""


def rendering(about: JobContext, source: str, images: float) -> Work:
    """Return the work of making images of a source. Sources in files need no work."""
    made = about.config.sources[source]
    kind = KINDS[made.kind]
    if kind.pixels_per_second is None:
        return Work(default=0.0)
    pixels = _pixels(about, source, images)
    group: str = made.kind
    if isinstance(made, DiffusersSource):
        pixels *= _passes(made)
    if isinstance(made, FileSource):
        group += f" {Path(made.path).name}"
    if isinstance(made, PythonSource):
        group += f" {made.function}"
    size = 3 * COMPRESSED * _pixels(about, source, images)
    if kind.has_one_speed:
        return Work(group, pixels, pixels / about.speed(made.kind), size)
    speed = kind.pixels_per_second[about.place]
    step = " and step" if isinstance(made, DiffusersSource) else ""
    assumed = f"{speed:g} pixels a second{step} in sources/{source}"
    return Work(group, pixels, pixels / speed, size, assumed)


def _passes(made: DiffusersSource) -> int:
    """Return the number of passes through a diffusion model per image (50 steps by default)."""
    is_guided = made.guidance != 1 and (made.label is not None or made.prompts is not None)
    return (made.steps or STEPS) * (1 + is_guided)


def reading(about: JobContext, source: str, images: float, size: float) -> Work:
    """Return the work of reading images, or of making them if they are not kept.

    ``size`` is the number of bytes that the job writes.
    """
    made = rendering(about, source, images)
    if made.default and not about.config.extraction.keep_images:
        return Work(made.group, made.units, made.default, size)
    pixels = _pixels(about, source, images)
    return Work("read", pixels, pixels / about.speed("reading"), size)


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
        The source of the images.
    images : float
        Number of images.
    size : float
        Bytes that the job writes.
    passes : float
        Passes through the network for each image.
    kept : bool, optional
        Whether the images are kept in files; by default, the value of ``extraction/keep_images``.
    """
    if kept is None:
        kept = about.config.extraction.keep_images
    made = Work(default=0.0) if kept else rendering(about, source, images)
    stated = network_info(about.network).giga_macs
    macs = 1e9 * (UNKNOWN_GIGA_MACS if stated is None else stated) * passes
    seconds = images * macs / about.speed("network")
    group = f"{about.network_in_files} {made.group}".strip()
    assumed = ""
    if stated is None:
        assumed = f"{UNKNOWN_GIGA_MACS:g}e9 multiply-adds for an image in {about.network}"
    return Work(group, images, seconds + made.default, size, assumed)


def distorting(about: JobContext, source: str, images: float, number: float) -> Work:
    """Return the work of making distorted images, of the network, and of distances on the CPU.

    Parameters
    ----------
    about : JobContext
        The job.
    source : str
        The source of the images that are distorted.
    images : float
        Number of distorted images.
    number : float
        Multiply-adds of the distances, in float64.
    """
    passes = network_passes(about, source, images)
    made = _pixels(about, source, images) / about.speed("distorting")
    return replace(passes, default=passes.default + made + number / about.speed("products", "cpu"))


def products(about: JobContext, number: float, size: float = 0.0, group: str = "") -> Work:
    """Return the work of ``number`` multiply-adds of matrices in float64.

    ``group`` is the job's network by default.
    """
    seconds = number / about.speed("products")
    return Work(group or about.network_in_files, number, seconds, size)


def error_products(dim: int, images: int) -> int:
    """Return the multiply-adds of the standard error of a Fréchet distance.

    ``dim`` is the number of features; ``images`` is the number of images on both sides together.
    """
    return images * dim**2 + TRANSPORTS * dim**3


def _pixels(about: JobContext, source: str, images: float) -> float:
    height, width = about.sources[source]["resolution"]
    return float(images * height * width)
