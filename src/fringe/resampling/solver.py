"""A certified solver for the convex weight problem: projected L-BFGS.

The unknowns are relative weights x_i >= 0 with p = x / sum x. Log-weights would make the
problem smooth and unbounded, but at the optimum most candidates have no weight at all, and a
gradient that is multiplied by p_i never brings one back that lost its weight too early. So x
itself is the unknown, and the bound x >= 0 is kept by projection (Bertsekas 1982): candidates
that are at the bound and pushed outward are held there, an L-BFGS direction is taken in the
others, and a weight may lose at most 99 % in one step, lest the covariance turn singular.

The state is a dict of arrays and every step depends on it alone, so a run that is stopped and
resumed ends in the same weights to the last bit.
"""

import numpy as np

from fringe.metrics.arrays import Array, Floats
from fringe.resampling.checkpoint import State
from fringe.resampling.draw import effective_sample_size
from fringe.resampling.objective import Objective

__all__ = ["PATH", "finished", "start", "step"]

MEMORY = 40  # pairs that L-BFGS keeps
NEAR = 1e-3  # relative weights (1 is the mean) below this count as at the bound, at most
LEFT = 0.01  # part of its weight that a candidate keeps in one step, at least
ZERO = 1e-9  # relative weights below this are 0
GROWTH = 4.0  # of the step where there is no curvature to go by
SUFFICIENT = 1e-4  # of the decrease that the gradient promises (Armijo)
SHORTEST = 1e-14  # of a step: below it, rounding is all that is left

PATH = ("evaluation", "objective", "gap", "effective_sample_size")
"""Columns of a path: one row per evaluation. Gap: best objective so far less best bound so far."""


def start(objective: Objective) -> State:
    """Return the state after the first evaluation, at equal weights."""
    count = len(objective)
    state: State = {
        "x": np.ones(count),
        "steps": np.zeros((0, count)),
        "changes": np.zeros((0, count)),
        "best": np.full(count, 1 / count),
        "best_value": np.asarray(np.inf),
        "bound": np.zeros(()),
        "path": np.zeros((0, len(PATH))),
        "flat": np.asarray(False),
    }
    value, gradient = _evaluate(objective, state, state["x"])
    state["value"], state["gradient"] = np.asarray(value), gradient
    # Where no curvature is known, the first step changes no weight by more than the mean weight.
    largest = float(np.abs(gradient).max())
    state["scale"] = np.asarray(1 / largest if largest > 0 else 0.0)
    return state


def finished(state: State, evaluations: int, tolerance: float) -> bool:
    """Tell whether the gap is at most ``tolerance`` of the objective, or nothing is left to do."""
    best, bound = float(state["best_value"]), float(state["bound"])
    done = len(state["path"]) >= evaluations or bool(state["flat"])
    return done or best - bound <= tolerance * best


def step(objective: Objective, state: State, evaluations: int) -> State:
    """Return the state after one accepted step, or with ``flat`` set where none is left."""
    state = dict(state)
    x, value, gradient = state["x"], float(state["value"]), state["gradient"]
    direction = _direction(x, gradient, state["steps"], state["changes"], float(state["scale"]))
    length = 1.0
    while len(state["path"]) < evaluations:
        trial = np.maximum(x + length * direction, LEFT * x)
        trial[trial < ZERO] = 0
        promise = float(gradient @ (trial - x))
        if promise >= 0 or length < SHORTEST:
            # Not a descent within rounding: forget the pairs, or stop where there are none.
            state["flat"] = np.asarray(not len(state["steps"]))
            if len(state["steps"]):
                s, y = state["steps"][-1], state["changes"][-1]
                state["scale"] = np.asarray(float(s @ y) / float(y @ y))
            state["steps"] = state["changes"] = np.zeros((0, len(x)))
            return state
        new_value, new_gradient = _evaluate(objective, state, trial)
        excess = new_value - value - promise
        if new_value <= value + SUFFICIENT * promise:
            _remember(state, trial - x, new_gradient - gradient)
            state["x"], state["gradient"] = trial, new_gradient
            state["value"] = np.asarray(new_value)
            if not len(state["steps"]) and length == 1:
                # No positive curvature anywhere (one real image, say): longer and longer steps.
                state["scale"] = state["scale"] * GROWTH
            return state
        # The minimum of the parabola through both values, kept within sane bounds.
        length *= min(max(-promise / (2 * excess), 0.1), 0.5)
    return state


def _direction(x: Floats, gradient: Floats, steps: Floats, changes: Floats, scale: float) -> Floats:
    """Return a direction of descent: L-BFGS in the free candidates, the gradient in the others.

    ``scale`` is the inverse curvature to go by where there are no pairs.
    """
    if len(steps):
        scale = float(steps[-1] @ changes[-1]) / float(changes[-1] @ changes[-1])
    residual = x - np.maximum(x - scale * gradient, 0)
    near = min(NEAR, float(np.sqrt(np.square(residual).mean())))
    free = (x > near) | (gradient <= 0)
    direction = -np.where(free, _two_loop(gradient, free, steps, changes, scale), scale * gradient)
    if float(np.where(free, gradient, 0) @ direction) > 0:
        return -scale * gradient
    return direction


def _two_loop(
    gradient: Floats, free: Array, steps: Floats, changes: Floats, scale: float
) -> Floats:
    """Return the inverse Hessian of the pairs among the free candidates, times the gradient.

    Nocedal 1980; pairs without positive curvature among the free are left out.
    """
    mask = free.astype(np.float64)
    pairs = []
    for s, y in zip(steps * mask, changes * mask, strict=True):
        curvature = float(s @ y)
        if curvature > 1e-10 * float(np.sqrt((s @ s) * (y @ y))):
            pairs.append((s, y, curvature))
    q = gradient * mask
    factors = []
    for s, y, curvature in reversed(pairs):
        factors.append(float(s @ q) / curvature)
        q -= factors[-1] * y
    if pairs:
        _, y, curvature = pairs[-1]
        scale = curvature / float(y @ y)
    q *= scale
    for (s, y, curvature), factor in zip(pairs, reversed(factors), strict=True):
        q += (factor - float(y @ q) / curvature) * s
    return q


def _remember(state: State, s: Floats, y: Floats) -> None:
    """Keep the pair if its curvature is positive beyond rounding."""
    if float(s @ y) > 1e-12 * float(np.sqrt((s @ s) * (y @ y))):
        state["steps"] = np.concatenate([state["steps"], s[None]])[-MEMORY:]
        state["changes"] = np.concatenate([state["changes"], y[None]])[-MEMORY:]


def _evaluate(objective: Objective, state: State, x: Floats) -> tuple[float, Floats]:
    """Return N times the smoothed objective at ``x``, and its gradient in x.

    What the evaluation tells is entered in the best, the bound and the path of ``state``.
    """
    count, total = len(x), float(x.sum())
    p = x / total
    evaluation = objective.evaluate(p)
    if evaluation.value < float(state["best_value"]):
        state["best"], state["best_value"] = p, np.asarray(evaluation.value)
    # Where bound and objective meet, rounding may put them the wrong way round.
    bound = min(max(float(state["bound"]), evaluation.lower_bound), float(state["best_value"]))
    state["bound"] = np.asarray(bound)
    row = (
        len(state["path"]) + 1,
        evaluation.value,
        float(state["best_value"]) - bound,
        effective_sample_size(p),
    )
    state["path"] = np.concatenate([state["path"], np.asarray([row])])
    gradient = evaluation.gradient - p @ evaluation.gradient
    return count * evaluation.smoothed, gradient * (count / total)
