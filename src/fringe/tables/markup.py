"""The printed form of a table as Markdown, LaTeX and HTML."""

from html import escape

from fringe.tables.lines import Entry, Header, Layout, Line
from fringe.texts import markdown

__all__ = ["html_of", "latex_of", "markdown_of"]


def markdown_of(layout: Layout) -> str:
    """Return a table as GitHub Markdown: caption, table, notes."""
    heads = [layout.corner, *(_markdown_header(header) for header in layout.headers)]
    lines = [
        f"**Table {layout.number}.** {markdown(layout.caption)}",
        "",
        _bar(heads),
        _bar(["---", *["---:"] * len(layout.headers)]),
    ]
    for line in layout.lines:
        italic = line.kind != "ours"
        cells = [_markdown_entry(entry, italic) for entry in (Entry(line.label), *line.cells)]
        lines.append(_bar(cells))
    lines += [""] + [f"{markdown(note)}  " for note in layout.notes]
    return "\n".join(lines) + "\n"


def _bar(cells: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_entry(entry: Entry, italic: bool) -> str:
    # Markdown has no grey text, so brackets mark the entry.
    text = rf"\[{entry.text}\]" if entry.mark else markdown(entry.text)
    text = f"*{text}*" if italic and text else text
    return f"{text}<sup>{entry.mark}</sup>" if entry.mark else text


def _markdown_header(header: Header) -> str:
    below = f"<sub>{markdown(header.below)}</sub>" if header.below else ""
    above = f"<sup>{markdown(header.above)}</sup>" if header.above else ""
    return f"{markdown(header.base)}{below}{above}{header.after}"


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "±": r"$\pm$",
    "−": r"$-$",
    "×": r"$\times$",
    "³": r"$^3$",
    "†": r"$^\dagger$",
    "γ": r"$\gamma$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "–": "--",
}


def latex_of(layout: Layout) -> str:
    """Return a table as LaTeX; the preamble needs ``\\usepackage{booktabs,xcolor}``."""
    heads = [layout.corner, *(_latex_header(header) for header in layout.headers)]
    lines = [
        r"\begin{table}",
        r"  \centering",
        r"  \small",
        r"  \setlength{\tabcolsep}{4pt}",
        rf"  \caption{{{_latex(layout.caption)}}}",
        rf"  \label{{tab:fringe-{layout.number}}}",
        rf"  \begin{{tabular}}{{l{'r' * len(layout.headers)}}}",
        r"    \toprule",
        f"    {' & '.join(heads)} \\\\",
        r"    \midrule",
        *(f"    {_latex_line(line)} \\\\" for line in layout.lines),
        r"    \bottomrule",
        r"  \end{tabular}",
        "",
        r"  \smallskip",
        *(rf"  {{\footnotesize {_latex(note)}\par}}" for note in layout.notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _latex_line(line: Line) -> str:
    italic = line.kind != "ours"
    cells = [_latex_entry(entry, italic) for entry in (Entry(line.label), *line.cells)]
    # Without a guard, the \\ of the previous line would read a bracket or a star as its argument.
    guard = "{}" if cells[0].startswith(("[", "*")) else ""
    return ("\\quad " if italic else guard) + " & ".join(cells)


def _latex_entry(entry: Entry, italic: bool) -> str:
    text = _latex(f"[{entry.text}]" if entry.mark else entry.text)
    text = rf"\emph{{{text}}}" if italic and text else text
    if not entry.mark:
        return text
    return rf"\textcolor{{gray}}{{{text}\textsuperscript{{{entry.mark}}}}}"


def _latex_header(header: Header) -> str:
    below = rf"\textsubscript{{{_latex(header.below)}}}" if header.below else ""
    above = rf"\textsuperscript{{{_latex(header.above)}}}" if header.above else ""
    return _latex(header.base) + below + above + _latex(header.after)


_CSS = """
body { font: 15px/1.45 "DejaVu Sans", Verdana, sans-serif; margin: 1.5em; }
body { color: #111; background: #fff; }
div { overflow-x: auto; }
table { border-collapse: collapse; border-top: 2px solid #111; border-bottom: 2px solid #111; }
caption { text-align: left; max-width: 60em; padding-bottom: .6em; }
th, td { padding: .3em .7em; text-align: right; white-space: nowrap; font-weight: normal; }
th:first-child { text-align: left; }
thead th { border-bottom: 1px solid #111; vertical-align: bottom; }
tr.error, tr.filled, tr.paper, tr.deviation { color: #333; font-style: italic; }
td.differs { color: #767676; }
tr.error th, tr.filled th, tr.paper th, tr.deviation th { padding-left: 1.8em; }
sub, sup { line-height: 0; }
p { font-size: 13px; max-width: 60em; margin: .4em 0; color: #333; }
"""


def html_of(layout: Layout) -> str:
    """Return a table as a self-contained HTML page."""
    heads = "".join(f'<th scope="col">{_html_header(header)}</th>' for header in layout.headers)
    body = "\n".join(_html_line(line) for line in layout.lines)
    notes = "\n".join(f"<p>{escape(note)}</p>" for note in layout.notes)
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Table {layout.number}</title><style>{_CSS}</style></head>
<body>
<div><table>
<caption><strong>Table {layout.number}.</strong> {escape(layout.caption)}</caption>
<thead><tr><th scope="col">{escape(layout.corner)}</th>{heads}</tr></thead>
<tbody>
{body}
</tbody>
</table></div>
{notes}
</body>
</html>
"""


def _html_line(line: Line) -> str:
    cells = "".join(map(_html_entry, line.cells))
    return f'<tr class="{line.kind}"><th scope="row">{escape(line.label)}</th>{cells}</tr>'


def _html_entry(entry: Entry) -> str:
    if not entry.mark:
        return f"<td>{escape(entry.text)}</td>"
    return f'<td class="differs">[{escape(entry.text)}]<sup>{entry.mark}</sup></td>'


def _html_header(header: Header) -> str:
    below = f"<sub>{escape(header.below)}</sub>" if header.below else ""
    above = f"<sup>{escape(header.above)}</sup>" if header.above else ""
    return f"{escape(header.base)}{below}{above}{escape(header.after)}"
