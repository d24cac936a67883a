"""Cost of the rules in rules/figures.smk, rules/tables.smk and rules/report.smk."""

from __future__ import annotations

from fringe.config.choices import class_network
from fringe.costs.context import JobContext
from fringe.costs.memory import generator_memory, moments_memory
from fringe.costs.rule_cost import RuleCost
from fringe.costs.work import Work, error_products, products

__all__ = ["RULES"]


def _figure_overview(about: JobContext) -> Work:
    """Two distances with their standard errors, and the directions that are drawn."""
    images = about.dataset.n_real + about.dataset.n_generated
    return products(
        about,
        sum(4 * dim**3 + error_products(dim, images) for dim in (about.dim, about.classes)),
    )


def _figure_overview_memory(about: JobContext) -> int:
    networks = (about.network, class_network(about.config))
    return max(moments_memory(network, covariances=2) for network in networks)


def _figure_schemes_memory(about: JobContext) -> int:
    """Memory of a generator, because images beyond the candidates are made again."""
    return 2000 + generator_memory(about, about.generated)


RULES = {
    "figure_overview": RuleCost(_figure_overview, _figure_overview_memory),
    "figure_classes": RuleCost(),
    "figure_weights": RuleCost(),
    "figure_sweep": RuleCost(),
    "figure_sizes": RuleCost(),
    "figure_snapshots": RuleCost(),
    "figure_schemes": RuleCost(memory=_figure_schemes_memory),
    "figure_networks": RuleCost(),
    "figure_comparison": RuleCost(),
    "figure_convergence": RuleCost(),
    "figures": RuleCost(),
    "make_table": RuleCost(),
    "table_asked": RuleCost(),
    "tables": RuleCost(),
    "verdict": RuleCost(),
    "list_deviations": RuleCost(),
    "list_left_out": RuleCost(),
    "write_self_check": RuleCost(),
    "summarize_cost": RuleCost(),
    "all": RuleCost(),
}
