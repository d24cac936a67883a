"""A certified solver for the convex weight problem: projected, preconditioned L-BFGS.

The unknowns are relative weights x_i >= 0 with p = x / sum x. Log-weights would make the
problem smooth and unbounded, but at the optimum most candidates have no weight at all, and a
gradient that is multiplied by p_i never brings one back that lost its weight too early. So x
itself is the unknown, and the bound x >= 0 is kept by projection (Bertsekas 1982): candidates
that are at the bound and pushed outward are held there, an L-BFGS direction is taken in the
others, and a weight may lose at most 99 % in one step, lest the covariance turn singular.

FID bends far more along the weight of an outlier than along that of an ordinary image. The bound
on the Hessian's diagonal that each evaluation returns gives L-BFGS its initial matrix, which
divides the number of evaluations by three to ten.

The state is a dict of tensors and every step depends on it alone, so a run that is stopped and
resumed ends in the same weights to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import torch

from fringe.resampling.certificate import best_bound
from fringe.resampling.result import PATH

if TYPE_CHECKING:
    from fringe.resampling.objective import Objective

__all__ = ["State", "certify", "finished", "probabilities", "start", "step"]

MEMORY = 40  # pairs that L-BFGS keeps
CUTS = 40  # tangents that the bound mixes
BOUND_EVERY = 5  # evaluations between two mixtures
POWER = 0.75  # of the inverse curvature: 1/2 is best far from the optimum, 1 near it
NEAR = 1e-3  # relative weights (1 is the mean) below this count as at the bound, at most
LEFT = 0.01  # part of its weight that a candidate keeps in one step, at least
ZERO = 1e-9  # relative weights below this are 0
FIRST = 1 / 3  # of the mean weight: root mean square change in the first step
GROWTH = 4.0  # of the step where there is no curvature to go by
SUFFICIENT = 1e-4  # of the decrease that the gradient promises (Armijo)
SHORTEST = 1e-14  # of a step: below it, rounding is all that is left
FAR = 20.0  # times the best FID: equal weights count as no worse than this
PATIENCE = 25  # evaluations in which objective or gap must fall ...
STALLED = 0.01  # ... by more than this part of the gap that is tolerated

State: TypeAlias = dict[str, torch.Tensor]
Clock: TypeAlias = Callable[[], float]


def start(objective: Objective, clock: Clock, x: torch.Tensor | None = None) -> State:
    """Return the state after the first evaluation, at equal weights or at ``x`` (N,) >= 0.

    ``clock`` tells the seconds since the optimization began.
    """
    count = len(objective)
    x = torch.ones(count, dtype=torch.float64, device=objective.device) if x is None else x
    state: State = {
        "x": x,
        "steps": x.new_zeros((0, count)),
        "changes": x.new_zeros((0, count)),
        "cuts": x.new_zeros((0, count)),
        "best": x / x.sum(),
        "best_value": x.new_tensor(torch.inf),
        "bound": x.new_zeros(()),
        "equal": x.new_tensor(objective.equal),
        "path": torch.zeros((0, len(PATH)), dtype=torch.float64),
        "flat": torch.tensor(False),
    }
    _move(state, x, *_evaluate(objective, state, x, clock))
    # Where no curvature is known, the first step changes weights by a third of their mean.
    change = float((state["inverse"] * state["gradient"]).square().mean().sqrt())
    state["scale"] = x.new_tensor(FIRST / change if change > 0 else 0.0)
    return state


def finished(state: State, evaluations: int, tolerance: float) -> bool:
    """Tell whether the gap is as small as is asked for, or nothing is left to do.

    The gap is compared with FID at equal weights, unless the best FID so far is far below: a few
    outliers make the first arbitrarily large, and lose their weight at once.
    """
    path = state["path"]
    best, gap = float(state["best_value"]), float(path[-1, 2])
    tolerated = tolerance * min(float(state["equal"]), FAR * best)
    if len(path) >= evaluations or bool(state["flat"]) or gap <= tolerated:
        return True
    if len(path) <= PATIENCE:
        return False
    fallen = float(path[:-PATIENCE, 1].min()) - best, float(path[-1 - PATIENCE, 2]) - gap
    return max(fallen) <= STALLED * tolerated


def probabilities(state: State) -> torch.Tensor:
    """Return the probabilities (N,) where the state is."""
    return state["x"] / state["x"].sum()


def certify(state: State) -> None:
    """Raise the bound as far as the tangents seen lately allow."""
    bound, _ = best_bound(state["cuts"])
    _raise_bound(state, bound)
    state["path"][-1, 2] = state["best_value"] - state["bound"]


def step(objective: Objective, state: State, evaluations: int, clock: Clock) -> State:
    """Return the state after one accepted step, or with ``flat`` set where none is left."""
    state = dict(state)
    x, value, gradient = state["x"], float(state["value"]), state["gradient"]
    direction = _direction(state)
    length = 1.0
    while len(state["path"]) < evaluations:
        trial = torch.maximum(x + length * direction, LEFT * x)
        trial[trial < ZERO] = 0
        promise = float(gradient @ (trial - x))
        if promise >= 0 or length < SHORTEST:
            # Not a descent within rounding: forget the pairs, or stop where there are none.
            state["flat"] = torch.tensor(not len(state["steps"]))
            if len(state["steps"]):
                state["scale"] = state["scale"].new_tensor(_scale(state))
            state["steps"] = state["changes"] = x.new_zeros((0, len(x)))
            return state
        new_value, new_gradient, inverse = _evaluate(objective, state, trial, clock)
        excess = new_value - value - promise
        if new_value <= value + SUFFICIENT * promise:
            _remember(state, trial - x, new_gradient - gradient)
            _move(state, trial, new_value, new_gradient, inverse)
            if not len(state["steps"]) and length == 1:
                # No positive curvature anywhere (one real image, say): longer and longer steps.
                state["scale"] = state["scale"] * GROWTH
            return state
        # The minimum of the parabola through both values, kept within sane bounds.
        length *= min(max(-promise / (2 * excess), 0.1), 0.5)
    return state


def _move(
    state: State, x: torch.Tensor, value: float, gradient: torch.Tensor, inverse: torch.Tensor
) -> None:
    state["x"], state["value"] = x, x.new_tensor(value)
    state["gradient"], state["inverse"] = gradient, inverse
    state["row"] = state["path"][-1]


def _scale(state: State) -> float:
    """Return the factor of the initial matrix that fits the latest pair, or the state's own."""
    if not len(state["steps"]):
        return float(state["scale"])
    s, y = state["steps"][-1], state["changes"][-1]
    return float(s @ y) / float(y @ (state["inverse"] * y))


