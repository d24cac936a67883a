"""Cost of the requested metrics."""

from __future__ import annotations

from fringe.costs.rules.evaluation import asked_products
from fringe.evaluation.asked_metrics import MEASURED


def test_every_metric_has_a_cost() -> None:
    found = asked_products(dim=8, real=100, generated=90, classes=10, kid=(4, 50))
    assert set(found) == set(MEASURED), (
        "the work of a metric is missing: add it to `asked_products` in src/fringe/costs/"
        f"rules/evaluation.py; they differ in {sorted(set(found) ^ set(MEASURED))}"
    )


def test_the_work_of_pairs_grows_with_both_sets() -> None:
    small, large = (
        asked_products(dim=8, real=n, generated=n, classes=10, kid=(4, 50)) for n in (100, 200)
    )
    for metric in ("precision", "density", "cmmd"):
        assert large[metric] == 4 * small[metric] > 0
    assert large["mind"] < 3 * small["mind"]
