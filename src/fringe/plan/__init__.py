"""Plan of a run: the paths, inputs and dependencies of its results."""
