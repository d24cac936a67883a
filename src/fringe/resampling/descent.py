"""The main loop of the certified solver: checks of sampled images, checkpoints and progress."""

import numpy as np
import torch

from fringe.metrics.arrays import Array, Floats
from fringe.resampling import solver
from fringe.resampling.drawing import effective_sample_size
from fringe.resampling.objective import Objective
from fringe.resampling.progress_line import Report
from fringe.resampling.result import CHECKS, Judge, Weights, ask
from fringe.resampling.saved_state import Checkpoint

__all__ = ["descend"]

EVERY = 5  # evaluations between two checks
ON_CPU = ("path", "row", "checks", "flat", "done")  # entries of a state that stay on the CPU


def descend(
    objective: Objective,
    evaluations: int,
    tolerance: float,
    judge: Judge | None,
    start: Floats | None,
    saved: Checkpoint,
    report: Report,
) -> Weights:
    """Return the solver's final weights, or the weights that ``judge`` prefers.

    The arguments are those of :func:`fringe.resampling.optimize_weights`.
    """
    loaded = saved.load()
    if loaded is None:
        x = None if start is None else torch.from_numpy(start).to(objective.device)
        state = solver.start(objective, report.seconds, x)
        state |= {"checks": torch.zeros((0, len(CHECKS)), dtype=torch.float64)}
        state |= {"chosen": state["best"], "done": torch.tensor(False)}
        if judge is not None:
            _check(state, solver.probabilities(state), state["row"], judge)
    else:
        state = {
            name: torch.from_numpy(array).to("cpu" if name in ON_CPU else objective.device)
            for name, array in loaded.items()
        }
        report.resume(state["path"].numpy())
    while not solver.finished(state, evaluations, tolerance):
        state = solver.step(objective, state, evaluations, report.seconds)
        if judge is not None and state["row"][0] >= state["checks"][-1, 0] + EVERY:
            _check(state, solver.probabilities(state), state["row"], judge)
        if saved.due():
            saved.save(_arrays(state))
        report(state["path"].numpy())
    if not state["done"]:
        solver.certify(state)
        if judge is None:
            state["chosen"] = state["best"]
        else:
            best = state["path"][state["path"][:, 1].argmin()]
            _check(state, state["best"], best, judge)
        tangent = objective.evaluate(state["chosen"]).tangent
        state["reduced_costs"] = tangent - state["chosen"] @ tangent
        state["done"] = torch.tensor(True)
        saved.save(_arrays(state))
    report(state["path"].numpy(), last=True)
    value = objective.measure(state["chosen"])
    return Weights(
        state["chosen"].cpu().numpy(),
        value,
        min(float(state["bound"]), value),
        state["path"].numpy(),
        state["checks"].numpy(),
        state["reduced_costs"].cpu().numpy(),
    )


def _check(state: solver.State, p: torch.Tensor, row: torch.Tensor, judge: Judge) -> None:
    """Ask the judge about ``p``, whose ``row`` of the path is given, and keep the best ``p``."""
    array = p.cpu().numpy()
    sampled = ask(judge, array, 0)
    if not len(state["checks"]) or sampled < float(state["checks"][:, -1].min()):
        state["chosen"] = p
    found = [float(row[0]), float(row[1]), effective_sample_size(array), sampled]
    state["checks"] = torch.cat([state["checks"], torch.tensor([found], dtype=torch.float64)])


def _arrays(state: solver.State) -> dict[str, Array]:
    return {name: np.asarray(tensor.cpu().numpy()) for name, tensor in state.items()}
