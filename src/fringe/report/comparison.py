"""A comparison as lines for a terminal, as Markdown and as a page."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import product
from pathlib import Path

from fringe.files.atomic import atomic_path
from fringe.report.write import picture_in_html, table_in_html, table_in_markdown, write_page
from fringe.scores.adherence import protocol_notes
from fringe.scores.compared_protocol import judged_distances
from fringe.scores.comparison import (
    ClassShare,
    Comparison,
    Composition,
    Difference,
    Estimate,
    HistogramShare,
    NetworkDistances,
    Witness,
)
from fringe.scores.numbers import format_percent, format_value
from fringe.texts import markdown as in_markdown

__all__ = [
    "comparison_lines",
    "comparison_protocol_notes",
    "comparison_tables",
    "ranking_line",
    "verdict_lines",
    "write_comparison",
]

#: One more line names the page, so a comparison has fewer than 25 lines.
MOST_LINES = 23


def comparison_lines(comparison: Comparison) -> list[str]:
    """Return a comparison for a terminal, in fewer than 25 lines if it has at most nine models.

    The lines always contain the verdict of each model, the distances in FID's network, the ranking,
    the first limit and the first sentence on a protocol. Sentences, distances in other networks and
    other limits are added if there is room. The page has everything; the caller prints its path.
    """
    limits = [_wrapped(f"* {limit}", "", "  ") for limit in comparison.limits]
    notes = [_wrapped(note, "", "  ") for note in comparison_protocol_notes(comparison)]
    limits = notes[:1] + limits[:1] + notes[1:] + limits[1:]
    first = limits[: len(notes[:1]) + 1]
    lines = _result(comparison, MOST_LINES - sum(map(len, first)))
    for limit in limits:
        if len(lines) + len(limit) > MOST_LINES:
            break
        lines += limit
    return lines


def _result(comparison: Comparison, most: int) -> list[str]:
    """Return verdicts, distances and ranking, shortened to ``most`` lines if possible."""
    rows = [[*row[:4], row[5]] for row in _distance_rows(comparison)]  # without KID
    tables = [rows, rows[: len(rows) - len(_mean_rows(comparison))]]
    tables.append(rows[: 2 + len(comparison.models)])  # in FID's network
    ranking = [f"Ranking: {ranking_line(comparison)}"] if len(comparison.models) > 2 else []
    lines: list[str] = []
    for sentences, table in product((True, False), tables):
        lines = [*_verdicts(comparison, sentences), *_aligned(table), *ranking]
        if len(lines) <= most:
            break
    return lines


def _verdicts(comparison: Comparison, sentences: bool) -> Iterator[str]:
    of = "the FID of " if len(comparison.models) == 1 else ""
    for one in comparison.verdicts:
        yield f"Verdict on {of}{one.subject}: {one.word.upper()}"
        if sentences:
            yield from _wrapped(one.sentence, "  ")


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def verdict_lines(comparison: Comparison, page: os.PathLike[str]) -> list[str]:
    """Return a line for each verdict of a comparison; the line names ``page`` for details."""
    return [
        f"{comparison.name}: {one.subject}: {one.word} ({os.fspath(page)})"
        for one in comparison.verdicts
    ]


def write_comparison(
    comparison: Comparison,
    markdown: str | os.PathLike[str],
    html: str | os.PathLike[str],
    pictures: Mapping[str, str | os.PathLike[str]] | None = None,
) -> None:
    """Write a comparison as Markdown and as a page of HTML.

    ``pictures`` are PNG files of the classes of models, by the name of the model. The page embeds
    the pictures; the Markdown file links to them.
    """
    text, body = [f"# {in_markdown(comparison.name)}"], []
    for one in comparison.verdicts:
        text.append(f"**{in_markdown(one.subject)}: {one.word}.** {in_markdown(one.sentence)}")
        body.append(
            f"<p><strong>{escape(one.subject)}: {one.word}.</strong> {escape(one.sentence)}</p>"
        )
    if len(comparison.models) > 2:
        text.append(f"Ranking: {in_markdown(ranking_line(comparison))}")
        body.append(f"<p>Ranking: {escape(ranking_line(comparison))}</p>")
    for title, rows in comparison_tables(comparison):
        text += [f"## {in_markdown(title)}", table_in_markdown(rows)]
        body += [f"<h2>{escape(title)}</h2>", table_in_html(rows)]
    for model, path in (pictures or {}).items():
        title = f"Images of these classes: {comparison.models[0]} and {model}"
        place = Path(os.path.relpath(path, Path(markdown).parent)).as_posix()
        text += [f"## {in_markdown(title)}", f"![{in_markdown(title)}]({place})"]
        body += [f"<h2>{escape(title)}</h2>", picture_in_html(path, title)]
    if notes := comparison_protocol_notes(comparison):
        text += ["## Protocol", "\n".join(f"* {in_markdown(one)}" for one in notes)]
        body.append("<h2>Protocol</h2><ul>")
        body += [f"<li>{escape(one)}</li>" for one in notes]
        body.append("</ul>")
    limits = [f"* {in_markdown(one)}" for one in comparison.limits]
    text += ["## What this does not cover", "\n".join(limits)]
    body.append("<h2>What this does not cover</h2><ul>")
    body += [f"<li>{escape(one)}</li>" for one in comparison.limits]
    body.append("</ul>")
    with atomic_path(markdown) as partial:
        partial.write_text("\n\n".join(text) + "\n", encoding="utf-8")
    write_page(html, comparison.name, "\n".join(body))


def _wrapped(text: str, indent: str, further: str | None = None) -> list[str]:
    """Return a text as lines for a terminal."""
    following = indent if further is None else further
    return textwrap.wrap(text, 98, initial_indent=indent, subsequent_indent=following)


def ranking_line(comparison: Comparison) -> str:
    """Return the models in order of distance: "B < C = A", where = means too close to call."""
    text = comparison.ranking[0]
    tied = set(comparison.tied)
    for near, far in zip(comparison.ranking, comparison.ranking[1:], strict=False):
        text += f" {'=' if (near, far) in tied else '<'} {far}"
    return f"{text} (= means too close to call)" if tied else text


def comparison_protocol_notes(comparison: Comparison) -> list[str]:
    """Return sentences on which distances follow the run's protocol; none without a protocol."""
    return protocol_notes(judged_distances(comparison))


