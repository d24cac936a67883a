"""One evaluation of the weight solver, compared with its unavoidable products of matrices."""

from pathlib import Path

import numpy as np
import torch
import weight_optimization

from fringe.metrics import Gaussian
from fringe.resampling import optimize_weights
from fringe.resampling.objective import Objective
from gpu_parts.rows import Report
from gpu_parts.sizes import Sizes
from gpu_parts.timing import best_of

__all__ = ["measure"]


def measure(sizes: Sizes, device: str, report: Report, weights: Path | None = None) -> None:
    """Report the seconds of an evaluation, of its parts and of its lower limit."""
    dim, count = sizes.dim, sizes.candidates
    real = weight_optimization.pooled(sizes.real, dim, 1, device, tilt=0.0)
    candidates = weight_optimization.pooled(count, dim, 2, device, tilt=0.5)
    statistics = Gaussian.from_features(real)
    about = f"{sizes.real} real, {count} candidates, D = {dim}, float64"
    # The first call of each library on a GPU creates its handles.
    optimize_weights(statistics, candidates[:4096], max_evaluations=2, device=device)
    path = optimize_weights(
        statistics, candidates, max_evaluations=sizes.evaluations, tolerance=0.0, device=device
    ).path
    each = (path[-1, -1] - path[0, -1]) / max(len(path) - 1, 1)
    objective = Objective(statistics, candidates, device)
    p = np.exp(np.random.default_rng(0).standard_normal(count))
    p /= p.sum()
    square = torch.randn((dim, dim), dtype=torch.float64, device=objective.device)
    symmetric = square @ square.T
    best = best_of(
        {
            "evaluation": lambda: objective.evaluate(p),
            "eigenvectors": lambda: torch.linalg.eigh(symmetric),
        },
        sizes.turns + 1,
        device,
    )
    floor = weight_optimization.product_floor(objective, count, dim)
    report("two products of N x D x D", configuration=about, figure=floor, unit="s")
    for name, seconds in (
        ("one evaluation within the solver", each),
        ("one evaluation of the objective", best["evaluation"]),
        ("its eigenvectors, D x D", best["eigenvectors"]),
    ):
        report(
            name,
            configuration=about,
            figure=seconds,
            unit="s",
            ratio=floor / seconds,
            rival="two products of N x D x D",
        )
    report.rate("products", 2 * count * dim**2 / each, "multiply-adds/s", device, about)
