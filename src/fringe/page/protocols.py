"""The table of numbers that follow a protocol, in the page's chapter Deviations."""

from collections.abc import Iterable

from fringe.page.content import Row, Table
from fringe.scores.adherence import Judged
from fringe.scores.named_protocols import named_protocol

__all__ = ["protocol_tables"]


def protocol_tables(name: str, found: Iterable[Judged]) -> list[Table]:
    """Return the table that compares each number with the protocol ``name``.

    The list is empty without numbers. A number that several exhibits show is listed once.
    """
    protocol = named_protocol(name)
    numbers = list(dict.fromkeys(found))
    if not numbers:
        return []
    rows = (Row(one.of, (one.label, one.text)) for one in numbers)
    return [
        Table(
            caption=f"Protocol {name} ({protocol.title}): which numbers of this run follow it.",
            head=("Data set or model", "Number", "Follows"),
            rows=tuple(rows),
            notes=(
                f"Source of the protocol: {protocol.source}. docs/protocols.md says what each "
                "protocol fixes. What the source does not fix is not compared.",
            ),
        )
    ]
