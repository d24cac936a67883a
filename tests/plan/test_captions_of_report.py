"""Captions in Snakemake's report, which are rendered only after the last job."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

RULES = {
    found[1]: found[2]
    for file in sorted((ROOT / "rules").glob("*.smk"))
    for found in re.finditer(r"^rule (\w+):\n((?:    .*\n|\n)+)", file.read_text(), re.MULTILINE)
    if "caption=" in found[2]
}


def test_rules_with_captions_are_found() -> None:
    assert {"make_table", "table_asked"} <= set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_caption_uses_only_wildcards_of_its_rule(rule: str) -> None:
    block = RULES[rule]
    for caption in re.findall(r'caption="([^"]+)"', block):
        text = (ROOT / "rules" / caption).read_text()
        for wildcard in re.findall(r"snakemake\.wildcards\.(\w+)", text):
            assert f"{{{wildcard}}}" in block, f"{caption} takes {{{wildcard}}}, {rule} has none"
