"""The table of the page's chapter Deviations that says which numbers follow a protocol."""

from collections.abc import Iterable

from fringe.page.content import Row, Table
from fringe.scores.adherence import Judged
from fringe.scores.named_protocols import named_protocol

__all__ = ["protocol_tables"]


def protocol_tables(name: str, found: Iterable[Judged]) -> list[Table]:
    """Return how each number stands to the protocol ``name``, as a table; none without numbers.

    A number that several exhibits show stands there once.
    """
    about = named_protocol(name)
    numbers = list(dict.fromkeys(found))
    if not numbers:
        return []
    rows = (Row(one.of, (one.label, one.text)) for one in numbers)
    return [
        Table(
            caption=f"Protocol {name} ({about.title}): which numbers of this run follow it.",
            head=("Data set or model", "Number", "Follows"),
            rows=tuple(rows),
            notes=(
                f"As {about.source} has it. docs/protocols.md says what each protocol fixes. What "
                "its source does not fix cannot differ.",
            ),
        )
    ]