def _direction(state: State) -> torch.Tensor:
    """Return a direction of descent: L-BFGS in the free candidates, the gradient in the others."""
    x, gradient = state["x"], state["gradient"]
    plain = _scale(state) * state["inverse"] * gradient
    residual = x - (x - plain).clamp(min=0)
    near = min(NEAR, float(residual.square().mean().sqrt()))
    free = (x > near) | (gradient <= 0)
    direction = -torch.where(free, _two_loop(state, free), plain)
    if float(torch.where(free, gradient, 0.0) @ direction) > 0:
        return -plain
    return direction


def _two_loop(state: State, free: torch.Tensor) -> torch.Tensor:
    """Return the inverse Hessian of the pairs among the free candidates, times the gradient.

    Nocedal 1980; pairs without positive curvature among the free are left out.
    """
    mask = free.to(torch.float64)
    inverse = state["inverse"] * mask
    steps, changes = state["steps"] * mask, state["changes"] * mask
    products = (steps * changes).sum(dim=1)
    sizes = (steps.square().sum(dim=1) * changes.square().sum(dim=1)).sqrt()
    pairs = [
        (s, y, curvature)
        for s, y, curvature, size in zip(
            steps, changes, products.tolist(), sizes.tolist(), strict=True
        )
        if curvature > 1e-10 * size
    ]
    q = state["gradient"] * mask
    factors = []
    for s, y, curvature in reversed(pairs):
        factors.append((s @ q) / curvature)
        q = q - factors[-1] * y
    scale = float(state["scale"])
    if pairs:
        _, y, curvature = pairs[-1]
        scale = curvature / float(y @ (inverse * y))
    q = q * (scale * inverse)
    for (s, y, curvature), factor in zip(pairs, reversed(factors), strict=True):
        q = q + (factor - (y @ q) / curvature) * s
    return q


def _remember(state: State, s: torch.Tensor, y: torch.Tensor) -> None:
    """Keep the pair if its curvature is positive beyond rounding."""
    if float(s @ y) > 1e-12 * float(((s @ s) * (y @ y)).sqrt()):
        state["steps"] = torch.cat([state["steps"], s[None]])[-MEMORY:]
        state["changes"] = torch.cat([state["changes"], y[None]])[-MEMORY:]


def _evaluate(
    objective: Objective, state: State, x: torch.Tensor, clock: Clock
) -> tuple[float, torch.Tensor, torch.Tensor]:
    """Return N times the smoothed objective at ``x``, its gradient in x, and the initial matrix.

    What the evaluation tells is entered in the best, the bound and the path of ``state``.
    """
    count, total = len(x), x.sum()
    p = x / total
    value, smoothed, tangent, curvature = objective.evaluate(p)
    if value < float(state["best_value"]):
        state["best"], state["best_value"] = p, x.new_tensor(value)
    state["cuts"] = torch.cat([state["cuts"], tangent[None]])[-CUTS:]
    _raise_bound(state, float(tangent.min()))
    number = len(state["path"]) + 1
    row = (number, value, torch.nan, float(1 / (p @ p)), clock())
    state["path"] = torch.cat([state["path"], torch.tensor([row], dtype=torch.float64)])
    if number % BOUND_EVERY == 0:
        certify(state)
    state["path"][-1, 2] = state["best_value"] - state["bound"]
    gradient = (tangent - p @ tangent) * (count / total)
    return count * smoothed, gradient, _inverse(curvature)


def _raise_bound(state: State, bound: float) -> None:
    # Where bound and objective meet, rounding may put them the wrong way round.
    highest = min(max(float(state["bound"]), bound), float(state["best_value"]))
    state["bound"] = state["bound"].new_tensor(highest)


def _inverse(curvature: torch.Tensor) -> torch.Tensor:
    """Return the diagonal of L-BFGS's initial matrix, up to a factor."""
    middle = curvature.median()
    if not middle > 0:
        return torch.ones_like(curvature)
    return (curvature / middle).clamp(1e-12, 1e12) ** -POWER
