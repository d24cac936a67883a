"""Fringe: what a Fréchet Inception Distance is really looking at."""

from importlib.metadata import version

__version__ = version("fringe")
