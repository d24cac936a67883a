"""The paper's exhibits with a run's results: pictures, tables, and the paper's numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fringe.page.anchors import anchor
from fringe.page.content import ExhibitEntry, Link, Table
from fringe.page.pictures import Encoded, picture
from fringe.page.published import Published, compared

__all__ = ["exhibit_entries"]


def exhibit_entries(
    exhibits: Sequence[Mapping[str, Any]],
    *,
    tables: Mapping[str, Table],
    pictures: Mapping[str, Encoded],
    facts: Mapping[str, str],
    published: Mapping[str, Sequence[Published]],
    seed: str,
) -> list[ExhibitEntry]:
    """Return exhibits in their order.

    Parameters
    ----------
    exhibits : sequence of mapping
        The exhibits of `fringe.plan.exhibit_params.write_index`.
    tables : mapping
        The tables as shown, by stem.
    pictures : mapping
        The picture of each figure, by stem.
    facts : mapping
        The numbers that a figure shows, as a sentence, by stem.
    published : mapping
        The paper's numbers and ours, by stem.
    seed : str
        The seed of all draws.
    """
    return [
        _entry(one, tables, pictures, facts, published.get(one["stem"], ()), seed)
        for one in exhibits
    ]


def _entry(
    about: Mapping[str, Any],
    tables: Mapping[str, Table],
    pictures: Mapping[str, Encoded],
    facts: Mapping[str, str],
    published: Sequence[Published],
    seed: str,
) -> ExhibitEntry:
    stem = about["stem"]
    links = tuple(Link(place, text) for place, text in about["links"])
    seen = " ".join(filter(None, (about["seen"], facts.get(stem, ""))))
    return ExhibitEntry(
        key=anchor("exhibit", stem),
        name=about["name"],
        of=about["of"],
        caption=about["caption"],
        pictures=(picture(pictures[stem], alt=seen),) if about["picture"] else (),
        tables=(tables[stem],) if stem in tables else (),
        numbers=tuple(compared(published, seed)),
        differs=tuple(about["differs"]),
        links=links,
    )
