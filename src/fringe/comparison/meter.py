"""A Fréchet distance with its error, for images that arrive in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fringe.errors import FringeError
from fringe.metrics import Gaussian, frechet_influence
from fringe.metrics.arrays import Array, as_matrix, as_numpy

if TYPE_CHECKING:
    from fringe.networks import FeatureNetwork

__all__ = ["FrechetMeter", "Measured"]


class Measured(NamedTuple):
    """A Fréchet distance, its standard error, and the numbers of real and generated images."""

    value: float
    standard_error: float
    n_real: int
    n_generated: int


class FrechetMeter:
    """FID of images that arrive in batches, with its standard error.

    The meter stores the features of all images (float32; 8 KB for each image in Inception),
    because the error depends on each image and on the moments of all images.

    Parameters
    ----------
    network : str or FeatureNetwork
        The name of a network (`fringe.networks.load_network`), or a loaded network.
    real : array (n, D), optional
        Features of the real images, if they are known. Otherwise give the real images to
        ``update(images, real=True)``.
    batch_size : int
        Number of images that pass through the network at a time.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> meter = FrechetMeter("untrained")
    >>> meter.update(rng.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8), real=True)
    >>> for _ in range(2):
    ...     meter.update(rng.integers(0, 128, (10, 3, 32, 32), dtype=np.uint8))
    >>> fid = meter.compute()
    >>> fid.n_real, fid.n_generated
    (20, 20)
    >>> fid.value > fid.standard_error > 0
    True

    In a training loop, with a logger of TensorBoard::

        meter = fringe.FrechetMeter("inception", real=real_features)
        for _ in range(100):
            meter.update(generator(torch.randn(50, 512)))  # uint8 N x 3 x H x W
        fid = meter.compute()
        writer.add_scalar("fid", fid.value, step)
        writer.add_scalar("fid_standard_error", fid.standard_error, step)
        meter.reset()
    """

    def __init__(
        self, network: str | FeatureNetwork, real: Any = None, *, batch_size: int = 50
    ) -> None:
        from fringe.networks import load_network

        self.network = load_network(network) if isinstance(network, str) else network
        self.batch_size = batch_size
        self._features: dict[bool, list[Array]] = {True: [], False: []}
        self._of_real: Gaussian | None = None
        if real is not None:
            features = as_matrix(real, "real")
            if features.shape[1] != self.network.feature_dim:
                raise FringeError(
                    f"real: {features.shape[1]} dimensions, but {self.network.name} gives "
                    f"{self.network.feature_dim}; give features of this network"
                )
            self._features[True].append(features)

    def update(self, images: Any, *, real: bool = False) -> None:
        """Add images.

        Parameters
        ----------
        images : uint8 array or tensor (N, 3, H, W)
        real : bool
            True for real images, False for generated images.

        Raises
        ------
        TypeError
            If the images have another type or shape.
        """
        import torch

        batch = images if isinstance(images, torch.Tensor) else torch.from_numpy(np.array(images))
        for first in range(0, len(batch), self.batch_size):
            part = batch[first : first + self.batch_size]
            self._features[real].append(as_numpy(self.network(part).features))
        if real:
            self._of_real = None

    def compute(self) -> Measured:
        """Return the distance of all generated images added so far, and its standard error.

        Raises
        ------
        FringeError
            If there are fewer than two real or generated images.
        """
        real, generated = (
            np.concatenate(self._features[which]) if self._features[which] else np.zeros((0, 1))
            for which in (True, False)
        )
        if min(len(real), len(generated)) < 2:
            raise FringeError(
                f"FrechetMeter: got {len(real)} real and {len(generated)} generated images; update "
                "it with at least two of each (real ones with `real=True`)"
            )
        if self._of_real is None:
            self._of_real = Gaussian.from_features(real)
        found = frechet_influence(real, generated, of_real=self._of_real)
        return Measured(found.distance, found.standard_error(), len(real), len(generated))

    def reset(self) -> None:
        """Remove the generated images; keep the real images."""
        self._features[False] = []
