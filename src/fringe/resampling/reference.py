"""The released weight optimization, step by step: gradient descent on log-weights.

With log-weights w and s = sum exp(w), the mean is mu = sum exp(w_i) f_i / s, and the covariance is
divided by s - 1 (the paper divides by s). The loss is the Fréchet distance in which 1e-12 is added
to every eigenvalue of S R before its square root is taken. The released code differentiates an
unsymmetric eigenvalue problem. This module computes the same gradient in closed form.
"""

import numpy as np
import torch

from fringe.devices.choice import open_device
from fringe.errors import FringeError
from fringe.metrics import Gaussian
from fringe.metrics.arrays import Array, Floats
from fringe.resampling.drawing import effective_sample_size
from fringe.resampling.objective import EPSILON, Objective
from fringe.resampling.progress_line import Report
from fringe.resampling.result import CHECKS, PATH, Judge, Weights, ask
from fringe.resampling.saved_state import Checkpoint, State

__all__ = ["DivergenceError", "Reference", "follow", "judged_by_tangent", "normalized"]

EVERY = 500  # steps between two checks; the first and the last step are checked too
DRAWS = 3  # draws per check, of which the best counts


class DivergenceError(FringeError):
    """The released steps diverged. ``path`` (steps, columns) contains the rows before that."""

    def __init__(self, message: str, path: Floats) -> None:
        """Keep the path in addition to the message, because its measurements are still valid."""
        super().__init__(message)
        self.path = path


class Reference:
    """Loss and step of the released algorithm.

    Parameters
    ----------
    real : Gaussian
        NumPy, divisor n - 1.
    candidates : array (N, D)
    learning_rate : float
        10 in the released code. The paper used 10 for pre-logits, and 5 for logits and class
        indicators.
    device : str or torch.device
    """

    def __init__(
        self,
        real: Gaussian,
        candidates: Array,
        learning_rate: float,
        device: str | torch.device = "cpu",
    ) -> None:
        self._device = open_device(device)
        self._mean, self._covariance, self._features = (
            self._tensor(array) for array in (real.mean, real.covariance, candidates)
        )
        self._rate = learning_rate
        eigenvalues, vectors = torch.linalg.eigh(self._covariance)
        self._root = (vectors * eigenvalues.clamp(min=0).sqrt()) @ vectors.T

    def start(self, steps: int) -> State:
        """Return the state before the first of ``steps`` steps: all log-weights are 0."""
        return {
            "w": np.zeros(len(self._features)),
            "step": np.zeros((), np.int64),
            "path": np.full((steps, len(PATH)), np.nan),
            "checks": np.zeros((0, len(CHECKS))),
        }

    def step(self, state: State) -> None:
        """Take one step. Its row in the path contains the loss before the step.

        Raises
        ------
        DivergenceError
            If the weights diverge because the step size is too large for the features, or if their
            sum is not above 1.
        """
        number = int(state["step"])
        with np.errstate(over="ignore"):
            total = float(np.exp(state["w"]).sum())
        if not 1 < total < np.inf:
            raise DivergenceError(
                f"reference: the sum of weights is {total:g} before step "
                f"{number + 1} with learning_rate {self._rate:g}; the released algorithm divides "
                "by that sum minus 1; give a smaller learning_rate, more candidates, or "
                "method='auto'",
                state["path"][:number],
            )
        loss, gradient = self.loss(state["w"])
        effective = effective_sample_size(np.exp(state["w"]))
        state["path"][number, :4] = (number + 1, loss, np.nan, effective)
        state["w"] = state["w"] - self._rate * gradient
        state["step"] = np.asarray(number + 1)

    def loss(self, w: Floats) -> tuple[float, Floats]:
        """Return the released loss at the log-weights ``w`` (N,) and its gradient (N,)."""
        weights = self._tensor(w).exp()
        total = weights.sum()
        mean = weights @ self._features / total
        centred = self._features - mean
        scaled = centred * weights.sqrt()[:, None]
        covariance = scaled.T @ scaled / (total - 1)
        eigenvalues, vectors = torch.linalg.eigh(self._root @ covariance @ self._root)
        eigenvalues = eigenvalues.clamp(min=0)
        roots = (eigenvalues + EPSILON).sqrt()
        difference = mean - self._mean
        loss = (
            difference @ difference
            + self._covariance.trace()
            + covariance.trace()
            - 2 * roots.sum()
        )
        # d_i^T (I - T) d_i and tr (I - T) S, with T = R^1/2 (K + 1e-12)^-1/2 R^1/2.
        W = self._root @ (vectors / roots.sqrt())
        curvature = centred.square().sum(dim=1) - (centred @ W).square().sum(dim=1)
        balance = covariance.trace() - (eigenvalues / roots).sum()
        gradient = weights / total * (centred @ (2 * difference))
        gradient += weights / (total - 1) * (curvature - balance)
        return float(loss), gradient.cpu().numpy()

    def _tensor(self, array: Array) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float64)).to(self._device)


def follow(
    real: Gaussian,
    candidates: Array,
    steps: int,
    learning_rate: float,
    judge: Judge | None,
    device: str | torch.device,
    saved: Checkpoint,
    report: Report,
) -> Weights:
    """Return the weights after the last step, or the weights that ``judge`` prefers.

    The arguments are those of :func:`fringe.resampling.optimize_weights`.
    """
    algorithm = Reference(real, candidates, learning_rate, device)
    state = saved.load()
    if state is None:
        state = algorithm.start(steps)
    elif done := int(state["step"]):
        report.resume(state["path"][:done])
    while (number := int(state["step"])) < steps:
        algorithm.step(state)
        state["path"][number, -1] = report.seconds()
        if judge is not None and (number == 0 or (number + 1) % EVERY == 0 or number + 1 == steps):
            _check(state, judge)
        if saved.due():
            saved.save(state)
        report(state["path"][: number + 1])
    saved.save(state)
    report(state["path"], last=True)
    p = normalized(state["w"] if judge is None else state["chosen"])
    objective = Objective(real, candidates, device)
    value = objective.measure(p)
    bound, reduced = judged_by_tangent(objective, p, value)
    return Weights(p, value, bound, state["path"], state["checks"], reduced)


def _check(state: State, judge: Judge) -> None:
    """Ask the judge about the log-weights, and keep them if they are the best so far."""
    p = normalized(state["w"])
    sampled = min(ask(judge, p, repeat) for repeat in range(DRAWS))
    if not len(state["checks"]) or sampled < state["checks"][:, -1].min():
        state["chosen"] = state["w"]
    number = int(state["step"])
    # The loss in the path is the loss before the step, as in the released code.
    row = (number, state["path"][number - 1, 1], effective_sample_size(p), sampled)
    state["checks"] = np.vstack([state["checks"], row])


def judged_by_tangent(objective: Objective, p: Floats, value: float) -> tuple[float, Floats]:
    """Return the lower bound and the reduced costs (N,) that follow from the tangent at ``p`` (N,).

    ``value`` is the objective at ``p``.
    """
    tangent = objective.evaluate(p).tangent.cpu().numpy()
    return min(max(float(tangent.min()), 0.0), value), tangent - p @ tangent


def normalized(w: Floats) -> Floats:
    """Return the probabilities (N,) of the log-weights ``w``."""
    p = np.exp(w - w.max())
    return np.asarray(p / p.sum())
