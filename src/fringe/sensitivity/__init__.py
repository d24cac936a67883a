"""What FID looks at in an image: its gradient, sensitivity maps, and Grad-CAM beside them."""

from fringe.sensitivity.activation import class_activation_maps, mean_activation_maps, top_classes
from fringe.sensitivity.gradient import approximation_bound, fid_gradient, optimal_transport
from fringe.sensitivity.maps import normalized, sensitivity_maps, upsampled

REVISION = 1
"""Raised when a change alters maps, so that they are made anew."""

__all__ = [
    "REVISION",
    "approximation_bound",
    "class_activation_maps",
    "fid_gradient",
    "mean_activation_maps",
    "normalized",
    "optimal_transport",
    "sensitivity_maps",
    "top_classes",
    "upsampled",
]
