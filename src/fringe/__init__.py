"""Fringe: what a Fréchet Inception Distance is really looking at."""

__version__ = "0.1.0"
