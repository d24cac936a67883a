"""Measure the lengths of the features of a source, for instance to find images that are broken.

In: a feature file. Out: a CSV with ``image`` and ``norm``, the Euclidean length of its features.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from fringe.features import open_features
from fringe.files.atomic import atomic_path
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Measure one source in one network."""
    blocks = open_features(job.input[0]).blocks()
    norms = [np.linalg.norm(block.astype(np.float64), axis=1) for _, block in blocks]
    table = pd.DataFrame({"norm": np.concatenate(norms)}).rename_axis("image")
    with atomic_path(Path(job.output[0])) as partial:
        table.to_csv(partial)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
