"""Comparison of models: is one model better, or does it only match the classes better?"""

from fringe.comparison.compare import FEWEST_IMAGES, compare_features
from fringe.comparison.distances import MeasuredNetwork, measure_distances
from fringe.comparison.distortions import measure_power
from fringe.comparison.judging import judge
from fringe.comparison.main_network import ModelImages, measure_main_network
from fringe.comparison.meter import FrechetMeter
from fringe.comparison.power import Power, power_of
from fringe.comparison.price import with_reactions
from fringe.comparison.stored import (
    StoredClasses,
    StoredSets,
    load_weights,
    save_weights,
    stored_classes,
    stored_controls,
    stored_gaussian,
    stored_sets,
)
from fringe.comparison.witnesses import with_power, witness

__all__ = [
    "FEWEST_IMAGES",
    "FrechetMeter",
    "MeasuredNetwork",
    "ModelImages",
    "Power",
    "StoredClasses",
    "StoredSets",
    "compare_features",
    "judge",
    "load_weights",
    "measure_distances",
    "measure_main_network",
    "measure_power",
    "power_of",
    "save_weights",
    "stored_classes",
    "stored_controls",
    "stored_gaussian",
    "stored_sets",
    "with_power",
    "with_reactions",
    "witness",
]
