"""The page of a run, ``index.html``: answers, images, curves and exhibits in one file."""
