"""The page on the cost of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path

from fringe.costs.actual import Actual, JobCost, remarks, rule_rows
from fringe.costs.text import format_seconds
from fringe.files.atomic import atomic_path
from fringe.report.write import write_page

__all__ = ["write_cost"]

_TABLE = """<style>
table { border-collapse: collapse; margin: 1em 0; }
th, td { padding: 0.2em 0.9em; text-align: right; }
th:first-child, td:first-child { text-align: left; }
th { border-bottom: 1px solid; font-weight: normal; font-style: italic; }
tr.sum td { border-top: 1px solid; }
</style>"""


def write_cost(
    actual: Actual, markdown: str | os.PathLike[str], html: str | os.PathLike[str]
) -> None:
    """Write the cost of a run, by rule, and its longest path as Markdown and as a page of HTML."""
    rows = rule_rows(actual)
    links = [
        ["job", "time"],
        *([_name(item), format_seconds(item.seconds)] for item in actual.chain),
        ["sum", format_seconds(actual.path)],
    ]
    path = (
        f"{format_seconds(actual.path)}. More machines do not make this path shorter, because each "
        "of these jobs waits for the previous job."
    )
    with atomic_path(markdown) as partial:
        partial.write_text(
            "\n\n".join(
                [
                    *("# Cost", _in_markdown(rows), *remarks(actual)),
                    *("## Longest path", path, _in_markdown(links)),
                ]
            )
            + "\n",
            encoding="utf-8",
        )
    sentences = "\n".join(f"<p>{escape(sentence)}</p>" for sentence in remarks(actual))
    write_page(
        html,
        "Cost",
        f"{_TABLE}\n{_in_html(rows)}\n{sentences}\n"
        f"<h2>Longest path</h2>\n<p>{escape(path)}</p>\n{_in_html(links)}",
    )


def _name(item: JobCost) -> str:
    """Return a job's rule and wildcards, both from the path of its benchmark file."""
    _, rule, *others = Path(item.job.name).with_suffix("").parts
    return f"{rule} {Path(*others).as_posix()}" if others else rule


def _in_markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *others = rows
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *others])


def _in_html(rows: Sequence[Sequence[str]]) -> str:
    """Return a table. Its first row is the head, its last row the sum."""
    head, *others, last = rows

    def line(row: Sequence[str], tag: str = "td") -> str:
        return "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)

    lines = [
        f"<tr>{line(head, 'th')}</tr>",
        *(f"<tr>{line(row)}</tr>" for row in others),
        f'<tr class="sum">{line(last)}</tr>',
    ]
    return "\n".join(["<table>", *lines, "</table>"])
