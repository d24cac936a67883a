"""The revision of each stage: raise it when a change alters what the stage writes.

Each is a param of the stage's jobs, so a raised one makes that stage again, and what follows it.
They stand here, not in their rooms, because every run of the workflow reads them before it knows
what is stale: rooms import SciPy, pandas and matplotlib, which takes a second. Images and networks
have revisions of their own, in their fingerprints and in ``NetworkInfo``.
"""

FEATURES = 2  # the same images through the same network would be stored otherwise
METRICS = 2  # values of distances and statistics
ASKED_METRICS = 1  # values of the metrics that evaluation/metrics names
ERRORS = 1  # standard errors of Fréchet distances
RESAMPLING = 3  # the images or weights that are chosen
SENSITIVITY = 1  # maps
POWER = 1  # what networks see of distorted images
COMPARISON = 1  # what is measured of generators that are compared, and their verdict
TABLES = 2  # content or format of tables and verdict
EXPLORER = 1  # the images that the explorer of a page shows, and what it says about them
FIGURES = 7  # look or content of figures
PAGE = 1  # content or look of index.html, the page of a run
