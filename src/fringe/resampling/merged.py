"""The released weight optimization with merged steps, and a measurement of the merging error.

A released step changes the log-weights w to w - a g(w), where g is the gradient of the released
loss and a is the step size. A block merges m steps in two ways, along two paths:

* first order: w - m a g(w), as if the gradient did not change;
* second order: w - m a g + a (m - 1) / 2 (g - g'), where g' is the gradient at the end of the
  first-order block. For gradients that are linear in w, m released steps are
  w - m a g + a^2 m (m - 1) / 2 H g - ..., and (g - g') / (m a) is H g. So the block agrees with the
  released iteration (not with the flow that small steps approach) up to terms of third order. For
  m = 1, the block is the released step itself.

The second-order path is the result. Its error is far below that of the first-order path, so the
difference between both paths is reported as the error. On both paths, a block changes no log-weight
by more than a limit. A block never continues past a check, so each check belongs to exactly the
released step that it is numbered by.
"""

from __future__ import annotations

import numpy as np

from fringe.metrics.arrays import Floats
from fringe.resampling import reference
from fringe.resampling.drawing import effective_sample_size
from fringe.resampling.objective import Objective
from fringe.resampling.progress_line import Report
from fringe.resampling.reference import DivergenceError, judged_by_tangent, normalized
from fringe.resampling.result import CHECKS, PATH, Judge, Merging, Weights, ask
from fringe.resampling.saved_state import Checkpoint, State

__all__ = ["follow"]

CORRECTION = 0.25  # a block is halved if its second-order term exceeds this share of the limit


def follow(
    objective: Objective,
    steps: int,
    learning_rate: float,
    merge: float,
    judge: Judge | None,
    saved: Checkpoint,
    report: Report,
) -> Weights:
    """Return the weights after the last step, or the weights that ``judge`` prefers.

    The arguments are those of :func:`fringe.resampling.optimize_weights`.

    Raises
    ------
    DivergenceError
        If the released algorithm diverges on these features.
    """
    run = _Run(objective, steps, learning_rate, merge, judge, report)
    state = saved.load()
    if state is None:
        state = run.start()
    elif len(state["path"]):
        report.resume(state["path"])
    while not state["done"]:
        run.advance(state)
        if saved.due():
            saved.save(state)
        report(state["path"])
    saved.save(state)
    report(state["path"], last=True)
    p = normalized(state["chosen"])
    value = objective.measure(p)
    bound, reduced = judged_by_tangent(objective, p, value)
    weights_error, loss_error, sampled_error = map(float, state["errors"])
    merging = Merging(
        steps=steps,
        evaluations=int(state["evaluations"]),
        learning_rate=learning_rate,
        merge=merge,
        weights_error=weights_error,
        loss_error=loss_error,
        sampled_error=sampled_error,
        differences=state["differences"],
    )
    return Weights(p, value, bound, state["path"], state["checks"], reduced, merging)


_ADVICE = (
    "the step size is too large for these features: lower learning_rate (in a configuration, "
    "optimization/released/learning_rate), first to a tenth"
)


