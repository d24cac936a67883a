"""Every rule of the workflow is registered with the cost of its jobs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fringe.costs.jobs import Job
from fringe.costs.registry import RULES, cost_of, work
from fringe.errors import FringeError

REPOSITORY = Path(__file__).resolve().parents[2]


def rules() -> dict[str, str]:
    """The text of each rule of the workflow, by the rule's name."""
    found = {}
    for path in [REPOSITORY / "Snakefile", *sorted((REPOSITORY / "rules").glob("*.smk"))]:
        blocks = re.split(r"^rule (\w+):$", path.read_text(), flags=re.MULTILINE)
        found.update(zip(blocks[1::2], blocks[2::2], strict=True))
    return found


TEXTS = rules()


def test_all_rules_are_found() -> None:
    assert {"all", "render_images", "score_kernels", "make_table"} <= set(TEXTS)
    assert "benchmark:" in TEXTS["score_kernels"]


def test_every_rule_is_registered() -> None:
    assert set(TEXTS) - set(RULES) == set(), (
        "the cost of these rules is not defined: add them to a table `RULES` in "
        "src/fringe/costs/rules"
    )


def test_every_registered_rule_exists() -> None:
    assert set(RULES) - set(TEXTS) == set(), (
        "src/fringe/costs/rules says what jobs of these rules cost: add the rules to a file in "
        "rules, or drop the costs"
    )


@pytest.mark.parametrize("rule", TEXTS)
def test_a_rule_is_short_or_has_a_benchmark(rule: str) -> None:
    assert (cost_of(rule).work is not None) == ("benchmark:" in TEXTS[rule])


@pytest.mark.parametrize("rule", TEXTS)
def test_rules_request_their_registered_resources(rule: str) -> None:
    cost = RULES[rule]
    asks = any((cost.work, cost.memory, cost.gpu))
    assert (f'    resources:\n        **ask("{rule}"),\n' in TEXTS[rule]) == asks
    assert "mem_mb" not in TEXTS[rule]


def test_the_slurm_profile_names_each_rule_with_a_gpu() -> None:
    profile = (REPOSITORY / "profiles/slurm/config.yaml").read_text()
    named = re.findall(r"^# +- (\w+):slurm_partition=gpu", profile, flags=re.MULTILINE)
    assert sorted(named) == sorted(rule for rule, cost in RULES.items() if cost.gpu)


def test_a_rule_that_is_not_registered_is_an_error() -> None:
    with pytest.raises(FringeError, match=r"rule score_new: .*src/fringe/costs/rules"):
        cost_of("score_new")
    with pytest.raises(FringeError, match="rule score_new"):
        work(Job("score_new", (), ("scores/new.csv",)), {}, {}, "cpu")
