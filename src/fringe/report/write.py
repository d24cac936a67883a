"""Writers of verdicts, of deviations from the paper, and of pages of HTML."""

import base64
import os
import re
from collections.abc import Mapping, Sequence
from html import escape

from fringe.files.atomic import atomic_path
from fringe.files.regular import read_regular
from fringe.report.null_spaces import null_space_rows
from fringe.report.verdicts import Verdict
from fringe.texts import markdown as in_markdown

__all__ = [
    "picture_in_html",
    "table_in_html",
    "table_in_markdown",
    "write_deviations",
    "write_page",
    "write_verdicts",
]

_STYLE = 'font: 15px/1.6 "DejaVu Sans", Verdana, sans-serif; margin: 2em; max-width: 50em'

_LARGEST_PICTURE = 64 << 20  # bytes

_DEVIATIONS = "Where this run differs from the paper"
_INTRODUCTION = (
    "This page lists the differences that apply to the exhibits, networks and data sets of this "
    "run, and what the paper leaves open. docs/paper.md lists all differences."
)


def write_verdicts(
    verdicts: Sequence[Verdict],
    markdown: str | os.PathLike[str],
    html: str | os.PathLike[str],
) -> None:
    """Write verdicts as Markdown and as a page of HTML, a heading for each data set."""
    text = "\n\n".join(
        f"## {in_markdown(one.title)}\n\n"
        + "\n".join(map(in_markdown, one.sentences))
        + "".join(f"\n\n{table_in_markdown(rows)}" for rows in _null_spaces(one))
        for one in verdicts
    )
    with atomic_path(markdown) as partial:
        partial.write_text(f"# Verdict\n\n{text}\n", encoding="utf-8")
    body = "\n".join(
        f"<h2>{escape(one.title)}</h2>\n"
        + "\n".join(f"<p>{escape(sentence)}</p>" for sentence in one.sentences)
        + "".join(f"\n{table_in_html(rows)}" for rows in _null_spaces(one))
        for one in verdicts
    )
    write_page(html, "Verdict", body)


def _null_spaces(found: Verdict) -> list[list[list[str]]]:
    """Return a list with the table of null spaces; an empty list if none was requested."""
    return [null_space_rows(found.null_spaces, found.counted_by)] if found.null_spaces else []


def write_deviations(
    deviations: Sequence[Mapping[str, str]],
    markdown: str | os.PathLike[str],
    html: str | os.PathLike[str],
) -> None:
    """Write a run's deviations from the paper as Markdown and as a page of HTML.

    Each of ``deviations`` is a result of `fringe.plan.deviations.Deviation.to_plain`.
    """
    labels = {"paper": "The paper", "code": "Its released code", "ours": "Here", "why": "Why"}
    parts = [f"# {_DEVIATIONS}", _INTRODUCTION]
    body = [f"<p>{escape(_INTRODUCTION)}</p>"]
    for one in deviations:
        texts = {"Exhibits": f"{one['exhibits']}."}
        texts |= {label: one[name] for name, label in labels.items()}
        parts.append(f"## {one['topic']}")
        parts.append("\n".join(f"* {label}: {text}" for label, text in texts.items()))
        body.append(f"<h2>{escape(one['topic'])}</h2>")
        body += [
            f"<p><strong>{escape(label)}.</strong> {_with_code(text)}</p>"
            for label, text in texts.items()
        ]
    with atomic_path(markdown) as partial:
        partial.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    write_page(html, _DEVIATIONS, "\n".join(body))


def write_page(path: str | os.PathLike[str], title: str, body: str) -> None:
    """Write a self-contained page of HTML; ``body`` is the HTML below its heading."""
    with atomic_path(path) as partial:
        partial.write_text(
            '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{escape(title)}</title></head>\n<body style='{_STYLE}'>\n"
            f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n",
            encoding="utf-8",
        )


def table_in_markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table of texts as Markdown; the first row is the head."""
    head, *others = ([*map(in_markdown, row)] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *others])


def picture_in_html(path: str | os.PathLike[str], title: str) -> str:
    """Return a PNG file as self-contained HTML, at most as wide as the page."""
    data = base64.b64encode(read_regular(path, _LARGEST_PICTURE)).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{escape(title)}" style="max-width: 100%">'


def table_in_html(rows: Sequence[Sequence[str]]) -> str:
    """Return a table of texts as HTML; the first row is the head."""
    cell = "padding: 0.2em 0.9em; text-align: left; vertical-align: top"

    def line(row: Sequence[str], tag: str) -> str:
        cells = (f"<{tag} style='{cell}'>{escape(text)}</{tag}>" for text in row)
        return f"<tr>{''.join(cells)}</tr>"

    head, *others = rows
    lines = [line(head, "th"), *(line(r, "td") for r in others)]
    # A table that is wider than the page scrolls on its own.
    return "\n".join(["<div style='overflow-x: auto'><table>", *lines, "</table></div>"])


def _with_code(text: str) -> str:
    """Return a text as HTML; names of code between backticks become ``<code>``."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))
