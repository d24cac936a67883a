"""The best lower bound that follows from several tangents of a convex function on the simplex.

Each tangent t_k (see `objective`) bounds the objective from below: FID(q) >= t_k.q for all
probabilities q. Every mixture of tangents is also such a bound, and no q can have a smaller
objective than the smallest number in a mixture. The best mixture is the solution of a linear
program, the value of the matrix game max over lambda, min over i, of sum_k lambda_k t_ki. The bound
of a single tangent is limited by its worst candidate. In a mixture, the errors of the tangents
average out.
"""

import numpy as np
import torch
from scipy.optimize import linprog

__all__ = ["best_bound"]

COLUMNS = 200  # candidates that are added to the program at a time
ROUNDS = 30
PRECISION = 1e-3  # relative distance of the proven bound from the best possible bound


def best_bound(cuts: torch.Tensor) -> tuple[float, torch.Tensor]:
    """Return a lower bound and the mixture (T,) of the tangents ``cuts`` (T, N) that proves it.

    The bound is valid for any result of the linear program, because the bound is the smallest
    number of the mixture over all N candidates. Only a few candidates matter. So the program starts
    with a few candidates, and adds the candidates with the smallest numbers in its mixture until no
    candidate is below the program's value.
    """
    singles = cuts.min(dim=1).values
    best = int(singles.argmax())
    bound = float(singles[best])
    mixture = torch.zeros_like(cuts[:, 0])
    mixture[best] = 1
    # A shift and a scale with which the program is well conditioned.
    shift, scale = bound, float((cuts[best] - bound).mean())
    if len(cuts) == 1 or not scale > 0:
        return bound, mixture
    columns = np.zeros(0, dtype=np.int64)
    trial = mixture
    for _ in range(ROUNDS):
        sums = trial @ cuts
        lowest = sums.topk(min(COLUMNS, len(sums)), largest=False).indices.cpu().numpy()
        columns = np.union1d(columns, lowest)
        game = ((cuts[:, torch.from_numpy(columns).to(cuts.device)] - shift) / scale).cpu().numpy()
        solution = linprog(
            np.append(np.zeros(len(game)), -1.0),
            A_ub=np.column_stack([-game.T, np.ones(len(columns))]),
            b_ub=np.zeros(len(columns)),
            A_eq=np.append(np.ones(len(game)), 0.0)[None],
            b_eq=[1.0],
            bounds=[(0, None)] * len(game) + [(None, None)],
            method="highs",
        )
        if solution.x is None:  # keep the bound of the best mixture so far
            break
        weights = np.clip(solution.x[:-1], 0, None)
        trial = torch.from_numpy(weights / weights.sum()).to(cuts)
        proven, possible = float((trial @ cuts).min()), solution.x[-1] * scale + shift
        if proven > bound:
            bound, mixture = proven, trial
        if possible - bound <= PRECISION * (possible - shift):
            break
    return bound, mixture
