"""The revision of each stage. Raise a revision when a change alters the results of the stage.

A revision is a param of the stage's jobs. Raising it runs the stage and all later stages again. The
revisions are not in the modules of their stages, because the workflow reads all revisions before it
knows which results are stale, and these modules import SciPy, pandas and matplotlib, which takes a
second. Images and networks have separate revisions in their fingerprints and in ``NetworkInfo``.
"""

FEATURES = 2  # the stored features of the same images in the same network
METRICS = 2  # values of distances and statistics
ASKED_METRICS = 1  # values of the metrics that evaluation/metrics names
ERRORS = 1  # standard errors of Fréchet distances
RESAMPLING = 3  # the chosen images or sampling weights
SENSITIVITY = 1  # maps
POWER = 1  # distances of distorted images in networks
COMPARISON = 1  # measurements of compared generators, and their verdict
TABLES = 2  # content or format of tables and verdict
EXPLORER = 1  # the images in the explorer of a page, and their numbers
FIGURES = 7  # look or content of figures
PAGE = 1  # content or look of index.html, the page of a run
