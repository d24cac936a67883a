"""The released weight optimization compared with ours: rows of loss and time."""

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
LEARNING_RATE = 10.0  # in the released code and in the paper, for pre-logits


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

    The losses come from the closed form of the gradient, which is exact within 1e-8. The seconds
    are the time of one step of the released code, timed ``TIMED_STEPS`` times, multiplied by the
    step's number. If the weights diverge, the rows end.

    Parameters
    ----------
    real : Gaussian
    candidates : array (N, D)
        Pre-logits.
    weights : path, optional
        File of released weights (`prelogits-released`). If given, its path and step size are used,
        and only the timed steps are computed.
    device : str
        The device on which the released step is timed and its losses are computed.
    checkpoint : path, optional
        See :func:`fringe.resampling.optimize_weights`.
    """
    # Imported here, because PyTorch takes seconds to import and most scripts do not need it.
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
                f"{weights}: contains no errors of merged steps; delete the file and run again"
            )
        path, differences = file["path"][()], file["differences"][()]
        return path, np.abs(differences), float(file.attrs["merging_learning_rate"])


def optimized_rows(weights: str | os.PathLike[str]) -> list[Row]:
    """Return a row for each evaluation of the optimization that wrote a file of sampling weights.

    Raises
    ------
    FringeError
        If the path in the file lacks a column.
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
            "delete the file and run again"
        )
    path["lower_bound"] = path["objective"].cummin() - path.pop("gap")
    path["evaluation"] = path["evaluation"].astype(int)
    rows = path.astype(object).itertuples(index=False)
    return [
        {"solver": "ours", **dict(zip(path.columns, row, strict=True)), **about} for row in rows
    ]
