"""Selection of generated images: histogram matching, class indicators, optimized weights."""

from fringe.resampling.drawing import draw, effective_sample_size
from fringe.resampling.histogram import Match, admitted, match_histogram, shortage
from fringe.resampling.indicators import class_indicators
from fringe.resampling.optimize import optimize_weights
from fringe.resampling.result import CHECKS, PATH, Merging, Weights
from fringe.resampling.sampled import SampledDistance
from fringe.revisions import RESAMPLING as REVISION

__all__ = [
    "CHECKS",
    "PATH",
    "REVISION",
    "Match",
    "Merging",
    "SampledDistance",
    "Weights",
    "admitted",
    "class_indicators",
    "draw",
    "effective_sample_size",
    "match_histogram",
    "optimize_weights",
    "shortage",
]
