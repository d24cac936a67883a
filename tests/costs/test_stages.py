"""Each rule belongs to one stage of the pipeline."""

from __future__ import annotations

from fringe.costs.registry import RULES
from fringe.costs.stages import STAGES, TARGETS, stage_of


def test_each_rule_is_in_one_stage_or_a_target() -> None:
    in_words = {rule: stage_of(rule) for rule in RULES}
    unknown = {rule for rule, stage in in_words.items() if stage not in {*STAGES, None}}
    assert unknown == set(), "add them to STAGES, or to TARGETS if they have no outputs"
    assert {rule for rule, stage in in_words.items() if stage is None} == TARGETS
    assert set(in_words.values()) == {*STAGES, None}, "a stage without rules"


def test_rules_without_a_stage_are_their_own_stage() -> None:
    assert stage_of("optimize_sweep_faces") == "weights"
    assert stage_of("my_own_rule") == "my_own_rule"
