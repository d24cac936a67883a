"""The tutorial: the page has the code of the notebook, and the notebook runs."""

from __future__ import annotations

import runpy
from pathlib import Path

import jupytext
import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "site" / "tutorial.py"))


def test_the_page_has_the_cells_of_the_notebook() -> None:
    page = SCRIPT["PAGE"].read_text()
    cells = jupytext.read(SCRIPT["SOURCE"]).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    assert SCRIPT["code_of"](page) == code, "run: python docs/site/tutorial.py"
    for cell in cells:
        assert cell.source in page, "run: python docs/site/tutorial.py"


@pytest.mark.long
def test_the_tutorial_runs_and_the_control_does_not_follow_fid() -> None:
    text, pictures = SCRIPT["page_of"](SCRIPT["executed"]())
    assert "The control does not follow" in text.rpartition("```text")[2]
    assert len(pictures) == 1
