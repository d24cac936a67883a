"""The page of a run, ``index.html``: the answer, its images, curves and exhibits, in one file."""