class _Run:
    """One run of the algorithm. All data that changes is in a `State`, so that it can be saved."""

    def __init__(
        self,
        objective: Objective,
        steps: int,
        learning_rate: float,
        merge: float,
        judge: Judge | None,
        report: Report,
    ) -> None:
        self._objective, self._steps, self._rate = objective, steps, learning_rate
        self._merge, self._judge, self._report = merge, judge, report

    def start(self) -> State:
        """Return the state before the first step: all log-weights are 0."""
        w = np.zeros(len(self._objective))
        return {
            "w": w,  # along the second-order path
            "first": w,  # along the first-order path
            "apart": np.asarray(False),  # whether the two paths differ
            "step": np.zeros((), np.int64),
            "evaluations": np.zeros((), np.int64),
            "path": np.zeros((0, len(PATH))),
            "differences": np.zeros(0),
            "checks": np.zeros((0, len(CHECKS))),
            "chosen": w,
            "chosen_first": w,
            "errors": np.full(3, np.nan),  # errors of the chosen weights: weights, loss, sampled
            "done": np.asarray(False),
        }

    def advance(self, state: State) -> None:
        """Check the current weights if a check is due, and take a block of steps."""
        step = int(state["step"])
        loss, gradient = first_loss, first_gradient = self._evaluate(state, state["w"])
        if state["apart"]:
            first_loss, first_gradient = self._evaluate(state, state["first"])
        if self._next_check(step - 1) == step:
            if len(state["path"]) and loss > state["path"][0, 1]:
                raise DivergenceError(
                    f"released: with step size {self._rate:g} the loss is {loss:g} after step "
                    f"{step}, above the loss {state['path'][0, 1]:g} of equal weights; {_ADVICE}",
                    state["path"],
                )
            self._check(state, loss, loss - first_loss)
        if step == self._steps:
            self._finish(state)
            return
        row = (step + 1, loss, np.nan, effective_sample_size(normalized(state["w"])), 0.0)
        size = self._size(step, max(abs(gradient).max(), abs(first_gradient).max()))
        size, end = self._second_order(state, gradient, size)
        if size == 1 and not state["apart"]:
            first = end
        else:
            first = state["first"] - size * self._rate * first_gradient
            state["apart"] = np.asarray(True)
        state["w"], state["first"] = end, first
        state["step"] = np.asarray(step + size)
        state["path"] = np.vstack([state["path"], (*row[:4], self._report.seconds())])
        state["differences"] = np.append(state["differences"], loss - first_loss)

    def _second_order(self, state: State, gradient: Floats, size: int) -> tuple[int, Floats]:
        """Return the number of merged steps, at most ``size``, and the resulting weights."""
        while True:
            end = state["w"] - size * self._rate * gradient
            if size == 1:
                return size, end
            _, there = self._evaluate(state, end)
            correction = self._rate * (size - 1) / 2 * (gradient - there)
            if abs(correction).max() <= CORRECTION * self._merge:
                return size, end + correction
            size //= 2

    def _size(self, step: int, steepest: float) -> int:
        """Return the number of steps to merge, given the largest slope ``steepest``."""
        room = self._next_check(step) - step
        change = self._rate * steepest
        return room if change * room <= self._merge else max(1, int(self._merge / change))

    def _next_check(self, step: int) -> int:
        """Return the first step after ``step`` whose weights are checked."""
        every = reference.EVERY
        return 1 if step < 1 else min((step // every + 1) * every, self._steps)

    def _evaluate(self, state: State, w: Floats) -> tuple[float, Floats]:
        """Return loss and gradient (N,) at the log-weights ``w`` (N,)."""
        with np.errstate(over="ignore"):
            total = float(np.exp(w).sum())
        loss, gradient = np.nan, w
        if 1 < total < np.inf:
            loss, slope = self._objective.evaluate_released(w)
            gradient = slope.cpu().numpy()
        if not (np.isfinite(loss) and np.isfinite(gradient).all()):
            raise DivergenceError(
                f"released: with step size {self._rate:g} the weights diverge by step "
                f"{int(state['step']) + 1}: their sum is {total:g}, the loss {loss:g}; {_ADVICE}",
                state["path"],
            )
        state["evaluations"] = state["evaluations"] + 1
        return loss, gradient

    def _check(self, state: State, loss: float, difference: float) -> None:
        """Ask the judge about the weights, and keep the weights if they are the best so far."""
        p = normalized(state["w"])
        if self._judge is not None:
            sampled = self._draws(p).min()  # the best draw counts, as in the released code
            best = not len(state["checks"]) or sampled < state["checks"][:, -1].min()
            row = (int(state["step"]), loss, effective_sample_size(p), sampled)
            state["checks"] = np.vstack([state["checks"], row])
            if not best:
                return
        state["chosen"], state["chosen_first"] = state["w"], state["first"]
        state["errors"] = np.array([np.nan, abs(difference), np.nan])

    def _finish(self, state: State) -> None:
        """Measure how far the chosen weights are from the weights of the first-order path."""
        p, first = normalized(state["chosen"]), normalized(state["chosen_first"])
        errors = state["errors"].copy()
        errors[0] = abs(p - first).sum() / 2
        if self._judge is not None:
            errors[2] = abs(self._draws(p) - self._draws(first)).max()
        state["errors"], state["done"] = errors, np.asarray(True)

    def _draws(self, p: Floats) -> Floats:
        """Return the distances of `reference.DRAWS` draws."""
        assert self._judge is not None
        return np.array([ask(self._judge, p, repeat) for repeat in range(reference.DRAWS)])