def comparison_tables(comparison: Comparison) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield each table of a comparison with its title; the first row is the head."""
    yield "Distances", _distance_rows(comparison)
    if len(comparison.models) > 1:
        yield (
            "Differences",
            [
                [
                    "network",
                    "",
                    "difference",
                    "95 % interval",
                    "relative to infinite images",
                    "relative MMD test",
                ],
                *(
                    _difference_row(found, difference)
                    for found in comparison.networks
                    for difference in found.differences
                ),
            ],
        )
    if comparison.compositions:
        yield (
            "Class histogram",
            [
                [
                    "",
                    "class histogram",
                    "within classes",
                    "classes of one model only",
                    "values in both orders",
                ],
                *(_composition_row(found) for found in comparison.compositions),
            ],
        )
    if comparison.histogram_shares:
        yield (
            "Class histogram of each model against the real images",
            [
                ["model", "part of the model's distance", "95 % interval", "classes"],
                *(
                    [
                        one.model,
                        format_value(one.share.value),
                        _interval(one.share),
                        f"{one.classes}, {_kind_of_classes(one)}",
                    ]
                    for one in comparison.histogram_shares
                ),
            ],
        )
    if comparison.prices:
        yield (
            "Price of the gain",
            [
                [
                    "",
                    "effective sample size",
                    "distance",
                    "target",
                    "lowest possible distance",
                    "change in controls",
                ],
                *(
                    [
                        f"{one.baseline} for {one.model}",
                        f"{100 * one.effective_share:.0f}%" if one.reached else "not reached",
                        format_value(one.distance),
                        format_value(one.target),
                        format_value(one.lower_bound),
                        "; ".join(
                            f"{each.network} {format_percent(each.relative)} ({one.model}: "
                            f"{format_percent(each.relative_of_model)})"
                            for each in one.reactions
                        ),
                    ]
                    for one in comparison.prices
                ),
            ],
        )
    for model, shares in comparison.class_shares.items():
        yield (
            f"Classes: {model} minus {comparison.models[0]}",
            [
                ["class", model, comparison.models[0], "real", "part of the difference"],
                *(_class_row(one) for one in shares),
            ],
        )
    if comparison.witnesses:
        yield (
            "Controls",
            [
                [
                    "control",
                    "is a judge",
                    "reason if not",
                    "what it would have seen",
                    "reweighted real images, times the floor",
                ],
                *(
                    [
                        one.title,
                        _judging(one),
                        one.reason,
                        one.sees or "not measured",
                        "; ".join(
                            f"{model} {ratio:.2f}" for model, ratio in found.reweighted_real.items()
                        ),
                    ]
                    for one, found in zip(
                        comparison.witnesses, comparison.networks[1:], strict=True
                    )
                ),
            ],
        )


def _judging(witness: Witness) -> str:
    if not witness.judges:
        return "no"
    return "only if its distance changes" if witness.has_power is False else "yes"


def _mean_rows(comparison: Comparison) -> list[list[str]]:
    """Return the mean ratio to the floor of each model, if there are several networks."""
    if len(comparison.networks) < 2:
        return []
    return [
        ["all networks, mean", model, "", "", "", _with_error(found)]
        for model, found in comparison.floor_ratios.items()
    ]


def _distance_rows(comparison: Comparison) -> list[list[str]]:
    head = ["network", "model", "distance", "infinite images", "KID ×10³", "times the floor"]
    rows = [row for found in comparison.networks for row in _network_rows(found)]
    return [head, *rows, *_mean_rows(comparison)]


def _network_rows(found: NetworkDistances) -> Iterator[list[str]]:
    """Yield the distance of each model in one network, and the floor."""
    for model, about in found.models.items():
        yield [
            found.title,
            model,
            _with_error(about.distance),
            format_value(about.infinity.value),
            _with_error(about.kid, 1000),
            _with_error(about.floor_ratio) + (" (below)" if about.below_floor else ""),
        ]
    floor = found.floor
    yield [found.title, f"floor, n = {floor.n}", _with_error(floor.distance), "", "", ""]


def _difference_row(found: NetworkDistances, difference: Difference) -> list[str]:
    return [
        found.title,
        f"{difference.model} minus {difference.baseline}",
        format_value(difference.distance.value),
        _interval(difference.distance),
        format_percent(difference.relative.value),
        f"z = {format_value(difference.kernel.z, decimals=1)}, p = {difference.kernel.p:.2g}",
    ]


def _kind_of_classes(found: HistogramShare) -> str:
    """Return the kind of classes: labels or Top-1 classes, with the network if not FID's."""
    if found.given:
        return "given"
    return f"Top-1 of {found.classified_by}" if found.classified_by else "Top-1"


def _composition_row(found: Composition) -> list[str]:
    orders = zip(found.composition_orders, found.within_orders, strict=True)
    return [
        f"{found.model} minus {found.baseline}",
        _with_error(found.composition),
        _with_error(found.within),
        "" if found.support is None else _with_error(found.support),
        "; ".join(f"{format_value(a)} and {format_value(b)}" for a, b in orders),
    ]


def _class_row(found: ClassShare) -> list[str]:
    real = "" if found.real_share is None else f"{100 * found.real_share:.1f}%"
    return [
        found.name,
        f"{100 * found.model_share:.1f}%",
        f"{100 * found.baseline_share:.1f}%",
        real,
        _with_error(found.contribution),
    ]


def _interval(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return found.note
    return f"{format_value(found.low)} to {format_value(found.high)}"


def _with_error(found: Estimate, scale: float = 1) -> str:
    error = float("nan") if found.error is None else found.error
    return format_value(scale * found.value, scale * error)
