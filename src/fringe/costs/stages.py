"""Stages of a run in the order of the data flow, with the rules of each stage."""

from __future__ import annotations

__all__ = ["STAGES", "TARGETS", "stage_of"]

# A name that ends with `_` is a prefix of names of rules.
STAGES: dict[str, tuple[str, ...]] = {
    "fetching weight files": ("fetch_weight_file",),
    "unpacking": ("unpack_images",),
    "rendering": ("render_images",),
    "features": ("extract_features", "link_features", "import_features"),
    "statistics": ("measure_statistics",),
    "weights": ("optimize_weights", "optimize_sweep", "optimize_sweep_"),
    "matching": ("extend_matched", "extract_matched"),
    "draws": ("draw_",),
    "convergence": ("measure_convergence",),
    "scores": ("score_", "measure_checks"),
    "comparison": ("compare_main", "compare_control", "judge_comparison"),
    "distortions": ("measure_power",),
    "sensitivity": (
        *("measure_sensitivity", "join_sensitivity", "average_sensitivity"),
        *("explain_examples", "measure_noise", "measure_region"),
    ),
    "figures": ("figure_",),
    "tables": ("make_table", "table_asked"),
    "page": ("explore_", "write_index"),
    "report": (
        *("verdict", "list_deviations", "list_left_out", "write_self_check"),
        "summarize_cost",
    ),
}

# Rules without outputs, which only request outputs of other rules.
TARGETS = frozenset({"all", "all_features", "comparisons", "figures", "tables"})


def stage_of(rule: str) -> str | None:
    """Return the stage that a rule belongs to, or None for one of `TARGETS`.

    A rule without a stage, such as a rule in a user's own Snakefile, is a stage with the rule's
    name.
    """
    if rule in TARGETS:
        return None
    for stage, rules in STAGES.items():
        if any(rule == one or (one.endswith("_") and rule.startswith(one)) for one in rules):
            return stage
    return rule
