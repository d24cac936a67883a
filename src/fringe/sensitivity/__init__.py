"""Sensitivity of FID to parts of an image: gradient, sensitivity maps, and Grad-CAM to compare."""

from fringe.metrics import optimal_transport
from fringe.revisions import SENSITIVITY as REVISION
from fringe.sensitivity.activation import class_activation_maps, mean_activation_maps, top_classes
from fringe.sensitivity.closeup import Closeup, look_closely
from fringe.sensitivity.examples import (
    Examples,
    example_maps,
    explain_examples,
    read_examples,
    write_examples,
)
from fringe.sensitivity.explaining import Explanation, explain
from fringe.sensitivity.gradient import approximation_bound, fid_gradient
from fringe.sensitivity.maps import normalized, sensitivity_maps, upsampled
from fringe.sensitivity.means import (
    Group,
    frequent_classes,
    mean_groups,
    read_groups,
    write_groups,
)
from fringe.sensitivity.measure import measure_sensitivity
from fringe.sensitivity.noise import REGIONS, NoisySource, important_half
from fringe.sensitivity.region import open_region, region_share
from fringe.sensitivity.store import Sensitivity, join_shards, read_sensitivity, write_sensitivity

__all__ = [
    "REGIONS",
    "REVISION",
    "Closeup",
    "Examples",
    "Explanation",
    "Group",
    "NoisySource",
    "Sensitivity",
    "approximation_bound",
    "class_activation_maps",
    "example_maps",
    "explain",
    "explain_examples",
    "fid_gradient",
    "frequent_classes",
    "important_half",
    "join_shards",
    "look_closely",
    "mean_activation_maps",
    "mean_groups",
    "measure_sensitivity",
    "normalized",
    "open_region",
    "optimal_transport",
    "read_examples",
    "read_groups",
    "read_sensitivity",
    "region_share",
    "sensitivity_maps",
    "top_classes",
    "upsampled",
    "write_examples",
    "write_groups",
    "write_sensitivity",
]
