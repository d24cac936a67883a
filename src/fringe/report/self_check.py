"""The page that compares our first numbers with those of the released code."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from fringe.files.atomic import atomic_path
from fringe.files.regular import read_text
from fringe.report.write import table_in_html, table_in_markdown, write_page
from fringe.scores.self_check import Check
from fringe.scores.titles import title_of
from fringe.texts import markdown as in_markdown
from fringe.texts import unmarked

__all__ = ["self_check_line", "write_self_check"]

_PASSED = "PASSED: every first number of the released code agrees with ours within its tolerance."


def write_self_check(
    checks: Mapping[str, Sequence[Check]],
    markdown: str | os.PathLike[str],
    html: str | os.PathLike[str],
) -> None:
    """Write the checks of each data set, by its title, as Markdown and as a page of HTML."""
    line = _line(checks)
    text = [f"# Self-check\n\n{in_markdown(line)}"]
    body = [f"<p><strong>{escape(line)}</strong></p>"]
    for title, found in checks.items():
        rows = [
            ["number", "released", "ours", "deviation", "tolerance", "", "why this tolerance"],
            *(_row(one) for one in found),
        ]
        counts = _counts(found)
        text.append(f"## {in_markdown(title)}\n\n{table_in_markdown(rows)}\n\n{counts}")
        body.append(f"<h2>{escape(title)}</h2>\n{table_in_html(rows)}\n<p>{counts}</p>")
    with atomic_path(markdown) as partial:
        partial.write_text("\n\n".join(text) + "\n", encoding="utf-8")
    write_page(html, "Self-check", "\n".join(body))


def self_check_line(markdown: str | os.PathLike[str]) -> str | None:
    """Return the page's one-line summary; None if no page exists."""
    path = Path(markdown)
    return unmarked(read_text(path).splitlines()[2]) if path.is_file() else None


def _line(checks: Mapping[str, Sequence[Check]]) -> str:
    failed = [f"{one.name} of {title}" for title, found in checks.items() for one in found
              if not one.passes]  # fmt: skip
    if not failed:
        return _PASSED
    return (
        f"FAILED: {', '.join(failed)}. The images, generator or networks differ from those of the "
        "released code: check the images' filter, the files' digests and the order of the images."
    )


def _row(one: Check) -> list[str]:
    name = "loss at equal weights" if one.name == "loss" else f"distance, {title_of({}, one.name)}"
    ours = f"{one.value:.5f}" if one.name == "loss" else f"{one.value:.3f} ± {one.std:.3f}"
    return [
        name,
        f"{one.published:g}",
        ours,
        f"{one.value - one.published:+.3f} ({one.value / one.published - 1:+.1%})",
        f"{one.tolerance:.3f}",
        "passed" if one.passes else "FAILED",
        one.reason,
    ]


def _counts(found: Sequence[Check]) -> str:
    one = found[0]
    text = f"{one.n_real:,} real images, {one.n_candidates:,} candidates at equal weights."
    drawn = [check for check in found if check.draws]
    if drawn:
        text += (
            f" As in the released code, a distance is the smallest of 3 draws of "
            f"{drawn[0].n_drawn:,} images with replacement. Ours is the mean over "
            f"{drawn[0].draws // 3} such minima (seed {drawn[0].seed}), ± the standard deviation "
            "of one draw."
        )
    return text
