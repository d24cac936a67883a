"""Excludes the files of recipes from pytest, because they are for copies of the project."""

from .recipe import NAMES

collect_ignore = list(NAMES)
