"""The paper's figures from tidy scores, classes and image grids; each returns a Figure."""

from fringe.figures.comparison import generator_comparison
from fringe.figures.convergence import loss_over_time
from fringe.figures.histogram import top1_histogram
from fringe.figures.networks import network_comparison
from fringe.figures.schemes import scheme_grids
from fringe.figures.sizes import sample_sizes
from fringe.figures.snapshots import snapshot_correlation
from fringe.figures.style import REVISION, Style, read_style, save
from fringe.figures.sweep import class_sweep
from fringe.figures.weights import weight_grids

__all__ = [
    "REVISION",
    "Style",
    "class_sweep",
    "generator_comparison",
    "loss_over_time",
    "network_comparison",
    "read_style",
    "sample_sizes",
    "save",
    "scheme_grids",
    "snapshot_correlation",
    "top1_histogram",
    "weight_grids",
]
