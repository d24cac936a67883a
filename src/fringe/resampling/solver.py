"""A certified solver for the convex weight problem: projected, preconditioned L-BFGS.

The unknowns are relative weights x_i >= 0 with p = x / sum x. Log-weights would make the problem
smooth and unbounded. But at the optimum most candidates have a weight of 0, and a gradient that is
multiplied by p_i never restores a candidate that lost its weight too early. So x itself is the
unknown, and projection keeps x >= 0 (Bertsekas 1982). A candidate that is at the bound and pushed
outward stays there. The other candidates follow an L-BFGS direction. A weight may lose at most 99 %
in one step, so that the covariance does not become singular.

The curvature of FID along the weight of an outlier is far larger than along the weight of an
ordinary image. Each evaluation returns a bound of the Hessian's diagonal, from which L-BFGS gets
its initial matrix. This divides the number of evaluations by three to ten.

The state is a dict of tensors, and every step depends only on the state. So a run that is stopped
and resumed ends in the same weights to the last bit.
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
POWER = 0.75  # exponent of the inverse curvature: 1/2 is best far from the optimum, 1 near it
NEAR = 1e-3  # largest relative weight (the mean is 1) that may count as at the bound
LEFT = 0.01  # share of its weight that a candidate keeps at least in one step
ZERO = 1e-9  # relative weights below this are set to 0
FIRST = 1 / 3  # root mean square change in the first step, relative to the mean weight
GROWTH = 4.0  # factor by which steps grow if no curvature is known
SUFFICIENT = 1e-4  # share of the decrease predicted by the gradient that must be reached (Armijo)
SHORTEST = 1e-14  # shorter steps, relative to the full step, are only rounding
FAR = 20.0  # the FID of equal weights counts as at most this many times the best FID
PATIENCE = 25  # evaluations in which objective or gap must fall ...
STALLED = 0.01  # ... by more than this share of the tolerated gap

State: TypeAlias = dict[str, torch.Tensor]
Clock: TypeAlias = Callable[[], float]


def start(objective: Objective, clock: Clock, x: torch.Tensor | None = None) -> State:
    """Return the state after the first evaluation, at equal weights or at ``x`` (N,) >= 0.

    ``clock`` returns the seconds since the start of the optimization.
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
    # While no curvature is known, the first step changes weights by a third of their mean.
    change = float((state["inverse"] * state["gradient"]).square().mean().sqrt())
    state["scale"] = x.new_tensor(FIRST / change if change > 0 else 0.0)
    return state


def finished(state: State, evaluations: int, tolerance: float) -> bool:
    """Return whether the gap is within ``tolerance``, or no progress is possible.

    The gap is compared with the FID at equal weights, unless the best FID so far is far below. A
    few outliers, which lose their weight at once, make the FID at equal weights arbitrarily large.
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
    """Return the current probabilities (N,) of the state."""
    return state["x"] / state["x"].sum()


def certify(state: State) -> None:
    """Raise the bound to the best bound that follows from the latest tangents."""
    bound, _ = best_bound(state["cuts"])
    _raise_bound(state, bound)
    state["path"][-1, 2] = state["best_value"] - state["bound"]


def step(objective: Objective, state: State, evaluations: int, clock: Clock) -> State:
    """Return the state after one accepted step, or with ``flat`` set if no step is possible."""
    state = dict(state)
    x, value, gradient = state["x"], float(state["value"]), state["gradient"]
    direction = _direction(state)
    length = 1.0
    while len(state["path"]) < evaluations:
        trial = torch.maximum(x + length * direction, LEFT * x)
        trial[trial < ZERO] = 0
        promise = float(gradient @ (trial - x))
        if promise >= 0 or length < SHORTEST:
            # No descent beyond rounding: drop the L-BFGS pairs, or stop if there are no pairs.
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
                # No positive curvature (for example, one real image): make the steps longer.
                state["scale"] = state["scale"] * GROWTH
            return state
        # The minimum of the parabola through both values, limited to 0.1 to 0.5 of the step.
        length *= min(max(-promise / (2 * excess), 0.1), 0.5)
    return state


def _move(
    state: State, x: torch.Tensor, value: float, gradient: torch.Tensor, inverse: torch.Tensor
) -> None:
    state["x"], state["value"] = x, x.new_tensor(value)
    state["gradient"], state["inverse"] = gradient, inverse
    state["row"] = state["path"][-1]


def _scale(state: State) -> float:
    """Return the factor of the initial matrix that fits the latest pair, or else the state's."""
    if not len(state["steps"]):
        return float(state["scale"])
    s, y = state["steps"][-1], state["changes"][-1]
    return float(s @ y) / float(y @ (state["inverse"] * y))


def _direction(state: State) -> torch.Tensor:
    """Return a descent direction: L-BFGS for free candidates, the gradient for the others."""
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
    """Return the inverse Hessian of the pairs, limited to free candidates, times the gradient.

    This is the two-loop recursion of Nocedal 1980. Pairs without positive curvature among the free
    candidates are left out.
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

    Also update the best weights, the bound and the path of ``state``.
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
    # If bound and objective are equal, rounding could make the bound the larger one.
    highest = min(max(float(state["bound"]), bound), float(state["best_value"]))
    state["bound"] = state["bound"].new_tensor(highest)


def _inverse(curvature: torch.Tensor) -> torch.Tensor:
    """Return the diagonal of L-BFGS's initial matrix, up to a factor."""
    middle = curvature.median()
    if not middle > 0:
        return torch.ones_like(curvature)
    return (curvature / middle).clamp(1e-12, 1e12) ** -POWER
