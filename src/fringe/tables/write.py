"""Writers of tables as CSV, Markdown, LaTeX and HTML."""

import os
from collections.abc import Callable, Sequence

import pandas as pd

from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.tables.asked import lay_out_asked
from fringe.tables.build import TABLE_COLUMNS
from fringe.tables.lines import Layout, lay_out
from fringe.tables.markup import html_of, latex_of, markdown_of

__all__ = ["to_csv", "to_html", "to_latex", "to_markdown", "write_asked_table", "write_table"]

PathLike = str | os.PathLike[str]


def write_table(
    table: pd.DataFrame,
    csv: PathLike | None = None,
    markdown: PathLike | None = None,
    latex: PathLike | None = None,
    html: PathLike | None = None,
    notes: Sequence[str] = (),
    *,
    classifier: str = "",
) -> None:
    """Write a table in each format whose path is given.

    ``notes`` follow the table in all formats except CSV. ``classifier`` is the title of the network
    that counts classes, if it is not FID's network.

    CSV contains the tidy rows in full precision; an undefined number is an empty field. The other
    formats have the paper's layout: LaTeX is a ``table`` that needs only the packages booktabs and
    xcolor, HTML is a self-contained page.

    Raises
    ------
    FringeError
        If ``table`` is not a result of `table1`, `table2` or `table3`, or a file cannot be written.
    """
    if table.empty or list(table.columns) != list(TABLE_COLUMNS):
        raise FringeError(
            f"table: columns {', '.join(map(str, table.columns)) or 'none'}; "
            "give a result of table1, table2 or table3"
        )
    layout = lay_out(table, notes, classifier=classifier)
    _write(table, layout, csv, markdown, latex, html)


def write_asked_table(
    table: pd.DataFrame,
    csv: PathLike,
    markdown: PathLike,
    latex: PathLike,
    html: PathLike,
    notes: Sequence[str] = (),
) -> None:
    """Write a result of `asked_table` in the same formats as `write_table`.

    Raises
    ------
    FringeError
        If a file cannot be written.
    """
    _write(table, lay_out_asked(table, notes), csv, markdown, latex, html)


def _write(
    table: pd.DataFrame,
    layout: Layout,
    csv: PathLike | None,
    markdown: PathLike | None,
    latex: PathLike | None,
    html: PathLike | None,
) -> None:
    """Write the tidy rows as CSV and the layout in the other formats, if their paths are given."""
    writers: list[tuple[PathLike | None, Callable[[], str]]] = [
        (csv, lambda: to_csv(table)),
        (markdown, lambda: markdown_of(layout)),
        (latex, lambda: latex_of(layout)),
        (html, lambda: html_of(layout)),
    ]
    for path, render in writers:
        if path is not None:
            with atomic_path(path) as partial:
                partial.write_text(render(), encoding="utf-8", newline="\n")


def to_csv(table: pd.DataFrame) -> str:
    """Return the tidy rows in full precision; an undefined number is an empty field."""
    return str(table.to_csv(index=False, lineterminator="\n"))


def to_markdown(table: pd.DataFrame, notes: Sequence[str] = (), classifier: str = "") -> str:
    """Return the table as GitHub Markdown: caption, table, notes."""
    return markdown_of(lay_out(table, notes, classifier=classifier))


def to_latex(table: pd.DataFrame, notes: Sequence[str] = (), classifier: str = "") -> str:
    """Return the table as LaTeX; the preamble needs ``\\usepackage{booktabs,xcolor}``."""
    return latex_of(lay_out(table, notes, classifier=classifier))


def to_html(table: pd.DataFrame, notes: Sequence[str] = (), classifier: str = "") -> str:
    """Return the table as a self-contained HTML page."""
    return html_of(lay_out(table, notes, classifier=classifier))
