"""MIND, compared with its formula and, if it is installed, with torch-fidelity."""

import importlib.util

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.metrics import mind, sliced

from .sliced import Sliced


def by_formula(
    real: np.ndarray, generated: np.ndarray, directions: int = 1000, seed: int = 2020
) -> float:
    """Return MIND in float64, from the numbers that torch-fidelity's `metric_mind.py` draws.

    The generator gives a permutation for the larger set, then normal numbers in float32.
    """
    rng = torch.Generator().manual_seed(seed)
    count, dim = min(len(real), len(generated)), real.shape[1]
    x, y = (torch.from_numpy(v).double() for v in (real, generated))
    x, y = (
        v[torch.randperm(len(v), generator=rng)[:count]] if len(v) > count else v for v in (x, y)
    )
    units = torch.randn(directions, dim, generator=rng)
    units = (units / units.norm(dim=1, keepdim=True)).double()
    a, b = ((v @ units.T).sort(dim=0).values for v in (x, y))
    return float(3 * dim * ((a - b) ** 2).mean())


def sets(
    n: int = 150, m: int = 150, dim: int = 24, shift: float = 0.3, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, dim)), 1.2 * rng.standard_normal((m, dim)) + shift
    return x.astype(np.float32), y.astype(np.float32)


@pytest.mark.parametrize(("n", "m"), [(150, 150), (190, 150), (150, 170)])
@pytest.mark.parametrize(("rows", "numbers"), [(2048, 2**23), (64, 5000), (7, 300)])
def test_value_equals_its_definition(
    n: int, m: int, rows: int, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sliced, "ROWS", rows)
    monkeypatch.setattr(sliced, "NUMBERS", numbers)
    x, y = sets(n, m)
    assert mind(x, y).value == pytest.approx(by_formula(x, y), rel=1e-12)
    assert mind(y, x, directions=33, seed=4).value == pytest.approx(
        by_formula(y, x, 33, 4), rel=1e-12
    )


def test_value_equals_torch_fidelity() -> None:
    if importlib.util.find_spec("torch_fidelity.metric_mind") is None:
        pytest.skip("torch-fidelity before 0.5 has no MIND")
    from torch_fidelity.metric_mind import mind_features_to_metric

    for n, m in ((150, 150), (190, 150)):
        x, y = sets(n, m)
        theirs = mind_features_to_metric(
            torch.from_numpy(x), torch.from_numpy(y), cuda=False, verbose=False
        )
        assert mind(x, y).value == pytest.approx(theirs["monge_inception_distance"], rel=1e-5)


def test_value_in_one_dimension_is_optimal_transport() -> None:
    x, y = sets(dim=1)
    expected = 3 * np.mean((np.sort(x[:, 0].astype(float)) - np.sort(y[:, 0].astype(float))) ** 2)
    assert mind(x, y, directions=3).value == pytest.approx(expected, rel=1e-12)


def test_tensors_and_slices_give_the_same_value() -> None:
    x, y = sets(190)
    expected = mind(x, y)
    assert mind(torch.from_numpy(x), y) == expected
    assert mind(Sliced(x), Sliced(y)) == expected
    assert mind(x, x).value == 0
    state = torch.random.get_rng_state()
    mind(x, y)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("n", [150, 200])
def test_error_equals_the_spread_between_sets(n: int) -> None:
    """The spread of 300 repeats (150 images, 6 dimensions, 20 directions) is accurate to 4%."""
    found = np.array(
        [mind(*sets(n, dim=6, shift=0.5, seed=seed), directions=20) for seed in range(300)]
    )
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(ddof=1), rel=0.2)


def test_bad_input_is_refused() -> None:
    x, y = sets()
    broken = x.copy()
    broken[17, 2] = np.nan
    for arguments, options, message in (
        ((x, y[:, :3]), {}, "24 and 3 dimensions"),
        ((broken, y), {}, "real: row 17 holds NaN"),
        ((x, broken), {}, "generated: row 17 holds NaN"),
        ((x[:130], broken), {"seed": 3}, "generated: row 17 holds NaN"),
        ((x, y), {"directions": 0}, "directions: got 0; give a whole number of at least 1"),
    ):
        with pytest.raises(FringeError, match=message):
            mind(*arguments, **options)  # type: ignore[arg-type]
    assert mind(x[:1], y).error is None
