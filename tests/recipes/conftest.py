"""Excludes the files of recipes from pytest, because they are for copies of the project."""

collect_ignore = ["metric", "network", "source"]
