"""All steps of Section 2 of the paper for one image: features, FID, gradient and maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fringe.errors import FringeError
from fringe.metrics import Gaussian, frechet_distance, principal_axes
from fringe.metrics.arrays import Floats, as_numpy
from fringe.sensitivity.explaining import map_gradient
from fringe.sensitivity.gradient import fid_gradient

if TYPE_CHECKING:
    from fringe.networks import FeatureNetwork

__all__ = ["SHOWN", "Closeup", "augmented", "look_closely"]

SHOWN = 8  # number of maps that are kept: the maps with the largest weights


@dataclass(frozen=True, eq=False)
class Closeup:
    """The steps from an image to its sensitivity map, in float64.

    Attributes
    ----------
    features : array (D,)
        The features f of the image.
    real_mean, generated_mean : array (D,)
        Mean features of the real images, and of the n generated images, which include the image.
    gradient : array (D,)
        dFID/df, in units of the features.
    channels : array (m,), integers
        Numbers of the maps with the largest weights, the largest weight first.
    channel_maps : array (m, h, w)
        The maps A^k of the network, for each of ``channels``.
    axes : array (2, D)
        The two directions, of length 1, in which real images vary most.
    spreads : array (2, 2, 2)
        Covariances of the real and of the n generated images along ``axes``.
    fid : float
        FID of the n generated images.
    n : int
        Number of generated images.
    alpha : array (K,), or None
        The weights of the maps, if the features are not the mean of maps: the mean over places of
        |dFID/dA_ij^k|^2, computed by automatic differentiation. None otherwise.
    """

    features: Floats
    real_mean: Floats
    generated_mean: Floats
    gradient: Floats
    channels: np.ndarray
    channel_maps: Floats
    axes: Floats
    spreads: Floats
    fid: float
    n: int
    alpha: Floats | None = None

    @property
    def weights(self) -> Floats:
        """The weights alpha (D,) of Equation 2, where dFID/dA_ij^k is dFID/df_k / (h w).

        If the features are not the mean of maps, these are ``alpha`` (K,).
        """
        if self.alpha is not None:
            return self.alpha
        h, w = self.channel_maps.shape[1:]
        return alpha_of(self.gradient, h * w)


def alpha_of(gradient: Floats, places: int) -> Floats:
    """Return alpha (D,) of Equation 2, if the features are means of maps with ``places`` places."""
    return np.asarray((gradient / places) ** 2)


def look_closely(
    image: np.ndarray,
    network: FeatureNetwork,
    real: Gaussian,
    generated: Gaussian,
    n: int,
    *,
    included: bool,
) -> Closeup:
    """Return the steps from an image to its sensitivity map ([1]_, Section 2).

    Parameters
    ----------
    image : array (H, W, 3), uint8
    network : FeatureNetwork
        A network whose features are the mean of its maps, or a network with a split.
    real, generated, n, included
        See `fringe.sensitivity.fid_gradient`.

    Returns
    -------
    Closeup

    Raises
    ------
    FringeError
        If the network has no maps.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023.

    Examples
    --------
    A network whose features are mean colours, with maps of 8 x 8 pixels per place:

    >>> import torch
    >>> from fringe.networks import FeatureNetwork
    >>> from fringe.networks.base import Activations
    >>> from fringe.sources import PhotoSource
    >>> def forward(images):
    ...     maps = torch.nn.functional.avg_pool2d(images.float(), 8)
    ...     return Activations(maps.mean((2, 3)), None, maps)
    >>> network = FeatureNetwork("colours", 3, None, "", torch.device("cpu"), forward)
    >>> images = [PhotoSource(20, 32, seed).read(range(20)) for seed in (1, 2)]
    >>> real, generated = (Gaussian.from_features(i.mean((1, 2))) for i in images)
    >>> closeup = look_closely(images[1][0], network, real, generated, n=20, included=True)
    >>> closeup.features.shape, closeup.gradient.shape, closeup.channel_maps.shape
    ((3,), (3,), (3, 4, 4))
    """
    import torch

    def slopes(features: np.ndarray) -> np.ndarray:
        found: np.ndarray = fid_gradient(features, real, generated, n, included=included)
        return found

    pixels = torch.from_numpy(np.require(image[None], requirements=["C", "W"]))
    pixels = pixels.permute(0, 3, 1, 2)
    alpha = None
    if getattr(network, "split", None) is not None:
        (maps,), (of_maps,), features = map_gradient(network, pixels, slopes)
        gradient = slopes(features)[0]
        weights = alpha = (of_maps**2).mean((1, 2))
    else:
        seen = network(pixels)
        if seen.maps is None:
            raise FringeError(
                f"network {network.name} has no maps; choose a network whose features are the mean "
                "of its maps, or a network with a split"
            )
        features = as_numpy(seen.features).astype(np.float64)
        gradient = slopes(features)[0]
        maps = as_numpy(seen.maps)[0].astype(np.float64)
        weights = alpha_of(gradient, maps[0].size)
    whole = generated if included else augmented(generated, features[0], n)
    axes = principal_axes(real)
    channels = np.argsort(-weights, kind="stable")[:SHOWN]
    return Closeup(
        features[0],
        as_numpy(real.mean).astype(np.float64),
        as_numpy(whole.mean).astype(np.float64),
        gradient,
        channels,
        maps[channels],
        axes,
        np.stack([axes @ as_numpy(g.covariance) @ axes.T for g in (real, whole)]),
        frechet_distance(real, whole),
        n,
        alpha,
    )


def augmented(others: Gaussian, features: Floats, n: int) -> Gaussian:
    """Return mean and covariance of n images: n - 1 ``others`` and an image with ``features`` (D,).

    mu' = mu + (f - mu) / n and S' = (n - 2) / (n - 1) S + (f - mu)(f - mu)^T / n (Section 2).
    """
    mean, covariance = (as_numpy(a).astype(np.float64) for a in (others.mean, others.covariance))
    step = features - mean
    spread = (n - 2) / (n - 1) * covariance + np.outer(step, step) / n
    return Gaussian(mean + step / n, spread)
