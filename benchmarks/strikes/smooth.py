"""A generator of smooth images, saved as a TorchScript program."""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

__all__ = ["save"]


class Smooth(nn.Module):
    """Maps eight latents to 4 x 4 colours, and these to 32 x 32 pixels."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.z_dim = 8
        stream = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn(8, 3 * 4 * 4, generator=stream) / 3)

    def forward(self, latents: Tensor) -> Tensor:
        small = (latents @ self.weight).tanh().view(-1, 3, 4, 4)
        large = nn.functional.interpolate(small, scale_factor=8.0, mode="bilinear")
        return large.clamp(-1, 1)


def save(path: Path, seed: int) -> None:
    """Write the generator with a seed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PyTorch advises against new programs
        torch.jit.script(Smooth(seed)).save(str(path))
