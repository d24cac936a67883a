"""Generators: latent vectors in, images out, from the files their authors published.

Importing this package does not import PyTorch; loading a generator does.
"""

from fringe.generators.base import Generator
from fringe.generators.latents import Latents
from fringe.generators.loading import convert, load_generator, save_generator

__all__ = ["Generator", "Latents", "convert", "load_generator", "save_generator"]
