"""The best lower bound that several tangents of a convex function on the simplex prove together.

Each tangent t_k (see `objective`) bounds the objective from below: FID(q) >= t_k.q for all
probabilities q. So does every mixture of them, and the smallest number in a mixture is a bound that
no q can beat. The best mixture is a linear program: the value of the matrix game
max over lambda, min over i, of sum_k lambda_k t_ki. One tangent alone is as good as its worst
candidate; in a mixture their errors average out.
"""

import numpy as np
import torch
from scipy.optimize import linprog

__all__ = ["best_bound"]

COLUMNS = 200  # candidates that are added to the program at a time
ROUNDS = 30
PRECISION = 1e-3  # of the distance between what is proven and what could be


def best_bound(cuts: torch.Tensor) -> tuple[float, torch.Tensor]:
    """Return a lower bound and the mixture (T,) of the tangents ``cuts`` (T, N) that proves it.

    Whatever the linear program returns, the bound is valid: it is the smallest number of that
    mixture over all N candidates. Few candidates matter, so the program starts with few and takes
    in those that its mixture bounds least, until there are none below.
    """
    singles = cuts.min(dim=1).values
    best = int(singles.argmax())
    bound = float(singles[best])
    mixture = torch.zeros_like(cuts[:, 0])
    mixture[best] = 1
    # From here in units in which the program is well scaled.
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
        if solution.x is None:  # the bound of the best mixture so far stands
            break
        weights = np.clip(solution.x[:-1], 0, None)
        trial = torch.from_numpy(weights / weights.sum()).to(cuts)
        proven, possible = float((trial @ cuts).min()), solution.x[-1] * scale + shift
        if proven > bound:
            bound, mixture = proven, trial
        if possible - bound <= PRECISION * (possible - shift):
            break
    return bound, mixture
