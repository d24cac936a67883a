"""KID of subsets and of all pairs: Fringe on the CPU, on the device, and plain PyTorch."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from weight_optimization import pooled

from fringe.metrics import Kernel, kernel_distances, kernel_distances_of_tensors
from fringe.metrics.kernel import draw_subsets
from gpu_parts.rows import Report
from gpu_parts.sizes import Sizes
from gpu_parts.timing import best_of, seconds_of

__all__ = ["measure"]


def measure(sizes: Sizes, device: str, report: Report, weights: Path | None = None) -> None:
    """Report the seconds of each variant, and the differences of their values."""
    real = pooled(sizes.kid_images, sizes.dim, 1, device, tilt=0.0)
    generated = pooled(sizes.kid_images, sizes.dim, 2, device, tilt=0.5)
    x, y = (torch.from_numpy(side).to(device) for side in (real, generated))
    few = sizes.kid_exact
    how = {"subsets": sizes.subsets, "subset_size": sizes.subset_size, "seed": 0}
    rows = draw_subsets(len(x), len(y), sizes.subsets, sizes.subset_size, 0)

    def plain_subsets() -> float:
        values = [
            plain(x[torch.from_numpy(a).to(device)], y[torch.from_numpy(b).to(device)])
            for a, b in rows
        ]
        return sum(values) / len(values)

    about = f"{sizes.kid_images} and as many images, D = {sizes.dim}"
    compare(
        report,
        f"KID, {sizes.subsets} subsets of {sizes.subset_size}",
        about,
        {
            "plain PyTorch, float32": plain_subsets,
            "Fringe on the CPU, float32 products": lambda: kernel_distances(
                real, generated, [Kernel()], **how
            )[0],
            "Fringe on the device, float64": lambda: kernel_distances_of_tensors(
                x, y, [Kernel()], **how
            )[0],
        },
        sizes,
        device,
    )
    compare(
        report,
        "exact KID, all pairs",
        f"{few} and as many images, D = {sizes.dim}",
        {
            "plain PyTorch, float32": lambda: plain(x[:few], y[:few]),
            "Fringe on the CPU, float32 products": lambda: kernel_distances(
                real[:few], generated[:few], [Kernel()]
            )[0],
            "Fringe on the device, float64": lambda: kernel_distances_of_tensors(
                x[:few], y[:few], [Kernel()]
            )[0],
        },
        sizes,
        device,
    )


def compare(
    report: Report,
    what: str,
    about: str,
    ways: dict[str, Callable[[], float]],
    sizes: Sizes,
    device: str,
) -> None:
    """Report the seconds of each variant relative to the first; the last value is exact."""
    values: dict[str, float] = {}
    best: dict[str, float] = {}
    for name, way in ways.items():

        def call(name: str = name, way: Callable[[], float] = way) -> None:
            values[name] = way()

        best[name] = seconds_of(call, device)
        if "CPU" not in name:  # on a CPU the first call is as fast as others, and takes long
            best |= best_of({name: call}, sizes.turns, device)
    rival, exact = next(iter(ways)), list(values.values())[-1]
    for name, seconds in best.items():
        error = abs(values[name] / exact - 1) if exact else abs(values[name])
        where = " (the device is the CPU)" if device == "cpu" and "device" in name else ""
        report(
            f"{what}: {name}",
            configuration=about,
            figure=seconds,
            unit="s",
            ratio=None if name == rival else best[rival] / seconds,
            rival="" if name == rival else rival,
            remark=f"KID {values[name]:.6g}; {error:.1e} of it from float64's{where}",
        )


def plain(x: Tensor, y: Tensor) -> float:
    """Return KID (Binkowski et al. 2018) from all kernel values at once, in float32."""

    def values(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3

    n, m = len(x), len(y)
    xx, yy = values(x, x), values(y, y)
    within_x = (xx.sum() - xx.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return float(within_x + within_y - 2 * values(x, y).mean())
