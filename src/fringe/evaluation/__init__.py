"""Scores of drawn images: statistics of stored features, and tidy rows of distances."""

from fringe.evaluation.draws import (
    draw_extremes,
    draw_matched,
    draw_random,
    draw_weighted,
    load_draws,
    load_reduced_costs,
    load_weights,
    save_draws,
    save_weights,
)
from fringe.evaluation.extension import (
    Extension,
    draw_on,
    extract_extension,
    join_extension,
    load_extension,
    save_extension,
)
from fringe.evaluation.floor import score_floor
from fringe.evaluation.overview import overview_of
from fringe.evaluation.region_noise import measure_region_noise
from fringe.evaluation.released import optimized_rows, released_rows
from fringe.evaluation.sampling_error import FrechetError, MeasuredImages, frechet_error
from fringe.evaluation.scoring import (
    score_draws,
    score_kernels,
    score_precision_recall,
    score_sizes,
    score_snapshots,
)
from fringe.evaluation.self_check import measure_checks
from fringe.evaluation.statistics import (
    gaussian_of,
    load_gaussian,
    sampled_fid,
    save_gaussian,
)

__all__ = [
    "Extension",
    "FrechetError",
    "MeasuredImages",
    "draw_extremes",
    "draw_matched",
    "draw_on",
    "draw_random",
    "draw_weighted",
    "extract_extension",
    "frechet_error",
    "gaussian_of",
    "join_extension",
    "load_draws",
    "load_extension",
    "load_gaussian",
    "load_reduced_costs",
    "load_weights",
    "measure_checks",
    "measure_region_noise",
    "optimized_rows",
    "overview_of",
    "released_rows",
    "sampled_fid",
    "save_draws",
    "save_extension",
    "save_gaussian",
    "save_weights",
    "score_draws",
    "score_floor",
    "score_kernels",
    "score_precision_recall",
    "score_sizes",
    "score_snapshots",
]
