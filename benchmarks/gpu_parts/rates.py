"""The rates of an estimate that no other part measures: the work of the host next to a GPU."""

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean

import numpy as np

from fringe.costs.rates import START
from fringe.sources import ImitationSource, PhotoSource, open_source, render_shard
from fringe.sources.distorted import VARIANTS, DistortedSource
from fringe.sources.rendered import RenderedShard
from fringe.sources.unpacked import unpack
from gpu_parts.rows import Report
from gpu_parts.sizes import Sizes
from gpu_parts.timing import seconds_of

__all__ = ["measure"]


def measure(sizes: Sizes, device: str, report: Report, weights: Path | None = None) -> None:
    """Report each rate next to its default."""
    for name, one in (
        ("rate unpacking", unpacking),
        ("rate reading", reading),
        ("rate distorting", distorting),
        ("rate imitation", imitation),
        ("start of a job", starting),
    ):
        report.attempt(name, lambda one=one: one(sizes, device, report))


def unpacking(sizes: Sizes, device: str, report: Report) -> None:
    """Bytes of images from an unpacked compressed array."""
    photos = PhotoSource(sizes.host_images, sizes.pixels, 0).read(range(sizes.host_images))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples.npz"
        np.savez_compressed(path, photos)
        source = open_source(path)
        seconds = seconds_of(lambda: unpack(source, Path(folder) / "images.h5"), device)
    about = f"{len(photos)} photographs of {sizes.pixels} px in an NPZ"
    report.rate("unpacking", photos.nbytes / seconds, "bytes/s", device, about)


def reading(sizes: Sizes, device: str, report: Report) -> None:
    """Pixels of kept images, in any order."""
    count, pixels = sizes.host_images, sizes.pixels
    order = np.random.default_rng(0).permutation(count)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.h5"
        render_shard(PhotoSource(count, pixels, 0), 0, count, path, {"images": "photographs"})
        shard = RenderedShard(path)
        shard.read(order[:2])
        seconds = seconds_of(lambda: shard.read(order), device)
    about = f"{count} photographs of {pixels} px in HDF5"
    report.rate("reading", count * pixels**2 / seconds, "pixels/s", device, about)


def distorting(sizes: Sizes, device: str, report: Report) -> None:
    """Pixels of distorted images: the mean over sizes of the rate of all distortions."""
    found = []
    for pixels in sizes.distorted:
        photos = PhotoSource(2, pixels, 0)
        source = DistortedSource(photos, np.arange(2), 0)
        source.read(range(len(VARIANTS)))  # made only once
        seconds = seconds_of(lambda source=source: source.read(range(len(source))), device)
        found.append(len(source) * pixels**2 / seconds)
    about = f"all distortions at {', '.join(map(str, sizes.distorted))} px"
    report.rate("distorting", mean(found), "pixels/s", device, about)


def imitation(sizes: Sizes, device: str, report: Report) -> None:
    """Pixels of imitations of photographs, which are always made on the CPU."""
    count = min(sizes.host_images, 100)
    source = ImitationSource(count, 128, 0, 0.8)
    source.read(range(2))
    seconds = seconds_of(lambda: source.read(range(count)), device)
    report.rate(
        "imitation", count * 128**2 / seconds, "pixels/s", device, f"{count} images of 128 px"
    )


def starting(sizes: Sizes, device: str, report: Report) -> None:
    """Seconds from the start of Python to the first number on the device."""
    code = (
        "import h5py, torch, fringe.features, fringe.networks\n"
        f"torch.ones(8, 8, device={device!r}) @ torch.ones(8, 8, device={device!r})\n"
    )
    seconds = seconds_of(lambda: subprocess.run([sys.executable, "-c", code], check=True), device)
    report(
        "start of a job",
        configuration="an interpreter with PyTorch, h5py and the first product",
        figure=seconds,
        unit="s",
        ratio=START / seconds,
        rival=f"the default, {START:g} s",
        remark="no part of rates.json: every job takes the default",
    )
