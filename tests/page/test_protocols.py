"""Tests of the page's table of numbers that follow a protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from fringe.page.build import render_index
from fringe.page.collect import collect
from fringe.page.protocols import protocol_tables
from fringe.scores.adherence import Judged

from .run_files import config, write_run


@pytest.mark.parametrize("name", [None, "adm"])
def test_the_chapter_deviations_lists_numbers_if_the_run_names_a_protocol(
    tmp_path: Path, name: str | None
) -> None:
    about, files = write_run(tmp_path, config() | ({"protocol": name} if name else {}))
    content = collect(about, files)
    page = render_index(content)
    notes = [text for one in content.answers for text in one.details if "protocol adm" in text]
    if name is None:
        assert content.protocols == ()
        assert "protocol adm" not in page
        assert notes == []
        return
    (table,) = content.protocols
    assert table.head == ("Data set or model", "Number", "Follows")
    found = {(row.label, *row.cells) for row in table.rows}
    assert len(found) == len(table.rows), "each number is listed once"
    by_number = {label: follows for _, label, follows in found}
    fid = by_number["FID (Inception-V3)"]
    assert fid.startswith("protocol adm, except ")
    assert "generated images (adm: 50,000)" in fid
    assert by_number["KID (Inception-V3)"].endswith("which does not have this metric")
    assert by_number["FID (CLIP)"].endswith("which has this metric only in inception")
    assert by_number["FID (Inception-V3), PL"].endswith("which does not resample images")
    assert "Protocol adm (ADM&#39;s evaluation suite)" in page
    assert len(notes) >= 1
    assert any("Table S2" in one.name for one in content.exhibits), "metrics of the protocol"


def test_a_number_of_two_exhibits_is_listed_once() -> None:
    numbers = [Judged("Cats", "FID", "protocol adm")] * 2
    (table,) = protocol_tables("adm", numbers)
    assert len(table.rows) == 1
    assert protocol_tables("adm", []) == []
