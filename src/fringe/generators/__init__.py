"""Generators, which make images from latent vectors, loaded from the files of their authors.

Importing this package does not import PyTorch. Loading a generator does.
"""

from fringe.generators.base import Generator
from fringe.generators.latents import Latents
from fringe.generators.loading import convert, load_generator, save_generator

__all__ = ["Generator", "Latents", "convert", "load_generator", "save_generator"]
