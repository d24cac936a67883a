"""The paper's figures: functions of scores, classes, images and maps that return a Figure."""

from fringe.figures.activation import activation_comparison
from fringe.figures.class_shares import ShownImages, compared_classes, shown_images
from fringe.figures.comparison import generator_comparison
from fringe.figures.convergence import loss_over_time
from fringe.figures.extremes import Extremes, weight_grids
from fringe.figures.heat import overlay
from fringe.figures.histogram import top1_histogram
from fringe.figures.mean_maps import mean_sensitivity
from fringe.figures.networks import network_comparison
from fringe.figures.noise import noise_examples, region_noise
from fringe.figures.overview import feature_overview
from fringe.figures.pipeline import sensitivity_pipeline
from fringe.figures.schemes import scheme_grids
from fringe.figures.sensitivity import network_maps, sensitivity_examples, sensitivity_grid
from fringe.figures.sizes import sample_sizes
from fringe.figures.snapshots import snapshot_correlation
from fringe.figures.style import Style, read_style, save
from fringe.figures.sweep import class_sweep
from fringe.revisions import FIGURES as REVISION

__all__ = [
    "REVISION",
    "Extremes",
    "ShownImages",
    "Style",
    "activation_comparison",
    "class_sweep",
    "compared_classes",
    "feature_overview",
    "generator_comparison",
    "loss_over_time",
    "mean_sensitivity",
    "network_comparison",
    "network_maps",
    "noise_examples",
    "overlay",
    "read_style",
    "region_noise",
    "sample_sizes",
    "save",
    "scheme_grids",
    "sensitivity_examples",
    "sensitivity_grid",
    "sensitivity_pipeline",
    "shown_images",
    "snapshot_correlation",
    "top1_histogram",
    "weight_grids",
]
