"""Keeps pytest from the files of recipes: they are for copies of the project."""

collect_ignore = ["metric", "network", "source"]
