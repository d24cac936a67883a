"""The page that lists what a run left out because files are missing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from fringe.files.atomic import atomic_path
from fringe.files.regular import read_text
from fringe.plan.omission import summarize
from fringe.report.write import table_in_html, table_in_markdown, write_page
from fringe.texts import markdown as in_markdown
from fringe.texts import unmarked

__all__ = ["left_out_line", "write_left_out"]

_NOTHING = "Nothing is left out: every file that the configuration names exists."


def write_left_out(
    left_out: Mapping[str, Any] | None,
    markdown: str | os.PathLike[str],
    html: str | os.PathLike[str],
) -> None:
    """Write the list of what a run left out as Markdown and as a page of HTML.

    Parameters
    ----------
    left_out : mapping or None
        The result of `fringe.plan.omission.describe_omissions`; None if nothing is left out.
    markdown, html : path
        The files to write.
    """
    parts: list[tuple[str, Sequence[Sequence[str]]]] = []
    if left_out:
        parts = [("Exhibits", _exhibit_rows(left_out)), ("Files", _file_rows(left_out))]
    line = summarize(left_out) if left_out else _NOTHING
    text = [f"# Left out\n\n{in_markdown(line)}"]
    body = [f"<p>{escape(line)}</p>"]
    for title, rows in parts:
        text.append(f"## {title}\n\n{table_in_markdown(rows)}")
        body.append(f"<h2>{escape(title)}</h2>\n{table_in_html(rows)}")
    with atomic_path(markdown) as partial:
        partial.write_text("\n\n".join(text) + "\n", encoding="utf-8")
    write_page(html, "Left out", "\n".join(body))


def left_out_line(markdown: str | os.PathLike[str]) -> str | None:
    """Return the page's one-line summary; None if nothing is left out or no page exists."""
    path = Path(markdown)
    if not path.is_file():
        return None
    line = unmarked(read_text(path).splitlines()[2])
    return None if line == _NOTHING else line


def _exhibit_rows(left_out: Mapping[str, Any]) -> list[list[str]]:
    return [
        ["left out", "because these files are missing"],
        *([one["what"], ", ".join(one["because"])] for one in left_out["exhibits"]),
    ]


def _file_rows(left_out: Mapping[str, Any]) -> list[list[str]]:
    return [
        ["named by", "expected at", "how to get it"],
        *(
            [one["key"], one["path"], one["origin"] or "The configuration does not say."]
            for one in left_out["files"]
        ),
    ]
