"""Rules name functions of the plan that exist."""

from __future__ import annotations

import re
from pathlib import Path

from fringe.plan import exhibit_params, inputs, layout, provenance

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = (exhibit_params, inputs, layout, provenance)


def test_rules_name_functions_that_exist() -> None:
    text = "".join(path.read_text() for path in (REPOSITORY / "rules").glob("*.smk"))
    names = {
        (module, name)
        for module in MODULES
        for name in re.findall(rf"\b{module.__name__.rpartition('.')[2]}\.(\w+)", text)
    }
    assert (inputs, "figure_classes") in names
    missing = {f"{module.__name__}.{name}" for module, name in names if not hasattr(module, name)}
    assert missing == set(), "rules/*.smk names these functions: write them"
