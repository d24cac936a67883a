"""The exhibits of the paper as a run has them: pictures, tables, and the paper's numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fringe.page.anchors import anchor
from fringe.page.content import ExhibitEntry, Link
from fringe.page.pictures import Encoded, picture
from fringe.page.printed_tables import shown_table
from fringe.page.published import Published, compared
from fringe.tables.remarks import null_space_remarks

__all__ = ["exhibit_entries"]


def exhibit_entries(
    exhibits: Sequence[Mapping[str, Any]],
    *,
    tables: Mapping[str, pd.DataFrame],
    pictures: Mapping[str, Encoded],
    facts: Mapping[str, str],
    published: Mapping[str, Sequence[Published]],
    seed: str,
    classifier: str = "",
) -> list[ExhibitEntry]:
    """Return exhibits in their order.

    Parameters
    ----------
    exhibits : sequence of mapping
        `fringe.plan.exhibit_params.write_index`'s.
    tables : mapping
        The rows of each table, by stem (`fringe.page.printed_tables.read_table`).
    pictures : mapping
        The picture of each figure, by stem.
    facts : mapping
        By stem, what is seen in a figure, in numbers.
    published : mapping
        By stem, the numbers that the paper prints, next to ours.
    seed : str
        That of all draws.
    classifier : str
        Title of the network that counts classes, if it is not that of FID.
    """
    return [
        _entry(one, tables, pictures, facts, published.get(one["stem"], ()), seed, classifier)
        for one in exhibits
    ]


def _entry(
    about: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    pictures: Mapping[str, Encoded],
    facts: Mapping[str, str],
    published: Sequence[Published],
    seed: str,
    classifier: str,
) -> ExhibitEntry:
    stem = about["stem"]
    links = tuple(Link(place, text) for place, text in about["links"])
    shown = []
    if stem in tables:
        table = tables[stem]
        notes = null_space_remarks(table) if about["name"] == "Table 2" else []
        shown = [shown_table(table, seed=seed, notes=notes, classifier=classifier)]
    seen = " ".join(filter(None, (about["seen"], facts.get(stem, ""))))
    return ExhibitEntry(
        key=anchor("exhibit", stem),
        name=about["name"],
        of=about["of"],
        caption=about["caption"],
        pictures=(picture(pictures[stem], alt=seen),) if about["picture"] else (),
        tables=tuple(shown),
        numbers=tuple(compared(published, seed)),
        differs=tuple(about["differs"]),
        links=links,
    )
