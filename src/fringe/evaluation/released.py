"""The released weight optimization measured beside ours: rows of loss against time."""

import os

import numpy as np
import pandas as pd

from fringe.errors import FringeError
from fringe.files.hdf5 import open_h5
from fringe.metrics import Gaussian
from fringe.resampling import optimize_weights
from fringe.scores.rows import Row

__all__ = ["Row", "optimized_rows", "released_rows"]


TIMED_STEPS = 3
LEARNING_RATE = 10.0  # of the release and the paper, in pre-logits


def released_rows(
    real: Gaussian,
    candidates: np.ndarray,
    steps: int,
    *,
    weights: str | os.PathLike[str] | None = None,
    device: str = "cpu",
    checkpoint: str | os.PathLike[str] | None = None,
) -> list[Row]:
    """Return a row for each of the first ``steps`` steps of the released algorithm.

    Its losses come from the closed form of its gradient (the same within 1e-8); its seconds are
    those of one step the released way, timed ``TIMED_STEPS`` times, times the step's number. Where
    its weights diverge the rows end.

    Parameters
    ----------
    real : Gaussian
    candidates : array (N, D)
        Pre-logits.
    weights : path, optional
        File of released weights (`prelogits-released`): its path is taken, with its step size, and
        no step beside those that are timed.
    device : str
        Where the released step is timed and its losses are computed.
    checkpoint : path, optional
        As of :func:`fringe.resampling.optimize_weights`.
    """
    # PyTorch takes seconds to import, and most scripts that import this room need none.
    from fringe.resampling.reference import DivergenceError
    from fringe.resampling.released_step import time_released_step

    learning_rate = LEARNING_RATE
    timing = time_released_step(
        real, candidates, TIMED_STEPS, learning_rate=learning_rate, device=device
    )
    if weights is not None:
        path, errors, learning_rate = _merged_path(weights)
    else:
        try:
            path = optimize_weights(
                real,
                candidates,
                "reference",
                max_evaluations=steps,
                learning_rate=learning_rate,
                device=device,
                checkpoint=checkpoint,
                title="released steps",
            ).path
        except DivergenceError as error:
            path = error.path
        errors = np.zeros(len(path))
    about = {
        "candidates": len(candidates),
        "learning_rate": learning_rate,
        "timed_steps": timing.steps,
        "device": timing.device,
        "threads": timing.threads,
    }
    return [
        {
            "solver": "reference",
            "evaluation": int(number),
            "seconds": timing.seconds * number,
            "objective": loss,
            "lower_bound": np.nan,
            "effective_sample_size": effective,
            **about,
            "merge_error": error,
        }
        for (number, loss, effective), error in zip(path[:, [0, 1, 3]], errors, strict=True)
    ]


def _merged_path(
    weights: str | os.PathLike[str],
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return path (E, 5), error of each loss (E,) and step size of a file of released weights."""
    with open_h5(weights) as file:
        if "differences" not in file:
            raise FringeError(
                f"{weights}: does not say how its steps were merged; delete the file and run again"
            )
        path, differences = file["path"][()], file["differences"][()]
        return path, np.abs(differences), float(file.attrs["merging_learning_rate"])


def optimized_rows(weights: str | os.PathLike[str]) -> list[Row]:
    """Return a row for each evaluation that the optimization behind a weights file made.

    Raises
    ------
    FringeError
        If the file does not hold its path with the columns that are needed.
    """
    with open_h5(weights) as file:
        columns = [str(name) for name in file["path"].attrs["columns"]]
        path = pd.DataFrame(file["path"][()], columns=columns)
        about = {"candidates": len(file["probabilities"])}
        about |= {name: file.attrs[name] for name in ("device", "threads") if name in file.attrs}
    wanted = ("evaluation", "seconds", "objective", "gap", "effective_sample_size")
    absent = [name for name in wanted if name not in columns]
    if absent:
        raise FringeError(
            f"{weights}: its path has no column {', '.join(absent)} (found {', '.join(columns)}); "
            "delete the file and run again, which makes it"
        )
    path["lower_bound"] = path["objective"].cummin() - path.pop("gap")
    path["evaluation"] = path["evaluation"].astype(int)
    rows = path.astype(object).itertuples(index=False)
    return [
        {"solver": "ours", **dict(zip(path.columns, row, strict=True)), **about} for row in rows
    ]
