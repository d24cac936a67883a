"""Weight optimization: the released trajectory, the certificate, resuming, hard cases."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from fringe.errors import FringeError
from fringe.metrics import Gaussian, frechet_distance, kernel_distance
from fringe.resampling import (
    SampledDistance,
    Weights,
    draw,
    optimize_weights,
    reference,
    saved_state,
)
from fringe.resampling.objective import Objective
from fringe.seeds import random_stream


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "golden" / "resampling.npz") as arrays:
        return dict(arrays)


def problem(n: int = 300, N: int = 400, dim: int = 8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((dim, dim))
    real = rng.standard_normal((n, dim)) @ mixing + 1
    return real, rng.standard_normal((N, dim)) @ (mixing + 0.3) + 1.2


def check(weights: Weights, real: np.ndarray, candidates: np.ndarray) -> None:
    """Check all documented properties of `Weights`."""
    p = weights.probabilities
    assert p.shape == (len(candidates),)
    assert p.dtype == np.float64
    assert (p >= 0).all()
    assert p.sum() == pytest.approx(1, abs=1e-12)
    weighted = Gaussian.from_features(candidates, p)
    value = frechet_distance(Gaussian.from_features(real), weighted)
    scale = np.trace(weighted.covariance) + np.trace(np.cov(real.T).reshape(2 * real.shape[1:]))
    assert weights.objective == pytest.approx(value, rel=1e-6, abs=1e-6 * scale)
    assert 0 <= weights.lower_bound <= weights.objective
    assert np.isfinite(weights.path[:, :2]).all()


class TestReference:
    def test_trajectory_equals_the_released_one(self, golden: dict[str, np.ndarray]) -> None:
        weights = optimize_weights(golden["real"], golden["gen"], "reference", max_evaluations=500)
        np.testing.assert_allclose(weights.path[:, 1], golden["loss_all"][:500], rtol=1e-9)
        log = np.log(weights.probabilities)
        released = golden["w_log_after_500"]
        expected = released - np.log(np.exp(released).sum())
        np.testing.assert_allclose(log, expected, atol=1e-8)

    def test_first_gradient_and_last_loss_equal_the_released_ones(
        self, golden: dict[str, np.ndarray]
    ) -> None:
        real = Gaussian.from_features(golden["real"])
        algorithm = reference.Reference(real, golden["gen"], 10.0)
        _, gradient = algorithm.loss(np.zeros(len(golden["gen"])))
        np.testing.assert_allclose(gradient, golden["grad_it0"].ravel(), rtol=1e-9, atol=1e-15)
        loss, _ = algorithm.loss(golden["w_log_final"].ravel())
        assert loss == pytest.approx(float(golden["loss_after_final_step"]), rel=1e-9)

    def test_late_single_losses_equal_the_released_ones(
        self, golden: dict[str, np.ndarray]
    ) -> None:
        real = Gaussian.from_features(golden["real"])
        algorithm = reference.Reference(real, golden["gen"], 10.0)
        for step in (500, 1000):
            loss, _ = algorithm.loss(golden[f"w_log_after_{step}"].ravel())
            assert loss == pytest.approx(golden["loss_all"][step], rel=1e-9)

    def test_rank_deficient_indicators(self, golden: dict[str, np.ndarray]) -> None:
        real = golden["bin_real_top_n5"].astype(np.float32)
        candidates = golden["bin_gen_top_n5"].astype(np.float32)
        weights = optimize_weights(real, candidates, "reference", max_evaluations=100)
        np.testing.assert_allclose(weights.path[:, 1], golden["bin5_loss_all"], rtol=1e-9)
        released = golden["bin5_w_log_final"].ravel()
        expected = released - np.log(np.exp(released).sum())
        np.testing.assert_allclose(np.log(weights.probabilities), expected, atol=1e-8)


class TestCertificate:
    def test_golden_problem_is_solved_within_the_bound(self, golden: dict[str, np.ndarray]) -> None:
        real, candidates = golden["real"], golden["gen"]
        weights = optimize_weights(real, candidates)
        check(weights, real, candidates)
        assert weights.path[0, 1] == pytest.approx(3.5435, abs=1e-4)
        assert len(weights.path) <= 150
        # 2,000 released steps end at 0.2384; the optimum is 0.196528.
        assert weights.objective < 0.19655
        assert weights.gap < 0.002
        assert weights.lower_bound <= 0.196529

    def test_objective_is_never_below_a_bound(self, golden: dict[str, np.ndarray]) -> None:
        real, candidates = golden["real"][:, :12], golden["gen"][:800, :12]
        early = optimize_weights(real, candidates, max_evaluations=40)
        late = optimize_weights(real, candidates, max_evaluations=400, tolerance=1e-9)
        released = optimize_weights(real, candidates, "reference", max_evaluations=300)
        assert early.lower_bound <= late.lower_bound
        for other in (late, released):
            assert other.objective >= early.lower_bound
        assert late.gap < 1e-6
        assert released.objective >= late.lower_bound

    def test_rank_deficient_indicators(self, golden: dict[str, np.ndarray]) -> None:
        real = golden["bin_real_top_n5"].astype(np.float32)
        candidates = golden["bin_gen_top_n5"].astype(np.float32)
        weights = optimize_weights(real, candidates)
        check(weights, real, candidates)
        assert weights.objective == pytest.approx(0.94713, abs=0.0005)
        assert weights.gap <= 5e-4 * weights.path[0, 1]

    def test_planted_optimum_is_found(self) -> None:
        _, candidates = problem()
        p = np.random.default_rng(1).dirichlet(np.full(len(candidates), 0.3))
        planted = Gaussian.from_features(candidates, p)
        weights = optimize_weights(planted, candidates, max_evaluations=300, tolerance=0)
        assert weights.objective < 1e-8 * weights.path[0, 1]
        assert weights.lower_bound <= weights.objective

    def test_planted_vertex_is_found(self) -> None:
        # The optimum is a single candidate: all real images are close to candidate 3.
        candidates = np.vstack([np.eye(5) * 10, -np.eye(5) * 10])
        real = candidates[3] + 1e-3 * np.random.default_rng(0).standard_normal((50, 5))
        weights = optimize_weights(real, candidates)
        assert weights.probabilities[3] > 0.999

    @pytest.mark.parametrize(("dim", "ratio"), [(64, 1e3), (64, 1e4), (200, 2e3)])
    def test_one_direction_much_wider_than_the_others(self, dim: int, ratio: float) -> None:
        # The eigenvalues of K span the squared ratio of the variances: more than float64's digits.
        rng = np.random.default_rng(0)
        units = np.ones(dim)
        units[0] = ratio
        real = rng.standard_normal((2 * dim, dim)) * units
        candidates = rng.standard_normal((3 * dim, dim)) * units
        candidates[:, 0] = np.resize(real[:, 0], 3 * dim)
        weights = optimize_weights(real, candidates, max_evaluations=60)
        check(weights, real, candidates)
        gaussian = Gaussian.from_features(real)
        for p in (weights.probabilities, np.full(3 * dim, 1 / (3 * dim))):
            true = frechet_distance(gaussian, Gaussian.from_features(candidates, p))
            # Only rounding of the traces may differ.
            assert weights.lower_bound <= true + 1e-12 * dim * ratio**2
        assert weights.objective == pytest.approx(
            frechet_distance(gaussian, Gaussian.from_features(candidates, weights.probabilities)),
            abs=1e-12 * dim * ratio**2,
        )

    @pytest.mark.parametrize("size", [1.0, 100.0, 1e4])
    def test_an_outlier_does_not_end_the_optimization_early(self, size: float) -> None:
        rng = np.random.default_rng(0)
        real, candidates = rng.standard_normal((300, 8)), 0.4 * rng.standard_normal((500, 8)) + 0.2
        candidates[7] *= size
        weights = optimize_weights(real, candidates, max_evaluations=400)
        assert weights.objective > 0.1  # the candidates are too narrow
        assert weights.gap <= 5e-4 * 20 * weights.objective

    def test_path_contains_the_gap(self) -> None:
        weights = optimize_weights(*problem(), max_evaluations=60)
        number, objective, gap, effective, seconds = weights.path.T
        assert np.array_equal(number, np.arange(1, len(number) + 1))
        # The objective is computed again, from the factors of both covariances.
        assert weights.objective == pytest.approx(objective.min(), rel=1e-9)
        assert (np.diff(gap) <= 1e-12).all()
        assert weights.gap == pytest.approx(gap[-1])
        assert (np.diff(seconds) > 0).all()
        assert effective[0] == pytest.approx(400)
        assert 1 <= weights.effective_sample_size < 400


class TestChoice:
    """Weights are chosen by the distance of sampled images, as in the paper."""

    def judge(self, real: np.ndarray, candidates: np.ndarray, n: int = 300) -> SampledDistance:
        return SampledDistance(Objective(Gaussian.from_features(real), candidates), n, seed=4)

    def test_sampled_distance_equals_that_of_drawn_images(self) -> None:
        real, candidates = problem()
        p = np.random.default_rng(0).dirichlet(np.ones(len(candidates)))
        judge = self.judge(real, candidates)
        for repeat in (0, 1):
            drawn = draw(p, 300, random_stream(4, "sampled", repeat))
            expected = frechet_distance(
                Gaussian.from_features(real), Gaussian.from_features(candidates[drawn])
            )
            assert judge(p, repeat) == pytest.approx(expected, rel=1e-9)

    def test_weights_with_the_smallest_distance_are_chosen(self) -> None:
        real, candidates = problem()
        judge = self.judge(real, candidates)
        asked: list[np.ndarray] = []

        def recording(p: np.ndarray, repeat: int) -> float:
            asked.append(p)
            return judge(p, repeat)

        weights = optimize_weights(real, candidates, max_evaluations=60, judge=recording)
        evaluation, objective, effective, sampled = weights.checks.T
        assert len(asked) == len(sampled) >= 4
        best = int(sampled.argmin())
        assert np.array_equal(weights.probabilities, asked[best])
        assert weights.objective == pytest.approx(objective[best], rel=1e-9)
        assert weights.effective_sample_size == pytest.approx(effective[best])
        assert sampled.tolist() == [judge(p, 0) for p in asked]
        assert (np.diff(evaluation[:-1]) >= 5).all()
        # The objective of each check is that of its weights, and is in the path.
        for number, value, p in zip(evaluation, objective, asked, strict=True):
            assert weights.path[int(number) - 1, 1] == value
            weighted = Gaussian.from_features(candidates, p)
            assert frechet_distance(Gaussian.from_features(real), weighted) == pytest.approx(value)

    def test_the_judge_decides_for_any_objective(self) -> None:
        # If the judge prefers the first weights, they are returned, even with the worst objective.
        real, candidates = problem()
        weights = optimize_weights(
            real, candidates, max_evaluations=30, judge=lambda p, _: float(-np.count_nonzero(p))
        )
        assert np.array_equal(weights.probabilities, np.full(400, 1 / 400))
        assert weights.objective == pytest.approx(weights.path[0, 1], rel=1e-9)
        assert weights.lower_bound <= weights.path[:, 1].min()

    @pytest.mark.parametrize("method", ["auto", "reference"])
    def test_a_judge_that_returns_nan_is_refused(
        self, method: Literal["auto", "reference"]
    ) -> None:
        with pytest.raises(FringeError, match="judge: got nan"):
            optimize_weights(*problem(), method, max_evaluations=9, judge=lambda p, _: float("nan"))

    def test_checks_follow_the_released_rule(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reference, "EVERY", 10)
        real, candidates = problem()
        asked: list[tuple[float, int]] = []

        def judge(p: np.ndarray, repeat: int) -> float:
            asked.append((p.max(), repeat))
            return [3.0, 2.0, 4.0][repeat] + abs(len(asked) - 6)

        weights = optimize_weights(real, candidates, "reference", max_evaluations=35, judge=judge)
        assert weights.checks[:, 0].tolist() == [1, 10, 20, 30, 35]
        assert [repeat for _, repeat in asked] == [0, 1, 2] * 5
        # The best of three draws counts. The second check has the lowest distance.
        assert weights.checks[:, 3].tolist() == [6.0, 3.0, 4.0, 7.0, 10.0]
        at_ten = optimize_weights(real, candidates, "reference", max_evaluations=10)
        assert np.array_equal(weights.probabilities, at_ten.probabilities)

    def test_at_equal_loss_sampled_distances_equal_those_of_the_released_weights(
        self, golden: dict[str, np.ndarray]
    ) -> None:
        real, candidates = golden["real"], golden["gen"]
        gaussian = Gaussian.from_features(real)
        objective = Objective(gaussian, candidates)
        released = optimize_weights(gaussian, candidates, "reference", max_evaluations=300)
        level = released.objective
        # Interpolate to the same loss, between the last evaluation above it and the first below.
        above = below = optimize_weights(gaussian, candidates, max_evaluations=4)
        while below.objective > level:
            above = below
            below = optimize_weights(gaussian, candidates, max_evaluations=len(above.path) + 1)

        def between(share: float) -> np.ndarray:
            return (1 - share) * above.probabilities + share * below.probabilities

        share = brentq(lambda t: objective.evaluate(between(t)).value - level, 0, 1)
        fid, kid = np.zeros((2, 20)), np.zeros((2, 20))
        for row, p in enumerate((released.probabilities, between(share))):
            for repeat in range(20):
                drawn = draw(p, len(real), np.random.default_rng(repeat))
                counts = np.bincount(drawn, minlength=len(candidates))
                fid[row, repeat] = objective.distance(counts)
                kid[row, repeat] = kernel_distance(real, candidates[drawn])
        for values in (fid, kid):
            # Within the spread of one draw. The mean of 20 draws is 4.5 times as accurate.
            assert abs(np.diff(values.mean(axis=1))[0]) < values.std(axis=1).min()


class TestStart:
    def test_optimization_starts_near_given_weights(self) -> None:
        real, candidates = problem()
        cold = optimize_weights(real, candidates, tolerance=1e-5, max_evaluations=900)
        warm = optimize_weights(
            real, candidates, tolerance=1e-5, max_evaluations=900, start=cold.probabilities
        )
        near = Gaussian.from_features(candidates, 0.9 * cold.probabilities + 0.1 / 400)
        expected = frechet_distance(Gaussian.from_features(real), near)
        assert warm.path[0, 1] == pytest.approx(expected)
        assert warm.path[0, 1] < cold.path[0, 1]
        assert warm.objective == pytest.approx(cold.objective, abs=1e-5 * cold.path[0, 1])
        assert len(warm.path) < len(cold.path)

    @pytest.mark.parametrize("start", [np.ones(3), -np.ones(400), np.zeros(400)])
    def test_bad_start_weights_are_refused(self, start: np.ndarray) -> None:
        with pytest.raises(FringeError, match="start: expected 400"):
            optimize_weights(*problem(), start=start)


class TestResuming:
    @pytest.mark.parametrize(("method", "count"), [("auto", 60), ("reference", 40)])
    @pytest.mark.parametrize("killed", [3, 20, 35])
    def test_same_bits_after_an_interruption(
        self, method: str, count: int, killed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(saved_state, "INTERVAL", 0.0)
        owner: type = Objective if method == "auto" else reference.Reference
        name = "evaluate" if method == "auto" else "loss"
        genuine: Callable = getattr(owner, name)
        calls: list[int] = []

        def run(path: Path | None) -> Weights:
            return optimize_weights(
                *problem(),
                method,  # type: ignore[arg-type]
                max_evaluations=count,
                tolerance=0,
                judge=judge,
                checkpoint=path,
            )

        monkeypatch.setattr(reference, "EVERY", 10)
        judge = SampledDistance(
            Objective(Gaussian.from_features(problem()[0]), problem()[1]), 300, 4
        )
        whole = run(None)

        def failing(self: object, p: np.ndarray) -> object:
            calls.append(1)
            if len(calls) == killed:
                raise KeyboardInterrupt
            return genuine(self, p)

        monkeypatch.setattr(owner, name, failing)
        path = tmp_path / "state.h5"
        with pytest.raises(KeyboardInterrupt):
            run(path)
        resumed = run(path)
        # Saved work is not repeated: only one evaluation, or a few of a line search, were lost.
        assert len(calls) <= count + 12
        assert np.array_equal(resumed.probabilities, whole.probabilities)
        # All columns except the seconds, which add up.
        assert np.array_equal(resumed.path[:, :4], whole.path[:, :4], equal_nan=True)
        assert (np.diff(resumed.path[:, 4]) >= 0).all()
        assert resumed.objective == whole.objective
        assert resumed.lower_bound == whole.lower_bound
        assert np.array_equal(resumed.checks, whole.checks)

    def test_a_finished_run_is_not_repeated(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "state.h5"
        first = optimize_weights(*problem(), max_evaluations=30, checkpoint=path)
        monkeypatch.setattr(Objective, "evaluate", None)
        again = optimize_weights(*problem(), max_evaluations=30, checkpoint=path)
        assert np.array_equal(first.probabilities, again.probabilities)

    def test_another_judge_starts_from_the_beginning(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "state.h5"
        real, candidates = problem()
        objective = Objective(Gaussian.from_features(real), candidates)
        for n in (300, 300, 200):
            judge = SampledDistance(objective, n, 4)
            weights = optimize_weights(
                real, candidates, max_evaluations=30, judge=judge, checkpoint=path
            )
            chosen = weights.checks[:, 3].min()
            assert chosen == judge(weights.probabilities, 0)
        log = capsys.readouterr().err
        assert log.count("continuing from this state") == log.count("belongs to other input") == 1

    def test_other_input_starts_from_the_beginning(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "state.h5"
        real, candidates = problem()
        optimize_weights(real, candidates, max_evaluations=30, checkpoint=path)
        candidates[5, 2] += 1e-3
        fresh = optimize_weights(real, candidates, max_evaluations=30)
        other = optimize_weights(real, candidates, max_evaluations=30, checkpoint=path)
        assert np.array_equal(fresh.probabilities, other.probabilities)
        assert "belongs to other input" in capsys.readouterr().err

    def test_an_incomplete_checkpoint_is_not_used(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "state.h5"
        first = optimize_weights(*problem(), max_evaluations=30, checkpoint=path)
        with h5py.File(path, "a") as file:
            del file["cuts"]
        again = optimize_weights(*problem(), max_evaluations=30, checkpoint=path)
        assert np.array_equal(first.probabilities, again.probabilities)
        assert "is incomplete" in capsys.readouterr().err

    @pytest.mark.parametrize("keep", [0, 100, 0.5])
    def test_a_damaged_checkpoint_is_not_used(
        self, keep: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "state.h5"
        first = optimize_weights(*problem(), max_evaluations=30, checkpoint=path)
        content = path.read_bytes()
        path.write_bytes(content[: int(keep * len(content)) if keep < 1 else int(keep)])
        again = optimize_weights(*problem(), max_evaluations=30, checkpoint=path)
        assert np.array_equal(first.probabilities, again.probabilities)
        assert "checkpoint not used" in capsys.readouterr().err
        with h5py.File(path) as file:
            assert len(file["path"]) == len(first.path)

    def test_a_checkpoint_with_a_flipped_byte_is_not_used(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "state.h5"
        first = optimize_weights(*problem(), max_evaluations=30, checkpoint=path)
        content = bytearray(path.read_bytes())
        at = bytes(content).index(first.probabilities.tobytes()[:64])
        content[at] ^= 1
        path.write_bytes(content)
        again = optimize_weights(*problem(), max_evaluations=30, checkpoint=path)
        assert np.array_equal(first.probabilities, again.probabilities)
        assert "checkpoint not used" in capsys.readouterr().err


CONVERGING = (
    "two candidates",
    "fewer candidates than dimensions",
    "fewer real images than dimensions",
    "duplicates",
    "all candidates alike",
    "constant columns",
    "all real images alike",
    "same set",
    "tiny",
)
DIVERGING = ("one candidate", "columns of very unequal scale", "integers", "huge", "far apart")


class TestHardCases:
    def case(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        real, candidates = problem()
        wide = np.random.default_rng(5)
        match name:
            case "one candidate":
                return real, candidates[:1]
            case "two candidates":
                return real, candidates[:2]
            case "fewer candidates than dimensions":
                return wide.standard_normal((90, 60)), wide.standard_normal((30, 60))
            case "fewer real images than dimensions":
                return wide.standard_normal((20, 60)), wide.standard_normal((200, 60))
            case "duplicates":
                return real, np.repeat(candidates[:40], 5, axis=0)
            case "all candidates alike":
                return real, np.repeat(candidates[:1], 30, axis=0)
            case "constant columns":
                real, candidates = real.copy(), candidates.copy()
                real[:, 2], candidates[:, 3] = 0.3, -7.0
                real[:, 5] = candidates[:, 5] = 0.0
                return real, candidates
            case "all real images alike":
                return np.repeat(real[:1], 30, axis=0), candidates
            case "huge":
                return 1e30 * real, 1e30 * candidates
            case "tiny":
                return 1e-30 * real, 1e-30 * candidates
            case "columns of very unequal scale":
                units = np.logspace(-8, 8, 8)
                return real * units, candidates * units
            case "far apart":
                return real + 1e6, candidates
            case "same set":
                return real, real
            case "integers":
                return (10 * real).astype(np.int64), (10 * candidates).astype(np.int8)
        raise ValueError(name)

    @pytest.mark.parametrize("name", [*CONVERGING, *DIVERGING])
    def test_solution_is_certified(self, name: str) -> None:
        real, candidates = self.case(name)
        weights = optimize_weights(real, candidates, max_evaluations=50)
        check(weights, real, candidates)
        assert weights.objective <= weights.path[0, 1]

    @pytest.mark.parametrize("name", CONVERGING)
    def test_reference_returns_finite_numbers(self, name: str) -> None:
        real, candidates = self.case(name)
        check(optimize_weights(real, candidates, "reference", max_evaluations=50), real, candidates)

    @pytest.mark.parametrize("name", DIVERGING)
    def test_reference_reports_divergence(self, name: str) -> None:
        # The released step size is too large for large features, or the divisor is 0.
        real, candidates = self.case(name)
        with pytest.raises(FringeError, match="learning_rate 10; the released algorithm"):
            optimize_weights(real, candidates, "reference", max_evaluations=50)

    def test_tensors_and_statistics_give_the_same_weights(self) -> None:
        real, candidates = problem()
        plain = optimize_weights(real, candidates, max_evaluations=30)
        statistics = Gaussian.from_features(torch.from_numpy(real))
        weights = optimize_weights(statistics, torch.from_numpy(candidates), max_evaluations=30)
        assert isinstance(weights.probabilities, torch.Tensor)
        assert np.array_equal(weights.probabilities.numpy(), plain.probabilities)

    def test_types_give_the_same_weights(self) -> None:
        real, candidates = problem()
        candidates = candidates.astype(np.float32)
        plain = optimize_weights(real, candidates, max_evaluations=20).probabilities
        fixed = candidates.copy()
        fixed.flags.writeable = False
        for other in (candidates.astype(">f4"), candidates.astype(np.longdouble), fixed):
            weights = optimize_weights(real, other, max_evaluations=20)
            assert np.array_equal(weights.probabilities, plain)
        short = torch.from_numpy(candidates).to(torch.bfloat16)
        rounded = optimize_weights(real, short.float().numpy(), max_evaluations=20).probabilities
        weights = optimize_weights(real, short, max_evaluations=20)
        assert np.array_equal(weights.probabilities.numpy(), rounded)

    def test_candidates_that_are_not_a_matrix_are_refused(self, tmp_path: Path) -> None:
        real = problem()[0]
        with h5py.File(tmp_path / "features.h5", "w") as file:
            for number, content in enumerate((np.ones((5, 8), "c8"), np.ones((0, 8)))):
                file[str(number)] = content
                with pytest.raises(FringeError, match="candidates: expected numbers"):
                    optimize_weights(real, file[str(number)])

    @pytest.mark.parametrize("where", ["real", "candidates"])
    def test_nan_is_refused(self, where: str) -> None:
        real, candidates = problem()
        (real if where == "real" else candidates)[7, 1] = np.nan
        with pytest.raises(FringeError, match="row 7 holds NaN"):
            optimize_weights(real, candidates)

    def test_bad_arguments_are_refused(self) -> None:
        real, candidates = problem()
        with pytest.raises(FringeError, match="8 and 7 dimensions"):
            optimize_weights(real, candidates[:, :7])
        with pytest.raises(FringeError, match="'fast'"):
            optimize_weights(real, candidates, "fast")  # type: ignore[arg-type]
        with pytest.raises(FringeError, match="max_evaluations 0"):
            optimize_weights(real, candidates, max_evaluations=0)
